//! Approving leave (批准请假, article 5.1.3) and naming substitutes: no post is left to nobody.

use super::{BAD_SUBSTITUTE, NO_COVER};
use crate::base::error::Result;
use crate::domain::act::{Act, StaffMember};
use crate::domain::identity::staff;
use crate::domain::post::{self, Post};
use crate::domain::{audit, calendar, leave};
use entity::cover::{Column, Entity, Model, handover};
use entity::leave::{LeaveKind, Model as Leave};
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde_json::json;
use std::collections::BTreeSet;

/// Approves a leave, if no post is left to nobody: whoever is named for a post stands in there for its time. What is handed over
/// before it is asked for.
///
/// # Errors
/// `unknown_leave`, `own_leave`, `leave_closed`, `unknown_post`, `unknown_staff`, `bad_substitute`, `no_cover`.
pub async fn approve(act: &Act, by: &StaffMember, id: Id, named: Vec<(String, String)>) -> Result<Leave> {
    let leave = leave::to_rule(act, by, id).await?;
    let posts = post::all(&*act.tx, &act.centre).await?;
    let (first, last) = (leave.starts_at.date(), leave.ends_at.date());
    let is_his = |post: &Post| [first, last].iter().any(|day| post.holders(*day).any(|h| h.staff_id == leave.staff_id));
    let his: Vec<&Post> = posts.on(first).filter(|post| is_his(post)).collect();
    // Two who let A and B go at once wait here for each other.
    hold(act, his.iter().map(|post| post.row.id)).await?;
    for (code, username) in &named {
        let post = posts.named(code, first)?;
        name_substitute(act, by, post, username, (leave.starts_at, leave.ends_at)).await?;
    }
    let absent = leave::in_force(&*act.tx, act.centre.id, leave.starts_at, leave.ends_at).await?;
    let is_free = |staff: Id| staff != leave.staff_id && !absent.iter().any(|other| other.staff_id == staff);
    let substitutes = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::StartsAt.lte(leave.starts_at))
        .filter(Column::EndsAt.gte(leave.ends_at))
        .all(&*act.tx)
        .await?;
    let (mut uncovered, mut handed) = (Vec::new(), Vec::new());
    for post in his {
        let other = post.holders(first).map(|h| h.staff_id).find(|staff| is_free(*staff));
        let named = || substitutes.iter().find(|s| s.post_id == post.row.id && is_free(s.staff_id)).map(|s| s.staff_id);
        match other.or_else(named) {
            None => uncovered.push(post.row.name.as_str()),
            Some(to) if post.holders(first).next().is_some_and(|a| a.staff_id == leave.staff_id) => {
                handed.push((post.row.id, to));
            }
            Some(_) => {}
        }
    }
    if !uncovered.is_empty() {
        return Err(NO_COVER.with(&[("posts", &uncovered.join("、"))]).into());
    }
    // Whoever steps out within a session leaves nothing that changes hands.
    if leave.kind != LeaveKind::MidSession {
        let due_on = calendar::of(&*act.tx, &act.centre).await?.back(first, 1);
        for (post_id, to_id) in handed {
            act.insert(handover::Model {
                id: act.id(),
                centre_id: act.centre.id,
                leave_id: leave.id,
                post_id,
                from_id: leave.staff_id,
                to_id,
                due_on,
                given_at: None,
                list: None,
                words: None,
                late_reason: None,
                accepted_at: None,
            })
            .await?;
        }
    }
    leave::rule(act, by, leave, None).await
}

/// Holds posts against others until the act ends.
async fn hold(act: &Act, posts: impl Iterator<Item = Id>) -> Result<()> {
    use entity::post;
    // In one order everywhere: two that held them in different ones could wait for each other for ever.
    let posts: BTreeSet<Id> = posts.collect();
    let rows = post::Entity::find().filter(post::Column::Id.is_in(posts)).order_by_asc(post::Column::Id);
    rows.lock_exclusive().all(&*act.tx).await?;
    Ok(())
}

/// Names somebody for a post from now on, until a moment: both who hold it are away, and nobody planned it.
///
/// # Errors
/// `unknown_post`, `unknown_staff`, `bad_time`, `bad_substitute`.
pub async fn substitute(act: &Act, by: &StaffMember, code: &str, username: &str, until: Time) -> Result<Model> {
    if until <= act.now {
        return Err(leave::BAD_TIME.on("until").into());
    }
    let posts = post::all(&*act.tx, &act.centre).await?;
    name_substitute(act, by, posts.named(code, act.now.date())?, username, (act.now, until)).await
}

async fn name_substitute(
    act: &Act,
    by: &StaffMember,
    post: &Post,
    username: &str,
    (starts_at, ends_at): (Time, Time),
) -> Result<Model> {
    let day = starts_at.date();
    let person = staff::find(&*act.tx, act.centre.id, username, day).await?.ok_or(staff::UNKNOWN_STAFF)?;
    let away = leave::in_force(&*act.tx, act.centre.id, starts_at, ends_at).await?;
    let is_away = away.iter().any(|leave| leave.staff_id == person.id);
    if is_away || !person.serves(ends_at.date()) || post.holders(day).any(|h| h.staff_id == person.id) {
        return Err(BAD_SUBSTITUTE.with(&[("name", &person.name)]).into());
    }
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        post_id: post.row.id,
        staff_id: person.id,
        starts_at,
        ends_at,
        named_by: by.id,
        named_at: act.now,
    };
    audit::note(act, "post.substitute", &post.row.code, json!({ "staff": person.id, "until": ends_at.0 })).await?;
    act.insert(row).await
}
