//! Pages of the queue: a resident's number, and the desk that calls it.

use super::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use crate::access::{By, Resident, WindowStaff};
use crate::base::error::{Error, Result};
use crate::domain::Act;
use crate::domain::booking::Offer;
use crate::domain::calendar::moment_in_words;
use crate::domain::guide;
use crate::domain::identity::Viewer;
use crate::domain::queue::{self, Basis, Estimate, Seen, Wish, state_in_words};
use askama::Template;
use entity::Id;
use entity::booking::{desk, desk_group};
use entity::queue::{Model, PrintState, Priority, TicketState};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

/// An estimate with what it rests on, for people.
fn in_words(estimate: Option<Estimate>) -> Option<String> {
    let Estimate { ahead, minutes, each, desks, basis, served } = estimate?;
    let basis = match basis {
        Basis::Today => format!("按今天已办的{served}人，平均每人约{each}分钟、{desks}个窗口估计"),
        Basis::Week => format!("按近7天已办的{served}人，每人约{each}分钟、{desks}个窗口估计"),
        Basis::Plan => format!("按每人约{each}分钟、{desks}个窗口估计"),
    };
    Some(match ahead {
        0 => "前面没有人了，请留意叫号。".to_owned(),
        _ => format!("前面还有{ahead}人，大约等{minutes}分钟（{basis}）。"),
    })
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct Ticket {
    frame: Frame,
    word: String,
    seen: Seen,
    state: &'static str,
    remote: bool,
    wait: Option<String>,
    wrong: Option<String>,
}

async fn ticket_page(by: &By<Resident>, id: Id, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let viewer = Viewer::of(app.read(), &app.vault, centre.id, &by.who).await?;
    let seen = queue::see(app.read(), centre, id, &viewer).await?;
    let wait = in_words(queue::estimate(app.read(), centre, &seen.row, app.clock.now()).await?);
    let (state, remote) = (state_in_words(seen.row.state), seen.row.state == TicketState::Remote);
    page(&Ticket { frame: Frame::of(&by.visit), word: word(by), seen, state, remote, wait, wrong })
}

#[handler]
pub(super) async fn own_ticket(Someone(by): Someone<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    ticket_page(&by, id, None).await
}

#[derive(Template)]
#[template(path = "take_number.html")]
struct TakeNumber {
    frame: Frame,
    word: String,
    code: String,
    name: String,
    wrong: Option<String>,
}

async fn number_page(by: &By<Resident>, code: &str, wrong: Option<String>) -> poem::Result<Response> {
    let name = guide::get(by.visit.app.read(), &by.visit.centre, code).await?.row.name.clone();
    page(&TakeNumber { frame: Frame::of(&by.visit), word: word(by), code: code.to_owned(), name, wrong })
}

#[handler]
pub(super) async fn offer_number(Someone(by): Someone<Resident>, Path(code): Path<String>) -> poem::Result<Response> {
    number_page(&by, &code, None).await
}

/// Takes a number from afar.
#[handler]
pub(super) async fn take_number(sent: Sent<Resident>, Path(code): Path<String>) -> poem::Result<Response> {
    let by = sent.by;
    let wish = Wish { guide: Some(code.clone()), ..Wish::default() };
    let taken = async {
        by.visit.limit_booking(&by.who, "take_ticket").await?;
        by.visit.write(by.who.clone(), async |act| queue::issue(act, wish).await).await
    };
    match taken.await {
        Ok(row) => Ok(go_to(&format!("/tickets/{}", row.id))),
        Err(error) => number_page(&by, &code, Some(words(error)?)).await,
    }
}

/// Comes with a number that was taken from afar.
#[handler]
pub(super) async fn come_with_number(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let come = async {
        by.visit.limit_arrival(&by.who).await?;
        let code = fields.get("code");
        by.visit.write(by.who.clone(), async |act| queue::arrive(act, id, Some(code), None).await).await
    };
    match come.await {
        Ok(_) => Ok(go_to(&format!("/tickets/{id}"))),
        Err(error) => ticket_page(&by, id, Some(words(error)?)).await,
    }
}

/// Comes by a booking.
#[handler]
pub(super) async fn come_by_booking(sent: Sent<Resident>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    by.visit.limit_arrival(&by.who).await?;
    let code = fields.get("code");
    let come = async |act: &Act| queue::arrive_by_booking(act, id, Some(code), None).await;
    let row = by.visit.write(by.who.clone(), come).await?;
    Ok(go_to(&format!("/tickets/{}", row.id)))
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Queue {
    frame: Frame,
    word: String,
    desks: Vec<desk::Model>,
    groups: Vec<desk_group::Model>,
    desk: Option<desk::Model>,
    serving: Option<Shown>,
    waiting: Vec<Shown>,
    away: Vec<Shown>,
    wrong: Option<String>,
}

struct Shown {
    id: Id,
    number: String,
    state: &'static str,
    group: String,
    since: String,
    note: &'static str,
    calls: i32,
    /// Called by this desk's group, so it may call it.
    ours: bool,
    parked: bool,
}

#[derive(Deserialize)]
pub(super) struct At {
    desk: Option<String>,
}

async fn queue_page(by: &By<WindowStaff>, at: Option<&str>, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let offer = Offer::of(app.read(), centre).await?;
    let desk = offer.desks.iter().find(|d| Some(d.code.as_str()) == at).cloned();
    let shown = |seen: Seen| Shown {
        id: seen.row.id,
        state: state_in_words(seen.row.state),
        since: seen.row.turn_at.local().format("%H:%M").to_string(),
        note: match seen.row.priority {
            Priority::Elder => "老年人",
            Priority::Disabled => "残疾人",
            Priority::None if seen.row.booking_id.is_some() => "已预约",
            Priority::None => "",
        },
        calls: seen.row.calls,
        ours: desk.as_ref().is_some_and(|d| d.group_id == seen.row.group_id),
        parked: seen.row.state == TicketState::Parked,
        group: seen.group_name,
        number: seen.row.number,
    };
    let (mut serving, mut waiting, mut away) = (None, Vec::new(), Vec::new());
    for seen in queue::open(app.read(), centre, app.clock.now()).await? {
        match seen.row.state {
            TicketState::Called if desk.as_ref().is_some_and(|d| seen.row.desk_id == Some(d.id)) => {
                serving = Some(shown(seen));
            }
            TicketState::Waiting => waiting.push(shown(seen)),
            TicketState::Parked | TicketState::Missed | TicketState::Remote => away.push(shown(seen)),
            _ => {}
        }
    }
    page(&Queue {
        frame: Frame::of_staff(by),
        word: word(by),
        desks: offer.desks.clone(),
        groups: offer.groups.clone(),
        desk,
        serving,
        waiting,
        away,
        wrong,
    })
}

#[handler]
pub(super) async fn show_queue(Someone(by): Someone<WindowStaff>, Query(at): Query<At>) -> poem::Result<Response> {
    queue_page(&by, at.desk.as_deref(), None).await
}

/// One button of the desk.
#[handler]
pub(super) async fn press(sent: Sent<WindowStaff>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let desk = fields.get("desk").to_owned();
    match by.visit.write(by.who.clone(), async |act| deed(act, &fields).await).await {
        Ok(Some(given)) => Ok(go_to(&format!("/staff/tickets/{}", given.id))),
        Ok(None) => Ok(go_to(&format!("/staff/queue?desk={desk}"))),
        Err(error @ Error::Refused(_)) => queue_page(&by, Some(&desk), Some(words(error)?)).await,
        Err(fault) => Err(fault.into()),
    }
}

/// What a button says; a ticket, where one was given and is to be printed.
async fn deed(act: &Act, fields: &Fields) -> Result<Option<Model>> {
    let id = || fields.id("id").ok_or(queue::UNKNOWN_TICKET);
    let desk = fields.get("desk");
    match fields.get("do") {
        "next" => queue::call_next(act, desk).await.map(|_| None),
        "call" => queue::call(act, id()?, desk).await.map(|_| None),
        "recall" => queue::recall(act, id()?).await.map(|_| None),
        "skip" => queue::miss(act, id()?).await.map(|_| None),
        "park" => queue::park(act, id()?).await.map(|_| None),
        "resume" => queue::resume(act, id()?).await.map(|_| None),
        "transfer" => queue::transfer(act, id()?, fields.get("group")).await.map(|_| None),
        "end" => queue::end(act, id()?).await.map(|_| None),
        "void" => queue::void(act, id()?).await.map(|_| None),
        "arrive" => queue::arrive(act, id()?, None, priority(fields)).await.map(Some),
        "issue" => {
            let wish = Wish { group: fields.typed("group"), priority: priority(fields), guide: None };
            queue::issue(act, wish).await.map(Some)
        }
        _ => Err(queue::UNKNOWN_TICKET.into()),
    }
}

fn priority(fields: &Fields) -> Option<Priority> {
    match fields.get("priority") {
        "elder" => Some(Priority::Elder),
        "disabled" => Some(Priority::Disabled),
        _ => None,
    }
}

/// Who booked is there: the window gives him his number.
#[handler]
pub(super) async fn arrive_for(sent: Sent<WindowStaff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let come = async |act: &Act| queue::arrive_by_booking(act, id, None, priority(&fields)).await;
    let row = by.visit.write(by.who.clone(), come).await?;
    Ok(go_to(&format!("/staff/tickets/{}", row.id)))
}

#[derive(Template)]
#[template(path = "ticket_paper.html")]
struct Paper {
    frame: Frame,
    word: String,
    seen: Seen,
    issued: String,
    wait: Option<String>,
    print: &'static str,
}

/// A ticket to be printed.
#[handler]
pub(super) async fn show_paper(Someone(by): Someone<WindowStaff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let viewer = Viewer::Staff(by.holder.clone());
    let seen = queue::see(app.read(), centre, id, &viewer).await?;
    let wait = in_words(queue::estimate(app.read(), centre, &seen.row, app.clock.now()).await?);
    let print = match seen.row.print {
        PrintState::Unprinted => "还没有打印",
        PrintState::Printed => "已打印",
        PrintState::Failed => "没有打出来，可以重打",
    };
    let issued = moment_in_words(seen.row.issued_at);
    page(&Paper { frame: Frame::of_staff(&by), word: word(&by), seen, issued, wait, print })
}

#[handler]
pub(super) async fn note_print(sent: Sent<WindowStaff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let done = fields.get("printed") == "yes";
    by.visit.write(by.who.clone(), async |act| queue::mark_printed(act, id, done).await).await?;
    Ok(go_to(&if done { "/staff/queue".to_owned() } else { format!("/staff/tickets/{id}") }))
}
