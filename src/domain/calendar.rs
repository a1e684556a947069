//! The calendar (日历): which days are worked, and the day on which a number of working days is over.
//!
//! A day is worked if the State Council's arrangement says so, else if it is Monday to Friday. A deadline that rests on
//! a year without an official arrangement is provisional. So is one in the last week of a year while the next year's is
//! missing, because New Year's arrangement may reach back into it.

use crate::base::{Kind, Refusal, Result};
use crate::domain::published::Centre;
use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use entity::Time;
use entity::calendar::{day, year};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A day of a file that does not belong to its year, or that stands twice.
pub const BAD_HOLIDAYS: Refusal = Refusal::new(Kind::Invalid, "bad_holidays", "放假安排有误：{fault}");

/// A year's file of holidays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolidayFile {
    /// The year.
    pub year: i32,
    /// True for the State Council's arrangement.
    pub official: bool,
    /// Where it comes from.
    pub source: String,
    /// Days that differ from their weekday, or are named.
    pub days: Vec<HolidayFileDay>,
}

/// A day in a year's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolidayFileDay {
    /// The day.
    pub date: NaiveDate,
    /// True for a day off, false for one that is worked.
    pub off: bool,
    /// The holiday's name.
    pub name: String,
}

/// Replaces a year by what its file says. The faults of a file are all told at once.
///
/// # Errors
/// `bad_holidays` with every fault by row; nothing is changed then.
pub async fn import(db: &impl ConnectionTrait, now: Time, file: HolidayFile) -> Result<()> {
    let mut faults = Vec::new();
    for (row, day) in file.days.iter().enumerate() {
        if day.date.year() != file.year {
            faults.push(format!("第{}行 date {} 不在{}年内", row + 1, day.date, file.year));
        }
        if file.days[..row].iter().any(|d| d.date == day.date) {
            faults.push(format!("第{}行 date {} 重复", row + 1, day.date));
        }
    }
    if !faults.is_empty() {
        return Err(BAD_HOLIDAYS.with(&[("fault", &faults.join("；"))]).into());
    }
    day::Entity::delete_many().filter(day::Column::Year.eq(file.year)).exec(db).await?;
    year::Entity::delete_by_id(file.year).exec(db).await?;
    let row = year::Model { year: file.year, official: file.official, source: file.source, imported_at: now };
    year::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    let days = file
        .days
        .into_iter()
        .map(|d| day::Model { date: d.date, year: file.year, off: d.off, name: d.name }.into_active_model());
    day::Entity::insert_many(days).exec_without_returning(db).await?;
    Ok(())
}

/// The arrangements of all years that have been loaded.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    years: BTreeMap<i32, bool>,
    days: BTreeMap<NaiveDate, bool>,
}

/// A day as texts say it, such as `11月25日`.
#[must_use]
pub fn day_in_words(day: NaiveDate) -> String {
    day.format("%-m月%-d日").to_string()
}

/// A moment as texts say it, such as `11月25日 09:30`.
#[must_use]
pub fn moment_in_words(at: Time) -> String {
    at.local().format("%-m月%-d日 %H:%M").to_string()
}

/// The last day of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The day; the limit is passed from the next local midnight.
    pub on: NaiveDate,
    /// It may still move when an arrangement of holidays comes out.
    pub provisional: bool,
}

/// The calendar: some forty rows a year, read once an edition.
///
/// # Errors
/// Whatever the database says.
pub async fn of(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Calendar>> {
    centre.part(async |_| load(db).await).await
}

/// Reads the calendar anew.
///
/// # Errors
/// Whatever the database says.
pub async fn load(db: &impl ConnectionTrait) -> Result<Calendar> {
    let years = year::Entity::find().all(db).await?.into_iter().map(|y| (y.year, y.official)).collect();
    let days = day::Entity::find().all(db).await?.into_iter().map(|d| (d.date, d.off)).collect();
    Ok(Calendar { years, days })
}

impl Calendar {
    /// True when an arrangement of the year has been loaded, official or not.
    #[must_use]
    pub fn knows(&self, year: i32) -> bool {
        self.years.contains_key(&year)
    }

    /// True when the day is worked.
    #[must_use]
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        match self.days.get(&day) {
            Some(off) => !off,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// The `n`-th working day after `start`; `start` itself is day 0.
    #[must_use]
    pub fn add(&self, start: NaiveDate, n: u32) -> Deadline {
        let on = self.walk(start, n, |d| d.checked_add_days(Days::new(1)));
        let unofficial = (start.year()..=on.year()).any(|y| !self.is_official(y));
        let last_week = on.month() == 12 && on.day() >= 25 && !self.is_official(on.year() + 1);
        Deadline { on, provisional: unofficial || last_week }
    }

    /// How many working days lie from a day on, up to and without another.
    #[must_use]
    pub fn working_days(&self, from: NaiveDate, to: NaiveDate) -> u32 {
        let days = from.iter_days().take_while(|day| *day < to).filter(|day| self.is_working_day(*day));
        u32::try_from(days.count()).unwrap_or(u32::MAX)
    }

    /// The `n`-th working day before `end`.
    #[must_use]
    pub fn back(&self, end: NaiveDate, n: u32) -> NaiveDate {
        self.walk(end, n, |d| d.checked_sub_days(Days::new(1)))
    }

    /// True when the State Council's arrangement of a year has been loaded.
    #[must_use]
    pub fn is_official(&self, year: i32) -> bool {
        self.years.get(&year).copied().unwrap_or(false)
    }

    fn walk(&self, from: NaiveDate, n: u32, step: impl Fn(NaiveDate) -> Option<NaiveDate>) -> NaiveDate {
        let (mut day, mut left) = (from, n);
        while left > 0 {
            // The end of chrono's calendar, a quarter of a million years off, ends the walk.
            let Some(next) = step(day) else { return day };
            day = next;
            left -= u32::from(self.is_working_day(day));
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    fn shipped() -> Calendar {
        let mut calendar = Calendar::default();
        for text in [
            include_str!("../../seed/holidays/2025.json"),
            include_str!("../../seed/holidays/2026.json"),
            include_str!("../../seed/holidays/2027.json"),
        ] {
            let file: HolidayFile = serde_json::from_str(text).unwrap();
            calendar.years.insert(file.year, file.official);
            calendar.days.extend(file.days.into_iter().map(|d| (d.date, d.off)));
        }
        calendar
    }

    #[test]
    fn both_official_years_have_248_working_days() {
        let calendar = shipped();
        for year in [2025, 2026] {
            let days = day(year, 1, 1).iter_days().take_while(|d| d.year() == year);
            assert_eq!(days.filter(|d| calendar.is_working_day(*d)).count(), 248, "{year}");
        }
        for worked in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)] {
            assert!(calendar.is_working_day(day(2026, worked.0, worked.1)), "{worked:?} is a make-up day");
        }
    }

    #[test]
    fn a_limit_over_national_day_counts_the_make_up_saturday() {
        let deadline = shipped().add(day(2026, 9, 30), 3);
        assert_eq!(deadline, Deadline { on: day(2026, 10, 10), provisional: false });
    }

    #[test]
    fn what_rests_on_an_unofficial_year_is_provisional() {
        let calendar = shipped();
        assert!(!calendar.add(day(2026, 12, 21), 3).provisional, "24 December");
        assert!(calendar.add(day(2026, 12, 21), 4).provisional, "25 December");
        assert!(calendar.add(day(2026, 12, 31), 1).provisional, "2027 is computed, not arranged");
        assert!(calendar.add(day(2031, 5, 6), 1).provisional, "a year without a file");
        let mut official = calendar;
        official.years.insert(2027, true);
        assert!(!official.add(day(2026, 12, 21), 4).provisional);
    }

    proptest! {
        #[test]
        fn forward_then_back_is_the_identity(offset in 0u64..1500, n in 1u32..120) {
            let calendar = shipped();
            let mut start = day(2024, 6, 1) + Days::new(offset);
            while !calendar.is_working_day(start) {
                start = start + Days::new(1);
            }
            let end = calendar.add(start, n).on;
            prop_assert!(calendar.is_working_day(end));
            prop_assert!(end > start);
            prop_assert_eq!(calendar.back(end, n), start);
            let between = start.iter_days().skip(1).take_while(|d| *d <= end).filter(|d| calendar.is_working_day(*d));
            prop_assert_eq!(between.count(), n as usize);
        }
    }
}
