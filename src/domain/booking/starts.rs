//! Starts (可约时段): when a guide can be booked, and what is left.

use super::offer::Offer;
use super::place::why_not;
use super::{BAD_SPAN, NOT_BOOKABLE, UNKNOWN_SLOT};
use crate::base::error::Result;
use crate::domain::guide;
use crate::domain::published::Centre;
use chrono::{Days, Duration, NaiveDate};
use entity::booking::slot::{Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

/// A start that a guide can be booked at, with the places left for as long as it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The first slot.
    pub id: Id,
    /// Start.
    pub starts_at: Time,
    /// End of the last slot.
    pub ends_at: Time,
    /// Places.
    pub capacity: i32,
    /// Places left.
    pub remaining: i32,
}

/// Starts at which a guide can be booked, by time: online, or at the windows, which have the places for older people too.
///
/// # Errors
/// `unknown_guide`, `not_bookable`, `bad_span`.
pub async fn starts(
    db: &impl ConnectionTrait,
    centre: &Centre,
    guide: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    now: Time,
    online: bool,
) -> Result<Vec<Start>> {
    let (guide, offer) = (guide::get(db, centre, guide).await?, Offer::of(db, centre).await?);
    let service = offer.service(guide.row.id).ok_or(NOT_BOOKABLE)?;
    let from = from.unwrap_or_else(|| now.date());
    let to = to.or_else(|| from.checked_add_days(Days::new(30))).unwrap_or(from);
    if from > to || to - from > Duration::days(60) {
        return Err(BAD_SPAN.on("to").into());
    }
    let to = guide.row.retired_on.map_or(to, |last| to.min(last));
    let slots = offered(service.group_id, from, to, now, online).into_model::<Offered>().all(db).await?;
    let length = usize::try_from(service.slots).unwrap_or(1);
    let whole = |span: &&[Offered]| follow(span.iter().map(|s| (s.starts_at, s.ends_at)));
    Ok(slots.windows(length).filter(whole).filter_map(|span| start(span, online)).collect())
}

/// The slots that a group offers from one day to another, by time: one question.
#[must_use]
pub fn offered(group: Id, from: NaiveDate, to: NaiveDate, now: Time, online: bool) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::StartsAt, Column::EndsAt, Column::Bookable, Column::Online, Column::Taken])
        .column(Column::TakenOnline)
        .filter(Column::GroupId.eq(group))
        .filter(Column::Bookable.gt(0))
        .filter(Column::StartsAt.between(Time::at(from, 0), Time::at(to, 24 * 60)))
        .filter(if online { Column::OnlineUntil.gt(now) } else { Column::StartsAt.gt(now) })
        .order_by_asc(Column::StartsAt)
}

/// What a list of starts shows of a slot.
#[derive(FromQueryResult)]
struct Offered {
    id: Id,
    starts_at: Time,
    ends_at: Time,
    bookable: i32,
    online: i32,
    taken: i32,
    taken_online: i32,
}

/// True when times, each from start to end, follow one another without a gap.
pub(super) fn follow(times: impl Iterator<Item = (Time, Time)> + Clone) -> bool {
    times.clone().zip(times.skip(1)).all(|((_, ends), (starts, _))| ends == starts)
}

fn start(span: &[Offered], online: bool) -> Option<Start> {
    let (first, last) = (span.first()?, span.last()?);
    let capacity = |s: &Offered| if online { s.online } else { s.bookable };
    let left = |s: &Offered| {
        let bookable = s.bookable - s.taken;
        if online { Ord::min(bookable, s.online - s.taken_online) } else { bookable }
    };
    Some(Start {
        id: first.id,
        starts_at: first.starts_at,
        ends_at: last.ends_at,
        capacity: span.iter().map(capacity).min()?,
        remaining: span.iter().map(left).min()?,
    })
}

/// One slot of the centre.
///
/// # Errors
/// `unknown_slot`.
pub async fn slot(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Model> {
    let slot = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    slot.ok_or_else(|| UNKNOWN_SLOT.on("slot_id").into())
}

/// Refuses a slot that offers nothing now, as far as a look can tell: of a crowd that wants the same place, all who come too
/// late are told so without holding up one who writes. Whether a place is had, only taking it tells.
///
/// # Errors
/// On `slot_id`: `unknown_slot`, `slot_past`, `online_closed`, `slot_full`.
pub async fn ensure_offered(db: &impl ConnectionTrait, centre: Id, slot: Id, online: bool, now: Time) -> Result<()> {
    let seen = Entity::find_by_id(slot).filter(Column::CentreId.eq(centre)).one(db).await?;
    match seen {
        Some(slot) => ensure_free(&slot, online, now),
        None => Err(UNKNOWN_SLOT.on("slot_id").into()),
    }
}

/// Refuses a slot that offers nothing, as it was seen.
pub(super) fn ensure_free(slot: &Model, online: bool, now: Time) -> Result<()> {
    let full = slot.taken >= slot.bookable || (online && slot.taken_online >= slot.online);
    let open = slot.starts_at > now && (!online || slot.online_until > now);
    if open && !full { Ok(()) } else { Err(why_not(Some(slot.clone()), online, now).on("slot_id").into()) }
}
