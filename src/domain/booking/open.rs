//! Opening (放号): what each desk group offers on the days ahead, kept in step with templates, hours and calendar.

use super::offer::templates;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::{self, Calendar};
use crate::domain::centre::{self, Hours};
use chrono::{Days, Duration, NaiveDate};
use entity::booking::slot::{Column, Entity, Model};
use entity::booking::template;
use entity::centre::HoursKind;
use entity::{Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use std::collections::HashMap;

/// When the hall receives people: calendar and hours, as they stand now.
pub(super) struct Openings {
    calendar: Calendar,
    hours: Hours,
}

impl Openings {
    pub(super) async fn load(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let hours = centre::hours(db, centre, HoursKind::Window).await?;
        Ok(Self { calendar: calendar::load(db).await?, hours })
    }

    /// The hours of a day, as minutes past midnight.
    fn of(&self, day: NaiveDate) -> Vec<(i32, i32)> {
        if self.calendar.is_working_day(day) { self.hours.on(day) } else { Vec::new() }
    }

    /// True when the hall is open without a break from one moment of a day to another.
    pub(super) fn have(&self, from: Time, to: Time) -> bool {
        let day = from.date();
        let within = |(opens, closes): &(i32, i32)| Time::at(day, *opens) <= from && to <= Time::at(day, *closes);
        self.of(day).iter().any(within)
    }
}

/// Brings the slots ahead in step with what is offered on the working days of each group's horizon. What is offered no longer
/// is gone where nobody ever took it, and offers nothing more where somebody has. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn open_slots(act: &Act) -> Result<()> {
    let mut wanted = wanted(act).await?;
    let ahead = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::StartsAt.gt(act.now))
        .order_by_asc(Column::StartsAt)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&*act.tx)
        .await?;
    let (mut changed, mut gone, mut kept) = (HashMap::<_, Vec<Id>>::new(), Vec::new(), Vec::new());
    for old in ahead {
        let new = wanted.remove(&(old.template_id, old.starts_at));
        let places = new.as_ref().map_or((0, 0), |new| (new.bookable, new.online));
        if (old.bookable, old.online) != (Ord::max(places.0, old.taken), Ord::max(places.1, old.taken_online)) {
            changed.entry(places).or_default().push(old.id);
        }
        match new {
            None if old.taken == 0 => gone.push(old.id),
            None => kept.push(old),
            Some(_) => {}
        }
    }
    for (places, slots) in changed {
        offer(act, &slots, places).await?;
    }
    drop_unnamed(act, &gone).await?;
    // A booking keeps its time: no slot is opened over one that somebody holds by an older template.
    let overlaps =
        |a: &Model, b: &Model| a.group_id == b.group_id && a.starts_at < b.ends_at && b.starts_at < a.ends_at;
    let mut new: Vec<Model> = wanted.into_values().filter(|new| !kept.iter().any(|old| overlaps(new, old))).collect();
    new.sort_unstable_by_key(|s| (s.starts_at, s.id));
    for part in new.chunks(500) {
        let rows = part.iter().cloned().map(|s| s.into_active_model());
        Entity::insert_many(rows)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*act.tx)
            .await?;
    }
    Ok(())
}

/// The slots that are offered now, by template and start.
async fn wanted(act: &Act) -> Result<HashMap<(Id, Time), Model>> {
    let openings = Openings::load(&*act.tx, act.centre.id).await?;
    let templates = templates(&*act.tx, act.centre.id).await?;
    let today = act.now.date();
    let furthest = templates.iter().map(|t| t.horizon_days).max().unwrap_or(0);
    let mut wanted = HashMap::new();
    for day in today.iter_days().take(usize::try_from(furthest).unwrap_or(0) + 1) {
        let hours = openings.of(day);
        for template in of_day(&templates, day) {
            if day <= today + Days::new(template.horizon_days.unsigned_abs().into()) {
                let slots = of_template(act, template, day, &hours).filter(|s| s.starts_at > act.now);
                wanted.extend(slots.map(|slot| ((slot.template_id, slot.starts_at), slot)));
            }
        }
    }
    Ok(wanted)
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

fn of_template(
    act: &Act,
    template: &template::Model,
    day: NaiveDate,
    hours: &[(i32, i32)],
) -> impl Iterator<Item = Model> {
    let length = template.minutes;
    let bookable = template.capacity - template.walk_in;
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
        online: bookable - template.elder,
        taken: 0,
        taken_online: 0,
    })
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

/// Takes slots away, but for those that a booking names: it names them for ever.
async fn drop_unnamed(act: &Act, slots: &[Id]) -> Result<()> {
    let named = entity::booking::Entity::find()
        .select_only()
        .column(entity::booking::Column::SlotId)
        .filter(entity::booking::Column::CentreId.eq(act.centre.id))
        .filter(entity::booking::Column::OnDate.gte(act.now.date()))
        .into_query();
    for part in slots.chunks(500) {
        Entity::delete_many()
            .filter(Column::Id.is_in(part.iter().copied()))
            .filter(Column::Id.not_in_subquery(named.clone()))
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}
