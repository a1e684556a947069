//! Figures (指标): named, versioned counts of a month as of a frozen moment.
//!
//! Each figure is made from its rows, so it cannot say another number than they do, and opens to them. Only facts recorded
//! up to `frozen_at` count: a month that was signed opens to the same rows for ever, and what comes in late shows in a
//! later figure, not in this one. A ratio is a pair of integers; a zero denominator is a dash, never 100 %.

use super::{centre, guide};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::{Datelike as _, Months, NaiveDate};
use entity::booking::BookingState;
use entity::case::{CaseEventKind, Model as Case, event};
use entity::guide::ItemKind;
use entity::identity::staff;
use entity::review::{Model as Review, Ordinal, invitation};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};
use std::collections::{BTreeMap, HashMap};

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
    /// What it is: a case's or booking's number, or a person's session.
    pub reference: String,
    /// The day it counts for.
    pub on: NaiveDate,
    /// It is in the numerator; every row of a ratio is in the denominator.
    pub counted: bool,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Stable key, such as `ended_in_time` or `received.MZ`.
    pub key: String,
    /// Raised when its meaning changes; a signed month keeps the version it was signed with.
    pub version: u32,
    /// Its name in the bulletin.
    pub title: String,
    /// How it is counted, in one sentence.
    pub meaning: &'static str,
    /// The article that asks for it.
    pub article: &'static str,
    /// It is a ratio, not a count.
    pub is_ratio: bool,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Figure {
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
    let mut figures = of_cases(db, centre, month, frozen_at).await?;
    figures.extend(of_reviews(db, centre, month, frozen_at).await?);
    figures.extend(of_bookings(db, centre, month, frozen_at).await?);
    figures.extend(of_attendance(db, centre, month, frozen_at).await?);
    Ok(figures)
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
    Figure { key: key.into(), version: 1, title: title.into(), meaning, article, is_ratio, rows }
}

/// What is known of one case at the frozen moment, from its events alone.
struct Life<'c> {
    case: &'c Case,
    received_on: NaiveDate,
    accepted: bool,
    ended: Option<(CaseEventKind, NaiveDate)>,
    due_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
}

fn life<'c>(case: &'c Case, events: &[event::Model]) -> Option<Life<'c>> {
    use CaseEventKind as K;
    let received = events.iter().find(|e| e.kind == K::Received)?;
    let last = events.iter().max_by_key(|e| (e.recorded_at, e.id))?;
    let ended = events.iter().find(|e| matches!(e.kind, K::Refused | K::Denied | K::Issued | K::Withdrawn));
    Some(Life {
        case,
        received_on: received.on_date,
        accepted: events.iter().any(|e| e.kind == K::Accepted),
        ended: ended.map(|e| (e.kind, e.on_date)),
        due_on: last.due_on,
        decided_on: last.decided_on,
    })
}

async fn of_cases(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time) -> Result<Vec<Figure>> {
    use event::Column as E;
    let known = E::CentreId.eq(centre).and(E::RecordedAt.lte(frozen_at));
    let touched = event::Entity::find()
        .select_only()
        .column(E::CaseId)
        .filter(known.clone())
        .filter(E::OnDate.between(month.first, month.last()).or(E::DueOn.between(month.first, month.last())))
        .into_query();
    let rows = event::Entity::find().filter(known).filter(E::CaseId.in_subquery(touched.clone())).all(db).await?;
    let cases = entity::case::Entity::find().filter(entity::case::Column::Id.in_subquery(touched)).all(db).await?;
    let mut events: HashMap<Id, Vec<event::Model>> = HashMap::new();
    for event in rows {
        events.entry(event.case_id).or_default().push(event);
    }
    let lives: Vec<Life<'_>> = cases.iter().filter_map(|c| life(c, events.get(&c.id)?)).collect();

    let row = |life: &Life<'_>, on, counted| Row { reference: life.case.number.clone(), on, counted };
    let received: Vec<(Id, Row)> = lives
        .iter()
        .filter(|l| month.has(l.received_on))
        .map(|l| (l.case.office_id, row(l, l.received_on, true)))
        .collect();
    let ended: Vec<(&Life<'_>, NaiveDate)> = lives
        .iter()
        .filter_map(|l| {
            l.ended.filter(|(kind, on)| *kind != CaseEventKind::Withdrawn && month.has(*on)).map(|(_, on)| (l, on))
        })
        .collect();
    let in_time: Vec<Row> = lives
        .iter()
        .filter(|l| l.accepted)
        .filter_map(|l| {
            let due = l.due_on?;
            match (l.decided_on, l.ended) {
                (Some(decided), _) => month.has(decided).then(|| row(l, decided, decided <= due)),
                (None, None) => (month.has(due) && Time::at(due, 24 * 60) <= frozen_at).then(|| row(l, due, false)),
                (None, Some(_)) => None,
            }
        })
        .collect();
    let instant = ended.iter().map(|(l, on)| row(l, *on, l.case.item_kind == Some(ItemKind::Instant))).collect();

    // An office without matters of its own would only be a row of noughts.
    let with_matters: Vec<Id> = guide::names(db, centre).await?.into_values().map(|g| g.office_id).collect();
    let offices = centre::offices(db, centre).await?.into_iter().filter(|o| with_matters.contains(&o.id));
    let offices: Vec<_> = offices.collect();
    let mut figures = vec![
        figure(
            "received",
            "收件量",
            "本月收件的办件数",
            "5.2.5",
            false,
            received.iter().map(|(_, r)| r.clone()).collect(),
        ),
        figure(
            "ended",
            "办结量",
            "本月办结的办件数：发件、不予批准和不予受理，不含撤回",
            "5.2.5",
            false,
            ended.iter().map(|(l, on)| row(l, *on, true)).collect(),
        ),
        figure(
            "ended_in_time",
            "按时办结率",
            "在期限内作出决定的／本月作出决定的和本月到期未决定的；没有公布时限的不计",
            "4.5",
            true,
            in_time,
        ),
        figure("instant", "即办率", "办结的即办件／办结量", "4.5", true, instant),
    ];
    for office in &offices {
        let of_office = received.iter().filter(|(id, _)| *id == office.id).map(|(_, r)| r.clone()).collect();
        let ended_of =
            ended.iter().filter(|(l, _)| l.case.office_id == office.id).map(|(l, on)| row(l, *on, true)).collect();
        let (key, name) = (&office.code, &office.name);
        figures.push(figure(
            format!("received.{key}"),
            format!("收件量·{name}"),
            "本月该科室事项收件的办件数",
            "5.2.5",
            false,
            of_office,
        ));
        figures.push(figure(
            format!("ended.{key}"),
            format!("办结量·{name}"),
            "本月该科室事项办结的办件数",
            "5.2.5",
            false,
            ended_of,
        ));
    }
    Ok(figures)
}

async fn of_reviews(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time) -> Result<Vec<Figure>> {
    use entity::review::{Column as R, Entity as Reviews};
    use invitation::Column as I;
    let invited = invitation::Entity::find()
        .filter(I::CentreId.eq(centre))
        .filter(I::OnDate.between(month.first, month.last()))
        .filter(I::RecordedAt.lte(frozen_at))
        .all(db)
        .await?;
    let firsts = R::CentreId.eq(centre).and(R::RecordedAt.lte(frozen_at)).and(R::Ordinal.eq(Ordinal::First));
    let of_invited = invitation::Entity::find()
        .select_only()
        .column(I::Id)
        .filter(I::CentreId.eq(centre))
        .filter(I::OnDate.between(month.first, month.last()))
        .into_query();
    let answers =
        Reviews::find().filter(firsts.clone()).filter(R::InvitationId.in_subquery(of_invited)).all(db).await?;
    let answered: HashMap<Id, &Review> = answers.iter().map(|r| (r.invitation_id, r)).collect();
    let given = Reviews::find().filter(firsts).filter(R::OnDate.between(month.first, month.last())).all(db).await?;
    let numbers = case_numbers(db, invited.iter().map(|i| i.case_id).chain(given.iter().map(|r| r.case_id))).await?;
    let number = |id: &Id| numbers.get(id).cloned().unwrap_or_default();

    let asked = invited
        .iter()
        .map(|i| Row { reference: number(&i.case_id), on: i.on_date, counted: answered.contains_key(&i.id) })
        .collect();
    let graded = |counted: fn(i32) -> bool| -> Vec<Row> {
        let row =
            |r: &Review| Row { reference: number(&r.case_id), on: r.on_date, counted: r.grade.is_some_and(counted) };
        given.iter().map(row).collect()
    };
    Ok(vec![
        figure("rated", "参评率", "已评价的／本月办结而邀请评价的办件", "4.5", true, asked),
        figure("good", "好评率", "非常满意、满意、基本满意／本月收到的评价", "4.5", true, graded(|g| g >= 3)),
        figure(
            "bad",
            "差评",
            "本月收到的不满意、非常不满意",
            "4.5",
            false,
            graded(|g| g <= 2).into_iter().filter(|r| r.counted).collect(),
        ),
    ])
}

async fn case_numbers(db: &impl ConnectionTrait, ids: impl Iterator<Item = Id>) -> Result<HashMap<Id, String>> {
    let mut ids: Vec<Id> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut numbers = HashMap::new();
    // Databases limit how many values a statement may carry.
    for part in ids.chunks(1000) {
        let rows =
            entity::case::Entity::find().filter(entity::case::Column::Id.is_in(part.iter().copied())).all(db).await?;
        numbers.extend(rows.into_iter().map(|c| (c.id, c.number)));
    }
    Ok(numbers)
}

async fn of_bookings(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time) -> Result<Vec<Figure>> {
    use entity::booking::{Column as B, Entity as Bookings, event as history};
    let of_month = B::CentreId.eq(centre).and(B::OnDate.between(month.first, month.last()));
    let rows = Bookings::find().filter(of_month.clone()).all(db).await?;
    let ids = Bookings::find().select_only().column(B::Id).filter(of_month).into_query();
    let events = history::Entity::find()
        .filter(history::Column::BookingId.in_subquery(ids))
        .filter(history::Column::RecordedAt.lte(frozen_at))
        .all(db)
        .await?;
    let mut states: HashMap<Id, Vec<BookingState>> = HashMap::new();
    for event in events {
        states.entry(event.booking_id).or_default().push(event.state);
    }
    let known: Vec<_> = rows.iter().filter_map(|b| states.get(&b.id).map(|s| (b, s))).collect();
    let row = |b: &entity::booking::Model, counted| Row { reference: b.number.clone(), on: b.on_date, counted };
    let due = || known.iter().filter(|(b, s)| !s.contains(&BookingState::Cancelled) && b.ends_at <= frozen_at);
    let kept = |s: &[BookingState]| s.contains(&BookingState::Arrived);
    Ok(vec![
        figure(
            "booked",
            "预约量",
            "约在本月的预约数，含后来取消的",
            "2.1",
            false,
            known.iter().map(|(b, _)| row(b, true)).collect(),
        ),
        figure(
            "kept",
            "履约率",
            "按约到场的／本月到期且未取消的预约",
            "2.1",
            true,
            due().map(|(b, s)| row(b, kept(s))).collect(),
        ),
        figure(
            "no_show",
            "爽约率",
            "未到场的／本月到期且未取消的预约",
            "2.1",
            true,
            due().map(|(b, s)| row(b, !kept(s))).collect(),
        ),
    ])
}

async fn of_attendance(db: &impl ConnectionTrait, centre: Id, month: Month, frozen_at: Time) -> Result<Vec<Figure>> {
    use entity::attendance::{Column as A, Entity as Stamps, Session, StampKind, duty};
    let duties = duty::Entity::find()
        .filter(duty::Column::CentreId.eq(centre))
        .filter(duty::Column::OnDate.between(month.first, month.last()))
        .filter(duty::Column::RecordedAt.lte(frozen_at))
        .filter(duty::Column::EndsAt.lte(frozen_at))
        .all(db)
        .await?;
    let stamps = Stamps::find()
        .filter(A::CentreId.eq(centre))
        .filter(A::OnDate.between(month.first, month.last()))
        .filter(A::RecordedAt.lte(frozen_at))
        .filter(A::Kind.eq(StampKind::In))
        .all(db)
        .await?;
    let stamps: BTreeMap<(Id, NaiveDate, Session), i32> =
        stamps.into_iter().map(|s| ((s.staff_id, s.on_date, s.session), s.off_by)).collect();
    let people = staff::Entity::find().filter(staff::Column::CentreId.eq(centre)).all(db).await?;
    let names: HashMap<Id, String> = people.into_iter().map(|s| (s.id, s.username)).collect();
    let row = |d: &duty::Model, counted| {
        let session = if d.session == Session::Morning { "上午" } else { "下午" };
        let name = names.get(&d.staff_id).map(String::as_str).unwrap_or_default();
        Row { reference: format!("{name} {} {session}", d.on_date), on: d.on_date, counted }
    };
    let stamp = |d: &duty::Model| stamps.get(&(d.staff_id, d.on_date, d.session));
    let on_duty = duties.iter().map(|d| row(d, stamp(d).is_some())).collect();
    let late = duties.iter().filter(|d| stamp(d).is_some_and(|off| *off > 0)).map(|d| row(d, true)).collect();
    Ok(vec![
        figure("on_duty", "到岗率", "签到的／应到的人次（每人每半天一次）", "4.9", true, on_duty),
        figure("late", "迟到人次", "上班时间之后签到的人次", "5.3.4a", false, late),
    ])
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
