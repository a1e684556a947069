//! Reports (状态报告): what vendors say of what they took. They come more than once, in any order, and even before what they
//! speak of has been written down; what is known of a text's arrival only rises.

use super::doubt;
use super::vendor::WECHAT;
use crate::base::Random;
use crate::base::database::ROWS;
use crate::base::error::Result;
use crate::base::vault::Vault;
use chrono::Duration;
use entity::notice::report::{Column as Report, Entity as Reports, Model};
use entity::notice::{AttemptOutcome, Column, Delivery, Entity, Model as Notice, NoticeState, attempt};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use std::collections::BTreeMap;

/// How long a report waits for what it speaks of.
const KEPT: Duration = Duration::days(3);
/// Reports that are looked at again in one go.
const AGAIN: u64 = 1000;

/// Takes reports in. What nobody knows of yet is kept, and looked at again by [`match_reports`].
///
/// # Errors
/// Whatever the database says.
pub async fn take_reports(
    db: &impl ConnectionTrait,
    vault: &Vault,
    random: &Random,
    now: Time,
    reports: Vec<Model>,
) -> Result<()> {
    let (_, mut unmatched) = matched(db, vault, random, now, reports).await?;
    unmatched.sort_by(|a, b| (&a.gateway, &a.vendor_id).cmp(&(&b.gateway, &b.vendor_id)));
    let rows: Vec<_> = unmatched.into_iter().map(IntoActiveModel::into_active_model).collect();
    for rows in rows.chunks(ROWS) {
        Reports::insert_many(rows.to_vec())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Looks again at reports that nobody knew of, and forgets those of old.
///
/// # Errors
/// Whatever the database says.
pub async fn match_reports(db: &impl ConnectionTrait, vault: &Vault, random: &Random, now: Time) -> Result<()> {
    let kept = Reports::find().order_by_desc(Report::At).limit(AGAIN).all(db).await?;
    let (matched, _) = matched(db, vault, random, now, kept).await?;
    for some in matched.chunks(100) {
        let known = some.iter().fold(Condition::any(), |known, report| {
            known.add(Report::Gateway.eq(&report.gateway).and(Report::VendorId.eq(&report.vendor_id)))
        });
        Reports::delete_many().filter(known).exec(db).await?;
    }
    Reports::delete_many().filter(Report::At.lt(now - KEPT)).exec(db).await?;
    Ok(())
}

/// Writes down what reports say of texts that are known; gives those of known texts, and the others.
async fn matched(
    db: &impl ConnectionTrait,
    vault: &Vault,
    random: &Random,
    now: Time,
    reports: Vec<Model>,
) -> Result<(Vec<Model>, Vec<Model>)> {
    let (mut matched, mut unmatched) = (Vec::new(), Vec::new());
    let mut said = BTreeMap::<(Delivery, String), Vec<Notice>>::new();
    let known = by_vendor_id(db, &reports).await?;
    for report in reports {
        let is_of = |n: &&Notice| {
            n.vendor_id.as_ref() == Some(&report.vendor_id) && n.gateway.as_ref() == Some(&report.gateway)
        };
        let notice = match (known.iter().find(is_of), report.notice_id) {
            (Some(notice), _) => Some(notice.clone()),
            // Of an earlier attempt of a text that goes once more it says nothing new.
            (None, Some(id)) if is_old(db, id, &report).await? => {
                matched.push(report);
                continue;
            }
            (None, Some(id)) => taken_after_all(db, id, &report.gateway, Some(&report.vendor_id), now).await?,
            (None, None) => None,
        };
        let Some(notice) = notice else {
            unmatched.push(report);
            continue;
        };
        said.entry((report.delivery, report.code.clone())).or_default().push(notice);
        matched.push(report);
    }
    for ((delivery, code), notices) in said {
        let risen = rise(db, delivery, &code, &notices).await?;
        if delivery == Delivery::Failed {
            by_text_then(db, now, &risen).await?;
        }
        doubt::heard(db, vault, random, now, delivery, &code, &risen).await?;
    }
    Ok((matched, unmatched))
}

/// True for a report of an attempt that was taken, and so was no uncertain one.
async fn is_old(db: &impl ConnectionTrait, id: Id, report: &Model) -> Result<bool> {
    let taken = attempt::Entity::find()
        .filter(attempt::Column::NoticeId.eq(id))
        .filter(attempt::Column::VendorId.eq(&report.vendor_id));
    Ok(taken.one(db).await?.is_some_and(|a| a.gateway == report.gateway))
}

async fn by_vendor_id(db: &impl ConnectionTrait, reports: &[Model]) -> Result<Vec<Notice>> {
    // Where a vendor tells none, there is nothing to go by.
    let ids: Vec<&str> = reports.iter().map(|r| r.vendor_id.as_str()).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = Column::VendorId.is_in(ids);
    // Held in one order: batches that name the same texts in different ones could wait for each other for ever.
    Ok(Entity::find().filter(theirs).order_by_asc(Column::Id).lock_exclusive().all(db).await?)
}

/// A text that nobody was sure of, which a gateway is known to have taken by now; so are those that it told. One that an
/// operator lets go once more meanwhile need not go again.
async fn taken_after_all(
    db: &impl ConnectionTrait,
    id: Id,
    gateway: &str,
    vendor_id: Option<&str>,
    now: Time,
) -> Result<Option<Notice>> {
    let states = match last_attempt(db, id).await?.map(|a| a.outcome) {
        Some(AttemptOutcome::Ambiguous) | None => vec![NoticeState::Unsure, NoticeState::Due],
        // Tried since, it waits for a reason of its own.
        Some(_) => vec![NoticeState::Unsure],
    };
    let unsure = Condition::any()
        .add(Column::State.is_in(states))
        .add(Column::State.eq(NoticeState::Accepted).and(Column::VendorId.is_null()));
    let taken = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Accepted))
        .col_expr(Column::Gateway, Expr::value(gateway))
        .col_expr(Column::VendorId, Expr::value(vendor_id))
        .col_expr(Column::Fault, Expr::value(None::<String>))
        .col_expr(Column::DoneAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(unsure)
        .exec_with_returning(db)
        .await?;
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Accepted))
        .col_expr(Column::Gateway, Expr::value(gateway))
        .col_expr(Column::Fault, Expr::value(None::<String>))
        .filter(Column::CarriedBy.eq(id))
        .filter(Column::State.eq(NoticeState::Unsure))
        .exec(db)
        .await?;
    Ok(taken.into_iter().next())
}

/// Raises what is known of these texts, and of those that they told; gives those of which less was known.
async fn rise(db: &impl ConnectionTrait, delivery: Delivery, code: &str, notices: &[Notice]) -> Result<Vec<Notice>> {
    let lower = [Delivery::Unknown, Delivery::Sent].into_iter().filter(|d| *d < delivery);
    let ids = || notices.iter().map(|n| n.id);
    let risen = Entity::update_many()
        .col_expr(Column::Delivery, Expr::value(delivery))
        .col_expr(Column::Fault, Expr::value((delivery == Delivery::Failed).then(|| code.to_owned())))
        .filter(Condition::any().add(Column::Id.is_in(ids())).add(Column::CarriedBy.is_in(ids())))
        .filter(Column::State.eq(NoticeState::Accepted))
        .filter(Column::Delivery.is_in(lower))
        .exec_with_returning(db)
        .await?;
    Ok(risen)
}

/// What WeChat did not bring to its reader goes by text.
async fn by_text_then(db: &impl ConnectionTrait, now: Time, failed: &[Notice]) -> Result<()> {
    let by_wechat = failed.iter().filter(|n| n.gateway.as_deref() == Some(WECHAT) && n.expires_at > now);
    let ids: Vec<Id> = by_wechat.map(|n| n.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Due))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::DoneAt, Expr::value(None::<Time>))
        .col_expr(Column::AccountId, Expr::value(None::<Id>))
        .col_expr(Column::VendorId, Expr::value(None::<String>))
        .col_expr(Column::Delivery, Expr::value(Delivery::Unknown))
        .filter(Column::Id.is_in(ids))
        .exec(db)
        .await?;
    Ok(())
}

/// Texts that nobody is sure of and whose vendor can be asked, for as long as it is worth asking: some of them, and others the next
/// minute.
///
/// # Errors
/// Whatever the database says.
pub async fn to_ask_about(db: &impl ConnectionTrait, now: Time, within: Duration, limit: usize) -> Result<Vec<Notice>> {
    let unsure = Entity::find()
        .filter(Column::State.eq(NoticeState::Unsure))
        .filter(Column::DoneAt.gt(now - within))
        .filter(Column::CarriedBy.is_null())
        .order_by_asc(Column::DoneAt)
        .order_by_asc(Column::Id)
        .limit(AGAIN);
    let mut unsure = unsure.all(db).await?;
    if unsure.len() > limit {
        let minute = usize::try_from(now.seconds().div_euclid(60)).unwrap_or(0);
        let all = unsure.len();
        unsure.rotate_left(minute.wrapping_mul(limit) % all);
        unsure.truncate(limit);
    }
    Ok(unsure)
}

/// Texts that a gateway took in the two minutes before a moment, and of whose arrival nothing was heard: whoever asks each minute
/// passes over none.
///
/// # Errors
/// Whatever the database says.
pub async fn unreported(db: &impl ConnectionTrait, gateway: &str, until: Time, limit: u64) -> Result<Vec<Notice>> {
    let taken = Entity::find()
        .filter(Column::State.eq(NoticeState::Accepted))
        .filter(Column::Gateway.eq(gateway))
        .filter(Column::SentAt.gt(until - Duration::minutes(2)))
        .filter(Column::SentAt.lte(until))
        .filter(Column::Delivery.is_in([Delivery::Unknown, Delivery::Sent]))
        .filter(Column::CarriedBy.is_null())
        .limit(limit);
    Ok(taken.all(db).await?)
}

/// The last attempt to hand a text over, if it was ever answered or waited for in vain.
///
/// # Errors
/// Whatever the database says.
pub async fn last_attempt(db: &impl ConnectionTrait, id: Id) -> Result<Option<attempt::Model>> {
    let attempts = attempt::Entity::find().filter(attempt::Column::NoticeId.eq(id));
    let last = attempts.order_by_desc(attempt::Column::At).order_by_desc(attempt::Column::N);
    Ok(last.one(db).await?)
}

/// Writes down what a vendor that was asked knows of a text that nobody was sure of; true if it knows it. Where it does not echo
/// our id, only a row that is no other text's can be meant, and only if no other text to that phone is unsure.
///
/// # Errors
/// Whatever the database says.
pub async fn answered(
    db: &impl ConnectionTrait,
    vault: &Vault,
    random: &Random,
    now: Time,
    notice: &Notice,
    phones: Vec<Blind>,
    known: Vec<Model>,
) -> Result<bool> {
    let by_id = |k: &&Model| Some(&k.vendor_id) == notice.vendor_id.as_ref() || k.notice_id == Some(notice.id);
    let meant = match known.iter().find(by_id) {
        Some(named) => Some(named.clone()),
        None if notice.state == NoticeState::Accepted => None,
        None => only_one(db, notice, phones, known).await?,
    };
    let Some(Model { gateway, vendor_id, delivery, code, .. }) = meant else { return Ok(false) };
    let vendor_id = Some(vendor_id.as_str()).filter(|id| !id.is_empty());
    let known = match notice.state {
        NoticeState::Accepted => Some(notice.clone()),
        _ => taken_after_all(db, notice.id, &gateway, vendor_id, now).await?,
    };
    let Some(known) = known else { return Ok(false) };
    let risen = rise(db, delivery, &code, &[known]).await?;
    doubt::heard(db, vault, random, now, delivery, &code, &risen).await?;
    Ok(true)
}

async fn only_one(
    db: &impl ConnectionTrait,
    notice: &Notice,
    phones: Vec<Blind>,
    known: Vec<Model>,
) -> Result<Option<Model>> {
    let others = by_vendor_id(db, &known).await?;
    let is_anothers = |k: &Model| others.iter().any(|n| n.vendor_id.as_ref() == Some(&k.vendor_id));
    let mut nobodys = known.into_iter().filter(|k| k.notice_id.is_none() && !is_anothers(k));
    let Some(one) = nobodys.next() else { return Ok(None) };
    let rival = Entity::find()
        .filter(Column::PhoneBlind.is_in(phones))
        .filter(Column::SentAt.gt(notice.sent_at.unwrap_or(notice.created_at) - Duration::days(3)))
        .filter(Column::State.is_in([NoticeState::Unsure, NoticeState::Sending]))
        .filter(Column::CarriedBy.is_null())
        .filter(Column::Id.ne(notice.id));
    let alone = nobodys.next().is_none() && rival.one(db).await?.is_none();
    Ok(Some(one).filter(|_| alone))
}
