//! Matters (事项) as the centre's register has them: where each is taken in, and why elsewhere.

use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A matter that is not brought into the centre (未进驻) from one day to another. Every matter without such a row is (应进必进,
/// article 4.1).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "matter_outside")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The guide of the matter.
    pub guide_id: Id,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day, once it has been brought in.
    pub valid_until: Option<NaiveDate>,
    /// Why it stays outside.
    pub ground: String,
    /// Where it is taken in, with a telephone.
    pub place: String,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Who recorded it.
    pub recorded_by: Id,
}
plain!();

word! {
    /// Where an office's wish for the comprehensive window stands.
    ConsentState {
        /// 已报乡政府.
        Asked,
        /// 乡政府同意.
        Consented,
        /// 乡政府不同意.
        Refused,
        /// 已收回: the office takes its matters in itself again.
        Ended,
    }
}

/// Consents of the township's government to what the comprehensive window takes in for offices.
pub mod consent {
    use super::*;
    /// An office with few matters and few cases leaves both to the comprehensive window (无差别综合窗口, article 4.6).
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "window_consent")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The office.
        pub office_id: Id,
        /// Where it stands.
        pub state: ConsentState,
        /// How many matters it has, counted when it asked.
        pub items: i32,
        /// How many cases it had in the year before, counted then.
        pub cases: i32,
        /// Why.
        pub reason: String,
        /// When it asked.
        pub asked_at: Time,
        /// Who asked; nobody here, where it came by a file.
        pub asked_by: Option<Id>,
        /// Day of the government's word.
        pub decided_on: Option<NaiveDate>,
        /// Its document, or why it did not consent.
        pub document: Option<String>,
        /// First day on which the window takes the office's matters in.
        pub valid_from: Option<NaiveDate>,
        /// Last day, once that is known.
        pub valid_until: Option<NaiveDate>,
        /// Who recorded the government's word.
        pub decided_by: Option<Id>,
    }
    plain!();
}
