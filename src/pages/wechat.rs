//! Pages that are opened in WeChat (微信内网页): signing in by the official account. Coming back from WeChat changes nothing; a
//! press of the button there does.

use super::form::{Fields, Frame, Jar, go_to, keep, keep_session, local, page, words};
use crate::access::answer::NO_ROUTE;
use crate::access::{self, Visit, cookie};
use crate::base::Error;
use crate::base::vault::same;
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use poem::web::Query;
use poem::{Request, Response, handler};
use serde::Deserialize;

/// Stands for the browser that was sent to WeChat, until it comes back.
const ASKED: &str = "shuitian_wechat";
/// How long it may stay away.
const SECONDS: i64 = 600;

#[derive(Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// Sends a browser to WeChat, to say who it is.
#[handler]
pub(super) fn ask(visit: Visit, Query(next): Query<Next>) -> poem::Result<Response> {
    let official = visit.app.official.as_ref().ok_or(Error::from(NO_ROUTE))?;
    let next = utf8_percent_encode(local(next.next.as_deref().unwrap_or("/")), NON_ALPHANUMERIC).to_string();
    let word = visit.app.random.word(24);
    let back = format!("{}/sign-in/wechat/back?next={next}", visit.app.rules.public_url);
    let away = go_to(&official.ask_address(&back, &visit.state_of(&word)));
    Ok(keep(away, &visit, ASKED, &word, SECONDS))
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "wechat.html")]
struct Confirm {
    frame: Frame,
    code: String,
    state: String,
    next: String,
    wrong: Option<String>,
}

/// Shows a browser that comes back what is left to do.
#[handler]
pub(super) fn come_back(visit: Visit, Query(back): Query<Back>) -> poem::Result<Response> {
    let next = local(back.next.as_deref().unwrap_or("/")).to_owned();
    page(&Confirm { frame: Frame::of(&visit), code: back.code, state: back.state, next, wrong: None })
}

/// Signs it in, if it is the one that was sent.
#[handler]
pub(super) async fn sign_in(visit: Visit, req: &Request, fields: Fields) -> poem::Result<Response> {
    let next = local(fields.get("next")).to_owned();
    let asked = cookie(req.headers(), ASKED).map(|word| visit.state_of(word));
    let is_same = asked.is_some_and(|state| same(state.as_bytes(), fields.get("state").as_bytes()));
    let signed = if is_same {
        access::official(&visit, fields.get("code")).await
    } else {
        Err(access::WECHAT_REFUSED.on("state").into())
    };
    match signed {
        Ok(grant) => {
            let seconds = visit.app.settings.security.resident_days * 24 * 3600;
            let response = keep_session(go_to(&next), &visit, Jar::Resident, &grant.page, seconds);
            Ok(keep(response, &visit, ASKED, "", 0))
        }
        Err(error) => {
            let wrong = Some(words(error)?);
            page(&Confirm { frame: Frame::of(&visit), code: String::new(), state: String::new(), next, wrong })
        }
    }
}
