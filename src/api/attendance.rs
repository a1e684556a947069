//! Doors of attendance: in, out, and who is there.

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Moment, Text, moment};
use crate::access::{By, Staff};
use crate::domain::attendance::{self, Presence};
use chrono::NaiveDate;
use entity::attendance::{Model, Session, StampKind};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Attendance;

/// The hall's code.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct CheckInInput {
    /// Six digits from the hall's screen.
    code: Text,
}

/// A stamp.
#[derive(Object)]
struct StampView {
    /// In or out.
    kind: StampKind,
    /// Part of the day.
    session: Session,
    /// When, by the server's clock.
    at: Moment,
    /// Minutes late (in) or early (out).
    off_by: i32,
}

impl From<Model> for StampView {
    fn from(row: Model) -> Self {
        Self { kind: row.kind, session: row.session, at: moment(row.at), off_by: row.off_by }
    }
}

/// One person in one session.
#[derive(Object)]
struct PresenceView {
    /// User name.
    username: String,
    /// Name.
    name: String,
    /// Post.
    title: String,
    /// Part of the day.
    session: Session,
    /// What is known.
    presence: Presence,
    /// When he came.
    came_at: Option<Moment>,
    /// When he left.
    left_at: Option<Moment>,
    /// Minutes late.
    late: i32,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(prefix_path = "/attendance", tag = "Noun::Attendance")]
impl Attendance {
    /// Sign in on arrival, with the code the hall shows
    #[oai(path = "/check-ins", method = "post", operation_id = "check_in")]
    async fn check_in(&self, who: By<Staff>, body: Json<CheckInInput>) -> Answer<Created<StampView>> {
        who.visit.limit_check_in(who.holder.id).await?;
        let stamp =
            who.visit.write(who.who.clone(), async |act| attendance::check_in(act, &who.holder, &body.code).await);
        Ok(Created(stamp.await?.into()))
    }

    /// Sign out on leaving
    #[oai(path = "/check-outs", method = "post", operation_id = "check_out")]
    async fn check_out(&self, who: By<Staff>) -> Answer<Created<StampView>> {
        let stamp = who.visit.write(who.who.clone(), async |act| attendance::check_out(act, &who.holder).await);
        Ok(Created(stamp.await?.into()))
    }

    /// Who is expected, there, late or absent on a day
    #[oai(path = "/board", method = "get", operation_id = "presence_board")]
    async fn presence_board(
        &self,
        who: By<Staff>,
        /// The day; today if left out.
        date: Query<Option<NaiveDate>>,
    ) -> Answer<Json<Listed<PresenceView>>> {
        let (app, now) = (&who.visit.app, who.visit.app.clock.now());
        let day = date.0.unwrap_or_else(|| now.date());
        let lines = attendance::board(app.read(), who.visit.centre.id, day, now).await?;
        let line = |l: attendance::BoardLine| PresenceView {
            username: l.staff.username,
            name: l.staff.name,
            title: l.staff.title,
            session: l.session,
            presence: l.presence,
            came_at: l.came_at.map(moment),
            left_at: l.left_at.map(moment),
            late: l.late,
        };
        Ok(Json(Listed { items: lines.into_iter().map(line).collect(), next_cursor: None }))
    }
}
