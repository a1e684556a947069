//! Joint cases (联办件, articles 4.1 and 4.2; 行政许可法 42): other offices have parts of one case.
//!
//! One receipt, one limit, one result: whoever coordinates by the office's letter accepts it, each part goes on at its own post, some
//! beside one another, and the office that the matter belongs to decides when all are done. Together they have 45 working days at
//! most, and 15 more with the word of 乡政府. The offices that have parts see it while it is under way.

use crate::base::error::Result;
use entity::Id;
use entity::case::{Column, Entity, step};
use entity::guide::Content;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _, RelationDef,
};

/// Working days by which a joint case's limit is extended, at most.
pub(super) const LONGEST_EXTENSION: u32 = 15;

/// True when a version gives parts to other offices.
#[must_use]
pub fn is_joint(content: &Content) -> bool {
    !content.elements.joint_offices.is_empty()
}

/// Joint cases under way with a part at some posts; with `open`, one whose turn it is.
pub(super) async fn parts(
    db: &impl ConnectionTrait,
    centre: Id,
    posts: impl IntoIterator<Item = Id>,
    open: bool,
) -> Result<Vec<Id>> {
    let posts: Vec<Id> = posts.into_iter().collect();
    if posts.is_empty() {
        return Ok(Vec::new());
    }
    let steps: RelationDef = Entity::belongs_to(step::Entity).from(Column::Id).to(step::Column::CaseId).into();
    let at_them = Condition::all()
        .add(step::Column::PostId.is_in(posts))
        .add(step::Column::BegunOn.is_not_null())
        .add_option(open.then(|| step::Column::FinishedAt.is_null()));
    let joint = Entity::find()
        .select_only()
        .distinct()
        .column(Column::Id)
        .join(JoinType::InnerJoin, steps)
        .filter(Column::CentreId.eq(centre))
        .filter(Expr::col((Entity, Column::Joint)))
        .filter(Column::EndedAt.is_null())
        .filter(at_them);
    Ok(joint.into_tuple().all(db).await?)
}
