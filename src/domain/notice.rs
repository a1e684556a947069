//! Notices (通知): the outbox. A text is said in the transaction whose news it carries, and leaves after the commit.
//!
//! `due → claimed → sending → accepted | unsure | due again | rejected | gave_up`; `withdrawn` before it is sent, in the
//! transaction that cancels what it speaks of. A text marked `sending` when its deliverer dies is `unsure`: nobody knows
//! whether it went out, and it is not sent again. All others are sent once: sent + unsure = said.
//!
//! This noun knows phones and ids, and no other noun.

use super::act::Act;
use crate::base::database::pick;
use crate::base::vault::{Place, Vault};
use crate::base::{Result, personal};
use chrono::Duration;
use entity::notice::{Column, Delivery, Entity, Lane, Model, NoticeState};
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait,
};

/// How long a claim or a sending is believed to be alive.
pub const LEASE: Duration = Duration::seconds(60);
/// After so many tries a text is given up.
pub const TRIES: i32 = 6;

/// A text to one phone.
#[derive(Debug)]
pub struct Message<'m> {
    /// What is said at most once, such as `booking.reminder/<id>`.
    pub key: String,
    /// Its template.
    pub kind: &'static str,
    /// How urgent it is.
    pub lane: Lane,
    /// To whom.
    pub phone: &'m str,
    /// The text, without the signature.
    pub text: String,
    /// Id of what it speaks of, by which it is withdrawn.
    pub about: Id,
    /// When it may go.
    pub due_at: Time,
    /// When it is no longer worth sending.
    pub expires_at: Time,
}

/// Says a text, once for its key. A landline takes no texts and is passed over.
///
/// # Errors
/// Whatever the database says.
pub async fn say(act: &Act, message: Message<'_>) -> Result<()> {
    let Some(phone) = personal::mobile(message.phone) else { return Ok(()) };
    let id = act.id();
    let text = format!("【{}】{}", act.centre.sms_sign, message.text);
    let row = Model {
        id,
        centre_id: act.centre.id,
        key: message.key,
        kind: message.kind.to_owned(),
        lane: message.lane,
        phone: act.seal("notice.phone", id, &phone)?,
        phone_blind: act.blind("phone", &phone),
        text: act.seal("notice.text", id, &text)?,
        about: message.about,
        due_at: message.due_at,
        expires_at: message.expires_at,
        state: NoticeState::Due,
        attempts: 0,
        lease_until: None,
        claimed_by: None,
        gateway: None,
        vendor_id: None,
        fault: None,
        delivery: Delivery::Unknown,
        created_at: act.now,
        done_at: None,
    };
    if act.insert_new(row).await? && message.due_at <= act.now {
        act.spoke();
    }
    Ok(())
}

/// Takes back every text about `about` that has not been handed to a gateway.
///
/// # Errors
/// Whatever the database says.
pub async fn withdraw(act: &Act, about: Id) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Withdrawn))
        .col_expr(Column::DoneAt, Expr::value(act.now))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .filter(Column::About.eq(about))
        .filter(Column::State.is_in([NoticeState::Due, NoticeState::Claimed]))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// True when a text is due: a look that costs no write, for the poll.
///
/// # Errors
/// Whatever the database says.
pub async fn any_due(db: &impl ConnectionTrait, now: Time) -> Result<bool> {
    let lanes = [Lane::Code, Lane::Notice, Lane::Bulk];
    let due = Entity::find()
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in(lanes))
        .filter(Column::DueAt.lte(now));
    Ok(due.one(db).await?.is_some())
}

/// Claims up to `limit` texts that are due, the most urgent lane first. One statement a lane.
///
/// # Errors
/// Whatever the database says.
pub async fn claim(db: &impl ConnectionTrait, now: Time, worker: Id, limit: u64) -> Result<Vec<Model>> {
    let mut claimed = Vec::new();
    for lane in [Lane::Code, Lane::Notice, Lane::Bulk] {
        let left = limit.saturating_sub(claimed.len() as u64);
        if left == 0 {
            break;
        }
        let due = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::State.eq(NoticeState::Due))
            .filter(Column::Lane.eq(lane))
            .filter(Column::DueAt.lte(now))
            .order_by_asc(Column::DueAt)
            .order_by_asc(Column::Id)
            .limit(left)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_query();
        let (with, picked) = pick(due);
        let mut claim = Entity::update_many()
            .col_expr(Column::State, Expr::value(NoticeState::Claimed))
            .col_expr(Column::ClaimedBy, Expr::value(worker))
            .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
            .filter(Column::Id.in_subquery(picked))
            .filter(Column::State.eq(NoticeState::Due));
        QueryTrait::query(&mut claim).with_cte(with);
        claimed.extend(claim.exec_with_returning(db).await?);
    }
    // What an UPDATE returns has no order of its own.
    claimed.sort_by_key(|notice| (notice.lane, notice.due_at, notice.id));
    Ok(claimed)
}

/// What a gateway is handed.
pub struct Parcel {
    /// The notice's id, for the gateway's echo field.
    pub id: Id,
    /// To whom.
    pub phone: String,
    /// The whole text.
    pub text: String,
}

/// Marks a claimed text as being sent and opens it. None when it is no longer this worker's to send: withdrawn,
/// expired, or its lease ran out.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn begin_sending(
    db: &impl ConnectionTrait,
    vault: &Vault,
    now: Time,
    notice: &Model,
) -> Result<Option<Parcel>> {
    if notice.expires_at <= now {
        let expired = Settled::GaveUp { fault: "expired".to_owned() };
        settle(db, now, notice, NoticeState::Claimed, expired).await?;
        return Ok(None);
    }
    let open = |column, sealed| vault.open(Place::new(column, notice.centre_id, notice.id), sealed);
    let opened = open("notice.phone", &notice.phone).and_then(|phone| Ok((phone, open("notice.text", &notice.text)?)));
    let (phone, text) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // It would stop every round from here on, and no later one could open it either.
            tracing::error!(id = %notice.id, error = format!("{error:#}"), "a text cannot be opened and is given up");
            let fault = Settled::GaveUp { fault: "cannot_be_opened".to_owned() };
            settle(db, now, notice, NoticeState::Claimed, fault).await?;
            return Ok(None);
        }
    };
    let parcel = Parcel { id: notice.id, phone, text };
    let marked = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Sending))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .filter(Column::Id.eq(notice.id))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(notice.claimed_by))
        .exec(db)
        .await?;
    Ok((marked.rows_affected == 1).then_some(parcel))
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

/// Records how a sending ended.
///
/// # Errors
/// Whatever the database says.
pub async fn settle(
    db: &impl ConnectionTrait,
    now: Time,
    notice: &Model,
    from: NoticeState,
    how: Settled,
) -> Result<()> {
    let tired = notice.attempts + 1 >= TRIES;
    let (state, due_at, fault, gateway, vendor_id) = match how {
        Settled::Accepted { gateway, vendor_id } => (NoticeState::Accepted, None, None, Some(gateway), Some(vendor_id)),
        Settled::Again { fault, .. } if tired => (NoticeState::GaveUp, None, Some(fault), None, None),
        Settled::Again { at, fault } => (NoticeState::Due, Some(at), Some(fault), None, None),
        Settled::Unsure { fault } => (NoticeState::Unsure, None, Some(fault), None, None),
        Settled::Rejected { fault } => (NoticeState::Rejected, None, Some(fault), None, None),
        Settled::GaveUp { fault } => (NoticeState::GaveUp, None, Some(fault), None, None),
    };
    let done_at = (state != NoticeState::Due).then_some(now);
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::DueAt, Expr::value(due_at.unwrap_or(notice.due_at)))
        .col_expr(Column::Fault, Expr::value(fault))
        .col_expr(Column::Gateway, Expr::value(gateway))
        .col_expr(Column::VendorId, Expr::value(vendor_id))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .col_expr(Column::DoneAt, Expr::value(done_at))
        .filter(Column::Id.eq(notice.id))
        .filter(Column::State.eq(from))
        .filter(Column::ClaimedBy.eq(notice.claimed_by))
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
            .filter(Column::LeaseUntil.lte(now))
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
