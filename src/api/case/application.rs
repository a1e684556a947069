//! Doors of online applications (网上申请).

use super::input::MaterialInput;
use super::view::{CaseView, Clockwork, Receipt, ReceivedView, shown};
use crate::access::{By, Resident};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::{ApplicantInput, Created, Listed, Text, part};
use crate::domain::case::{self, Application, Filter};
use crate::domain::centre;
use entity::case::Channel;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Applications;

/// What a resident hands in.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ApplicationInput {
    /// Code of the guide.
    guide: Text,
    /// For whom.
    applicant: ApplicantInput,
    /// Files, promises, and what is used again. What is not there yet is left out, and told once.
    materials: Option<Vec<MaterialInput>>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Applications {
    /// Apply online, against the same receipt as at the window
    #[oai(path = "/applications", method = "post", operation_id = "apply_online")]
    async fn apply_online(&self, who: By<Resident>, body: Json<ApplicationInput>) -> Answer<Created<ReceivedView>> {
        let request = body.0.to_json_string();
        let ApplicationInput { guide, applicant, materials } = body.0;
        let application = Application {
            guide: guide.into(),
            channel: Channel::MiniProgram,
            applicant: applicant.into(),
            materials: materials.unwrap_or_default().into_iter().map(MaterialInput::into).collect(),
        };
        who.visit.limit_applying(who.holder).await?;
        let made = who.visit.write_once(who.who.clone(), "apply_online", &request, async |act| {
            let received = case::apply(act, application).await?;
            Ok(ReceivedView {
                invitation: None,
                number: received.case.number,
                receipt: Receipt { number: received.case.receipt_number, check_code: received.check_code },
                state: received.case.state,
                due_on: received.case.due_on,
                due_provisional: received.case.due_provisional,
            })
        });
        Ok(Created(made.await?))
    }

    /// What one applied for online, latest first
    #[oai(path = "/applications", method = "get", operation_id = "list_applications")]
    async fn list_applications(
        &self,
        who: By<Resident>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<CaseView>>> {
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let (page, now) = (part(limit.0, cursor.0.as_ref())?, app.clock.now());
        let filter = Filter { applied_by: Some(who.holder), ..Filter::default() };
        let (cases, next_cursor) = case::list(app.read(), &app.vault, centre, &sight, filter, page, now).await?;
        let offices = centre::offices(app.read(), centre.id).await?;
        let clock = Clockwork::of(app.read(), centre, now).await?;
        let items = cases.into_iter().map(|seen| shown(seen, &offices, &clock, sight.viewer())).collect();
        Ok(Json(Listed { items, next_cursor }))
    }
}
