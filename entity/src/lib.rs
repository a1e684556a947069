//! What is stored: one file a noun, several small tables to a file.
//!
//! The words of the enums here are the same on disk, on the wire and in the document of the interface.
//! Nothing in this crate decides anything: the rules live in `shuitian::domain`.

#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "a table's module takes its file's imports, and sea-orm's derive needs its prelude"
    )
)]

/// Declares the (empty) relations and behaviour a plain table needs.
macro_rules! plain {
    () => {
        /// Joins are written where they are read; none is declared here.
        #[derive(Copy, Clone, Debug, sea_orm::EnumIter, sea_orm::DeriveRelation)]
        pub enum Relation {}
        impl sea_orm::ActiveModelBehavior for ActiveModel {}
    };
}

/// Declares an enum whose snake_case word is the same on disk and on the wire.
#[macro_export]
macro_rules! word {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            sea_orm::EnumIter, sea_orm::DeriveActiveEnum, poem_openapi::Enum,
            serde::Serialize, serde::Deserialize,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// The word on disk and on the wire.
            #[must_use]
            pub fn word(self) -> String {
                sea_orm::ActiveEnum::to_value(&self)
            }
        }
    };
}

pub mod applicant;
pub mod attendance;
pub mod audit;
pub mod authority;
pub mod booking;
pub mod bulletin;
pub mod calendar;
pub mod case;
pub mod centre;
pub mod closure;
pub mod consultation;
pub mod cover;
pub mod document;
pub mod file;
pub mod guide;
pub mod identity;
pub mod lease;
pub mod leave;
pub mod matter;
pub mod notice;
pub mod post;
pub mod queue;
pub mod review;
pub mod seal;
mod sealed;
pub mod supervision;
mod time;
pub mod training;

pub use sealed::{Blind, Sealed};
pub use time::{BEIJING, Time};
pub use uuid::Uuid as Id;
