//! Posts and leave: who is at which post, who is out, asking for leave and ruling on it, handing over.

use crate::access::{By, Director, LeaveRuler, Rank, Staff};
use crate::base::error::Result;
use crate::domain::act::{Act, StaffMember};
use crate::domain::cover::{self, Cover};
use crate::domain::identity::staff;
use crate::domain::leave::{self, BAD_TIME, Wish};
use crate::domain::{case, post};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDateTime;
use entity::identity::Role;
use entity::leave::{LeaveKind, LeaveState};
use entity::post::Letter;
use entity::{BEIJING, Id, Time};
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "posts.html")]
struct Page {
    frame: Frame,
    word: String,
    posts: Vec<PostLine>,
    /// Substitutes are the director's to name.
    director: bool,
    out: Vec<String>,
    am_out: bool,
    handovers: Vec<HandoverLine>,
    leaves: Vec<LeaveLine>,
    kinds: Vec<(String, &'static str)>,
    /// Codes and names of posts, and user names and names of staff, for naming substitutes.
    named: Vec<(String, String)>,
    people: Vec<(String, String)>,
    typed: Fields,
    wrong: Option<String>,
}

struct PostLine {
    code: String,
    name: String,
    holder: Option<String>,
    turns: String,
}

struct HandoverLine {
    id: Id,
    what: String,
    list: Vec<String>,
    words: Option<String>,
    /// It is to be given by who looks.
    gives: bool,
    late: bool,
    /// It is to be taken by who looks.
    takes: bool,
}

struct LeaveLine {
    id: Id,
    what: String,
    why: String,
    own: bool,
    /// It is to be ruled on by who looks.
    rules: bool,
}

async fn posts_page(by: &By<Staff>, typed: Fields, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre, me) = (&by.visit.app, &by.visit.centre, by.holder.id);
    let now = app.clock.now();
    let people = staff::all(app.read(), centre.id).await?;
    let names: HashMap<Id, &str> = people.iter().map(|s| (s.id, s.name.as_str())).collect();
    let name = |id: Id| names.get(&id).copied().unwrap_or_default();
    let cover = Cover::at(app.read(), centre, now).await?;
    let line = |post: &post::Post| PostLine {
        code: post.row.code.clone(),
        name: post.row.name.clone(),
        holder: cover.holder(post).map(|(id, letter)| format!("{}（{}）", name(id), letter_name(letter))),
        turns: cover.turns(post).iter().map(|(id, _)| name(*id)).collect::<Vec<_>>().join("、"),
    };
    let out = leave::out(app.read(), centre.id).await?;
    let out_line = |out: &entity::leave::whereabouts::Model| -> Result<String> {
        let place = leave::place(&app.vault, out)?;
        Ok(format!("{}　{place}　{}回来", name(out.staff_id), moment_in_words(out.until)))
    };
    let all = by.holder.is_any(&[Role::Director, Role::PartyOffice]);
    let posts = post::all(app.read(), centre).await?;
    let mut handovers = Vec::new();
    for row in cover::handovers(app.read(), centre.id, Some(me).filter(|_| !all)).await? {
        let (words, _) = cover::words(&app.vault, &row)?;
        let post = posts.of(row.post_id).map(|post| post.row.name.as_str()).unwrap_or_default();
        let listed = row.list.as_ref().and_then(|list| list.as_array());
        let listed = listed.into_iter().flatten().filter_map(|line| line["number"].as_str().map(ToOwned::to_owned));
        let due = row.due_on.format("%-m月%-d日");
        handovers.push(HandoverLine {
            id: row.id,
            what: format!("{post}　{} → {}　{due}前", name(row.from_id), name(row.to_id)),
            list: listed.collect(),
            words,
            gives: row.from_id == me && row.given_at.is_none(),
            late: now.date() > row.due_on,
            takes: row.to_id == me && row.given_at.is_some(),
        });
    }
    let rules = by.holder.is_any(&[Role::Director, Role::Leader]);
    let mut leaves = Vec::new();
    for row in leave::list(app.read(), centre.id, &by.holder, now).await? {
        let (reason, place, refused) = leave::words(&app.vault, &row)?;
        let (from, until) = (moment_in_words(row.starts_at), moment_in_words(row.ends_at));
        let refused = refused.map(|words| format!("　不批准：{words}")).unwrap_or_default();
        let own = row.staff_id == me;
        leaves.push(LeaveLine {
            id: row.id,
            what: format!(
                "{}　{}　{from}至{until}　{}",
                name(row.staff_id),
                kind_name(row.kind),
                state_name(row.state)
            ),
            why: format!("{reason}；去向：{place}{refused}"),
            own: own && matches!(row.state, LeaveState::Asked | LeaveState::Approved),
            rules: rules && !own && row.state == LeaveState::Asked,
        });
    }
    page(&Page {
        frame: Frame::of_staff(by),
        word: word(by),
        posts: cover.posts().map(line).collect(),
        director: by.holder.is_any(&[Role::Director]),
        out: out.iter().map(out_line).collect::<Result<_>>()?,
        am_out: out.iter().any(|out| out.staff_id == me),
        handovers,
        leaves,
        kinds: <LeaveKind as sea_orm::Iterable>::iter().map(|kind| (kind.word(), kind_name(kind))).collect(),
        named: cover.posts().map(|post| (post.row.code.clone(), post.row.name.clone())).collect(),
        people: people.iter().filter(|s| s.serves(now.date())).map(|s| (s.username.clone(), s.name.clone())).collect(),
        typed,
        wrong,
    })
}

const fn letter_name(letter: Letter) -> &'static str {
    match letter {
        Letter::A => "A岗",
        Letter::B => "B岗顶岗",
        Letter::Substitute => "指定顶岗",
    }
}

const fn kind_name(kind: LeaveKind) -> &'static str {
    match kind {
        LeaveKind::OfficialTrip => "因公外出",
        LeaveKind::Study => "外出学习",
        LeaveKind::Personal => "事假",
        LeaveKind::Sick => "病假",
        LeaveKind::Annual => "年休假",
        LeaveKind::MidSession => "中途离岗",
    }
}

const fn state_name(state: LeaveState) -> &'static str {
    match state {
        LeaveState::Asked => "待批",
        LeaveState::Approved => "已批准",
        LeaveState::Refused => "未批准",
        LeaveState::Withdrawn => "已撤回",
    }
}

#[handler]
pub(super) async fn show_posts(Someone(by): Someone<Staff>) -> poem::Result<Response> {
    posts_page(&by, Fields::default(), None).await
}

/// A moment as a browser's field gives it, in the centre's time.
fn moment(fields: &Fields, name: &'static str) -> Result<Time> {
    let read = NaiveDateTime::parse_from_str(fields.get(name), "%Y-%m-%dT%H:%M").ok();
    let local = read.and_then(|at| at.and_local_timezone(BEIJING).single());
    local.map(Time::from).ok_or_else(|| BAD_TIME.on(name).into())
}

/// Does one act, and shows the page again: with what was wrong, and what was typed.
async fn done<T>(
    by: &By<Staff>,
    fields: Fields,
    act: impl AsyncFnOnce(&Act, &Fields) -> Result<T>,
) -> poem::Result<Response> {
    match by.visit.write(by.who.clone(), async |given| act(given, &fields).await).await {
        Ok(_) => Ok(go_to("/staff/posts")),
        Err(error) => {
            let wrong = words(error)?;
            posts_page(by, fields, Some(wrong)).await
        }
    }
}

/// The same page for someone of a higher rank.
fn as_staff<R: Rank<Holder = Arc<StaffMember>>>(by: By<R>) -> By<Staff> {
    By { holder: by.holder, visit: by.visit, who: by.who, session: by.session }
}

/// Names who stands in at a post that nobody holds.
#[handler]
pub(super) async fn name_substitute(sent: Sent<Director>, Path(code): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let name = async |act: &Act, fields: &Fields| {
        let until = moment(fields, "until")?;
        cover::substitute(act, &by.holder, &code, fields.get("substitute"), until).await
    };
    let named = by.visit.write(by.who.clone(), async |act| name(act, &fields).await).await;
    match named {
        Ok(_) => Ok(go_to("/staff/posts")),
        Err(error) => {
            let wrong = words(error)?;
            posts_page(&as_staff(by), fields, Some(wrong)).await
        }
    }
}

#[handler]
pub(super) async fn go_out(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let out = async |act: &Act, fields: &Fields| {
        leave::go_out(act, &by.holder, fields.get("out_place"), moment(fields, "out_until")?).await
    };
    done(&by, fields, out).await
}

#[handler]
pub(super) async fn come_back(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    done(&by, fields, async |act: &Act, _: &Fields| leave::come_back(act, &by.holder).await).await
}

#[handler]
pub(super) async fn ask_leave(sent: Sent<Staff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let ask = async |act: &Act, fields: &Fields| {
        let kind = LeaveKind::try_from_value(&fields.get("kind").to_owned()).unwrap_or(LeaveKind::Personal);
        let (starts_at, ends_at) = (moment(fields, "starts_at")?, moment(fields, "ends_at")?);
        let (reason, place) = (fields.get("reason").to_owned(), fields.get("place").to_owned());
        leave::ask(act, &by.holder, Wish { kind, starts_at, ends_at, reason, place }).await
    };
    done(&by, fields, ask).await
}

#[handler]
pub(super) async fn withdraw_leave(sent: Sent<Staff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    done(&by, fields, async |act: &Act, _: &Fields| leave::withdraw(act, &by.holder, id).await).await
}

/// Approves or refuses, as the button says.
#[handler]
pub(super) async fn rule_on_leave(sent: Sent<LeaveRuler>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let rule = async |act: &Act| {
        if fields.get("approve") == "yes" {
            let posts = fields.all("post").into_iter().zip(fields.all("substitute"));
            let named = posts.filter(|(post, staff)| !post.is_empty() && !staff.is_empty()).collect();
            return cover::approve(act, &by.holder, id, named).await;
        }
        let asked = leave::to_rule(act, &by.holder, id).await?;
        leave::rule(act, &by.holder, asked, Some(fields.get("words"))).await
    };
    match by.visit.write(by.who.clone(), rule).await {
        Ok(_) => Ok(go_to("/staff/posts")),
        Err(error) => {
            let wrong = words(error)?;
            posts_page(&as_staff(by), fields, Some(wrong)).await
        }
    }
}

/// Gives a post, or takes it, as the button says.
#[handler]
pub(super) async fn hand_over(sent: Sent<Staff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let hand = async |act: &Act, fields: &Fields| {
        if fields.get("take") == "yes" {
            return cover::accept(act, &by.holder, id).await;
        }
        let reason = fields.typed("late_reason");
        case::hand_over(act, &by.holder, id, fields.get("handed"), reason.as_deref()).await
    };
    done(&by, fields, hand).await
}
