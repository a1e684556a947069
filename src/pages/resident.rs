//! Pages of residents: what there is, and signing in.

use super::booking::day_in_words;
use super::form::{Fields, Frame, Jar, Sent, forget_session, go_to, keep, keep_session, local, page, words};
use crate::access::{self, Resident, TOO_OFTEN, Visit, cookie};
use crate::base::Result;
use crate::base::error::Error;
use crate::domain::booking::{self, Closed};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::session;
use crate::domain::{calendar, centre};
use askama::Template;
use chrono::NaiveDate;
use entity::centre::{HoursKind, office};
use entity::guide::Model as GuideRow;
use poem::web::Query;
use poem::{Request, Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    q: String,
    hours: String,
    closed: Vec<Closed>,
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
    for guide in guide::list(visit.app.read(), &visit.centre, wanted).await? {
        match groups.iter_mut().find(|(o, _)| o.id == guide.office.id) {
            Some((_, guides)) => guides.push(guide.row.clone()),
            None => groups.push((guide.office.clone(), vec![guide.row.clone()])),
        }
    }
    let closed = booking::closures(visit.app.read(), &visit.centre, visit.app.clock.now().date()).await?;
    let hours = hours_in_words(&visit).await?;
    page(&Home { frame: Frame::of(&visit), q: search.q.unwrap_or_default(), hours, closed, groups })
}

/// When the windows receive people today and, where they do not, the next day on which they do.
async fn hours_in_words(visit: &Visit) -> Result<String> {
    let (db, centre, today) = (visit.app.read(), &visit.centre, visit.app.clock.now().date());
    let (calendar, hours) = (calendar::of(db, centre).await?, centre::hours(db, centre.id, HoursKind::Window).await?);
    let opens = |day: &NaiveDate| calendar.is_working_day(*day) && !hours.on(*day).is_empty();
    let Some(day) = today.iter_days().take(31).find(opens) else {
        return Ok("近期不办公，有事请电话询问。".to_owned());
    };
    let time = |minute: i32| format!("{}:{:02}", minute / 60, minute % 60);
    let spans = hours.on(day).into_iter().map(|(opens, closes)| format!("{}—{}", time(opens), time(closes)));
    let spans = spans.collect::<Vec<_>>().join("，");
    Ok(if day == today {
        format!("今天办事时间：{spans}")
    } else {
        format!("今天不办公，{}办事时间：{spans}", day_in_words(day))
    })
}

/// Cookie by which a browser is known from asking for a code to typing it.
const ASKER: &str = "shuitian_asker";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    phone: String,
    /// Stands for this browser from asking for a code to typing it.
    asker: String,
    sent: bool,
    /// An official account vouches for who opens this in WeChat.
    wechat: bool,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[handler]
pub(super) fn sign_in_form(visit: Visit, req: &Request, Query(next): Query<Next>) -> poem::Result<Response> {
    let next = local(next.next.as_deref().unwrap_or("/")).to_owned();
    // A code serves the browser that asked for it, also when its page was opened anew.
    let known = cookie(req.headers(), ASKER).filter(|asker| asker.len() == 24);
    let asker = known.map_or_else(|| visit.app.random.word(24), ToOwned::to_owned);
    let form = page(&SignIn {
        frame: Frame::of(&visit),
        next,
        phone: String::new(),
        asker: asker.clone(),
        sent: false,
        wechat: visit.app.official.is_some(),
        wrong: None,
    })?;
    Ok(keep(form, &visit, ASKER, &asker, 600))
}

#[handler]
pub(super) async fn send_code(mut visit: Visit, fields: Fields) -> poem::Result<Response> {
    let asker = fields.typed("asker").unwrap_or_else(|| visit.app.random.word(24));
    visit.device = Some(asker.clone());
    let asked = access::request_code(&visit, fields.get("phone")).await;
    // Asked too soon, the code that was sent before may still be typed.
    let sent = match &asked {
        Ok(()) => true,
        Err(Error::Refused(refused)) => refused.refusal == TOO_OFTEN,
        Err(Error::Fault(_)) => false,
    };
    let wrong = asked.err().map(words).transpose()?;
    let (next, phone) = (local(fields.get("next")).to_owned(), fields.get("phone").to_owned());
    let wechat = visit.app.official.is_some();
    page(&SignIn { frame: Frame::of(&visit), next, phone, asker, sent, wechat, wrong })
}

#[handler]
pub(super) async fn sign_in(mut visit: Visit, fields: Fields) -> poem::Result<Response> {
    let (next, asker) = (local(fields.get("next")), fields.get("asker").to_owned());
    visit.device = Some(asker.clone());
    match access::phone(&visit, fields.get("phone"), fields.get("code")).await {
        Ok(grant) => {
            let seconds = visit.app.settings.security.resident_days * 24 * 3600;
            Ok(keep_session(go_to(next), &visit, Jar::Resident, &grant.page, seconds))
        }
        Err(error) => {
            let (wrong, phone) = (Some(words(error)?), fields.get("phone").to_owned());
            page(&SignIn {
                frame: Frame::of(&visit),
                next: next.to_owned(),
                phone,
                asker,
                sent: true,
                wechat: false,
                wrong,
            })
        }
    }
}

#[handler]
pub(super) async fn sign_out(sent: Sent<Resident>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| session::end(act, by.session.id).await).await?;
    Ok(forget_session(go_to("/"), &by.visit, Jar::Resident))
}
