//! Lists of cases at the counter: by state or lamp, and by number or person.

use crate::access::{By, CaseReader, Rank, download};
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::document::{cases as table, sheet};
use crate::domain::act::Page as Part;
use crate::domain::calendar::{self, Calendar};
use crate::domain::case::{self, Filter, Lamp, Seen};
use crate::domain::centre::{self, Lamps};
use crate::pages::form::{Frame, Sent, Someone, go_to, page, word};
use crate::pages::progress::limit_in_words;
use askama::Template;
use chrono::NaiveDate;
use entity::Time;
use entity::case::{CaseState, Channel};
use poem::web::Query;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;
use serde::Deserialize;
use std::sync::Arc;

/// A case in a list.
pub(super) struct Shown {
    pub(super) number: String,
    pub(super) item: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) limit: String,
    pub(super) lamp: Option<(String, &'static str)>,
    /// It was handed in without a visit: whoever takes it on has the files here alone.
    pub(super) online: bool,
}

/// What lamps are told by.
pub(super) struct Lights {
    calendar: Arc<Calendar>,
    lamps: Lamps,
    now: Time,
}

impl Lights {
    pub(super) async fn of<R: Rank>(by: &By<R>, now: Time) -> Result<Self> {
        let centre = &by.visit.centre;
        Ok(Self { calendar: calendar::of(by.visit.app.read(), centre).await?, lamps: Lamps::of(centre), now })
    }
}

/// A lamp in the words of the window.
const fn lamp_name(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Green => "绿灯",
        Lamp::Yellow => "黄灯，快到期",
        Lamp::Red => "红灯，今天到期",
        Lamp::Overdue => "已超期",
    }
}

impl Shown {
    pub(super) fn of(seen: Seen, lights: &Lights) -> Self {
        let now = lights.now;
        Self {
            lamp: case::lamp(&seen.row, &lights.calendar, lights.lamps, now).map(|l| (l.word(), lamp_name(l))),
            limit: limit_in_words(seen.row.ended_at.is_some(), seen.row.due_on, seen.row.due_provisional),
            item: seen.item,
            name: seen.applicant.map(|a| personal::mask_name(&a.name)).unwrap_or_default(),
            state: case::state_name(seen.row.state),
            online: matches!(seen.row.channel, Channel::Web | Channel::MiniProgram),
            number: seen.row.number,
        }
    }
}

#[derive(Template)]
#[template(path = "cases.html")]
struct List {
    frame: Frame,
    word: String,
    wanted: String,
    state: String,
    states: Vec<(String, &'static str)>,
    lamp: String,
    lamps: Vec<(String, &'static str)>,
    cases: Vec<Shown>,
    next: Option<String>,
    /// There are more, which a search does not show.
    cut: bool,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    state: Option<String>,
    lamp: Option<String>,
    cursor: Option<String>,
}

#[handler]
pub(super) async fn list_cases(
    Someone(by): Someone<CaseReader>,
    Query(wanted): Query<Wanted>,
) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let (state, lamp) = (wanted.state.unwrap_or_default(), wanted.lamp.unwrap_or_default());
    let (of_state, of_lamp) = (CaseState::try_from_value(&state).ok(), Lamp::try_from_value(&lamp).ok());
    let filter = Filter { state: of_state, lamp: of_lamp, ..Filter::default() };
    let part = Part::new(Some(30), wanted.cursor.as_deref())?;
    let (cases, next) = case::list(app.read(), &app.vault, centre, &by.sight().await?, filter, part, now).await?;
    let lights = Lights::of(&by, now).await?;
    let cases = cases.into_iter().map(|seen| Shown::of(seen, &lights)).collect();
    page(&List {
        frame: Frame::of_staff(&by),
        word: word(&by),
        wanted: String::new(),
        state,
        states: states(),
        lamp,
        lamps: lamps(),
        cases,
        next,
        cut: false,
    })
}

fn lamps() -> Vec<(String, &'static str)> {
    <Lamp as sea_orm::Iterable>::iter().map(|l| (l.word(), lamp_name(l))).collect()
}

fn states() -> Vec<(String, &'static str)> {
    <CaseState as sea_orm::Iterable>::iter().map(|s| (s.word(), case::state_name(s))).collect()
}

/// By number, or by the person: posted, for a name does not belong into an address.
#[handler]
pub(super) async fn search_cases(sent: Sent<CaseReader>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let (sight, wanted) = (by.sight().await?, fields.get("wanted").to_owned());
    match case::find(app.read(), centre.id, &wanted, &sight).await {
        Ok(row) => return Ok(go_to(&format!("/staff/cases/{}", row.number))),
        Err(Error::Refused(_)) => {}
        Err(fault) => return Err(fault.into()),
    }
    by.visit.limit_search(by.holder.id).await?;
    let all = Part::new(Some(100), None)?;
    let (cases, more) = by.visit.write(by.who.clone(), async |act| case::search(act, &wanted, all).await).await?;
    let lights = Lights::of(&by, now).await?;
    let cases = cases.into_iter().map(|seen| Shown::of(seen, &lights)).collect();
    let state = String::new();
    page(&List {
        frame: Frame::of_staff(&by),
        word: word(&by),
        wanted,
        state,
        states: states(),
        lamp: String::new(),
        lamps: lamps(),
        cases,
        next: None,
        cut: more.is_some(),
    })
}

/// The cases of a list as a table.
#[handler]
pub(super) async fn take_away(sent: Sent<CaseReader>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    by.visit.limit_search(by.holder.id).await?;
    let (app, centre, sight) = (&by.visit.app, &by.visit.centre, by.sight().await?);
    let day = |name: &str| fields.get(name).parse::<NaiveDate>().ok();
    let filter = Filter {
        state: CaseState::try_from_value(&fields.get("state").to_owned()).ok(),
        lamp: <Lamp as sea_orm::Iterable>::iter().find(|lamp| lamp.word() == fields.get("lamp")),
        from: day("from"),
        until: day("until"),
        ..Filter::default()
    };
    let found = case::all(app.read(), &app.vault, centre, &sight, &filter, app.clock.now()).await?;
    by.visit.write(by.who.clone(), async |act| case::taken_away(act, found.len()).await).await?;
    let sheet = table::sheet(found, &centre::offices(app.read(), centre.id).await?);
    Ok(if fields.get("form") == "csv" {
        download::attached("办件.csv", sheet::CSV, sheet.csv())
    } else {
        download::attached("办件.xlsx", sheet::XLSX, sheet.xlsx()?)
    })
}
