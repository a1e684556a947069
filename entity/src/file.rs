//! Files (附件): forms and samples of guides, and what applicants give. What is in them lies sealed on the disk.

use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

word! {
    /// What a file is, by its content.
    MediaType {
        /// PDF.
        Pdf,
        /// A text of Word's.
        Docx,
        /// A photograph.
        Jpeg,
        /// A drawing or a screen.
        Png,
        /// A document of our own, where none is set as PDF.
        Html,
    }
}

word! {
    /// What a file was given for.
    FilePurpose {
        /// A form or a sample of a guide: anybody may see it once the guide is published.
        Form,
        /// A material of somebody's matter.
        Material,
        /// A letter by which an office gives powers to a post (授权书).
        Letter,
        /// A document that was issued, as it was made.
        Document,
    }
}

/// A file. The one on the disk is sealed with a key of its own, and has the id for a name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "file")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Its name, as it was given: people write their names into it.
    pub name: Sealed,
    /// What it was given for.
    pub purpose: FilePurpose,
    /// What it is.
    pub media: MediaType,
    /// Bytes.
    pub size: i32,
    /// SHA-256 of what is in it.
    pub sha256: Blind,
    /// The key it is sealed with.
    pub key: Sealed,
    /// SHA-256 of what lies on the disk.
    pub sealed_sha256: Blind,
    /// The resident who gave it.
    pub account_id: Option<Id>,
    /// The member of staff who gave it.
    pub staff_id: Option<Id>,
    /// When it was given.
    pub recorded_at: Time,
    /// When something came to rest on it; what nothing rests on is forgotten after a day.
    pub kept_at: Option<Time>,
}
plain!();
