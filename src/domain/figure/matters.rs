//! Figures of matters, as they stand at the end of a month: what is brought into the centre, and which guides are past their review.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use entity::guide::version;
use entity::{Id, Time, guide, matter};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeMap, HashSet};

pub(super) async fn of_matters(
    db: &impl ConnectionTrait,
    centre: Id,
    month: Month,
    frozen_at: Time,
) -> Result<Vec<Figure>> {
    // A month that is not over stands as it does today.
    let on = month.last().min(frozen_at.date());
    let guides = guide::Entity::find().filter(guide::Column::CentreId.eq(centre)).all(db).await?;
    let versions = version::Entity::find()
        .filter(version::Column::CentreId.eq(centre))
        .filter(version::Column::PublishedAt.lte(frozen_at))
        .filter(version::Column::InForceFrom.lte(on))
        .all(db)
        .await?;
    let mut in_force: BTreeMap<Id, version::Model> = BTreeMap::new();
    for version in versions {
        if in_force.get(&version.guide_id).is_none_or(|known| known.number < version.number) {
            in_force.insert(version.guide_id, version);
        }
    }
    in_force.retain(|_, version| version.in_force_until.is_none_or(|last| on <= last));
    let outside = matter::Entity::find()
        .filter(matter::Column::CentreId.eq(centre))
        .filter(matter::Column::RecordedAt.lte(frozen_at))
        .filter(matter::Column::ValidFrom.lte(on))
        .all(db)
        .await?;
    let outside = outside.iter().filter(|row| row.valid_until.is_none_or(|last| on <= last));
    let outside: HashSet<Id> = outside.map(|row| row.guide_id).collect();
    let code = |id: &Id| guides.iter().find(|guide| guide.id == *id).map(|guide| guide.code.clone());
    let row =
        |version: &version::Model, counted: bool| Row { reference: code(&version.guide_id), on: Some(on), counted };
    let entered = in_force.values().map(|v| row(v, !outside.contains(&v.guide_id))).collect();
    let late = in_force.values().filter(|v| v.review_on <= on).map(|v| row(v, true)).collect();
    Ok(vec![
        figure("entered", "事项进驻率", "月末进驻中心的事项／月末办理的事项", "4.1", true, entered),
        figure("reviews_due", "指南到期未复核", "月末已过复核日、还没有发布新版的办事指南", "4.3", false, late),
    ])
}
