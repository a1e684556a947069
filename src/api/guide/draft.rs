//! Doors of drafts of guides, of their publication and of their end.

use super::compare::ComparisonView;
use crate::access::{By, Director, GuideEditor};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::{Created, Done, Listed, Moment, OfficeView, Text, moment};
use crate::domain::centre;
use crate::domain::guide::draft::{self, faults};
use crate::domain::guide::fault::Fault;
use crate::domain::guide::{self, check};
use crate::domain::identity::staff;
use chrono::NaiveDate;
use entity::Id;
use entity::guide::draft::Model;
use entity::guide::{Content, DraftState};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use std::sync::Arc;

pub(in crate::api) struct Drafts;

/// A draft that is begun.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct DraftInput {
    /// Code of the guide.
    code: Text,
    /// Code of the office, for a new matter.
    office: Option<Text>,
    /// What it says; what is in force, unless given.
    content: Option<Content>,
}

/// What a draft says now.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RewriteInput {
    /// Which revision was read.
    revision: i32,
    /// What it says.
    content: Content,
}

/// Which revision is meant.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RevisionInput {
    /// Which revision was read.
    revision: i32,
}

/// What is to be changed.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct GiveBackInput {
    /// In words.
    words: Text,
}

/// Publication.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PublishInput {
    /// Which revision was read.
    revision: i32,
    /// First day on which cases begin under it; today unless given.
    in_force_from: Option<NaiveDate>,
    /// Day on which it is to be looked through again; a year later unless given.
    review_on: Option<NaiveDate>,
}

/// The end of a matter.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RetireInput {
    /// Last day on which it is handled here.
    last_day: NaiveDate,
    /// On what ground.
    why: Text,
}

/// A version that was published.
#[derive(Object)]
struct PublishedView {
    /// Its number.
    version: i32,
    /// First day on which cases begin under it.
    in_force_from: NaiveDate,
    /// Day on which it is to be looked through again.
    review_on: NaiveDate,
}

/// A draft in a list.
#[derive(Object)]
struct DraftSummary {
    /// Its id.
    id: Id,
    /// Code of the guide.
    code: String,
    /// Name of the matter.
    name: String,
    /// Where it stands.
    state: DraftState,
    /// How often it was written over.
    revision: i32,
    /// Who wrote last.
    written_by: String,
    /// When.
    written_at: Moment,
}

/// A draft.
#[derive(Object)]
struct DraftView {
    /// Its id.
    id: Id,
    /// Code of the guide.
    code: String,
    /// The office that handles it.
    office: OfficeView,
    /// Where it stands.
    state: DraftState,
    /// Which revision this is; whoever writes, sends or publishes names it.
    revision: i32,
    /// Why the director gave it back.
    words: Option<String>,
    /// What it says.
    content: Content,
    /// What keeps it from being published, by field.
    faults: Vec<String>,
    /// Words that leave something open and stop nothing, by field.
    warnings: Vec<String>,
    /// Compared with the version in force.
    comparison: Option<ComparisonView>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(prefix_path = "/guides", tag = "Noun::Guide")]
impl Drafts {
    /// Begin a draft of a guide
    #[oai(path = "/drafts", method = "post", operation_id = "draft_guide")]
    async fn draft_guide(&self, who: By<GuideEditor>, body: Json<DraftInput>) -> Answer<Created<DraftView>> {
        let DraftInput { code, office, content } = body.0;
        let begin = async |act: &_| draft::begin(act, &who.holder, &code, office.as_deref(), content).await;
        let row = who.visit.write(who.who.clone(), begin).await?;
        Ok(Created(shown(&who, row).await?))
    }

    /// Open drafts
    #[oai(path = "/drafts", method = "get", operation_id = "list_guide_drafts")]
    async fn list_guide_drafts(&self, who: By<GuideEditor>) -> Answer<Json<Listed<DraftSummary>>> {
        let (db, centre) = (who.visit.app.read(), who.visit.centre.id);
        let names = staff::names(db, centre).await?;
        let items = draft::list(db, centre, &who.holder).await?.into_iter().map(|row| DraftSummary {
            written_by: names.get(&row.written_by.to_string()).cloned().unwrap_or_default(),
            id: row.id,
            code: row.code,
            name: row.content.name,
            state: row.state,
            revision: row.revision,
            written_at: moment(row.written_at),
        });
        Ok(Json(Listed { items: items.collect(), next_cursor: None }))
    }

    /// Read a draft, with what is wrong with it
    #[oai(path = "/drafts/:id", method = "get", operation_id = "get_guide_draft")]
    async fn get_guide_draft(&self, who: By<GuideEditor>, id: Path<Id>) -> Answer<Json<DraftView>> {
        let row = draft::get(who.visit.app.read(), who.visit.centre.id, &who.holder, id.0).await?;
        Ok(Json(shown(&who, row).await?))
    }

    /// Write a draft anew
    #[oai(path = "/drafts/:id", method = "put", operation_id = "rewrite_guide_draft")]
    async fn rewrite_guide_draft(
        &self,
        who: By<GuideEditor>,
        id: Path<Id>,
        body: Json<RewriteInput>,
    ) -> Answer<Json<DraftView>> {
        let RewriteInput { revision, content } = body.0;
        let write = async |act: &_| draft::write(act, &who.holder, id.0, revision, content).await;
        let row = who.visit.write(who.who.clone(), write).await?;
        Ok(Json(shown(&who, row).await?))
    }

    /// Send a draft to the director
    #[oai(path = "/drafts/:id/submit", method = "post", operation_id = "submit_guide_draft")]
    async fn submit_guide_draft(
        &self,
        who: By<GuideEditor>,
        id: Path<Id>,
        body: Json<RevisionInput>,
    ) -> Answer<Json<DraftView>> {
        let submit = async |act: &_| draft::submit(act, &who.holder, id.0, body.0.revision).await;
        let row = who.visit.write(who.who.clone(), submit).await?;
        Ok(Json(shown(&who, row).await?))
    }

    /// Give a draft up
    #[oai(path = "/drafts/:id/drop", method = "post", operation_id = "drop_guide_draft")]
    async fn drop_guide_draft(&self, who: By<GuideEditor>, id: Path<Id>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| draft::drop(act, &who.holder, id.0).await).await?;
        Ok(Done::Done)
    }

    /// Give a draft back with what is to be changed
    #[oai(path = "/drafts/:id/return", method = "post", operation_id = "return_guide_draft")]
    async fn return_guide_draft(&self, who: By<Director>, id: Path<Id>, body: Json<GiveBackInput>) -> Answer<Done> {
        let back = async |act: &_| draft::give_back(act, &who.holder, id.0, &body.words).await;
        who.visit.write(who.who.clone(), back).await?;
        Ok(Done::Done)
    }

    /// Publish a draft that was sent for review
    #[oai(path = "/drafts/:id/publish", method = "post", operation_id = "publish_guide")]
    async fn publish_guide(
        &self,
        who: By<Director>,
        id: Path<Id>,
        body: Json<PublishInput>,
    ) -> Answer<Created<PublishedView>> {
        let PublishInput { revision, in_force_from, review_on } = body.0;
        let publish = async |act: &_| draft::publish(act, &who.holder, id.0, revision, in_force_from, review_on).await;
        let version = who.visit.app.publish(&who.visit.centre, who.who.clone(), publish).await?;
        Ok(Created(PublishedView {
            version: version.number,
            in_force_from: version.in_force_from,
            review_on: version.review_on,
        }))
    }

    /// Say on which day a matter is handled here for the last time
    #[oai(path = "/:code/retire", method = "post", operation_id = "retire_guide")]
    async fn retire_guide(&self, who: By<Director>, code: Path<String>, body: Json<RetireInput>) -> Answer<Done> {
        let retire = async |act: &_| guide::retire(act, &code.0, body.last_day, &body.why).await;
        who.visit.app.publish(&who.visit.centre, who.who.clone(), retire).await?;
        Ok(Done::Done)
    }
}

/// By the names that the fields have here.
fn named(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(Fault::to_string).collect()
}

async fn shown(who: &By<GuideEditor>, row: Model) -> Answer<DraftView> {
    let (db, centre, now) = (who.visit.app.read(), &who.visit.centre, who.visit.app.clock.now());
    let offices = centre::offices(db, centre.id).await?;
    let office = offices.iter().find(|o| o.id == row.office_id).ok_or(centre::UNKNOWN_OFFICE)?;
    let in_force: Option<Arc<guide::Guide>> = guide::get(db, centre, &row.code).await.ok();
    let comparison = in_force.map(|g| guide::Comparison::of(&g.version.content, &row.content).into());
    Ok(DraftView {
        id: row.id,
        office: OfficeView::from(office),
        state: row.state,
        revision: row.revision,
        faults: named(&faults(db, &row, now.date()).await?),
        warnings: named(&check::warnings(&row.content)),
        comparison,
        code: row.code,
        words: row.words,
        content: row.content,
    })
}
