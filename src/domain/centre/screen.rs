//! Screens of the hall (大厅屏) and devices at desks (窗口评价器): paired with the centre, listed, and unpaired when one is lost or moved.

use crate::base::error::Result;
use crate::base::vault::sha256;
use crate::base::{Kind, Refusal};
use crate::domain::act::Act;
use crate::domain::audit;
use entity::Id;
use entity::centre::screen::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;

/// No such screen, or one that is not paired any longer.
pub const UNKNOWN_SCREEN: Refusal =
    Refusal::new(Kind::Missing, "unknown_screen", "没有这台登记的设备，可能已经撤销了。");

/// Pairs a screen of the hall, or the device at a post's desk; the cookie's value is returned once and kept as a hash.
///
/// # Errors
/// Whatever the database says.
pub async fn pair_screen(act: &Act, staff: Id, post: Option<Id>) -> Result<String> {
    let token = act.random.word(32);
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        token_hash: sha256(token.as_bytes()),
        post_id: post,
        paired_by: staff,
        paired_at: act.now,
        ended_at: None,
    };
    let id = row.id;
    act.insert(row).await?;
    audit::note(act, "screen.paired", id, json!({ "post": post })).await?;
    Ok(token)
}

/// The paired screen of the centre that a cookie's value belongs to.
///
/// # Errors
/// Whatever the database says.
pub async fn screen(db: &impl ConnectionTrait, centre: Id, token: &str) -> Result<Option<Model>> {
    let row = paired(centre).filter(Column::TokenHash.eq(sha256(token.as_bytes())));
    Ok(row.one(db).await?)
}

/// The screens and devices that are paired now, the newest first.
///
/// # Errors
/// Whatever the database says.
pub async fn screens(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<Model>> {
    Ok(paired(centre).order_by_desc(Column::PairedAt).all(db).await?)
}

/// Ends a pairing: from now on that browser is like any other.
///
/// # Errors
/// `unknown_screen`.
pub async fn unpair_screen(act: &Act, id: Id) -> Result<()> {
    let ended = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(act.now))
        .filter(Column::Id.eq(id))
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::EndedAt.is_null());
    if ended.exec(&*act.tx).await?.rows_affected == 0 {
        return Err(UNKNOWN_SCREEN.into());
    }
    audit::note(act, "screen.unpaired", id, json!({})).await
}

fn paired(centre: Id) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::EndedAt.is_null())
}
