//! Training (业务培训) of the staff at the centre.

use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A training that was held (article 4.1).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "training")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The day.
    pub on_date: NaiveDate,
    /// What it was about.
    pub topic: String,
    /// Who taught.
    pub taught_by: String,
    /// How long, in minutes.
    pub minutes: i32,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Who recorded it.
    pub recorded_by: Id,
}
plain!();

/// Who took part.
pub mod attendee {
    use super::*;
    /// One person at one training.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "training_attendee")]
    pub struct Model {
        /// The training.
        #[sea_orm(primary_key, auto_increment = false)]
        pub training_id: Id,
        /// Who.
        #[sea_orm(primary_key, auto_increment = false)]
        pub staff_id: Id,
        /// Their centre.
        pub centre_id: Id,
    }
    plain!();
}
