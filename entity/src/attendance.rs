//! Attendance (考勤): signing in on arrival and out on leaving (article 4.9).

use crate::{Blind, Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// The part of a day a stamp belongs to.
    Session {
        /// Before the noon break.
        Morning,
        /// After it.
        Afternoon,
    }
}

word! {
    /// In or out.
    StampKind {
        /// 签到.
        In,
        /// 签退.
        Out,
    }
}

/// Sessions in which staff are expected (应到), written down before they begin.
pub mod duty {
    use super::*;
    /// One expected session of one person. It stays as written, whatever becomes of hours, holidays or staff.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "duty")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Who.
        pub staff_id: Id,
        /// The day.
        pub on_date: NaiveDate,
        /// Part of the day.
        pub session: Session,
        /// When it begins.
        pub starts_at: Time,
        /// When it ends.
        pub ends_at: Time,
        /// When it was written down.
        pub recorded_at: Time,
    }
    plain!();
}

/// A stamp by the server's clock.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attendance")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Who.
    pub staff_id: Id,
    /// In or out.
    pub kind: StampKind,
    /// Part of the day.
    pub session: Session,
    /// When.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Beijing date.
    pub on_date: NaiveDate,
    /// Minutes late (in) or early (out) against the shift in force, zero when in time or on a day off.
    pub off_by: i32,
    /// Hash of the device it was made with.
    pub device: Blind,
    /// Step of the hall's code that was used, for a stamp by code.
    pub code_step: Option<i64>,
}
plain!();
