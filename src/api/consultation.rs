//! Doors of consultations (咨询).

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Moment, Text, moment, part};
use crate::access::{By, CaseHandler};
use crate::domain::consultation::{self, Asked, Seen};
use crate::domain::identity::staff;
use entity::Id;
use entity::consultation::ConsultationWay;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};
use std::collections::HashMap;

pub(super) struct Consultations;

/// What is recorded of a consultation.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ConsultationInput {
    /// At the counter, or by telephone.
    way: ConsultationWay,
    /// Code of the guide, if it is one of the centre's matters.
    guide: Option<Text>,
    /// Code of the office, if it is none of the matters and still the centre's.
    office: Option<Text>,
    /// Who handles it elsewhere, with a telephone.
    elsewhere: Option<Text>,
    /// What was asked.
    topic: Text,
    /// Who asked, as far as he said.
    asker: Option<Text>,
    /// He was helped with filling in.
    filled_in: Option<bool>,
}

/// A consultation.
#[derive(Object)]
struct ConsultationView {
    /// Its id; a case that begins with it names it.
    id: Id,
    /// At the counter, or by telephone.
    way: ConsultationWay,
    /// When.
    at: Moment,
    /// Who was asked first.
    first_asked: Option<String>,
    /// Name of the matter.
    item: Option<String>,
    /// What was asked.
    topic: String,
    /// Who asked, as far as he said.
    asker: Option<String>,
    /// Department and telephone, as they were told.
    told: String,
    /// He was helped with filling in.
    filled_in: bool,
}

fn view(seen: Seen, names: &HashMap<String, String>) -> ConsultationView {
    let Seen { row, topic, asker, item } = seen;
    ConsultationView {
        id: row.id,
        way: row.way,
        at: moment(row.at),
        first_asked: names.get(&row.staff_id.to_string()).cloned(),
        item,
        topic,
        asker,
        told: row.told,
        filled_in: row.filled_in,
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Consultations {
    /// Record a consultation: who was asked first, and what was told
    #[oai(path = "/consultations", method = "post", operation_id = "record_consultation")]
    async fn record_consultation(
        &self,
        who: By<CaseHandler>,
        body: Json<ConsultationInput>,
    ) -> Answer<Created<ConsultationView>> {
        let request = body.0.to_json_string();
        let asked = Asked {
            way: body.0.way,
            guide: body.0.guide.map(String::from),
            office: body.0.office.map(String::from),
            elsewhere: body.0.elsewhere.map(String::from),
            topic: body.0.topic.into(),
            asker: body.0.asker.map(String::from),
            filled_in: body.0.filled_in == Some(true),
        };
        let made = who.visit.write_once(who.who.clone(), "record_consultation", &request, async |act| {
            let row = consultation::record(act, asked).await?;
            let names = staff::names(&*act.tx, act.centre.id).await?;
            Ok(view(consultation::open(&*act.tx, &act.vault, &act.centre, row).await?, &names))
        });
        Ok(Created(made.await?))
    }

    /// Consultations of the centre, newest first
    #[oai(path = "/consultations", method = "get", operation_id = "list_consultations")]
    async fn list_consultations(
        &self,
        who: By<CaseHandler>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<ConsultationView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let page = part(limit.0, cursor.0.as_ref())?;
        let names = staff::names(app.read(), centre.id).await?;
        let (seen, next_cursor) = consultation::list(app.read(), &app.vault, centre, page).await?;
        Ok(Json(Listed { items: seen.into_iter().map(|seen| view(seen, &names)).collect(), next_cursor }))
    }
}
