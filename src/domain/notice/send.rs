//! Sending (发送): what was claimed is marked, handed to a gateway, and settled; each for many texts at once.

use super::admit::{admit, note_spending};
use super::claim::LEASE;
use super::template::together;
use crate::base::error::Result;
use crate::base::settings::TextLimits;
use crate::base::vault::{Place, Vault};
use entity::notice::{Column, Entity, Model, NoticeState};
use entity::{Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, Query};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryTrait as _};
use std::collections::{BTreeMap, HashSet};

/// After so many tries a text is given up.
pub const TRIES: i32 = 6;

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
    let admitted = admit(db, now, limits, claimed).await?;
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
    let mut mark = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Sending))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .col_expr(Column::SentAt, Expr::value(now))
        .filter(Column::Id.is_in(notices.iter().map(|n| n.id)))
        .filter(Column::State.eq(NoticeState::Claimed))
        .filter(Column::ClaimedBy.eq(first.claimed_by))
        .into_query();
    let marked = db.query_all(mark.returning(Query::returning().column(Column::Id))).await?;
    Ok(marked.iter().map(|row| row.try_get("", "id")).collect::<std::result::Result<_, _>>()?)
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
