//! Looking at the outbox, for operators: what waits and what failed, why, and once more.

use super::admit::nears;
use super::hold::holds;
use super::kind::{Kind, Weight};
use super::{IN_DOUBT, NO_TEMPLATE, NOT_TO_RETRY, UNKNOWN_NOTICE, doubt};
use crate::base::error::Result;
use crate::base::metrics::Waiting;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use crate::domain::audit;
use crate::domain::published::Centre;
use entity::notice::{Attended, Column, Delivery, Entity, Lane, Model, NoticeState, attempt, spend};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, Iterable as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};
use std::collections::HashMap;
use std::sync::Arc;

/// What is neither due nor well over, as the index says it that holds nothing else.
pub(super) fn unwell() -> Condition {
    Condition::all().add(Column::State.ne(NoticeState::Accepted)).add(Column::State.ne(NoticeState::Due))
}

/// A centre's texts in a state, the latest first; all that are not well over, if none is named.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl ConnectionTrait, centre: Id, state: Option<NoticeState>, limit: u64) -> Result<Vec<Model>> {
    let of_centre = || Entity::find().filter(Column::CentreId.eq(centre)).order_by_desc(Column::DueAt).limit(limit);
    if let Some(state @ (NoticeState::Due | NoticeState::Accepted)) = state {
        return Ok(of_centre().filter(Column::State.eq(state)).all(db).await?);
    }
    let named = of_centre().filter(unwell());
    if let Some(state) = state {
        return Ok(named.filter(Column::State.eq(state)).all(db).await?);
    }
    let others =
        [NoticeState::Claimed, NoticeState::Sending, NoticeState::Unsure, NoticeState::Rejected, NoticeState::GaveUp];
    let mut rows = named.filter(Column::State.is_in(others)).all(db).await?;
    rows.extend(of_centre().filter(Column::State.eq(NoticeState::Due)).all(db).await?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.due_at));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// What is on its way or failed within a day, how long it waits, and what centres were billed today.
///
/// # Errors
/// Whatever the database says.
pub async fn waiting(db: &impl ConnectionTrait, now: Time, centres: &[Arc<Centre>]) -> Result<Waiting> {
    let ids = || centres.iter().map(|c| c.id);
    let due: Option<(i64, Option<Time>)> = Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "n")
        .column_as(Column::DueAt.min(), "first")
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in(Lane::iter()))
        .filter(Column::DueAt.lte(now))
        .into_tuple()
        .one(db)
        .await?;
    let (due, due_since) = due.unwrap_or_default();
    let count = async |states: &[NoticeState], since: Option<Time>| {
        let rows: Vec<(NoticeState, i64)> = Entity::find()
            .select_only()
            .column(Column::State)
            .column_as(Column::Id.count(), "n")
            .filter(Column::CentreId.is_in(ids()))
            .filter(unwell())
            .filter(Column::State.is_in(states.iter().copied()))
            .apply_if(since, |rows, since| rows.filter(Column::DueAt.gt(since)))
            .group_by(Column::State)
            .into_tuple()
            .all(db)
            .await?;
        Ok::<_, sea_orm::DbErr>(rows)
    };
    let (under_way, failed) = (
        [NoticeState::Claimed, NoticeState::Sending],
        [NoticeState::Unsure, NoticeState::Rejected, NoticeState::GaveUp],
    );
    let mut rows = count(&under_way, None).await?;
    rows.extend(count(&failed, Some(now - chrono::Duration::days(1))).await?);
    rows.push((NoticeState::Due, due));
    let undelivered = failed_since(now).filter(Column::CentreId.is_in(ids())).count(db).await?;
    let without = Entity::find()
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::Lane.is_in(Lane::iter()))
        .filter(Column::Fault.eq(NO_TEMPLATE))
        .count(db)
        .await?;
    let word = |state: &NoticeState| rows.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n);
    let states = [NoticeState::Due].iter().chain(&under_way).chain(&failed);
    let mut texts: Vec<_> = states.map(|state| (state.word(), word(state))).collect();
    texts.push(("undelivered".to_owned(), i64::try_from(undelivered).unwrap_or(i64::MAX)));
    texts.push((NO_TEMPLATE.to_owned(), i64::try_from(without).unwrap_or(i64::MAX)));
    let spent = spent(db, now, ids()).await?;
    let billed = centres.iter().map(|c| (c.code.clone(), spent.get(&c.id).copied().unwrap_or(0))).collect();
    let held = holds(db).await?.into_iter().map(|h| h.gateway).collect();
    Ok(Waiting { texts, due_since, billed, held })
}

/// Texts that did not arrive within a day.
fn failed_since(now: Time) -> Select<Entity> {
    Entity::find()
        .filter(Column::Delivery.eq(Delivery::Failed))
        .filter(Column::DueAt.gt(now - chrono::Duration::days(1)))
}

/// How many texts of a centre did not arrive within a day.
///
/// # Errors
/// Whatever the database says.
pub async fn undelivered(db: &impl ConnectionTrait, centre: Id, now: Time) -> Result<u64> {
    Ok(failed_since(now).filter(Column::CentreId.eq(centre)).count(db).await?)
}

/// Why texts of a centre wait that were to go by now, as far as vendors are the reason, and how many for each.
///
/// # Errors
/// Whatever the database says.
pub async fn held_up(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<(String, i64)>> {
    // What waits for its phone, its hour or its budget waits by our own rules.
    const OURS: [&str; 4] = ["spacing", "phone_limit", "budget", "no_gateway"];
    let rows = Entity::find()
        .select_only()
        .column(Column::Fault)
        .column_as(Column::Id.count(), "n")
        .filter(Column::State.eq(NoticeState::Due))
        .filter(Column::CentreId.eq(centre))
        .filter(Column::Lane.is_in(Lane::iter()))
        .filter(Column::Fault.is_not_null())
        .filter(Column::Fault.is_not_in(OURS))
        .group_by(Column::Fault)
        .order_by_asc(Column::Fault);
    Ok(rows.into_tuple().all(db).await?)
}

/// What a centre was billed today, where four fifths of its budget are used up.
///
/// # Errors
/// Whatever the database says.
pub async fn running_short(db: &impl ConnectionTrait, now: Time, centre: Id, budget: i64) -> Result<Option<i64>> {
    let spent = spent(db, now, [centre]).await?.get(&centre).copied().unwrap_or(0);
    Ok(nears(budget, spent).then_some(spent))
}

/// What centres were billed today, in texts.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn spent(
    db: &impl ConnectionTrait,
    now: Time,
    centres: impl IntoIterator<Item = Id>,
) -> Result<HashMap<Id, i64>> {
    let rows = spend::Entity::find()
        .filter(spend::Column::CentreId.is_in(centres))
        .filter(spend::Column::OnDate.eq(now.date()));
    Ok(rows.all(db).await?.into_iter().map(|s| (s.centre_id, i64::from(s.segments))).collect())
}

/// A text with its phone, masked.
pub struct Explained {
    /// The text.
    pub row: Model,
    /// To whom; nothing if no key opens it.
    pub phone: Option<String>,
    /// Attempts to hand it over, in their order.
    pub attempts: Vec<attempt::Model>,
}

impl Explained {
    /// What has become of it, in words for the operator.
    #[must_use]
    pub fn in_words(&self, now: Time, any_gateway: bool) -> String {
        let (row, when) = (&self.row, |at: Time| at.local().format("%Y-%m-%d %H:%M:%S").to_string());
        let fault = row.fault.as_deref().unwrap_or_default();
        match row.state {
            NoticeState::Due if row.due_at > now && fault.is_empty() => {
                format!("waits for its time, {}", when(row.due_at))
            }
            NoticeState::Due if row.due_at > now => match fault {
                "spacing" => format!("waits until {}: the phone was sent something just before", when(row.due_at)),
                "phone_limit" => format!("waits until {}: the phone was sent enough", when(row.due_at)),
                "budget" => format!("waits until {}: the day's budget is used up", when(row.due_at)),
                "no_gateway" => {
                    "waits: no gateway here takes texts, and its reader has not asked for it in WeChat".to_owned()
                }
                "held" => format!("waits until {}: no gateway is in order", when(row.due_at)),
                NO_TEMPLATE => {
                    "waits: no vendor here has approved a template for it; see `shuitian import texts`".to_owned()
                }
                other if row.attempts == 0 => {
                    format!("nobody took it, the last answer was {other}; again at {}", when(row.due_at))
                }
                other => format!("tried {} times, last answer {other}; again at {}", row.attempts, when(row.due_at)),
            },
            NoticeState::Due if !any_gateway => "is due, and no gateway here takes texts: set sms.gateways".to_owned(),
            NoticeState::Due => {
                "is due: it goes with the next round, or waits for the end of the quiet hours".to_owned()
            }
            NoticeState::Claimed => "was taken by a worker and has not been handed over".to_owned(),
            NoticeState::Sending => "was handed over, and the answer is not written down yet".to_owned(),
            NoticeState::Accepted => match (row.carried_by, row.done_at) {
                (Some(other), Some(at)) => format!("was told together with {other} at {}", when(at)),
                (_, at) => {
                    let arrived = match row.delivery {
                        Delivery::Unknown => String::new(),
                        Delivery::Sent => "; the network has it".to_owned(),
                        Delivery::Delivered => "; it has arrived".to_owned(),
                        Delivery::Failed => format!("; it did not arrive ({fault})"),
                    };
                    let (gateway, at) = (row.gateway.as_deref().unwrap_or("-"), at.map(when).unwrap_or_default());
                    format!("was taken by {gateway} at {at}{arrived}")
                }
            },
            NoticeState::Unsure => format!("may have gone out, nobody knows ({fault}); it is not sent again by itself"),
            NoticeState::Rejected => format!("was refused by the gateway ({fault})"),
            NoticeState::GaveUp => match fault {
                "expired" => "its time was over before it could go".to_owned(),
                "not_theirs" => "was withheld: whoever has the phone says that it is not the person's".to_owned(),
                "phone_limit" => "was dropped: the phone was sent enough".to_owned(),
                "budget" => "was dropped: the day's budget was used up".to_owned(),
                "cannot_be_opened" => "no key here opens it".to_owned(),
                other => format!("was tried {} times; last answer {other}", row.attempts),
            },
            NoticeState::Withdrawn => "was taken back: what it spoke of is no longer so".to_owned(),
        }
    }
}

/// One text of the centre.
///
/// # Errors
/// `unknown_notice`.
pub async fn explain(db: &impl ConnectionTrait, vault: &Vault, centre: Id, id: Id) -> Result<Explained> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?.ok_or(UNKNOWN_NOTICE)?;
    let phone = vault.open(Place::new("notice.phone", centre, id), &row.phone).ok();
    let attempts = attempt::Entity::find()
        .filter(attempt::Column::NoticeId.eq(id))
        .order_by_asc(attempt::Column::At)
        .order_by_asc(attempt::Column::N);
    let attempts = attempts.all(db).await?;
    Ok(Explained { phone: phone.map(|p| personal::mask_phone(&p)), attempts, row })
}

/// Lets a text go once more that was refused or given up, or did not arrive; one that nobody knows of only where that is said, for it may come
/// twice.
///
/// # Errors
/// `unknown_notice`, `not_to_retry`, `phone_in_doubt`.
pub async fn retry(act: &Act, id: Id, though_unsure: bool) -> Result<()> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    let row = row.ok_or(UNKNOWN_NOTICE)?;
    // A code is asked for anew, and an alarm of long ago alarms nobody.
    let is_news = Kind::of(&row.kind).is_none_or(|k| k.weight < Weight::Code);
    if row.fault.as_deref() == Some("not_theirs") {
        let phone = act.open("notice.phone", id, &row.phone)?;
        if doubt::withheld(&*act.tx, &act.vault, &[(&row, &phone)]).await?.contains(&id) {
            return Err(IN_DOUBT.into());
        }
    }
    let over = is_news
        && row.attended != Some(Attended::LetBe)
        && match row.state {
            NoticeState::Rejected | NoticeState::GaveUp => true,
            NoticeState::Accepted => row.delivery == Delivery::Failed,
            NoticeState::Unsure => though_unsure,
            _ => false,
        };
    if !over {
        return Err(NOT_TO_RETRY.with(&[("state", &row.state.word())]).into());
    }
    let again = Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Due))
        .col_expr(Column::DueAt, Expr::value(act.now))
        .col_expr(Column::ExpiresAt, Expr::value(Ord::max(row.expires_at, act.now + chrono::Duration::days(1))))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::CarriedBy, Expr::value(None::<Id>))
        .col_expr(Column::ClaimedBy, Expr::value(None::<Id>))
        .col_expr(Column::VendorId, Expr::value(None::<String>))
        .col_expr(Column::Delivery, Expr::value(Delivery::Unknown))
        .col_expr(Column::DoneAt, Expr::value(None::<Time>))
        .col_expr(Column::Attended, Expr::value(None::<Attended>))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(row.state))
        .exec(&*act.tx)
        .await?;
    if again.rows_affected == 0 {
        return Err(NOT_TO_RETRY.with(&[("state", &row.state.word())]).into());
    }
    audit::note(act, "notice.retried", id, serde_json::json!({ "was": row.state.word() })).await?;
    act.spoke();
    Ok(())
}
