//! Slots: the half hours that can be booked, opened ahead by the timetable.

use super::{BAD_SPAN, UNKNOWN_SLOT};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::{calendar, centre, guide};
use chrono::{Days, Duration, NaiveDate};
use entity::booking::slot;
use entity::centre::HoursKind;
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};

const SLOT_MINUTES: i32 = 30;

/// Opens slots on the working days ahead, and closes what is left of a day that turned out to be off. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn open_slots(act: &Act) -> Result<()> {
    let calendar = calendar::load(&*act.tx).await?;
    let today = act.now.date();
    let days = today.iter_days().take(usize::try_from(act.rules.horizon_days).unwrap_or(0) + 1);
    let (worked, off): (Vec<NaiveDate>, Vec<NaiveDate>) = days.partition(|d| calendar.is_working_day(*d));
    let mut slots = Vec::new();
    for day in worked {
        for (opens, closes) in centre::hours_on(&*act.tx, act.centre.id, HoursKind::Window, day).await? {
            for minute in (opens..=closes - SLOT_MINUTES).step_by(SLOT_MINUTES as usize) {
                let row = slot::Model {
                    id: act.id(),
                    centre_id: act.centre.id,
                    on_date: day,
                    starts_at: Time::at(day, minute),
                    ends_at: Time::at(day, minute + SLOT_MINUTES),
                    capacity: act.rules.capacity,
                    taken: 0,
                };
                slots.push(row.into_active_model());
            }
        }
    }
    if !slots.is_empty() {
        slot::Entity::insert_many(slots)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*act.tx)
            .await?;
    }
    // What changed since a slot was opened: places by setting, for those ahead; none on a day that turned out to be off.
    let ahead = || {
        slot::Entity::update_many()
            .filter(slot::Column::CentreId.eq(act.centre.id))
            .filter(slot::Column::StartsAt.gt(act.now))
    };
    let capacity = act.rules.capacity;
    let taken = || Expr::col(slot::Column::Taken);
    ahead()
        .col_expr(slot::Column::Capacity, Expr::case(taken().gt(capacity), taken()).finally(capacity).into())
        .filter(slot::Column::OnDate.is_not_in(off.clone()))
        .filter(slot::Column::Capacity.ne(capacity))
        .exec(&*act.tx)
        .await?;
    ahead().col_expr(slot::Column::Capacity, taken()).filter(slot::Column::OnDate.is_in(off)).exec(&*act.tx).await?;
    Ok(())
}

/// True when the hall is open during a slot, as calendar and hours stand now.
pub(super) async fn open_at(db: &impl ConnectionTrait, centre: Id, slot: &slot::Model) -> Result<bool> {
    let hours = centre::hours_on(db, centre, HoursKind::Window, slot.on_date).await?;
    let (from, to) = (slot.starts_at, slot.ends_at);
    let within =
        |(opens, closes): &(i32, i32)| Time::at(slot.on_date, *opens) <= from && to <= Time::at(slot.on_date, *closes);
    Ok(hours.iter().any(within) && calendar::load(db).await?.is_working_day(slot.on_date))
}

/// Slots of a guide that have not begun, by time.
///
/// # Errors
/// `unknown_guide`, `bad_span`.
pub async fn slots(
    db: &impl ConnectionTrait,
    centre: Id,
    guide: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    now: Time,
) -> Result<Vec<slot::Model>> {
    guide::get(db, centre, guide).await?;
    let from = from.unwrap_or_else(|| now.date());
    let to = to.or_else(|| from.checked_add_days(Days::new(30))).unwrap_or(from);
    if from > to || to - from > Duration::days(60) {
        return Err(BAD_SPAN.on("to").into());
    }
    let slots = slot::Entity::find()
        .filter(slot::Column::CentreId.eq(centre))
        .filter(slot::Column::StartsAt.between(Time::at(from, 0), Time::at(to, 24 * 60)))
        .filter(slot::Column::StartsAt.gt(now))
        .order_by_asc(slot::Column::StartsAt);
    let calendar = calendar::load(db).await?;
    let mut slots = slots.all(db).await?;
    slots.retain(|s| calendar.is_working_day(s.on_date));
    Ok(slots)
}

/// One slot of the centre.
///
/// # Errors
/// `unknown_slot`.
pub async fn slot(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<slot::Model> {
    let slot = slot::Entity::find_by_id(id).filter(slot::Column::CentreId.eq(centre)).one(db).await?;
    slot.ok_or_else(|| UNKNOWN_SLOT.into())
}
