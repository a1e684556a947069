//! Pages of bookings: a resident's own, and those the windows make for who rings up or comes by.

use super::form::{Fields, Frame, Sent, Someone, go_to, page, word, words, words_once};
use crate::access::{By, Rank, Resident, Visit, WindowStaff};
use crate::base::error::{Error, Result};
use crate::domain::Who;
use crate::domain::act::Page as Part;
use crate::domain::applicant::Typed;
use crate::domain::booking::{self, Booked, Wish};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::{Viewer, resident};
use crate::domain::matter;
use askama::Template;
use chrono::{Datelike as _, NaiveDate};
use entity::applicant::{ApplicantKind, IdType};
use entity::booking::BookingState;
use entity::{Id, Time};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "slots.html")]
struct Slots {
    frame: Frame,
    name: String,
    /// Where a slot leads, up to its id.
    form: String,
    days: Vec<(String, Vec<Slot>)>,
}

struct Slot {
    id: Id,
    time: String,
    left: i32,
}

/// `11月25日 周三`.
pub(super) fn day_in_words(day: NaiveDate) -> String {
    const WEEK: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
    format!("{}月{}日 周{}", day.month(), day.day(), WEEK[day.weekday().num_days_from_monday() as usize])
}

/// `11月25日 周三 09:30`.
pub(super) fn moment_in_words(time: Time) -> String {
    format!("{} {}", day_in_words(time.date()), time.local().format("%H:%M"))
}

/// Starts by day, with what is left.
async fn days(visit: &Visit, code: &str, online: bool) -> Result<Vec<(String, Vec<Slot>)>> {
    let (app, centre) = (&visit.app, &visit.centre);
    let mut days: Vec<(String, Vec<Slot>)> = Vec::new();
    for start in booking::starts(app.read(), centre, code, None, None, app.clock.now(), online).await? {
        let day = day_in_words(start.starts_at.date());
        let time = start.starts_at.local().format("%H:%M").to_string();
        let shown = Slot { id: start.id, time, left: start.remaining };
        match days.last_mut() {
            Some((last, slots)) if *last == day => slots.push(shown),
            _ => days.push((day, vec![shown])),
        }
    }
    Ok(days)
}

async fn slots_page(visit: &Visit, frame: Frame, code: &str, form: String, online: bool) -> poem::Result<Response> {
    let (db, now) = (visit.app.read(), visit.app.clock.now());
    let guide = guide::get(db, &visit.centre, code).await?;
    matter::ensure_here(db, &visit.centre, &guide, now.date()).await?;
    let name = guide.row.name.clone();
    page(&Slots { frame, name, form, days: days(visit, code, online).await? })
}

#[handler]
pub(super) async fn choose_slot(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    slots_page(&visit, Frame::of(&visit), &code, format!("/guides/{code}/book?slot="), true).await
}

#[derive(Template)]
#[template(path = "book.html")]
struct BookForm {
    frame: Frame,
    /// A clerk fills it in for someone else.
    window: bool,
    name: String,
    code: String,
    slot: Id,
    when: String,
    word: String,
    once: String,
    /// The place is kept: under which id, until when, and for how many seconds yet.
    kept: Option<(Id, String, i64)>,
    typed: Fields,
    wrong: Option<String>,
}

impl BookForm {
    /// Whole minutes that a kept place has yet, and after how many seconds each is over.
    fn minutes(&self) -> Vec<(i64, i64)> {
        let seconds = self.kept.as_ref().map_or(0, |(_, _, seconds)| *seconds);
        (1..=(seconds + 59) / 60).rev().map(|minute| (minute, seconds - (minute - 1) * 60)).collect()
    }
}

/// The form for a slot, with the frame of whoever fills it in.
async fn book_page<R: Rank>(
    by: &By<R>,
    frame: Frame,
    code: &str,
    slot: Id,
    typed: Fields,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (app, centre, window) = (&by.visit.app, &by.visit.centre, matches!(by.who, Who::Staff(_)));
    let guide = guide::get(app.read(), centre, code).await?;
    let slot = booking::slot(app.read(), centre.id, slot).await?;
    let when = moment_in_words(slot.starts_at);
    let (name, code) = (guide.row.name.clone(), guide.row.code.clone());
    let (once, now) = (typed.once(&app.random), app.clock.now());
    let kept = match (by.who.account(), typed.id("hold")) {
        (Some(account), Some(id)) => booking::held(app.read(), account, id, now).await?,
        _ => None,
    };
    let kept = kept.filter(|hold| hold.slot == slot.id).map(|hold| {
        let until = hold.until.local().format("%H:%M:%S").to_string();
        (hold.id, until, hold.until.seconds() - now.seconds())
    });
    page(&BookForm { frame, window, name, code, slot: slot.id, when, word: word(by), once, kept, typed, wrong })
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    slot: Id,
    hold: Option<Id>,
}

#[handler]
pub(super) async fn fill_in_booking(
    Someone(by): Someone<Resident>,
    Path(code): Path<String>,
    Query(chosen): Query<Chosen>,
) -> poem::Result<Response> {
    let typed = Fields::with("hold", chosen.hold.map(|id| id.to_string()));
    book_page(&by, Frame::of(&by.visit), &code, chosen.slot, typed, None).await
}

/// Keeps the place while the form is filled in.
#[handler]
pub(super) async fn hold_place(sent: Sent<Resident>, Path(code): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let slot = fields.id("slot").ok_or(Error::from(booking::UNKNOWN_SLOT))?;
    let held = async {
        by.visit.limit_hold(by.holder).await?;
        let for_other = fields.get("for_other") == "yes";
        by.visit.write(by.who.clone(), async |act| booking::hold(act, &code, slot, for_other).await).await
    };
    match held.await {
        Ok(hold) => Ok(go_to(&format!("/guides/{code}/book?slot={slot}&hold={}", hold.id))),
        Err(error) => book_page(&by, Frame::of(&by.visit), &code, slot, fields, Some(words(error)?)).await,
    }
}

/// Takes the place a form asks for, once for its hidden key.
async fn take<R: Rank>(by: &By<R>, fields: &Fields, told: fn(&Booked) -> String) -> Result<String> {
    let wish = Wish {
        slot: fields.id("slot").ok_or(booking::UNKNOWN_SLOT)?,
        guide: fields.get("guide").to_owned(),
        applicant: applicant(fields),
        for_other: fields.get("for_other") == "yes",
        hold: fields.id("hold"),
    };
    let visit = by.visit.once(fields.get("once"))?;
    visit.limit_booking(&by.who, "book").await?;
    let book = async |act: &_| Ok(told(&booking::book(act, wish).await?));
    visit.write_once(by.who.clone(), "book", &fields.request(), book).await
}

/// The form again, with what was wrong.
async fn again<R: Rank>(by: &By<R>, frame: Frame, mut fields: Fields, error: Error) -> poem::Result<Response> {
    let (code, slot) = (fields.get("guide").to_owned(), fields.id("slot").ok_or(Error::from(booking::UNKNOWN_SLOT))?);
    let wrong = words_once(error, &mut fields)?;
    book_page(by, frame, &code, slot, fields, Some(wrong)).await
}

#[handler]
pub(super) async fn take_place(sent: Sent<Resident>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    match take(&by, &fields, |booked| booked.row.number.clone()).await {
        Ok(number) => Ok(go_to(&format!("/bookings?made={number}"))),
        Err(error) => again(&by, Frame::of(&by.visit), fields, error).await,
    }
}

/// An applicant as typed into a form: a citizen with his card, unless it says an organisation with its code.
pub(super) fn applicant(fields: &Fields) -> Typed {
    let (kind, id_type) = match fields.get("kind") {
        "legal_person" => (ApplicantKind::LegalPerson, IdType::SocialCreditCode),
        "organisation" => (ApplicantKind::Organisation, IdType::SocialCreditCode),
        _ => (ApplicantKind::Person, IdType::IdCard),
    };
    let id_number = fields.typed("id_number");
    let (name, phone) = (fields.get("name").to_owned(), fields.typed("phone"));
    Typed { kind, name, phone, id_type: id_number.as_ref().map(|_| id_type), id_number }
}

#[derive(Template)]
#[template(path = "bookings.html")]
struct Bookings {
    frame: Frame,
    word: String,
    made: Option<String>,
    appealed: bool,
    bookings: Vec<Shown>,
}

struct Shown {
    id: Id,
    item: String,
    when: String,
    state: &'static str,
    number: String,
    name: Option<String>,
    open: bool,
    missed: bool,
    today: bool,
}

#[derive(Deserialize)]
struct Made {
    made: Option<String>,
    appealed: Option<String>,
}

#[handler]
pub(super) async fn own_bookings(Someone(by): Someone<Resident>, Query(made): Query<Made>) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let known = resident::known(app.read(), &app.vault, centre.id, by.holder).await?;
    let (booked, _) =
        booking::list_of_account(app.read(), &app.vault, centre, &known, Part::new(Some(50), None)?).await?;
    let shown = |b: Booked| Shown {
        id: b.row.id,
        item: b.item,
        when: moment_in_words(b.row.starts_at),
        state: match b.row.state {
            BookingState::Booked if b.row.ends_at < now => "已过期",
            BookingState::Booked => "已约",
            BookingState::Cancelled => "已取消",
            BookingState::Arrived => "已到场",
            BookingState::NoShow => "没有来",
            BookingState::Excused => "没有来（不计）",
        },
        number: b.row.number,
        name: b.applicant.map(|a| a.name),
        open: b.row.state == BookingState::Booked && b.row.starts_at > now,
        missed: b.row.state == BookingState::NoShow,
        today: b.row.state == BookingState::Booked && b.row.on_date == now.date(),
    };
    let bookings: Vec<Shown> = booked.into_iter().map(shown).collect();
    // Only a number that is there is congratulated on.
    let number = made.made.filter(|number| bookings.iter().any(|b| b.number == *number));
    let appealed = made.appealed.is_some();
    page(&Bookings { frame: Frame::of(&by.visit), word: word(&by), made: number, appealed, bookings })
}

#[derive(Template)]
#[template(path = "move.html")]
struct Moving {
    frame: Frame,
    word: String,
    once: String,
    id: Id,
    item: String,
    now: String,
    days: Vec<(String, Vec<Slot>)>,
    wrong: Option<String>,
}

async fn move_page(by: &By<Resident>, id: Id, fields: Fields, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let viewer = Viewer::of(app.read(), &app.vault, centre.id, &by.who).await?;
    let booked = booking::see(app.read(), &app.vault, centre, id, &viewer).await?;
    let mut days = days(&by.visit, &booked.guide_code, true).await?;
    // The time one has is not another time.
    days.iter_mut().for_each(|(_, slots)| slots.retain(|s| s.id != booked.row.slot_id));
    let (frame, now, once) = (Frame::of(&by.visit), moment_in_words(booked.row.starts_at), fields.once(&app.random));
    page(&Moving { frame, word: word(by), once, id, item: booked.item, now, days, wrong })
}

#[handler]
pub(super) async fn choose_other(Someone(by): Someone<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    move_page(&by, id, Fields::default(), None).await
}

#[handler]
pub(super) async fn move_to(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, mut fields } = sent;
    let moved = async {
        let slot = fields.id("slot").ok_or(booking::UNKNOWN_SLOT)?;
        let visit = by.visit.once(fields.get("once"))?;
        visit.limit_booking(&by.who, "reschedule_booking").await?;
        let reschedule = async |act: &_| Ok(booking::reschedule(act, id, slot).await?.row.number);
        visit.write_once(by.who.clone(), "reschedule_booking", &format!("{id} {}", fields.request()), reschedule).await
    };
    match moved.await {
        Ok(number) => Ok(go_to(&format!("/bookings?made={number}"))),
        Err(error) => {
            let wrong = words_once(error, &mut fields)?;
            move_page(&by, id, fields, Some(wrong)).await
        }
    }
}

#[handler]
pub(super) async fn give_back(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| booking::cancel(act, id).await).await?;
    Ok(go_to("/bookings"))
}

#[handler]
pub(super) async fn appeal(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    by.visit.write(by.who.clone(), async |act| booking::appeal(act, id, fields.get("reason")).await).await?;
    Ok(go_to("/bookings?appealed=yes"))
}

#[derive(Template)]
#[template(path = "book_for.html")]
struct BookFor {
    frame: Frame,
    guides: Vec<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    guide: Option<String>,
    slot: Option<Id>,
}

/// At the window, for who rings up: the matter, then the time, then the person.
#[handler]
pub(super) async fn book_for(Someone(by): Someone<WindowStaff>, Query(asked): Query<Asked>) -> poem::Result<Response> {
    let frame = Frame::of_staff(&by);
    match (asked.guide.filter(|g| !g.is_empty()), asked.slot) {
        (Some(code), Some(slot)) => book_page(&by, frame, &code, slot, Fields::default(), None).await,
        (Some(code), None) => {
            slots_page(&by.visit, frame, &code, format!("/staff/book?guide={code}&slot="), false).await
        }
        (None, _) => {
            let guides = guide::list(by.visit.app.read(), &by.visit.centre, Wanted::default()).await?;
            page(&BookFor { frame, guides: guides.iter().map(|g| (g.row.code.clone(), g.row.name.clone())).collect() })
        }
    }
}

#[handler]
pub(super) async fn take_place_for(sent: Sent<WindowStaff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    match take(&by, &fields, |booked| booked.row.on_date.to_string()).await {
        Ok(day) => Ok(go_to(&format!("/staff?day={day}"))),
        Err(error) => again(&by, Frame::of_staff(&by), fields, error).await,
    }
}
