//! Booking (预约): what someone wants, checked; taking his place; and saying so.

use super::fair::{Asker, Asking, ensure_fair, look_at, of_account, of_person};
use super::offer::Offer;
use super::place::{Place, hold_still, span, why_not, why_not_now};
use super::starts::{ensure_free, slot};
use super::take::{Entry, Taking};
use super::{Booked, NOT_BOOKABLE, Wish, hold};
use crate::base::error::Result;
use crate::domain::act::{Act, CAME_BETWEEN};
use crate::domain::applicant::Applicant;
use crate::domain::calendar::{self, Calendar};
use crate::domain::guide;
use crate::domain::identity::resident;
use crate::domain::matter;
use crate::domain::notice::{self, Message};
use chrono::Duration;
use entity::booking::{Model, event};
use entity::{Id, Time};

/// Takes a place, and says so by text. A resident takes it for himself or another; the windows take it for whoever rings
/// up or comes by, and then no account sees it.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant, `not_for_kind`, `no_account`, those of fairness (`already_booked`,
/// `booking_limited`, `too_many_bookings`, `too_many_that_day`), and of a place (`not_bookable`, `unknown_slot`, `slot_past`,
/// `online_closed`, `slot_full`, `outside_hours`).
pub async fn book(act: &Act, wish: Wish) -> Result<Booked> {
    let prepared = prepare(act, wish).await?;
    let Prepared { held, taking, booked } = prepared;
    if held {
        taking.entry.write(act).await?;
    } else if !taking.take(act).await? {
        return Err(why_not_now(act, booked.row.slot_id, booked.row.online).await?);
    }
    Ok(booked)
}

/// A booking that may be made.
pub struct Prepared {
    /// Its place is kept for it already.
    held: bool,
    /// Taking it.
    pub taking: Taking,
    booked: Booked,
}

/// Checks a wish, and says what is to be taken and written. Nothing is yet, but a hold is used up.
///
/// # Errors
/// Those of [`book`].
pub async fn prepare(act: &Act, wish: Wish) -> Result<Prepared> {
    let (guide, offer) =
        (guide::get(&*act.tx, &act.centre, &wish.guide).await?, Offer::of(&*act.tx, &act.centre).await?);
    let mut applicant = wish.applicant.check()?;
    guide.ensure_for(applicant.kind)?;
    let (service, rules) = (offer.service(guide.row.id).ok_or(NOT_BOOKABLE)?, offer.rules(act.now.date())?);
    let account = act.who.account();
    let (looks, online) = (act.tx.looks(), account.is_some());
    if looks && (!online || wish.hold.is_some() || service.slots > 1) {
        return Err(CAME_BETWEEN.into());
    }
    let first = slot(&*act.tx, act.centre.id, wish.slot).await?;
    matter::ensure_here(&*act.tx, &act.centre, &guide, first.starts_at.date()).await?;
    if looks {
        ensure_free(&first, online, act.now)?;
    }
    let (known, turn, its) = match account {
        Some(account) if looks => {
            let Asker { known, turn, its } = look_at(act, rules, account).await?;
            (Some(known), Some((account, turn)), Some(its))
        }
        Some(account) => {
            let known = resident::take_turn(act, account).await?;
            (Some(known), None, Some(of_account(act, rules, account).await?))
        }
        None => (None, None, None),
    };
    applicant.phone = applicant.phone.or(known.and_then(|known| known.phone));
    let who = person(account, &applicant);
    // Until `keys reindex` has run, the same person's booking may stand under an older key.
    let (person, for_other) = (act.blinds("person", &who), wish.for_other);
    let others = match its {
        Some(its) => its,
        None => of_person(act, &person, first.on_date).await?,
    };
    let asking = Asking { account, for_other, person: &person, slot: &first, instead_of: None };
    ensure_fair(act, rules, asking, others)?;
    let kept = match wish.hold {
        Some(id) => hold::use_up(act, id, service, first.id).await?,
        None => None,
    };
    let held = kept.is_some();
    let place = match kept {
        Some(place) => place,
        None => {
            let seen = Place::of(span(act, service, &first).await?);
            seen.ok_or_else(|| why_not(Some(first), online, act.now).on("slot_id"))?
        }
    };
    if !held {
        hold_still(act, &place).await?;
    }
    let mut entry = Entry::new(act, &guide, &place, &applicant, account, for_other)?;
    if let Some(phone) = &applicant.phone {
        let calendar = calendar::of(&*act.tx, &act.centre).await?;
        let messages = news(act, &calendar, &entry.booking, &guide.row.name, phone);
        entry.notices = notice::compose(act, messages.collect()).await?;
    }
    let row = entry.booking.clone();
    let slots = place.slots.iter().map(|s| s.id).collect();
    let taking = Taking { slots, group: service.group_id, online, now: act.now, turn, entry };
    let (item, guide_code) = (guide.row.name.clone(), guide.row.code.clone());
    Ok(Prepared { held, taking, booked: Booked { row, item, guide_code, applicant: Some(applicant) } })
}

/// What makes two bookings the same person's: the name, with the account or, where the window booked, with phone and
/// document. Two villagers may share a name, and a family a phone.
pub(crate) fn person(account: Option<Id>, applicant: &Applicant) -> String {
    let name = &applicant.name;
    match account {
        Some(account) => format!("{account} {name}"),
        None => {
            let number = applicant.document.as_ref().map_or("", |(_, number)| number);
            format!("window {} {number} {name}", applicant.phone.as_deref().unwrap_or_default())
        }
    }
}

/// Confirms by text, and reminds of it.
pub(super) async fn tell(act: &Act, row: &Model, item: &str, phone: &str) -> Result<()> {
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    let messages = news(act, &calendar, row, item, phone).collect();
    notice::put(act, notice::compose(act, messages).await?).await
}

/// Reminds of it.
pub(super) async fn remind(act: &Act, calendar: &Calendar, row: &Model, item: &str, phone: &str) -> Result<()> {
    let messages = reminders(act, calendar, row, item, phone).collect();
    notice::put(act, notice::compose(act, messages).await?).await
}

fn values(act: &Act, row: &Model, item: &str) -> Vec<(&'static str, String)> {
    vec![
        ("when", calendar::moment_in_words(row.starts_at)),
        ("item", item.to_owned()),
        ("number", row.number.clone()),
        ("place", act.centre.address.clone()),
    ]
}

/// What is said of a booking that is made, and what reminds of it.
pub fn news(act: &Act, calendar: &Calendar, row: &Model, item: &str, phone: &str) -> impl Iterator<Item = Message> {
    let confirmation = Message {
        key: format!("booking.confirmed/{}/{}", row.id, row.sequence),
        kind: if row.sequence == 0 { &notice::CONFIRMED } else { &notice::RESCHEDULED },
        phone: phone.to_owned(),
        values: values(act, row, item),
        about: row.id,
        account: row.own_account(),
        matter_at: row.created_at,
        due_at: act.now,
        expires_at: row.starts_at,
    };
    std::iter::once(confirmation).chain(reminders(act, calendar, row, item, phone))
}

/// On the working day before at four in the afternoon, and two hours before; not of what was said just before.
fn reminders(act: &Act, calendar: &Calendar, row: &Model, item: &str, phone: &str) -> impl Iterator<Item = Message> {
    let day_before = calendar.back(row.on_date, 1);
    let moments = [("day", Time::at(day_before, 16 * 60)), ("hours", row.starts_at - Duration::hours(2))];
    let soon = act.now + Duration::minutes(30);
    moments.into_iter().filter(move |(_, m)| *m > soon).map(|(which, due_at)| Message {
        key: format!("booking.reminder/{which}/{}/{}", row.id, row.sequence),
        kind: &notice::REMINDER,
        phone: phone.to_owned(),
        values: values(act, row, item),
        about: row.id,
        account: row.own_account(),
        matter_at: row.created_at,
        due_at,
        expires_at: row.starts_at,
    })
}

/// Writes down what became of a booking, with the time it is promised, and the closure that brought it if one did.
pub(super) async fn record(act: &Act, row: &Model, closure: Option<Id>) -> Result<()> {
    act.insert(happened(act, row, closure)).await.map(drop)
}

/// What became of a booking, with the time it is promised.
#[must_use]
pub fn happened(act: &Act, row: &Model, closure: Option<Id>) -> event::Model {
    event::Model {
        id: act.id(),
        centre_id: act.centre.id,
        booking_id: row.id,
        state: row.state,
        on_date: row.on_date,
        ends_at: row.ends_at,
        at: act.now,
        recorded_at: act.now,
        actor_kind: act.who.kind(),
        actor: act.who.label(),
        closure_id: closure,
    }
}
