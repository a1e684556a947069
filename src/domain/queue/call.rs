//! Calling (叫号): a ticket is called by one desk, and a desk serves one.

use super::state_in_words;
use super::{CALLED_ENOUGH, DESK_BUSY, MOST_CALLS, OTHER_GROUP, UNKNOWN_GROUP, UNKNOWN_TICKET, WRONG_STATE};
use crate::base::database::pick;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::booking::Offer;
use crate::domain::booking::UNKNOWN_DESK;
use entity::Id;
use entity::booking::desk;
use entity::queue::TicketState::{Called, Missed, Parked, Served, Waiting};
use entity::queue::{Column, Entity, Model, TicketEventKind, TicketState, event};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait, Select,
};

/// A ticket of the centre, of today.
fn of_today(act: &Act, id: Id) -> Select<Entity> {
    Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).filter(Column::OnDate.eq(act.now.date()))
}

/// A ticket of the centre, of today, locked until the act ends.
pub(super) async fn load(act: &Act, id: Id) -> Result<Model> {
    of_today(act, id).lock_exclusive().one(&*act.tx).await?.ok_or_else(|| UNKNOWN_TICKET.into())
}

/// The same, if it stands so that this can be done to it.
async fn load_in(act: &Act, id: Id, states: &[TicketState]) -> Result<Model> {
    let row = load(act, id).await?;
    if states.contains(&row.state) {
        return Ok(row);
    }
    Err(WRONG_STATE.with(&[("state", &state_in_words(row.state))]).into())
}

/// Writes a ticket that the act has locked.
pub(super) async fn save(act: &Act, row: &Model) -> Result<()> {
    row.clone().into_active_model().reset_all().update(&*act.tx).await?;
    Ok(())
}

/// Writes a ticket that the act has locked, and what happened to it.
pub(super) async fn write(act: &Act, row: Model, kind: TicketEventKind) -> Result<Model> {
    save(act, &row).await?;
    record(act, &row, kind).await?;
    Ok(row)
}

pub(super) async fn record(act: &Act, row: &Model, kind: TicketEventKind) -> Result<()> {
    let event = event::Model {
        id: act.id(),
        centre_id: act.centre.id,
        ticket_id: row.id,
        kind,
        group_id: row.group_id,
        desk_id: row.desk_id,
        at: act.now,
        recorded_at: act.now,
        actor_kind: act.who.kind(),
        actor: act.who.label(),
    };
    act.insert(event).await.map(drop)
}

/// A desk that serves nobody, locked: of ten who press at once at one desk, one calls.
async fn free_desk(act: &Act, code: &str) -> Result<desk::Model> {
    let desk = desk::Entity::find()
        .filter(desk::Column::CentreId.eq(act.centre.id))
        .filter(desk::Column::Code.eq(code))
        .filter(desk::Column::Active.eq(true))
        .lock_exclusive()
        .one(&*act.tx)
        .await?;
    let desk = desk.ok_or_else(|| UNKNOWN_DESK.on("desk"))?;
    let serves =
        Entity::find().filter(Column::DeskId.eq(desk.id)).filter(Column::State.eq(Called)).one(&*act.tx).await?;
    match serves {
        // What a desk left open yesterday does not keep it from working.
        Some(open) if open.on_date == act.now.date() => Err(DESK_BUSY.with(&[("number", &open.number)]).into()),
        Some(open) => {
            let over = Model { state: TicketState::Lapsed, ended_at: Some(act.now), ..open };
            write(act, over, TicketEventKind::Lapsed).await.map(|_| desk)
        }
        None => Ok(desk),
    }
}

/// Calls whoever is next to a desk; nobody, if nobody waits. Ten desks that press at once call ten people.
///
/// # Errors
/// `unknown_desk`, `desk_busy`.
pub async fn call_next(act: &Act, desk: &str) -> Result<Option<Model>> {
    let desk = free_desk(act, desk).await?;
    let next = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::GroupId.eq(desk.group_id))
        .filter(Column::OnDate.eq(act.now.date()))
        .filter(Column::State.eq(Waiting))
        .order_by_asc(Column::TurnAt)
        .order_by_asc(Column::Id)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_query();
    let (with, picked) = pick(next);
    let mut called = Entity::update_many()
        .col_expr(Column::State, Expr::value(Called))
        .col_expr(Column::DeskId, Expr::value(desk.id))
        .col_expr(Column::CalledAt, Expr::value(act.now))
        .col_expr(Column::LastCalledAt, Expr::value(act.now))
        .col_expr(Column::Calls, Expr::value(1))
        .filter(Column::Id.in_subquery(picked))
        .filter(Column::State.eq(Waiting));
    QueryTrait::query(&mut called).with_cte(with);
    let Some(row) = called.exec_with_returning(&*act.tx).await?.into_iter().next() else { return Ok(None) };
    record(act, &row, TicketEventKind::Called).await?;
    Ok(Some(row))
}

/// Calls one ticket out of its turn: who was passed over or comes back, or whom the desk asks for.
///
/// # Errors
/// `unknown_desk`, `desk_busy`, `unknown_ticket`, `wrong_ticket_state`, `other_group`.
pub async fn call(act: &Act, id: Id, desk: &str) -> Result<Model> {
    of_today(act, id).one(&*act.tx).await?.ok_or(UNKNOWN_TICKET)?;
    // The desk first, as when it calls the next: two that lock in different orders could wait for each other for ever.
    let desk = free_desk(act, desk).await?;
    let row = load_in(act, id, &[Waiting, Parked, Missed]).await?;
    if row.group_id != desk.group_id {
        return Err(OTHER_GROUP.into());
    }
    let next = Model {
        state: Called,
        desk_id: Some(desk.id),
        called_at: Some(act.now),
        last_called_at: Some(act.now),
        calls: 1,
        ..row
    };
    write(act, next, TicketEventKind::Called).await
}

/// Calls again, up to three times in all.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`, `called_enough`.
pub async fn recall(act: &Act, id: Id) -> Result<Model> {
    let row = load_in(act, id, &[Called]).await?;
    if row.calls >= MOST_CALLS {
        return Err(CALLED_ENOUGH.with(&[("n", &row.calls)]).into());
    }
    let next = Model { calls: row.calls + 1, last_called_at: Some(act.now), ..row };
    write(act, next, TicketEventKind::Recalled).await
}

/// Nobody came: the desk is free for the next.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`.
pub async fn miss(act: &Act, id: Id) -> Result<Model> {
    let row = load_in(act, id, &[Called]).await?;
    write(act, Model { state: Missed, ..row }, TicketEventKind::Missed).await
}

/// The holder fills in a form or fetches something; he keeps his turn.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`.
pub async fn park(act: &Act, id: Id) -> Result<Model> {
    let row = load_in(act, id, &[Called]).await?;
    write(act, Model { state: Parked, ..row }, TicketEventKind::Parked).await
}

/// The holder waits again: after having been parked in his old turn, after having been missed as if he came now.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`.
pub async fn resume(act: &Act, id: Id) -> Result<Model> {
    let row = load_in(act, id, &[Parked, Missed]).await?;
    let turn_at = if row.state == Parked { row.turn_at } else { act.now };
    write(act, Model { state: Waiting, turn_at, ..row }, TicketEventKind::Resumed).await
}

/// Another group serves the holder, who keeps his number and his turn.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`, `unknown_group`.
pub async fn transfer(act: &Act, id: Id, group: &str) -> Result<Model> {
    let row = load_in(act, id, &[Called, Waiting, Parked]).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let other = offer.groups.iter().find(|g| g.code == group && g.branch_id == row.branch_id && g.id != row.group_id);
    let other = other.ok_or_else(|| UNKNOWN_GROUP.on("group"))?;
    write(act, Model { state: Waiting, group_id: other.id, ..row }, TicketEventKind::Transferred).await
}

/// The holder was served.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state`.
pub async fn end(act: &Act, id: Id) -> Result<Model> {
    let row = load_in(act, id, &[Called]).await?;
    write(act, Model { state: Served, ended_at: Some(act.now), ..row }, TicketEventKind::Served).await
}
