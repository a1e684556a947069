//! Places (名额): taken, kept for a while, given back. A place that is kept or cools down counts as taken.

use super::offer::Offer;
use super::starts::{follow, slot};
use super::{NOT_BOOKABLE, ONLINE_CLOSED, OUTSIDE_HOURS, SLOT_FULL, SLOT_PAST, UNKNOWN_SLOT};
use crate::base::Refusal;
use crate::base::error::{Error, Result};
use crate::domain::act::Act;
use chrono::Duration;
use entity::booking::Model as Booking;
use entity::booking::slot::{Column, Entity, Model};
use entity::booking::{held, service};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, UpdateMany,
};
use std::collections::BTreeMap;

/// A place: as many slots as a matter takes.
pub struct Place {
    /// Its slots, one after the other.
    pub slots: Vec<Model>,
    /// The first one.
    pub(super) slot: Model,
    /// End of the last one.
    pub(super) ends_at: Time,
}

impl Place {
    /// The place in these slots, where they follow one another.
    #[must_use]
    pub fn of(slots: Vec<Model>) -> Option<Self> {
        let (first, last) = (slots.first()?.clone(), slots.last()?);
        follow(slots.iter().map(|s| (s.starts_at, s.ends_at))).then_some(last.ends_at).map(|ends_at| Self {
            slots,
            slot: first,
            ends_at,
        })
    }

    /// How many slots it takes.
    pub(super) fn length(&self) -> i32 {
        i32::try_from(self.slots.len()).unwrap_or(i32::MAX)
    }
}

/// The guarded statement: it asks for a place left, so the database itself refuses one of two who press at once.
pub(super) fn taking(slots: &[Id], group: Id, online: bool, now: Time) -> UpdateMany<Entity> {
    let place = Entity::update_many()
        .col_expr(Column::Taken, Expr::col(Column::Taken).add(1))
        .col_expr(Column::TakenOnline, Expr::col(Column::TakenOnline).add(i32::from(online)))
        .filter(Column::Id.is_in(slots.iter().copied()))
        .filter(Column::GroupId.eq(group))
        .filter(Expr::col(Column::Taken).lt(Expr::col(Column::Bookable)));
    match online {
        true => place
            .filter(Expr::col(Column::TakenOnline).lt(Expr::col(Column::Online)))
            .filter(Column::OnlineUntil.gt(now)),
        false => place.filter(Column::StartsAt.gt(now)),
    }
}

/// The place that was had, if it is whole.
pub(super) fn taken_of(mut taken: Vec<Model>, wanted: usize) -> Option<Place> {
    taken.sort_unstable_by_key(|s| s.starts_at);
    let whole = taken.len() == wanted;
    Place::of(taken).filter(|_| whole)
}

/// Takes a place in as many slots as a guide takes, from one on; where one of several slots is full, the act is taken back.
///
/// # Errors
/// `not_bookable`, and on `slot_id`: `unknown_slot`, `slot_past`, `online_closed`, `slot_full`, `outside_hours`.
pub(super) async fn take(act: &Act, guide: Id, first: Id, online: bool) -> Result<Place> {
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let service = offer.service(guide).ok_or(NOT_BOOKABLE)?;
    let first = slot(&*act.tx, act.centre.id, first).await?;
    let Some(wanted) = Place::of(span(act, service, &first).await?) else {
        return Err(why_not(Some(first), online, act.now).on("slot_id").into());
    };
    hold_still(act, &wanted).await?;
    let ids: Vec<Id> = wanted.slots.iter().map(|s| s.id).collect();
    let taken = taking(&ids, service.group_id, online, act.now).exec_with_returning(&*act.tx).await?;
    match taken_of(taken, ids.len()) {
        Some(place) => Ok(place),
        None => Err(why_not_now(act, first.id, online).await?),
    }
}

/// The slots that a matter takes from one on, as they are seen; none where a day ends before.
///
/// # Errors
/// `unknown_slot` where another group offers it.
pub(super) async fn span(act: &Act, service: &service::Model, first: &Model) -> Result<Vec<Model>> {
    if first.group_id != service.group_id {
        return Err(UNKNOWN_SLOT.on("slot_id").into());
    }
    if service.slots == 1 {
        return Ok(vec![first.clone()]);
    }
    let rows = Entity::find()
        .filter(Column::GroupId.eq(service.group_id))
        .filter(Column::TemplateId.eq(first.template_id))
        .filter(Column::StartsAt.gte(first.starts_at))
        .order_by_asc(Column::StartsAt)
        .limit(u64::from(service.slots.unsigned_abs()))
        .all(&*act.tx)
        .await?;
    let whole =
        rows.len() == usize::try_from(service.slots).unwrap_or(0) && rows.first().is_some_and(|s| s.id == first.id);
    Ok(if whole { rows } else { Vec::new() })
}

/// Locks the slots of a long matter before any is taken.
pub(super) async fn hold_still(act: &Act, place: &Place) -> Result<()> {
    if place.slots.len() > 1 {
        lock(act, Condition::all().add(Column::Id.is_in(place.slots.iter().map(|s| s.id)))).await?;
    }
    Ok(())
}

/// Why nothing was had of a slot, as it is now.
pub(super) async fn why_not_now(act: &Act, slot: Id, online: bool) -> Result<Error> {
    let slot = Entity::find_by_id(slot).one(&*act.tx).await?;
    Ok(why_not(slot, online, act.now).on("slot_id").into())
}

/// Why nothing was had of a slot.
pub(super) fn why_not(slot: Option<Model>, online: bool, now: Time) -> Refusal {
    match slot {
        None => UNKNOWN_SLOT,
        Some(slot) if slot.starts_at <= now => SLOT_PAST,
        Some(slot) if slot.bookable == 0 => OUTSIDE_HOURS,
        Some(slot) if online && slot.online_until <= now => ONLINE_CLOSED,
        Some(_) => SLOT_FULL,
    }
}

/// Locks slots until the act ends, in the order of time, so that two acts never wait for each other for ever.
async fn lock(act: &Act, slots: Condition) -> Result<Vec<Model>> {
    let held = Entity::find().filter(slots).order_by_asc(Column::StartsAt).order_by_asc(Column::Id);
    Ok(held.lock_exclusive().all(&*act.tx).await?)
}

/// The slots that a booking takes.
pub(super) async fn of_booking(act: &Act, booking: &Booking) -> Result<Condition> {
    let first = slot(&*act.tx, act.centre.id, booking.slot_id).await?;
    let within = Column::StartsAt.gte(booking.starts_at).and(Column::StartsAt.lt(booking.ends_at));
    let mine = Condition::all().add(Column::GroupId.eq(first.group_id)).add(Column::TemplateId.eq(first.template_id));
    Ok(mine.add(within))
}

/// Locks what a guide takes from a slot on, with other slots: whoever gives one place back for another does so before either.
pub(super) async fn lock_with(act: &Act, guide: Id, first: Id, others: Condition) -> Result<()> {
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let service = offer.service(guide).ok_or(NOT_BOOKABLE)?;
    let first = slot(&*act.tx, act.centre.id, first).await?;
    let wanted = span(act, service, &first).await?;
    lock(act, Condition::any().add(others).add(Column::Id.is_in(wanted.iter().map(|s| s.id)))).await.map(drop)
}

/// Gives the place of a booking back in each of its slots. One of the residents' places cools down first, for so many minutes
/// or half as many more: whoever gives it up for a friend cannot say when it will be there. Where that would outlast the time
/// for booking online, it is there at once.
pub(super) async fn give_back(act: &Act, booking: &Booking, cool_down: i32) -> Result<()> {
    let slots = lock(act, of_booking(act, booking).await?).await?;
    let least = i64::from(cool_down) * 60;
    let until = act.now + Duration::seconds(act.random.between(least, least + least / 2));
    let (cooling, free): (Vec<Model>, Vec<Model>) =
        slots.into_iter().partition(|s| booking.online && least > 0 && until < s.online_until);
    keep(act, &cooling, booking.id, None, until).await?;
    put_back(act, free.into_iter().map(|s| (s.id, (1, i32::from(booking.online)))).collect()).await
}

/// Keeps places that are taken from everybody until a moment: for an account, or while they cool down.
pub(super) async fn keep(act: &Act, slots: &[Model], hold: Id, account: Option<Id>, until: Time) -> Result<()> {
    for slot in slots {
        let row = held::Model {
            id: act.id(),
            centre_id: act.centre.id,
            slot_id: slot.id,
            hold_id: hold,
            account_id: account,
            until,
        };
        act.insert(row).await?;
    }
    Ok(())
}

/// True when there are places that nobody keeps any longer: a look that costs no write.
///
/// # Errors
/// Whatever the database says.
pub async fn any_to_free(db: &impl ConnectionTrait, now: Time) -> Result<bool> {
    Ok(held::Entity::find().filter(held::Column::Until.lte(now)).one(db).await?.is_some())
}

/// Offers the places again that nobody keeps any longer. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn free_places(act: &Act) -> Result<()> {
    let over = held::Column::CentreId.eq(act.centre.id).and(held::Column::Until.lte(act.now));
    let freed = held::Entity::delete_many().filter(over).exec_with_returning(&*act.tx).await?;
    put_back_held(act, freed).await
}

/// Gives places back that were kept and are kept no longer.
pub(super) async fn put_back_held(act: &Act, freed: Vec<held::Model>) -> Result<()> {
    let mut places = BTreeMap::<Id, (i32, i32)>::new();
    for place in freed {
        let (all, online) = places.entry(place.slot_id).or_default();
        (*all, *online) = (*all + 1, *online + 1);
    }
    lock(act, Condition::all().add(Column::Id.is_in(places.keys().copied()))).await?;
    put_back(act, places).await
}

/// Takes places off slots that the act has locked: so many, and so many of them online.
async fn put_back(act: &Act, places: BTreeMap<Id, (i32, i32)>) -> Result<()> {
    let mut alike = BTreeMap::<(i32, i32), Vec<Id>>::new();
    for (slot, count) in places {
        alike.entry(count).or_default().push(slot);
    }
    for ((all, online), slots) in alike {
        Entity::update_many()
            .col_expr(Column::Taken, Expr::col(Column::Taken).sub(all))
            .col_expr(Column::TakenOnline, Expr::col(Column::TakenOnline).sub(online))
            .filter(Column::Id.is_in(slots))
            .filter(Column::Taken.gte(all))
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}
