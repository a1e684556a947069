//! Doors of seals (印章).

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Done, Listed, Moment, OfficeView, Text, moment};
use crate::access::{By, CaseHandler, Director, Staff};
use crate::domain::{centre, post, seal};
use chrono::NaiveDate;
use entity::Id;
use entity::centre::office;
use entity::seal::Model;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Seals;

/// A seal for the register.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SealInput {
    /// What stands on it.
    name: Text,
    /// Code of the office whose it is; the centre's own if left out.
    office: Option<Text>,
    /// Code of the post that keeps it.
    keeper: Text,
    /// First day.
    from: NaiveDate,
}

/// A seal in the register.
#[derive(Object)]
struct SealView {
    /// Opaque id.
    id: Id,
    /// What stands on it.
    name: String,
    /// The office whose it is.
    office: Option<OfficeView>,
    /// Code of the post that keeps it.
    keeper: Option<String>,
    /// First day.
    from: NaiveDate,
    /// The day on which it was taken out of use.
    until: Option<NaiveDate>,
}

/// A seal to be put on a document.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct UseInput {
    /// The seal.
    seal: Id,
}

/// A seal that was put on a document.
#[derive(Object)]
struct UsedView {
    /// Opaque id.
    id: Id,
    /// When.
    at: Moment,
    /// Opaque id of the letter that gives the power.
    delegation: Id,
}

fn view(row: Model, posts: &post::Posts, offices: &[office::Model]) -> SealView {
    SealView {
        office: offices.iter().find(|o| Some(o.id) == row.office_id).map(OfficeView::from),
        keeper: posts.of(row.post_id).map(|post| post.row.code.clone()),
        id: row.id,
        name: row.name,
        from: row.valid_from,
        until: row.valid_until,
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Document")]
impl Seals {
    /// The register of seals
    #[oai(path = "/seals", method = "get", operation_id = "list_seals")]
    async fn list_seals(&self, who: By<Staff>) -> Answer<Json<Listed<SealView>>> {
        let (db, centre) = (who.visit.app.read(), &who.visit.centre);
        let (posts, offices) = (post::all(db, centre).await?, centre::offices(db, centre.id).await?);
        let rows = seal::all(db, centre.id).await?.into_iter();
        Ok(Json(Listed { items: rows.map(|row| view(row, &posts, &offices)).collect(), next_cursor: None }))
    }

    /// Enter a seal in the register
    #[oai(path = "/seals", method = "post", operation_id = "enter_seal")]
    async fn enter_seal(&self, who: By<Director>, body: Json<SealInput>) -> Answer<Created<SealView>> {
        let SealInput { name, office, keeper, from } = body.0;
        let office = office.map(String::from);
        let enter = async |act: &_| seal::enter(act, &who.holder, &name, (office.as_deref(), &keeper), from).await;
        let row = who.visit.write(who.who.clone(), enter).await?;
        let (db, centre) = (who.visit.app.read(), &who.visit.centre);
        let (posts, offices) = (post::all(db, centre).await?, centre::offices(db, centre.id).await?);
        Ok(Created(view(row, &posts, &offices)))
    }

    /// Take a seal out of use
    #[oai(path = "/seals/:id/end", method = "post", operation_id = "end_seal")]
    async fn end_seal(&self, who: By<Director>, id: Path<Id>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| seal::give_back(act, id.0).await).await?;
        Ok(Done::Done)
    }

    /// Put a seal on a document of a case
    #[oai(path = "/cases/:number/documents/:document/seal", method = "post", operation_id = "seal_document")]
    async fn seal_document(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        document: Path<Id>,
        body: Json<UseInput>,
    ) -> Answer<Created<UsedView>> {
        let put = async |act: &_| seal::put(act, &number.0, document.0, body.seal).await;
        let row = who.visit.write(who.who.clone(), put).await?;
        Ok(Created(UsedView { id: row.id, at: moment(row.at), delegation: row.delegation_id }))
    }
}
