//! Guides (办事指南): what the centre handles and what it takes.

use crate::applicant::ApplicantKind;
use crate::{Id, Time};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

word! {
    /// How a matter is promised (办件类型).
    ItemKind {
        /// 即办件: done on the spot or the same day.
        Instant,
        /// 承诺件: done within a promised number of working days.
        Promised,
    }
}

/// A guide: a stable code and the version in force.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guide")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Stable short code, unique in the centre.
    pub code: String,
    /// The office that handles it.
    pub office_id: Id,
    /// Name of the version in force.
    pub name: String,
    /// Who may apply, as words joined by commas.
    pub audience: String,
    /// Number of the version in force.
    pub version: i32,
}
plain!();

/// A material an applicant gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Name.
    pub name: String,
    /// Original, copy or both, where published.
    pub form: Option<String>,
    /// How many, where published.
    pub count: Option<i32>,
    /// Where it comes from, where published.
    pub source: Option<String>,
    /// Who issues it, by our own reading.
    pub issuer_guess: Option<String>,
}

/// What a guide says. A null field is one that was never published and is shown as 未公布.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Content {
    /// Name of the matter.
    pub name: String,
    /// Who handles it, in words.
    pub handled_by: Option<String>,
    /// Who may apply, in the source's words.
    pub audience_text: Option<String>,
    /// Who may apply.
    pub audience: Vec<ApplicantKind>,
    /// Kind of promise.
    pub kind: Option<ItemKind>,
    /// Legal basis.
    pub legal_basis: Vec<String>,
    /// Materials.
    pub materials: Vec<Material>,
    /// Limit by law, in working days.
    pub statutory_days: Option<i32>,
    /// Limit promised, in working days.
    pub promised_days: Option<i32>,
    /// Fee, in words.
    pub fee: Option<String>,
    /// Steps, in words.
    pub steps: Vec<String>,
    /// What the applicant gets.
    pub result: Option<String>,
    /// Whether it can be applied for online.
    pub online: Option<bool>,
    /// Address of the source.
    pub source_url: Option<String>,
    /// Place the source speaks for.
    pub source_place: Option<String>,
    /// Remark.
    pub note: Option<String>,
}

/// Versions of guides. A case stays on the version it began under (article 4.4).
pub mod version {
    use super::*;
    /// One published version; it never changes.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guide_version")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The guide.
        pub guide_id: Id,
        /// Number, from 1.
        pub number: i32,
        /// What it says.
        pub content: Content,
        /// When it was published.
        pub published_at: Time,
    }
    plain!();
}
