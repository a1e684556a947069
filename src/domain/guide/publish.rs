//! Versions of guides (版本, articles 4.3 and 4.4): published, in force from their day, and over.
//!
//! Numbers follow the order in which versions were published, and on a day the last one that has begun is in force: whoever
//! publishes anew overrules what waits. Versions never change; only their last day is written down when it is known.

use super::{Guide, NAME_TAKEN, UNKNOWN_GUIDE};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::act::{Act, Publishing};
use crate::domain::{audit, file};
use chrono::{Days as Later, Months, NaiveDate};
use entity::Id;
use entity::file::FilePurpose;
use entity::guide::{Column, Content, Entity, Model, version};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::json;

/// A last day or a ground that cannot be.
pub const BAD_RETIREMENT: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_retirement",
    "停办的最后一天应在今天之后、一年之内，并写明依据或理由（5至200字）。",
)
.article("4.3");
/// No such version.
pub const UNKNOWN_VERSION: Refusal = Refusal::new(Kind::Missing, "unknown_version", "这份指南没有这个版本。");

/// Days of a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    from: NaiveDate,
    review_on: NaiveDate,
}

impl Days {
    /// From today unless said otherwise, to be looked through a year later unless said otherwise; nothing where they cannot be.
    #[must_use]
    pub(super) fn of(today: NaiveDate, from: Option<NaiveDate>, review_on: Option<NaiveDate>) -> Option<Self> {
        let from = from.unwrap_or(today);
        let review_on = review_on.or_else(|| from.checked_add_months(Months::new(12)))?;
        let soon = from >= today && from <= today.checked_add_months(Months::new(12))?;
        let looked = review_on > from && review_on <= from.checked_add_months(Months::new(60))?;
        (soon && looked).then_some(Self { from, review_on })
    }
}

/// Publishes what a guide says from a day on; nothing where it says so already.
///
/// # Errors
/// `name_taken`, `unknown_file`.
pub(super) async fn publish(
    act: &Publishing,
    code: &str,
    office_id: Id,
    content: Content,
    days: Days,
    by: Option<Id>,
) -> Result<Option<version::Model>> {
    let of_centre = || Entity::find().filter(Column::CentreId.eq(act.centre.id));
    let same_name = of_centre().filter(Column::Name.eq(&content.name)).filter(Column::Code.ne(code));
    // A name that waits for its day is taken too: on that day it could not be put in force.
    let waiting = begun(act.centre.id, NaiveDate::MAX).all(&*act.tx).await?;
    let waits = waiting.iter().filter(|v| v.content.name == content.name).map(|v| v.guide_id).collect::<Vec<_>>();
    let other = of_centre().filter(Column::Id.is_in(waits)).filter(Column::Code.ne(code));
    if same_name.one(&*act.tx).await?.is_some() || other.one(&*act.tx).await?.is_some() {
        return Err(NAME_TAKEN.on("name").into());
    }
    let guide = match of_centre().filter(Column::Code.eq(code)).one(&*act.tx).await? {
        Some(guide) => guide,
        None => begin(act, code, office_id, &content).await?,
    };
    let last = versions(&*act.tx, guide.id).await?.into_iter().next();
    let says_so = last.as_ref().is_some_and(|v| v.content == content && v.in_force_until.is_none());
    if says_so && guide.office_id == office_id && guide.retired_on.is_none() {
        return Ok(None);
    }
    let forms = content.materials.iter().flat_map(|m| [m.blank_form, m.sample]).flatten().collect::<Vec<_>>();
    file::keep(act, FilePurpose::Form, &forms).await?;
    let version = version::Model {
        id: act.id(),
        centre_id: act.centre.id,
        guide_id: guide.id,
        number: last.map_or(1, |last| last.number + 1),
        content,
        published_at: act.now,
        published_by: by,
        in_force_from: days.from,
        in_force_until: None,
        review_on: days.review_on,
    };
    let version = act.insert(version).await?;
    // What is published again is handled again; and the office that answers for it does so at once.
    Entity::update_many()
        .col_expr(Column::OfficeId, Expr::value(office_id))
        .col_expr(Column::RetiredOn, Expr::value(None::<NaiveDate>))
        .col_expr(Column::RetiredWhy, Expr::value(None::<String>))
        .filter(Column::Id.eq(guide.id))
        .exec(&*act.tx)
        .await?;
    if days.from <= act.now.date() {
        put_in_force(act, &version).await?;
    }
    let said = json!({ "version": version.number, "from": version.in_force_from });
    audit::note(act, "guide.published", code, said).await?;
    Ok(Some(version))
}

/// A guide of which no version is in force yet.
async fn begin(act: &Act, code: &str, office_id: Id, content: &Content) -> Result<Model> {
    act.insert(Model {
        id: act.id(),
        centre_id: act.centre.id,
        code: code.to_owned(),
        office_id,
        name: content.name.clone(),
        audience: audience(content),
        version: 0,
        retired_on: None,
        retired_why: None,
    })
    .await
}

fn audience(content: &Content) -> String {
    content.audience.iter().map(|a| a.word()).collect::<Vec<_>>().join(",")
}

/// Ends the version before, and begins this one.
async fn put_in_force(act: &Publishing, version: &version::Model) -> Result<()> {
    let eve = version.in_force_from - Later::new(1);
    let before = version::Column::GuideId
        .eq(version.guide_id)
        .and(version::Column::Number.lt(version.number))
        .and(version::Column::InForceUntil.is_null());
    for old in version::Entity::find().filter(before).all(&*act.tx).await? {
        // One that was overruled on its first day was in force on it; one that never began ends on the day it would have.
        let until = Ord::max(eve, old.in_force_from);
        end(act, old.id, until).await?;
    }
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(version.content.name.clone()))
        .col_expr(Column::Audience, Expr::value(audience(&version.content)))
        .col_expr(Column::Version, Expr::value(version.number))
        .filter(Column::Id.eq(version.guide_id))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

async fn end(act: &Act, version: Id, until: NaiveDate) -> Result<()> {
    version::Entity::update_many()
        .col_expr(version::Column::InForceUntil, Expr::value(until))
        .filter(version::Column::Id.eq(version))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Versions that have begun and are not in force yet.
fn begun(centre: Id, today: NaiveDate) -> sea_orm::Select<version::Entity> {
    with_guide(centre)
        .filter(version::Column::InForceFrom.lte(today))
        .filter(Expr::col((version::Entity, version::Column::Number)).gt(Expr::col((Entity, Column::Version))))
        .order_by_asc(version::Column::Number)
}

/// Versions in force of guides whose last day is over.
fn over(centre: Id, today: NaiveDate) -> sea_orm::Select<version::Entity> {
    with_guide(centre).filter(Column::RetiredOn.lt(today)).filter(version::Column::InForceUntil.is_null())
}

fn with_guide(centre: Id) -> sea_orm::Select<version::Entity> {
    let guide = version::Entity::belongs_to(Entity).from(version::Column::GuideId).to(Column::Id).into();
    version::Entity::find().join(JoinType::InnerJoin, guide).filter(Column::CentreId.eq(centre))
}

/// True when a version is to begin or a guide to end.
///
/// # Errors
/// Whatever the database says.
pub async fn any_to_change(db: &impl ConnectionTrait, centre: Id, today: NaiveDate) -> Result<bool> {
    Ok(begun(centre, today).one(db).await?.is_some() || over(centre, today).one(db).await?.is_some())
}

/// Puts versions in force whose day has come, and ends guides whose last day is over. Safe to run twice.
///
/// # Errors
/// Whatever the database says.
pub async fn take_effect(act: &Publishing) -> Result<()> {
    let today = act.now.date();
    for version in begun(act.centre.id, today).all(&*act.tx).await? {
        put_in_force(act, &version).await?;
    }
    for version in over(act.centre.id, today).all(&*act.tx).await? {
        let guide = Entity::find_by_id(version.guide_id).one(&*act.tx).await?;
        let last = guide.and_then(|guide| guide.retired_on).unwrap_or(today);
        end(act, version.id, last).await?;
    }
    Ok(())
}

/// Says on which day a matter is handled here for the last time, and why.
///
/// # Errors
/// `unknown_guide`, `bad_retirement`.
pub async fn retire(act: &Publishing, code: &str, last: NaiveDate, why: &str) -> Result<()> {
    let guide = super::get(&*act.tx, &act.centre, code).await?;
    let (today, why) = (act.now.date(), why.trim());
    let year = today.checked_add_months(Months::new(12)).unwrap_or(today);
    if last < today || last > year || !(5..=200).contains(&why.chars().count()) {
        return Err(BAD_RETIREMENT.into());
    }
    Entity::update_many()
        .col_expr(Column::RetiredOn, Expr::value(last))
        .col_expr(Column::RetiredWhy, Expr::value(why))
        .filter(Column::Id.eq(guide.row.id))
        .exec(&*act.tx)
        .await?;
    audit::note(act, "guide.retired", code, json!({ "last": last })).await
}

/// All versions of a guide, the newest first.
async fn versions(db: &impl ConnectionTrait, guide: Id) -> Result<Vec<version::Model>> {
    let of = version::Entity::find().filter(version::Column::GuideId.eq(guide));
    Ok(of.order_by_desc(version::Column::Number).all(db).await?)
}

/// The versions of a guide that have begun, the newest first; those that wait for their day are not told of yet.
///
/// # Errors
/// `unknown_guide`.
pub async fn history(db: &impl ConnectionTrait, centre: Id, code: &str) -> Result<(Model, Vec<version::Model>)> {
    let guide = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::Code.eq(code)).one(db).await?;
    let guide = guide.filter(|guide| guide.version > 0).ok_or(UNKNOWN_GUIDE)?;
    let mut versions = versions(db, guide.id).await?;
    versions.retain(|v| v.number <= guide.version);
    Ok((guide, versions))
}

/// A form or a sample that a version of a guide names which has begun.
///
/// # Errors
/// `unknown_guide`, `unknown_file`.
pub async fn form(db: &impl ConnectionTrait, centre: Id, code: &str, id: Id) -> Result<entity::file::Model> {
    let (_, versions) = history(db, centre, code).await?;
    let names = |v: &version::Model| v.content.materials.iter().any(|m| [m.blank_form, m.sample].contains(&Some(id)));
    if !versions.iter().any(names) {
        return Err(file::UNKNOWN_FILE.into());
    }
    file::get(db, centre, id).await
}

/// How one of the four counts changed (减环节、减时间、减材料、减跑动); nothing where it was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// In the version before.
    pub before: Option<i32>,
    /// In the version after.
    pub after: Option<i32>,
}

/// Two versions compared on the four counts (article 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Steps (环节): as posts do them where either says so, else as described.
    pub steps: Count,
    /// Working days promised, else those by law (时间).
    pub days: Count,
    /// Materials that everybody needs (材料).
    pub materials: Count,
    /// Visits (跑动).
    pub visits: Count,
}

impl Comparison {
    /// Compares what two versions say.
    #[must_use]
    pub fn of(before: &Content, after: &Content) -> Self {
        let number = |n: usize| i32::try_from(n).ok().filter(|n| *n > 0);
        let by_posts = !before.flow.is_empty() || !after.flow.is_empty();
        let steps = |c: &Content| number(if by_posts { c.flow.len() } else { c.steps.len() });
        let days = |c: &Content| c.promised_days.or(c.statutory_days);
        let needed = |c: &Content| c.materials.iter().filter(|m| m.required != Some(false)).count();
        let materials = |c: &Content| (!c.materials.is_empty()).then(|| i32::try_from(needed(c)).unwrap_or(i32::MAX));
        let both = |count: &dyn Fn(&Content) -> Option<i32>| Count { before: count(before), after: count(after) };
        Self {
            steps: both(&steps),
            days: both(&days),
            materials: both(&materials),
            visits: both(&|c| c.elements.visits),
        }
    }
}

impl Guide {
    /// Refuses a day after the last one on which the matter is handled here.
    ///
    /// # Errors
    /// `guide_retired`.
    pub fn ensure_on(&self, day: NaiveDate) -> Result<()> {
        match (&self.row.retired_on, &self.row.retired_why) {
            (Some(last), Some(why)) if day > *last => {
                let last = format!("{}", last.format("%Y年%-m月%-d日"));
                Err(super::GUIDE_RETIRED.with(&[("last", &last), ("why", why)]).into())
            }
            _ => Ok(()),
        }
    }
}
