//! Slots (时段): opened ahead by the timetable, listed, and taken.

use super::offer::templates;
use super::{BAD_SPAN, NOT_BOOKABLE, ONLINE_CLOSED, OUTSIDE_HOURS, SLOT_FULL, SLOT_PAST, UNKNOWN_SLOT, service};
use crate::base::Refusal;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::{calendar, centre, guide};
use chrono::{Days, Duration, NaiveDate};
use entity::booking::slot::{Column, Entity, Model};
use entity::booking::template;
use entity::centre::HoursKind;
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

/// Opens slots on the working days ahead, by each group's template of the day. What an older template opened gives way
/// where nobody has taken it, and offers nothing more where somebody has; so does what is left of a day that turned out to
/// be off. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn open_slots(act: &Act) -> Result<()> {
    let calendar = calendar::load(&*act.tx).await?;
    let templates = templates(&*act.tx, act.centre.id).await?;
    let today = act.now.date();
    let furthest = templates.iter().map(|t| t.horizon_days).max().unwrap_or(0);
    let (mut current, mut slots) = (Vec::new(), Vec::new());
    for day in today.iter_days().take(usize::try_from(furthest).unwrap_or(0) + 1) {
        if !calendar.is_working_day(day) {
            continue;
        }
        let hours = centre::hours_on(&*act.tx, act.centre.id, HoursKind::Window, day).await?;
        for template in of_day(&templates, day) {
            current.push((template.id, day));
            if day <= today + Days::new(template.horizon_days.unsigned_abs().into()) {
                slots.extend(of_template(act, template, day, &hours));
            }
        }
    }
    for template in &templates {
        restore(act, template, &current).await?;
    }
    // A booking keeps its time: no slot is opened over one that somebody holds by an older template.
    let held = retire(act, &current).await?;
    let overlaps =
        |a: &Model, b: &Model| a.group_id == b.group_id && a.starts_at < b.ends_at && b.starts_at < a.ends_at;
    slots.retain(|new| !held.iter().any(|old| overlaps(new, old)));
    for part in slots.chunks(500) {
        let rows = part.iter().cloned().map(|s| s.into_active_model());
        Entity::insert_many(rows)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*act.tx)
            .await?;
    }
    Ok(())
}

/// The template of each group that holds on a day; of several, the one that began last.
fn of_day(templates: &[template::Model], day: NaiveDate) -> Vec<&template::Model> {
    let holds = |t: &&template::Model| t.valid_from <= day && t.valid_until.is_none_or(|until| day <= until);
    let mut found: Vec<&template::Model> = Vec::new();
    // The newest come first.
    for template in templates.iter().filter(holds) {
        if found.iter().all(|t| t.group_id != template.group_id) {
            found.push(template);
        }
    }
    found
}

fn of_template<'t>(
    act: &'t Act,
    template: &'t template::Model,
    day: NaiveDate,
    hours: &[(i32, i32)],
) -> impl Iterator<Item = Model> + use<'t> {
    let (length, (bookable, online)) = (template.minutes, offered(template));
    let step = usize::try_from(length).unwrap_or(1);
    let starts: Vec<i32> = hours.iter().flat_map(|(opens, closes)| (*opens..=closes - length).step_by(step)).collect();
    starts.into_iter().map(move |minute| Model {
        id: act.id(),
        centre_id: act.centre.id,
        group_id: template.group_id,
        template_id: template.id,
        on_date: day,
        starts_at: Time::at(day, minute),
        ends_at: Time::at(day, minute + length),
        online_until: Time::at(day, minute) - Duration::minutes(template.cut_off_minutes.into()),
        bookable,
        online,
        taken: 0,
        taken_online: 0,
    })
}

/// Slots ahead that no template of their day stands behind any more: gone where nobody took one, else closed to more. Gives
/// those that somebody holds.
async fn retire(act: &Act, current: &[(Id, NaiveDate)]) -> Result<Vec<Model>> {
    let ahead = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::StartsAt.gt(act.now))
        .order_by_asc(Column::StartsAt)
        .lock_exclusive()
        .all(&*act.tx)
        .await?;
    let old = ahead.into_iter().filter(|s| !current.contains(&(s.template_id, s.on_date)));
    let (free, held): (Vec<Model>, Vec<Model>) = old.partition(|s| s.taken == 0);
    let ids = |slots: &[Model]| slots.iter().map(|s| s.id).collect::<Vec<Id>>();
    // A slot that was once taken is named by its booking for ever.
    let named = entity::booking::Entity::find()
        .select_only()
        .column(entity::booking::Column::SlotId)
        .filter(entity::booking::Column::CentreId.eq(act.centre.id))
        .filter(entity::booking::Column::StartsAt.gt(act.now))
        .into_query();
    for part in ids(&free).chunks(500) {
        Entity::delete_many()
            .filter(Column::Id.is_in(part.iter().copied()))
            .filter(Column::Id.not_in_subquery(named.clone()))
            .exec(&*act.tx)
            .await?;
        close(act, part).await?;
    }
    close(act, &ids(&held)).await?;
    Ok(held)
}

/// Offers again what a template offers on days that are its own again: a day off was taken back, or another template ended.
async fn restore(act: &Act, template: &template::Model, current: &[(Id, NaiveDate)]) -> Result<()> {
    let days = current.iter().filter(|(id, _)| *id == template.id).map(|(_, day)| *day);
    let (bookable, online) = offered(template);
    Entity::update_many()
        .col_expr(Column::Bookable, Expr::value(bookable))
        .col_expr(Column::Online, Expr::value(online))
        .filter(Column::TemplateId.eq(template.id))
        .filter(Column::OnDate.is_in(days))
        .filter(Column::StartsAt.gt(act.now))
        .filter(Column::Bookable.ne(bookable).or(Column::Online.ne(online)))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Places that a template offers in a slot: at all, and online.
const fn offered(template: &template::Model) -> (i32, i32) {
    let bookable = template.capacity - template.walk_in;
    (bookable, bookable - template.elder)
}

/// Offers nothing more in these slots.
async fn close(act: &Act, slots: &[Id]) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Bookable, Expr::col(Column::Taken))
        .col_expr(Column::Online, Expr::col(Column::TakenOnline))
        .filter(Column::Id.is_in(slots.iter().copied()))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

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
    centre: Id,
    guide: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    now: Time,
    online: bool,
) -> Result<Vec<Start>> {
    let guide = guide::get(db, centre, guide).await?.row;
    let service = service(db, guide.id).await?.ok_or(NOT_BOOKABLE)?;
    let from = from.unwrap_or_else(|| now.date());
    let to = to.or_else(|| from.checked_add_days(Days::new(30))).unwrap_or(from);
    if from > to || to - from > Duration::days(60) {
        return Err(BAD_SPAN.on("to").into());
    }
    let calendar = calendar::load(db).await?;
    let slots = Entity::find()
        .filter(Column::GroupId.eq(service.group_id))
        .filter(Column::Bookable.gt(0))
        .filter(Column::StartsAt.between(Time::at(from, 0), Time::at(to, 24 * 60)))
        .filter(if online { Column::OnlineUntil.gt(now) } else { Column::StartsAt.gt(now) })
        .order_by_asc(Column::StartsAt)
        .all(db)
        .await?;
    let length = usize::try_from(service.slots).unwrap_or(1);
    let spans = slots.windows(length).filter(|span| follow(span) && calendar.is_working_day(span[0].on_date));
    Ok(spans.filter_map(|span| start(span, online)).collect())
}

/// True when slots follow one another without a gap.
fn follow(span: &[Model]) -> bool {
    span.windows(2).all(|pair| pair[0].ends_at == pair[1].starts_at)
}

fn start(span: &[Model], online: bool) -> Option<Start> {
    let (first, last) = (span.first()?, span.last()?);
    let capacity = |s: &Model| if online { s.online } else { s.bookable };
    let left = |s: &Model| {
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
    slot.ok_or_else(|| UNKNOWN_SLOT.into())
}

/// A place that was taken.
pub(super) struct Place {
    /// The first slot.
    pub(super) slot: Model,
    /// End of the last one.
    pub(super) ends_at: Time,
    /// How many slots it takes.
    pub(super) slots: i32,
}

/// Takes a place in as many slots as a guide takes, from one on. The statement asks for a place left, so the database
/// itself refuses one of two who press at once; where one of several slots is full, the act is taken back.
///
/// # Errors
/// `not_bookable`, and on `slot_id`: `unknown_slot`, `slot_past`, `online_closed`, `slot_full`, `outside_hours`.
pub(super) async fn take(act: &Act, guide: Id, first: Id, online: bool) -> Result<Place> {
    let service = service(&*act.tx, guide).await?.ok_or(NOT_BOOKABLE)?;
    let span = span(act, first, service.group_id, service.slots).await?;
    if span.len() > 1 {
        lock(act, Condition::all().add(Column::Id.is_in(span.iter().copied()))).await?;
    }
    let mut place = Entity::update_many()
        .col_expr(Column::Taken, Expr::col(Column::Taken).add(1))
        .col_expr(Column::TakenOnline, Expr::col(Column::TakenOnline).add(i32::from(online)))
        .filter(Column::Id.is_in(span.iter().copied()))
        .filter(Column::GroupId.eq(service.group_id))
        .filter(Expr::col(Column::Taken).lt(Expr::col(Column::Bookable)));
    place = match online {
        true => place
            .filter(Expr::col(Column::TakenOnline).lt(Expr::col(Column::Online)))
            .filter(Column::OnlineUntil.gt(act.now)),
        false => place.filter(Column::StartsAt.gt(act.now)),
    };
    let mut taken = place.exec_with_returning(&*act.tx).await?;
    taken.sort_unstable_by_key(|s| s.starts_at);
    let whole = taken.len() == span.len() && follow(&taken);
    let (Some(slot), Some(last), true) = (taken.first().cloned(), taken.last().cloned(), whole) else {
        let of_group = Entity::find_by_id(first).filter(Column::GroupId.eq(service.group_id));
        return Err(why_not(of_group.one(&*act.tx).await?, online, act.now).on("slot_id").into());
    };
    // Holidays and hours may have changed since the slots were opened.
    if !is_open(&*act.tx, act.centre.id, slot.on_date, slot.starts_at, last.ends_at).await? {
        return Err(OUTSIDE_HOURS.on("slot_id").into());
    }
    Ok(Place { slot, ends_at: last.ends_at, slots: service.slots })
}

/// The slots from one on that a matter of this length takes.
async fn span(act: &Act, first: Id, group: Id, slots: i32) -> Result<Vec<Id>> {
    if slots == 1 {
        return Ok(vec![first]);
    }
    let start = Entity::find_by_id(first).filter(Column::GroupId.eq(group)).one(&*act.tx).await?;
    let start = start.ok_or_else(|| UNKNOWN_SLOT.on("slot_id"))?;
    let rows = Entity::find()
        .filter(Column::GroupId.eq(group))
        .filter(Column::TemplateId.eq(start.template_id))
        .filter(Column::StartsAt.gte(start.starts_at))
        .order_by_asc(Column::StartsAt)
        .limit(u64::from(slots.unsigned_abs()))
        .all(&*act.tx)
        .await?;
    let mut ids: Vec<Id> = rows.iter().map(|s| s.id).collect();
    // At the end of a day there are too few: the statement then finds fewer than were asked for.
    ids.resize(usize::try_from(slots).unwrap_or(1), first);
    Ok(ids)
}

/// Holds slots until the act ends, in the order of time, so that two acts never wait for each other for ever.
async fn lock(act: &Act, slots: Condition) -> Result<()> {
    let held = Entity::find().filter(slots).order_by_asc(Column::StartsAt).order_by_asc(Column::Id);
    held.lock_exclusive().all(&*act.tx).await?;
    Ok(())
}

/// The slots that a booking takes.
async fn of_booking(act: &Act, booking: &entity::booking::Model) -> Result<Condition> {
    let first = slot(&*act.tx, act.centre.id, booking.slot_id).await?;
    let within = Column::StartsAt.gte(booking.starts_at).and(Column::StartsAt.lt(booking.ends_at));
    let mine = Condition::all().add(Column::GroupId.eq(first.group_id)).add(Column::TemplateId.eq(first.template_id));
    Ok(mine.add(within))
}

/// Holds what a booking takes and what it is to take instead.
pub(super) async fn hold(act: &Act, booking: &entity::booking::Model, first: Id) -> Result<()> {
    let service = service(&*act.tx, booking.guide_id).await?.ok_or(NOT_BOOKABLE)?;
    let wanted = span(act, first, service.group_id, service.slots).await?;
    lock(act, Condition::any().add(of_booking(act, booking).await?).add(Column::Id.is_in(wanted))).await
}

/// Refuses a slot that offers nothing now, as far as a look can tell: of a crowd that wants the same place, all who come too
/// late are told so without holding up one who writes. Whether a place is had, only taking it tells.
///
/// # Errors
/// On `slot_id`: `unknown_slot`, `slot_past`, `online_closed`, `slot_full`.
pub async fn ensure_offered(db: &impl ConnectionTrait, centre: Id, slot: Id, online: bool, now: Time) -> Result<()> {
    let seen = Entity::find_by_id(slot).filter(Column::CentreId.eq(centre)).one(db).await?;
    let full = |s: &Model| s.taken >= s.bookable || (online && s.taken_online >= s.online);
    match seen {
        Some(slot) if slot.starts_at > now && (!online || slot.online_until > now) && !full(&slot) => Ok(()),
        seen => Err(why_not(seen, online, now).on("slot_id").into()),
    }
}

/// Why nothing was had of a slot.
fn why_not(slot: Option<Model>, online: bool, now: Time) -> Refusal {
    match slot {
        None => UNKNOWN_SLOT,
        Some(slot) if slot.starts_at <= now => SLOT_PAST,
        Some(slot) if online && slot.online_until <= now => ONLINE_CLOSED,
        Some(_) => SLOT_FULL,
    }
}

/// Gives the place of a booking back in each of its slots.
pub(super) async fn give_back(act: &Act, booking: &entity::booking::Model) -> Result<()> {
    let mine = of_booking(act, booking).await?;
    if booking.slots > 1 {
        lock(act, mine.clone()).await?;
    }
    Entity::update_many()
        .col_expr(Column::Taken, Expr::col(Column::Taken).sub(1))
        .col_expr(Column::TakenOnline, Expr::col(Column::TakenOnline).sub(i32::from(booking.online)))
        .filter(mine)
        .filter(Column::Taken.gt(0))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// True when the hall is open without a break from one moment of a day to another, as calendar and hours stand now.
async fn is_open(db: &impl ConnectionTrait, centre: Id, on: NaiveDate, from: Time, to: Time) -> Result<bool> {
    let hours = centre::hours_on(db, centre, HoursKind::Window, on).await?;
    let within = |(opens, closes): &(i32, i32)| Time::at(on, *opens) <= from && to <= Time::at(on, *closes);
    Ok(hours.iter().any(within) && calendar::load(db).await?.is_working_day(on))
}
