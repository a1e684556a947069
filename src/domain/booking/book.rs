//! Booking (预约): taking a place, and saying so.

use super::fair::{Asking, ensure_fair, rules};
use super::place::{Place, take};
use super::starts::slot;
use super::{ALREADY_BOOKED, Booked, Wish, hold};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::applicant::{self, Applicant};
use crate::domain::calendar::{self, Calendar};
use crate::domain::guide;
use crate::domain::identity::resident;
use crate::domain::notice::{self, Message};
use chrono::Duration;
use entity::booking::{BookingState, Model, event};
use entity::{Id, Time};

/// Takes a place, and says so by text. A resident takes it for himself or another; the windows take it for whoever rings
/// up or comes by, and then no account sees it.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant, `not_for_kind`, `no_account`, those of fairness (`already_booked`,
/// `booking_limited`, `too_many_bookings`, `too_many_that_day`), and of a place (`not_bookable`, `unknown_slot`, `slot_past`,
/// `online_closed`, `slot_full`, `outside_hours`).
pub async fn book(act: &Act, wish: Wish) -> Result<Booked> {
    let guide = guide::get(&*act.tx, act.centre.id, &wish.guide).await?;
    let mut applicant = wish.applicant.check()?;
    guide.ensure_for(applicant.kind)?;
    let account = act.who.account();
    if let Some(account) = account {
        let known = resident::known(&*act.tx, &act.vault, act.centre.id, account).await?;
        applicant.phone = applicant.phone.or(known.phone);
    }
    let online = account.is_some();
    let who = person(account, &applicant);
    let wanted = slot(&*act.tx, act.centre.id, wish.slot).await?;
    let rules = rules(&*act.tx, act.centre.id, act.now.date()).await?;
    // Until `keys reindex` has run, the same person's booking may stand under an older key.
    let (known, for_other) = (act.blinds("person", &who), wish.for_other);
    ensure_fair(act, &rules, Asking { account, for_other, person: &known, slot: &wanted, instead_of: None }).await?;
    let kept = match wish.hold {
        Some(id) => hold::use_up(act, id, guide.row.id, wish.slot).await?,
        None => None,
    };
    let place = match kept {
        Some(place) => place,
        None => take(act, guide.row.id, wish.slot, online).await?,
    };
    let length = place.length();
    let Place { slot, ends_at, .. } = place;
    let snapshot = applicant::record(act, &applicant).await?;
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        number: act.random.word(8),
        slot_id: slot.id,
        slots: length,
        online,
        starts_at: slot.starts_at,
        ends_at,
        on_date: slot.on_date,
        guide_id: guide.row.id,
        office_id: guide.row.office_id,
        account_id: account,
        applicant_id: snapshot.id,
        person_blind: act.blind("person", &who),
        for_other: wish.for_other,
        state: BookingState::Booked,
        sequence: 0,
        created_at: act.now,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(ALREADY_BOOKED.into());
    }
    record(act, &row, None).await?;
    if let Some(phone) = &applicant.phone {
        tell(act, &row, &guide.row.name, phone).await?;
    }
    Ok(Booked { row, item: guide.row.name, guide_code: guide.row.code, applicant: Some(applicant) })
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
    let confirmed = Message {
        key: format!("booking.confirmed/{}/{}", row.id, row.sequence),
        kind: if row.sequence == 0 { &notice::CONFIRMED } else { &notice::RESCHEDULED },
        phone,
        values: &values(act, row, item),
        about: row.id,
        due_at: act.now,
        expires_at: row.starts_at,
    };
    notice::say(act, confirmed).await?;
    remind(act, &calendar::load(&*act.tx).await?, row, item, phone).await
}

fn values(act: &Act, row: &Model, item: &str) -> [(&'static str, String); 4] {
    [
        ("when", calendar::moment_in_words(row.starts_at)),
        ("item", item.to_owned()),
        ("number", row.number.clone()),
        ("place", act.centre.address.clone()),
    ]
}

/// Reminds on the working day before at four in the afternoon, and two hours before; not of what was said just before.
pub(super) async fn remind(act: &Act, calendar: &Calendar, row: &Model, item: &str, phone: &str) -> Result<()> {
    let day_before = calendar.back(row.on_date, 1);
    let moments = [("day", Time::at(day_before, 16 * 60)), ("hours", row.starts_at - Duration::hours(2))];
    for (which, due_at) in moments.into_iter().filter(|(_, m)| *m > act.now + Duration::minutes(30)) {
        let reminder = Message {
            key: format!("booking.reminder/{which}/{}/{}", row.id, row.sequence),
            kind: &notice::REMINDER,
            phone,
            values: &values(act, row, item),
            about: row.id,
            due_at,
            expires_at: row.starts_at,
        };
        notice::say(act, reminder).await?;
    }
    Ok(())
}

/// Writes down what became of a booking, with the time it is promised, and the closure that brought it if one did.
pub(super) async fn record(act: &Act, row: &Model, closure: Option<Id>) -> Result<()> {
    let event = event::Model {
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
    };
    act.insert(event).await.map(drop)
}
