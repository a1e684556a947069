//! Supervision orders (督办) over promised matters.

use crate::{Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// An order of the first responsible person to whoever has a case in hand (article 4.2).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "supervision_order")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// What is to be done.
    pub words: Sealed,
    /// The day by whose end it is to be answered.
    pub due_on: NaiveDate,
    /// The post that had the case in hand, if one had.
    pub post_id: Option<Id>,
    /// When it was given.
    pub given_at: Time,
    /// Who gave it.
    pub given_by: Id,
    /// When it was answered.
    pub answered_at: Option<Time>,
    /// Who answered.
    pub answered_by: Option<Id>,
    /// What was done.
    pub answer: Option<Sealed>,
    /// When it was closed, by whoever gave it or his like.
    pub closed_at: Option<Time>,
    /// Who closed it.
    pub closed_by: Option<Id>,
}
plain!();
