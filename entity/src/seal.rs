//! Seals (印章) kept at the centre, and what they were put on.

use crate::post::Letter;
use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A seal in the register (article 4.2).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seal")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// What stands on it.
    pub name: String,
    /// The office whose it is; none for the centre's own.
    pub office_id: Option<Id>,
    /// The post that keeps it.
    pub post_id: Id,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day, once it was given back.
    pub valid_until: Option<NaiveDate>,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Who recorded it.
    pub recorded_by: Id,
}
plain!();

/// What seals were put on.
pub mod used {
    use super::*;
    /// One document under one seal.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seal_use")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The seal.
        pub seal_id: Id,
        /// The document.
        pub document_id: Id,
        /// When.
        pub at: Time,
        /// Who.
        pub staff_id: Id,
        /// At which post.
        pub post_id: Id,
        /// In which turn.
        pub letter: Letter,
        /// For whom.
        pub of_id: Id,
        /// The letter that gives the power.
        pub delegation_id: Id,
    }
    plain!();
}
