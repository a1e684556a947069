//! Doors of bookings: places in the hall's slots.

pub(super) mod appeal;

use super::Noun;
use super::problem::Failure;
use super::view::{ApplicantInput, ApplicantView, Created, Done, Listed, Moment, Rendered, Text, moment, part};
use crate::access::{BookingParty, By, Perhaps, Resident, Visit, WindowStaff};
use crate::document::calendar;
use crate::domain::booking::{self, Booked, Hold, Start, Wish};
use crate::domain::identity::Viewer;
use crate::domain::{Act, Who};
use chrono::NaiveDate;
use entity::Id;
use entity::booking::BookingState;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::types::ToJSON as _;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;

pub(super) struct Bookings;

/// A start at which a guide can be booked.
#[derive(Object, Serialize)]
struct SlotView {
    /// Opaque id of the first slot.
    id: Id,
    /// Start.
    starts_at: Moment,
    /// End, after as many slots as the guide takes.
    ends_at: Moment,
    /// Places on offer.
    capacity: i32,
    /// Places left.
    remaining: i32,
}

/// A wish for a place.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct BookInput {
    /// The slot.
    slot_id: Id,
    /// Code of the guide.
    guide: Text,
    /// For whom; a phone left out is the account's, where an account books.
    applicant: ApplicantInput,
    /// It is for someone else.
    for_other: Option<bool>,
    /// The hold that keeps the place; one that has run out is as none.
    hold_id: Option<Id>,
}

/// A wish that a place be kept while a form is filled in.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct HoldInput {
    /// The slot.
    slot_id: Id,
    /// Code of the guide.
    guide: Text,
    /// It is for someone else.
    for_other: Option<bool>,
}

/// A place that is kept.
#[derive(Object)]
struct HoldView {
    /// Give this as `hold_id` with the booking.
    id: Id,
    /// The slot.
    slot_id: Id,
    /// Until when it is kept; then it gives itself back.
    until: Moment,
}

/// An entry of a calendar.
#[derive(ApiResponse)]
enum Entry {
    /// RFC 5545.
    #[oai(status = 200, content_type = "text/calendar; charset=utf-8")]
    Calendar(PlainText<String>),
}

/// Another time.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RescheduleInput {
    /// The first slot of it.
    slot_id: Id,
}

/// A booking.
#[derive(Object)]
pub(super) struct BookingView {
    /// Opaque id.
    id: Id,
    /// Number people read.
    number: String,
    /// Where it stands.
    state: BookingState,
    /// Code of the guide.
    guide: String,
    /// Name of the matter.
    item: String,
    /// Promised start.
    starts_at: Moment,
    /// Promised end.
    ends_at: Moment,
    /// It is for someone else.
    for_other: bool,
    /// For whom; masked for staff, and left out where the phone may have changed hands since.
    applicant: Option<ApplicantView>,
}

pub(super) fn view(booked: Booked, to: &Who) -> BookingView {
    BookingView {
        id: booked.row.id,
        number: booked.row.number,
        state: booked.row.state,
        guide: booked.guide_code,
        item: booked.item,
        starts_at: moment(booked.row.starts_at),
        ends_at: moment(booked.row.ends_at),
        for_other: booked.row.for_other,
        applicant: booked.applicant.as_ref().map(|a| ApplicantView::to(matches!(to, Who::Staff(_)), a)),
    }
}

type Answer<T> = Result<T, Failure>;

/// Tells whoever comes too late so, before anything is opened to write; not whoever asks again for what he was given.
async fn ensure_offered(who: &By<BookingParty>, slot: Id) -> crate::base::Result<()> {
    let (app, online) = (&who.visit.app, who.who.account().is_some());
    match booking::ensure_offered(app.read(), who.visit.centre.id, slot, online, app.clock.now()).await {
        Err(_) if who.visit.repeats(&who.who, "book").await? => Ok(()),
        seen => seen,
    }
}

#[OpenApi(tag = "Noun::Booking")]
impl Bookings {
    /// See which starts have places; the windows see those for older people too
    #[oai(path = "/slots", method = "get", operation_id = "list_slots")]
    async fn list_slots(
        &self,
        who: Perhaps<WindowStaff>,
        /// Code of the guide.
        guide: Query<String>,
        /// First day; today if left out.
        from: Query<Option<NaiveDate>>,
        /// Last day; thirty days on if left out.
        to: Query<Option<NaiveDate>>,
    ) -> Answer<Rendered<Listed<SlotView>>> {
        let Visit { app, centre, .. } = who.visit();
        let online = matches!(who, Perhaps::Stranger(_));
        let starts = booking::starts(app.read(), centre, &guide.0, from.0, to.0, app.clock.now(), online).await?;
        let view = |s: Start| SlotView {
            id: s.id,
            starts_at: moment(s.starts_at),
            ends_at: moment(s.ends_at),
            capacity: s.capacity,
            remaining: s.remaining,
        };
        Ok(Rendered::of(&Listed { items: starts.into_iter().map(view).collect(), next_cursor: None })?)
    }

    /// Have a place kept for a few minutes, while its form is filled in; one at a time
    #[oai(path = "/holds", method = "post", operation_id = "hold_place")]
    async fn hold_place(&self, who: By<Resident>, body: Json<HoldInput>) -> Answer<Created<HoldView>> {
        who.visit.limit_hold(who.holder).await?;
        let input = body.0;
        let request = input.to_json_string();
        let for_other = input.for_other.unwrap_or(false);
        let keep = async |act: &_| {
            let Hold { id, slot, until } = booking::hold(act, &input.guide, input.slot_id, for_other).await?;
            Ok(HoldView { id, slot_id: slot, until: moment(until) })
        };
        Ok(Created(who.visit.write_once(who.who.clone(), "hold_place", &request, keep).await?))
    }

    /// Let go of a place that is kept
    #[oai(path = "/holds/:id/release", method = "post", operation_id = "release_place")]
    async fn release_place(&self, who: By<Resident>, id: Path<Id>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| booking::let_go(act, id.0).await).await?;
        Ok(Done::Done)
    }

    /// Take a place; the windows, for whoever rings up
    #[oai(path = "/bookings", method = "post", operation_id = "book")]
    async fn book(&self, who: By<BookingParty>, body: Json<BookInput>) -> Answer<Created<BookingView>> {
        who.visit.limit_booking(&who.who, "book").await?;
        let (by, request) = (&who.who, body.0.to_json_string());
        let BookInput { slot_id, guide, applicant, for_other, hold_id } = body.0;
        let wish = Wish {
            slot: slot_id,
            guide: guide.into(),
            applicant: applicant.into(),
            for_other: for_other.unwrap_or(false),
            hold: hold_id,
        };
        let again = wish.clone();
        let book = async |act: &Act| Ok(view(booking::book(act, again).await?, &act.who));
        if let Some(made) = who.visit.at_once(by.clone(), book).await? {
            return Ok(Created(made));
        }
        if hold_id.is_none() {
            ensure_offered(&who, slot_id).await?;
        }
        let book = async |act: &Act| Ok(view(booking::book(act, wish).await?, &act.who));
        Ok(Created(who.visit.write_once(by.clone(), "book", &request, book).await?))
    }

    /// One's own bookings; for the windows, a day's
    #[oai(path = "/bookings", method = "get", operation_id = "list_bookings")]
    async fn list_bookings(
        &self,
        who: By<BookingParty>,
        /// For the windows: the day; today if left out.
        date: Query<Option<NaiveDate>>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<BookingView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let viewer = Viewer::of(app.read(), &app.vault, centre.id, &who.who).await?;
        let (booked, next_cursor) = match &viewer {
            Viewer::Resident(known) => {
                let page = part(limit.0, cursor.0.as_ref())?;
                booking::list_of_account(app.read(), &app.vault, centre, known, page).await?
            }
            Viewer::Staff(_) => {
                let day = date.0.unwrap_or_else(|| app.clock.now().date());
                (booking::list_of_day(app.read(), &app.vault, centre, day, None).await?, None)
            }
        };
        Ok(Json(Listed { items: booked.into_iter().map(|b| view(b, &who.who)).collect(), next_cursor }))
    }

    /// Read a booking
    #[oai(path = "/bookings/:id", method = "get", operation_id = "get_booking")]
    async fn get_booking(&self, who: By<BookingParty>, id: Path<Id>) -> Answer<Json<BookingView>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let viewer = Viewer::of(app.read(), &app.vault, centre.id, &who.who).await?;
        Ok(Json(view(booking::see(app.read(), &app.vault, centre, id.0, &viewer).await?, &who.who)))
    }

    /// Move a booking to another time; the old place is held until the new one is sure
    #[oai(path = "/bookings/:id/reschedule", method = "post", operation_id = "reschedule_booking")]
    async fn reschedule_booking(
        &self,
        who: By<BookingParty>,
        id: Path<Id>,
        body: Json<RescheduleInput>,
    ) -> Answer<Json<BookingView>> {
        who.visit.limit_booking(&who.who, "reschedule_booking").await?;
        let request = format!("{} {}", id.0, body.0.slot_id);
        let moved = who
            .visit
            .write_once(who.who.clone(), "reschedule_booking", &request, async |act| {
                Ok(view(booking::reschedule(act, id.0, body.0.slot_id).await?, &act.who))
            })
            .await?;
        Ok(Json(moved))
    }

    /// A booking as an entry of a calendar, without a name
    #[oai(path = "/bookings/:id/calendar.ics", method = "get", operation_id = "booking_calendar")]
    async fn booking_calendar(&self, who: By<BookingParty>, id: Path<Id>) -> Answer<Entry> {
        let Visit { app, centre, .. } = &who.visit;
        let viewer = Viewer::of(app.read(), &app.vault, centre.id, &who.who).await?;
        let booked = booking::see(app.read(), &app.vault, centre, id.0, &viewer).await?;
        Ok(Entry::Calendar(PlainText(calendar::entry(&booked, centre, app.clock.now()))))
    }

    /// Give a place back
    #[oai(path = "/bookings/:id/cancel", method = "post", operation_id = "cancel_booking")]
    async fn cancel_booking(&self, who: By<BookingParty>, id: Path<Id>) -> Answer<Json<BookingView>> {
        let cancelled = who
            .visit
            .write_once(who.who.clone(), "cancel_booking", &id.0.to_string(), async |act| {
                Ok(view(booking::cancel(act, id.0).await?, &act.who))
            })
            .await?;
        Ok(Json(cancelled))
    }
}
