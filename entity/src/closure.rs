//! Closures (停办): hours in which the hall, a branch of it or a desk receives nobody, and what is offered instead.

use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// One closure.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "closure")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The branch that is closed, if not all are.
    pub branch_id: Option<Id>,
    /// The desk that is closed, if its branch is not.
    pub desk_id: Option<Id>,
    /// The day.
    pub on_date: NaiveDate,
    /// First minute past midnight.
    pub from_minute: i32,
    /// Minute past midnight at which it ends.
    pub to_minute: i32,
    /// Why, as residents read it.
    pub reason: String,
    /// Who booked is moved to another time where there is one; else his booking is cancelled.
    pub moves: bool,
    /// Who closed.
    pub closed_by: Id,
    /// When that was decided.
    pub at: Time,
    /// When it was taken back, if it was.
    pub reopened_at: Option<Time>,
    /// Who took it back.
    pub reopened_by: Option<Id>,
}
plain!();

/// Places that are offered on top, to make up for a closure.
pub mod make_up {
    use super::*;
    /// Places of one group in some hours of one day.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "make_up")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The closure it makes up for.
        pub closure_id: Id,
        /// The group.
        pub group_id: Id,
        /// The day; it need not be a working day.
        pub on_date: NaiveDate,
        /// First minute past midnight.
        pub from_minute: i32,
        /// Minute past midnight at which it ends.
        pub to_minute: i32,
        /// Places in each slot, on top of what is offered there anyway.
        pub places: i32,
    }
    plain!();
}
