//! Sending (发送): what was claimed is marked, handed to a gateway, and settled; each for many texts at once.

use super::admit::{admit, note_spending};
use super::claim::LEASE;
use super::doubt;
use super::permit::{self, Spent};
use super::template::{segments, together};
use super::vendor::{Approved, Filled, WECHAT};
use crate::base::database::ROWS;
use crate::base::error::Result;
use crate::base::settings::TextLimits;
use crate::base::vault::{Place, Vault};
use entity::notice::{AttemptOutcome, Column, Entity, Model, NoticeState, attempt};
use entity::{Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryTrait as _,
};
use std::collections::{BTreeMap, HashSet};

/// After so many tries a text is given up.
pub const TRIES: i32 = 6;

/// What a gateway is handed.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The notice, as it was claimed.
    pub notice: Model,
    /// To whom.
    pub phone: String,
    /// The whole text.
    pub text: String,
    /// Other notices that it tells as well.
    pub carries: Vec<Id>,
    /// The same for gateways that send by templates of theirs.
    pub filled: Vec<Filled>,
    /// The account that has asked to be told by WeChat, whose consent was taken for this.
    pub asked: Option<Id>,
}

impl Parcel {
    fn ids(&self) -> Vec<Id> {
        self.carries.iter().copied().chain([self.notice.id]).collect()
    }
}

/// Marks claimed texts as being sent and opens them. Left out are those that are no longer this worker's to send (withdrawn,
/// expired, or the lease ran out), and those that the phone or the centre has had enough of for now. Some gateways may take them
/// by templates of theirs only: `by_template` names these. `by_wechat`: residents may be told there, if they have asked for it.
///
/// # Errors
/// Whatever the database says.
pub async fn begin_sending(
    db: &impl ConnectionTrait,
    vault: &Vault,
    now: Time,
    limits: &TextLimits,
    by_template: &[&str],
    by_wechat: bool,
    claimed: Vec<Model>,
) -> Result<Vec<Parcel>> {
    let admitted = admit(db, now, limits, by_template.is_empty(), claimed).await?;
    let marked = mark(db, now, &admitted).await?;
    let templates: Vec<&str> = by_template.iter().copied().chain(by_wechat.then_some(WECHAT)).collect();
    let approved = Approved::read(db, &templates, &admitted).await?;
    let mut opened = Vec::new();
    for notice in admitted.into_iter().filter(|n| marked.contains(&n.id)) {
        match open(vault, &notice).and_then(|opened| Ok((opened, approved.fill(vault, &notice)?))) {
            Ok(((phone, text, line), filled)) => {
                opened.push((Parcel { notice, phone, text, carries: Vec::new(), filled, asked: None }, line));
            }
            Err(error) => {
                // It would stop every round from here on, and no later one could open it either.
                tracing::error!(id = %notice.id, error = format!("{error:#}"), "a text cannot be opened and is given up");
                end(db, now, &notice, &[notice.id], NoticeState::GaveUp, None, "cannot_be_opened").await?;
            }
        }
    }
    let texts: Vec<(&Model, &str)> = opened.iter().map(|(p, _)| (&p.notice, p.phone.as_str())).collect();
    let withheld = doubt::withheld(db, vault, &texts).await?;
    for (parcel, _) in opened.extract_if(.., |(p, _)| withheld.contains(&p.notice.id)) {
        end(db, now, &parcel.notice, &[parcel.notice.id], NoticeState::GaveUp, None, "not_theirs").await?;
    }
    take_permits(db, &mut opened).await?;
    // Several lines are no value for a vendor: where one may be asked, each goes by itself.
    for (parcel, line) in &mut opened {
        if !by_template.is_empty() || parcel.asked.is_some() {
            *line = None;
        }
    }
    let parcels = merge(opened);
    for parcel in parcels.iter().filter(|p| !p.carries.is_empty()) {
        Entity::update_many()
            .col_expr(Column::CarriedBy, Expr::value(parcel.notice.id))
            .filter(Column::Id.is_in(parcel.carries.iter().copied()))
            .exec(db)
            .await?;
    }
    Ok(parcels)
}

/// Takes the consents of those who have asked to be told by WeChat, in one order everywhere: two workers that took them in
/// different ones could wait for each other for ever.
async fn take_permits(db: &impl ConnectionTrait, opened: &mut [(Parcel, Option<String>)]) -> Result<()> {
    let wanting = |(parcel, _): &(Parcel, Option<String>)| {
        Some((parcel.notice.account_id?, parcel.filled.iter().find(|f| f.gateway == WECHAT)?.template.clone()))
    };
    let mut wanted: Vec<_> = opened.iter().enumerate().filter_map(|(n, of)| Some((wanting(of)?, n))).collect();
    wanted.sort();
    for ((account, template), n) in wanted {
        if permit::take(db, account, &template).await? {
            opened[n].0.asked = Some(account);
        }
    }
    Ok(())
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
fn merge(opened: Vec<(Parcel, Option<String>)>) -> Vec<Parcel> {
    let mut parcels: Vec<(Parcel, Vec<String>)> = Vec::new();
    for (parcel, line) in opened {
        let to = |p: &Parcel| (p.notice.centre_id, p.notice.kind.clone(), p.phone.clone());
        let alike = |p: &&mut (Parcel, Vec<String>)| line.is_some() && !p.1.is_empty() && to(&p.0) == to(&parcel);
        match parcels.iter_mut().find(alike) {
            Some((first, lines)) => {
                first.carries.push(parcel.notice.id);
                lines.extend(line);
            }
            None => parcels.push((parcel, line.into_iter().collect())),
        }
    }
    let told = |(parcel, lines): (Parcel, Vec<String>)| match together(&lines).filter(|_| lines.len() > 1) {
        Some(text) => Parcel { text, ..parcel },
        None => parcel,
    };
    parcels.into_iter().map(told).collect()
}

/// An attempt of one gateway.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Its id.
    pub id: Id,
    /// Which.
    pub gateway: &'static str,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Its id of the text.
    pub vendor_id: Option<String>,
    /// Its word, a code.
    pub code: Option<String>,
}

/// What becomes of a text after its attempts.
#[derive(Clone, Debug)]
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
        /// It counts as a try, of which a text has so many.
        tires: bool,
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
}

/// A sending that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What was handed over.
    pub parcel: Parcel,
    /// By whom it was tried, one after the other.
    pub tried: Vec<Tried>,
    /// What becomes of it.
    pub how: Settled,
    /// What became of the consent that was taken for it, if one was.
    pub spent: Spent,
}

/// Records how sendings ended, and each attempt, once though it be asked for again: those that a gateway took in one statement, the others one by one.
///
/// # Errors
/// Whatever the database says.
pub async fn settle(db: &impl ConnectionTrait, limits: &TextLimits, now: Time, ended: Vec<Ended>) -> Result<()> {
    let mut attempts = Vec::new();
    for Ended { parcel, tried, .. } in &ended {
        for (n, Tried { id, gateway, outcome, vendor_id, code }) in (1..).zip(tried.clone()) {
            let row = attempt::Model {
                id,
                centre_id: parcel.notice.centre_id,
                notice_id: parcel.notice.id,
                at: now,
                n,
                gateway: gateway.to_owned(),
                outcome,
                vendor_id,
                code,
                segments: if gateway == WECHAT { 0 } else { segments(&parcel.text) },
            };
            attempts.push(row.into_active_model());
        }
    }
    let (made, mut new) = (attempts.len(), 0);
    for rows in attempts.chunks(ROWS) {
        let known = OnConflict::new().do_nothing().to_owned();
        new += attempt::Entity::insert_many(rows.to_vec()).on_conflict(known).exec_without_returning(db).await?;
    }
    if made > 0 && new == 0 {
        // It was committed, and only the word of that was lost.
        return Ok(());
    }
    // What may have gone out may be billed.
    let free = |e: &Ended| e.tried.last().is_some_and(|t| t.gateway == WECHAT);
    let went = |e: &&Ended| matches!(e.how, Settled::Accepted { .. } | Settled::Unsure { .. }) && !free(e);
    note_spending(db, now, limits, ended.iter().filter(went).map(|e| &e.parcel)).await?;
    let taken = ended.iter().filter_map(|Ended { parcel, spent, .. }| {
        let template = parcel.filled.iter().find(|f| f.gateway == WECHAT)?;
        Some((parcel.asked?, template.template.as_str(), *spent))
    });
    let mut taken: Vec<_> = taken.collect();
    taken.sort_by_key(|(account, template, _)| (*account, *template));
    for (account, template, spent) in taken {
        permit::settle(db, now, account, template, spent).await?;
    }
    let mut accepted = BTreeMap::<&'static str, Vec<(Parcel, String)>>::new();
    for Ended { parcel, how, .. } in ended {
        let tired = parcel.notice.attempts + 1 >= TRIES;
        let (mut untried, mut ids) = (false, parcel.ids());
        let (state, due_at, fault) = match how {
            Settled::Accepted { gateway, vendor_id } => {
                accepted.entry(gateway).or_default().push((parcel, vendor_id));
                continue;
            }
            Settled::Again { at, fault, tires: true } if tired => {
                // Those that it would have told may have been tried less often.
                end(db, now, &parcel.notice, &parcel.carries, NoticeState::Due, Some(at), &fault).await?;
                ids = vec![parcel.notice.id];
                (NoticeState::GaveUp, None, fault)
            }
            Settled::Again { at, fault, tires } => {
                untried = !tires;
                (NoticeState::Due, Some(at), fault)
            }
            Settled::Unsure { fault } => (NoticeState::Unsure, None, fault),
            Settled::Rejected { fault } => (NoticeState::Rejected, None, fault),
        };
        end(db, now, &parcel.notice, &ids, state, due_at, &fault).await?;
        if untried {
            forget_try(db, &parcel).await?;
        }
    }
    for (gateway, parcels) in accepted {
        settle_accepted(db, now, gateway, &parcels).await?;
    }
    Ok(())
}

/// A sending whose end is not written down yet, or that was taken for lost meanwhile: its deliverer knows better.
fn under_way() -> SimpleExpr {
    Column::State.is_in([NoticeState::Sending, NoticeState::Unsure])
}

/// Ends a sending that no gateway took, of a text and those it carries.
async fn end(
    db: &impl ConnectionTrait,
    now: Time,
    notice: &Model,
    ids: &[Id],
    state: NoticeState,
    due_at: Option<Time>,
    fault: &str,
) -> Result<()> {
    let mut end = Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::Fault, Expr::value(fault))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .col_expr(Column::DoneAt, Expr::value((state != NoticeState::Due).then_some(now)));
    if state != NoticeState::Unsure {
        // It did not go out: it is not counted.
        end = end.col_expr(Column::SentAt, Expr::value(None::<Time>));
    }
    if let Some(due_at) = due_at {
        // It may go by itself or with others next time.
        end = end.col_expr(Column::DueAt, Expr::value(due_at)).col_expr(Column::CarriedBy, Expr::value(None::<Id>));
    }
    if ids.is_empty() {
        return Ok(());
    }
    end.filter(Column::Id.is_in(ids.iter().copied()))
        .filter(under_way())
        .filter(Column::ClaimedBy.eq(notice.claimed_by))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes back that a text was tried, which nobody was there to take.
async fn forget_try(db: &impl ConnectionTrait, parcel: &Parcel) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .filter(Column::Id.is_in(parcel.ids()))
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Attempts.gt(0))
        .exec(db)
        .await?;
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
        .filter(under_way())
        .filter(Column::ClaimedBy.eq(parcels.first().and_then(|(p, _)| p.notice.claimed_by)))
        .exec(db)
        .await?;
    Ok(())
}
