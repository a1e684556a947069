//! Closing (停办): a day, some hours of it, a branch or a desk. Whoever booked is moved or cancelled and told; what is offered
//! instead is opened in the same act.

use super::change::turn_by;
use super::look::show;
use super::offer::Offer;
use super::open::open_slots;
use super::openings::{LOOKING_BACK, Openings};
use super::rehouse::{Touched, groups_of};
use super::{
    ALREADY_CLOSED, BAD_CLOSURE_REASON, BAD_HOURS, BAD_MAKE_UP, Booked, NOTHING_TO_CLOSE, TOO_FAR, UNKNOWN_BRANCH,
    UNKNOWN_CLOSURE, UNKNOWN_DESK,
};
use crate::base::error::Result;
use crate::base::vault::Vault;
use crate::domain::act::{Act, StaffMember};
use crate::domain::published::Centre;
use crate::domain::{audit, centre};
use chrono::{Days, NaiveDate, NaiveTime, Timelike as _};
use entity::booking::{BookingState, Column, Entity, Model, event};
use entity::closure::{self, Entity as Closures, Model as Closure, make_up};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};

/// Days ahead for which one can close.
const AHEAD: Days = Days::new(180);

/// What is to be closed.
#[derive(Debug)]
pub struct Closing {
    /// Code of the branch, if not all of the centre is closed.
    pub branch: Option<String>,
    /// Code of the desk, if only that is.
    pub desk: Option<String>,
    /// The day.
    pub on: NaiveDate,
    /// From when, as `09:00`; from the morning on if left out.
    pub from: Option<String>,
    /// Until when; all day if left out.
    pub to: Option<String>,
    /// Why, as residents read it.
    pub reason: String,
    /// Who booked is moved where there is a place; else cancelled.
    pub moves: bool,
    /// What is offered instead.
    pub make_up: Vec<MakeUp>,
}

/// Places offered instead.
#[derive(Debug)]
pub struct MakeUp {
    /// The day, working or not.
    pub on: NaiveDate,
    /// From when.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Places in each slot, on top.
    pub places: i32,
}

/// Closes; gives the closure and everybody it touched.
///
/// # Errors
/// `unknown_branch`, `unknown_desk`, `bad_hours`, `bad_closure_reason`, `too_far`, `nothing_to_close`, `already_closed`,
/// `bad_make_up`.
pub async fn close(act: &Act, member: &StaffMember, closing: Closing) -> Result<(Id, Vec<Touched>)> {
    let row = row(act, member, &closing).await?;
    let groups = ensure_open(act, &row).await?;
    act.insert(row.clone()).await?;
    for offer in &closing.make_up {
        make_up(act, &row, offer, &groups).await?;
    }
    let touched = open_slots(act).await?;
    excuse(act, &row).await?;
    audit::note(act, "closure.made", row.id, serde_json::json!({ "touched": touched.len() })).await?;
    Ok((row.id, touched))
}

async fn row(act: &Act, member: &StaffMember, closing: &Closing) -> Result<Closure> {
    let branch = match &closing.branch {
        Some(code) => {
            let all = centre::branches(&*act.tx, act.centre.id).await?;
            Some(all.into_iter().find(|b| b.code == *code).ok_or_else(|| UNKNOWN_BRANCH.on("branch"))?.id)
        }
        None => None,
    };
    let desk = match &closing.desk {
        Some(code) => {
            let offer = Offer::of(&*act.tx, &act.centre).await?;
            Some(offer.desks.iter().find(|d| d.code == *code).ok_or_else(|| UNKNOWN_DESK.on("desk"))?.id)
        }
        None => None,
    };
    let reason = closing.reason.trim().to_owned();
    if !(2..=40).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(BAD_CLOSURE_REASON.on("reason").into());
    }
    let today = act.now.date();
    if closing.on < today - LOOKING_BACK || closing.on > today + AHEAD {
        return Err(TOO_FAR.on("date").into());
    }
    let (from_minute, to_minute) = span(closing.from.as_deref(), closing.to.as_deref(), "to")?;
    Ok(Closure {
        id: act.id(),
        centre_id: act.centre.id,
        // A desk stands in its branch: naming both says no more.
        branch_id: branch.filter(|_| desk.is_none()),
        desk_id: desk,
        on_date: closing.on,
        from_minute,
        to_minute,
        reason,
        moves: closing.moves,
        closed_by: member.id,
        at: act.now,
        reopened_at: None,
        reopened_by: None,
    })
}

/// Two times of a day as minutes past midnight.
fn span(from: Option<&str>, to: Option<&str>, field: &'static str) -> Result<(i32, i32)> {
    let minute = |text: &str| {
        let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
        i32::try_from(time.num_seconds_from_midnight() / 60).ok()
    };
    let (from, to) = (from.map_or(Some(0), minute), to.map_or(Some(24 * 60), minute));
    let both = from.zip(to).filter(|(from, to)| from < to);
    both.ok_or_else(|| BAD_HOURS.on(field).into())
}

/// The groups that a closure shuts, or one of whose desks it does. Refuses one that shuts nothing.
async fn ensure_open(act: &Act, row: &Closure) -> Result<Vec<Id>> {
    let openings = Openings::load(&*act.tx, &act.centre, row.on_date).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let desk_group = match row.desk_id {
        Some(desk) => offer.desks.iter().find(|d| d.id == desk).map(|d| d.group_id),
        None => None,
    };
    let shuts = |group: &&entity::booking::desk_group::Model| match desk_group {
        Some(of_desk) => group.id == of_desk,
        None => row.branch_id.is_none_or(|branch| group.branch_id == branch),
    };
    let groups: Vec<Id> = offer.groups.iter().filter(shuts).map(|g| g.id).collect();
    let (from, to) = (Time::at(row.on_date, row.from_minute), Time::at(row.on_date, row.to_minute));
    if !groups.iter().any(|group| openings.receives_within(*group, from, to)) {
        return Err(NOTHING_TO_CLOSE.on("date").into());
    }
    let same = closure::Column::CentreId.eq(act.centre.id);
    let of_day = Closures::find().filter(same).filter(closure::Column::OnDate.eq(row.on_date));
    let of_day = of_day.filter(closure::Column::ReopenedAt.is_null()).all(&*act.tx).await?;
    let what = |c: &Closure| (c.branch_id, c.desk_id, c.from_minute, c.to_minute);
    if of_day.iter().any(|c| what(c) == what(row)) {
        return Err(ALREADY_CLOSED.into());
    }
    Ok(groups)
}

async fn make_up(act: &Act, closure: &Closure, offer: &MakeUp, groups: &[Id]) -> Result<()> {
    let (from_minute, to_minute) = span(Some(&offer.from), Some(&offer.to), "make_up")?;
    let today = act.now.date();
    if offer.on < today || offer.on > today + AHEAD || !(1..=100).contains(&offer.places) {
        return Err(BAD_MAKE_UP.on("make_up").into());
    }
    for group in groups {
        let row = make_up::Model {
            id: act.id(),
            centre_id: act.centre.id,
            closure_id: closure.id,
            group_id: *group,
            on_date: offer.on,
            from_minute,
            to_minute,
            places: offer.places,
        };
        act.insert(row).await?;
    }
    Ok(())
}

/// Nobody is blamed for not having come while the centre was closed, though that is entered afterwards.
async fn excuse(act: &Act, closure: &Closure) -> Result<()> {
    let missed = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::OnDate.eq(closure.on_date))
        .filter(Column::State.eq(BookingState::NoShow))
        .all(&*act.tx)
        .await?;
    if missed.is_empty() {
        return Ok(());
    }
    let openings = Openings::load(&*act.tx, &act.centre, closure.on_date).await?;
    let groups = groups_of(act, &missed).await?;
    for row in missed {
        if groups.get(&row.slot_id).is_some_and(|group| !openings.have(*group, row.starts_at, row.ends_at)) {
            turn_by(act, &row, Model { state: BookingState::Excused, ..row.clone() }, Some(closure.id)).await?;
        }
    }
    Ok(())
}

/// Takes a closure back: its hours are offered again. Whom it moved or cancelled was told, and stays so.
///
/// # Errors
/// `unknown_closure`, also for one that was taken back or is over.
pub async fn reopen(act: &Act, member: &StaffMember, id: Id) -> Result<()> {
    let reopened = Closures::update_many()
        .col_expr(closure::Column::ReopenedAt, Expr::value(act.now))
        .col_expr(closure::Column::ReopenedBy, Expr::value(member.id))
        .filter(closure::Column::Id.eq(id))
        .filter(closure::Column::CentreId.eq(act.centre.id))
        .filter(closure::Column::OnDate.gte(act.now.date()))
        .filter(closure::Column::ReopenedAt.is_null())
        .exec(&*act.tx)
        .await?;
    if reopened.rows_affected == 0 {
        return Err(UNKNOWN_CLOSURE.into());
    }
    audit::note(act, "closure.taken_back", id, serde_json::json!({})).await?;
    open_slots(act).await.map(drop)
}

/// A closure as everybody may read it.
#[derive(Debug)]
pub struct Closed {
    /// The closure.
    pub row: Closure,
    /// What is closed: the whole centre, a branch or a desk.
    pub what: String,
}

impl Closed {
    /// `全天`, or from when until when.
    #[must_use]
    pub fn hours(&self) -> String {
        let time = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        match (self.row.from_minute, self.row.to_minute) {
            (0, 1440) => "全天".to_owned(),
            (from, to) => format!("{}—{}", time(from), time(to)),
        }
    }
}

/// Closures from a day on that were not taken back, by day.
///
/// # Errors
/// Whatever the database says.
pub async fn closures(db: &impl ConnectionTrait, centre: &Centre, from: NaiveDate) -> Result<Vec<Closed>> {
    let rows = Closures::find()
        .filter(closure::Column::CentreId.eq(centre.id))
        .filter(closure::Column::OnDate.gte(from))
        .filter(closure::Column::ReopenedAt.is_null())
        .order_by_asc(closure::Column::OnDate)
        .order_by_asc(closure::Column::FromMinute)
        .all(db)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (branches, offer) = (centre::branches(db, centre.id).await?, Offer::of(db, centre).await?);
    let what = |row: &Closure| {
        let branch = row.branch_id.and_then(|id| branches.iter().find(|b| b.id == id)).map(|b| b.name.clone());
        let desk = row.desk_id.and_then(|id| offer.desks.iter().find(|d| d.id == id)).map(|d| d.name.clone());
        desk.or(branch).unwrap_or_else(|| "全部窗口".to_owned())
    };
    Ok(rows.into_iter().map(|row| Closed { what: what(&row), row }).collect())
}

/// Bookings that a closure touched, as they stand now.
///
/// # Errors
/// `unknown_closure`.
pub async fn touched_by(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, id: Id) -> Result<Vec<Booked>> {
    let known = Closures::find_by_id(id).filter(closure::Column::CentreId.eq(centre.id)).one(db).await?;
    known.ok_or(UNKNOWN_CLOSURE)?;
    let touched = event::Entity::find()
        .select_only()
        .column(event::Column::BookingId)
        .filter(event::Column::ClosureId.eq(id))
        .into_query();
    let rows = Entity::find().filter(Column::Id.in_subquery(touched)).order_by_asc(Column::StartsAt).all(db).await?;
    show(db, vault, centre, rows, None).await
}
