//! A case at the counter: where it stands, what may be done, and its papers.

use super::material::{MaterialLine, Papers, passed};
use crate::access::answer::NO_ROUTE;
use crate::access::{CaseHandler, CaseReader, WECHAT_AWAY, WindowStaff};
use crate::base::error::Error;
use crate::base::personal;
use crate::document::guide::channel_name;
use crate::document::qr;
use crate::domain::calendar::day_in_words;
use crate::domain::case::{self, Move, Power, Told};
use crate::domain::identity::staff;
use crate::domain::{authority, centre, document, notice, post, review, seal};
use crate::pages::booking::moment_in_words;
use crate::pages::document::{hand_out_issued, hand_out_receipt};
use crate::pages::form::{Frame, Someone, page, word};
use crate::pages::progress::{event_name, limit_in_words};
use askama::Template;
use entity::Id;
use entity::authority::DelegatedPower;
use entity::case::{CaseState, NegativeCause, SpecialProcedure};
use entity::document::DocumentKind;
use entity::guide::{ItemKind, StepKind};
use entity::identity::Role;
use poem::web::Path;
use poem::{IntoResponse as _, Response, handler};
use std::collections::HashMap;

fn causes() -> Vec<(String, &'static str)> {
    <NegativeCause as sea_orm::Iterable>::iter().map(|c| (c.word(), case::cause_name(c))).collect()
}

impl StepLine {
    fn of(step: &entity::case::step::Model, posts: &post::Posts, names: &HashMap<String, String>) -> Self {
        let name = |id: Id| names.get(&id.to_string()).cloned().unwrap_or_default();
        let when = match (step.finished_at, step.begun_on, step.due_on) {
            (Some(at), ..) => format!("{}办完", moment_in_words(at)),
            (None, Some(_), Some(due)) => format!("在办，{}前办完", day_in_words(due)),
            (None, Some(_), None) => "在办".to_owned(),
            (None, None, _) => "还没到".to_owned(),
        };
        let late = step
            .charged_on
            .map(|on| format!("{}起超时，记在{}名下", day_in_words(on), step.charged_id.map(name).unwrap_or_default()));
        let post = step.post_id.and_then(|id| posts.of(id)).map(|post| post.row.name.clone()).unwrap_or_default();
        Self { name: step.name.clone(), post, when, late }
    }
}

fn procedures() -> Vec<(String, &'static str)> {
    <SpecialProcedure as sea_orm::Iterable>::iter().map(|p| (p.word(), case::procedure_name(p))).collect()
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
    materials: Vec<MaterialLine>,
    /// Where the file of the case was, in its order.
    held: Vec<String>,
    /// He may take it over.
    takes: bool,
    events: Vec<(Id, String)>,
    steps: Vec<StepLine>,
    /// The steps that are his to finish.
    finishes: Vec<(i32, String)>,
    /// 联办件: other offices have parts of it.
    joint: bool,
    /// Accepting it is his business.
    may_accept: bool,
    /// The posts whose letter gives them to accept a joint case.
    coordinators: Vec<String>,
    /// Materials that the guide asks everybody for, and that are not here.
    lacks: Vec<String>,
    no: Option<case::Filed>,
    remedies: &'static str,
    causes: Vec<(String, &'static str)>,
    /// He may be told of a hearing, and do without one.
    hears: bool,
    hearing_until: Option<String>,
    amends: bool,
    trips: usize,
    /// Who brought it for the applicant, and whether there is a scan of his letter.
    agent: Option<(String, bool)>,
    channel: &'static str,
    /// Whoever was asked first; nobody was, where it came online.
    first_asked: Option<String>,
    /// Documents that were issued.
    papers: Vec<PaperLine>,
    /// Seals in use that may be put on them.
    seals: Vec<(Id, String)>,
    /// Putting seals on them is his business.
    seals_them: bool,
    /// He may give an order over it.
    supervises: bool,
    /// The notice of what is missing that holds now.
    notice: Option<Id>,
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
    asks: Vec<entity::guide::Material>,
    told: Option<Told>,
    /// It waits for what was told.
    asked: bool,
    /// What was missing is his to take in.
    waits: bool,
    director: bool,
    elsewhere: Option<String>,
    invitation: Option<Invitation>,
}

struct StepLine {
    name: String,
    post: String,
    when: String,
    late: Option<String>,
}

struct PaperLine {
    id: Id,
    name: String,
    void: bool,
    sealed: Vec<String>,
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
    let (timeline, letters) = (case::timeline(app.read(), &row).await?, authority::all(app.read(), centre).await?);
    for event in &timeline {
        let ground = case::ground(&app.vault, event)?.map(|g| format!("：{g}")).unwrap_or_default();
        let who = names.get(&event.actor).map(String::as_str).unwrap_or("申请人或系统");
        let step = event.step.map(|n| format!("（第{n}步）")).unwrap_or_default();
        let letter = event.delegation_id.and_then(|id| letters.of(id).ok());
        let letter = letter.map(|letter| format!("（依据{}）", letter.row.number)).unwrap_or_default();
        let wrong = timeline.iter().find(|other| Some(other.id) == event.amends_id);
        let wrong = wrong.map(|w| format!("（更正的是{}的“{}”）", moment_in_words(w.at), event_name(w.kind)));
        let (when, what, wrong) = (moment_in_words(event.at), event_name(event.kind), wrong.unwrap_or_default());
        events.push((event.id, format!("{when}　{what}{step}{letter}{wrong}　{who}{ground}")));
    }
    // Whoever hands the result over hands it over too; whoever else saw it could rate himself.
    let window = by.holder.is_any(&[Role::Window, Role::Director]) || sight.under(&row, Power::Issue).is_ok();
    let ticket = review::ticket(app.read(), &app.vault, &app.rules.public_url, &row).await?;
    let invitation = match ticket.filter(|_| window) {
        Some(ticket) => {
            Some(Invitation { qr: qr::svg(&ticket.url)?, code: ticket.code, mini: app.wechat.mini().is_some() })
        }
        None => None,
    };
    let offices = centre::offices(app.read(), centre.id).await?;
    let materials = case::materials(app.read(), &row).await?;
    let lacks = case::lacking(app.read(), &row, &materials).await?;
    let custody = case::custody(app.read(), &row).await?;
    let paper_at = Papers::of(case::last_custody(custody.clone()), &sight, &row, now.date());
    let person = seen.applicant.ok_or(Error::from(case::UNKNOWN_CASE))?;
    let office = offices.into_iter().find(|o| o.id == row.office_id).map(|o| o.name).unwrap_or_default();
    let (power, elsewhere) = match row.state {
        CaseState::Received | CaseState::Supplement => (Power::Handle, Some(office.clone())),
        CaseState::Suspended => (Power::Decide, Some(office.clone())),
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
    let (all, posts) = (case::steps(app.read(), &row).await?, post::all(app.read(), centre).await?);
    let finish = |step: &&entity::case::step::Model| {
        let under_way = case::is_under_way(step) && step.kind != StepKind::Decide;
        under_way && row.state == CaseState::Accepted && has(Move::Finish(step.n, String::new()).power(&row, &all))
    };
    let coordinators = if row.joint {
        let given = letters.given(row.office_id, DelegatedPower::Coordinate, now.date());
        given.filter_map(|id| posts.of(id)).map(|post| post.row.name.clone()).collect()
    } else {
        Vec::new()
    };
    let finishes: Vec<(i32, String)> = all.iter().filter(finish).map(|step| (step.n, step.name.clone())).collect();
    let waits_for_steps = all.iter().any(|step| step.kind != StepKind::Decide && step.finished_at.is_none());
    let steps = all.iter().map(|step| StepLine::of(step, &posts, &names)).collect();
    let no = match row.state {
        CaseState::Refused | CaseState::Denied => case::negative_of(app.read(), &app.vault, &row).await?,
        _ => None,
    };
    let trips = case::trips(app.read(), &row).await?.len();
    let agent = case::agent(app.read(), &app.vault, centre, &row).await?.map(|(agent, person)| {
        let kind = case::agent_name(agent.kind);
        let words =
            format!("{}（{kind}，{}委托）", personal::mask_name(&person.name), day_in_words(agent.authorised_on));
        (words, agent.file_id.is_some())
    });
    let yours = has(power);
    let papers = if has(Power::Handle) { document::of_case(app.read(), row.id).await? } else { Vec::new() };
    let holds = |d: &&entity::document::Model| d.kind == DocumentKind::Supplement && d.void_id.is_none();
    let notice = papers.iter().rev().find(holds).map(|d| d.id);
    let sealed = seal::on(app.read(), papers.iter().map(|d| d.id)).await?;
    let register = seal::all(app.read(), centre.id).await?;
    let paper = |d: entity::document::Model| {
        let on = sealed.iter().filter(|used| used.document_id == d.id).map(|used| {
            let name = register.iter().find(|seal| seal.id == used.seal_id).map_or("印章", |seal| seal.name.as_str());
            format!("{name}（{}）", moment_in_words(used.at))
        });
        PaperLine {
            id: d.id,
            name: format!("{}　{}", document::title(d.kind), d.number),
            void: d.void_id.is_some(),
            sealed: on.collect(),
        }
    };
    let papers = papers.into_iter().map(paper).collect();
    let fits = |seal: &&entity::seal::Model| {
        seal::is_in_use(seal, now.date()) && seal.office_id.is_none_or(|office| office == row.office_id)
    };
    let seals = register.iter().filter(fits).map(|seal| (seal.id, seal.name.clone())).collect();
    page(&Page {
        frame: Frame::of_staff(&by),
        word: word(&by),
        item: seen.item,
        state: case::state_name(row.state),
        limit: limit_in_words(row.ended_at.is_some(), row.due_on, row.due_provisional),
        overdue: case::is_overdue(&row, now),
        due_today: case::is_due_today(&row, now),
        elsewhere: elsewhere.filter(|_| !yours && finishes.is_empty()),
        office,
        name: personal::mask_name(&person.name),
        doubt: doubt.map(notice::in_doubt),
        phone: person.phone.as_deref().map_or_else(|| "没有".to_owned(), personal::mask_phone),
        document: person.document.map_or_else(|| "没有".to_owned(), |(_, n)| personal::mask_id(&n)),
        materials: materials.into_iter().map(|m| paper_at.line(m, &posts)).collect(),
        takes: paper_at.takes(),
        held: passed(&custody, &posts),
        events,
        steps,
        finishes,
        joint: row.joint,
        lacks,
        may_accept: has(Move::Accept.power(&row, &all)),
        coordinators,
        no,
        remedies: case::REMEDIES,
        causes: causes(),
        hears: row.state == CaseState::Accepted && has(Power::Decide),
        hearing_until: row.hearing_until.filter(|until| *until >= now.date()).map(day_in_words),
        amends: has(Power::Amend),
        trips,
        agent,
        papers,
        seals,
        seals_them: has(Power::Seal),
        supervises: row.ended_at.is_none() && row.item_kind != Some(ItemKind::Instant) && has(Power::Amend),
        notice,
        channel: channel_name(row.channel),
        first_asked: row.first_asked_id.and_then(|id| names.get(&id.to_string()).cloned()),
        received: yours && row.state == CaseState::Received,
        accepted: yours && row.state == CaseState::Accepted && !waits_for_steps,
        suspended: yours && row.state == CaseState::Suspended,
        suspends: row.state == CaseState::Accepted && has(Power::Decide),
        extends: row.state == CaseState::Accepted && row.extended_on.is_none() && has(Power::Extend),
        procedures: procedures(),
        granted: yours && row.state == CaseState::Granted,
        open: row.ended_at.is_none() && has(Power::Issue),
        handles: has(Power::Handle),
        asks: if told.is_none() { case::materials_of_guide(app.read(), &sight, &row).await? } else { Vec::new() },
        waits: yours && row.state == CaseState::Supplement,
        director: by.holder.is_any(&[Role::Director]),
        told,
        asked: row.state == CaseState::Supplement,
        invitation,
        number: row.number,
        receipt_number: row.receipt_number,
    })
}

/// A document as it was issued, to be shown and printed.
#[handler]
pub(super) async fn show_document(
    Someone(by): Someone<CaseHandler>,
    Path((number, id)): Path<(String, Id)>,
) -> poem::Result<Response> {
    hand_out_issued(&by, &number, id).await
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
    hand_out_receipt(&by, &number).await
}
