//! Pages of residents: what to bring, when to come, how far it is.

use super::form::{
    Fields, Frame, Jar, Sent, Someone, forget_session, go_to, keep_session, local, page, word, words, words_once,
};
use crate::access::{self, By, Resident, Visit};
use crate::base::error::Error;
use crate::domain::act::Page as Part;
use crate::domain::applicant::Typed;
use crate::domain::booking::{self, Booked, Wish};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::{resident, session};
use askama::Template;
use chrono::Datelike as _;
use entity::applicant::{ApplicantKind, IdType};
use entity::booking::BookingState;
use entity::centre::office;
use entity::guide::{ItemKind, Model as GuideRow};
use entity::{Id, Time};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    q: String,
    groups: Vec<(office::Model, Vec<GuideRow>)>,
}

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
}

#[handler]
pub(super) async fn home(visit: Visit, Query(search): Query<Search>) -> poem::Result<Response> {
    let wanted = Wanted { q: search.q.as_deref(), ..Wanted::default() };
    let mut groups: Vec<(office::Model, Vec<GuideRow>)> = Vec::new();
    for (guide, office) in guide::list(visit.app.read(), visit.centre.id, wanted).await? {
        match groups.iter_mut().find(|(o, _)| o.id == office.id) {
            Some((_, guides)) => guides.push(guide),
            None => groups.push((office, vec![guide])),
        }
    }
    page(&Home { frame: Frame::of(&visit), q: search.q.unwrap_or_default(), groups })
}

#[derive(Template)]
#[template(path = "guide.html")]
struct Guide {
    frame: Frame,
    name: String,
    code: String,
    office: office::Model,
    materials: Vec<String>,
    facts: Vec<(&'static str, String)>,
    steps: Vec<String>,
    basis: Vec<String>,
}

/// What was not published says so.
fn published(value: Option<String>) -> String {
    value.unwrap_or_else(|| "未公布".to_owned())
}

#[handler]
pub(super) async fn read_guide(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    let guide = guide::get(visit.app.read(), visit.centre.id, &code).await?;
    let content = guide.version.content;
    let days = |days: Option<i32>| match days {
        Some(0) => "当场办结".to_owned(),
        other => published(other.map(|d| format!("{d}个工作日"))),
    };
    let kind = content.kind.map(|k| if k == ItemKind::Instant { "即办件" } else { "承诺件" }.to_owned());
    let online = content.online.map(|o| if o { "可以" } else { "不可以" }.to_owned());
    let facts = vec![
        ("办件类型", published(kind)),
        ("承诺时限", days(content.promised_days)),
        ("法定时限", days(content.statutory_days)),
        ("收费", published(content.fee)),
        ("谁可以办", published(content.audience_text)),
        ("承办", published(content.handled_by)),
        ("办理结果", published(content.result)),
        ("网上办理", published(online)),
        ("咨询电话", guide.office.phone.clone()),
        ("资料来源", published(content.source_place)),
        ("说明", content.note.unwrap_or_else(|| "无".to_owned())),
    ];
    let material = |m: entity::guide::Material| {
        let form = m.form.map(|f| {
            f.replace("original", "原件").replace("copy", "复印件").replace("electronic", "电子版").replace('+', "和")
        });
        let count = m.count.map(|c| format!("{c}份"));
        let more: Vec<String> = form.into_iter().chain(count).chain(m.source).collect();
        if more.is_empty() { m.name } else { format!("{}（{}）", m.name, more.join("，")) }
    };
    page(&Guide {
        frame: Frame::of(&visit),
        name: content.name,
        code: guide.row.code,
        office: guide.office,
        materials: content.materials.into_iter().map(material).collect(),
        facts,
        steps: content.steps,
        basis: content.legal_basis,
    })
}

#[derive(Template)]
#[template(path = "slots.html")]
struct Slots {
    frame: Frame,
    name: String,
    code: String,
    days: Vec<(String, Vec<Slot>)>,
}

struct Slot {
    id: Id,
    time: String,
    left: i32,
}

/// `11月25日 周三`.
pub(super) fn day_in_words(time: Time) -> String {
    const WEEK: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
    let day = time.date();
    format!("{}月{}日 周{}", day.month(), day.day(), WEEK[day.weekday().num_days_from_monday() as usize])
}

/// `11月25日 周三 09:30`.
pub(super) fn moment_in_words(time: Time) -> String {
    format!("{} {}", day_in_words(time), time.local().format("%H:%M"))
}

#[handler]
pub(super) async fn choose_slot(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    let (app, centre) = (&visit.app, visit.centre.id);
    let guide = guide::get(app.read(), centre, &code).await?;
    let mut days: Vec<(String, Vec<Slot>)> = Vec::new();
    for slot in booking::slots(app.read(), centre, &code, None, None, app.clock.now()).await? {
        let day = day_in_words(slot.starts_at);
        let shown = Slot {
            id: slot.id,
            time: slot.starts_at.local().format("%H:%M").to_string(),
            left: slot.capacity - slot.taken,
        };
        match days.last_mut() {
            Some((last, slots)) if *last == day => slots.push(shown),
            _ => days.push((day, vec![shown])),
        }
    }
    page(&Slots { frame: Frame::of(&visit), name: guide.row.name, code, days })
}

#[derive(Template)]
#[template(path = "book.html")]
struct BookForm {
    frame: Frame,
    name: String,
    code: String,
    slot: Id,
    when: String,
    word: String,
    once: String,
    typed: Fields,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Chosen {
    slot: Id,
}

async fn book_page(
    by: &By<Resident>,
    code: &str,
    slot: Id,
    typed: Fields,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, by.visit.centre.id);
    let guide = guide::get(app.read(), centre, code).await?;
    let slot = booking::slot(app.read(), centre, slot).await?;
    let when = moment_in_words(slot.starts_at);
    let (frame, name, code) = (Frame::of(&by.visit), guide.row.name, guide.row.code);
    let once = typed.once(&app.random);
    page(&BookForm { frame, name, code, slot: slot.id, when, word: word(by), once, typed, wrong })
}

#[handler]
pub(super) async fn fill_in_booking(
    Someone(by): Someone<Resident>,
    Path(code): Path<String>,
    Query(chosen): Query<Chosen>,
) -> poem::Result<Response> {
    book_page(&by, &code, chosen.slot, Fields::default(), None).await
}

#[handler]
pub(super) async fn take_place(sent: Sent<Resident>) -> poem::Result<Response> {
    let Sent { by, mut fields } = sent;
    let (code, slot) = (fields.get("guide").to_owned(), fields.id("slot").ok_or(Error::from(booking::UNKNOWN_SLOT))?);
    let wish =
        Wish { slot, guide: code.clone(), applicant: person(&fields), for_other: fields.get("for_other") == "yes" };
    let booked = async {
        by.visit.limit_booking(&by.who).await?;
        let visit = by.visit.once(fields.get("once"))?;
        let book = async |act: &_| Ok(booking::book(act, wish).await?.row.number);
        visit.write_once(by.who.clone(), "book", &fields.request(), book).await
    };
    match booked.await {
        Ok(number) => Ok(go_to(&format!("/bookings?made={number}"))),
        Err(error) => {
            let wrong = words_once(error, &mut fields)?;
            book_page(&by, &code, slot, fields, Some(wrong)).await
        }
    }
}

/// A citizen as typed into a form.
pub(super) fn person(fields: &Fields) -> Typed {
    let id_number = fields.typed("id_number");
    Typed {
        kind: ApplicantKind::Person,
        name: fields.get("name").to_owned(),
        phone: fields.typed("phone"),
        id_type: id_number.as_ref().map(|_| IdType::IdCard),
        id_number,
    }
}

#[derive(Template)]
#[template(path = "bookings.html")]
struct Bookings {
    frame: Frame,
    word: String,
    made: Option<String>,
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
}

#[derive(Deserialize)]
struct Made {
    made: Option<String>,
}

#[handler]
pub(super) async fn own_bookings(Someone(by): Someone<Resident>, Query(made): Query<Made>) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, by.visit.centre.id, by.visit.app.clock.now());
    let known = resident::known(app.read(), &app.vault, centre, by.holder).await?;
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
        },
        number: b.row.number,
        name: b.applicant.map(|a| a.name),
        open: b.row.state == BookingState::Booked && b.row.starts_at > now,
    };
    let bookings: Vec<Shown> = booked.into_iter().map(shown).collect();
    // Only a number that is there is congratulated on.
    let made = made.made.filter(|number| bookings.iter().any(|b| b.number == *number));
    page(&Bookings { frame: Frame::of(&by.visit), word: word(&by), made, bookings })
}

#[handler]
pub(super) async fn give_back(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| booking::cancel(act, id).await).await?;
    Ok(go_to("/bookings"))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    phone: String,
    sent: bool,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[handler]
pub(super) fn sign_in_form(visit: Visit, Query(next): Query<Next>) -> poem::Result<Response> {
    let next = local(next.next.as_deref().unwrap_or("/")).to_owned();
    page(&SignIn { frame: Frame::of(&visit), next, phone: String::new(), sent: false, wrong: None })
}

#[handler]
pub(super) async fn send_code(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let wrong = access::request_code(&visit, fields.get("phone")).await.err().map(words).transpose()?;
    let (next, phone) = (local(fields.get("next")).to_owned(), fields.get("phone").to_owned());
    // Asked too soon, the code that was sent before may still be typed.
    let sent = wrong.is_none() || fields.get("again") == "yes";
    page(&SignIn { frame: Frame::of(&visit), next, phone, sent, wrong })
}

#[handler]
pub(super) async fn sign_in(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let next = local(fields.get("next"));
    match access::phone(&visit, fields.get("phone"), fields.get("code")).await {
        Ok(grant) => {
            let seconds = visit.app.settings.security.resident_days * 24 * 3600;
            Ok(keep_session(go_to(next), &visit, Jar::Resident, &grant.page, seconds))
        }
        Err(error) => {
            let (wrong, phone) = (Some(words(error)?), fields.get("phone").to_owned());
            page(&SignIn { frame: Frame::of(&visit), next: next.to_owned(), phone, sent: true, wrong })
        }
    }
}

#[handler]
pub(super) async fn sign_out(sent: Sent<Resident>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| session::end(act, by.session.id).await).await?;
    Ok(forget_session(go_to("/"), &by.visit, Jar::Resident))
}
