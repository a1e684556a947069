//! Checking a document (校验): whoever holds the paper asks whether the centre issued it, and whether it still holds.

use super::{Paper, UNKNOWN_CODE, paper};
use crate::base::error::Result;
use crate::base::personal::{half_width, mask_name};
use crate::base::vault::Vault;
use crate::domain::file;
use entity::Id;
use entity::document::{Column, Entity, Model};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

/// What is told of a document to whoever has its code: enough to compare it with the paper.
pub struct Checked {
    /// The document.
    pub row: Model,
    /// Name of the centre that issued it.
    pub centre: String,
    /// Its name.
    pub title: String,
    /// To whom, masked.
    pub to: Option<String>,
    /// What it says in its first sentence, without the name.
    pub first: Option<String>,
    /// SHA-256 of its bytes, if they were made, in hex.
    pub sha256: Option<String>,
}

/// Looks a document up by its code, as it is typed.
///
/// # Errors
/// `unknown_code`.
pub async fn check(db: &impl ConnectionTrait, vault: &Vault, centre: Id, code: &str) -> Result<Checked> {
    let code: String = half_width(code).to_uppercase().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let blinds = vault.blinds("document_code", centre, &code);
    let row =
        Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::CodeBlind.is_in(blinds)).one(db).await?;
    let row = row.ok_or_else(|| UNKNOWN_CODE.on("code"))?;
    let Paper { centre, title, to, paragraphs, .. } = paper(vault, &row)?;
    let hash = match row.file_id {
        Some(id) => Some(hex::encode(file::get(db, row.centre_id, id).await?.sha256.0)),
        None => None,
    };
    let first = paragraphs.into_iter().next();
    let first = first.map(|words| to.as_ref().map_or(words.clone(), |name| words.replace(name, &mask_name(name))));
    Ok(Checked { centre, title, to: to.map(|name| mask_name(&name)), first, sha256: hash, row })
}
