//! Looking at the queue: the board for everybody, a ticket for its holder, the list for the desks.

use super::UNKNOWN_TICKET;
use crate::base::error::Result;
use crate::domain::booking::Offer;
use crate::domain::identity::Viewer;
use crate::domain::published::Centre;
use crate::domain::{booking, centre};
use chrono::Duration;
use entity::booking::{desk, desk_group};
use entity::queue::{Column, Entity, Model, TicketState};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

/// Calls that a board shows: whoever missed the last one finds his own.
const SHOWN: u64 = 4;
/// Served people whose time an estimate rests on.
const SAMPLE: u64 = 20;
/// Fewer are no basis.
const LEAST: usize = 5;
/// A desk that called nobody for so long is not counted.
const ACTIVE: Duration = Duration::minutes(30);

/// A call as the board shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// What is called.
    pub number: String,
    /// Name of the desk.
    pub desk: String,
    /// When it was called last.
    pub at: Time,
    /// How often it was called.
    pub calls: i32,
}

/// A group as the board shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The group.
    pub group: desk_group::Model,
    /// How many wait.
    pub waiting: i64,
}

/// The queue of a branch, without names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The last calls, the latest first.
    pub called: Vec<Called>,
    /// Its groups.
    pub lines: Vec<Line>,
}

/// The branch whose board is watched: the one that was named, or the first.
///
/// # Errors
/// `unknown_branch`.
pub async fn watched_branch(db: &impl ConnectionTrait, centre: Id, code: Option<&str>) -> Result<Id> {
    let branches = centre::branches(db, centre).await?;
    let found = branches.into_iter().find(|b| code.is_none_or(|code| b.code == code));
    found.map(|b| b.id).ok_or_else(|| booking::UNKNOWN_BRANCH.on("branch").into())
}

/// The board of a branch.
///
/// # Errors
/// Whatever the database says: a queue that cannot be read is never shown as an empty one.
pub async fn board(db: &impl ConnectionTrait, centre: &Centre, branch: Id, now: Time) -> Result<Board> {
    let today = || Entity::find().filter(Column::BranchId.eq(branch)).filter(Column::OnDate.eq(now.date()));
    let last = today().filter(Column::LastCalledAt.is_not_null()).order_by_desc(Column::LastCalledAt).limit(SHOWN);
    let offer = Offer::of(db, centre).await?;
    let desks = names(&offer.desks);
    let called = last.all(db).await?.into_iter().map(|row| Called {
        desk: row.desk_id.and_then(|id| desks.get(&id).cloned()).unwrap_or_default(),
        at: row.last_called_at.unwrap_or(row.issued_at),
        calls: row.calls,
        number: row.number,
    });
    let called = called.collect();
    let counts: Vec<(Id, i64)> = today()
        .filter(Column::State.eq(TicketState::Waiting))
        .select_only()
        .column(Column::GroupId)
        .column_as(Column::Id.count(), "waiting")
        .group_by(Column::GroupId)
        .into_tuple()
        .all(db)
        .await?;
    let counts: HashMap<Id, i64> = counts.into_iter().collect();
    let groups = offer.groups.iter().filter(|g| g.branch_id == branch).cloned();
    let lines = groups.map(|group| Line { waiting: counts.get(&group.id).copied().unwrap_or(0), group }).collect();
    Ok(Board { called, lines })
}

fn names(desks: &[desk::Model]) -> HashMap<Id, String> {
    desks.iter().map(|d| (d.id, d.name.clone())).collect()
}

/// A ticket with what is shown beside it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The ticket.
    pub row: Model,
    /// Code of its group.
    pub group: String,
    /// Name of its group.
    pub group_name: String,
    /// Name of the desk that called it.
    pub desk: Option<String>,
}

async fn show(db: &impl ConnectionTrait, centre: &Centre, rows: Vec<Model>) -> Result<Vec<Seen>> {
    let offer = Offer::of(db, centre).await?;
    let desks = names(&offer.desks);
    let groups: HashMap<Id, _> = offer.groups.iter().map(|g| (g.id, g)).collect();
    let seen = |row: Model| {
        let group = groups.get(&row.group_id);
        Seen {
            group: group.map(|g| g.code.clone()).unwrap_or_default(),
            group_name: group.map(|g| g.name.clone()).unwrap_or_default(),
            desk: row.desk_id.and_then(|id| desks.get(&id).cloned()),
            row,
        }
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// A ticket that a viewer may see: staff those of the centre, a resident his own.
///
/// # Errors
/// `unknown_ticket`.
pub async fn see(db: &impl ConnectionTrait, centre: &Centre, id: Id, viewer: &Viewer) -> Result<Seen> {
    let mut row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre.id));
    if let Viewer::Resident(known) = viewer {
        row = row.filter(Column::AccountId.eq(known.id));
    }
    show(db, centre, row.all(db).await?).await?.pop().ok_or_else(|| UNKNOWN_TICKET.into())
}

/// Today's tickets that are not over, in their turn.
///
/// # Errors
/// Whatever the database says.
pub async fn open(db: &impl ConnectionTrait, centre: &Centre, now: Time) -> Result<Vec<Seen>> {
    use TicketState::{Called, Missed, Parked, Remote, Waiting};
    let rows = Entity::find()
        .filter(Column::CentreId.eq(centre.id))
        .filter(Column::OnDate.eq(now.date()))
        .filter(Column::State.is_in([Remote, Waiting, Called, Parked, Missed]))
        .order_by_asc(Column::TurnAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    show(db, centre, rows).await
}

/// What an estimate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// People served today.
    Today,
    /// People served in the last seven days.
    Week,
    /// How long a slot is made for.
    Plan,
}

/// How long someone has still to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// People before him.
    pub ahead: u64,
    /// Minutes, rounded up.
    pub minutes: u64,
    /// Minutes that one person takes, in the middle.
    pub each: u64,
    /// Desks that call.
    pub desks: u64,
    /// What that rests on.
    pub basis: Basis,
    /// People served that it rests on.
    pub served: usize,
}

/// How long a ticket that waits, or is still on its way, has to wait.
///
/// # Errors
/// Whatever the database says.
pub async fn estimate(db: &impl ConnectionTrait, centre: &Centre, row: &Model, now: Time) -> Result<Option<Estimate>> {
    if ![TicketState::Waiting, TicketState::Remote].contains(&row.state) || row.on_date != now.date() {
        return Ok(None);
    }
    let ahead = Entity::find()
        .filter(Column::GroupId.eq(row.group_id))
        .filter(Column::OnDate.eq(row.on_date))
        .filter(Column::State.eq(TicketState::Waiting))
        .filter(Column::TurnAt.lt(row.turn_at))
        .count(db)
        .await?;
    let served = Entity::find()
        .filter(Column::GroupId.eq(row.group_id))
        .filter(Column::State.eq(TicketState::Served))
        .filter(Column::EndedAt.gte(now - Duration::days(7)))
        .order_by_desc(Column::EndedAt)
        .limit(SAMPLE)
        .all(db)
        .await?;
    let seconds = |rows: Vec<&Model>| -> Vec<u64> {
        rows.into_iter().filter_map(|t| u64::try_from((t.ended_at?.0 - t.called_at?.0) / 1000).ok()).collect()
    };
    let today = seconds(served.iter().filter(|t| t.on_date == now.date()).collect());
    let week = seconds(served.iter().collect());
    let (basis, served, each) = match (today.len() >= LEAST, week.len() >= LEAST) {
        (true, _) => (Basis::Today, today.len(), middle(today)),
        (false, true) => (Basis::Week, week.len(), middle(week)),
        (false, false) => (Basis::Plan, 0, Offer::of(db, centre).await?.seconds_each(row.group_id, now.date())),
    };
    let calling: Vec<Id> = Entity::find()
        .filter(Column::GroupId.eq(row.group_id))
        .filter(Column::OnDate.eq(row.on_date))
        .filter(Column::LastCalledAt.gte(now - ACTIVE))
        .select_only()
        .column(Column::DeskId)
        .distinct()
        .into_tuple()
        .all(db)
        .await?;
    let desks = Ord::max(calling.len() as u64, 1);
    let minutes = ahead.saturating_mul(each).div_ceil(desks * 60);
    Ok(Some(Estimate { ahead, minutes, each: each.div_ceil(60), desks, basis, served }))
}

fn middle(mut seconds: Vec<u64>) -> u64 {
    seconds.sort_unstable();
    seconds.get(seconds.len() / 2).copied().unwrap_or(0)
}
