//! Openings (开放时间): when each desk group receives people, by calendar, hours, closures and what makes up for them.

use super::offer::Offer;
use crate::base::error::Result;
use crate::domain::calendar::{self, Calendar};
use crate::domain::centre::{self, Hours};
use crate::domain::published::Centre;
use chrono::{Days, NaiveDate};
use entity::booking::template;
use entity::centre::HoursKind;
use entity::closure::{self, Model as Closure, make_up};
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::collections::HashMap;
use std::sync::Arc;

/// Days for which a closure can be entered afterwards.
pub(super) const LOOKING_BACK: Days = Days::new(31);

/// When each desk group receives people, as things stand now.
pub(super) struct Openings {
    calendar: Arc<Calendar>,
    hours: Hours,
    closures: Vec<Closure>,
    make_ups: Vec<make_up::Model>,
    /// The branch of each group.
    branches: HashMap<Id, Id>,
    /// The group of each desk in use.
    desks: HashMap<Id, Id>,
}

impl Openings {
    /// Reads what bears on a day and those after it.
    pub(super) async fn load(db: &impl ConnectionTrait, centre: &Centre, from: NaiveDate) -> Result<Self> {
        use make_up::Column as M;
        let closures = closure::Entity::find()
            .filter(closure::Column::CentreId.eq(centre.id))
            .filter(closure::Column::OnDate.gte(from))
            .filter(closure::Column::ReopenedAt.is_null())
            .order_by_asc(closure::Column::At);
        let closures = closures.all(db).await?;
        let make_ups = make_up::Entity::find()
            .filter(M::CentreId.eq(centre.id))
            .filter(M::OnDate.gte(from))
            .order_by_asc(M::FromMinute)
            .all(db)
            .await?;
        let offer = Offer::of(db, centre).await?;
        Ok(Self {
            calendar: calendar::of(db, centre).await?,
            hours: centre::hours(db, centre.id, HoursKind::Window).await?,
            closures,
            make_ups,
            branches: offer.groups.iter().map(|g| (g.id, g.branch_id)).collect(),
            desks: offer.desks.iter().map(|d| (d.id, d.group_id)).collect(),
        })
    }

    /// The ordinary hours of a day, as minutes past midnight.
    pub(super) fn hours_of(&self, day: NaiveDate) -> Vec<(i32, i32)> {
        if self.calendar.is_working_day(day) { self.hours.on(day) } else { Vec::new() }
    }

    fn make_ups_of(&self, group: Id, day: NaiveDate) -> impl Iterator<Item = &make_up::Model> {
        self.make_ups.iter().filter(move |m| m.group_id == group && m.on_date == day)
    }

    /// The closure that shuts a group between two moments, or a part of that time.
    pub(super) fn closure(&self, group: Id, from: Time, to: Time) -> Option<&Closure> {
        let branch = self.branches.get(&group);
        let shuts = |c: &&Closure| c.desk_id.is_none() && (c.branch_id.is_none() || c.branch_id.as_ref() == branch);
        self.closures.iter().filter(shuts).find(|c| overlaps(c, from, to))
    }

    /// The closure of one of a group's desks between two moments.
    pub(super) fn desk_closure(&self, group: Id, from: Time, to: Time) -> Option<&Closure> {
        let of_group = |c: &&Closure| c.desk_id.and_then(|desk| self.desks.get(&desk)) == Some(&group);
        self.closures.iter().filter(of_group).find(|c| overlaps(c, from, to))
    }

    /// True when a group receives people from one moment of a day to another, without a break.
    pub(super) fn have(&self, group: Id, from: Time, to: Time) -> bool {
        let day = from.date();
        let made_up = self.make_ups_of(group, day).map(|m| (m.from_minute, m.to_minute));
        let mut spans = self.hours_of(day).into_iter().chain(made_up);
        let within = |(opens, closes): (i32, i32)| Time::at(day, opens) <= from && to <= Time::at(day, closes);
        spans.any(within) && self.closure(group, from, to).is_none()
    }

    /// True when a group receives people at some time between two moments of a day.
    pub(super) fn receives_within(&self, group: Id, from: Time, to: Time) -> bool {
        let day = from.date();
        let made_up = self.make_ups_of(group, day).map(|m| (m.from_minute, m.to_minute));
        let mut spans = self.hours_of(day).into_iter().chain(made_up);
        spans.any(|(opens, closes)| Time::at(day, opens) < to && from < Time::at(day, closes))
    }

    /// The slots that a template opens on a day: their first minute, and the places at all and online.
    pub(super) fn slots(&self, template: &template::Model, day: NaiveDate) -> Vec<(i32, i32, i32)> {
        let (group, length) = (template.group_id, template.minutes);
        let step = usize::try_from(length).unwrap_or(1);
        let starts = |(opens, closes): (i32, i32)| (opens..=closes - length).step_by(step);
        let mut slots: Vec<(i32, bool)> = self.hours_of(day).into_iter().flat_map(starts).map(|s| (s, true)).collect();
        for made_up in self.make_ups_of(group, day) {
            for start in starts((made_up.from_minute, made_up.to_minute)) {
                if slots.iter().all(|(other, _)| start + length <= *other || other + length <= start) {
                    slots.push((start, false));
                }
            }
        }
        let offered = |(start, ordinary): (i32, bool)| {
            let (from, to) = (Time::at(day, start), Time::at(day, start + length));
            if self.closure(group, from, to).is_some() {
                return None;
            }
            let within = |m: &&make_up::Model| m.from_minute <= start && start + length <= m.to_minute;
            let more: i32 = self.make_ups_of(group, day).filter(within).map(|m| m.places).sum();
            let (bookable, online) = if ordinary { self.places(template, from, to) } else { (0, 0) };
            Some((start, bookable + more, online + more))
        };
        slots.into_iter().filter_map(offered).collect()
    }

    /// Places that a template offers between two moments, at all and online: fewer, where desks of the group are closed.
    fn places(&self, template: &template::Model, from: Time, to: Time) -> (i32, i32) {
        let mine: Vec<Id> =
            self.desks.iter().filter(|(_, g)| **g == template.group_id).map(|(desk, _)| *desk).collect();
        let closed =
            |desk: &&Id| self.closures.iter().any(|c| c.desk_id.as_ref() == Some(*desk) && overlaps(c, from, to));
        let (all, shut) = (mine.len(), mine.iter().filter(closed).count());
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let capacity = if shut == 0 { template.capacity } else { template.capacity * count(all - shut) / count(all) };
        let bookable = Ord::max(capacity - template.walk_in, 0);
        (bookable, Ord::max(bookable - template.elder, 0))
    }
}

/// True when a group receives people at some time between a moment and the end of its day.
///
/// # Errors
/// Whatever the database says.
pub async fn receives_today(db: &impl ConnectionTrait, centre: &Centre, group: Id, now: Time) -> Result<bool> {
    let openings = Openings::load(db, centre, now.date()).await?;
    let mut minutes = now.minute()..24 * 60;
    Ok(minutes.any(|m| openings.have(group, Time::at(now.date(), m), Time::at(now.date(), m + 1))))
}

fn overlaps(closure: &Closure, from: Time, to: Time) -> bool {
    Time::at(closure.on_date, closure.from_minute) < to && from < Time::at(closure.on_date, closure.to_minute)
}
