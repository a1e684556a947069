//! Handing a post's cases over (工作移交, article 4.8): what is in hand there, listed for whoever stands in.

use crate::base::error::Result;
use crate::domain::act::{Act, StaffMember};
use crate::domain::cover;
use crate::domain::post::{self, Post};
use entity::Id;
use entity::case::{CaseState, Column, Entity, Model};
use entity::post::PostKind;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
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
    let posts = post::all(&*act.tx, &act.centre).await?;
    let cases = match posts.of(handover.post_id) {
        Some(post) => in_hand(&*act.tx, act.centre.id, post).await?,
        None => Vec::new(),
    };
    let line = |case: &Model| json!({ "number": case.number, "state": case.state, "due_on": case.due_on });
    let list = Value::Array(cases.iter().map(line).collect());
    cover::give(act, &handover, list.clone(), words, late_reason).await?;
    Ok(entity::cover::handover::Model { given_at: Some(act.now), list: Some(list), ..handover })
}

/// Cases on which the next act is a post's, the soonest due first: at a window those it took in and that are not accepted yet, or
/// wait to be handed over; at an office's post those that are accepted.
///
/// # Errors
/// Whatever the database says.
pub async fn in_hand(db: &impl ConnectionTrait, centre: Id, post: &Post) -> Result<Vec<Model>> {
    let open = Entity::find().filter(Column::CentreId.eq(centre));
    let open = match (post.row.kind, post.row.office_id) {
        (PostKind::Window, _) => open
            .filter(Column::WindowId.eq(post.row.id))
            .filter(Column::State.is_in([CaseState::Received, CaseState::Granted])),
        (PostKind::Office, Some(office)) => {
            open.filter(Column::OfficeId.eq(office)).filter(Column::State.eq(CaseState::Accepted))
        }
        _ => return Ok(Vec::new()),
    };
    let rows = open.order_by_asc(Column::DueOn).order_by_asc(Column::Id).all(db).await?;
    Ok(rows.into_iter().filter(|case| post.takes(case.guide_id, case.office_id)).collect())
}
