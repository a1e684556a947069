//! Claiming (认领): a worker takes what is due, and what a dead one left is freed.

use crate::base::database::pick;
use crate::base::error::Result;
use crate::base::settings::Quiet;
use chrono::Duration;
use entity::notice::{Column, Entity, Lane, Model, NoticeState};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait, Select, UpdateMany,
};
use std::collections::HashSet;

/// How long a claim or a sending is believed to be alive: longer than three gateways may take, one after the other.
pub const LEASE: Duration = Duration::seconds(120);

/// Which lanes a claim takes from. Somebody waits for a code at a screen: codes have a deliverer of their own, whom nothing else
/// holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Codes alone.
    Codes,
    /// All others.
    Others,
    /// Every one, codes first.
    All,
}

impl Lanes {
    /// Those of them that go now: at night, codes alone.
    fn open(self, quiet: &Quiet, now: Time) -> &'static [Lane] {
        match (self, quiet.has(now)) {
            (Self::Codes, _) | (Self::All, true) => &[Lane::Code],
            (Self::Others, true) => &[],
            (Self::Others, false) => &[Lane::Notice, Lane::Bulk],
            (Self::All, false) => &[Lane::Code, Lane::Notice, Lane::Bulk],
        }
    }
}

/// True when a text is due: a look that costs no write, for the poll.
///
/// # Errors
/// Whatever the database says.
pub async fn any_due(db: &impl ConnectionTrait, now: Time, quiet: &Quiet, lanes: Lanes) -> Result<bool> {
    let open = lanes.open(quiet, now);
    if open.is_empty() {
        return Ok(false);
    }
    let due = Entity::find()
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in(open.iter().copied()))
        .filter(Column::DueAt.lte(now));
    Ok(due.one(db).await?.is_some())
}

/// Claims up to `limit` texts that are due, the most urgent lane first, and what can be told with them. A statement a lane.
///
/// # Errors
/// Whatever the database says.
pub async fn claim(
    db: &impl ConnectionTrait,
    now: Time,
    quiet: &Quiet,
    lanes: Lanes,
    worker: Id,
    limit: u64,
) -> Result<Vec<Model>> {
    let mut claimed = Vec::new();
    for lane in lanes.open(quiet, now) {
        let left = limit.saturating_sub(claimed.len() as u64);
        if left == 0 {
            break;
        }
        claimed.extend(claiming(*lane, now, worker, left).exec_with_returning(db).await?);
    }
    let merging: Vec<&Model> = claimed.iter().filter(|n| n.line.is_some()).collect();
    if !merging.is_empty() {
        let phones: HashSet<Vec<u8>> = merging.iter().map(|n| n.phone_blind.0.clone()).collect();
        let kinds: HashSet<String> = merging.iter().map(|n| n.kind.clone()).collect();
        let alike = Entity::find()
            .filter(Column::State.eq(NoticeState::Due))
            .filter(Column::PhoneBlind.is_in(phones.into_iter().map(Blind)))
            .filter(Column::Kind.is_in(kinds))
            .filter(Column::Line.is_not_null())
            .filter(Column::DueAt.lte(now + Duration::minutes(10)))
            .limit(limit);
        claimed.extend(taking(alike, now, worker).exec_with_returning(db).await?);
    }
    // What an UPDATE returns has no order of its own.
    claimed.sort_by_key(|notice| (notice.lane, notice.due_at, notice.id));
    Ok(claimed)
}

/// Claims what has been due longest in a lane: one statement, which reads no more than it claims, however much is due.
#[must_use]
pub fn claiming(lane: Lane, now: Time, worker: Id, limit: u64) -> UpdateMany<Entity> {
    let due = Entity::find()
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.eq(lane))
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    taking(due, now, worker)
}

fn taking(due: Select<Entity>, now: Time, worker: Id) -> UpdateMany<Entity> {
    let due = due.select_only().column(Column::Id).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let (with, picked) = pick(due.into_query());
    let mut claim = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Claimed))
        .col_expr(Column::ClaimedBy, Expr::value(worker))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        // By their ids alone: beside another condition, each of them might be looked for among all that are due.
        .filter(Column::Id.in_subquery(picked));
    QueryTrait::query(&mut claim).with_cte(with);
    claim
}

/// Gives up what is no longer worth sending, though no gateway may ever ask for it. Returns how many.
///
/// # Errors
/// Whatever the database says.
pub async fn expire(db: &impl ConnectionTrait, now: Time) -> Result<u64> {
    let expired = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::GaveUp))
        .col_expr(Column::Fault, Expr::value("expired"))
        .col_expr(Column::DoneAt, Expr::value(now))
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in([Lane::Code, Lane::Notice, Lane::Bulk]))
        .filter(Column::DueAt.lte(now))
        .filter(Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(expired.rows_affected)
}

/// Frees what a dead deliverer left: its claims are due again, its sendings are unsure. Returns how many of each.
///
/// # Errors
/// Whatever the database says.
pub async fn recover(db: &impl ConnectionTrait, now: Time) -> Result<(u64, u64)> {
    let stale = |state| {
        Entity::update_many()
            .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
            .filter(Column::State.eq(state))
            // A lease that reaches further than any does was taken before the clock was set back.
            .filter(Column::LeaseUntil.lte(now).or(Column::LeaseUntil.gt(now + LEASE * 2)))
    };
    let freed = stale(NoticeState::Claimed).col_expr(Column::State, Expr::value(NoticeState::Due)).exec(db).await?;
    let unsure = stale(NoticeState::Sending)
        .col_expr(Column::State, Expr::value(NoticeState::Unsure))
        .col_expr(Column::Fault, Expr::value("deliverer_died"))
        .col_expr(Column::DoneAt, Expr::value(now))
        .exec(db)
        .await?;
    Ok((freed.rows_affected, unsure.rows_affected))
}
