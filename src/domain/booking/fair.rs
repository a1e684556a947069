//! Fairness (公平): how many places one may hold, and what becomes of places that nobody came for.
//!
//! What one books for himself and what one books for others is counted apart, and held against the account that booked, never
//! against the person it was booked for. Whoever the windows book for is not counted at all but once a slot and so often a day.

use super::{ALREADY_BOOKED, LIMITED, TOO_MANY, TOO_MANY_THAT_DAY};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::day_in_words;
use crate::domain::identity::resident::{self, Known, NO_ACCOUNT};
use chrono::{Days, NaiveDate};
use entity::booking::rule::Model as Rules;
use entity::booking::{BookingState, Column, Entity, Model, slot};
use entity::identity::account;
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, IntoCondition as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, JoinType, QueryFilter as _, QuerySelect as _, RelationDef,
};

/// A place that someone asks for.
pub(super) struct Asking<'a> {
    /// By which account; none when the windows ask.
    pub(super) account: Option<Id>,
    /// For somebody else.
    pub(super) for_other: bool,
    /// Blind indexes of the person it is for.
    pub(super) person: &'a [Blind],
    /// Where it starts.
    pub(super) slot: &'a slot::Model,
    /// The booking that it is to replace.
    pub(super) instead_of: Option<Id>,
}

/// Refuses a place that others have a better claim to, by the bookings that bear on it.
///
/// # Errors
/// `already_booked`, `booking_limited`, `too_many_bookings`, `too_many_that_day`.
pub(super) fn ensure_fair(act: &Act, rules: &Rules, asking: Asking<'_>, mut others: Vec<Model>) -> Result<()> {
    let Asking { account, for_other, person, slot, instead_of } = asking;
    others.retain(|b| Some(b.id) != instead_of);
    let same_person = |b: &&Model| person.contains(&b.person_blind);
    if others.iter().filter(same_person).any(|b| b.slot_id == slot.id && b.state == BookingState::Booked) {
        return Err(ALREADY_BOOKED.into());
    }
    if account.is_some() && instead_of.is_none() {
        ensure_account(act, rules, &others, for_other)?;
    }
    let takes =
        |b: &&Model| b.on_date == slot.on_date && [BookingState::Booked, BookingState::Arrived].contains(&b.state);
    if others.iter().filter(same_person).filter(takes).count() >= usize::try_from(rules.per_day).unwrap_or(1) {
        return Err(TOO_MANY_THAT_DAY.with(&[("n", &rules.per_day)]).into());
    }
    Ok(())
}

/// Refuses to an account that holds as many places as it may, or that nobody came for too often.
pub(super) fn ensure_account(act: &Act, rules: &Rules, its: &[Model], for_other: bool) -> Result<()> {
    let alike = || its.iter().filter(|b| b.for_other == for_other);
    let missed = alike().filter(|b| b.state == BookingState::NoShow).map(|b| b.on_date).collect();
    if let Some(until) = limited_until(rules, missed).filter(|until| act.now.date() <= *until) {
        let until = day_in_words(until);
        let phone = &act.centre.phone;
        return Err(LIMITED.with(&[("n", &rules.no_show_most), ("until", &until), ("phone", phone)]).into());
    }
    let open = alike().filter(|b| b.state == BookingState::Booked && b.starts_at > act.now).count();
    let most = if for_other { rules.other_open } else { rules.own_open };
    if open >= usize::try_from(most).unwrap_or(0) { Err(TOO_MANY.with(&[("n", &open)]).into()) } else { Ok(()) }
}

/// An account that asks for a place.
pub(super) struct Asker {
    /// What is known of it.
    pub(super) known: Known,
    /// Its turn, as it was before its bookings were read.
    pub(super) turn: i32,
    /// What it booked, as far back as the rules look.
    pub(super) its: Vec<Model>,
}

/// Looks at an account and at what it booked, both at one moment; nothing is locked.
///
/// # Errors
/// `no_account`.
pub(super) async fn look_at(act: &Act, rules: &Rules, account: Id) -> Result<Asker> {
    let since = since(act, rules);
    let late: RelationDef = account::Entity::belongs_to(Entity).from(account::Column::Id).to(Column::AccountId).into();
    let late = late.on_condition(move |_, booking| Expr::col((booking, Column::StartsAt)).gte(since).into_condition());
    let rows = account::Entity::find_by_id(account)
        .filter(account::Column::CentreId.eq(act.centre.id))
        .join(JoinType::LeftJoin, late)
        .select_with(Entity)
        .all(&*act.tx)
        .await?;
    let (row, its) = rows.into_iter().next().ok_or(NO_ACCOUNT)?;
    Ok(Asker { turn: row.turn, known: resident::open(&act.vault, row)?, its })
}

/// What an account booked, as far back as the rules look.
pub(super) async fn of_account(act: &Act, rules: &Rules, account: Id) -> Result<Vec<Model>> {
    let its = Entity::find().filter(Column::AccountId.eq(account)).filter(Column::StartsAt.gte(since(act, rules)));
    Ok(its.all(&*act.tx).await?)
}

fn since(act: &Act, rules: &Rules) -> Time {
    let back = rules.no_show_days + rules.limited_days;
    Time::at(act.now.date() - Days::new(back.unsigned_abs().into()), 0)
}

/// What a person whom the windows book for has on a day.
pub(super) async fn of_person(act: &Act, person: &[Blind], on: NaiveDate) -> Result<Vec<Model>> {
    let of_day = Column::CentreId.eq(act.centre.id).and(Column::OnDate.eq(on));
    let of_person = Column::PersonBlind.is_in(person.iter().cloned());
    Ok(Entity::find().filter(of_day).filter(of_person).all(&*act.tx).await?)
}

/// The last day on which an account may not book online, after the days on which nobody came.
pub(super) fn limited_until(rules: &Rules, mut missed: Vec<NaiveDate>) -> Option<NaiveDate> {
    missed.sort_unstable();
    let most = usize::try_from(rules.no_show_most).unwrap_or(1);
    let together = |days: &&[NaiveDate]| days[most - 1] - days[0] < chrono::Duration::days(rules.no_show_days.into());
    let last = missed.windows(most).rfind(|days| together(days))?[most - 1];
    last.checked_add_days(Days::new(rules.limited_days.unsigned_abs().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::Id;
    use proptest::prelude::*;

    fn rules(no_show_days: i32, no_show_most: i32, limited_days: i32) -> Rules {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        Rules {
            id: Id::nil(),
            centre_id: Id::nil(),
            valid_from: day,
            own_open: 5,
            other_open: 5,
            per_day: 2,
            hold_minutes: 5,
            cool_down_minutes: 30,
            no_show_days,
            no_show_most,
            limited_days,
        }
    }

    fn day(n: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(n)
    }

    #[test]
    fn two_within_thirty_days_end_booking_for_thirty() {
        let rules = rules(30, 2, 30);
        assert_eq!(limited_until(&rules, vec![]), None);
        assert_eq!(limited_until(&rules, vec![day(3)]), None, "the first is a warning");
        assert_eq!(limited_until(&rules, vec![day(3), day(32)]), Some(day(62)));
        assert_eq!(limited_until(&rules, vec![day(3), day(33)]), None, "too far apart");
        assert_eq!(limited_until(&rules, vec![day(40), day(3), day(5)]), Some(day(35)), "in any order");
    }

    proptest! {
        #[test]
        fn a_limit_ends_and_never_comes_of_fewer_than_it_takes(
            missed in prop::collection::vec(0u64..400, 0..8), window in 1i32..90, most in 1i32..5, limited in 1i32..90,
        ) {
            let rules = rules(window, most, limited);
            let days: Vec<NaiveDate> = missed.iter().map(|n| day(*n)).collect();
            match limited_until(&rules, days.clone()) {
                None => {
                    // From no day on are there as many within the window.
                    for from in &days {
                        let within = days.iter().filter(|d| *d >= from && (**d - *from).num_days() < window.into());
                        prop_assert!(within.count() < most as usize);
                    }
                }
                Some(until) => {
                    let last = until - Days::new(limited.unsigned_abs().into());
                    let within = days.iter().filter(|d| **d <= last && (last - **d).num_days() < window.into());
                    prop_assert!(days.contains(&last) && within.count() >= most as usize);
                    prop_assert_eq!(limited_until(&rules, days.into_iter().filter(|d| *d < last).collect()).filter(|u| *u >= until), None);
                }
            }
        }
    }
}
