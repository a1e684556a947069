//! Pages of those who compile guides: what is in force and until when it is good, drafts, and what is wrong with them.

use crate::access::{By, Director, GuideEditor};
use crate::base::Result;
use crate::base::error::Error;
use crate::domain::guide::draft::{self, state_name};
use crate::domain::guide::{self, Comparison, Count, Wanted, check};
use crate::domain::identity::staff;
use crate::domain::{file, post};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, SentFile, Someone, Upload, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::file::FilePurpose;
use entity::guide::draft::Model;
use entity::guide::{Content, DraftState, FlowStep, ItemKind, Material, StepKind};
use poem::web::Path;
use poem::{Response, handler};

/// Rows of materials and steps that a form offers beyond those that are filled in.
const MORE: usize = 3;

#[derive(Template)]
#[template(path = "guides_staff.html")]
struct Guides {
    frame: Frame,
    word: String,
    drafts: Vec<DraftLine>,
    guides: Vec<GuideLine>,
    wrong: Option<String>,
}

struct DraftLine {
    id: Id,
    code: String,
    name: String,
    state: &'static str,
    by: String,
    when: String,
}

struct GuideLine {
    code: String,
    name: String,
    office: String,
    version: i32,
    since: NaiveDate,
    review_on: NaiveDate,
    review_over: bool,
    retired_on: Option<NaiveDate>,
}

async fn guides_page(by: &By<GuideEditor>, wrong: Option<String>) -> poem::Result<Response> {
    let (db, centre, today) = (by.visit.app.read(), &by.visit.centre, by.visit.app.clock.now().date());
    let names = staff::names(db, centre.id).await?;
    let drafts = draft::list(db, centre.id, &by.holder).await?.into_iter().map(|row| DraftLine {
        by: names.get(&row.written_by.to_string()).cloned().unwrap_or_default(),
        when: moment_in_words(row.written_at),
        state: state_name(row.state),
        id: row.id,
        code: row.code,
        name: row.content.name,
    });
    let guides = guide::list(db, centre, Wanted::default()).await?;
    let line = |g: &std::sync::Arc<guide::Guide>| GuideLine {
        code: g.row.code.clone(),
        name: g.row.name.clone(),
        office: g.office.name.clone(),
        version: g.version.number,
        since: g.version.in_force_from,
        review_on: g.version.review_on,
        review_over: g.version.review_on <= today,
        retired_on: g.row.retired_on,
    };
    page(&Guides {
        frame: Frame::of_staff(by),
        word: word(by),
        drafts: drafts.collect(),
        guides: guides.iter().map(line).collect(),
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<GuideEditor>) -> poem::Result<Response> {
    guides_page(&by, None).await
}

#[handler]
pub(super) async fn begin(sent: Sent<GuideEditor>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let begin = async |act: &_| draft::begin(act, &by.holder, fields.get("code"), None, None).await;
    match by.visit.write(by.who.clone(), begin).await {
        Ok(row) => Ok(go_to(&place(row.id))),
        Err(error) => guides_page(&by, Some(words(error)?)).await,
    }
}

fn place(id: Id) -> String {
    format!("/staff/guides/{id}")
}

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
    faults: Vec<String>,
    warnings: Vec<String>,
    counts: Vec<(&'static str, String, String)>,
    content: Content,
    /// Fields of a line: name, title and what is said.
    lines: Vec<(&'static str, &'static str, String)>,
    materials: Vec<Material>,
    flow: Vec<FlowStep>,
    posts: Vec<(String, String)>,
    wrong: Option<String>,
}

impl Draft {
    fn is_for(&self, word: &str) -> bool {
        self.content.audience.iter().any(|kind| kind.word() == word)
    }
}

fn lines(content: &Content) -> Vec<(&'static str, &'static str, String)> {
    let elements = &content.elements;
    let fields = [
        ("fee", "收费", &content.fee),
        ("fee_basis", "收费依据", &elements.fee_basis),
        ("result", "办理结果", &content.result),
        ("handled_by", "承办", &content.handled_by),
        ("place", "办理地点", &elements.place),
        ("hours", "办理时间", &elements.hours),
        ("consult", "咨询方式", &elements.consult),
        ("supervise", "监督投诉方式", &elements.supervise),
        ("item_code", "实施编码（31位）", &elements.item_code),
        ("business_code", "业务办理项编码（33位）", &elements.business_code),
        ("note", "说明", &content.note),
    ];
    fields.map(|(name, title, said)| (name, title, said.clone().unwrap_or_default())).into()
}

fn count(of: Count) -> (String, String) {
    let said = |n: Option<i32>| n.map_or_else(|| "未公布".to_owned(), |n| n.to_string());
    (said(of.before), said(of.after))
}

async fn draft_page(by: &By<GuideEditor>, row: Model, wrong: Option<String>) -> poem::Result<Response> {
    let (db, centre, today) = (by.visit.app.read(), &by.visit.centre, by.visit.app.clock.now().date());
    let in_force = guide::get(db, centre, &row.code).await.ok();
    let compared = in_force.map(|g| Comparison::of(&g.version.content, &row.content));
    let counts = compared
        .map(|c| [("环节", c.steps), ("时限（工作日）", c.days), ("材料", c.materials), ("跑动次数", c.visits)]);
    let counts = counts.into_iter().flatten().map(|(what, of)| {
        let (before, after) = count(of);
        (what, before, after)
    });
    let posts = post::all(db, centre).await?;
    let posts = posts.on(today).map(|post| (post.row.code.clone(), post.row.name.clone())).collect();
    let mut materials = row.content.materials.clone();
    materials.resize(materials.len() + MORE, Material::default());
    let mut flow = row.content.flow.clone();
    let blank = FlowStep { name: String::new(), kind: StepKind::Handle, post: String::new(), days: 0, parallel: false };
    flow.resize(flow.len() + MORE, blank);
    page(&Draft {
        frame: Frame::of_staff(by),
        word: word(by),
        director: by.ensure::<Director>().is_ok(),
        id: row.id,
        revision: row.revision,
        state: state_name(row.state),
        open: row.state == DraftState::Draft,
        waits: row.state == DraftState::Review,
        faults: draft::faults(db, &row, today).await?,
        warnings: check::warnings(&row.content),
        counts: counts.collect(),
        lines: lines(&row.content),
        materials,
        flow,
        posts,
        code: row.code,
        returned: row.words,
        content: row.content,
        wrong,
    })
}

#[handler]
pub(super) async fn show(Someone(by): Someone<GuideEditor>, Path(id): Path<Id>) -> poem::Result<Response> {
    let row = draft::get(by.visit.app.read(), by.visit.centre.id, &by.holder, id).await?;
    draft_page(&by, row, None).await
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
            draft_page(&by, row, Some(wrong)).await
        }
    }
}

async fn pressed(by: &By<GuideEditor>, id: Id, fields: &Fields) -> Result<String> {
    let revision = fields.get("revision").parse().unwrap_or_default();
    let (visit, staff) = (&by.visit, &by.holder);
    match fields.get("do") {
        "drop" => {
            visit.write(by.who.clone(), async |act| draft::drop(act, staff, id).await).await?;
            return Ok("/staff/guides".to_owned());
        }
        "return" => {
            by.ensure::<Director>()?;
            visit
                .write(by.who.clone(), async |act| draft::give_back(act, staff, id, fields.get("words")).await)
                .await?;
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
            return Ok("/staff/guides".to_owned());
        }
        button => {
            let row = draft::get(visit.app.read(), visit.centre.id, staff, id).await?;
            let content = read(row.content, fields);
            // Written down in an act of its own: what was typed is not lost because it has a fault.
            visit.write(by.who.clone(), async |act| draft::write(act, staff, id, revision, content).await).await?;
            if button == "submit" {
                let send = async |act: &_| draft::submit(act, staff, id, revision + 1).await;
                visit.write(by.who.clone(), send).await?;
            }
        }
    }
    Ok(place(id))
}

/// A form or a sample for a material, given with the page.
#[handler]
pub(super) async fn give_form(sent: SentFile<GuideEditor>, Path(id): Path<Id>) -> poem::Result<Response> {
    let SentFile { by, fields, mut files } = sent;
    let Upload { name, bytes, .. } = files.pop().unwrap_or_default();
    match given(&by, id, &fields, &name, bytes).await {
        Ok(()) => Ok(go_to(&place(id))),
        Err(error) => {
            let wrong = words(error)?;
            let row = draft::get(by.visit.app.read(), by.visit.centre.id, &by.holder, id).await?;
            draft_page(&by, row, Some(wrong)).await
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
    elements.joint_offices = lines("joint_offices");
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

/// Says on which day a matter is handled here for the last time.
#[handler]
pub(super) async fn retire(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let last = fields.get("last_day").parse::<NaiveDate>().map_err(|_| Error::from(guide::BAD_RETIREMENT));
    let done = match last {
        Ok(last) => {
            let (code, why) = (fields.get("code"), fields.get("why"));
            let retire = async |act: &_| guide::retire(act, code, last, why).await;
            by.visit.app.publish(&by.visit.centre, by.who.clone(), retire).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(go_to("/staff/guides")),
        Err(error) => {
            let wrong = words(error)?;
            let By { visit, holder, who, session } = by;
            guides_page(&By { visit, holder, who, session }, Some(wrong)).await
        }
    }
}
