//! What becomes of a booking: moved, given up, or kept.

use super::book::{person, record, tell};
use super::fair::{Asking, ensure_fair, of_account, of_person};
use super::offer::Offer;
use super::place::{Place, give_back, lock_with, of_booking, take};
use super::starts::slot as find_slot;
use super::{ALREADY_BOOKED, Booked, CHANGED_MEANWHILE, NOT_OPEN, NOT_TODAY, TOO_LATE, UNKNOWN_BOOKING, see};
use crate::base::error::Result;
use crate::domain::act::{Act, Who};
use crate::domain::applicant::{self, Applicant};
use crate::domain::calendar::moment_in_words;
use crate::domain::identity::{Viewer, resident};
use crate::domain::notice::{self, Message};
use crate::domain::{audit, guide, matter};
use entity::Id;
use entity::booking::{BookingState, Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

/// Moves a booking to another time. The old place is held until the new one is sure; whoever comes too late for the new one
/// keeps the old.
///
/// # Errors
/// `unknown_booking`, `booking_not_open`, `too_late_to_cancel`, `booking_changed`, and the refusals of a place.
pub async fn reschedule(act: &Act, id: Id, slot: Id) -> Result<Booked> {
    let booked = see(&*act.tx, &act.vault, &act.centre, id, &Viewer::acting(act).await?).await?;
    let old = booked.row.clone();
    if old.state != BookingState::Booked {
        return Err(NOT_OPEN.into());
    }
    if old.starts_at <= act.now {
        return Err(TOO_LATE.into());
    }
    if old.slot_id == slot {
        return Err(ALREADY_BOOKED.into());
    }
    let applicant = applicant::get(&*act.tx, &act.vault, act.centre.id, old.applicant_id).await?;
    let wanted = find_slot(&*act.tx, act.centre.id, slot).await?;
    let guide = guide::by_id(&*act.tx, &act.centre, old.guide_id).await?;
    matter::ensure_here(&*act.tx, &act.centre, &guide, wanted.starts_at.date()).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let rules = offer.rules(act.now.date())?;
    let known = act.blinds("person", &person(old.account_id, &applicant));
    let asking = Asking {
        account: old.account_id,
        for_other: old.for_other,
        person: &known,
        slot: &wanted,
        instead_of: Some(old.id),
    };
    if let Some(account) = old.account_id {
        resident::take_turn(act, account).await?;
    }
    let others = match old.account_id {
        Some(account) => of_account(act, rules, account).await?,
        None => of_person(act, &known, wanted.on_date).await?,
    };
    ensure_fair(act, rules, asking, others)?;
    lock_with(act, old.guide_id, slot, of_booking(act, &old).await?).await?;
    let online = act.who.account().is_some();
    let place = take(act, old.guide_id, slot, online).await?;
    give_back(act, &old, rules.cool_down_minutes).await?;
    let slots = place.length();
    let Place { slot, ends_at, .. } = place;
    let next = Model {
        slot_id: slot.id,
        slots,
        online,
        starts_at: slot.starts_at,
        ends_at,
        on_date: slot.on_date,
        sequence: old.sequence + 1,
        ..old.clone()
    };
    let row = turn(act, &old, next).await?;
    if matches!(act.who, Who::Staff(_)) {
        audit::note(act, "booking.moved", row.id, serde_json::json!({})).await?;
    }
    if let Some(phone) = &applicant.phone {
        tell(act, &row, &booked.item, phone).await?;
    }
    Ok(Booked { row, ..booked })
}

/// Gives a place back before its time. Staff may cancel for someone, who is told then.
///
/// # Errors
/// `unknown_booking`, `booking_not_open`, `too_late_to_cancel`, `booking_changed`.
pub async fn cancel(act: &Act, id: Id) -> Result<Booked> {
    let booked = see(&*act.tx, &act.vault, &act.centre, id, &Viewer::acting(act).await?).await?;
    if booked.row.state != BookingState::Booked {
        return Err(NOT_OPEN.into());
    }
    if booked.row.starts_at <= act.now {
        return Err(TOO_LATE.into());
    }
    // The slots first, as in `book`: two acts that lock in different orders could wait for each other for ever.
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let rules = offer.rules(act.now.date())?;
    give_back(act, &booked.row, rules.cool_down_minutes).await?;
    let next = Model { state: BookingState::Cancelled, sequence: booked.row.sequence + 1, ..booked.row.clone() };
    let row = turn(act, &booked.row, next).await?;
    if matches!(act.who, Who::Staff(_)) {
        audit::note(act, "booking.cancelled", row.id, serde_json::json!({})).await?;
        if let Some(phone) = booked.applicant.as_ref().and_then(|a| a.phone.as_ref()) {
            let values = vec![
                ("when", moment_in_words(row.starts_at)),
                ("number", row.number.clone()),
                ("phone", act.centre.phone.clone()),
            ];
            let message = Message {
                key: format!("booking.cancelled/{}", row.id),
                kind: &notice::CANCELLED,
                phone: phone.clone(),
                values,
                about: row.id,
                account: row.own_account(),
                matter_at: row.created_at,
                due_at: act.now,
                expires_at: row.starts_at,
            };
            notice::say(act, message).await?;
        }
    }
    Ok(Booked { row, ..booked })
}

/// Notes that the person has come, on the day of the booking. Who took a ticket with it has come already.
///
/// # Errors
/// `unknown_booking`, `booking_not_today`, `booking_not_open`, `booking_changed`.
pub async fn arrive(act: &Act, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).lock_exclusive().one(&*act.tx).await?;
    let row = row.ok_or_else(|| UNKNOWN_BOOKING.on("booking_id"))?;
    if row.on_date != act.now.date() {
        return Err(NOT_TODAY.on("booking_id").into());
    }
    match row.state {
        BookingState::Booked => turn(act, &row, Model { state: BookingState::Arrived, ..row.clone() }).await,
        BookingState::Arrived => Ok(row),
        _ => Err(NOT_OPEN.into()),
    }
}

/// True when the booking was made for this person, by name.
///
/// # Errors
/// Whatever the database says.
pub async fn is_for(act: &Act, row: &Model, applicant: &Applicant) -> Result<bool> {
    Ok(applicant::get(&*act.tx, &act.vault, act.centre.id, row.applicant_id).await?.name == applicant.name)
}

/// Writes a booking that was changed, if it still stands as it was read; of two who change it at once, one succeeds.
pub(super) async fn turn(act: &Act, row: &Model, next: Model) -> Result<Model> {
    turn_by(act, row, next, None).await
}

/// The same, by the closure that brought it.
pub(super) async fn turn_by(act: &Act, row: &Model, next: Model, closure: Option<Id>) -> Result<Model> {
    let turned = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state))
        .col_expr(Column::Sequence, Expr::value(next.sequence))
        .col_expr(Column::SlotId, Expr::value(next.slot_id))
        .col_expr(Column::Slots, Expr::value(next.slots))
        .col_expr(Column::Online, Expr::value(next.online))
        .col_expr(Column::StartsAt, Expr::value(next.starts_at))
        .col_expr(Column::EndsAt, Expr::value(next.ends_at))
        .col_expr(Column::OnDate, Expr::value(next.on_date))
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(row.state))
        .filter(Column::Sequence.eq(row.sequence))
        .exec(&*act.tx)
        .await?;
    if turned.rows_affected == 0 {
        let now = Entity::find_by_id(row.id).one(&*act.tx).await?.ok_or(UNKNOWN_BOOKING)?;
        return Err(if now.state == BookingState::Booked { CHANGED_MEANWHILE } else { NOT_OPEN }.into());
    }
    record(act, &next, closure).await?;
    // What was said of its old time, and has not gone out, is no longer true.
    notice::withdraw(act, next.id).await?;
    Ok(next)
}
