//! The calendar (日历): national holidays and make-up days, a year at a time.

use crate::Time;
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A year whose arrangement of holidays has been loaded.
pub mod year {
    use super::*;
    /// One year.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "holiday_year")]
    pub struct Model {
        /// The year.
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        /// True when it is the State Council's arrangement; dates that rest on any other are provisional.
        pub official: bool,
        /// Where it comes from.
        pub source: String,
        /// When it was loaded.
        pub imported_at: Time,
    }
    plain!();
}

/// A day that differs from its weekday.
pub mod day {
    use super::*;
    /// One day.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "holiday_day")]
    pub struct Model {
        /// The day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub date: NaiveDate,
        /// Its year, that a new file may replace the old one's rows.
        pub year: i32,
        /// True for a day off, false for a weekend day that is worked (调休).
        pub off: bool,
        /// The holiday's name.
        pub name: String,
    }
    plain!();
}
