//! The audit trail (审计): who did, saw or was refused what. Append-only; chained after commit.

use crate::{Blind, Id, Time};
use sea_orm::entity::prelude::*;

word! {
    /// The kind of whoever acted.
    ActorKind {
        /// A job of the timetable.
        System,
        /// Whoever runs the command line on the server.
        Operator,
        /// A signed-in resident.
        Resident,
        /// A signed-in member of staff.
        Staff,
        /// Whoever holds a link, a code or a telephone.
        Bearer,
    }
}

/// One line of the trail. It names ids and fields, never personal data.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Opaque id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// When it happened.
    pub at: Time,
    /// Kind of the actor.
    pub actor_kind: ActorKind,
    /// Account, staff or job.
    pub actor: String,
    /// What was done, as `noun.verb`.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// Further facts: field names, purposes, reasons by code.
    pub detail: Json,
    /// Place in the centre's chain, once chained.
    pub seq: Option<i64>,
    /// SHA-256 over the previous hash and this line, once chained.
    pub hash: Option<Blind>,
}
plain!();
