//! Bulletins (通报): a month's figures, frozen and signed (article 5.2.5).

use crate::{Id, Time};
use sea_orm::entity::prelude::*;

word! {
    /// Where a bulletin stands.
    BulletinState {
        /// May be drafted again.
        Draft,
        /// Signed: its bytes and its rows never change.
        Signed,
    }
}

/// One bulletin.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bulletin")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// `2026-10`.
    pub period: String,
    /// Where it stands.
    pub state: BulletinState,
    /// Nothing recorded later counts.
    pub frozen_at: Time,
    /// The figures as canonical JSON.
    pub body: String,
    /// SHA-256 of the body, in hex.
    pub sha256: String,
    /// Who drafted it.
    pub drafted_by: String,
    /// Who signed it.
    pub signed_by: Option<Id>,
    /// When.
    pub signed_at: Option<Time>,
}
plain!();
