//! The staff console (工作台): signing in, the window's day, cases and attendance.

mod appeal;
mod attendance;
mod case;
mod cases;
mod closure;
mod consultation;
mod course;
mod draft;
mod guide;
mod material;
mod person;
mod matter;
mod post;
mod receive;
mod rectification;
mod seal;
mod supervision;
mod supplement;
mod texts;

use super::booking::{self as booking_pages, moment_in_words};
use super::form::{Fields, Frame, Jar, Sent, Someone, forget_session, go_to, keep_session, local, page, word, words};
use super::queue as queue_pages;
use crate::access::{self, By, CaseHandler, CaseReader, GuideEditor, Rectifier, Signed, Staff, Visit, WindowStaff};
use crate::base::personal;
use crate::domain::booking::{self, Booked};
use crate::domain::case::{agenda, negatives_waiting};
use crate::domain::guide::draft::waiting as drafts_waiting;
use crate::domain::identity::session;
use crate::domain::supervision::open as open_orders;
use crate::domain::{cover, notice};
use askama::Template;
use chrono::{Duration, NaiveDate};
use entity::Id;
use entity::booking::BookingState;
use entity::identity::Role;
use poem::web::{Path, Query};
use poem::{Response, Route, get, handler, post};
use serde::Deserialize;

pub(super) fn routes(route: Route) -> Route {
    route
        .at("/staff", get(desk).post(search_desk))
        .at("/staff/sign-in", get(sign_in_form).post(sign_in))
        .at("/staff/sign-out", post(sign_out))
        .at("/staff/password", get(password_form).post(change_password))
        .at("/staff/book", get(booking_pages::book_for).post(booking_pages::take_place_for))
        .at("/staff/bookings/:id/cancel", post(cancel_for))
        .at("/staff/bookings/:id/arrive", post(queue_pages::arrive_for))
        .at("/staff/queue", get(queue_pages::show_queue).post(queue_pages::press))
        .at("/staff/tickets/:id", get(queue_pages::show_paper))
        .at("/staff/tickets/:id/print", post(queue_pages::note_print))
        .at("/staff/appeals", get(appeal::list_appeals))
        .at("/staff/appeals/:id", post(appeal::rule_on))
        .at("/staff/texts", get(texts::list_texts))
        .at("/staff/texts/:id", post(texts::see_to_text))
        .at("/staff/replies/:id", post(texts::read_reply))
        .at("/staff/closures", get(closure::list_closures).post(closure::close_hours))
        .at("/staff/closures/preview", post(closure::preview))
        .at("/staff/closures/:id", get(closure::show_closure))
        .at("/staff/closures/:id/reopen", post(closure::reopen_hours))
        .at("/staff/receive", get(receive::fill_in).post(receive::take_in))
        .at("/staff/cases", get(cases::list_cases).post(cases::search_cases))
        .at("/staff/cases/export", post(cases::take_away))
        .at("/staff/cases/:number", get(case::show_case))
        .at("/staff/cases/:number/receipt", get(case::print_receipt))
        .at("/staff/cases/:number/documents/:id", get(case::show_document))
        .at("/staff/cases/:number/documents/:id/seal", post(seal::put))
        .at("/staff/cases/:number/order", post(supervision::give))
        .at("/staff/cases/:number/mini-code", get(case::show_mini_code))
        .at("/staff/cases/:number/correct", get(person::fill_in_correction).post(person::correct_applicant))
        .at("/staff/cases/:number/reveal", post(person::reveal_applicant))
        .at("/staff/cases/:number/letter", get(material::show_letter))
        .at("/staff/cases/:number/custody", post(material::take))
        .at("/staff/cases/:number/materials/:n/file", get(material::show))
        .at("/staff/cases/:number/materials/:n/scan", post(material::scan))
        .at("/staff/cases/:number/materials/:n/settle", post(material::settle))
        .at("/staff/cases/:number/materials/:n/hand-back", post(material::hand_back))
        .at("/staff/cases/:number/supplement", post(supplement::ask))
        .at("/staff/cases/:number/supplement/correct", post(supplement::put_right))
        .at("/staff/cases/:number/supplement/complete", post(supplement::take_in))
        .at("/staff/cases/:number/amend", post(course::amend))
        .at("/staff/cases/:number/:step", post(course::take_step))
        .at("/staff/negatives", get(course::list_negatives))
        .at("/staff/negatives/:id", post(course::look_at_negative))
        .at("/staff/guides", get(guide::list).post(guide::begin))
        .at("/staff/guides/retire", post(guide::retire))
        .at("/staff/guides/:id", get(draft::show).post(draft::press))
        .at("/staff/guides/:id/form", post(draft::give_form))
        .at("/staff/guides/:id/forms/:form", get(draft::show_form))
        .at("/staff/consultations", get(consultation::list).post(consultation::record))
        .at("/staff/rectifications", get(rectification::list))
        .at("/staff/orders", get(supervision::list))
        .at("/staff/orders/:id", post(supervision::press))
        .at("/staff/matters", get(matter::list).post(matter::press))
        .at("/staff/windows", post(matter::ask))
        .at("/staff/windows/:id", post(matter::decide))
        .at("/staff/windows/:id/end", post(matter::end))
        .at("/staff/registers", get(seal::list))
        .at("/staff/letters/:id", get(seal::show_letter).post(seal::scan_letter))
        .at("/staff/seals", post(seal::enter))
        .at("/staff/seals/:id/end", post(seal::give_back))
        .at("/staff/trainings", post(seal::record_training))
        .at("/staff/attendance", get(attendance::show_board))
        .at("/staff/attendance/in", post(attendance::stamp_in))
        .at("/staff/attendance/out", post(attendance::stamp_out))
        .at("/staff/posts", get(post::show_posts))
        .at("/staff/posts/:code/substitute", post(post::name_substitute))
        .at("/staff/whereabouts", post(post::go_out))
        .at("/staff/whereabouts/back", post(post::come_back))
        .at("/staff/leaves", post(post::ask_leave))
        .at("/staff/leaves/:id", post(post::rule_on_leave))
        .at("/staff/leaves/:id/withdraw", post(post::withdraw_leave))
        .at("/staff/handovers/:id", post(post::hand_over))
        .at("/staff/screen", post(attendance::pair_screen))
        .at("/staff/screens/:id/end", post(attendance::unpair_screen))
}

#[derive(Template)]
#[template(path = "staff_sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    username: String,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[handler]
fn sign_in_form(visit: Visit, Query(next): Query<Next>) -> poem::Result<Response> {
    let next = local(next.next.as_deref().unwrap_or("/staff")).to_owned();
    page(&SignIn { frame: Frame::of(&visit), next, username: String::new(), wrong: None })
}

#[handler]
async fn sign_in(mut visit: Visit, req: &poem::Request, fields: Fields) -> poem::Result<Response> {
    // A browser is known by a cookie that outlives its sessions, so that one machine does not stamp for two.
    let device = access::cookie(req.headers(), DEVICE).map(ToOwned::to_owned);
    let device = device.unwrap_or_else(|| visit.app.random.word(24));
    visit.device = Some(device.clone());
    let next = local(fields.get("next"));
    match access::staff(&visit, fields.get("username"), fields.get("password")).await {
        Ok(grant) => {
            let seconds = visit.app.settings.security.staff_hours * 3600;
            let response = keep_session(go_to(next), &visit, Jar::Staff, &grant.page, seconds);
            Ok(super::form::keep(response, &visit, DEVICE, &device, 400 * 24 * 3600))
        }
        Err(error) => {
            let (wrong, username) = (Some(words(error)?), fields.get("username").to_owned());
            page(&SignIn { frame: Frame::of(&visit), next: next.to_owned(), username, wrong })
        }
    }
}

/// The cookie by which a browser is known.
const DEVICE: &str = "shuitian_device";

#[handler]
async fn sign_out(sent: Sent<Signed>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| session::end(act, by.session.id).await).await?;
    Ok(forget_session(go_to("/staff/sign-in"), &by.visit, Jar::Staff))
}

#[derive(Template)]
#[template(path = "password.html")]
struct Password {
    frame: Frame,
    first: bool,
    word: String,
    wrong: Option<String>,
}

#[handler]
fn password_form(Someone(by): Someone<Signed>) -> poem::Result<Response> {
    let (first, word) = (by.session.must_change, word(&by));
    page(&Password { frame: Frame::of_staff(&by), first, word, wrong: None })
}

#[handler]
async fn change_password(sent: Sent<Signed>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (old, new) = (fields.get("old").to_owned(), fields.get("new").to_owned());
    match access::change_password(&by.visit, by.who.clone(), by.session.id, old, new).await {
        Ok(()) => Ok(go_to("/staff")),
        Err(error) => {
            let (first, word, wrong) = (by.session.must_change, word(&by), Some(words(error)?));
            page(&Password { frame: Frame::of_staff(&by), first, word, wrong })
        }
    }
}

/// Cases in hand that the desk shows, those that are due first.
const AGENDA: u64 = 20;

#[derive(Template)]
#[template(path = "desk.html")]
struct Desk {
    frame: Frame,
    word: String,
    window: bool,
    /// He may take cases in, if his post does.
    receives: bool,
    /// He sees cases.
    reads: bool,
    /// He compiles guides, and so many drafts wait for him: to be published, or to be put right.
    edits: bool,
    drafts: u64,
    director: bool,
    /// What was spent of the day's texts, if that is much.
    texts: Option<(i64, i64)>,
    /// Posts that nobody holds while the windows are open.
    empty: Vec<String>,
    /// Texts and answers that wait for somebody.
    waiting: u64,
    tail: String,
    day: NaiveDate,
    today: bool,
    bookings: Vec<Shown>,
    cases: Vec<cases::Shown>,
    /// There are more of them.
    more: bool,
    /// Refusals and denials that wait for the director.
    negatives: u64,
    /// Supervision orders that somebody is to answer or to close.
    orders: usize,
    /// He sees to bad reviews.
    rectifies: bool,
}

struct Shown {
    id: Id,
    when: String,
    item: String,
    guide: String,
    name: String,
    phone: String,
    number: String,
    state: &'static str,
    open: bool,
    ahead: bool,
}

#[derive(Deserialize)]
struct Wanted {
    day: Option<NaiveDate>,
}

#[handler]
async fn desk(Someone(by): Someone<Staff>, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    desk_page(&by, wanted.day, None).await
}

/// A day, or who comes on it: posted, for a part of a phone does not belong into an address.
#[handler]
async fn search_desk(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    desk_page(&by, fields.get("day").parse().ok(), fields.typed("tail")).await
}

async fn desk_page(by: &By<Staff>, day: Option<NaiveDate>, tail: Option<String>) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let window = by.holder.is_any(&[Role::Window, Role::Director]);
    let day = day.unwrap_or_else(|| now.date());
    let booked = if window {
        booking::list_of_day(app.read(), &app.vault, centre, day, tail.as_deref()).await?
    } else {
        Vec::new()
    };
    let shown = |b: Booked| Shown {
        id: b.row.id,
        when: moment_in_words(b.row.starts_at),
        item: b.item,
        guide: b.guide_code,
        name: b.applicant.as_ref().map(|a| personal::mask_name(&a.name)).unwrap_or_default(),
        phone: b.applicant.and_then(|a| a.phone).map(|p| personal::mask_phone(&p)).unwrap_or_default(),
        number: b.row.number,
        state: match b.row.state {
            BookingState::Booked => "未到",
            BookingState::Cancelled => "已取消",
            BookingState::Arrived => "已到",
            BookingState::NoShow => "没有来",
            BookingState::Excused => "没有来（不计）",
        },
        open: b.row.state == BookingState::Booked && b.row.on_date == now.date(),
        ahead: b.row.state == BookingState::Booked && b.row.starts_at > now,
    };
    let director = by.holder.is_any(&[Role::Director]);
    let texts = if director {
        let budget = app.settings.sms.limits.daily_budget;
        notice::running_short(app.read(), now, centre.id, budget).await?.map(|spent| (spent, budget))
    } else {
        None
    };
    let waiting = if window {
        let asked_for = Duration::minutes(app.settings.sms.ask_minutes);
        notice::to_attend(app.read(), centre.id, now, asked_for).await?
    } else {
        0
    };
    let empty = if director { cover::unattended(app.read(), centre, now).await? } else { Vec::new() };
    let sight = by.sight().await?;
    let mut cases = agenda(app.read(), &app.vault, centre, &sight, AGENDA + 1).await?;
    let more = cases.len() as u64 > AGENDA;
    cases.truncate(AGENDA as usize);
    let lamps = cases::Lights::of(by, now).await?;
    let cases = cases.into_iter().map(|seen| cases::Shown::of(seen, &lamps)).collect();
    let negatives = if sight.ensure_chief().is_ok() { negatives_waiting(app.read(), centre.id).await? } else { 0 };
    let edits = by.ensure::<GuideEditor>().is_ok();
    let drafts = if edits { drafts_waiting(app.read(), centre.id, &by.holder).await? } else { 0 };
    let orders = open_orders(app.read(), &app.vault, centre, &sight).await?.len();
    page(&Desk {
        more,
        frame: Frame::of_staff(by),
        word: word(by),
        window,
        receives: by.ensure::<CaseHandler>().is_ok(),
        reads: by.ensure::<CaseReader>().is_ok(),
        edits,
        drafts,
        director,
        texts,
        empty,
        waiting,
        tail: tail.unwrap_or_default(),
        day,
        today: day == now.date(),
        bookings: booked.into_iter().map(shown).collect(),
        cases,
        negatives,
        orders,
        rectifies: by.ensure::<Rectifier>().is_ok(),
    })
}

#[handler]
async fn cancel_for(sent: Sent<WindowStaff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    let cancelled = by.visit.write(by.who.clone(), async |act| booking::cancel(act, id).await).await?;
    Ok(go_to(&format!("/staff?day={}", cancelled.row.on_date)))
}
