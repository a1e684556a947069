//! Doors of guides: what the centre handles, open to anybody.

mod compare;
mod draft;

use super::Noun;
use super::problem::Failure;
use super::view::{Listed, OfficeView, Rendered};
use crate::access::Visit;
use crate::domain::guide::{self, Guide, Wanted};
use crate::domain::published::Centre;
use chrono::NaiveDate;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::guide::{Elements, FlowStep, ItemKind, Material, Medium};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Guides;

/// All doors of guides.
pub(super) type Doors = (Guides, compare::Versions, draft::Drafts);

pub(super) const fn doors() -> Doors {
    (Guides, compare::Versions, draft::Drafts)
}

/// A guide in a list.
#[derive(Object)]
struct GuideSummary {
    /// Stable code.
    code: String,
    /// Name of the matter.
    name: String,
    /// The office that handles it.
    office: OfficeView,
    /// Who may apply; empty if that was not published.
    audience: Vec<ApplicantKind>,
}

/// A material an applicant gives. What was not published is null.
#[derive(Object, Serialize)]
struct MaterialView {
    /// Name.
    name: String,
    /// Original, copy or electronic.
    form: Option<String>,
    /// How many.
    count: Option<i32>,
    /// Where it comes from.
    source: Option<String>,
    /// More on where it comes from.
    source_note: Option<String>,
    /// False for one that only some applicants need.
    required: Option<bool>,
    /// On what it may be given.
    medium: Option<Medium>,
    /// The law that demands paper, if one does (article 4.7).
    paper_law: Option<String>,
    /// Size or form of the paper.
    specification: Option<String>,
    /// How many originals.
    originals: Option<i32>,
    /// How many copies.
    copies: Option<i32>,
    /// A promise in writing may stand for it.
    promise: Option<bool>,
    /// It may follow later.
    may_follow: Option<bool>,
    /// File of the blank form, at `/guides/{code}/files/{id}`.
    blank_form: Option<Id>,
    /// File of a form filled in as a model, likewise.
    sample: Option<Id>,
}

impl From<Material> for MaterialView {
    fn from(of: Material) -> Self {
        Self {
            name: of.name,
            form: of.form,
            count: of.count,
            source: of.source,
            source_note: of.source_note,
            required: of.required,
            medium: of.medium,
            paper_law: of.paper_law,
            specification: of.specification,
            originals: of.originals,
            copies: of.copies,
            promise: of.promise,
            may_follow: of.may_follow,
            blank_form: of.blank_form,
            sample: of.sample,
        }
    }
}

/// A guide. What was not published is null and shown as 未公布.
#[derive(Object, Serialize)]
struct GuideView {
    /// Stable code.
    code: String,
    /// Name of the matter.
    name: String,
    /// Number of the version.
    version: i32,
    /// First day on which cases begin under it.
    in_force_from: NaiveDate,
    /// Last day on which the matter is handled here, if that was decided.
    retired_on: Option<NaiveDate>,
    /// The office that handles it.
    office: OfficeView,
    /// Who handles it, in the source's words.
    handled_by: Option<String>,
    /// Who may apply.
    audience: Vec<ApplicantKind>,
    /// Who may apply, in the source's words.
    audience_text: Option<String>,
    /// Instant (即办件) or promised (承诺件).
    kind: Option<ItemKind>,
    /// Legal basis.
    legal_basis: Vec<String>,
    /// Materials; empty if they were not published.
    materials: Vec<MaterialView>,
    /// Limit by law, in working days.
    statutory_days: Option<i32>,
    /// Limit promised, in working days.
    promised_days: Option<i32>,
    /// The limit that cases are held to: the promised one, else the one by law.
    limit_days: Option<i32>,
    /// Fee.
    fee: Option<String>,
    /// Steps.
    steps: Vec<String>,
    /// What the applicant gets.
    result: Option<String>,
    /// It can be applied for online.
    online: Option<bool>,
    /// Where these facts come from.
    source_url: Option<String>,
    /// The place they were published for.
    source_place: Option<String>,
    /// Remark.
    note: Option<String>,
    /// Steps as the posts do them, each in its time (article 4.4).
    flow: Vec<FlowStep>,
    /// The rest of the national set of elements.
    elements: Elements,
}

impl From<Guide> for GuideView {
    fn from(guide: Guide) -> Self {
        let limit_days = guide.limit_days();
        let content = guide.version.content;
        Self {
            code: guide.row.code,
            name: content.name,
            version: guide.version.number,
            in_force_from: guide.version.in_force_from,
            retired_on: guide.row.retired_on,
            office: OfficeView::from(&guide.office),
            handled_by: content.handled_by,
            audience: content.audience,
            audience_text: content.audience_text,
            kind: content.kind,
            legal_basis: content.legal_basis,
            materials: content.materials.into_iter().map(Into::into).collect(),
            statutory_days: content.statutory_days,
            promised_days: content.promised_days,
            limit_days,
            fee: content.fee,
            steps: content.steps,
            result: content.result,
            online: content.online,
            source_url: content.source_url,
            source_place: content.source_place,
            note: content.note,
            flow: content.flow,
            elements: content.elements,
        }
    }
}

/// Each guide as it is answered, in the edition in force.
struct Answers(HashMap<String, Rendered<GuideView>>);

impl Answers {
    async fn render(db: &impl ConnectionTrait, centre: &Centre) -> crate::base::Result<Self> {
        let guides = guide::all(db, centre).await?;
        let answer = |g: &Arc<Guide>| Ok((g.row.code.clone(), Rendered::of(&GuideView::from(Guide::clone(g)))?));
        Ok(Self(guides.each().map(answer).collect::<crate::base::Result<_>>()?))
    }
}

#[OpenApi(prefix_path = "/guides", tag = "Noun::Guide")]
impl Guides {
    /// Find guides
    ///
    /// `q` is part of a name, or of its pinyin: whole, initials, or mixed. All that fit are answered; a centre has some
    /// dozens.
    #[oai(path = "/", method = "get", operation_id = "list_guides")]
    async fn list_guides(
        &self,
        visit: Visit,
        /// Part of a name or of its pinyin.
        q: Query<Option<String>>,
        /// Code of an office.
        office: Query<Option<String>>,
        /// Kind of applicant.
        audience: Query<Option<ApplicantKind>>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Result<Json<Listed<GuideSummary>>, Failure> {
        let wanted = Wanted { q: q.0.as_deref(), office: office.0.as_deref(), audience: audience.0 };
        let found = guide::list(visit.app.read(), &visit.centre, wanted).await?;
        let limit = usize::try_from(limit.0.unwrap_or(100).clamp(1, 100)).unwrap_or(100);
        // The list is sorted by code, and the cursor is the last code of the part before.
        let from = cursor.0.map_or(0, |last| found.iter().take_while(|g| g.row.code <= last).count());
        let items: Vec<GuideSummary> = found[from..]
            .iter()
            .take(limit)
            .map(|guide| GuideSummary {
                code: guide.row.code.clone(),
                name: guide.row.name.clone(),
                office: OfficeView::from(&guide.office),
                audience: guide.version.content.audience.clone(),
            })
            .collect();
        let next_cursor = (found.len() - from > limit).then(|| items.last().map(|g| g.code.clone())).flatten();
        Ok(Json(Listed { items, next_cursor }))
    }

    /// Read a guide
    #[oai(path = "/:code", method = "get", operation_id = "get_guide")]
    async fn get_guide(&self, visit: Visit, code: Path<String>) -> Result<Rendered<GuideView>, Failure> {
        // Which is not there, or not any longer, is said by the rule; the answer is kept for an edition.
        let guide = guide::get(visit.app.read(), &visit.centre, &code.0).await?;
        let answers = visit.centre.part(async |_| Answers::render(visit.app.read(), &visit.centre).await).await?;
        Ok(answers.0.get(&guide.row.code).cloned().ok_or(guide::UNKNOWN_GUIDE)?)
    }
}
