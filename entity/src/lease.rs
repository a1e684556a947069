//! Leases: who may do what only one may do at a time. National, like the holidays.

use crate::Time;
use sea_orm::entity::prelude::*;

/// A lease, held until its time passes or it is given back.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    /// What is held, such as `serve` or `job:audit.chain`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Who holds it, in words an operator can act on.
    pub holder: String,
    /// Until when.
    pub until: Time,
}
plain!();
