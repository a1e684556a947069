//! Drawing a plan from a seed: the days, who comes on them, and how.

use super::course::course;
use super::dice::Dice;
use super::people::{Resident, residents};
use super::plan::{Booked, Day, Fate, NIGHT, Plan, Scale, Shift, Visit};
use crate::base::Random;
use crate::base::error::Result;
use crate::domain::booking::{self, Offer};
use crate::domain::calendar::{self, Calendar};
use crate::domain::guide::{self, Guide, Wanted};
use crate::domain::identity::staff;
use crate::domain::{Act, StaffMember};
use chrono::{Datelike as _, Days, Duration, NaiveDate};
use entity::applicant::ApplicantKind;
use entity::booking::slot;
use entity::identity::Role;
use entity::{Id, Time};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Minutes past midnight between which people come.
const COMING: Range<i32> = 9 * 60..17 * 60;
/// Days for which nobody misses twice, so that nobody is closed out.
const FORGIVEN: Duration = Duration::days(62);
/// What every second comes for.
const OFTEN: [&str; 6] = ["SB-01", "SB-03", "SB-06", "WJ-01", "MZ-03", "MZ-06"];
/// Days ahead at most for which people book.
const AHEAD: usize = 5;
/// Of a hundred who come, so many would book.
const BOOKED: usize = 25;
/// Minutes after the start of his slot at which somebody comes, at the latest.
const LATEST: i32 = 12;
/// After so long a place that was given back has cooled down.
const COOLED: Duration = Duration::hours(1);

impl Plan {
    /// Draws a story that begins on a day; the slots of its past are opened for it.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn draw(act: &Act, random: &Random, scale: Scale, from: NaiveDate) -> Result<Self> {
        let mut stage = Stage::set(act, Dice(random), scale, from).await?;
        let (calendar, today) = (Arc::clone(&stage.calendar), act.now.date());
        let working = |day: &NaiveDate| calendar.is_working_day(*day);
        let begun: Vec<NaiveDate> = from.iter_days().take_while(|d| *d <= today).filter(working).collect();
        let busy: Vec<usize> = begun.iter().map(|day| stage.business(*day)).collect();
        let all = busy.iter().sum::<usize>().max(1);
        let (mut days, mut before, mut told) = (Vec::with_capacity(begun.len()), 0, 0);
        for (day, busy) in begun.iter().zip(busy) {
            before += busy;
            let cases = scale.cases * before / all - told;
            told += cases;
            days.push(stage.day(*day, cases));
        }
        let usual = scale.cases / begun.len().max(1);
        for on in today.iter_days().take(AHEAD + 1).filter(working) {
            let wishes = (usual * (100 - stage.elapsed(on)) * BOOKED).div_ceil(10_000);
            let ahead = (0..wishes).filter_map(|_| stage.ahead(on)).collect::<Vec<_>>();
            match days.last_mut().filter(|day| day.on == on) {
                Some(today) => today.visits.extend(ahead),
                None => days.push(Day { on, shifts: Vec::new(), visits: ahead }),
            }
        }
        Ok(Self { from, residents: stage.residents, staff: stage.staff, slots: stage.slots, days })
    }
}

/// What a story is drawn from.
pub(super) struct Stage<'r> {
    pub(super) dice: Dice<'r>,
    pub(super) calendar: Arc<Calendar>,
    pub(super) now: Time,
    staff: Vec<Arc<StaffMember>>,
    attending: HashSet<Id>,
    guides: Vec<Arc<Guide>>,
    /// What every second comes for.
    often: Vec<Arc<Guide>>,
    offer: Arc<Offer>,
    /// By group, template and time.
    slots: Vec<slot::Model>,
    /// Where the slots of a group's day are.
    of_day: HashMap<(Id, NaiveDate), Range<usize>>,
    /// Places taken online, also of those that were given back: they are not taken again.
    taken: Vec<i32>,
    residents: Vec<Resident>,
    /// By account, the last day that it booked for, and the last on which nobody came.
    accounts: HashMap<usize, (NaiveDate, Option<NaiveDate>)>,
}

impl<'r> Stage<'r> {
    async fn set(act: &Act, dice: Dice<'r>, scale: Scale, from: NaiveDate) -> Result<Self> {
        let people = staff::all(&*act.tx, act.centre.id).await?;
        let attending = people.iter().filter(|s| s.attends).map(|s| s.id).collect();
        let member = |s: entity::identity::staff::Model| {
            let (roles, device) = (s.roles(), act.blind("device", &s.username));
            Arc::new(StaffMember { id: s.id, name: s.name, roles, office: s.office_id, device })
        };
        let for_them = Wanted { audience: Some(ApplicantKind::Person), ..Wanted::default() };
        let guides = guide::list(&*act.tx, &act.centre, for_them).await?;
        let often = guides.iter().filter(|g| OFTEN.contains(&g.row.code.as_str())).cloned().collect();
        let mut slots = booking::open_past(act, from).await?;
        slots.sort_unstable_by_key(|s| (s.group_id, s.template_id, s.starts_at));
        let mut of_day: HashMap<(Id, NaiveDate), Range<usize>> = HashMap::new();
        for (n, slot) in slots.iter().enumerate() {
            of_day.entry((slot.group_id, slot.on_date)).or_insert(n..n).end = n + 1;
        }
        Ok(Self {
            dice,
            calendar: calendar::of(&*act.tx, &act.centre).await?,
            now: act.now,
            staff: people.into_iter().map(member).collect(),
            attending,
            guides,
            often,
            offer: Offer::of(&*act.tx, &act.centre).await?,
            of_day,
            taken: slots.iter().map(|s| s.taken_online).collect(),
            slots,
            residents: residents(dice, scale.residents.max(1)),
            accounts: HashMap::new(),
        })
    }

    /// How busy a day is: twice as much on market days (逢一、四、七赶场), and today as far as it has gone.
    fn business(&self, day: NaiveDate) -> usize {
        let market = if matches!(day.day() % 10, 1 | 4 | 7) { 2 } else { 1 };
        market * (85 + self.dice.up_to(30)) * self.elapsed(day)
    }

    /// How many of a hundred who come on a day have come.
    fn elapsed(&self, day: NaiveDate) -> usize {
        if day != self.now.date() {
            return if day < self.now.date() { 100 } else { 0 };
        }
        let now = self.now.minute().clamp(COMING.start, COMING.end);
        usize::try_from((now - COMING.start) * 100 / (COMING.end - COMING.start)).unwrap_or(0)
    }

    /// A day that has begun.
    fn day(&mut self, on: NaiveDate, cases: usize) -> Day {
        let shifts = self.shifts(on);
        let mut visits: Vec<Visit> = (0..cases).map(|_| self.comes(on)).collect();
        for _ in 0..self.dice.up_to(cases / 10 + 1) {
            visits.extend(self.stays_away(on));
        }
        visits.sort_by_key(|v| v.course.as_ref().map(|c| c.received));
        Day { on, shifts, visits }
    }

    /// Staff come, mostly in time, and leave.
    fn shifts(&self, on: NaiveDate) -> Vec<Shift> {
        let dice = self.dice;
        let mut shifts = Vec::new();
        for (begins, ends) in [(9 * 60, 12 * 60), (14 * 60, 18 * 60)] {
            for staff in self.staff.iter().filter(|s| self.attending.contains(&s.id)) {
                let minute = match dice.between(1, 100) {
                    1..=2 => continue,
                    3..=6 => begins + dice.between(3, 25),
                    _ => begins - dice.between(1, 18),
                };
                let came = Time::at(on, minute) + Duration::seconds(dice.between(0, 59).into());
                let left = Time::at(on, ends + dice.between(-2, 12));
                let left = Some(left).filter(|left| dice.chance(92) && *left <= self.now);
                if came <= self.now {
                    shifts.push(Shift { staff: Arc::clone(staff), came, left });
                }
            }
        }
        shifts
    }

    /// Somebody who comes: one in four by a booking, where there is a place.
    fn comes(&mut self, on: NaiveDate) -> Visit {
        let (guide, now) = (self.guide(), self.now);
        let latest = Duration::minutes(LATEST.into());
        let booked =
            if self.dice.chance(BOOKED) { self.book(on, &guide, |slot| slot.starts_at + latest <= now) } else { None };
        if let Some((who, booked)) = booked {
            let starts_at = self.slots[booked.slots.start].starts_at;
            let came = starts_at + Duration::minutes(self.dice.between(-8, LATEST).into());
            let course = Some(course(self, came, &guide));
            return Visit { who, guide, booked: Some(booked), course };
        }
        let who = self.dice.up_to(self.residents.len() - 1);
        let course = Some(course(self, self.arrival(on), &guide));
        Visit { who, guide, booked: None, course }
    }

    /// Somebody who had booked, and does not come: he gives it up before, or nobody comes.
    fn stays_away(&mut self, on: NaiveDate) -> Option<Visit> {
        let (guide, now) = (self.guide(), self.now);
        let (who, mut booked) = self.book(on, &guide, |slot| slot.starts_at <= now)?;
        let cancelled = self.slots[booked.slots.start].starts_at - Duration::hours(self.dice.between(3, 12).into());
        let account = self.accounts.entry(booked.by).or_insert((on, None));
        if self.dice.chance(50) && account.1.is_none_or(|last| on - last > FORGIVEN) {
            account.1 = Some(on);
            let marked = Time::at(self.calendar.add(on, 1).on, NIGHT);
            booked.fate = Fate::Missed(Some(marked).filter(|at| *at <= now));
        } else if cancelled > booked.at && cancelled <= now - COOLED {
            booked.fate = Fate::Cancelled(cancelled);
            self.give_back(&booked.slots);
        } else {
            self.give_back(&booked.slots);
            return None;
        }
        Some(Visit { who, guide, booked: Some(booked), course: None })
    }

    /// Somebody who has booked for a time that is ahead.
    fn ahead(&mut self, on: NaiveDate) -> Option<Visit> {
        let (guide, now) = (self.guide(), self.now);
        let (who, booked) = self.book(on, &guide, |slot| slot.starts_at > now)?;
        Some(Visit { who, guide, booked: Some(Booked { fate: Fate::Ahead, ..booked }), course: None })
    }

    /// Takes a place on a day, for whoever is found that may: himself, or in one of four cases one of his family.
    fn book(&mut self, on: NaiveDate, guide: &Guide, fits: impl Fn(&slot::Model) -> bool) -> Option<(usize, Booked)> {
        let dice = self.dice;
        let at = Time::at(on - Days::new(1 + dice.up_to(AHEAD - 1) as u64), dice.between(7 * 60, 21 * 60));
        let service = self.offer.service(guide.row.id).filter(|_| at <= self.now)?;
        let length = usize::try_from(service.slots).ok()?;
        let mut day = self.of_day.get(&(service.group_id, on))?.clone();
        day.end = (day.end + 1).checked_sub(length)?;
        let free = |n: usize| self.taken[n] < self.slots[n].online;
        let whole = |first: &usize| {
            let span = *first..first + length;
            let follows = self.slots[span.clone()].windows(2).all(|s| s[0].ends_at == s[1].starts_at);
            follows && fits(&self.slots[*first]) && span.into_iter().all(free)
        };
        let places: Vec<usize> = day.filter(whole).collect();
        let may = |by: &usize| {
            let held = self.accounts.get(by).is_some_and(|(last, _)| *last >= at.date());
            self.residents[*by].applicant.phone.is_some() && !held
        };
        let by = (0..8).map(|_| dice.up_to(self.residents.len() - 1)).find(may)?;
        if places.is_empty() {
            return None;
        }
        let first = *dice.one_of(&places);
        let slots = first..first + length;
        for n in slots.clone() {
            self.taken[n] += 1;
            self.slots[n].taken += 1;
            self.slots[n].taken_online += 1;
        }
        let missed = self.accounts.get(&by).and_then(|(_, missed)| *missed);
        self.accounts.insert(by, (on, missed));
        let family = self.residents[by].family.clone();
        let who = if dice.chance(25) { family.start + dice.up_to(family.len() - 1) } else { by };
        Some((who, Booked { at, by, slots, fate: Fate::Came }))
    }

    fn give_back(&mut self, slots: &Range<usize>) {
        for slot in &mut self.slots[slots.clone()] {
            slot.taken -= 1;
            slot.taken_online -= 1;
        }
    }

    /// A moment when people come: mornings most, hardly anybody around noon; today it has passed.
    fn arrival(&self, day: NaiveDate) -> Time {
        let (from, to) = match self.dice.between(1, 100) {
            1..=55 => (COMING.start, 11 * 60),
            56..=68 => (11 * 60, 12 * 60 - 10),
            69..=70 => (12 * 60 - 9, 12 * 60 - 1),
            71..=92 => (14 * 60, 16 * 60),
            _ => (16 * 60, COMING.end),
        };
        let at = Time::at(day, 0) + Duration::seconds(self.dice.between(from * 60, to * 60 - 1).into());
        if at <= self.now {
            return at;
        }
        let gone = i32::try_from((self.now - Time::at(day, COMING.start)).num_seconds()).unwrap_or(0);
        Time::at(day, COMING.start) + Duration::seconds(self.dice.between(0, gone.max(0)).into())
    }

    /// Registrations come daily, felling permits rarely.
    fn guide(&self) -> Arc<Guide> {
        let often = self.dice.chance(55) && !self.often.is_empty();
        Arc::clone(self.dice.one_of(if often { &self.often } else { &self.guides }))
    }

    /// Somebody of a role, of an office if one is named.
    pub(super) fn staff_of(&self, role: Role, office: Option<Id>) -> Arc<StaffMember> {
        let fits = |s: &&Arc<StaffMember>| s.roles.contains(&role) && (office.is_none() || s.office == office);
        let several: Vec<Arc<StaffMember>> = self.staff.iter().filter(fits).cloned().collect();
        if several.is_empty() {
            // An office without seconded staff: the chief representative acts for it (article 4.2).
            let chief = self.staff.iter().find(|s| s.roles.contains(&Role::Director));
            return Arc::clone(chief.unwrap_or(&self.staff[0]));
        }
        Arc::clone(self.dice.one_of(&several))
    }
}
