//! Page of a draft of a guide: what is wrong with it, what it says otherwise than the guide in force, the whole as it is to be
//! published, the form in which it is written, and the director's word on it.

use super::guide::Done;
use crate::access::{By, Director, GuideEditor, download};
use crate::base::Result;
use crate::base::error::Error;
use crate::document::change::{Change, changes, in_words};
use crate::document::guide::{Sheet, form_name};
use crate::domain::centre::{UNKNOWN_OFFICE, offices};
use crate::domain::guide::draft::{self, Overruled, state_name};
use crate::domain::guide::fault::{self, Fault};
use crate::domain::guide::{self, Comparison, Count, check};
use crate::domain::identity::staff;
use crate::domain::{file, post};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, SentFile, Someone, Upload, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::centre::office;
use entity::file::FilePurpose;
use entity::guide::draft::Model;
use entity::guide::{Content, DraftState, FlowStep, ItemKind, Material, StepKind};
use poem::web::{Path, Query};
use poem::{Response, handler};

/// Rows of materials and steps that a form offers beyond those that are filled in.
const MORE: usize = 3;

#[derive(Template)]
#[template(path = "guide_draft.html")]
struct Draft {
    frame: Frame,
    word: String,
    director: bool,
    id: Id,
    code: String,
    revision: i32,
    state: &'static str,
    open: bool,
    waits: bool,
    returned: Option<String>,
    by: String,
    when: String,
    faults: Vec<String>,
    warnings: Vec<String>,
    counts: Vec<(&'static str, String, String)>,
    /// Nothing where the matter is new.
    changes: Option<Vec<Change>>,
    /// What of others' publishing it does, that nobody asked for.
    undoes: Vec<String>,
    /// As it is to be published, and its steps at their posts.
    sheet: Sheet,
    stages: Vec<String>,
    content: Content,
    /// Fields of a line: name, title and what is said.
    lines: Vec<(&'static str, &'static str, String)>,
    materials: Vec<Material>,
    flow: Vec<FlowStep>,
    posts: Vec<(String, String)>,
    /// Offices that may have a part in it, and whether they do.
    offices: Vec<(String, bool)>,
    done: Option<&'static str>,
    wrong: Option<String>,
}

impl Draft {
    fn is_for(&self, word: &str) -> bool {
        self.content.audience.iter().any(|kind| kind.word() == word)
    }

    /// The forms that a material may be asked for in, and their names; one that a guide brought along stays.
    fn forms(&self, material: &Material) -> Vec<(String, String)> {
        let mut forms = ["original", "copy", "original+copy", "electronic"].map(ToOwned::to_owned).to_vec();
        forms.extend(material.form.clone().filter(|form| !forms.contains(form)));
        forms.into_iter().map(|form| (form_name(&form), form)).map(|(name, form)| (form, name)).collect()
    }
}

fn lines(content: &Content) -> Vec<(&'static str, &'static str, String)> {
    let elements = &content.elements;
    let fields = [
        ("fee", &content.fee),
        ("fee_basis", &elements.fee_basis),
        ("result", &content.result),
        ("handled_by", &content.handled_by),
        ("place", &elements.place),
        ("hours", &elements.hours),
        ("consult", &elements.consult),
        ("supervise", &elements.supervise),
        ("item_code", &elements.item_code),
        ("business_code", &elements.business_code),
        ("note", &content.note),
    ];
    fields.map(|(name, said)| (name, fault::title(name), said.clone().unwrap_or_default())).into()
}

/// The four counts (减环节、减时间、减材料、减跑动), before and after.
fn counts(before: &Content, after: &Content) -> Vec<(&'static str, String, String)> {
    let of = Comparison::of(before, after);
    let said = |n: Option<i32>| n.map_or_else(|| "未公布".to_owned(), |n| n.to_string());
    let row = |(what, of): (&'static str, Count)| (what, said(of.before), said(of.after));
    let rows = [("环节", of.steps), ("时限（工作日）", of.days), ("材料", of.materials), ("跑动次数", of.visits)];
    rows.map(row).into()
}

/// The offices that may have a part in a matter of an office, and whether they have; one that is named and is none, for it is to be
/// taken out.
fn takers(rooms: &[office::Model], own: Id, named: &[String]) -> Vec<(String, bool)> {
    let others = rooms.iter().filter(|room| room.id != own).map(|room| &room.name).collect::<Vec<_>>();
    let strange = named.iter().filter(|name| !others.contains(name));
    let all = others.iter().copied().chain(strange);
    all.map(|name| (name.clone(), named.contains(name))).collect()
}

/// What its publication ends that was decided before.
fn undoes(overruled: &Overruled) -> Vec<String> {
    let retired = overruled.retired_on.map(|last| format!("停办（定于{last}为最后一天）将取消，事项继续办"));
    let waits = overruled
        .waiting
        .as_ref()
        .map(|(n, from)| format!("已发布、定于{from}生效的第{n}版，在新版生效日不晚于这天时不再生效"));
    retired.into_iter().chain(waits).collect()
}

async fn draft_page(
    by: &By<GuideEditor>,
    row: Model,
    done: Option<&'static str>,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (db, centre, today) = (by.visit.app.read(), &by.visit.centre, by.visit.app.clock.now().date());
    let in_force = guide::get(db, centre, &row.code).await.ok();
    let posts = post::all(db, centre).await?;
    let posts: Vec<(String, String)> =
        posts.on(today).map(|post| (post.row.code.clone(), post.row.name.clone())).collect();
    let rooms = offices(db, centre.id).await?;
    let office = rooms.iter().find(|room| room.id == row.office_id).ok_or(UNKNOWN_OFFICE).map_err(Error::from)?;
    let post = |code: &str| match posts.iter().find(|(known, _)| known == code) {
        Some((_, name)) => name.clone(),
        None => "没有这个岗位".to_owned(),
    };
    let undoes = match draft::overruled(db, &row).await? {
        Some(overruled) => undoes(&overruled),
        None => Vec::new(),
    };
    let version = in_force.as_ref().map_or(1, |g| g.version.number + 1);
    let mut materials = row.content.materials.clone();
    materials.resize(materials.len() + MORE, Material::default());
    let mut flow = row.content.flow.clone();
    let blank = FlowStep { name: String::new(), kind: StepKind::Handle, post: String::new(), days: 0, parallel: false };
    flow.resize(flow.len() + MORE, blank);
    let said = |faults: Vec<Fault>| faults.iter().map(Fault::in_words).collect();
    page(&Draft {
        frame: Frame::of_staff(by),
        word: word(by),
        director: by.ensure::<Director>().is_ok(),
        id: row.id,
        revision: row.revision,
        state: state_name(row.state),
        open: row.state == DraftState::Draft,
        waits: row.state == DraftState::Review,
        by: staff::names(db, centre.id).await?.remove(&row.written_by.to_string()).unwrap_or_default(),
        when: moment_in_words(row.written_at),
        faults: said(draft::faults(db, &row, today).await?),
        warnings: said(check::warnings(&row.content)),
        counts: in_force.as_ref().map(|g| counts(&g.version.content, &row.content)).unwrap_or_default(),
        changes: in_force.as_ref().map(|g| changes(&g.version.content, &row.content, post)),
        undoes,
        sheet: Sheet::saying(&row.content, &row.code, version, office),
        stages: row.content.flow.iter().map(|step| in_words(step, &post)).collect(),
        lines: lines(&row.content),
        materials,
        flow,
        posts,
        offices: takers(&rooms, row.office_id, &row.content.elements.joint_offices),
        code: row.code,
        returned: row.words,
        content: row.content,
        done,
        wrong,
    })
}

#[handler]
pub(super) async fn show(
    Someone(by): Someone<GuideEditor>,
    Path(id): Path<Id>,
    Query(done): Query<Done>,
) -> poem::Result<Response> {
    let row = draft::get(by.visit.app.read(), by.visit.centre.id, &by.holder, id).await?;
    draft_page(&by, row, done.in_words(), None).await
}

/// A form or a sample that a draft names, before it is published.
#[handler]
pub(super) async fn show_form(
    Someone(by): Someone<GuideEditor>,
    Path((id, form)): Path<(Id, Id)>,
) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let row = draft::get(app.read(), centre.id, &by.holder, id).await?;
    if !row.content.materials.iter().any(|m| [m.blank_form, m.sample].contains(&Some(form))) {
        return Err(Error::from(file::UNKNOWN_FILE).into());
    }
    let form = file::get(app.read(), centre.id, form).await?;
    Ok(download::file(&file::name(&app.vault, &form)?, &form, app.file_bytes(&form).await?))
}

/// Every button of a draft's page; the form is written down before a draft is sent.
#[handler]
pub(super) async fn press(sent: Sent<GuideEditor>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    match pressed(&by, id, &fields).await {
        Ok(place) => Ok(go_to(&place)),
        Err(error) => {
            let wrong = words(error)?;
            let row = draft::get(by.visit.app.read(), by.visit.centre.id, &by.holder, id).await?;
            draft_page(&by, row, None, Some(wrong)).await
        }
    }
}

async fn pressed(by: &By<GuideEditor>, id: Id, fields: &Fields) -> Result<String> {
    let revision = fields.get("revision").parse().unwrap_or_default();
    let (visit, staff) = (&by.visit, &by.holder);
    match fields.get("do") {
        "drop" => {
            visit.write(by.who.clone(), async |act| draft::drop(act, staff, id).await).await?;
            Ok("/staff/guides?done=dropped".to_owned())
        }
        "return" => {
            by.ensure::<Director>()?;
            visit
                .write(by.who.clone(), async |act| draft::give_back(act, staff, id, fields.get("words")).await)
                .await?;
            Ok(place(id, "returned"))
        }
        "publish" => {
            by.ensure::<Director>()?;
            let day = |name: &str| match fields.typed(name) {
                Some(day) => day.parse::<NaiveDate>().map(Some).map_err(|_| Error::from(draft::BAD_DAYS)),
                None => Ok(None),
            };
            let (from, review_on) = (day("from")?, day("review_on")?);
            let publish = async |act: &_| draft::publish(act, staff, id, revision, from, review_on).await;
            visit.app.publish(&visit.centre, by.who.clone(), publish).await?;
            Ok("/staff/guides?done=published".to_owned())
        }
        button => {
            let row = draft::get(visit.app.read(), visit.centre.id, staff, id).await?;
            let content = read(row.content, fields);
            // Written down in an act of its own: what was typed is not lost because it has a fault.
            visit.write(by.who.clone(), async |act| draft::write(act, staff, id, revision, content).await).await?;
            if button == "submit" {
                let send = async |act: &_| draft::submit(act, staff, id, revision + 1).await;
                visit.write(by.who.clone(), send).await?;
                return Ok(place(id, "sent"));
            }
            Ok(place(id, "saved"))
        }
    }
}

fn place(id: Id, done: &str) -> String {
    format!("/staff/guides/{id}?done={done}")
}

/// A form or a sample for a material, given with the page.
#[handler]
pub(super) async fn give_form(sent: SentFile<GuideEditor>, Path(id): Path<Id>) -> poem::Result<Response> {
    let SentFile { by, fields, mut files } = sent;
    let Upload { name, bytes, .. } = files.pop().unwrap_or_default();
    match given(&by, id, &fields, &name, bytes).await {
        Ok(()) => Ok(go_to(&place(id, "given"))),
        Err(error) => {
            let wrong = words(error)?;
            let row = draft::get(by.visit.app.read(), by.visit.centre.id, &by.holder, id).await?;
            draft_page(&by, row, None, Some(wrong)).await
        }
    }
}

async fn given(by: &By<GuideEditor>, id: Id, fields: &Fields, name: &str, bytes: Vec<u8>) -> Result<()> {
    let (visit, staff) = (&by.visit, &by.holder);
    visit.limit_uploads(&by.who).await?;
    let row = draft::get(visit.app.read(), visit.centre.id, staff, id).await?;
    let n = fields.get("material").parse::<usize>().ok().filter(|n| *n < row.content.materials.len());
    let n = n.ok_or(file::UNKNOWN_FILE)?;
    let file = visit.app.keep_file(&visit.centre, by.who.clone(), FilePurpose::Form, name, bytes).await?;
    let (mut content, revision) = (row.content, fields.get("revision").parse().unwrap_or_default());
    let material = &mut content.materials[n];
    let place = if fields.get("as") == "sample" { &mut material.sample } else { &mut material.blank_form };
    *place = Some(file.id);
    visit.write(by.who.clone(), async |act| draft::write(act, staff, id, revision, content).await).await?;
    Ok(())
}

/// What the form says of a guide. What it has no field for stays as it is.
fn read(mut content: Content, fields: &Fields) -> Content {
    let lines = |name: &str| -> Vec<String> {
        fields.get(name).lines().map(str::trim).filter(|l| !l.is_empty()).map(ToOwned::to_owned).collect()
    };
    let number = |name: &str| fields.get(name).parse::<i32>().ok();
    fields.get("name").clone_into(&mut content.name);
    content.kind = match fields.get("kind") {
        "instant" => Some(ItemKind::Instant),
        "promised" => Some(ItemKind::Promised),
        _ => None,
    };
    let kinds = [ApplicantKind::Person, ApplicantKind::LegalPerson, ApplicantKind::Organisation];
    let chosen = fields.all("audience");
    content.audience = kinds.into_iter().filter(|kind| chosen.contains(&kind.word())).collect();
    content.audience_text = fields.typed("audience_text");
    content.statutory_days = number("statutory_days");
    content.promised_days = number("promised_days");
    content.fee = fields.typed("fee");
    content.result = fields.typed("result");
    content.handled_by = fields.typed("handled_by");
    content.note = fields.typed("note");
    content.hearing = fields.get("hearing") == "yes";
    content.steps = lines("steps");
    content.legal_basis = lines("legal_basis");
    let elements = &mut content.elements;
    elements.joint_offices = fields.all("joint_office");
    elements.conditions = lines("conditions");
    elements.visits = number("visits");
    for (field, name) in [
        (&mut elements.fee_basis, "fee_basis"),
        (&mut elements.place, "place"),
        (&mut elements.hours, "hours"),
        (&mut elements.consult, "consult"),
        (&mut elements.supervise, "supervise"),
        (&mut elements.item_code, "item_code"),
        (&mut elements.business_code, "business_code"),
    ] {
        *field = fields.typed(name);
    }
    let old = std::mem::take(&mut content.materials);
    let rows = (0..old.len() + MORE).map(|n| material(old.get(n).cloned().unwrap_or_default(), n, fields));
    content.materials = rows.filter(|m| !m.name.is_empty()).collect();
    let step = |n: usize| FlowStep {
        name: fields.get(&format!("f{n}.name")).to_owned(),
        kind: match fields.get(&format!("f{n}.kind")) {
            "review" => StepKind::Review,
            "report" => StepKind::Report,
            _ => StepKind::Handle,
        },
        post: fields.get(&format!("f{n}.post")).to_owned(),
        days: fields.get(&format!("f{n}.days")).parse().unwrap_or_default(),
        parallel: fields.get(&format!("f{n}.parallel")) == "yes",
    };
    content.flow = (0..content.flow.len() + MORE).map(step).filter(|s| !s.name.is_empty()).collect();
    content
}

/// One material of the form.
fn material(old: Material, n: usize, fields: &Fields) -> Material {
    let of = |what: &str| fields.typed(&format!("m{n}.{what}"));
    let flag = |what: &str, old: Option<bool>| match (of(what).is_some(), old) {
        (true, _) => Some(true),
        // What was never said is not denied by a box that nobody ticked.
        (false, None) => None,
        (false, Some(_)) => Some(false),
    };
    Material {
        name: of("name").unwrap_or_default(),
        form: of("form"),
        count: of("count").and_then(|count| count.parse().ok()),
        source: of("source"),
        paper_law: of("paper_law"),
        required: match (of("optional").is_some(), old.required) {
            (true, _) => Some(false),
            (false, Some(_)) => Some(true),
            (false, None) => None,
        },
        promise: flag("promise", old.promise),
        may_follow: flag("may_follow", old.may_follow),
        ..old
    }
}
