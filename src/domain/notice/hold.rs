//! Holds (通道停用): a gateway that is out of order is left alone, longer each time, and the operator is told.

use super::kind::GATEWAY_DOWN;
use super::say::{Message, say};
use crate::base::error::Result;
use crate::domain::act::Act;
use chrono::{Duration, Timelike as _};
use entity::Time;
use entity::notice::hold::{Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

/// How long a gateway is left alone the first time; twice as long each time after.
const FIRST: Duration = Duration::minutes(1);
/// It is never left alone for longer.
const LONGEST: Duration = Duration::minutes(30);

/// Gateways that have taken nothing since they were held, though it may be time to ask them again.
///
/// # Errors
/// Whatever the database says.
pub async fn holds(db: &impl ConnectionTrait) -> Result<Vec<Model>> {
    Ok(Entity::find().all(db).await?)
}

/// Holds a gateway: from the first time on, for longer each time until it takes something.
///
/// # Errors
/// Whatever the database says.
pub async fn hold(db: &impl ConnectionTrait, now: Time, gateway: &str, code: &str) -> Result<Model> {
    let old = Entity::find_by_id(gateway).one(db).await?;
    // Another process may have held it a moment ago.
    if let Some(held) = old.as_ref().filter(|held| held.until > now && held.until <= now + LONGEST) {
        return Ok(held.clone());
    }
    let (since, times) = old.map_or((now, 0), |old| (old.since, old.times));
    let doubled = FIRST * 2i32.saturating_pow(u32::try_from(times.min(10)).unwrap_or(0));
    let row = Model {
        gateway: gateway.to_owned(),
        code: code.to_owned(),
        since,
        until: now + doubled.min(LONGEST),
        times: times + 1,
    };
    let known =
        OnConflict::column(Column::Gateway).update_columns([Column::Code, Column::Until, Column::Times]).to_owned();
    Entity::insert(row.clone().into_active_model()).on_conflict(known).exec_without_returning(db).await?;
    Ok(row)
}

/// Frees a gateway, which took something.
///
/// # Errors
/// Whatever the database says.
pub async fn free(db: &impl ConnectionTrait, gateway: &str) -> Result<()> {
    Entity::delete_many().filter(Column::Gateway.eq(gateway)).exec(db).await?;
    Ok(())
}

/// Tells the operator, by whichever gateway is left, at most four times a day.
///
/// # Errors
/// Whatever the database says.
pub async fn tell_operator(act: &Act, phone: &str, held: &Model) -> Result<()> {
    let quarter = act.now.local().hour() / 6;
    let message = Message {
        key: format!("{}/{}/{}/{quarter}", GATEWAY_DOWN.word, held.gateway, act.now.date()),
        kind: &GATEWAY_DOWN,
        phone: phone.to_owned(),
        values: vec![("gateway", held.gateway.clone()), ("code", held.code.clone())],
        about: act.id(),
        account: None,
        matter_at: act.now,
        due_at: act.now,
        expires_at: act.now + Duration::hours(18),
    };
    say(act, message).await
}
