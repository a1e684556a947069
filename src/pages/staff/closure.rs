//! Pages of closures: what is closed, closing with a look beforehand, and whom it touches.

use crate::access::{By, Director, Rank, WindowStaff};
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::domain::applicant::Applicant;
use crate::domain::booking::Offer;
use crate::domain::booking::{self, Booked, Closed, Closing, MakeUp, Touched};
use crate::domain::centre;
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use entity::booking::BookingState;
use entity::identity::Role;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "closures.html")]
struct Closures {
    frame: Frame,
    word: String,
    director: bool,
    closed: Vec<Closed>,
    /// What can be closed: `branch:CODE` or `desk:CODE`, and its name.
    parts: Vec<(String, String)>,
    typed: Fields,
    wrong: Option<String>,
}

/// What the director may close.
async fn parts<R: Rank>(by: &By<R>) -> Result<Vec<(String, String)>> {
    let (db, centre) = (by.visit.app.read(), &by.visit.centre);
    let branches = centre::branches(db, centre.id).await?.into_iter().map(|b| (format!("branch:{}", b.code), b.name));
    let offer = Offer::of(db, centre).await?;
    let desks = offer.desks.iter().map(|d| (format!("desk:{}", d.code), d.name.clone()));
    Ok(branches.chain(desks).collect())
}

async fn closures_page<R: Rank>(by: &By<R>, typed: Fields, wrong: Option<String>) -> poem::Result<Response> {
    let app = &by.visit.app;
    let closed = booking::closures(app.read(), &by.visit.centre, app.clock.now().date()).await?;
    let director = matches!(&by.who, crate::domain::Who::Staff(member) if member.is_any(&[Role::Director]));
    let (frame, word, parts) = (Frame::of_staff(by), word(by), parts(by).await?);
    page(&Closures { frame, word, director, closed, parts, typed, wrong })
}

#[handler]
pub(super) async fn list_closures(Someone(by): Someone<WindowStaff>) -> poem::Result<Response> {
    closures_page(&by, Fields::default(), None).await
}

/// What the form says.
fn closing(fields: &Fields) -> Result<Closing> {
    let date = |name: &str| fields.get(name).parse::<NaiveDate>().ok();
    let part = fields.get("part");
    let make_up = match date("extra_date") {
        Some(on) => {
            let (from, to) = (fields.get("extra_from").to_owned(), fields.get("extra_to").to_owned());
            vec![MakeUp { on, from, to, places: fields.get("extra_places").parse().unwrap_or(0) }]
        }
        None => Vec::new(),
    };
    Ok(Closing {
        branch: part.strip_prefix("branch:").map(ToOwned::to_owned),
        desk: part.strip_prefix("desk:").map(ToOwned::to_owned),
        on: date("date").ok_or(booking::TOO_FAR)?,
        from: fields.typed("from"),
        to: fields.typed("to"),
        reason: fields.get("reason").to_owned(),
        moves: fields.get("then") != "cancel",
        make_up,
    })
}

#[derive(Template)]
#[template(path = "closing.html")]
struct Preview {
    frame: Frame,
    word: String,
    once: String,
    what: String,
    touched: Vec<Shown>,
    typed: Fields,
}

struct Shown {
    was: Option<String>,
    item: String,
    name: String,
    phone: String,
    number: String,
    outcome: String,
    texted: bool,
}

fn shown(booked: Booked, was: Option<String>, texted: bool) -> Shown {
    let person = booked.applicant.as_ref();
    let outcome = match booked.row.state {
        BookingState::Cancelled => "取消".to_owned(),
        BookingState::Booked => format!("改到 {}", moment_in_words(booked.row.starts_at)),
        BookingState::Excused => "不计“没有来”".to_owned(),
        BookingState::Arrived => "已到".to_owned(),
        BookingState::NoShow => "没有来".to_owned(),
    };
    Shown {
        was,
        name: person.map(|p| personal::mask_name(&p.name)).unwrap_or_default(),
        phone: person.and_then(|p| p.phone.as_deref()).map(personal::mask_phone).unwrap_or_default(),
        item: booked.item,
        number: booked.row.number,
        outcome,
        texted,
    }
}

/// Shows what would come of it; nothing is closed yet.
#[handler]
pub(super) async fn preview(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let tried = async {
        let closing = closing(&fields)?;
        let close = async |act: &_| booking::close(act, &by.holder, closing).await;
        by.visit.app.preview(&by.visit.centre, by.who.clone(), close).await
    };
    match tried.await {
        Ok((_, touched)) => {
            let of = |t: Touched| shown(t.booked, Some(moment_in_words(t.was)), t.texted);
            let touched = touched.into_iter().map(of).collect();
            let part = parts(&by).await?.into_iter().find(|(value, _)| value == fields.get("part"));
            let what = part.map_or_else(|| "全部窗口".to_owned(), |(_, name)| name);
            let (frame, word, once) = (Frame::of_staff(&by), word(&by), fields.once(&by.visit.app.random));
            page(&Preview { frame, word, once, what, touched, typed: fields })
        }
        Err(error) => closures_page(&by, fields, Some(words(error)?)).await,
    }
}

#[handler]
pub(super) async fn close_hours(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let closed = async {
        let closing = closing(&fields)?;
        let visit = by.visit.once(fields.get("once"))?;
        let close = async |act: &_| Ok(booking::close(act, &by.holder, closing).await?.0.to_string());
        visit.write_once(by.who.clone(), "close_day", &fields.request(), close).await
    };
    match closed.await {
        Ok(id) => Ok(go_to(&format!("/staff/closures/{id}"))),
        Err(error) => closures_page(&by, fields, Some(words(error)?)).await,
    }
}

#[derive(Template)]
#[template(path = "closure.html")]
struct Closure {
    frame: Frame,
    word: String,
    id: Id,
    director: bool,
    touched: Vec<Shown>,
}

#[handler]
pub(super) async fn show_closure(Someone(by): Someone<WindowStaff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let touched = booking::touched_by(app.read(), &app.vault, centre, id).await?;
    let of = |b: Booked| {
        let texted = b.applicant.as_ref().and_then(Applicant::mobile).is_some();
        shown(b, None, texted)
    };
    let director = by.holder.is_any(&[Role::Director]);
    let touched = touched.into_iter().map(of).collect();
    page(&Closure { frame: Frame::of_staff(&by), word: word(&by), id, director, touched })
}

#[handler]
pub(super) async fn reopen_hours(sent: Sent<Director>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    let reopen = async |act: &_| booking::reopen(act, &by.holder, id).await;
    match by.visit.write(by.who.clone(), reopen).await {
        Ok(()) => Ok(go_to("/staff/closures")),
        Err(error @ Error::Refused(_)) => closures_page(&by, Fields::default(), Some(words(error)?)).await,
        Err(fault) => Err(fault.into()),
    }
}
