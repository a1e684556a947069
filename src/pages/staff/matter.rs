//! The register of matters (事项登记): where each is taken in, how far offices have come, and what they leave to the comprehensive window.

use crate::access::{By, Director, Leader, OfficeHead, Staff};
use crate::domain::matter::{self, Reception};
use crate::domain::{centre, guide};
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use entity::identity::Role;
use entity::matter::ConsentState;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "matters.html")]
struct Matters {
    frame: Frame,
    word: String,
    today: NaiveDate,
    director: bool,
    leader: bool,
    /// Codes and names of offices that he may ask for.
    asks: Vec<(String, String)>,
    offices: Vec<Office>,
    matters: Vec<Line>,
    windows: Vec<Window>,
    typed: Fields,
    wrong: Option<String>,
}

/// How far an office has come, check by check.
struct Office {
    office: String,
    entered: usize,
    matters: usize,
    checks: [bool; 6],
}

struct Line {
    code: String,
    name: String,
    place: String,
    outside: bool,
}

struct Window {
    id: Id,
    office: String,
    words: String,
    asked: bool,
    in_force: bool,
}

fn state_in_words(row: &entity::matter::consent::Model) -> String {
    let day = |day: Option<NaiveDate>| day.map(|day| day.format("%Y年%-m月%-d日").to_string()).unwrap_or_default();
    let said = row.document.as_deref().unwrap_or_default();
    match row.state {
        ConsentState::Asked => "已报乡政府，等待答复".to_owned(),
        ConsentState::Consented => {
            format!("乡政府同意（{said}，{}），{}起由综合窗口收件、出件", day(row.decided_on), day(row.valid_from))
        }
        ConsentState::Refused => format!("乡政府不同意：{said}"),
        ConsentState::Ended => format!("{}后由科室自己收件、出件", day(row.valid_until)),
    }
}

async fn matters_page<R: crate::access::Rank>(
    by: &By<R>,
    typed: Fields,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (app, centre, today) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now().date());
    let offices = centre::offices(app.read(), centre.id).await?;
    let register = matter::register(app.read(), centre).await?;
    let guides = guide::list(app.read(), centre, guide::Wanted::default()).await?;
    let line = |guide: &guide::Guide| {
        let (place, outside) = match register.of(&guide.row, today) {
            Reception::Window => ("综合窗口".to_owned(), false),
            Reception::Office => (format!("{}的窗口", guide.office.name), false),
            Reception::Outside(row) => (format!("未进驻（{}）：{}", row.ground, row.place), true),
        };
        Line { code: guide.row.code.clone(), name: guide.row.name.clone(), place, outside }
    };
    let name = |id: Id| offices.iter().find(|o| o.id == id).map(|o| o.name.clone()).unwrap_or_default();
    let window = |row: entity::matter::consent::Model| Window {
        id: row.id,
        office: name(row.office_id),
        words: format!(
            "报送时事项{}项、近一年办件{}件。{}。{}",
            row.items,
            row.cases,
            row.reason,
            state_in_words(&row)
        ),
        asked: row.state == ConsentState::Asked,
        in_force: row.state == ConsentState::Consented,
    };
    let office = |o: matter::Gathered| Office {
        entered: o.entered,
        matters: o.matters,
        checks: [o.functions, o.people, o.platform, o.is_entered(), o.delegated, o.watched],
        office: o.office.name,
    };
    let staff = by.ensure::<Staff>()?;
    let director = staff.is_any(&[Role::Director]);
    let may_ask = |office: &&entity::centre::office::Model| {
        director || staff.is_any(&[Role::OfficeHead]) && staff.office == Some(office.id)
    };
    page(&Matters {
        frame: Frame::of_staff(by),
        word: word(by),
        today,
        director,
        leader: staff.is_any(&[Role::Leader]),
        asks: offices.iter().filter(may_ask).map(|o| (o.code.clone(), o.name.clone())).collect(),
        offices: matter::gathered(app.read(), centre, today).await?.into_iter().map(office).collect(),
        matters: guides.iter().map(|guide| line(guide)).collect(),
        windows: matter::consents(app.read(), centre.id).await?.into_iter().map(window).collect(),
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<Staff>) -> poem::Result<Response> {
    matters_page(&by, Fields::default(), None).await
}

/// The day that a form names; one that is none is too early.
fn day(fields: &Fields, name: &str) -> NaiveDate {
    fields.get(name).parse().unwrap_or_default()
}

/// Where a button leads when it is done; what is wrong is told beside the form.
async fn done<R: crate::access::Rank>(
    by: &By<R>,
    fields: Fields,
    result: crate::base::Result<()>,
) -> poem::Result<Response> {
    match result {
        Ok(()) => Ok(go_to("/staff/matters")),
        Err(error) => {
            let wrong = words(error)?;
            matters_page(by, fields, Some(wrong)).await
        }
    }
}

/// Records that a matter stays outside, or is brought in.
#[handler]
pub(super) async fn press(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (code, from) = (fields.get("code").to_owned(), day(&fields, "from"));
    let said = (fields.get("ground"), fields.get("place"));
    let result = by.visit.app.publish(&by.visit.centre, by.who.clone(), async |act| {
        if fields.get("enter") == "yes" {
            return matter::enter(act, &code, from).await;
        }
        matter::keep_outside(act, &by.holder, &code, from, said).await.map(drop)
    });
    let result = result.await;
    done(&by, fields, result).await
}

/// Asks for an office.
#[handler]
pub(super) async fn ask(sent: Sent<OfficeHead>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let ask = async |act: &_| matter::ask(act, &by.holder, fields.get("office"), fields.get("reason")).await.map(drop);
    let result = by.visit.write(by.who.clone(), ask).await;
    done(&by, fields, result).await
}

/// Records the government's word.
#[handler]
pub(super) async fn decide(sent: Sent<Leader>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let said = fields.get("document");
    let result = if fields.get("consent") == "yes" {
        let (on, from) = (day(&fields, "on"), day(&fields, "from"));
        let consent = async |act: &_| matter::consent(act, &by.holder, id, (on, said), from).await.map(drop);
        by.visit.app.publish(&by.visit.centre, by.who.clone(), consent).await
    } else {
        let refuse = async |act: &_| matter::refuse(act, &by.holder, id, said).await.map(drop);
        by.visit.write(by.who.clone(), refuse).await
    };
    done(&by, fields, result).await
}

/// Gives an office its matters back.
#[handler]
pub(super) async fn end(sent: Sent<Director>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let from = day(&fields, "from");
    let end = async |act: &_| matter::end(act, id, from).await.map(drop);
    let result = by.visit.app.publish(&by.visit.centre, by.who.clone(), end).await;
    done(&by, fields, result).await
}
