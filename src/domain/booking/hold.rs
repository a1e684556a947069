//! Holds (暂留): a place kept for a few minutes, while its form is filled in. It gives itself back.

use super::fair::{ensure_account, of_account};
use super::offer::Offer;
use super::place::{Place, keep, lock_with, put_back_held, take};
use super::{NO_HOLDS, UNKNOWN_HOLD};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::guide;
use crate::domain::identity::resident;
use crate::domain::matter;
use chrono::Duration;
use entity::booking::held::{Column, Entity};
use entity::booking::slot;
use entity::{Id, Time};
use sea_orm::sea_query::IntoCondition as _;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _};

/// A place that is kept.
#[derive(Clone, Debug)]
pub struct Hold {
    /// What the form carries.
    pub id: Id,
    /// The first slot.
    pub slot: Id,
    /// Until when it is kept.
    pub until: Time,
}

/// Keeps a place for an account. It keeps one at a time: whoever looks at another time lets go of the first.
///
/// # Errors
/// `unknown_guide`, `no_holds`, `booking_limited`, `too_many_bookings`, and the refusals of a place.
pub async fn hold(act: &Act, guide: &str, slot: Id, for_other: bool) -> Result<Hold> {
    let account = act.who.account().ok_or(NO_HOLDS)?;
    let guide = guide::get(&*act.tx, &act.centre, guide).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let rules = offer.rules(act.now.date())?;
    if rules.hold_minutes == 0 {
        return Err(NO_HOLDS.into());
    }
    resident::take_turn(act, account).await?;
    ensure_account(act, rules, &of_account(act, rules, account).await?, for_other)?;
    let before = Entity::delete_many().filter(Column::AccountId.eq(account)).exec_with_returning(&*act.tx).await?;
    let kept = slot::Column::Id.is_in(before.iter().map(|k| k.slot_id));
    lock_with(act, guide.row.id, slot, kept.into_condition()).await?;
    put_back_held(act, before).await?;
    let place = take(act, guide.row.id, slot, true).await?;
    matter::ensure_here(&*act.tx, &act.centre, &guide, place.slot.starts_at.date()).await?;
    let (id, until) = (act.id(), act.now + Duration::minutes(rules.hold_minutes.into()));
    keep(act, &place.slots, id, Some(account), until).await?;
    Ok(Hold { id, slot, until })
}

/// The place that is kept for an account under this id, if it is still.
///
/// # Errors
/// Whatever the database says.
pub async fn held(db: &impl ConnectionTrait, account: Id, id: Id, now: Time) -> Result<Option<Hold>> {
    let mine = Column::HoldId.eq(id).and(Column::AccountId.eq(account)).and(Column::Until.gt(now));
    let kept = Entity::find().filter(mine).all(db).await?;
    let slots = slot::Entity::find().filter(slot::Column::Id.is_in(kept.iter().map(|k| k.slot_id)));
    let first = slots.order_by_asc(slot::Column::StartsAt).one(db).await?;
    Ok(first.zip(kept.first()).map(|(slot, kept)| Hold { id, slot: slot.id, until: kept.until }))
}

/// Lets go of a place that is kept for this account.
///
/// # Errors
/// `unknown_hold`, also for one that has run out.
pub async fn let_go(act: &Act, id: Id) -> Result<()> {
    let mine = Column::HoldId.eq(id).and(Column::AccountId.eq(act.who.account()));
    let freed = Entity::delete_many().filter(mine).exec_with_returning(&*act.tx).await?;
    if freed.is_empty() { Err(UNKNOWN_HOLD.into()) } else { put_back_held(act, freed).await }
}

/// The place that a hold keeps for this account, which is its from now on; nothing if it has run out or is another place.
pub(super) async fn use_up(
    act: &Act,
    id: Id,
    service: &entity::booking::service::Model,
    first: Id,
) -> Result<Option<Place>> {
    let mine = Column::HoldId.eq(id).and(Column::AccountId.eq(act.who.account())).and(Column::Until.gt(act.now));
    let kept = Entity::find().filter(mine.clone()).all(&*act.tx).await?;
    let slots = slot::Entity::find()
        .filter(slot::Column::Id.is_in(kept.iter().map(|k| k.slot_id)))
        .order_by_asc(slot::Column::StartsAt)
        .all(&*act.tx)
        .await?;
    let fits = |place: &Place| {
        place.slot.id == first && (service.group_id, service.slots) == (place.slot.group_id, place.length())
    };
    let Some(place) = Place::of(slots).filter(fits) else { return Ok(None) };
    // The timetable may have given it back since it was looked at.
    let used = Entity::delete_many().filter(mine).exec(&*act.tx).await?;
    Ok((used.rows_affected == kept.len() as u64).then_some(place))
}
