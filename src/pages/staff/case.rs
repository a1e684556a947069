//! A case at the counter: where it stands, what may be done, and its papers.

use crate::access::answer::NO_ROUTE;
use crate::access::{By, CaseHandler, CaseReader, WECHAT_AWAY, WindowStaff};
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::document::{qr, receipt as paper};
use crate::domain::act::Page as Part;
use crate::domain::case::{self, Correction, Filter, Power, Seen, Step, Told};
use crate::domain::identity::staff;
use crate::domain::{centre, notice, review};
use crate::pages::booking::{applicant, moment_in_words};
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use crate::pages::progress::{event_name, limit_in_words};
use askama::Template;
use entity::Time;
use entity::case::{CaseState, SpecialProcedure};
use entity::identity::Role;
use poem::web::{Html, Path, Query};
use poem::{IntoResponse as _, Response, handler};
use sea_orm::ActiveEnum as _;
use serde::Deserialize;

/// A case in a list.
pub(super) struct Shown {
    pub(super) number: String,
    pub(super) item: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) limit: String,
    pub(super) overdue: bool,
    pub(super) due_today: bool,
}

impl Shown {
    pub(super) fn of(seen: Seen, now: Time) -> Self {
        Self {
            limit: limit_in_words(seen.row.ended_at.is_some(), seen.row.due_on, seen.row.due_provisional),
            overdue: case::is_overdue(&seen.row, now),
            due_today: case::is_due_today(&seen.row, now),
            item: seen.item,
            name: seen.applicant.map(|a| personal::mask_name(&a.name)).unwrap_or_default(),
            state: case::state_name(seen.row.state),
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
    cases: Vec<Shown>,
    next: Option<String>,
    /// There are more, which a search does not show.
    cut: bool,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    state: Option<String>,
    cursor: Option<String>,
}

#[handler]
pub(super) async fn list_cases(
    Someone(by): Someone<CaseReader>,
    Query(wanted): Query<Wanted>,
) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let state = wanted.state.unwrap_or_default();
    let filter = Filter { state: CaseState::try_from_value(&state).ok(), office: None };
    let part = Part::new(Some(30), wanted.cursor.as_deref())?;
    let (cases, next) = case::list(app.read(), &app.vault, centre, &by.sight().await?, filter, part).await?;
    let cases = cases.into_iter().map(|seen| Shown::of(seen, now)).collect();
    page(&List {
        frame: Frame::of_staff(&by),
        word: word(&by),
        wanted: String::new(),
        state,
        states: states(),
        cases,
        next,
        cut: false,
    })
}

fn procedures() -> Vec<(String, &'static str)> {
    <SpecialProcedure as sea_orm::Iterable>::iter().map(|p| (p.word(), case::procedure_name(p))).collect()
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
    let cases = cases.into_iter().map(|seen| Shown::of(seen, now)).collect();
    let state = String::new();
    page(&List {
        frame: Frame::of_staff(&by),
        word: word(&by),
        wanted,
        state,
        states: states(),
        cases,
        next: None,
        cut: more.is_some(),
    })
}

#[derive(Template)]
#[template(path = "case.html")]
struct Page {
    frame: Frame,
    word: String,
    number: String,
    receipt_number: String,
    item: String,
    state: &'static str,
    limit: String,
    overdue: bool,
    due_today: bool,
    office: String,
    name: String,
    phone: String,
    doubt: Option<&'static str>,
    document: String,
    materials: Vec<String>,
    events: Vec<String>,
    received: bool,
    accepted: bool,
    suspended: bool,
    suspends: bool,
    extends: bool,
    procedures: Vec<(String, &'static str)>,
    granted: bool,
    open: bool,
    /// The papers and corrections are his business.
    handles: bool,
    /// Materials of the guide that he may ask for, once.
    asks: Vec<String>,
    told: Option<Told>,
    /// What was missing is his to take in.
    waits: bool,
    director: bool,
    elsewhere: Option<String>,
    invitation: Option<Invitation>,
}

struct Invitation {
    code: String,
    qr: String,
    /// There is a mini program that it can be opened in.
    mini: bool,
}

#[handler]
pub(super) async fn show_case(Someone(by): Someone<CaseReader>, Path(number): Path<String>) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let sight = by.sight().await?;
    let seen = case::see(app.read(), &app.vault, centre, &number, &sight).await?;
    let row = seen.row;
    let names = staff::names(app.read(), centre.id).await?;
    let mut events = Vec::new();
    for event in case::timeline(app.read(), &row).await? {
        let ground = case::ground(&app.vault, &event)?.map(|g| format!("：{g}")).unwrap_or_default();
        let who = names.get(&event.actor).map(String::as_str).unwrap_or("申请人或系统");
        events.push(format!("{}　{}　{who}{ground}", moment_in_words(event.at), event_name(event.kind)));
    }
    // The windows hand it over; whoever else saw it could rate himself.
    let window = by.holder.is_any(&[Role::Window, Role::Director]);
    let ticket = review::ticket(app.read(), &app.vault, &app.rules.public_url, &row).await?;
    let invitation = match ticket.filter(|_| window) {
        Some(ticket) => {
            Some(Invitation { qr: qr::svg(&ticket.url)?, code: ticket.code, mini: app.wechat.mini().is_some() })
        }
        None => None,
    };
    let offices = centre::offices(app.read(), centre.id).await?;
    let materials = case::materials(app.read(), &row).await?;
    let person = seen.applicant.ok_or(Error::from(case::UNKNOWN_CASE))?;
    let office = offices.into_iter().find(|o| o.id == row.office_id).map(|o| o.name).unwrap_or_default();
    let (power, elsewhere) = match row.state {
        CaseState::Received | CaseState::Supplement => (Power::Handle, Some(office.clone())),
        CaseState::Suspended => (Power::Handle, Some(office.clone())),
        CaseState::Accepted => (Power::Decide, Some(office.clone())),
        CaseState::Granted => (Power::Issue, Some("窗口".to_owned())),
        _ => (Power::Issue, None),
    };
    let doubt = match &person.phone {
        Some(phone) => notice::doubted(app.read(), &app.vault, centre.id, phone).await?,
        None => None,
    };
    let told = case::told(app.read(), &app.vault, &row).await?;
    let has = |power| sight.under(&row, power).is_ok();
    let yours = has(power);
    page(&Page {
        frame: Frame::of_staff(&by),
        word: word(&by),
        item: seen.item,
        state: case::state_name(row.state),
        limit: limit_in_words(row.ended_at.is_some(), row.due_on, row.due_provisional),
        overdue: case::is_overdue(&row, now),
        due_today: case::is_due_today(&row, now),
        elsewhere: elsewhere.filter(|_| !yours),
        office,
        name: personal::mask_name(&person.name),
        doubt: doubt.map(notice::in_doubt),
        phone: person.phone.as_deref().map_or_else(|| "没有".to_owned(), personal::mask_phone),
        document: person.document.map_or_else(|| "没有".to_owned(), |(_, n)| personal::mask_id(&n)),
        materials: materials.into_iter().map(|m| format!("{}　{}份", m.name, m.copies)).collect(),
        events,
        received: yours && row.state == CaseState::Received,
        accepted: yours && row.state == CaseState::Accepted,
        suspended: yours && row.state == CaseState::Suspended,
        suspends: row.state == CaseState::Accepted && has(Power::Handle),
        extends: row.state == CaseState::Accepted && row.extended_on.is_none() && has(Power::Extend),
        procedures: procedures(),
        granted: yours && row.state == CaseState::Granted,
        open: row.ended_at.is_none() && has(Power::Issue),
        handles: has(Power::Handle),
        asks: if told.is_none() { case::materials_of_guide(app.read(), &sight, &row).await? } else { Vec::new() },
        waits: yours && row.state == CaseState::Supplement,
        director: by.holder.is_any(&[Role::Director]),
        told,
        invitation,
        number: row.number,
        receipt_number: row.receipt_number,
    })
}

/// The code that opens the invitation in the mini program, as a picture: fetched once, and kept.
#[handler]
pub(super) async fn show_mini_code(
    Someone(by): Someone<WindowStaff>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let mini = app.wechat.mini().ok_or(Error::from(NO_ROUTE))?;
    let seen = case::see(app.read(), &app.vault, centre, &number, &by.sight().await?).await?;
    let pictured = review::pictured(app.read(), &app.vault, &seen.row).await?.ok_or(Error::from(NO_ROUTE))?;
    let picture = match &pictured.picture {
        Some(picture) => picture.clone(),
        None => {
            let asked = mini.code(&format!("k={}", pictured.code), "pages/rate/index", now).await;
            let picture = asked.map_err(|fault| {
                tracing::error!(why = fault.word(), "WeChat gives no code of the mini program");
                Error::from(WECHAT_AWAY.after(chrono::Duration::seconds(10)))
            })?;
            let keep = async |act: &_| review::keep_picture(act, &pictured, &picture).await;
            by.visit.write(by.who.clone(), keep).await?;
            picture.to_vec()
        }
    };
    let kind = if picture.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Ok(picture.with_content_type(kind).into_response())
}

#[handler]
pub(super) async fn print_receipt(
    Someone(by): Someone<CaseHandler>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    let (app, visit) = (&by.visit.app, &by.visit);
    let sight = by.sight().await?;
    let page = paper::page(app.read(), &app.vault, &visit.centre, &app.rules.public_url, &number, &sight).await?;
    Ok(Html(page).into_response())
}

/// One act on a case, and the invitation in the same transaction if it ended it.
#[handler]
pub(super) async fn take_step(
    sent: Sent<CaseHandler>,
    Path((number, step)): Path<(String, String)>,
) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let ground = || fields.get("ground").to_owned();
    let step = match step.as_str() {
        "accept" => Step::Accept,
        "refuse" => Step::Refuse(ground()),
        "grant" => Step::Grant,
        "deny" => Step::Deny(ground()),
        "issue" => Step::Issue,
        "suspend" => {
            let procedure = SpecialProcedure::try_from_value(&fields.get("procedure").to_owned());
            Step::Suspend(procedure.map_err(|_| Error::from(NO_ROUTE))?, ground())
        }
        "resume" => Step::Resume,
        "extend" => Step::Extend(fields.get("days").parse().unwrap_or(0), ground()),
        "withdraw" => Step::Withdraw,
        _ => return Err(Error::from(NO_ROUTE).into()),
    };
    by.visit
        .write(by.who.clone(), async |act| {
            let row = case::step(act, &number, &step).await?;
            review::invite(act, &row).await
        })
        .await?;
    Ok(go_to(&format!("/staff/cases/{number}")))
}

#[derive(Template)]
#[template(path = "correct.html")]
struct Correct {
    frame: Frame,
    word: String,
    number: String,
    typed: Fields,
    wrong: Option<String>,
}

fn correct_page(by: &By<CaseHandler>, number: String, typed: Fields, wrong: Option<String>) -> Result<Correct> {
    Ok(Correct { frame: Frame::of_staff(by), word: word(by), number, typed, wrong })
}

#[handler]
pub(super) fn fill_in_correction(
    Someone(by): Someone<CaseHandler>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    page(&correct_page(&by, number, Fields::default(), None)?)
}

/// What was filled in is put right; what was left empty stays, unless it is ticked to be taken away.
fn correction(fields: &Fields) -> Correction {
    let typed = applicant(fields);
    let away = |name: &str| fields.get(name) == "yes";
    Correction {
        kind: fields.typed("kind").map(|_| typed.kind),
        name: fields.typed("name"),
        phone: if away("no_phone") { Some(None) } else { typed.phone.map(Some) },
        id_type: if away("no_document") { Some(None) } else { typed.id_type.map(Some) },
        id_number: if away("no_document") { Some(None) } else { typed.id_number.map(Some) },
    }
}

#[derive(Template)]
#[template(path = "revealed.html")]
struct Revealed {
    frame: Frame,
    number: String,
    values: Vec<(&'static str, String)>,
}

/// Shows personal data in full once, for a purpose that is written down.
#[handler]
pub(super) async fn reveal_applicant(sent: Sent<CaseReader>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let all = ["name", "phone", "id_number"].map(ToOwned::to_owned);
    let purpose = fields.get("purpose");
    let values = by.visit.write(by.who.clone(), async |act| case::reveal(act, &number, &all, purpose).await).await?;
    let name = |field| match field {
        "name" => "姓名",
        "phone" => "电话",
        _ => "证件号码",
    };
    let values = values.into_iter().map(|(field, value)| (name(field), value.unwrap_or_else(|| "没有".to_owned())));
    page(&Revealed { frame: Frame::of_staff(&by), number, values: values.collect() })
}

#[handler]
pub(super) async fn correct_applicant(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let corrected = by.visit.write(by.who.clone(), async |act| {
        let (row, changed) = case::correct(act, &number, correction(&fields)).await?;
        if changed.contains(&"phone") {
            review::readdress(act, &row).await?;
        }
        Ok(())
    });
    match corrected.await {
        Ok(()) => Ok(go_to(&format!("/staff/cases/{number}"))),
        Err(error) => {
            let wrong = words(error)?;
            page(&correct_page(&by, number, fields, Some(wrong))?)
        }
    }
}
