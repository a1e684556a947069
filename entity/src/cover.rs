//! Cover (顶岗): whom the centre named to hold a post while its own are away, and what is handed over.

use crate::{Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A substitute (顶岗人员) whom the centre named for a post, for a time (articles 4.8 and 5.1.3).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "substitute")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The post.
    pub post_id: Id,
    /// Who.
    pub staff_id: Id,
    /// From when.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
    /// Who named him.
    pub named_by: Id,
    /// When.
    pub named_at: Time,
}
plain!();

/// Handing a post over before a leave (工作移交, article 4.8).
pub mod handover {
    use super::*;
    /// One post handed from one to another for the time of a leave.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "handover")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The leave it is for.
        pub leave_id: Id,
        /// The post.
        pub post_id: Id,
        /// Who goes.
        pub from_id: Id,
        /// Who stays: B, or the substitute the centre named.
        pub to_id: Id,
        /// The day by whose end it is to be given: the working day before.
        pub due_on: NaiveDate,
        /// When it was given.
        pub given_at: Option<Time>,
        /// Numbers of the cases in hand, and by when each is due.
        pub list: Option<Json>,
        /// What there is to know of them.
        pub words: Option<Sealed>,
        /// Why it was not given by its day (特殊原因).
        pub late_reason: Option<Sealed>,
        /// When whoever stays took it.
        pub accepted_at: Option<Time>,
    }
    plain!();
}
