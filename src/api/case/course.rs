//! Doors of a case's course: acceptance, its steps, decision and end, and mistakes put right.

use super::acted::{Acted, acted};
use super::once;
use crate::access::{By, CaseHandler, CaseParty};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::Text;
use crate::domain::case::{self, Handing, Move, No};
use crate::domain::review;
use entity::Id;
use entity::case::NegativeCause;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Course;

/// A refusal to accept.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RefuseInput {
    /// Why, in words for the applicant.
    ground: Text,
    /// Why, in the law's kinds; `unqualified` if left out.
    cause: Option<NegativeCause>,
    /// The provision it rests on; what the guide rests on, if left out.
    basis: Option<Text>,
    /// Where the applicant is to go; needed where it is another's.
    elsewhere: Option<Text>,
}

/// A decision.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct DecideInput {
    /// Granted or denied.
    grant: bool,
    /// Why, needed for a denial.
    ground: Option<Text>,
    /// The provision a denial rests on; what the guide rests on, if left out.
    basis: Option<Text>,
    /// Where the applicant may go instead.
    elsewhere: Option<Text>,
}

/// What was found in a step.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct FinishInput {
    /// The opinion; staff alone read it.
    words: Option<Text>,
}

/// Why.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct GroundInput {
    /// In words for the applicant.
    ground: Text,
}

/// A mistake.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct AmendInput {
    /// The event that was a mistake.
    event_id: Id,
    /// What was wrong in it, and what is right; the applicant reads it.
    words: Text,
    /// It is undone, and the case goes on from where it stood before.
    undo: Option<bool>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Course {
    /// Accept a case that was received; its limit begins
    #[oai(path = "/cases/:number/accept", method = "post", operation_id = "accept_case")]
    async fn accept_case(&self, who: By<CaseHandler>, number: Path<String>) -> Answer<Json<Acted>> {
        once(&who, "accept_case", number.0.clone(), async |act| case::advance(act, &number.0, &Move::Accept).await)
            .await
    }

    /// Do not accept a case, with the ground
    #[oai(path = "/cases/:number/refuse", method = "post", operation_id = "refuse_case")]
    async fn refuse_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<RefuseInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let RefuseInput { ground, cause, basis, elsewhere } = body.0;
        let made = Move::Refuse(No {
            cause: cause.unwrap_or(NegativeCause::Unqualified),
            ground: ground.into(),
            basis: basis.map(String::from),
            elsewhere: elsewhere.map(String::from),
        });
        once(&who, "refuse_case", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Decide an accepted case
    #[oai(path = "/cases/:number/decide", method = "post", operation_id = "decide_case")]
    async fn decide_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<DecideInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let DecideInput { grant, ground, basis, elsewhere } = body.0;
        let no = No {
            basis: basis.map(String::from),
            elsewhere: elsewhere.map(String::from),
            ..No::unqualified(ground.map(String::from).unwrap_or_default())
        };
        let made = if grant { Move::Grant } else { Move::Deny(no) };
        once(&who, "decide_case", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Finish a step of a case whose turn it is
    #[oai(path = "/cases/:number/steps/:n/finish", method = "post", operation_id = "finish_step")]
    async fn finish_step(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        /// Its place among the steps, from 1.
        n: Path<i32>,
        body: Json<FinishInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {} {}", number.0, n.0, body.0.to_json_string());
        let made = Move::Finish(n.0, body.0.words.map(String::from).unwrap_or_default());
        once(&who, "finish_step", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Tell the applicant that he may ask for a hearing before he is denied
    #[oai(path = "/cases/:number/hearing", method = "post", operation_id = "tell_hearing")]
    async fn tell_hearing(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<GroundInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = Move::TellHearing(body.0.ground.into());
        once(&who, "tell_hearing", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Record that he does without one, in writing
    #[oai(path = "/cases/:number/hearing/waive", method = "post", operation_id = "waive_hearing")]
    async fn waive_hearing(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<GroundInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = Move::WaiveHearing(body.0.ground.into());
        once(&who, "waive_hearing", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Hand the result over; the case has ended
    #[oai(path = "/cases/:number/issue", method = "post", operation_id = "issue_result")]
    async fn issue_result(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        /// How it reaches the applicant; at the counter if left out.
        handing: Query<Option<Handing>>,
    ) -> Answer<Json<Acted>> {
        let handing = handing.0.unwrap_or(Handing::Counter);
        let request = format!("{} {handing:?}", number.0);
        let made = Move::Issue(handing);
        once(&who, "issue_result", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Void a case that should not have been
    #[oai(path = "/cases/:number/void", method = "post", operation_id = "void_case")]
    async fn void_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<GroundInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = Move::Void(body.0.ground.into());
        once(&who, "void_case", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Put a mistake of staff in the course of a case right; what was wrong stays written
    #[oai(path = "/cases/:number/amend", method = "post", operation_id = "amend_case")]
    async fn amend_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<AmendInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let AmendInput { event_id, words, undo } = body.0;
        let undone = undo == Some(true);
        let amend = async |act: &_| {
            let row = case::amend(act, &number.0, event_id, &words, undone).await?;
            review::recall(act, &row).await?;
            Ok(row)
        };
        once(&who, "amend_case", request, amend).await
    }

    /// Take a case back, for its applicant
    #[oai(path = "/cases/:number/withdraw", method = "post", operation_id = "withdraw_case")]
    async fn withdraw_case(&self, who: By<CaseParty>, number: Path<String>) -> Answer<Json<Acted>> {
        let done = who.visit.write_once(who.who.clone(), "withdraw_case", &number.0, async |act| {
            let row = case::advance(act, &number.0, &Move::Withdraw).await?;
            acted(act, row).await
        });
        Ok(Json(done.await?))
    }
}
