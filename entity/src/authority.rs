//! Authority (授权): what offices have delegated to the centre, to whom, and from when to when.

use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// The four powers of a delegation (article 4.2).
    DelegatedPower {
        /// 审批决定权.
        Decide,
        /// 审核上报权.
        Report,
        /// 印章使用权.
        Seal,
        /// 组织协调权.
        Coordinate,
    }
}

/// A letter of delegation (授权书) by which an office gives powers over its matters to a post: the chief representative's in
/// principle, who is the first responsible person for them (article 4.1).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delegation")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Its number (文号), unique in the centre.
    pub number: String,
    /// The office that gives it.
    pub office_id: Id,
    /// The post that it is given to.
    pub post_id: Id,
    /// Why it is another's than the chief representative's, if it is.
    pub reason: Option<String>,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_until: NaiveDate,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its scan.
    pub file_id: Option<Id>,
}
plain!();

/// Which powers a delegation gives, and who may use each: its own post, and posts that are entrusted with it (转授权).
pub mod power {
    use super::*;
    /// One power of one post.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delegated_power")]
    pub struct Model {
        /// The delegation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub delegation_id: Id,
        /// The post.
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: Id,
        /// The power.
        #[sea_orm(primary_key, auto_increment = false)]
        pub power: DelegatedPower,
        /// Their centre.
        pub centre_id: Id,
        /// For 即办件 alone.
        pub instant_only: bool,
    }
    plain!();
}
