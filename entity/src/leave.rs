//! Leave (请假) and whereabouts (去向): who is away from the centre, how long, and where.

use crate::{Id, Sealed, Time};
use sea_orm::entity::prelude::*;

word! {
    /// What somebody is away for (articles 4.9 and 5.1.2).
    LeaveKind {
        /// 因公外出.
        OfficialTrip,
        /// 外出学习.
        Study,
        /// 事假.
        Personal,
        /// 病假.
        Sick,
        /// 年休假.
        Annual,
        /// 中途离岗, within a session.
        MidSession,
    }
}

word! {
    /// Where a leave stands.
    LeaveState {
        /// Asked for.
        Asked,
        /// 批准.
        Approved,
        /// 不批准.
        Refused,
        /// Taken back by whoever asked.
        Withdrawn,
    }
}

/// A leave that was asked for.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "leave")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Whose.
    pub staff_id: Id,
    /// What for.
    pub kind: LeaveKind,
    /// From when.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
    /// The reason.
    pub reason: Sealed,
    /// Where he will be (详细去向).
    pub place: Sealed,
    /// Where it stands.
    pub state: LeaveState,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it was ruled on.
    pub ruled_at: Option<Time>,
    /// Who ruled.
    pub ruled_by: Option<Id>,
    /// Why it was refused.
    pub words: Option<Sealed>,
}
plain!();

/// The board of whereabouts (岗位牌).
pub mod whereabouts {
    use super::*;
    /// One absence that was entered on it; open until he is back.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "whereabouts")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Who.
        pub staff_id: Id,
        /// Where, in detail.
        pub place: Sealed,
        /// Since when.
        pub out_at: Time,
        /// Until when, as he says.
        pub until: Time,
        /// When he was back.
        pub back_at: Option<Time>,
    }
    plain!();
}
