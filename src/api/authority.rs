//! Doors of letters of delegation (授权书).

use super::Noun;
use super::file::FileBody;
use super::problem::Failure;
use super::view::{Done, Listed, OfficeView};
use crate::access::{By, Director, Staff};
use crate::domain::authority::{self, Delegation};
use crate::domain::{centre, file, post};
use chrono::NaiveDate;
use entity::Id;
use entity::authority::DelegatedPower;
use entity::centre::office;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Delegations;

/// A power that a letter gives.
#[derive(Object)]
struct PowerView {
    /// The power.
    power: DelegatedPower,
    /// Code of the post that may use it.
    post: String,
    /// For 即办件 alone.
    instant_only: bool,
}

/// A letter.
#[derive(Object)]
struct DelegationView {
    /// Opaque id.
    id: Id,
    /// Its number.
    number: String,
    /// The office that gives it.
    office: Option<OfficeView>,
    /// Code of the post that it is given to.
    post: String,
    /// Why it is another's than the chief representative's.
    reason: Option<String>,
    /// What it gives, and to which posts.
    powers: Vec<PowerView>,
    /// First day.
    from: NaiveDate,
    /// Last day.
    until: NaiveDate,
    /// There is a scan of it.
    has_file: bool,
}

fn view(letter: &Delegation, offices: &[office::Model], posts: &post::Posts) -> DelegationView {
    let code = |id: Id| posts.of(id).map(|post| post.row.code.clone()).unwrap_or_default();
    let power = |p: &entity::authority::power::Model| PowerView {
        power: p.power,
        post: code(p.post_id),
        instant_only: p.instant_only,
    };
    let row = &letter.row;
    DelegationView {
        id: row.id,
        number: row.number.clone(),
        office: offices.iter().find(|office| office.id == row.office_id).map(OfficeView::from),
        post: code(row.post_id),
        reason: row.reason.clone(),
        powers: letter.powers.iter().map(power).collect(),
        from: row.valid_from,
        until: row.valid_until,
        has_file: row.file_id.is_some(),
    }
}

/// A scan of a letter.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct LetterInput {
    /// The file, that was given as `letter`.
    file_id: Id,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Post")]
impl Delegations {
    /// The letters by which offices give powers to posts, those that began last first
    #[oai(path = "/delegations", method = "get", operation_id = "list_delegations")]
    async fn list_delegations(&self, who: By<Staff>) -> Answer<Json<Listed<DelegationView>>> {
        let (db, centre) = (who.visit.app.read(), &who.visit.centre);
        let (offices, posts) = (centre::offices(db, centre.id).await?, post::all(db, centre).await?);
        let letters = authority::all(db, centre).await?;
        let items = letters.each().rev().map(|letter| view(letter, &offices, &posts)).collect();
        Ok(Json(Listed { items, next_cursor: None }))
    }

    /// Keep the scan of a letter
    #[oai(path = "/delegations/:id/file", method = "post", operation_id = "keep_delegation_file")]
    async fn keep_delegation_file(&self, who: By<Director>, id: Path<Id>, body: Json<LetterInput>) -> Answer<Done> {
        let (visit, by) = (&who.visit, &who.holder);
        let keep = async |act: &_| authority::keep_letter(act, by, id.0, body.0.file_id).await;
        visit.app.publish(&visit.centre, who.who.clone(), keep).await?;
        Ok(Done::Done)
    }

    /// The scan of a letter
    #[oai(path = "/delegations/:id/file", method = "get", operation_id = "get_delegation_file")]
    async fn get_delegation_file(&self, who: By<Staff>, id: Path<Id>) -> Answer<FileBody> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let letter = authority::all(app.read(), centre).await?.of(id.0)?.row.file_id.ok_or(file::UNKNOWN_FILE)?;
        FileBody::of(app, &file::get(app.read(), centre.id, letter).await?).await
    }
}
