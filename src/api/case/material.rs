//! Doors of materials: what is used again, what was owed, and who has the originals.

use super::acted::Acted;
use super::input::MaterialInput;
use super::once;
use crate::access::{By, CaseHandler, CaseReader, ReceiptParty, Staff};
use crate::api::Noun;
use crate::api::file::FileBody;
use crate::api::problem::Failure;
use crate::api::view::{ApplicantInput, Listed, Moment, Text, moment};
use crate::domain::case::{self, Handing, Instead, Reusable, Settled};
use crate::domain::identity::staff;
use crate::domain::{file, post};
use entity::Id;
use entity::case::MaterialForm;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Materials;

/// Whose earlier materials are looked for, and for which matter.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ReusableInput {
    /// Code of the guide.
    guide: Text,
    /// Who applies: name and number of a document must both be those of before.
    applicant: ApplicantInput,
}

/// A material that can be used again.
#[derive(Object)]
struct ReusableView {
    /// By this id a case names it.
    id: Id,
    /// Its name.
    name: String,
    /// Number of the receipt of the case that it was given in.
    receipt_number: String,
    /// When it was given.
    given_at: Moment,
}

impl From<Reusable> for ReusableView {
    fn from(reusable: Reusable) -> Self {
        let Reusable { row, receipt_number, given_at } = reusable;
        Self { id: row.id, name: row.name, receipt_number, given_at: moment(given_at) }
    }
}

/// What came of a material that was owed.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SettleInput {
    /// It followed, and came in this form.
    form: Option<MaterialForm>,
    /// Copies; one if left out.
    copies: Option<i32>,
    /// Its scan, or the electronic material itself.
    file_id: Option<Id>,
    /// It was sent, and nobody came for it.
    sent: Option<bool>,
    /// The promise was looked into: whether it was kept.
    kept: Option<bool>,
    /// How that was seen, where it was not.
    words: Option<Text>,
}

impl From<SettleInput> for Settled {
    fn from(input: SettleInput) -> Self {
        match input.kept {
            Some(true) => Self::Kept,
            Some(false) => Self::Broken(input.words.map(String::from).unwrap_or_default()),
            None => {
                let handing = if input.sent == Some(true) { Handing::Sent } else { Handing::Counter };
                let form = input.form.unwrap_or(MaterialForm::Copy);
                Self::Came(form, input.copies.unwrap_or(1), input.file_id, handing)
            }
        }
    }
}

/// A scan that was given as `material`.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ScanInput {
    /// The file.
    file_id: Id,
}

/// Who signs for an original.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct HandBackInput {
    /// His name, as he signed.
    signed_by: Text,
}

/// From when on somebody has an original, or the file of the case.
#[derive(Object)]
struct CustodyView {
    /// Place of the material in the list; null for the file of the case.
    n: Option<i32>,
    /// Name of the post that has it; null, once it was handed back.
    post: Option<String>,
    /// Who took it, or handed it back.
    by: Option<String>,
    /// When.
    at: Moment,
    /// It was handed back against a signature.
    handed_back: bool,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Materials {
    /// What somebody gave within a year, and may be used again with his consent
    #[oai(path = "/materials/reusable", method = "post", operation_id = "find_reusable")]
    async fn find_reusable(
        &self,
        who: By<ReceiptParty>,
        body: Json<ReusableInput>,
    ) -> Answer<Json<Listed<ReusableView>>> {
        if let Ok(staff) = who.ensure::<Staff>() {
            who.visit.limit_search(staff.id).await?;
        }
        let ReusableInput { guide, applicant } = body.0;
        let known = async |act: &_| case::known_materials(act, &guide, applicant.into()).await;
        let found = who.visit.write(who.who.clone(), known).await?;
        Ok(Json(Listed { items: found.into_iter().map(Into::into).collect(), next_cursor: None }))
    }

    /// The scan of a material, or the electronic material itself
    #[oai(path = "/cases/:number/materials/:n/file", method = "get", operation_id = "get_material_file")]
    async fn get_material_file(&self, who: By<ReceiptParty>, number: Path<String>, n: Path<i32>) -> Answer<FileBody> {
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let case = case::papers(app.read(), &app.vault, centre, &number.0, &sight).await?.row;
        let id = case::with_file(app.read(), &case, n.0).await?;
        FileBody::of(app, &file::get(app.read(), centre.id, id).await?).await
    }

    /// The letter by which an agent brought a case
    #[oai(path = "/cases/:number/agent/letter", method = "get", operation_id = "get_authorisation")]
    async fn get_authorisation(&self, who: By<ReceiptParty>, number: Path<String>) -> Answer<FileBody> {
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let case = case::papers(app.read(), &app.vault, centre, &number.0, &sight).await?.row;
        FileBody::of(app, &case::letter(app.read(), &case).await?).await
    }

    /// Keep a scan of a material that was given on paper
    #[oai(path = "/cases/:number/materials/:n/scan", method = "post", operation_id = "scan_material")]
    async fn scan_material(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        n: Path<i32>,
        body: Json<ScanInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {} {}", number.0, n.0, body.0.to_json_string());
        let scan = async |act: &_| case::scan(act, &number.0, n.0, body.0.file_id).await;
        once(&who, "scan_material", request, scan).await
    }

    /// Write down what came of a material that was to follow, or was promised
    #[oai(path = "/cases/:number/materials/:n/settle", method = "post", operation_id = "settle_material")]
    async fn settle_material(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        n: Path<i32>,
        body: Json<SettleInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {} {}", number.0, n.0, body.0.to_json_string());
        let settle = async |act: &_| case::settle(act, &number.0, n.0, body.0.into()).await;
        once(&who, "settle_material", request, settle).await
    }

    /// Hand an original back against a signature
    #[oai(path = "/cases/:number/materials/:n/hand-back", method = "post", operation_id = "hand_back_material")]
    async fn hand_back_material(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        n: Path<i32>,
        body: Json<HandBackInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {} {}", number.0, n.0, body.0.to_json_string());
        let hand_back = async |act: &_| case::hand_back(act, &number.0, n.0, &body.0.signed_by).await;
        once(&who, "hand_back_material", request, hand_back).await
    }

    /// Take over the file of a case and its originals
    #[oai(path = "/cases/:number/custody/take", method = "post", operation_id = "take_custody")]
    async fn take_custody(&self, who: By<CaseHandler>, number: Path<String>) -> Answer<Json<Acted>> {
        let take = async |act: &_| case::take_custody(act, &number.0).await;
        once(&who, "take_custody", number.0.clone(), take).await
    }

    /// Who had the file of a case and its originals, from when on
    #[oai(path = "/cases/:number/custody", method = "get", operation_id = "list_custody")]
    async fn list_custody(&self, who: By<CaseReader>, number: Path<String>) -> Answer<Json<Listed<CustodyView>>> {
        let (db, centre, sight) = (who.visit.app.read(), &who.visit.centre, who.sight().await?);
        let row = case::find(db, centre.id, &number.0, &sight).await?;
        let (materials, posts) = (case::materials(db, &row).await?, post::all(db, centre).await?);
        let names = staff::names(db, centre.id).await?;
        let view = |row: entity::case::custody::Model| CustodyView {
            n: row.material_id.and_then(|id| materials.iter().find(|m| m.id == id)).map(|m| m.n),
            post: row.post_id.and_then(|id| posts.of(id)).map(|post| post.row.name.clone()),
            by: names.get(&row.staff_id.to_string()).cloned(),
            at: moment(row.at),
            handed_back: row.post_id.is_none(),
        };
        let items = case::custody(db, &row).await?.into_iter().map(view).collect();
        Ok(Json(Listed { items, next_cursor: None }))
    }
}

impl From<&MaterialInput> for Instead {
    fn from(input: &MaterialInput) -> Self {
        use entity::case::MaterialStanding::{Follows, Given, Promised, Reused};
        // What is left out is refused by its field: no day is in the past already, and nothing has no id.
        let due = input.due_on.unwrap_or_default();
        match input.standing.unwrap_or(Given) {
            Given => Self::Given,
            Promised => Self::Promise(due),
            Follows => Self::Follow(due),
            Reused => Self::Reuse(input.reuses.unwrap_or_default(), input.consent == Some(true)),
        }
    }
}
