//! A centre (中心): the tenant, with its offices, hours, counters and hall screens.

use crate::{Blind, Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A public service centre. Every row but the national ones belongs to one.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "centre")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Short code that begins its case and receipt numbers, such as `ST`.
    #[sea_orm(unique)]
    pub code: String,
    /// Full name, as printed on documents.
    pub name: String,
    /// What it is called in the numbers of documents (机关简称).
    pub abbreviation: String,
    /// Telephone shown to residents.
    pub phone: String,
    /// Address shown to residents.
    pub address: String,
    /// Name in the brackets that open its texts (短信签名).
    pub sms_sign: String,
    /// The same as vendors know it, by gateway: a word or a code (签名编码); where one has none, that of the settings is used.
    pub sms_signs: Json,
    /// As the platform for reviews knows it: area_code, area_name, dept_code.
    pub reporting: Json,
    /// When lamps turn, as JSON.
    pub lamps: Json,
    /// When it was set up here.
    pub created_at: Time,
}
plain!();

/// Host names by which a request names its centre.
pub mod host {
    use super::*;
    /// One host name.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "centre_host")]
    pub struct Model {
        /// Lower-case host without port.
        #[sea_orm(primary_key, auto_increment = false)]
        pub host: String,
        /// The centre it stands for.
        pub centre_id: Id,
    }
    plain!();
}

/// Which edition of what centres publish is in force: one row for the installation.
pub mod edition {
    use super::*;
    /// The row.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "edition")]
    pub struct Model {
        /// Always 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        /// Grows by one with every change.
        pub n: i64,
    }
    plain!();
}

/// Offices (科室) that have seconded staff and matters to the centre.
pub mod office {
    use super::*;
    /// One office.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "office")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Short code, unique in the centre; its guides' codes begin with it.
        pub code: String,
        /// Full name.
        pub name: String,
        /// Telephone told to whoever asks (article 5.3.1a).
        pub phone: String,
    }
    plain!();
}

/// Branches (办事点): halls in which the centre receives people. A branch is not a tenant.
pub mod branch {
    use super::*;
    /// One branch.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "branch")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Short code, unique in the centre.
        pub code: String,
        /// Full name.
        pub name: String,
        /// Where it is.
        pub address: String,
    }
    plain!();
}

word! {
    /// Whose hours a row sets.
    HoursKind {
        /// When the windows are open to the public (article 4.9).
        Window,
        /// When staff must be there, by the county organs' hours (article 5.1.1).
        Shift,
    }
}

/// Hours of a working day, with the date from which they hold.
pub mod hours {
    use super::*;
    /// One half-day. The rows of the newest `valid_from` not after a day are that day's hours.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "hours")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Window or shift.
        pub kind: HoursKind,
        /// First minute past midnight.
        pub opens: i32,
        /// Minute past midnight at which it ends.
        pub closes: i32,
        /// First day on which it holds.
        pub valid_from: NaiveDate,
    }
    plain!();
}

/// Daily counters behind the numbers people read.
pub mod counter {
    use super::*;
    /// The last number given for a kind on a day.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "counter")]
    pub struct Model {
        /// Its centre.
        #[sea_orm(primary_key, auto_increment = false)]
        pub centre_id: Id,
        /// What is counted.
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        /// The day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub on_date: NaiveDate,
        /// The last number given.
        pub n: i32,
    }
    plain!();
}

/// Screens of the hall that were paired by a person with the right to.
pub mod screen {
    use super::*;
    /// One paired screen.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "screen")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Hash of the cookie it carries.
        pub token_hash: Blind,
        /// The post at whose desk it stands, to be rated on (窗口评价器); none for a screen of the hall.
        pub post_id: Option<Id>,
        /// Who paired it.
        pub paired_by: Id,
        /// When.
        pub paired_at: Time,
        /// When the pairing was ended, if it was.
        pub ended_at: Option<Time>,
    }
    plain!();
}
