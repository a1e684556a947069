//! Training (业务培训, article 4.1): the first responsible person has the staff at the centre trained, and it is written down who took
//! part.

use super::act::{Act, Page, StaffMember};
use super::identity::staff;
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::{Days, NaiveDate};
use entity::Id;
use entity::training::{Column, Entity, Model, attendee};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeSet;

/// A record that lacks what makes it one.
pub const BAD_TRAINING: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_training",
    "培训记录应有主题（2至100字）、授课人（2至40字）、时长（10至480分钟）和至少一名参训人员，日期在今天以前一年内。",
)
.article("4.1");

/// What is recorded of a training.
#[derive(Clone, Debug)]
pub struct Held {
    /// The day.
    pub on: NaiveDate,
    /// What it was about.
    pub topic: String,
    /// Who taught.
    pub taught_by: String,
    /// How long, in minutes.
    pub minutes: i32,
    /// User names of who took part.
    pub attendees: Vec<String>,
}

/// A training with who took part.
#[derive(Clone, Debug)]
pub struct Training {
    /// The row.
    pub row: Model,
    /// Ids of who took part.
    pub attendees: BTreeSet<Id>,
}

/// Records a training that was held.
///
/// # Errors
/// `bad_training`, `unknown_staff`.
pub async fn record(act: &Act, by: &StaffMember, held: Held) -> Result<Training> {
    let today = act.now.date();
    let fits = |words: &str, most| (2..=most).contains(&words.chars().count()) && !words.chars().any(char::is_control);
    let (topic, taught_by) = (held.topic.trim(), held.taught_by.trim());
    let checks = [
        ("on", held.on <= today && held.on + Days::new(366) > today),
        ("topic", fits(topic, 100)),
        ("taught_by", fits(taught_by, 40)),
        ("minutes", (10..=480).contains(&held.minutes)),
        ("attendees", !held.attendees.is_empty()),
    ];
    if let Some((field, _)) = checks.into_iter().find(|(_, right)| !right) {
        return Err(BAD_TRAINING.on(field).into());
    }
    let mut attendees = BTreeSet::new();
    for (n, username) in held.attendees.iter().enumerate() {
        let found = staff::find(&*act.tx, act.centre.id, username, held.on).await?;
        attendees.insert(found.ok_or_else(|| staff::UNKNOWN_STAFF.on(format!("attendees[{n}]")))?.id);
    }
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        on_date: held.on,
        topic: topic.to_owned(),
        taught_by: taught_by.to_owned(),
        minutes: held.minutes,
        recorded_at: act.now,
        recorded_by: by.id,
    };
    let row = act.insert(row).await?;
    let attendee =
        |staff_id: &Id| attendee::Model { training_id: row.id, staff_id: *staff_id, centre_id: act.centre.id };
    act.insert_all(attendees.iter().map(attendee).collect()).await?;
    Ok(Training { row, attendees })
}

/// Trainings of the centre, recorded last first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl ConnectionTrait, centre: Id, page: Page) -> Result<(Vec<Training>, Option<String>)> {
    let rows = Entity::find().filter(Column::CentreId.eq(centre));
    let rows = page.of(rows, Column::RecordedAt, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |row| (row.recorded_at, row.id));
    let of = attendee::Column::TrainingId.is_in(rows.iter().map(|row| row.id));
    let there = attendee::Entity::find().filter(of).all(db).await?;
    let with = |row: Model| {
        let own = there.iter().filter(|of| of.training_id == row.id);
        Training { attendees: own.map(|of| of.staff_id).collect(), row }
    };
    Ok((rows.into_iter().map(with).collect(), next))
}
