//! A booking as an entry of a calendar (RFC 5545): the same UID for ever, and a higher SEQUENCE whenever it was changed, so
//! that a calendar moves its entry instead of keeping two. It names the matter and nobody.

use crate::domain::booking::Booked;
use crate::domain::published::Centre;
use chrono::{DateTime, Duration, Utc};
use entity::Time;
use entity::booking::BookingState;
use icalendar::{Alarm, Calendar, Component as _, Event, EventLike as _, EventStatus};

/// The entry of a booking.
#[must_use]
pub fn entry(booked: &Booked, centre: &Centre, now: Time) -> String {
    let row = &booked.row;
    let mut event = Event::new();
    event
        .uid(&format!("{}@{}.shuitian", row.id, centre.code.to_lowercase()))
        .sequence(row.sequence.unsigned_abs())
        .timestamp(utc(now))
        .starts(utc(row.starts_at))
        .ends(utc(row.ends_at))
        .summary(&format!("{}（预约号{}）", booked.item, row.number))
        .location(&centre.address)
        .description(&format!("{}，电话{}。不能来请提前取消。", centre.name, centre.phone))
        .status(match row.state {
            BookingState::Cancelled => EventStatus::Cancelled,
            _ => EventStatus::Confirmed,
        });
    if row.state == BookingState::Booked {
        event.alarm(Alarm::display(&booked.item, -Duration::hours(2)));
    }
    Calendar::new().push(event.done()).done().to_string()
}

fn utc(time: Time) -> DateTime<Utc> {
    time.local().to_utc()
}
