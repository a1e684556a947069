//! What is brought into the centre, and what is not.

use super::{ALREADY_OUTSIDE, BAD_OUTSIDE, NOTHING_TO_ENTER, TOO_EARLY};
use crate::base::error::Result;
use crate::domain::act::{Publishing, StaffMember};
use crate::domain::{audit, guide};
use chrono::{Days, NaiveDate};
use entity::matter::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;

/// Records that a matter is not brought in from a day on: why, and where it is taken in.
///
/// # Errors
/// `unknown_guide`, `bad_outside`, `too_early`, `already_outside`.
pub async fn keep_outside(
    act: &Publishing,
    by: &StaffMember,
    code: &str,
    from: NaiveDate,
    (ground, place): (&str, &str),
) -> Result<Model> {
    let guide = guide::get(&*act.tx, &act.centre, code).await?;
    for (field, words) in [("ground", ground), ("place", place)] {
        if !(5..=200).contains(&words.trim().chars().count()) || words.chars().any(char::is_control) {
            return Err(BAD_OUTSIDE.on(field).into());
        }
    }
    // Where to go, and nobody to ring up, is half an answer.
    if !place.chars().any(|c| c.is_ascii_digit()) {
        return Err(BAD_OUTSIDE.on("place").into());
    }
    if from < act.now.date() {
        return Err(TOO_EARLY.on("from").into());
    }
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        guide_id: guide.row.id,
        valid_from: from,
        valid_until: None,
        ground: ground.trim().to_owned(),
        place: place.trim().to_owned(),
        recorded_at: act.now,
        recorded_by: by.id,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(ALREADY_OUTSIDE.into());
    }
    audit::note(act, "matter.outside", code, json!({ "from": from })).await?;
    Ok(row)
}

/// Records that a matter is brought in from a day on.
///
/// # Errors
/// `unknown_guide`, `too_early`, `nothing_to_enter`.
pub async fn enter(act: &Publishing, code: &str, from: NaiveDate) -> Result<()> {
    let guide = guide::get(&*act.tx, &act.centre, code).await?;
    if from < act.now.date() {
        return Err(TOO_EARLY.on("from").into());
    }
    let outside = Entity::find().filter(Column::GuideId.eq(guide.row.id)).filter(Column::ValidUntil.is_null());
    let outside = outside.order_by_desc(Column::ValidFrom).one(&*act.tx).await?.ok_or(NOTHING_TO_ENTER)?;
    let of = Column::Id.eq(outside.id);
    if from <= outside.valid_from {
        // It never was away.
        Entity::delete_many().filter(of).exec(&*act.tx).await?;
    } else {
        let last = Expr::value(from - Days::new(1));
        Entity::update_many().col_expr(Column::ValidUntil, last).filter(of).exec(&*act.tx).await?;
    }
    audit::note(act, "matter.entered", code, json!({ "from": from })).await
}
