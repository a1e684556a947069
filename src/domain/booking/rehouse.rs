//! Rehousing (另行安排): whoever holds a place for a time at which the centre turns out to be closed is given the next one there
//! is, or his booking is cancelled; he is told either way.

use super::Booked;
use super::book::remind;
use super::change::turn_by;
use super::look::show;
use super::open::Ahead;
use super::openings::Openings;
use super::place::{give_back, put_back_held};
use super::starts::follow;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::applicant::Applicant;
use crate::domain::calendar::{self, Calendar, moment_in_words};
use crate::domain::notice::{self, Message};
use chrono::Duration;
use entity::booking::{BookingState, Column, Entity, Model, held, slot};
use entity::closure::Model as Closure;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::{HashMap, HashSet};

/// Nobody is moved to a time that he could not hear of before.
const WARNING: Duration = Duration::hours(2);

/// A booking that a closure touched.
#[derive(Debug)]
pub struct Touched {
    /// As it stands now: at its new time, or cancelled.
    pub booked: Booked,
    /// When it was to be.
    pub was: Time,
    /// He was told by text; else somebody has to ring him up.
    pub texted: bool,
}

/// Gives whoever holds a place that is not there any more another one, in the order in which they booked. Says beside whom it
/// touched whether any place was given back.
pub(super) async fn rehouse(act: &Act, openings: &Openings, mut ahead: Vec<Ahead>) -> Result<(Vec<Touched>, bool)> {
    // First, for whoever was just using a kept place up has booked by the time it is gone, and is among those that follow.
    let dropped = drop_holds(act, &mut ahead).await?;
    let booked = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.eq(BookingState::Booked))
        .filter(Column::OnDate.gte(act.now.date()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&*act.tx)
        .await?;
    let groups = groups_of(act, &booked).await?;
    let stranded = stranded(openings, &ahead, &booked, &groups);
    if stranded.is_empty() {
        return Ok((Vec::new(), dropped));
    }
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    let rows = stranded.iter().map(|(row, _)| (*row).clone()).collect();
    let shown = show(&*act.tx, &act.vault, &act.centre, rows, None).await?;
    let mut taken: HashSet<_> = booked.iter().map(|b| (b.slot_id, b.person_blind.0.clone())).collect();
    let mut touched = Vec::new();
    for ((row, closure), shown) in stranded.into_iter().zip(shown) {
        let Some(group) = groups.get(&row.slot_id) else { continue };
        let place = match closure.is_none_or(|c| c.moves) {
            true => find(act, openings, &ahead, row, *group, &taken),
            false => None,
        };
        let next = match place {
            Some(place) => {
                taken.insert((ahead[place.first].slot.id, row.person_blind.0.clone()));
                take(act, &mut ahead, row, place).await?
            }
            None => Model { state: BookingState::Cancelled, sequence: row.sequence + 1, ..row.clone() },
        };
        give_back(act, row, 0).await?;
        let booked = Booked { row: turn_by(act, row, next, closure.map(|c| c.id)).await?, ..shown };
        touched.push(tell(act, &calendar, row.starts_at, booked, closure).await?);
    }
    Ok((touched, true))
}

/// The group of each slot that bookings begin with.
pub(super) async fn groups_of(act: &Act, booked: &[Model]) -> Result<HashMap<Id, Id>> {
    let mut groups = HashMap::new();
    let mut ids: Vec<Id> = booked.iter().map(|b| b.slot_id).collect();
    ids.sort_unstable();
    ids.dedup();
    for part in ids.chunks(500) {
        let slots = slot::Entity::find().filter(slot::Column::Id.is_in(part.iter().copied())).all(&*act.tx).await?;
        groups.extend(slots.into_iter().map(|s| (s.id, s.group_id)));
    }
    Ok(groups)
}

/// Bookings at times that are closed, and those that a closed desk leaves too many: whoever booked first stays. With the
/// closure that did it, if it was one and not the calendar.
fn stranded<'a>(
    openings: &'a Openings,
    ahead: &[Ahead],
    booked: &'a [Model],
    groups: &HashMap<Id, Id>,
) -> Vec<(&'a Model, Option<&'a Closure>)> {
    let mut left: HashMap<Id, i32> = ahead.iter().map(|a| (a.slot.id, a.offered.0)).collect();
    let mut stranded = Vec::new();
    for row in booked {
        let Some(group) = groups.get(&row.slot_id) else { continue };
        if !openings.have(*group, row.starts_at, row.ends_at) {
            stranded.push((row, openings.closure(*group, row.starts_at, row.ends_at)));
            continue;
        }
        let Some(closure) = openings.desk_closure(*group, row.starts_at, row.ends_at) else { continue };
        let reaches =
            |a: &&Ahead| a.slot.group_id == *group && a.slot.starts_at < row.ends_at && row.starts_at < a.slot.ends_at;
        let slots: Vec<Id> = ahead.iter().filter(reaches).map(|a| a.slot.id).collect();
        if slots.iter().any(|s| left.get(s).is_some_and(|left| *left <= 0)) {
            stranded.push((row, Some(closure)));
        } else {
            slots.iter().for_each(|s| *left.entry(*s).or_default() -= 1);
        }
    }
    stranded
}

/// Lets go of places that are kept or cool down in slots that offer fewer than are taken; true when there were any.
async fn drop_holds(act: &Act, ahead: &mut [Ahead]) -> Result<bool> {
    let over: Vec<Id> = ahead.iter().filter(|a| a.slot.taken > a.offered.0).map(|a| a.slot.id).collect();
    let mut freed = Vec::new();
    for part in over.chunks(500) {
        let of_slots = held::Column::SlotId.is_in(part.iter().copied());
        freed.extend(held::Entity::delete_many().filter(of_slots).exec_with_returning(&*act.tx).await?);
    }
    for place in &freed {
        if let Some(a) = ahead.iter_mut().find(|a| a.slot.id == place.slot_id) {
            a.slot.taken -= 1;
            a.slot.taken_online -= 1;
        }
    }
    let any = !freed.is_empty();
    put_back_held(act, freed).await?;
    Ok(any)
}

/// Where a booking can go: the slots from one on, and whether it takes one of the residents' places there.
struct Found {
    first: usize,
    slots: Vec<usize>,
    online: bool,
}

/// The next time at which there is a place for as long as a booking takes.
fn find(
    act: &Act,
    openings: &Openings,
    ahead: &[Ahead],
    row: &Model,
    group: Id,
    taken: &HashSet<(Id, Vec<u8>)>,
) -> Option<Found> {
    let earliest = Ord::max(row.starts_at, act.now + WARNING);
    let free = |a: &Ahead| a.slot.taken < a.offered.0;
    let mine: Vec<usize> = (0..ahead.len()).filter(|n| ahead[*n].slot.group_id == group && free(&ahead[*n])).collect();
    let fits = |span: &&[usize]| {
        let slots: Vec<slot::Model> = span.iter().map(|n| ahead[*n].slot.clone()).collect();
        slots[0].starts_at >= earliest
            && follow(slots.iter().map(|s| (s.starts_at, s.ends_at)))
            && !taken.contains(&(slots[0].id, row.person_blind.0.clone()))
            && openings.have(group, slots[0].starts_at, slots[slots.len() - 1].ends_at)
    };
    let span = mine.windows(usize::try_from(row.slots).unwrap_or(1)).find(fits)?;
    let residents = |n: &usize| ahead[*n].slot.taken_online < ahead[*n].offered.1;
    Some(Found { first: span[0], slots: span.to_vec(), online: row.online && span.iter().all(residents) })
}

/// Takes a place that was found, in slots that the act has locked; gives the booking as it will be.
async fn take(act: &Act, ahead: &mut [Ahead], row: &Model, found: Found) -> Result<Model> {
    let mut ids = Vec::new();
    for n in &found.slots {
        let slot = &mut ahead[*n].slot;
        (slot.taken, slot.taken_online) = (slot.taken + 1, slot.taken_online + i32::from(found.online));
        ids.push(slot.id);
    }
    slot::Entity::update_many()
        .col_expr(slot::Column::Taken, Expr::col(slot::Column::Taken).add(1))
        .col_expr(slot::Column::TakenOnline, Expr::col(slot::Column::TakenOnline).add(i32::from(found.online)))
        .filter(slot::Column::Id.is_in(ids))
        .exec(&*act.tx)
        .await?;
    let (first, last) = (&ahead[found.first].slot, &ahead[found.slots[found.slots.len() - 1]].slot);
    Ok(Model {
        slot_id: first.id,
        online: found.online,
        starts_at: first.starts_at,
        ends_at: last.ends_at,
        on_date: first.on_date,
        sequence: row.sequence + 1,
        ..row.clone()
    })
}

/// Tells the person what became of his booking, and reminds him of its new time.
async fn tell(act: &Act, calendar: &Calendar, was: Time, booked: Booked, closure: Option<&Closure>) -> Result<Touched> {
    let Some(phone) = booked.applicant.as_ref().and_then(Applicant::mobile) else {
        return Ok(Touched { booked, was, texted: false });
    };
    let moved = booked.row.state == BookingState::Booked;
    let (kind, ends) = match moved {
        true => (&notice::MOVED, booked.row.starts_at),
        false => (&notice::CLOSED, Ord::max(was, act.now + WARNING)),
    };
    let values = vec![
        ("why", closure.map_or("中心当天不上班", |c| c.reason.as_str()).to_owned()),
        ("when", moment_in_words(was)),
        ("new", moment_in_words(booked.row.starts_at)),
        ("number", booked.row.number.clone()),
        ("place", act.centre.address.clone()),
        ("phone", act.centre.phone.clone()),
    ];
    let message = Message {
        key: format!("{}/{}/{}", kind.word, booked.row.id, booked.row.sequence),
        kind,
        phone: phone.clone(),
        values,
        about: booked.row.id,
        account: booked.row.own_account(),
        matter_at: booked.row.created_at,
        due_at: act.now,
        expires_at: ends,
    };
    notice::say(act, message).await?;
    if moved {
        remind(act, calendar, &booked.row, &booked.item, &phone).await?;
    }
    Ok(Touched { booked, was, texted: true })
}
