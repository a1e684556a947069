//! Handing over (工作移交, article 4.8): the day before, with a list, taken by whoever stays.

use super::{HANDOVER_DONE, LATE_REASON_NEEDED, NOT_GIVEN, UNKNOWN_HANDOVER, WORDS_NEEDED};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, StaffMember};
use crate::domain::audit;
use entity::Id;
use entity::cover::handover::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

/// Handovers that are not done, in which somebody goes or stays; all of the centre's for who is told of them all.
///
/// # Errors
/// Whatever the database says.
pub async fn handovers(db: &impl ConnectionTrait, centre: Id, of: Option<Id>) -> Result<Vec<Model>> {
    let mut rows = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::AcceptedAt.is_null());
    if let Some(staff) = of {
        rows = rows.filter(Condition::any().add(Column::FromId.eq(staff)).add(Column::ToId.eq(staff)));
    }
    Ok(rows.order_by_asc(Column::DueOn).order_by_asc(Column::Id).all(db).await?)
}

/// A handover, for whoever goes.
///
/// # Errors
/// `unknown_handover`.
pub async fn to_give(act: &Act, from: &StaffMember, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    row.filter(|row| row.from_id == from.id).ok_or_else(|| UNKNOWN_HANDOVER.into())
}

/// Hands over: the list of what is in hand, and what there is to know of it. After its day a reason is needed.
///
/// # Errors
/// `words_needed`, `late_reason_needed`, `handover_done`.
pub async fn give(act: &Act, handover: &Model, list: Value, words: &str, late_reason: Option<&str>) -> Result<()> {
    let long = |words: &str, most: usize| (2..=most).contains(&words.trim().chars().count());
    if !long(words, 1000) {
        return Err(WORDS_NEEDED.on("words").into());
    }
    let late = act.now.date() > handover.due_on;
    if late && !late_reason.is_some_and(|reason| long(reason, 200)) {
        return Err(LATE_REASON_NEEDED.on("late_reason").into());
    }
    let reason = late_reason.filter(|_| late).map(str::trim);
    let reason = reason.map(|reason| act.seal("handover.late_reason", handover.id, reason)).transpose()?;
    let given = Entity::update_many()
        .col_expr(Column::GivenAt, Expr::value(act.now))
        .col_expr(Column::List, Expr::value(list))
        .col_expr(Column::Words, Expr::value(act.seal("handover.words", handover.id, words.trim())?))
        .col_expr(Column::LateReason, Expr::value(reason))
        .filter(Column::Id.eq(handover.id))
        .filter(Column::GivenAt.is_null())
        .exec(&*act.tx)
        .await?;
    if given.rows_affected == 0 {
        return Err(HANDOVER_DONE.into());
    }
    audit::note(act, "handover.given", handover.id, json!({ "late": late })).await
}

/// Takes over what was handed over.
///
/// # Errors
/// `unknown_handover`, `not_given`, `handover_done`.
pub async fn accept(act: &Act, to: &StaffMember, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    let row = row.filter(|row| row.to_id == to.id).ok_or(UNKNOWN_HANDOVER)?;
    if row.given_at.is_none() {
        return Err(NOT_GIVEN.into());
    }
    let taken = Entity::update_many()
        .col_expr(Column::AcceptedAt, Expr::value(act.now))
        .filter(Column::Id.eq(id))
        .filter(Column::AcceptedAt.is_null())
        .exec(&*act.tx)
        .await?;
    if taken.rows_affected == 0 {
        return Err(HANDOVER_DONE.into());
    }
    audit::note(act, "handover.accepted", id, json!({})).await?;
    Ok(Model { accepted_at: Some(act.now), ..row })
}

/// What was said at a handover, in clear: of what is handed over, and why it came late.
///
/// # Errors
/// Whatever the vault says.
pub fn words(vault: &Vault, handover: &Model) -> Result<(Option<String>, Option<String>)> {
    let open = |column, sealed| vault.open(Place::new(column, handover.centre_id, handover.id), sealed);
    let words = handover.words.as_ref().map(|words| open("handover.words", words)).transpose()?;
    let reason = handover.late_reason.as_ref().map(|reason| open("handover.late_reason", reason)).transpose()?;
    Ok((words, reason))
}
