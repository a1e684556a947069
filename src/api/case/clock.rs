//! Doors of a case's clock: standing still for a special procedure, and its one extension.

use super::acted::Acted;
use super::once;
use crate::access::{By, CaseHandler};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::Text;
use crate::domain::case::{self, Move};
use entity::case::SpecialProcedure;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Clock;

/// Why a clock stands still.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SuspendInput {
    /// The procedure whose time does not count.
    procedure: SpecialProcedure,
    /// In words, for the written notice.
    ground: Text,
}

/// A longer limit.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ExtendInput {
    /// By so many working days, 1 to 10; of a joint case 1 to 15.
    days: u32,
    /// Why.
    ground: Text,
    /// Number of the government's approval; for joint cases, and needed there.
    approval: Option<Text>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Clock {
    /// Have a case's clock stand still for a special procedure; its applicant is told
    #[oai(path = "/cases/:number/suspend", method = "post", operation_id = "suspend_case")]
    async fn suspend_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<SuspendInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = Move::Suspend(body.0.procedure, body.0.ground.into());
        once(&who, "suspend_case", request, async |act| case::advance(act, &number.0, &made).await).await
    }

    /// Have it go on
    #[oai(path = "/cases/:number/resume", method = "post", operation_id = "resume_case")]
    async fn resume_case(&self, who: By<CaseHandler>, number: Path<String>) -> Answer<Json<Acted>> {
        once(&who, "resume_case", number.0.clone(), async |act| case::advance(act, &number.0, &Move::Resume).await)
            .await
    }

    /// Make a limit longer, once
    #[oai(path = "/cases/:number/extend", method = "post", operation_id = "extend_case")]
    async fn extend_case(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<ExtendInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = Move::Extend(body.0.days, body.0.ground.into(), body.0.approval.map(String::from));
        once(&who, "extend_case", request, async |act| case::advance(act, &number.0, &made).await).await
    }
}
