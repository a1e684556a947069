//! Admitting (限量): what may go now. People are not sent more than they can read, nor centres billed more than they have.

use super::kind::{Kind, Weight};
use super::look::spent;
use super::send::Parcel;
use super::template::segments;
use crate::base::error::Result;
use crate::base::settings::TextLimits;
use chrono::{Days, Duration};
use entity::notice::{Column, Entity, Lane, Model, NoticeState, pace, spend};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Of claimed texts those that may go now. Others wait, or are dropped, by their weight. Where several may be told as one, they
/// count as one.
pub(super) async fn admit(
    db: &impl ConnectionTrait,
    now: Time,
    limits: &TextLimits,
    merges: bool,
    claimed: Vec<Model>,
) -> Result<Vec<Model>> {
    let (alive, expired): (Vec<Model>, Vec<Model>) = claimed.into_iter().partition(|n| n.expires_at > now);
    let_go(db, now, None, &expired, "expired").await?;
    let (mut admitted, others): (Vec<Model>, Vec<Model>) = alive.into_iter().partition(|n| weight(n) == Weight::Code);
    if others.is_empty() {
        return Ok(admitted);
    }
    let recent = recent(db, now, &others).await?;
    let centres: HashSet<Id> = others.iter().map(|n| n.centre_id).collect();
    let spent = spent(db, now, centres).await?;
    let (mut wanting, mut wait, mut drop) = (Vec::new(), BTreeMap::<(Time, &str), Vec<Model>>::new(), Vec::new());
    for notice in others {
        let sent = recent.get(&notice.phone_blind.0).map_or(&[][..], Vec::as_slice);
        let over = full(limits, now, sent);
        let poor = limits.daily_budget > 0 && spent.get(&notice.centre_id).is_some_and(|n| *n >= limits.daily_budget);
        let tomorrow = Time::at(now.date() + Days::new(1), 8 * 60);
        match (weight(&notice), over, poor) {
            (Weight::Thanks, Some(_), _) => drop.push((notice, "phone_limit")),
            (Weight::Thanks, None, true) => drop.push((notice, "budget")),
            (Weight::Reminder, Some(free), _) => wait.entry((free, "phone_limit")).or_default().push(notice),
            (Weight::Reminder, None, true) => wait.entry((tomorrow, "budget")).or_default().push(notice),
            _ => wanting.push(notice),
        }
    }
    // One text a phone goes now; those that are told as one are one.
    let (mut first, spaced) = (HashMap::<Vec<u8>, Option<String>>::new(), limits.spacing > 0);
    let soon = (now + Duration::seconds(limits.spacing), "spacing");
    let (wanting, too_soon): (Vec<Model>, Vec<Model>) = wanting.into_iter().partition(|notice: &Model| {
        let told_as = notice.line.as_ref().filter(|_| merges).map(|_| notice.kind.clone());
        match first.get(&notice.phone_blind.0) {
            Some(other) => !spaced || (told_as.is_some() && *other == told_as),
            None => first.insert(notice.phone_blind.0.clone(), told_as).is_none(),
        }
    });
    wait.entry(soon).or_default().extend(too_soon);
    let passed = if spaced { pace(db, now, limits, &wanting).await? } else { HashSet::new() };
    for notice in wanting {
        if !spaced || passed.contains(&notice.phone_blind.0) {
            admitted.push(notice);
        } else {
            wait.entry(soon).or_default().push(notice);
        }
    }
    for ((until, why), notices) in wait {
        let_go(db, now, Some(until), &notices, why).await?;
    }
    for why in ["phone_limit", "budget"] {
        let dropped: Vec<Model> = drop.iter().filter(|(_, w)| *w == why).map(|(n, _)| n.clone()).collect();
        let_go(db, now, None, &dropped, why).await?;
    }
    Ok(admitted)
}

fn weight(notice: &Model) -> Weight {
    // A kind that is no longer known may have been a fact.
    Kind::of(&notice.kind).map_or(Weight::Fact, |k| k.weight)
}

/// When phones were sent something within a day, the latest first.
async fn recent(db: &impl ConnectionTrait, now: Time, to: &[Model]) -> Result<HashMap<Vec<u8>, Vec<Time>>> {
    let phones: HashSet<Vec<u8>> = to.iter().map(|n| n.phone_blind.0.clone()).collect();
    let rows: Vec<(Blind, Time)> = Entity::find()
        .select_only()
        .column(Column::PhoneBlind)
        .column(Column::SentAt)
        .filter(Column::PhoneBlind.is_in(phones.into_iter().map(Blind)))
        .filter(Column::SentAt.gt(now - Duration::days(1)))
        .filter(Column::Lane.ne(Lane::Code))
        .filter(Column::CarriedBy.is_null())
        .order_by_desc(Column::SentAt)
        .into_tuple()
        .all(db)
        .await?;
    let mut recent = HashMap::<Vec<u8>, Vec<Time>>::new();
    for (phone, at) in rows {
        recent.entry(phone.0).or_default().push(at);
    }
    Ok(recent)
}

/// When a phone that was sent enough may be sent more; nothing if it may now.
fn full(limits: &TextLimits, now: Time, sent: &[Time]) -> Option<Time> {
    let free = |most: i64, within: Duration| {
        let nth = sent.get(usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(1))?;
        Some(*nth + within).filter(|free| *free > now)
    };
    let (hour, day) = (free(limits.per_hour, Duration::hours(1)), free(limits.per_day, Duration::days(1)));
    Ord::max(hour, day)
}

/// Takes a phone's turn, for each that has one: of two workers that send to one phone, one gets it.
async fn pace(db: &impl ConnectionTrait, now: Time, limits: &TextLimits, to: &[Model]) -> Result<HashSet<Vec<u8>>> {
    use pace::Column as P;
    let mut phones: Vec<(Id, Vec<u8>)> = to.iter().map(|n| (n.centre_id, n.phone_blind.0.clone())).collect();
    phones.sort_unstable();
    phones.dedup();
    if phones.is_empty() {
        return Ok(HashSet::new());
    }
    let row = |(centre_id, phone): (Id, Vec<u8>)| {
        pace::Model { centre_id, phone_blind: Blind(phone), last_at: now }.into_active_model()
    };
    let gone_by = Expr::col((pace::Entity, P::LastAt)).lte(now - Duration::seconds(limits.spacing));
    // A clock that was set back must not silence a phone.
    let ahead = Expr::col((pace::Entity, P::LastAt)).gt(now);
    let passed = pace::Entity::insert_many(phones.into_iter().map(row))
        .on_conflict(
            OnConflict::columns([P::CentreId, P::PhoneBlind])
                .update_column(P::LastAt)
                .action_and_where(gone_by.or(ahead))
                .to_owned(),
        )
        .exec_with_returning(db)
        .await?;
    Ok(passed.into_iter().map(|p| p.phone_blind.0).collect())
}

/// Adds to what centres are billed, and warns at four fifths of what they may be.
pub(super) async fn note_spending(
    db: &impl ConnectionTrait,
    now: Time,
    limits: &TextLimits,
    parcels: impl Iterator<Item = &Parcel>,
) -> Result<()> {
    use spend::Column as S;
    let mut more = BTreeMap::<Id, i32>::new();
    for parcel in parcels {
        *more.entry(parcel.notice.centre_id).or_default() += segments(&parcel.text);
    }
    for (centre_id, segments) in more {
        let sum = Expr::col((spend::Entity, S::Segments)).add(segments);
        let row = spend::Model { centre_id, on_date: now.date(), segments }.into_active_model();
        let total = spend::Entity::insert(row)
            .on_conflict(OnConflict::columns([S::CentreId, S::OnDate]).value(S::Segments, sum).to_owned())
            .exec_with_returning(db)
            .await?
            .segments;
        if crosses(limits.daily_budget, i64::from(total - segments), i64::from(total)) {
            tracing::warn!(%centre_id, total, budget = limits.daily_budget, "four fifths of today's texts are used up");
        }
    }
    Ok(())
}

/// True where four fifths of a day's budget are used up, if there is one.
pub(super) const fn nears(budget: i64, spent: i64) -> bool {
    budget > 0 && spent >= budget * 4 / 5
}

/// True when four fifths of a budget were passed just now: it is said once.
const fn crosses(budget: i64, before: i64, after: i64) -> bool {
    !nears(budget, before) && nears(budget, after)
}

/// Lets go of claimed texts: they wait until a moment, which is no try, or are given up.
async fn let_go(db: &impl ConnectionTrait, now: Time, until: Option<Time>, notices: &[Model], why: &str) -> Result<()> {
    let Some(first) = notices.first() else { return Ok(()) };
    let gone = match until {
        Some(until) => Entity::update_many()
            .col_expr(Column::State, Expr::value(NoticeState::Due))
            .col_expr(Column::DueAt, Expr::value(until)),
        None => Entity::update_many()
            .col_expr(Column::State, Expr::value(NoticeState::GaveUp))
            .col_expr(Column::DoneAt, Expr::value(now)),
    };
    gone.col_expr(Column::Fault, Expr::value(why))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .filter(Column::Id.is_in(notices.iter().map(|n| n.id)))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(first.claimed_by))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets when phones were sent something long ago.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    pace::Entity::delete_many().filter(pace::Column::LastAt.lt(now - Duration::days(1))).exec(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn four_fifths_are_said_once() {
        assert!(!crosses(100, 0, 79) && crosses(100, 79, 80) && crosses(100, 10, 200));
        assert!(!crosses(100, 80, 81) && !crosses(0, 0, 1000), "said before, or without a limit");
    }

    #[test]
    fn a_phone_that_was_sent_enough_is_free_when_the_oldest_has_gone_by() {
        let at = |minute: i32| Time::at(NaiveDate::from_ymd_opt(2026, 11, 25).unwrap_or_default(), minute);
        let limits = TextLimits { spacing: 30, per_hour: 2, per_day: 3, daily_budget: 0 };
        assert_eq!(full(&limits, at(600), &[]), None);
        assert_eq!(full(&limits, at(600), &[at(590)]), None);
        assert_eq!(full(&limits, at(600), &[at(590), at(550)]), Some(at(610)), "an hour after the one before");
        assert_eq!(full(&limits, at(600), &[at(500), at(400)]), None);
        assert_eq!(full(&limits, at(600), &[at(500), at(400), at(300)]), Some(at(300 + 1440)), "a day after the third");
    }
}
