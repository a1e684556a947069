//! Giving tickets (取号), and their holders' arrival.

use super::call::{load, record, write};
use super::state_in_words;
use super::{BAND_FULL, HALL_CLOSED, HAS_TICKET, UNKNOWN_GROUP, UNKNOWN_TICKET, WRONG_HALL_CODE, WRONG_STATE, turn};
use crate::base::error::Result;
use crate::domain::act::{Act, Who};
use crate::domain::booking::Offer;
use crate::domain::identity::{Viewer, resident};
use crate::domain::{attendance, booking, centre, guide};
use entity::booking::desk_group;
use entity::queue::{Column, Entity, Model, PrintState, Priority, TicketEventKind, TicketState};
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

/// What someone comes for.
#[derive(Debug, Default)]
pub struct Wish {
    /// Code of the guide, if he knows.
    pub guide: Option<String>,
    /// Code of the group, where no guide says which.
    pub group: Option<String>,
    /// He is called earlier.
    pub priority: Option<Priority>,
}

/// Gives a ticket: at the window to someone who is there; to a resident from afar, whose turn begins when he comes.
///
/// # Errors
/// `unknown_guide`, `unknown_group`, `hall_closed`, `has_ticket`, `band_full`.
pub async fn issue(act: &Act, wish: Wish) -> Result<Model> {
    let guide = match &wish.guide {
        Some(code) => Some(guide::get(&*act.tx, &act.centre, code).await?.row.id),
        None => None,
    };
    let group = group(act, guide, wish.group.as_deref()).await?;
    ensure_open(act, group.id).await?;
    let account = act.who.account();
    if let Some(account) = account {
        ensure_one(act, account, group.id).await?;
    }
    let state = if account.is_some() { TicketState::Remote } else { TicketState::Waiting };
    // Nobody calls himself old from afar: that is seen in the hall.
    let priority = wish.priority.filter(|_| account.is_none()).unwrap_or(Priority::None);
    let new = New { guide, booking: None, account, priority, state, turn_at: turn(act.now, None, None, priority) };
    give(act, &group, new).await
}

/// Who booked is there: his booking is kept, and he has a ticket. Asked twice, it is the same ticket.
///
/// # Errors
/// The refusals of a booking that is used; `wrong_hall_code` for a resident who does not see the hall's; `band_full`.
pub async fn arrive_by_booking(act: &Act, id: Id, code: Option<&str>, priority: Option<Priority>) -> Result<Model> {
    let viewer = Viewer::acting(act).await?;
    booking::see(&*act.tx, &act.vault, &act.centre, id, &viewer).await?;
    ensure_here(act, code)?;
    let row = booking::arrive(act, id).await?;
    let given = Entity::find().filter(Column::BookingId.eq(id)).one(&*act.tx).await?;
    if let Some(given) = given {
        return Ok(given);
    }
    // The group that he was promised, whatever takes the matter now.
    let slot = booking::slot(&*act.tx, act.centre.id, row.slot_id).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let group = offer.groups.iter().find(|g| g.id == slot.group_id).ok_or(UNKNOWN_GROUP)?;
    let priority = priority.filter(|_| matches!(act.who, Who::Staff(_))).unwrap_or(Priority::None);
    let new = New {
        guide: Some(row.guide_id),
        booking: Some(id),
        account: row.account_id,
        priority,
        state: TicketState::Waiting,
        turn_at: turn(act.now, Some(row.starts_at), None, priority),
    };
    give(act, group, new).await
}

/// Whoever took a ticket from afar is there.
///
/// # Errors
/// `unknown_ticket`, `wrong_hall_code` for a resident who does not see the hall's, `wrong_ticket_state`.
pub async fn arrive(act: &Act, id: Id, code: Option<&str>, priority: Option<Priority>) -> Result<Model> {
    let row = load(act, id).await?;
    if act.who.account().is_some() && row.account_id != act.who.account() {
        return Err(UNKNOWN_TICKET.into());
    }
    ensure_here(act, code)?;
    if row.state != TicketState::Remote {
        return Err(WRONG_STATE.with(&[("state", &state_in_words(row.state))]).into());
    }
    let priority = priority.filter(|_| matches!(act.who, Who::Staff(_))).unwrap_or(row.priority);
    let next = Model {
        state: TicketState::Waiting,
        priority,
        turn_at: turn(act.now, None, Some(row.issued_at), priority),
        arrived_at: Some(act.now),
        ..row
    };
    write(act, next, TicketEventKind::Arrived).await
}

/// A resident shows that he is in the hall by its code.
fn ensure_here(act: &Act, code: Option<&str>) -> Result<()> {
    let seen = |code| attendance::step_of(&act.vault, act.centre.id, act.now, code).is_some();
    match act.who.account() {
        Some(_) if !code.is_some_and(seen) => Err(WRONG_HALL_CODE.on("code").into()),
        _ => Ok(()),
    }
}

/// The group that a guide is taken by, or that was named, or the only one.
async fn group(act: &Act, guide: Option<Id>, code: Option<&str>) -> Result<desk_group::Model> {
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let by_guide = guide.and_then(|guide| offer.service(guide)).map(|s| s.group_id);
    let fits = |g: &desk_group::Model| match (code, by_guide) {
        (Some(code), _) => g.code == code,
        (None, Some(id)) => g.id == id,
        (None, None) => offer.groups.len() == 1,
    };
    offer.groups.iter().find(|g| fits(g)).cloned().ok_or_else(|| UNKNOWN_GROUP.on("group").into())
}

/// Refuses where nobody is received any more today.
async fn ensure_open(act: &Act, group: Id) -> Result<()> {
    if booking::receives_today(&*act.tx, &act.centre, group, act.now).await? {
        return Ok(());
    }
    Err(HALL_CLOSED.into())
}

/// Refuses a second number to an account that has not been served.
async fn ensure_one(act: &Act, account: Id, group: Id) -> Result<()> {
    let live = [TicketState::Remote, TicketState::Waiting, TicketState::Called, TicketState::Parked];
    resident::take_turn(act, account).await?;
    let has = Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::GroupId.eq(group))
        .filter(Column::OnDate.eq(act.now.date()))
        .filter(Column::BookingId.is_null())
        .filter(Column::State.is_in(live))
        .one(&*act.tx)
        .await?;
    if has.is_some() { Err(HAS_TICKET.into()) } else { Ok(()) }
}

struct New {
    guide: Option<Id>,
    booking: Option<Id>,
    account: Option<Id>,
    priority: Priority,
    state: TicketState,
    turn_at: Time,
}

/// Draws the next number of the group's band; none is given beyond its end.
async fn give(act: &Act, group: &desk_group::Model, new: New) -> Result<Model> {
    let band = format!("ticket {} {}{}", group.branch_id.simple(), group.prefix, group.first_number);
    let number = group.first_number - 1 + centre::next_number(act, &band, act.now.date()).await?;
    if number > group.last_number {
        return Err(BAND_FULL.with(&[("name", &group.name)]).into());
    }
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        branch_id: group.branch_id,
        group_id: group.id,
        on_date: act.now.date(),
        number: format!("{}{number:03}", group.prefix),
        guide_id: new.guide,
        booking_id: new.booking,
        account_id: new.account,
        priority: new.priority,
        state: new.state,
        turn_at: new.turn_at,
        issued_at: act.now,
        arrived_at: (new.state == TicketState::Waiting).then_some(act.now),
        desk_id: None,
        called_at: None,
        last_called_at: None,
        calls: 0,
        ended_at: None,
        print: PrintState::Unprinted,
    };
    act.insert(row.clone()).await?;
    record(act, &row, TicketEventKind::Issued).await?;
    Ok(row)
}

/// Notes whether a ticket came out of the printer. It can be printed again either way.
///
/// # Errors
/// `unknown_ticket`.
pub async fn mark_printed(act: &Act, id: Id, done: bool) -> Result<Model> {
    let row = load(act, id).await?;
    let next = Model { print: if done { PrintState::Printed } else { PrintState::Failed }, ..row };
    super::call::save(act, &next).await?;
    Ok(next)
}

/// Takes back a ticket that was given by mistake.
///
/// # Errors
/// `unknown_ticket`, `wrong_ticket_state` for one that was called or is over.
pub async fn void(act: &Act, id: Id) -> Result<Model> {
    let row = load(act, id).await?;
    if ![TicketState::Remote, TicketState::Waiting, TicketState::Parked, TicketState::Missed].contains(&row.state) {
        return Err(WRONG_STATE.with(&[("state", &state_in_words(row.state))]).into());
    }
    write(act, Model { state: TicketState::Void, ended_at: Some(act.now), ..row }, TicketEventKind::Voided).await
}

/// Ends the tickets of days that are over. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn end_day(act: &Act) -> Result<()> {
    let live =
        [TicketState::Remote, TicketState::Waiting, TicketState::Called, TicketState::Parked, TicketState::Missed];
    let left = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::OnDate.lt(act.now.date()))
        .filter(Column::State.is_in(live))
        .all(&*act.tx)
        .await?;
    for row in left {
        write(act, Model { state: TicketState::Lapsed, ended_at: Some(act.now), ..row }, TicketEventKind::Lapsed)
            .await?;
    }
    Ok(())
}
