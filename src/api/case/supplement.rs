//! Doors of the one supplement notice.

use super::acted::Acted;
use super::input::MaterialInput;
use super::once;
use crate::access::{By, CaseHandler, Director, ReceiptParty};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::Text;
use crate::domain::case::{self, Handing, Missing};
use chrono::NaiveDate;
use entity::guide::Medium;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Supplements;

/// A material that is missing.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct MissingInput {
    /// Its name, as in the guide.
    material: Text,
    /// What is wanted of it.
    what: Text,
    /// On what; paper alone only where the guide names the law that asks for it.
    medium: Option<Medium>,
    /// How many; one if left out.
    copies: Option<i32>,
}

impl From<MissingInput> for Missing {
    fn from(input: MissingInput) -> Self {
        Self {
            material: input.material.into(),
            what: input.what.into(),
            medium: input.medium.unwrap_or(Medium::Either),
            copies: input.copies.unwrap_or(1),
        }
    }
}

/// Everything that is missing.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SupplementInput {
    /// The materials.
    wanted: Vec<MissingInput>,
    /// By when.
    until: NaiveDate,
}

/// What was wrong in it, put right.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SupplementCorrection {
    /// The materials as they should have been told.
    wanted: Vec<MissingInput>,
    /// What was wrong.
    why: Text,
}

/// What was missing and came.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct BroughtInput {
    /// The materials.
    materials: Vec<MaterialInput>,
    /// They were sent, and nobody came for it.
    sent: Option<bool>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Supplements {
    /// Tell the applicant everything that is missing, once
    #[oai(path = "/cases/:number/supplement", method = "post", operation_id = "request_supplement")]
    async fn request_supplement(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<SupplementInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let SupplementInput { wanted, until } = body.0;
        let wanted: Vec<Missing> = wanted.into_iter().map(Missing::from).collect();
        let ask = async |act: &_| case::request(act, &number.0, wanted, until).await;
        once(&who, "request_supplement", request, ask).await
    }

    /// Put an error in that right; no day moves by it
    #[oai(path = "/cases/:number/supplement/correct", method = "post", operation_id = "correct_supplement")]
    async fn correct_supplement(
        &self,
        who: By<Director>,
        number: Path<String>,
        body: Json<SupplementCorrection>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let SupplementCorrection { wanted, why } = body.0;
        let wanted: Vec<Missing> = wanted.into_iter().map(Missing::from).collect();
        let correct = async |act: &_| case::correct_supplement(act, &number.0, wanted, &why).await;
        once(&who, "correct_supplement", request, correct).await
    }

    /// Take in what was missing, or give it oneself for what one applied for
    #[oai(path = "/cases/:number/supplement/complete", method = "post", operation_id = "complete_supplement")]
    async fn complete_supplement(
        &self,
        who: By<ReceiptParty>,
        number: Path<String>,
        body: Json<BroughtInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let handing = if body.0.sent == Some(true) { Handing::Sent } else { Handing::Counter };
        let brought = body.0.materials.into_iter().map(MaterialInput::into).collect();
        let complete = async |act: &_| case::complete(act, &number.0, brought, handing).await;
        once(&who, "complete_supplement", request, complete).await
    }
}
