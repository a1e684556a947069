//! Handing a post's cases over (工作移交, article 4.8): what is in hand there, listed for whoever stands in.

use super::joint;
use crate::base::error::Result;
use crate::domain::act::{Act, StaffMember};
use crate::domain::cover;
use entity::Id;
use entity::case::{CaseState, Column, Entity, Model};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

/// Gives a post to whoever stands in for the time of a leave, with the list of what is in hand there.
///
/// # Errors
/// `unknown_handover`, `words_needed`, `late_reason_needed`, `handover_done`.
pub async fn hand_over(
    act: &Act,
    from: &StaffMember,
    id: Id,
    words: &str,
    late_reason: Option<&str>,
) -> Result<entity::cover::handover::Model> {
    let handover = cover::to_give(act, from, id).await?;
    let cases = in_hand(&*act.tx, act.centre.id, handover.post_id).await?;
    let line = |case: &Model| json!({ "number": case.number, "state": case.state, "due_on": case.due_on });
    let list = Value::Array(cases.iter().map(line).collect());
    cover::give(act, &handover, list.clone(), words, late_reason).await?;
    Ok(entity::cover::handover::Model { given_at: Some(act.now), list: Some(list), ..handover })
}

/// Cases that a post has in hand, the soonest due first.
///
/// # Errors
/// Whatever the database says.
pub async fn in_hand(db: &impl ConnectionTrait, centre: Id, post: Id) -> Result<Vec<Model>> {
    let parts = joint::parts(db, centre, [post], true).await?;
    let here = Condition::any().add(Column::PostId.eq(post)).add(Column::Id.is_in(parts));
    let open = Entity::find().filter(Column::CentreId.eq(centre)).filter(here);
    // What waits for its applicant is nobody's to go on with.
    let open = open.filter(Column::State.is_not_in([CaseState::Supplement, CaseState::Suspended]));
    Ok(open.order_by_asc(Column::DueOn).order_by_asc(Column::Id).all(db).await?)
}
