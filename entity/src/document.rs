//! Documents (文书): what the centre issues in a case, numbered, kept as it was issued.

use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

word! {
    /// What a document says.
    DocumentKind {
        /// 收件回执单.
        Receipt,
        /// 一次性告知书.
        Supplement,
        /// 受理通知书.
        Acceptance,
        /// 不予受理通知书.
        Refusal,
        /// 特别程序告知书.
        Procedure,
        /// 延期告知书.
        Extension,
        /// 决定书.
        Decision,
        /// 办结领取通知.
        PickUp,
        /// 送达回证.
        Delivery,
    }
}

/// A document that was issued. What it says never changes; its bytes are made once, soon after, and kept.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// What happened, of which it tells.
    pub event_id: Id,
    /// What it says.
    pub kind: DocumentKind,
    /// The year of its number.
    pub year: i32,
    /// Its place in the year among its kind, from 1 and without gaps.
    pub n: i32,
    /// Its number as people read it (文号).
    pub number: String,
    /// The code that proves it (校验码).
    pub code: Sealed,
    /// The same, to be found by.
    pub code_blind: Blind,
    /// What it says, as data.
    pub data: Sealed,
    /// When it was issued.
    pub issued_at: Time,
    /// The event that undid what it tells of.
    pub void_id: Option<Id>,
    /// Which template set it.
    pub template: Option<String>,
    /// Its bytes as they were made.
    pub file_id: Option<Id>,
    /// When they were made.
    pub made_at: Option<Time>,
}
plain!();
