//! Idempotency (幂等): a write that carries an `Idempotency-Key` is done once, however often it is sent.
//!
//! The key's scope is centre, actor and operation. The answer is kept sealed for 24 hours in the transaction of the
//! write itself, so that it is there exactly when the write is.

use crate::base::error::Result;
use crate::base::vault::sha256;
use crate::base::{Kind, Refusal};
use crate::domain::act::{Act, Who};
use chrono::Duration;
use entity::identity::idempotency::{Column, Entity, Model};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _};

/// A key of the wrong form.
pub const BAD_KEY: Refusal =
    Refusal::new(Kind::Unreadable, "bad_idempotency_key", "Idempotency-Key 应为8至64位字母、数字、- 或 _。");
/// The key was used for something else.
pub const KEY_REUSED: Refusal =
    Refusal::new(Kind::Invalid, "idempotency_key_reused", "这个 Idempotency-Key 已用于另一个请求，请换一个新的。");
/// The same request is being done right now.
pub const TWIN: Refusal = Refusal::new(Kind::Conflict, "twin_request", "同一请求正在办理，请稍候再查结果。");

const KEPT: Duration = Duration::hours(24);

/// Refuses keys that could not be told apart.
///
/// # Errors
/// `bad_idempotency_key`.
pub fn ensure_readable(key: &str) -> Result<()> {
    let readable = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if readable && (8..=64).contains(&key.len()) { Ok(()) } else { Err(BAD_KEY.on("Idempotency-Key").into()) }
}

/// What is known of a key.
pub enum Recall {
    /// Nothing: do the write and keep its answer under this id.
    Fresh(Id),
    /// It was done, with this answer.
    Done(String),
}

fn scope(who: &Who, operation: &str, key: &str) -> Blind {
    sha256(format!("{:?} {} {operation} {key}", who.kind(), who.label()).as_bytes())
}

/// True when an act was done with this key before: its answer is given again, whatever has become of the matter since.
///
/// # Errors
/// Whatever the database says.
pub async fn is_kept(db: &impl ConnectionTrait, centre: Id, who: &Who, operation: &str, key: &str) -> Result<bool> {
    let kept = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::Scope.eq(scope(who, operation, key)));
    Ok(kept.one(db).await?.is_some())
}

/// Takes the key for this request, or finds what it brought before. A twin in another process waits here for the first.
///
/// # Errors
/// `idempotency_key_reused`.
pub async fn recall(act: &Act, operation: &str, key: &str, request: &str) -> Result<Recall> {
    let scope = scope(&act.who, operation, key);
    let id = act.id();
    let of_scope = || Column::CentreId.eq(act.centre.id).and(Column::Scope.eq(scope.clone()));
    Entity::delete_many().filter(of_scope()).filter(Column::CreatedAt.lt(act.now - KEPT)).exec(&*act.tx).await?;
    let row = Model {
        id,
        centre_id: act.centre.id,
        scope: scope.clone(),
        request: act.blind("request", request),
        answer: None,
        created_at: act.now,
    };
    if act.insert_new(row).await? {
        return Ok(Recall::Fresh(id));
    }
    let kept = Entity::find().filter(of_scope()).one(&*act.tx).await?.ok_or(TWIN)?;
    if !act.blinds("request", request).contains(&kept.request) {
        return Err(KEY_REUSED.on("Idempotency-Key").into());
    }
    let answer = kept.answer.ok_or(TWIN)?;
    Ok(Recall::Done(act.open("idempotency.answer", kept.id, &answer)?))
}

/// Keeps the answer of a write that was done.
///
/// # Errors
/// Whatever the database says.
pub async fn keep(act: &Act, id: Id, answer: &str) -> Result<()> {
    let sealed = act.seal("idempotency.answer", id, answer)?;
    Entity::update_many()
        .col_expr(Column::Answer, Expr::value(sealed))
        .filter(Column::Id.eq(id))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Forgets answers older than a day.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    Entity::delete_many().filter(Column::CreatedAt.lt(now - KEPT)).exec(db).await?;
    Ok(())
}
