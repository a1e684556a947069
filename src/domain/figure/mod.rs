//! Figures (指标): named, versioned counts of a month as of a frozen moment.
//!
//! Each figure is made from its rows, so it cannot say another number than they do, and opens to them. Only facts recorded
//! up to `frozen_at` count: a month that was signed opens to the same rows for ever, and what comes in late shows in a
//! later figure, not in this one. A ratio is a pair of integers; a zero denominator is a dash, never 100 %.

use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::{Datelike as _, Months, NaiveDate};
use entity::{Id, Time};
use sea_orm::ConnectionTrait;

mod attendance;
mod bookings;
mod cases;
mod matters;
mod reviews;

/// Not a month such as 2026-10.
pub const BAD_PERIOD: Refusal = Refusal::new(Kind::Invalid, "bad_period", "通报月份应写成 2026-10 的形式。");
/// No figure has this key.
pub const UNKNOWN_FIGURE: Refusal = Refusal::new(Kind::Missing, "unknown_figure", "没有这个指标。");

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    first: NaiveDate,
    next: NaiveDate,
}

impl Month {
    /// Reads `2026-10`.
    ///
    /// # Errors
    /// `bad_period`.
    pub fn parse(text: &str) -> Result<Self> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok();
        let first = first.filter(|d| text.len() == 7 && (2000..=2999).contains(&d.year()));
        let next = first.and_then(|d| d.checked_add_months(Months::new(1)));
        first.zip(next).map(|(first, next)| Self { first, next }).ok_or_else(|| BAD_PERIOD.on("period").into())
    }

    /// The month of a day.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        let first = day.with_day(1).unwrap_or(day);
        Self { first, next: first.checked_add_months(Months::new(1)).unwrap_or(first) }
    }

    /// The month before.
    #[must_use]
    pub fn before(self) -> Self {
        Self::of(self.first.pred_opt().unwrap_or(self.first))
    }

    /// `2026-10`.
    #[must_use]
    pub fn word(self) -> String {
        self.first.format("%Y-%m").to_string()
    }

    /// Its first moment.
    #[must_use]
    pub fn begins(self) -> Time {
        Time::at(self.first, 0)
    }

    /// The first moment after it.
    #[must_use]
    pub fn ends(self) -> Time {
        Time::at(self.next, 0)
    }

    fn has(self, day: NaiveDate) -> bool {
        (self.first..self.next).contains(&day)
    }

    fn last(self) -> NaiveDate {
        self.next.pred_opt().unwrap_or(self.next)
    }
}

/// One row a figure rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is: a case's or booking's number, a person's session; nothing where that is not published.
    pub reference: Option<String>,
    /// The day it counts for; nothing where that is not published.
    pub on: Option<NaiveDate>,
    /// It is in the numerator; every row of a ratio is in the denominator.
    pub counted: bool,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Stable key, such as `ended_in_time` or `received.MZ`.
    pub key: String,
    /// Raised when its meaning changes; a signed month's body names the version it was counted by.
    pub version: u32,
    /// Its name in the bulletin.
    pub title: String,
    /// How it is counted, in one sentence.
    pub meaning: &'static str,
    /// The article that asks for it.
    pub article: &'static str,
    /// It is a ratio, not a count.
    pub is_ratio: bool,
    /// Its rows would tell who it was: a member of staff, or which case was rated.
    pub is_personal: bool,
    /// Its rows are named to nobody before the month is signed: from one draft to the next they would show which case was rated since,
    /// and how, and whoever drafts may have had a hand in it.
    pub is_held_back: bool,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Figure {
    fn personal(self) -> Self {
        Self { is_personal: true, ..self }
    }

    fn held_back(self) -> Self {
        Self { is_personal: true, is_held_back: true, ..self }
    }

    /// The figure as everybody may open it: of people, how many and no more. A day beside another figure's would tell which
    /// case was rated badly, and the order of a list who was absent.
    #[must_use]
    pub fn published(mut self) -> Self {
        if self.is_personal {
            self.rows.iter_mut().for_each(|r| (r.reference, r.on) = (None, None));
            self.rows.sort_unstable_by_key(|r| r.counted);
        }
        self
    }

    /// Rows that count.
    #[must_use]
    pub fn numerator(&self) -> i64 {
        i64::try_from(self.rows.iter().filter(|r| r.counted).count()).unwrap_or(i64::MAX)
    }

    /// All rows, for a ratio.
    #[must_use]
    pub fn denominator(&self) -> Option<i64> {
        self.is_ratio.then(|| i64::try_from(self.rows.len()).unwrap_or(i64::MAX))
    }
}

/// A ratio or count as people read it: `97.4%`, `12`, or a dash where there was nothing to count.
#[must_use]
pub fn in_words(numerator: i64, denominator: Option<i64>) -> String {
    match denominator {
        None => numerator.to_string(),
        Some(0) => "—".to_owned(),
        Some(d) => {
            // Rounded half up to a tenth of a percent, and never up to 100 % while one row is missing.
            let tenths = (numerator * 2000 + d) / (2 * d);
            let tenths = if numerator < d { Ord::min(tenths, 999) } else { tenths };
            format!("{}.{}%", tenths / 10, tenths % 10)
        }
    }
}

/// All figures of a month, as of a moment.
///
/// # Errors
/// Whatever the database says.
pub async fn month(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time) -> Result<Vec<Figure>> {
    let mut figures = cases::of_cases(db, centre, month, frozen_at).await?;
    figures.extend(reviews::of_reviews(db, centre, month, frozen_at).await?);
    figures.extend(bookings::of_bookings(db, centre, month, frozen_at).await?);
    figures.extend(attendance::of_attendance(db, centre, month, frozen_at).await?);
    figures.extend(matters::of_matters(db, centre, month, frozen_at).await?);
    Ok(figures)
}

/// One figure of a month, as of a moment: only its family is counted.
///
/// # Errors
/// `unknown_figure`; whatever the database says.
pub async fn one(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time, key: &str) -> Result<Figure> {
    let family = match key {
        "rated" | "good" | "bad" => reviews::of_reviews(db, centre, month, frozen_at).await?,
        "booked" | "kept" | "no_show" => bookings::of_bookings(db, centre, month, frozen_at).await?,
        "entered" | "reviews_due" => matters::of_matters(db, centre, month, frozen_at).await?,
        "on_duty" | "late" => attendance::of_attendance(db, centre, month, frozen_at).await?,
        _ => cases::of_cases(db, centre, month, frozen_at).await?,
    };
    family.into_iter().find(|f| f.key == key).ok_or_else(|| UNKNOWN_FIGURE.into())
}

fn figure(
    key: impl Into<String>,
    title: impl Into<String>,
    meaning: &'static str,
    article: &'static str,
    is_ratio: bool,
    mut rows: Vec<Row>,
) -> Figure {
    rows.sort_unstable_by(|a, b| (a.on, &a.reference).cmp(&(b.on, &b.reference)));
    Figure {
        key: key.into(),
        version: 1,
        title: title.into(),
        meaning,
        article,
        is_ratio,
        is_personal: false,
        is_held_back: false,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_month_is_read_strictly() {
        let october = Month::parse("2026-10").unwrap();
        assert_eq!((october.word(), october.last().day()), ("2026-10".to_owned(), 31));
        assert_eq!(october.begins().local().to_rfc3339(), "2026-10-01T00:00:00+08:00");
        assert_eq!(Month::of(october.last()), october);
        assert_eq!(Month::parse("2026-01").unwrap().before().word(), "2025-12");
        for wrong in ["", "2026", "2026-13", "2026-1", "2026-H1", "2026-10-01", "0026-10", "２０２６-10"] {
            assert!(Month::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_never_reads_as_all_while_one_is_missing() {
        assert_eq!(in_words(0, Some(0)), "—");
        assert_eq!(in_words(12, None), "12");
        assert_eq!(in_words(9_999, Some(10_000)), "99.9%");
        assert_eq!(in_words(10_000, Some(10_000)), "100.0%");
        assert_eq!(in_words(1, Some(3)), "33.3%");
        assert_eq!(in_words(2, Some(3)), "66.7%");
    }

    proptest! {
        #[test]
        fn words_stay_within_a_tenth_of_the_truth(n in 0i64..5000, more in 0i64..5000) {
            let d = n + more;
            prop_assume!(d > 0);
            let read: f64 = in_words(n, Some(d)).trim_end_matches('%').parse().unwrap();
            prop_assert!((read - 100.0 * n as f64 / d as f64).abs() <= 0.1 + 1e-9);
        }
    }
}
