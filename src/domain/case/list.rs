//! Lists of cases: part by part, what is due, and whole, to be taken away.

use super::TOO_MANY_ROWS;
use super::clock::Lamp;
use super::look::{Seen, Sight, show};
use crate::base::error::Result;
use crate::base::vault::Vault;
use crate::domain::act::{Act, Page};
use crate::domain::centre::Lamps;
use crate::domain::cover::Cover;
use crate::domain::identity::staff;
use crate::domain::published::Centre;
use crate::domain::{audit, calendar};
use chrono::NaiveDate;
use entity::case::{CaseState, Column, Entity};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

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
    let cases = narrowed(centre, sight, &filter);
    let (rows, next) = match filter.lamp {
        None => {
            let rows = page.of(cases, Column::ReceivedAt, Column::Id).all(db).await?;
            page.cut(rows, |r| (r.received_at, r.id))
        }
        Some(lamp) => {
            let calendar = calendar::of(db, centre).await?;
            let (from, until) = Lamps::of(centre).days(&calendar, lamp, now.date());
            let running = Column::State.is_in([CaseState::Received, CaseState::Accepted]);
            let mut cases = cases.filter(running);
            if let Some(from) = from {
                cases = cases.filter(Column::DueOn.gte(from));
            }
            if let Some(until) = until {
                cases = cases.filter(Column::DueOn.lte(until));
            }
            let rows = page.of_days(cases, Column::DueOn, Column::Id).all(db).await?;
            page.cut(rows, |r| (r.due_on.map_or(r.received_at, |due| Time::at(due, 0)), r.id))
        }
    };
    Ok((show(db, vault, centre, rows, sight).await?, next))
}

/// The cases of a list, before they are put in order.
fn narrowed(centre: &Centre, sight: &Sight, filter: &Filter) -> Select<Entity> {
    let mut cases = Entity::find().filter(Column::CentreId.eq(centre.id)).filter(sight.rows.clone());
    if let Some(state) = filter.state {
        cases = cases.filter(Column::State.eq(state));
    }
    if let Some(office) = filter.office {
        cases = cases.filter(Column::OfficeId.eq(office));
    }
    if let Some(posts) = &filter.posts {
        cases = cases.filter(Column::PostId.is_in(posts.iter().copied()));
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
        .filter(sight.rows.clone())
        .order_by_asc(Column::DueOn.is_null())
        .order_by_asc(Column::DueOn)
        .order_by_asc(Column::Id)
        .limit(limit);
    show(db, vault, centre, rows.all(db).await?, sight).await
}
