//! Attendance: signing in and out, the board, and pairing the hall's screen.

use crate::access::{By, FORBIDDEN, SCREEN, Staff};
use crate::base::error::Error;
use crate::domain::attendance::{self, BoardLine, Presence};
use crate::domain::identity::session;
use crate::domain::identity::staff;
use crate::domain::{calendar, centre, post};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Jar, Sent, Someone, forget_session, go_to, keep, page, word, words};
use askama::Template;
use entity::attendance::Session;
use entity::identity::Role;
use entity::{Id, Time};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "attendance.html")]
struct Page {
    frame: Frame,
    word: String,
    code: String,
    day: String,
    mine: Vec<String>,
    pairs: bool,
    /// Posts at whose desks a device may stand, by code.
    desks: Vec<(String, String)>,
    /// What is paired already.
    screens: Vec<Paired>,
    lines: Vec<Line>,
    wrong: Option<String>,
}

struct Line {
    name: String,
    title: String,
    session: &'static str,
    presence: &'static str,
    times: String,
}

struct Paired {
    id: Id,
    /// What it is, and where it stands.
    name: String,
    by: String,
    when: String,
}

#[derive(Deserialize)]
pub(super) struct Code {
    code: Option<String>,
}

/// Who may pair the hall's screen.
const PAIRS: [Role; 3] = [Role::Director, Role::PartyOffice, Role::Admin];

async fn board(by: &By<Staff>, code: String, wrong: Option<String>) -> poem::Result<Response> {
    let (app, now) = (&by.visit.app, by.visit.app.clock.now());
    let lines = attendance::board(app.read(), by.visit.centre.id, now.date(), now).await?;
    let mine = lines.iter().filter(|l| l.staff.id == by.holder.id && l.came_at.is_some()).map(|l| {
        let at = |t: Option<Time>, what: &str| {
            t.map(|t| format!("{}{what}", t.local().format("%H:%M "))).unwrap_or_default()
        };
        format!("{}　{}　{}", session_name(l.session), at(l.came_at, "签到"), at(l.left_at, "签退"))
    });
    let mine: Vec<String> = mine.collect();
    let line = |l: BoardLine| Line {
        name: l.staff.name,
        title: l.staff.title,
        session: session_name(l.session),
        presence: match l.presence {
            Presence::Expected => "未到时间",
            Presence::Awaited => "还没来",
            Presence::Present => "在岗",
            Presence::Late => "迟到，在岗",
            Presence::Left => "已下班",
            Presence::LeftEarly => "早退",
            Presence::Absent => "缺勤",
            Presence::Extra => "值班",
        },
        times: [l.came_at, l.left_at]
            .into_iter()
            .flatten()
            .map(|t| t.local().format("%H:%M").to_string())
            .collect::<Vec<_>>()
            .join(" – "),
    };
    let posts = post::all(app.read(), &by.visit.centre).await?;
    let pairs = by.holder.is_any(&PAIRS);
    let names = staff::names(app.read(), by.visit.centre.id).await?;
    let paired = if pairs { centre::screens(app.read(), by.visit.centre.id).await? } else { Vec::new() };
    let shown = |screen: entity::centre::screen::Model| Paired {
        id: screen.id,
        name: match screen.post_id {
            Some(post) => {
                let post = posts.of(post).map(|post| post.row.name.as_str()).unwrap_or_default();
                format!("评价器（{post}）")
            }
            None => "大厅屏".to_owned(),
        },
        by: names.get(&screen.paired_by.to_string()).cloned().unwrap_or_default(),
        when: moment_in_words(screen.paired_at),
    };
    page(&Page {
        screens: paired.into_iter().map(shown).collect(),
        desks: posts.on(now.date()).map(|post| (post.row.code.clone(), post.row.name.clone())).collect(),
        frame: Frame::of_staff(by),
        word: word(by),
        code,
        day: calendar::day_in_words(now.date()),
        mine,
        pairs,
        lines: lines.into_iter().map(line).collect(),
        wrong,
    })
}

const fn session_name(session: Session) -> &'static str {
    match session {
        Session::Morning => "上午",
        Session::Afternoon => "下午",
    }
}

#[handler]
pub(super) async fn show_board(Someone(by): Someone<Staff>, Query(code): Query<Code>) -> poem::Result<Response> {
    board(&by, code.code.unwrap_or_default(), None).await
}

#[handler]
pub(super) async fn stamp_in(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let code = fields.get("code");
    let stamped = async {
        by.visit.limit_check_in(by.holder.id).await?;
        by.visit.write(by.who.clone(), async |act| attendance::check_in(act, &by.holder, code).await).await
    };
    match stamped.await {
        Ok(_) => Ok(go_to("/staff/attendance")),
        Err(error) => board(&by, String::new(), Some(words(error)?)).await,
    }
}

#[handler]
pub(super) async fn stamp_out(sent: Sent<Staff>) -> poem::Result<Response> {
    let by = sent.by;
    match by.visit.write(by.who.clone(), async |act| attendance::check_out(act, &by.holder).await).await {
        Ok(_) => Ok(go_to("/staff/attendance")),
        Err(error) => board(&by, String::new(), Some(words(error)?)).await,
    }
}

/// Makes this browser the hall's screen, or the device at a post's desk. Whoever paired it is signed out of it: a screen stands where everybody passes.
#[handler]
pub(super) async fn pair_screen(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    if !by.holder.is_any(&PAIRS) {
        return Err(Error::from(FORBIDDEN).into());
    }
    let post = fields.typed("post");
    let token = by
        .visit
        .write(by.who.clone(), async |act| {
            let at = match &post {
                Some(code) => Some(post::all(&*act.tx, &act.centre).await?.named(code, act.now.date())?.row.id),
                None => None,
            };
            let token = centre::pair_screen(act, by.holder.id, at).await?;
            session::end(act, by.session.id).await?;
            Ok(token)
        })
        .await?;
    let place = if post.is_some() { "/hall/rate" } else { "/hall/check-in" };
    let response = forget_session(go_to(place), &by.visit, Jar::Staff);
    Ok(keep(response, &by.visit, SCREEN, &token, 400 * 24 * 3600))
}

/// Ends the pairing of a screen or a device that was lost, stolen or moved.
#[handler]
pub(super) async fn unpair_screen(sent: Sent<Staff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    if !by.holder.is_any(&PAIRS) {
        return Err(Error::from(FORBIDDEN).into());
    }
    by.visit.write(by.who.clone(), async |act| centre::unpair_screen(act, id).await).await?;
    Ok(go_to("/staff/attendance"))
}
