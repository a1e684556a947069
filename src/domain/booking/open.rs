//! Opening (放号): what each desk group offers on the days ahead, kept in step with templates, hours, calendar and closures.

use super::offer::Offer;
use super::openings::{LOOKING_BACK, Openings};
use super::rehouse::{Touched, rehouse};
use crate::base::database::ROWS;
use crate::base::error::Result;
use crate::domain::act::Act;
use chrono::{Days, Duration, NaiveDate};
use entity::booking::slot::{Column, Entity, Model};
use entity::booking::template;
use entity::{Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

/// Brings the slots ahead in step with what is offered on the days of each group's horizon. What is offered no longer
/// offers nothing more. Whoever holds a place for a time at which the centre
/// turns out to be closed is given another, or told; a mere change of templates touches nobody. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn open_slots(act: &Act) -> Result<Vec<Touched>> {
    let openings = Openings::load(&*act.tx, &act.centre, act.now.date() - LOOKING_BACK).await?;
    let ahead = keep_in_step(act, &openings).await?;
    let (touched, given_back) = rehouse(act, &openings, ahead).await?;
    if given_back {
        // What was given back is not offered again.
        keep_in_step(act, &openings).await?;
    }
    Ok(touched)
}

/// A slot ahead, and the places that are offered in it: fewer than are taken, where a desk was closed.
pub(super) struct Ahead {
    pub(super) slot: Model,
    pub(super) offered: (i32, i32),
}

/// One pass over the slots ahead; gives them as they stand afterwards, by time.
async fn keep_in_step(act: &Act, openings: &Openings) -> Result<Vec<Ahead>> {
    let mut wanted = wanted(act, openings).await?;
    let slots = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::StartsAt.gt(act.now))
        .order_by_asc(Column::StartsAt)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&*act.tx)
        .await?;
    let (mut ahead, mut changed) = (Vec::new(), HashMap::<_, Vec<Id>>::new());
    for mut slot in slots {
        let new = wanted.remove(&(slot.template_id, slot.starts_at));
        let offered = new.as_ref().map_or((0, 0), |new| (new.bookable, new.online));
        let places = (Ord::max(offered.0, slot.taken), Ord::max(offered.1, slot.taken_online));
        if (slot.bookable, slot.online) != places {
            changed.entry(offered).or_default().push(slot.id);
            (slot.bookable, slot.online) = places;
        }
        if new.is_some() || slot.taken > 0 {
            ahead.push(Ahead { slot, offered });
        }
    }
    for (places, slots) in changed {
        offer(act, &slots, places).await?;
    }
    // A booking keeps its time: no slot is opened over one that somebody holds by an older template.
    let overlaps =
        |a: &Model, b: &Model| a.group_id == b.group_id && a.starts_at < b.ends_at && b.starts_at < a.ends_at;
    let free = |new: &Model| !ahead.iter().any(|old| overlaps(new, &old.slot));
    let new: Vec<Model> = wanted.into_values().filter(free).collect();
    put(act, new.clone()).await?;
    ahead.extend(new.into_iter().map(|slot| Ahead { offered: (slot.bookable, slot.online), slot }));
    ahead.sort_unstable_by_key(|a| (a.slot.starts_at, a.slot.id));
    Ok(ahead)
}

/// The slots that are offered now, by template and start.
async fn wanted(act: &Act, openings: &Openings) -> Result<HashMap<(Id, Time), Model>> {
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let templates = &offer.templates;
    let today = act.now.date();
    let furthest = templates.iter().map(|t| t.horizon_days).max().unwrap_or(0);
    let mut wanted = HashMap::new();
    for day in today.iter_days().take(usize::try_from(furthest).unwrap_or(0) + 1) {
        let within = |t: &&template::Model| day <= today + Days::new(t.horizon_days.unsigned_abs().into());
        let slots = of_day(templates, day).into_iter().filter(within).flat_map(|t| of_template(act, openings, t, day));
        wanted.extend(slots.filter(|s| s.starts_at > act.now).map(|s| ((s.template_id, s.starts_at), s)));
    }
    Ok(wanted)
}

/// Opens the slots of days that are over, as the centre offers them now, and gives all from then on; for demonstrations,
/// which tell a past.
///
/// # Errors
/// Whatever the database says.
pub async fn open_past(act: &Act, from: NaiveDate) -> Result<Vec<Model>> {
    let openings = Openings::load(&*act.tx, &act.centre, from).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let days = from.iter_days().take_while(|day| *day <= act.now.date());
    let mut past = Vec::new();
    for day in days {
        past.extend(of_day(&offer.templates, day).into_iter().flat_map(|t| of_template(act, &openings, t, day)));
    }
    past.retain(|slot: &Model| slot.starts_at <= act.now);
    put(act, past).await?;
    let since = Entity::find().filter(Column::CentreId.eq(act.centre.id)).filter(Column::OnDate.gte(from));
    Ok(since.all(&*act.tx).await?)
}

/// Writes slots that are not there yet.
async fn put(act: &Act, slots: Vec<Model>) -> Result<()> {
    for part in slots.chunks(ROWS) {
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

/// The slots that a template opens on a day.
fn of_template(act: &Act, openings: &Openings, template: &template::Model, day: NaiveDate) -> Vec<Model> {
    let slot = |(minute, bookable, online): (i32, i32, i32)| Model {
        id: act.id(),
        centre_id: act.centre.id,
        group_id: template.group_id,
        template_id: template.id,
        on_date: day,
        starts_at: Time::at(day, minute),
        ends_at: Time::at(day, minute + template.minutes),
        online_until: Time::at(day, minute) - Duration::minutes(template.cut_off_minutes.into()),
        bookable,
        online,
        taken: 0,
        taken_online: 0,
    };
    openings.slots(template, day).into_iter().map(slot).collect()
}

/// Offers so many places in slots, at all and online, and never fewer than are taken.
async fn offer(act: &Act, slots: &[Id], (bookable, online): (i32, i32)) -> Result<()> {
    let at_least = |taken: Column, places: i32| {
        CaseStatement::new().case(Expr::col(taken).gt(places), Expr::col(taken)).finally(places)
    };
    for part in slots.chunks(500) {
        Entity::update_many()
            .col_expr(Column::Bookable, at_least(Column::Taken, bookable).into())
            .col_expr(Column::Online, at_least(Column::TakenOnline, online).into())
            .filter(Column::Id.is_in(part.iter().copied()))
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}
