//! Attendance (考勤, article 4.9): signing in on arrival and out on leaving, by the server's clock.
//!
//! Each morning the timetable writes down who is expected in which session; that row stays as it is, whatever becomes of
//! hours, holidays or staff. A stamp is made with the code that the hall's screen shows for half a minute, and is bound to
//! the person and the device: a photograph sent to a colleague is soon stale, and one phone does not stamp for two.

use super::act::{Act, StaffMember};
use super::{calendar, centre};
use crate::base::error::Result;
use crate::base::vault::{Vault, same};
use crate::base::{Kind, Refusal, personal};
use chrono::NaiveDate;
use entity::attendance::{Column, Entity, Model, Session, StampKind, duty};
use entity::centre::HoursKind;
use entity::identity::staff;
use entity::{Id, Time};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
use std::collections::HashSet;

/// The code is not the one the hall shows.
pub const STALE_CODE: Refusal =
    Refusal::new(Kind::Invalid, "stale_code", "签到码不对或已过期，请到大厅屏幕前输入当前的6位码。").article("4.9");
/// The device has stamped for someone else today.
pub const DEVICE_OF_ANOTHER: Refusal =
    Refusal::new(Kind::Conflict, "device_of_another", "这台设备今天已为另一位同事打卡，请用本人的设备。")
        .article("4.9");
/// There is a stamp of this kind for this session.
pub const ALREADY_STAMPED: Refusal =
    Refusal::new(Kind::Conflict, "already_stamped", "本时段已经打过卡。").article("4.9");
/// The day's sessions are over.
pub const DAY_OVER: Refusal = Refusal::new(Kind::Conflict, "day_over", "今天的工作时段已经结束。").article("4.9");
/// Nobody leaves who has not come.
pub const NOT_STAMPED_IN: Refusal = Refusal::new(Kind::Conflict, "not_stamped_in", "本时段还没有签到。").article("4.9");

/// Seconds for which the hall shows a code.
pub const STEP_SECONDS: i64 = 30;
/// Minute past midnight that parts a day without duties into two sessions.
const NOON: i32 = 12 * 60;

/// Writes down who is expected on a day, and says so. Safe to repeat: what is written stays.
///
/// # Errors
/// Whatever the database says.
pub async fn roll(act: &Act, on: NaiveDate) -> Result<Vec<duty::Model>> {
    if !calendar::of(&*act.tx, &act.centre).await?.is_working_day(on) {
        return Ok(Vec::new());
    }
    let hours = centre::hours(&*act.tx, act.centre.id, HoursKind::Shift).await?.on(on);
    let people = staff::Entity::find()
        .filter(staff::Column::CentreId.eq(act.centre.id))
        .filter(staff::Column::Attends.eq(true))
        .all(&*act.tx)
        .await?;
    let expected = people.iter().filter(|s| s.serves(on));
    let sessions: Vec<_> = hours.iter().zip([Session::Morning, Session::Afternoon]).collect();
    let duties = expected.flat_map(|person| {
        // Nobody was expected before he was written down.
        let begins_later = |opens: i32| Time::at(on, opens) > person.recorded_at;
        sessions.iter().filter(move |((opens, _), _)| begins_later(*opens)).map(|((opens, closes), session)| {
            duty::Model {
                id: act.id(),
                centre_id: act.centre.id,
                staff_id: person.id,
                on_date: on,
                session: *session,
                starts_at: Time::at(on, *opens),
                ends_at: Time::at(on, *closes),
                recorded_at: act.now,
            }
        })
    });
    let duties: Vec<duty::Model> = duties.collect();
    if !duties.is_empty() {
        duty::Entity::insert_many(duties.iter().cloned().map(|d| d.into_active_model()))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*act.tx)
            .await?;
    }
    Ok(duties)
}

/// The six digits that the hall shows now.
#[must_use]
pub fn hall_code(vault: &Vault, centre: Id, now: Time) -> String {
    code_of(vault, centre, step(now))
}

/// The half minute in which a moment lies.
#[must_use]
pub fn step(now: Time) -> i64 {
    now.seconds().div_euclid(STEP_SECONDS)
}

fn code_of(vault: &Vault, centre: Id, step: i64) -> String {
    let (_, tag) = vault.sign("hall_code", &[centre.as_bytes(), &step.to_be_bytes()]);
    let number = u32::from_be_bytes([tag[0], tag[1], tag[2], tag[3]]);
    format!("{:06}", number % 1_000_000)
}

/// The half minute whose code this is, if the hall shows it or showed it just before.
#[must_use]
pub fn step_of(vault: &Vault, centre: Id, now: Time, code: &str) -> Option<i64> {
    let given = personal::half_width(code);
    let is_of = |step: &i64| same(code_of(vault, centre, *step).as_bytes(), given.trim().as_bytes());
    [step(now), step(now) - 1].into_iter().find(is_of)
}

/// Signs a member of staff in with the hall's code. The code just replaced is still taken.
///
/// # Errors
/// `stale_code`, `device_of_another`, `already_stamped` or `day_over`.
pub async fn check_in(act: &Act, staff: &StaffMember, code: &str) -> Result<Model> {
    let used = step_of(&act.vault, act.centre.id, act.now, code).ok_or_else(|| STALE_CODE.on("code"))?;
    let duties = duties(&*act.tx, act.centre.id, act.now.date()).await?;
    let mine: Vec<_> = duties.iter().filter(|d| d.staff_id == staff.id).collect();
    let duty = mine.iter().find(|d| act.now < d.ends_at).copied();
    if duty.is_none() && !mine.is_empty() {
        return Err(DAY_OVER.into());
    }
    let session =
        duty.map_or(if act.now.minute() < NOON { Session::Morning } else { Session::Afternoon }, |d| d.session);
    stamp(act, Stamp { staff, kind: StampKind::In, session, duty, code_step: Some(used) }).await
}

/// Signs a member of staff out of the session he is in.
///
/// # Errors
/// `not_stamped_in`, `device_of_another` or `already_stamped`.
pub async fn check_out(act: &Act, staff: &StaffMember) -> Result<Model> {
    let today = act.now.date();
    let stamps = stamps(&*act.tx, act.centre.id, today).await?;
    let has = |kind, session| stamps.iter().any(|s| s.staff_id == staff.id && s.kind == kind && s.session == session);
    let inside = [Session::Afternoon, Session::Morning].into_iter().find(|s| has(StampKind::In, *s));
    let session = inside.ok_or(NOT_STAMPED_IN)?;
    let duties = duties(&*act.tx, act.centre.id, today).await?;
    let duty = duties.iter().find(|d| d.staff_id == staff.id && d.session == session);
    stamp(act, Stamp { staff, kind: StampKind::Out, session, duty, code_step: None }).await
}

/// Whole minutes from one moment to a later one; zero if it is not later.
fn minutes(later: Time, earlier: Time) -> i32 {
    i32::try_from((later - earlier).num_minutes()).unwrap_or(0).max(0)
}

/// A stamp that is made now.
pub struct Stamp<'s> {
    /// By whom.
    pub staff: &'s StaffMember,
    /// In or out.
    pub kind: StampKind,
    /// Part of the day.
    pub session: Session,
    /// The duty it belongs to; none on a day off.
    pub duty: Option<&'s duty::Model>,
    /// Step of the hall's code that was used.
    pub code_step: Option<i64>,
}

impl Stamp<'_> {
    /// Its row.
    #[must_use]
    pub fn row(&self, act: &Act) -> Model {
        let off_by = self.duty.map_or(0, |duty| match self.kind {
            StampKind::In => minutes(act.now, duty.starts_at),
            StampKind::Out => minutes(duty.ends_at, act.now),
        });
        Model {
            id: act.id(),
            centre_id: act.centre.id,
            staff_id: self.staff.id,
            kind: self.kind,
            session: self.session,
            at: act.now,
            recorded_at: act.now,
            on_date: act.now.date(),
            off_by,
            device: self.staff.device.clone(),
            code_step: self.code_step,
        }
    }
}

async fn stamp(act: &Act, stamp: Stamp<'_>) -> Result<Model> {
    let row = stamp.row(act);
    let lent = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::OnDate.eq(row.on_date))
        .filter(Column::Device.eq(row.device.clone()))
        .filter(Column::StaffId.ne(row.staff_id))
        .one(&*act.tx)
        .await?;
    if lent.is_some() {
        return Err(DEVICE_OF_ANOTHER.into());
    }
    if act.insert_new(row.clone()).await? { Ok(row) } else { Err(ALREADY_STAMPED.into()) }
}

async fn duties(db: &impl ConnectionTrait, centre: Id, on: NaiveDate) -> Result<Vec<duty::Model>> {
    let rows = duty::Entity::find().filter(duty::Column::CentreId.eq(centre)).filter(duty::Column::OnDate.eq(on));
    Ok(rows.order_by_asc(duty::Column::StartsAt).all(db).await?)
}

async fn stamps(db: &impl ConnectionTrait, centre: Id, on: NaiveDate) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::OnDate.eq(on));
    Ok(rows.order_by_asc(Column::At).all(db).await?)
}

/// Who is expected at a moment and has not signed in, or has signed out: of those who must, in the session that is under way.
///
/// # Errors
/// Whatever the database says.
pub async fn missing(db: &impl ConnectionTrait, centre: Id, now: Time) -> Result<HashSet<Id>> {
    let under_way = |d: &duty::Model| d.starts_at <= now && now < d.ends_at;
    let expected: Vec<_> = duties(db, centre, now.date()).await?.into_iter().filter(under_way).collect();
    if expected.is_empty() {
        return Ok(HashSet::new());
    }
    let stamps = stamps(db, centre, now.date()).await?;
    let is_there = |duty: &duty::Model| {
        let has =
            |kind| stamps.iter().any(|s| s.staff_id == duty.staff_id && s.session == duty.session && s.kind == kind);
        has(StampKind::In) && !has(StampKind::Out)
    };
    Ok(expected.iter().filter(|duty| !is_there(duty)).map(|duty| duty.staff_id).collect())
}

entity::word! {
    /// What is known of one person in one session.
    Presence {
        /// The session has not begun.
        Expected,
        /// It has begun and he has not come.
        Awaited,
        /// Came in time.
        Present,
        /// Came late.
        Late,
        /// Left at the end.
        Left,
        /// Left before the end.
        LeftEarly,
        /// The session is over and he never came.
        Absent,
        /// Came though nobody expected him: a day off, or a duty officer (值日).
        Extra,
    }
}

/// A line of the presence board.
#[derive(Clone, Debug)]
pub struct BoardLine {
    /// Who.
    pub staff: staff::Model,
    /// Which session.
    pub session: Session,
    /// What is known.
    pub presence: Presence,
    /// When he came.
    pub came_at: Option<Time>,
    /// When he left.
    pub left_at: Option<Time>,
    /// Minutes late.
    pub late: i32,
}

/// The presence board (在岗情况) of a day, by name and session.
///
/// # Errors
/// Whatever the database says.
pub async fn board(db: &impl ConnectionTrait, centre: Id, on: NaiveDate, now: Time) -> Result<Vec<BoardLine>> {
    let (duties, stamps) = (duties(db, centre, on).await?, stamps(db, centre, on).await?);
    let mut keys: Vec<(Id, Session)> = duties.iter().map(|d| (d.staff_id, d.session)).collect();
    keys.extend(stamps.iter().map(|s| (s.staff_id, s.session)));
    keys.sort_unstable();
    keys.dedup();
    let people = staff::Entity::find().filter(staff::Column::Id.is_in(keys.iter().map(|k| k.0))).all(db).await?;
    let line = |(id, session): (Id, Session)| {
        let of = |kind| stamps.iter().find(|s| s.staff_id == id && s.session == session && s.kind == kind);
        let duty = duties.iter().find(|d| d.staff_id == id && d.session == session);
        let (came, left) = (of(StampKind::In), of(StampKind::Out));
        let presence = match (duty, came, left) {
            (None, ..) => Presence::Extra,
            (Some(_), Some(_), Some(out)) if out.off_by > 0 => Presence::LeftEarly,
            (Some(_), Some(_), Some(_)) => Presence::Left,
            (Some(_), Some(came), None) if came.off_by > 0 => Presence::Late,
            (Some(_), Some(_), None) => Presence::Present,
            (Some(duty), None, _) if now >= duty.ends_at => Presence::Absent,
            (Some(duty), None, _) if now >= duty.starts_at => Presence::Awaited,
            (Some(_), None, _) => Presence::Expected,
        };
        let staff = people.iter().find(|p| p.id == id)?.clone();
        let late = came.map_or(0, |s| s.off_by);
        Some(BoardLine { staff, session, presence, came_at: came.map(|s| s.at), left_at: left.map(|s| s.at), late })
    };
    let mut lines: Vec<BoardLine> = keys.into_iter().filter_map(line).collect();
    lines.sort_by(|a, b| (&a.staff.username, a.session).cmp(&(&b.staff.username, b.session)));
    Ok(lines)
}
