//! The one form of time at the door of both databases.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};

/// Beijing time, which every rule of the centre is read in. China has kept this offset without
/// summer time since 1992, so no time zone database is needed.
pub const BEIJING: FixedOffset = match FixedOffset::east_opt(8 * 3600) {
    Some(offset) => offset,
    None => unreachable!(),
};

/// A moment as milliseconds since 1970-01-01T00:00Z.
///
/// Both databases store it as a 64-bit integer, so that neither's date functions, time zones or
/// `now()` can disagree with the other's.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
)]
pub struct Time(pub i64);

impl Time {
    /// The moment at which `date` reads `minute` minutes past local midnight (0..1440 and beyond).
    #[must_use]
    pub fn at(date: NaiveDate, minute: i32) -> Self {
        let midnight = date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        Self(midnight - i64::from(BEIJING.local_minus_utc()) * 1000 + i64::from(minute) * 60_000)
    }

    /// The same moment as Beijing shows it.
    #[must_use]
    pub fn local(self) -> DateTime<FixedOffset> {
        // Milliseconds outside chrono's range (±262,000 years) cannot come from a clock; they read as the epoch.
        Utc.timestamp_millis_opt(self.0).single().unwrap_or_default().with_timezone(&BEIJING)
    }

    /// The Beijing date, stored beside a fact as `on_date` so that grouping needs no database function.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.local().date_naive()
    }

    /// Minutes past Beijing midnight, 0..1440.
    #[must_use]
    pub fn minute(self) -> i32 {
        i32::try_from(self.local().num_seconds_from_midnight() / 60).unwrap_or(0)
    }

    /// Whole seconds since the epoch, as tokens count them.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.num_milliseconds()))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by.num_milliseconds()))
    }
}

impl Sub for Time {
    type Output = Duration;
    fn sub(self, other: Self) -> Duration {
        Duration::milliseconds(self.0.saturating_sub(other.0))
    }
}

impl From<DateTime<FixedOffset>> for Time {
    fn from(value: DateTime<FixedOffset>) -> Self {
        Self(value.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_midnight_is_four_in_the_afternoon_before_in_utc() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap_or_default();
        assert_eq!(Time::at(date, 0).local().to_rfc3339(), "2026-11-24T00:00:00+08:00");
        assert_eq!(Time::at(date, 540).minute(), 540);
        assert_eq!((Time::at(date, 0) - Duration::milliseconds(1)).date(), date.pred_opt().unwrap_or_default());
    }
}
