//! Doors of training (业务培训).

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Text, part};
use crate::access::{By, Director, Staff};
use crate::domain::identity::staff;
use crate::domain::training::{self, Held, Training};
use chrono::NaiveDate;
use entity::Id;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};
use std::collections::HashMap;

pub(super) struct Trainings;

/// A training that was held.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct TrainingInput {
    /// The day.
    on: NaiveDate,
    /// What it was about.
    topic: Text,
    /// Who taught.
    taught_by: Text,
    /// How long, in minutes.
    minutes: i32,
    /// User names of who took part.
    attendees: Vec<Text>,
}

/// A training.
#[derive(Object)]
struct TrainingView {
    /// Opaque id.
    id: Id,
    /// The day.
    on: NaiveDate,
    /// What it was about.
    topic: String,
    /// Who taught.
    taught_by: String,
    /// How long, in minutes.
    minutes: i32,
    /// Names of who took part.
    attendees: Vec<String>,
}

fn view(training: Training, names: &HashMap<String, String>) -> TrainingView {
    TrainingView {
        id: training.row.id,
        on: training.row.on_date,
        topic: training.row.topic,
        taught_by: training.row.taught_by,
        minutes: training.row.minutes,
        attendees: training.attendees.iter().filter_map(|id| names.get(&id.to_string()).cloned()).collect(),
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Post")]
impl Trainings {
    /// Record a training that was held, and who took part
    #[oai(path = "/trainings", method = "post", operation_id = "record_training")]
    async fn record_training(&self, who: By<Director>, body: Json<TrainingInput>) -> Answer<Created<TrainingView>> {
        let request = body.0.to_json_string();
        let TrainingInput { on, topic, taught_by, minutes, attendees } = body.0;
        let attendees = attendees.into_iter().map(String::from).collect();
        let held = Held { on, topic: topic.into(), taught_by: taught_by.into(), minutes, attendees };
        let made = who.visit.write_once(who.who.clone(), "record_training", &request, async |act| {
            let training = training::record(act, &who.holder, held).await?;
            Ok(view(training, &staff::names(&*act.tx, act.centre.id).await?))
        });
        Ok(Created(made.await?))
    }

    /// Trainings of the centre's staff, recorded last first
    #[oai(path = "/trainings", method = "get", operation_id = "list_trainings")]
    async fn list_trainings(
        &self,
        who: By<Staff>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<TrainingView>>> {
        let (db, centre, page) = (who.visit.app.read(), who.visit.centre.id, part(limit.0, cursor.0.as_ref())?);
        let names = staff::names(db, centre).await?;
        let (rows, next_cursor) = training::list(db, centre, page).await?;
        Ok(Json(Listed { items: rows.into_iter().map(|row| view(row, &names)).collect(), next_cursor }))
    }
}
