//! Lists of cases: part by part, what is due, and whole, to be taken away.

use super::clock::Lamp;
use super::look::{Seen, Sight, either, show};
use super::{TOO_MANY_ROWS, joint};
use crate::base::error::Result;
use crate::base::vault::Vault;
use crate::domain::act::{Act, Page};
use crate::domain::centre::Lamps;
use crate::domain::cover::Cover;
use crate::domain::identity::staff;
use crate::domain::published::Centre;
use crate::domain::{audit, calendar};
use chrono::NaiveDate;
use entity::case::{CaseState, Channel, Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use std::cmp::Reverse;

/// What a list of cases is narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Where they stand.
    pub state: Option<CaseState>,
    /// The office that handles them.
    pub office: Option<Id>,
    /// The posts that have them in hand.
    pub posts: Option<Vec<Id>>,
    /// How near their last day is.
    pub lamp: Option<Lamp>,
    /// Received on this day or later.
    pub from: Option<NaiveDate>,
    /// Received on this day or before.
    pub until: Option<NaiveDate>,
    /// Handed in online by this account.
    pub applied_by: Option<Id>,
}

/// Cases that one table takes: it is made in memory.
const MOST: usize = 20_000;

/// All cases that a list would show part by part, to be taken away.
///
/// # Errors
/// `too_many_rows`, and those of a list.
pub async fn all(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    filter: &Filter,
    now: Time,
) -> Result<Vec<Seen>> {
    let (mut found, mut cursor): (Vec<Seen>, Option<String>) = (Vec::new(), None);
    loop {
        let page = Page::new(Some(100), cursor.as_deref())?;
        let (cases, next) = list(db, vault, centre, sight, filter.clone(), page, now).await?;
        found.extend(cases);
        if found.len() > MOST {
            return Err(TOO_MANY_ROWS.with(&[("most", &MOST)]).into());
        }
        cursor = next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// Leaves a line of cases that were taken away.
///
/// # Errors
/// Whatever the database says.
pub async fn taken_away(act: &Act, rows: usize) -> Result<()> {
    audit::note(act, "case.exported", act.now.date(), serde_json::json!({ "rows": rows })).await
}

/// The posts that somebody holds now.
///
/// # Errors
/// `unknown_staff`.
pub async fn posts_of(db: &impl ConnectionTrait, centre: &Centre, username: &str, now: Time) -> Result<Vec<Id>> {
    let staff =
        staff::find(db, centre.id, username, now.date()).await?.ok_or_else(|| staff::UNKNOWN_STAFF.on("holder"))?;
    let cover = Cover::at(db, centre, now).await?;
    let held = cover.posts().filter(|post| cover.holder(post).is_some_and(|(holder, _)| holder == staff.id));
    Ok(held.map(|post| post.row.id).collect())
}

/// Cases of the centre that a viewer may see: latest first; of one lamp, the soonest due first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    filter: Filter,
    page: Page,
    now: Time,
) -> Result<(Vec<Seen>, Option<String>)> {
    let mut rows = Vec::new();
    for part in parts(db, centre, sight, &filter, page, now).await? {
        rows.extend(part.all(db).await?);
    }
    let due_at = |r: &Model| r.due_on.map_or(r.received_at, |due| Time::at(due, 0));
    let (rows, next) = if filter.lamp.is_some() {
        rows.sort_unstable_by_key(|r| (due_at(r), r.id));
        rows.dedup_by_key(|r| r.id);
        page.cut(rows, |r| (due_at(r), r.id))
    } else {
        rows.sort_unstable_by_key(|r| Reverse((r.received_at, r.id)));
        rows.dedup_by_key(|r| r.id);
        page.cut(rows, |r| (r.received_at, r.id))
    };
    Ok((show(db, vault, centre, rows, sight).await?, next))
}

/// What a page of a list is read by. Each question is answered by its own index: what either of two would give is read through for
/// neither.
///
/// # Errors
/// Whatever the database says.
pub async fn parts(
    db: &impl ConnectionTrait,
    centre: &Centre,
    sight: &Sight,
    filter: &Filter,
    page: Page,
    now: Time,
) -> Result<Vec<Select<Entity>>> {
    let lit = match filter.lamp {
        Some(lamp) => Some(Lamps::of(centre).days(&*calendar::of(db, centre).await?, lamp, now.date())),
        None => None,
    };
    let in_hand = in_hand_at(db, centre.id, filter.posts.as_deref()).await?;
    let both = |scope: &Condition| in_hand.iter().map(|at| scope.clone().add(at.clone())).collect::<Vec<_>>();
    let part = |among: Condition| {
        let cases = narrowed(centre, filter).filter(among);
        match lit {
            None => page.of(cases, Column::ReceivedAt, Column::Id),
            Some(days) => page.of_days(due(cases, days), Column::DueOn, Column::Id),
        }
    };
    Ok(sight.scopes.iter().flat_map(both).map(part).collect())
}

/// Undecided cases whose last day lies between two.
fn due(cases: Select<Entity>, (from, until): (Option<NaiveDate>, Option<NaiveDate>)) -> Select<Entity> {
    let running = Column::State.is_in([CaseState::Received, CaseState::Accepted]);
    let near = Condition::all()
        .add_option(from.map(|from| Column::DueOn.gte(from)))
        .add_option(until.map(|until| Column::DueOn.lte(until)));
    cases.filter(running).filter(near)
}

/// What posts have in hand: whole cases, or parts of joint ones. Without posts, everything.
async fn in_hand_at(db: &impl ConnectionTrait, centre: Id, posts: Option<&[Id]>) -> Result<Vec<Condition>> {
    let Some(posts) = posts else { return Ok(vec![Condition::all()]) };
    let parts = joint::parts(db, centre, posts.iter().copied(), true).await?;
    Ok(either(posts.iter().map(|post| Column::PostId.eq(*post)).collect(), Column::Id, parts))
}

/// The cases of a list, whoever asks for it.
fn narrowed(centre: &Centre, filter: &Filter) -> Select<Entity> {
    let mut cases = Entity::find().filter(Column::CentreId.eq(centre.id));
    if let Some(state) = filter.state {
        cases = cases.filter(Column::State.eq(state));
    }
    if let Some(office) = filter.office {
        cases = cases.filter(Column::OfficeId.eq(office));
    }
    if let Some(account) = filter.applied_by {
        let online = Column::Channel.is_in([Channel::MiniProgram, Channel::Web]);
        cases = cases.filter(Column::AccountId.eq(account)).filter(online);
    }
    if let Some(from) = filter.from {
        cases = cases.filter(Column::ReceivedAt.gte(Time::at(from, 0)));
    }
    if let Some(until) = filter.until {
        cases = cases.filter(Column::ReceivedAt.lt(Time::at(until, 24 * 60)));
    }
    cases
}

/// Cases under way that a member of staff may see, the soonest due first; those without a limit last.
///
/// # Errors
/// Whatever the database says.
pub async fn agenda(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    limit: u64,
) -> Result<Vec<Seen>> {
    let rows = Entity::find()
        .filter(Column::CentreId.eq(centre.id))
        .filter(Column::State.is_in([
            CaseState::Received,
            CaseState::Supplement,
            CaseState::Accepted,
            CaseState::Suspended,
            CaseState::Granted,
        ]))
        .filter(sight.rows())
        .order_by_asc(Column::DueOn.is_null())
        .order_by_asc(Column::DueOn)
        .order_by_asc(Column::Id)
        .limit(limit);
    show(db, vault, centre, rows.all(db).await?, sight).await
}
