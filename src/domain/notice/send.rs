//! Sending (发送): what is due is claimed, marked, handed to a gateway, and settled; each for many texts at once.

use super::kind::{Kind, Weight};
use super::template::{segments, together};
use crate::base::database::pick;
use crate::base::error::Result;
use crate::base::settings::{Quiet, TextLimits};
use crate::base::vault::{Place, Vault};
use chrono::{Days, Duration};
use entity::notice::{Column, Entity, Lane, Model, NoticeState, pace, spend};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How long a claim or a sending is believed to be alive.
pub const LEASE: Duration = Duration::seconds(60);
/// After so many tries a text is given up.
pub const TRIES: i32 = 6;

/// The lanes that go now: at night, codes alone.
fn lanes(quiet: &Quiet, now: Time) -> &'static [Lane] {
    if quiet.has(now) { &[Lane::Code] } else { &[Lane::Code, Lane::Notice, Lane::Bulk] }
}

/// True when a text is due: a look that costs no write, for the poll.
///
/// # Errors
/// Whatever the database says.
pub async fn any_due(db: &impl ConnectionTrait, now: Time, quiet: &Quiet) -> Result<bool> {
    let due = Entity::find()
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in(lanes(quiet, now).iter().copied()))
        .filter(Column::DueAt.lte(now));
    Ok(due.one(db).await?.is_some())
}

/// Claims up to `limit` texts that are due, the most urgent lane first, and what can be told with them. A statement a lane.
///
/// # Errors
/// Whatever the database says.
pub async fn claim(db: &impl ConnectionTrait, now: Time, quiet: &Quiet, worker: Id, limit: u64) -> Result<Vec<Model>> {
    let mut claimed = Vec::new();
    for lane in lanes(quiet, now) {
        let left = limit.saturating_sub(claimed.len() as u64);
        if left == 0 {
            break;
        }
        let due = Entity::find()
            .filter(Column::State.eq(NoticeState::Due))
            .filter(Column::Lane.eq(*lane))
            .filter(Column::DueAt.lte(now))
            .order_by_asc(Column::DueAt)
            .order_by_asc(Column::Id)
            .limit(left);
        claimed.extend(take(db, now, worker, due).await?);
    }
    let merging: Vec<&Model> = claimed.iter().filter(|n| n.line.is_some()).collect();
    if !merging.is_empty() {
        let phones: HashSet<Vec<u8>> = merging.iter().map(|n| n.phone_blind.0.clone()).collect();
        let kinds: HashSet<String> = merging.iter().map(|n| n.kind.clone()).collect();
        let alike = Entity::find()
            .filter(Column::State.eq(NoticeState::Due))
            .filter(Column::PhoneBlind.is_in(phones.into_iter().map(Blind)))
            .filter(Column::Kind.is_in(kinds))
            .filter(Column::DueAt.lte(now + Duration::minutes(10)))
            .limit(limit);
        claimed.extend(take(db, now, worker, alike).await?);
    }
    // What an UPDATE returns has no order of its own.
    claimed.sort_by_key(|notice| (notice.lane, notice.due_at, notice.id));
    Ok(claimed)
}

async fn take(db: &impl ConnectionTrait, now: Time, worker: Id, due: sea_orm::Select<Entity>) -> Result<Vec<Model>> {
    let due = due.select_only().column(Column::Id).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let (with, picked) = pick(due.into_query());
    let mut claim = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Claimed))
        .col_expr(Column::ClaimedBy, Expr::value(worker))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .filter(Column::Id.in_subquery(picked))
        .filter(Column::State.eq(NoticeState::Due));
    QueryTrait::query(&mut claim).with_cte(with);
    Ok(claim.exec_with_returning(db).await?)
}

/// What a gateway is handed.
#[derive(Debug)]
pub struct Parcel {
    /// The notice, as it was claimed.
    pub notice: Model,
    /// To whom.
    pub phone: String,
    /// The whole text.
    pub text: String,
    /// Other notices that it tells as well.
    pub carries: Vec<Id>,
}

impl Parcel {
    fn ids(&self) -> Vec<Id> {
        self.carries.iter().copied().chain([self.notice.id]).collect()
    }
}

/// Marks claimed texts as being sent and opens them. Left out are those that are no longer this worker's to send (withdrawn,
/// expired, or the lease ran out), and those that the phone or the centre has had enough of for now.
///
/// # Errors
/// Whatever the database says.
pub async fn begin_sending(
    db: &impl ConnectionTrait,
    vault: &Vault,
    now: Time,
    limits: &TextLimits,
    claimed: Vec<Model>,
) -> Result<Vec<Parcel>> {
    let (alive, expired): (Vec<Model>, Vec<Model>) = claimed.into_iter().partition(|n| n.expires_at > now);
    give_up(db, now, &expired, "expired").await?;
    let admitted = admit(db, now, limits, alive).await?;
    let marked = mark(db, now, &admitted).await?;
    let mut opened = Vec::new();
    for notice in admitted.into_iter().filter(|n| marked.contains(&n.id)) {
        match open(vault, &notice) {
            Ok((phone, text, line)) => opened.push((notice, phone, text, line)),
            Err(error) => {
                // It would stop every round from here on, and no later one could open it either.
                tracing::error!(id = %notice.id, error = format!("{error:#}"), "a text cannot be opened and is given up");
                settle(db, now, vec![(parcel(notice, String::new(), String::new()), cannot_be_opened())]).await?;
            }
        }
    }
    let parcels = merge(opened);
    note_spending(db, now, limits, &parcels).await?;
    for parcel in parcels.iter().filter(|p| !p.carries.is_empty()) {
        Entity::update_many()
            .col_expr(Column::CarriedBy, Expr::value(parcel.notice.id))
            .filter(Column::Id.is_in(parcel.carries.iter().copied()))
            .exec(db)
            .await?;
    }
    Ok(parcels)
}

fn cannot_be_opened() -> Settled {
    Settled::GaveUp { fault: "cannot_be_opened".to_owned() }
}

const fn parcel(notice: Model, phone: String, text: String) -> Parcel {
    Parcel { notice, phone, text, carries: Vec::new() }
}

fn open(vault: &Vault, notice: &Model) -> anyhow::Result<(String, String, Option<String>)> {
    let open = |column, sealed| vault.open(Place::new(column, notice.centre_id, notice.id), sealed);
    let line = notice.line.as_ref().map(|line| open("notice.line", line)).transpose()?;
    Ok((open("notice.phone", &notice.phone)?, open("notice.text", &notice.text)?, line))
}

/// Marks claimed texts as being sent; gives those that still were this worker's.
async fn mark(db: &impl ConnectionTrait, now: Time, notices: &[Model]) -> Result<HashSet<Id>> {
    let Some(first) = notices.first() else { return Ok(HashSet::new()) };
    let marked = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Sending))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .col_expr(Column::SentAt, Expr::value(now))
        .filter(Column::Id.is_in(notices.iter().map(|n| n.id)))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(first.claimed_by))
        .exec_with_returning(db)
        .await?;
    Ok(marked.into_iter().map(|n| n.id).collect())
}

/// Several of one kind to one phone become one.
fn merge(opened: Vec<(Model, String, String, Option<String>)>) -> Vec<Parcel> {
    let mut parcels: Vec<(Parcel, Vec<String>)> = Vec::new();
    for (notice, phone, text, line) in opened {
        let alike = |p: &&mut (Parcel, Vec<String>)| {
            line.is_some()
                && !p.1.is_empty()
                && (p.0.notice.centre_id, &p.0.notice.kind, &p.0.phone) == (notice.centre_id, &notice.kind, &phone)
        };
        match parcels.iter_mut().find(alike) {
            Some((first, lines)) => {
                first.carries.push(notice.id);
                lines.extend(line);
            }
            None => parcels.push((parcel(notice, phone, text), line.into_iter().collect())),
        }
    }
    let told = |(parcel, lines): (Parcel, Vec<String>)| match together(&lines).filter(|_| lines.len() > 1) {
        Some(text) => Parcel { text, ..parcel },
        None => parcel,
    };
    parcels.into_iter().map(told).collect()
}

/// Of claimed texts those that may go now. Others wait, or are dropped, by their weight.
async fn admit(db: &impl ConnectionTrait, now: Time, limits: &TextLimits, alive: Vec<Model>) -> Result<Vec<Model>> {
    let (mut admitted, others): (Vec<Model>, Vec<Model>) = alive.into_iter().partition(|n| weight(n) == Weight::Code);
    if others.is_empty() {
        return Ok(admitted);
    }
    let recent = recent(db, now, &others).await?;
    let spent = spent(db, now, &others).await?;
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
        let told_as = notice.line.as_ref().map(|_| notice.kind.clone());
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
    for ((at, why), notices) in wait.into_iter().filter(|(_, notices)| !notices.is_empty()) {
        put_off(db, at, &notices, why).await?;
    }
    for why in ["phone_limit", "budget"] {
        let dropped: Vec<Model> = drop.iter().filter(|(_, w)| *w == why).map(|(n, _)| n.clone()).collect();
        give_up(db, now, &dropped, why).await?;
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

/// What centres were billed today.
async fn spent(db: &impl ConnectionTrait, now: Time, of: &[Model]) -> Result<HashMap<Id, i64>> {
    let centres: HashSet<Id> = of.iter().map(|n| n.centre_id).collect();
    let rows = spend::Entity::find()
        .filter(spend::Column::CentreId.is_in(centres))
        .filter(spend::Column::OnDate.eq(now.date()));
    Ok(rows.all(db).await?.into_iter().map(|s| (s.centre_id, i64::from(s.segments))).collect())
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
async fn note_spending(db: &impl ConnectionTrait, now: Time, limits: &TextLimits, parcels: &[Parcel]) -> Result<()> {
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
        let warn_at = limits.daily_budget * 4 / 5;
        if limits.daily_budget > 0 && i64::from(total) >= warn_at && i64::from(total - segments) < warn_at {
            tracing::warn!(%centre_id, total, budget = limits.daily_budget, "four fifths of today's texts are used up");
        }
    }
    Ok(())
}

/// Lets claimed texts wait; that is no try.
async fn put_off(db: &impl ConnectionTrait, at: Time, notices: &[Model], why: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Due))
        .col_expr(Column::DueAt, Expr::value(at))
        .col_expr(Column::Fault, Expr::value(why))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .filter(Column::Id.is_in(notices.iter().map(|n| n.id)))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(notices.first().and_then(|n| n.claimed_by)))
        .exec(db)
        .await?;
    Ok(())
}

/// Gives claimed texts up.
async fn give_up(db: &impl ConnectionTrait, now: Time, notices: &[Model], why: &str) -> Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::GaveUp))
        .col_expr(Column::Fault, Expr::value(why))
        .col_expr(Column::DoneAt, Expr::value(now))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .filter(Column::Id.is_in(notices.iter().map(|n| n.id)))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(notices.first().and_then(|n| n.claimed_by)))
        .exec(db)
        .await?;
    Ok(())
}

/// How a sending ended.
#[derive(Debug)]
pub enum Settled {
    /// A gateway took it.
    Accepted {
        /// Which.
        gateway: &'static str,
        /// Its id of the text.
        vendor_id: String,
    },
    /// It certainly did not go out; to be tried again then.
    Again {
        /// When.
        at: Time,
        /// The gateway's word.
        fault: String,
    },
    /// It may have gone out.
    Unsure {
        /// The gateway's word.
        fault: String,
    },
    /// This text will never go.
    Rejected {
        /// The gateway's word.
        fault: String,
    },
    /// It is no longer worth sending.
    GaveUp {
        /// Why.
        fault: String,
    },
}

/// Records how sendings ended: those that a gateway took in one statement, the others one by one.
///
/// # Errors
/// Whatever the database says.
pub async fn settle(db: &impl ConnectionTrait, now: Time, ended: Vec<(Parcel, Settled)>) -> Result<()> {
    let mut accepted = BTreeMap::<&'static str, Vec<(Parcel, String)>>::new();
    for (parcel, how) in ended {
        let tired = parcel.notice.attempts + 1 >= TRIES;
        let (state, due_at, fault) = match how {
            Settled::Accepted { gateway, vendor_id } => {
                accepted.entry(gateway).or_default().push((parcel, vendor_id));
                continue;
            }
            Settled::Again { fault, .. } if tired => (NoticeState::GaveUp, None, fault),
            Settled::Again { at, fault } => (NoticeState::Due, Some(at), fault),
            Settled::Unsure { fault } => (NoticeState::Unsure, None, fault),
            Settled::Rejected { fault } => (NoticeState::Rejected, None, fault),
            Settled::GaveUp { fault } => (NoticeState::GaveUp, None, fault),
        };
        let mut end = Entity::update_many()
            .col_expr(Column::State, Expr::value(state))
            .col_expr(Column::Fault, Expr::value(fault))
            .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
            .col_expr(Column::DoneAt, Expr::value((state != NoticeState::Due).then_some(now)));
        if let Some(due_at) = due_at {
            // It did not go out: it is not counted, and may go by itself or with others next time.
            end = end
                .col_expr(Column::DueAt, Expr::value(due_at))
                .col_expr(Column::SentAt, Expr::value(None::<Time>))
                .col_expr(Column::CarriedBy, Expr::value(None::<Id>));
        }
        end.filter(Column::Id.is_in(parcel.ids()))
            .filter(Column::State.eq(NoticeState::Sending))
            .filter(Column::ClaimedBy.eq(parcel.notice.claimed_by))
            .exec(db)
            .await?;
    }
    for (gateway, parcels) in accepted {
        settle_accepted(db, now, gateway, &parcels).await?;
    }
    Ok(())
}

async fn settle_accepted(
    db: &impl ConnectionTrait,
    now: Time,
    gateway: &'static str,
    parcels: &[(Parcel, String)],
) -> Result<()> {
    let mut vendor = CaseStatement::new();
    for (parcel, vendor_id) in parcels {
        vendor = vendor.case(Expr::col(Column::Id).eq(parcel.notice.id), vendor_id.clone());
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Accepted))
        .col_expr(Column::Gateway, Expr::value(gateway))
        .col_expr(Column::VendorId, vendor.into())
        .col_expr(Column::Fault, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .col_expr(Column::DoneAt, Expr::value(now))
        .filter(Column::Id.is_in(parcels.iter().flat_map(|(p, _)| p.ids())))
        .filter(Column::State.eq(NoticeState::Sending))
        .filter(Column::ClaimedBy.eq(parcels.first().and_then(|(p, _)| p.notice.claimed_by)))
        .exec(db)
        .await?;
    Ok(())
}

/// Gives up what is no longer worth sending, though no gateway may ever ask for it. Returns how many.
///
/// # Errors
/// Whatever the database says.
pub async fn expire(db: &impl ConnectionTrait, now: Time) -> Result<u64> {
    let expired = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::GaveUp))
        .col_expr(Column::Fault, Expr::value("expired"))
        .col_expr(Column::DoneAt, Expr::value(now))
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in([Lane::Code, Lane::Notice, Lane::Bulk]))
        .filter(Column::DueAt.lte(now))
        .filter(Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(expired.rows_affected)
}

/// Frees what a dead deliverer left: its claims are due again, its sendings are unsure. Returns how many of each.
///
/// # Errors
/// Whatever the database says.
pub async fn recover(db: &impl ConnectionTrait, now: Time) -> Result<(u64, u64)> {
    let stale = |state| {
        Entity::update_many()
            .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
            .filter(Column::State.eq(state))
            // A lease that reaches further than any does was taken before the clock was set back.
            .filter(Column::LeaseUntil.lte(now).or(Column::LeaseUntil.gt(now + LEASE * 2)))
    };
    let freed = stale(NoticeState::Claimed).col_expr(Column::State, Expr::value(NoticeState::Due)).exec(db).await?;
    let unsure = stale(NoticeState::Sending)
        .col_expr(Column::State, Expr::value(NoticeState::Unsure))
        .col_expr(Column::Fault, Expr::value("deliverer_died"))
        .col_expr(Column::DoneAt, Expr::value(now))
        .exec(db)
        .await?;
    Ok((freed.rows_affected, unsure.rows_affected))
}

/// Forgets when phones were sent something long ago.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    pace::Entity::delete_many().filter(pace::Column::LastAt.lt(now - Duration::days(1))).exec(db).await?;
    Ok(())
}

/// Marks every text that was due as sent by nobody; for demonstrations, whose past must not reach anybody now.
///
/// # Errors
/// Whatever the database says.
pub async fn assume_sent(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Accepted))
        .col_expr(Column::Gateway, Expr::value("demo"))
        .col_expr(Column::DoneAt, Expr::col(Column::DueAt))
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::DueAt.lte(now))
        .exec(db)
        .await?;
    Ok(())
}
