//! What whoever hands a result over shows of its invitation (邀评): link and code, and the picture that opens it in the mini program.

use super::invite::{Round, open_of, token};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::case::Model as Case;
use entity::review::invitation;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

/// Link and code of an open invitation, for the window to print or show.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Address with the token.
    pub url: String,
    /// The code typed by hand.
    pub code: String,
    /// Until when.
    pub expires_at: Time,
}

/// Link and code of a case's invitation, while it is open.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn ticket(db: &impl ConnectionTrait, vault: &Vault, public_url: &str, case: &Case) -> Result<Option<Ticket>> {
    let Some(row) = open_of(case).one(db).await? else { return Ok(None) };
    let (_, token) = token(vault, Some(&row.key_id), case, Round::of(&row))?;
    let code = vault.open(Place::new("invitation.code", row.centre_id, row.id), &row.code)?;
    Ok(Some(Ticket { url: format!("{public_url}/r/{token}"), code, expires_at: row.expires_at }))
}

/// An open invitation's code typed by hand, and the picture that opens it in the mini program, if it was asked for before.
pub struct Pictured {
    invitation: Id,
    generation: i32,
    /// The code typed by hand.
    pub code: String,
    /// A JPEG or PNG.
    pub picture: Option<Vec<u8>>,
}

/// A case's invitation with its picture, while it is open.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn pictured(db: &impl ConnectionTrait, vault: &Vault, case: &Case) -> Result<Option<Pictured>> {
    let Some(row) = open_of(case).one(db).await? else { return Ok(None) };
    let open = |column, sealed| vault.open(Place::new(column, row.centre_id, row.id), sealed);
    let picture = row.picture.as_ref().map(|sealed| open("invitation.picture", sealed)).transpose()?;
    Ok(Some(Pictured {
        invitation: row.id,
        generation: row.generation,
        code: open("invitation.code", &row.code)?,
        picture: picture.and_then(|base64| STANDARD.decode(base64).ok()),
    }))
}

/// Keeps a picture: WeChat gives each once.
///
/// # Errors
/// Whatever the database says.
pub async fn keep_picture(act: &Act, of: &Pictured, picture: &[u8]) -> Result<()> {
    let sealed = act.seal("invitation.picture", of.invitation, &STANDARD.encode(picture))?;
    invitation::Entity::update_many()
        .col_expr(invitation::Column::Picture, Expr::value(sealed))
        .filter(invitation::Column::Id.eq(of.invitation))
        .filter(invitation::Column::Generation.eq(of.generation))
        .exec(&*act.tx)
        .await?;
    Ok(())
}
