//! Pages of online applications (网上申请): a resident hands a case in, sees how far his cases are, and gives what is missing.

use super::booking::{applicant, moment_in_words};
use super::document::{hand_out_issued, hand_out_receipt};
use super::form::{Fields, Frame, Sent, SentFile, Someone, go_to, keep_files, page, word, words, words_once};
use super::progress::{event_name, limit_in_words};
use crate::access::{By, Resident};
use crate::base::error::{Error, Result};
use crate::domain::act::Page as Part;
use crate::domain::calendar::day_in_words;
use crate::domain::case::{self, Application, Filter, Handing, Instead, Missing, Move, Seen, Taken};
use crate::domain::{document, guide, matter};
use askama::Template;
use chrono::Days;
use entity::Id;
use entity::case::{CaseState, Channel, MaterialForm};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

/// Files that one form may carry.
pub(super) const FILES: u64 = 4;
/// Days within which what follows is to come, and a promise is looked into.
const FOLLOWS: Days = Days::new(30);

#[derive(Template)]
#[template(path = "apply.html")]
struct Form {
    frame: Frame,
    word: String,
    once: String,
    name: String,
    code: String,
    materials: Vec<Line>,
    largest_mb: i64,
    typed: Fields,
    wrong: Option<String>,
}

/// A material of the form.
struct Line {
    name: String,
    required: bool,
    promise: bool,
    follows: bool,
    /// What was chosen instead of a file.
    give: String,
    /// A file that was given already, by its id and its name.
    kept: Option<(String, String)>,
}

impl Line {
    fn of(typed: &Fields, n: usize, name: &str) -> Self {
        let kept = typed.typed(&format!("kept{n}")).map(|id| (id, typed.get(&format!("named{n}")).to_owned()));
        let give = typed.get(&format!("give{n}")).to_owned();
        Self { name: name.to_owned(), required: true, promise: false, follows: false, give, kept }
    }
}

async fn form_page(by: &By<Resident>, code: &str, typed: Fields, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let guide = guide::get(app.read(), centre, code).await?;
    matter::ensure_here(app.read(), centre, &guide, app.clock.now().date()).await?;
    let line = |(n, m): (usize, &entity::guide::Material)| Line {
        required: m.required != Some(false),
        promise: m.promise == Some(true),
        follows: m.may_follow == Some(true),
        ..Line::of(&typed, n, &m.name)
    };
    page(&Form {
        frame: Frame::of(&by.visit),
        word: word(by),
        once: typed.once(&app.random),
        name: guide.row.name.clone(),
        code: guide.row.code.clone(),
        materials: guide.version.content.materials.iter().enumerate().map(line).collect(),
        largest_mb: app.settings.files.largest_mb,
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn fill_in(Someone(by): Someone<Resident>, Path(code): Path<String>) -> poem::Result<Response> {
    form_page(&by, &code, Fields::default(), None).await
}

#[handler]
pub(super) async fn hand_in(sent: SentFile<Resident>, Path(code): Path<String>) -> poem::Result<Response> {
    let SentFile { by, mut fields, files } = sent;
    let request = fields.request_with(&files);
    let handed = async {
        keep_files(&by, &mut fields, files).await?;
        let visit = by.visit.once(fields.get("once"))?;
        visit.limit_applying(by.holder).await?;
        let apply = async |act: &_| applied(act, &code, &fields).await;
        visit.write_once(by.who.clone(), "apply_online", &request, apply).await
    };
    let handed = handed.await;
    match handed {
        Ok(number) => Ok(go_to(&format!("/applications/{number}?made=yes"))),
        Err(error) => {
            let wrong = words_once(error, &mut fields)?;
            form_page(&by, &code, fields, Some(wrong)).await
        }
    }
}

/// Hands in what a form says; gives the number of the case.
async fn applied(act: &crate::domain::Act, code: &str, fields: &Fields) -> Result<String> {
    let guide = guide::get(&*act.tx, &act.centre, code).await?;
    let person = applicant(fields);
    let names: Vec<&str> = guide.version.content.materials.iter().map(|m| m.name.as_str()).collect();
    let earlier = if (0..names.len()).any(|n| fields.get(&format!("give{n}")) == "reuse") {
        case::known_materials(act, code, person.clone()).await?
    } else {
        Vec::new()
    };
    let by = act.now.date() + FOLLOWS;
    let mut materials = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let instead = match (fields.id(&format!("kept{n}")), fields.get(&format!("give{n}"))) {
            (Some(file), _) => {
                materials.push(file_of(name, file));
                continue;
            }
            (None, "promised") => Instead::Promise(by),
            (None, "follows") => Instead::Follow(by),
            (None, "reuse") => {
                let before = earlier.iter().find(|before| before.row.name == name);
                Instead::Reuse(before.ok_or(case::NOT_REUSABLE)?.row.id, true)
            }
            _ => continue,
        };
        materials.push(Taken { instead, ..Taken::given(name.to_owned(), MaterialForm::Electronic, 1) });
    }
    let application = Application { guide: code.to_owned(), channel: Channel::Web, applicant: person, materials };
    Ok(case::apply(act, application).await?.case.number)
}

fn file_of(name: &str, file: Id) -> Taken {
    Taken { file: Some(file), ..Taken::given(name.to_owned(), MaterialForm::Electronic, 1) }
}

#[derive(Template)]
#[template(path = "applications.html")]
struct Cases {
    frame: Frame,
    cases: Vec<Shown>,
    next: Option<String>,
}

struct Shown {
    number: String,
    receipt_number: String,
    item: String,
    state: &'static str,
    limit: String,
    /// It is his own to see in full.
    whole: bool,
    /// Something is missing.
    missing: bool,
}

#[derive(Deserialize)]
struct Place {
    cursor: Option<String>,
}

#[handler]
pub(super) async fn own_cases(Someone(by): Someone<Resident>, Query(place): Query<Place>) -> poem::Result<Response> {
    let (app, centre, sight) = (&by.visit.app, &by.visit.centre, by.sight().await?);
    let part = Part::new(Some(20), place.cursor.as_deref())?;
    let (cases, next) =
        case::list(app.read(), &app.vault, centre, &sight, Filter::default(), part, app.clock.now()).await?;
    let shown = |seen: Seen| Shown {
        state: case::state_name(seen.row.state),
        limit: limit_in_words(seen.row.ended_at.is_some(), seen.row.due_on, seen.row.due_provisional),
        whole: seen.applicant.is_some(),
        missing: seen.row.state == CaseState::Supplement,
        item: seen.item,
        number: seen.row.number,
        receipt_number: seen.row.receipt_number,
    };
    page(&Cases { frame: Frame::of(&by.visit), cases: cases.into_iter().map(shown).collect(), next })
}

#[derive(Template)]
#[template(path = "application.html")]
struct One {
    frame: Frame,
    word: String,
    number: String,
    receipt_number: String,
    item: String,
    state: &'static str,
    limit: String,
    name: String,
    events: Vec<String>,
    materials: Vec<String>,
    papers: Vec<(Id, String)>,
    /// What is missing, and by when, while it is asked for.
    missing: Option<(Vec<Missing>, String)>,
    no: Option<case::Filed>,
    remedies: &'static str,
    open: bool,
    made: bool,
    wrong: Option<String>,
}

async fn one_page(by: &By<Resident>, number: &str, made: bool, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre, sight) = (&by.visit.app, &by.visit.centre, by.sight().await?);
    let Seen { row, item, applicant, .. } = case::papers(app.read(), &app.vault, centre, number, &sight).await?;
    let mut events = Vec::new();
    for event in case::timeline(app.read(), &row).await? {
        let ground = if case::is_public(event.kind) { case::ground(&app.vault, &event)? } else { None };
        let ground = ground.map(|ground| format!("：{ground}")).unwrap_or_default();
        events.push(format!("{}　{}{ground}", moment_in_words(event.at), event_name(event.kind)));
    }
    let line = |m: entity::case::material::Model| format!("{}（{}）", m.name, case::form_in_words(&m));
    let paper = |d: entity::document::Model| {
        let void = if d.void_id.is_some() { "（已作废）" } else { "" };
        (d.id, format!("{}　{}{void}", document::title(d.kind), d.number))
    };
    let missing = match case::told(app.read(), &app.vault, &row).await?.filter(|_| row.state == CaseState::Supplement) {
        Some(told) => Some((case::wanting(app.read(), &row, &told).await?, day_in_words(told.until))),
        None => None,
    };
    let no = match row.state {
        CaseState::Refused | CaseState::Denied => case::negative_of(app.read(), &app.vault, &row).await?,
        _ => None,
    };
    page(&One {
        frame: Frame::of(&by.visit),
        word: word(by),
        item,
        state: case::state_name(row.state),
        limit: limit_in_words(row.ended_at.is_some(), row.due_on, row.due_provisional),
        name: applicant.map(|a| a.name).unwrap_or_default(),
        events,
        materials: case::materials(app.read(), &row).await?.into_iter().map(line).collect(),
        papers: document::of_case(app.read(), row.id).await?.into_iter().map(paper).collect(),
        missing,
        no,
        remedies: case::REMEDIES,
        open: row.ended_at.is_none(),
        number: row.number,
        receipt_number: row.receipt_number,
        made,
        wrong,
    })
}

#[derive(Deserialize)]
struct Made {
    made: Option<String>,
}

#[handler]
pub(super) async fn show(
    Someone(by): Someone<Resident>,
    Path(number): Path<String>,
    Query(made): Query<Made>,
) -> poem::Result<Response> {
    one_page(&by, &number, made.made.is_some(), None).await
}

/// Gives what was missing.
#[handler]
pub(super) async fn supply(sent: SentFile<Resident>, Path(number): Path<String>) -> poem::Result<Response> {
    let SentFile { by, mut fields, files } = sent;
    let names = fields.all("material");
    let supplied = async {
        keep_files(&by, &mut fields, files).await?;
        let given = names.iter().enumerate().filter_map(|(n, name)| {
            let file = fields.id(&format!("kept{n}"))?;
            Some(file_of(name, file))
        });
        let given = given.collect();
        let complete = async |act: &_| case::complete(act, &number, given, Handing::Sent).await.map(drop);
        by.visit.write(by.who.clone(), complete).await
    };
    done(&by, &number, supplied.await).await
}

#[handler]
pub(super) async fn take_back(sent: Sent<Resident>, Path(number): Path<String>) -> poem::Result<Response> {
    let by = sent.by;
    let withdraw = async |act: &_| case::advance(act, &number, &Move::Withdraw).await.map(drop);
    let withdrawn = by.visit.write(by.who.clone(), withdraw).await;
    done(&by, &number, withdrawn).await
}

/// Back to the case, with what was wrong.
async fn done(by: &By<Resident>, number: &str, result: Result<()>) -> poem::Result<Response> {
    match result {
        Ok(()) => Ok(go_to(&format!("/applications/{number}"))),
        Err(error) if matches!(&error, Error::Refused(refused) if refused.refusal == case::UNKNOWN_CASE) => {
            Err(error.into())
        }
        Err(error) => one_page(by, number, false, Some(words(error)?)).await,
    }
}

#[handler]
pub(super) async fn print_receipt(
    Someone(by): Someone<Resident>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    hand_out_receipt(&by, &number).await
}

#[handler]
pub(super) async fn show_document(
    Someone(by): Someone<Resident>,
    Path((number, id)): Path<(String, Id)>,
) -> poem::Result<Response> {
    hand_out_issued(&by, &number, id).await
}
