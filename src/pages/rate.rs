//! Pages of rating: by link or by code. Opening them changes nothing; a link scanner may press as it likes.

use super::form::{Fields, Frame, page, words};
use crate::access::{Device, Visit};
use crate::base::error::Result;
use crate::document::qr;
use crate::domain::review::{self, Append, AtDesk, GRADES, Key, Opinion, Tag, tags_of};
use crate::domain::{Who, post};
use askama::Template;
use entity::review::InvitationState;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "rate_code.html")]
struct CodeForm {
    frame: Frame,
    wrong: Option<String>,
}

#[handler]
pub(super) fn ask_code(visit: Visit) -> poem::Result<Response> {
    page(&CodeForm { frame: Frame::of(&visit), wrong: None })
}

#[derive(Template)]
#[template(path = "rate.html")]
struct Rate {
    frame: Frame,
    item: String,
    token: String,
    code: String,
    open: bool,
    append: bool,
    closed: &'static str,
    grades: Vec<Grade>,
    wrong: Option<String>,
}

struct Grade {
    code: i32,
    name: &'static str,
    tags: Vec<&'static Tag>,
}

async fn rate_page(visit: &Visit, key: &Key, wrong: Option<String>) -> Result<Rate> {
    let (app, now) = (&visit.app, visit.app.clock.now());
    let opened = review::open(app.read(), &app.vault, &visit.centre, key, app.rules.review_days, now).await?;
    let (token, code) = match key {
        Key::Token(token) => (token.clone(), String::new()),
        Key::Code(code) => (String::new(), code.clone()),
    };
    Ok(Rate {
        frame: Frame::of(visit),
        item: opened.item,
        open: opened.state == InvitationState::Open,
        append: opened.can_append && !token.is_empty(),
        closed: match opened.state {
            InvitationState::Lapsed => review::LAPSED.message,
            _ => review::ALREADY_RATED.message,
        },
        token,
        code,
        grades: GRADES.iter().map(|g| Grade { code: g.code, name: g.name, tags: tags_of(g.code) }).collect(),
        wrong,
    })
}

#[handler]
pub(super) async fn by_link(visit: Visit, Path(token): Path<String>) -> poem::Result<Response> {
    page(&rate_page(&visit, &Key::Token(token), None).await?)
}

#[handler]
pub(super) async fn by_code(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let key = Key::Code(fields.get("code").to_owned());
    let opened = async {
        visit.admit_review(&key).await?;
        rate_page(&visit, &key, None).await
    };
    match opened.await {
        Ok(rate) => page(&rate),
        Err(error) => page(&CodeForm { frame: Frame::of(&visit), wrong: Some(words(error)?) }),
    }
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct Thanks {
    frame: Frame,
    words: &'static str,
}

/// What was said on a form.
fn opinion(fields: &Fields) -> Opinion {
    Opinion {
        grade: fields.get("grade").parse().unwrap_or(0),
        // Tags ticked under one grade before another was chosen are left behind.
        tags: fields.all("tag").into_iter().filter(|t| t.starts_with(fields.get("grade"))).collect(),
        comment: fields.typed("comment"),
        anonymous: fields.get("anonymous") == "yes",
        checked: None,
    }
}

#[handler]
pub(super) async fn give_review(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let key = Key::new(fields.typed("token"), fields.typed("code"))?;
    visit.admit_review(&key).await?;
    let opinion = opinion(&fields);
    let given = visit.write(Who::Bearer, async |act| review::give(act, &key, opinion).await).await;
    match given {
        Ok(()) => page(&Thanks { frame: Frame::of(&visit), words: "您的评价已经收到。" }),
        Err(error) => {
            let wrong = words(error)?;
            page(&rate_page(&visit, &key, Some(wrong)).await?)
        }
    }
}

#[derive(Template)]
#[template(path = "rate_desk.html")]
struct Desk {
    centre: String,
    /// The post at whose desk it stands.
    post: String,
    /// What is offered, if something is.
    at: Option<AtDesk>,
    qr: String,
    grades: Vec<Grade>,
    thanks: bool,
    wrong: Option<String>,
}

async fn desk_page(device: &Device, thanks: bool, wrong: Option<String>) -> poem::Result<Response> {
    let Device { visit, post } = device;
    let (app, now) = (&visit.app, visit.app.clock.now());
    let at = review::at_desk(app.read(), &app.vault, &visit.centre, &app.rules.public_url, *post, now).await?;
    let qr = at.as_ref().map(|at| qr::svg(&at.url)).transpose()?.unwrap_or_default();
    let grades = GRADES.iter().map(|g| Grade { code: g.code, name: g.name, tags: tags_of(g.code) }).collect();
    let posts = post::all(app.read(), &visit.centre).await?;
    let name = posts.of(*post).map(|post| post.row.name.clone()).unwrap_or_default();
    page(&Desk { centre: visit.centre.name.clone(), post: name, at, qr, grades, thanks, wrong })
}

/// The device at a desk: the case that has just ended there, or that one should wait.
#[handler]
pub(super) async fn at_desk(device: Device) -> poem::Result<Response> {
    desk_page(&device, false, None).await
}

#[handler]
pub(super) async fn give_at_desk(device: Device, fields: Fields) -> poem::Result<Response> {
    let (invitation, opinion) = (fields.id("invitation").unwrap_or_default(), opinion(&fields));
    let give = async |act: &_| review::give_at_desk(act, device.post, invitation, opinion).await;
    match device.visit.write(Who::Bearer, give).await {
        Ok(()) => desk_page(&device, true, None).await,
        Err(error) => {
            let wrong = words(error)?;
            desk_page(&device, false, Some(wrong)).await
        }
    }
}

#[handler]
pub(super) async fn append_review(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let key = Key::Token(fields.get("token").to_owned());
    visit.admit_review(&key).await?;
    let more = Append { comment: fields.get("comment").to_owned(), grade: None, checked: None };
    match visit.write(Who::Bearer, async |act| review::append(act, &key, more).await).await {
        Ok(()) => page(&Thanks { frame: Frame::of(&visit), words: "您追加的评价已经收到。" }),
        Err(error) => {
            let wrong = words(error)?;
            page(&rate_page(&visit, &key, Some(wrong)).await?)
        }
    }
}
