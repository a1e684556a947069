//! Guides (办事指南, article 4.3): what the centre handles, what it takes and how long it may last.
//!
//! A guide has a stable code and versions that never change; a case stays on the version it began under (4.4). What its
//! source did not publish stays empty and is shown as 未公布. Vague words are refused before a version is published.

pub mod check;
pub mod code;
pub mod draft;
pub mod fault;
mod import;
pub mod lint;
mod publish;
mod search;

pub use import::{BAD_GUIDES, GuideFile, Imported, import};
pub use publish::{
    BAD_RETIREMENT, Comparison, Count, UNKNOWN_VERSION, any_to_change, form, history, retire, take_effect,
};

use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::centre;
use crate::domain::published::Centre;
use chrono::Days;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::case::Channel;
use entity::centre::office;
use entity::guide::{Column, Entity, Model, version};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;
use std::sync::Arc;

/// No guide has this code.
pub const UNKNOWN_GUIDE: Refusal = Refusal::new(Kind::Missing, "unknown_guide", "没有这个事项，请从办事指南中选择。");
/// The matter is not for this kind of applicant.
pub const NOT_FOR_KIND: Refusal =
    Refusal::new(Kind::Invalid, "not_for_kind", "这个事项不受理这类申请人，请核对申请人类型。").article("2.3");

/// The matter is not handled here any longer.
pub const GUIDE_RETIRED: Refusal =
    Refusal::new(Kind::Conflict, "guide_retired", "这个事项{last}之后不再在本中心办理：{why}").article("4.3");
/// The guide closes this channel.
pub const CHANNEL_CLOSED: Refusal =
    Refusal::new(Kind::Invalid, "channel_closed", "这个事项不能从这个渠道办理：{ground}").article("4.7");
/// Two guides of one name.
pub const NAME_TAKEN: Refusal = Refusal::new(Kind::Conflict, "name_taken", "另一个事项已经用了这个名称。");

/// True for what may be a guide's code.
#[must_use]
pub fn is_code(code: &str) -> bool {
    (2..=16).contains(&code.len()) && code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
}

/// A guide with its office and the version in force.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The guide.
    pub row: Model,
    /// Its office.
    pub office: office::Model,
    /// The version in force.
    pub version: version::Model,
}

impl Guide {
    /// True when its last day is over: it is still there for whatever began under it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.version.in_force_until.is_some()
    }

    /// The limit in working days that is promised: the promised one, else the one by law, else none was published.
    #[must_use]
    pub fn limit_days(&self) -> Option<i32> {
        self.version.content.promised_days.or(self.version.content.statutory_days)
    }

    /// Refuses a channel that the guide closes, with its ground.
    ///
    /// # Errors
    /// `channel_closed`.
    pub fn ensure_open(&self, channel: Channel) -> Result<()> {
        let closed = self.version.content.elements.closed_channels.iter().find(|closed| closed.channel == channel);
        closed.map_or(Ok(()), |closed| Err(CHANNEL_CLOSED.with(&[("ground", &closed.ground)]).on("channel").into()))
    }

    /// Refuses an applicant of a kind the matter is not for. A guide that names no kind takes all.
    ///
    /// # Errors
    /// `not_for_kind` on `applicant.kind`.
    pub fn ensure_for(&self, kind: ApplicantKind) -> Result<()> {
        let audience = &self.version.content.audience;
        if audience.is_empty() || audience.contains(&kind) {
            Ok(())
        } else {
            Err(NOT_FOR_KIND.on("applicant.kind").into())
        }
    }
}

/// What a list of guides is narrowed by.
#[derive(Debug, Default)]
pub struct Wanted<'w> {
    /// Part of a name, or of its pinyin, full or initials.
    pub q: Option<&'w str>,
    /// Code of an office.
    pub office: Option<&'w str>,
    /// Kind of applicant.
    pub audience: Option<ApplicantKind>,
}

/// The centre's guides by code. There are some dozens; a name is matched here, for a database knows no pinyin.
///
/// # Errors
/// `unknown_office`.
pub async fn list(db: &impl ConnectionTrait, centre: &Centre, wanted: Wanted<'_>) -> Result<Vec<Arc<Guide>>> {
    if let Some(code) = wanted.office {
        centre::office(db, centre.id, code).await?;
    }
    let fits = |guide: &&Arc<Guide>| {
        wanted.q.is_none_or(|q| search::matches(&guide.row.name, q))
            && wanted.office.is_none_or(|code| guide.office.code == code)
            && wanted.audience.is_none_or(|kind| guide.ensure_for(kind).is_ok())
    };
    let mut found: Vec<Arc<Guide>> = all(db, centre).await?.each().filter(fits).cloned().collect();
    found.sort_unstable_by(|a, b| a.row.code.cmp(&b.row.code));
    Ok(found)
}

/// The guides that a centre publishes, each in the version in force.
pub struct Guides {
    by_id: HashMap<Id, Arc<Guide>>,
    by_code: HashMap<String, Arc<Guide>>,
}

impl Guides {
    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let offices: HashMap<Id, office::Model> =
            centre::offices(db, centre).await?.into_iter().map(|o| (o.id, o)).collect();
        let in_force = version::Entity::find()
            .join(
                JoinType::InnerJoin,
                version::Entity::belongs_to(Entity).from(version::Column::GuideId).to(Column::Id).into(),
            )
            .filter(Column::CentreId.eq(centre))
            .filter(Expr::col((version::Entity, version::Column::Number)).equals((Entity, Column::Version)));
        let mut versions: HashMap<Id, version::Model> =
            in_force.all(db).await?.into_iter().map(|v| (v.guide_id, v)).collect();
        let rows = Entity::find().filter(Column::CentreId.eq(centre)).all(db).await?;
        let whole = |row: Model| {
            let (office, version) = (offices.get(&row.office_id)?.clone(), versions.remove(&row.id)?);
            Some(Arc::new(Guide { row, office, version }))
        };
        let guides: Vec<Arc<Guide>> = rows.into_iter().filter_map(whole).collect();
        Ok(Self {
            by_id: guides.iter().map(|g| (g.row.id, Arc::clone(g))).collect(),
            by_code: guides.into_iter().map(|g| (g.row.code.clone(), g)).collect(),
        })
    }

    /// The guide of an id.
    #[must_use]
    pub fn of(&self, id: Id) -> Option<&Guide> {
        self.by_id.get(&id).map(Arc::as_ref)
    }

    /// Each that is handled here, in no order.
    pub fn each(&self) -> impl Iterator<Item = &Arc<Guide>> {
        self.by_id.values().filter(|guide| !guide.is_over())
    }
}

/// All guides of a centre: some dozens, read once an edition.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Guides>> {
    centre.part(async |id| Guides::read(db, id).await).await
}

/// The guide of a code, with the version in force.
///
/// # Errors
/// `unknown_guide`, `guide_retired`.
pub async fn get(db: &impl ConnectionTrait, centre: &Centre, code: &str) -> Result<Arc<Guide>> {
    let guide = all(db, centre).await?.by_code.get(code).cloned().ok_or(UNKNOWN_GUIDE)?;
    if let Some(last) = guide.version.in_force_until {
        guide.ensure_on(last + Days::new(1))?;
    }
    Ok(guide)
}

/// A guide of a code and its latest version, whether that has begun or not.
async fn known(db: &impl ConnectionTrait, centre: Id, code: &str) -> Result<Option<(Model, version::Model)>> {
    let guide = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::Code.eq(code)).one(db).await?;
    let Some(guide) = guide else { return Ok(None) };
    let latest = version::Entity::find().filter(version::Column::GuideId.eq(guide.id));
    let latest = latest.order_by_desc(version::Column::Number).one(db).await?;
    Ok(latest.map(|latest| (guide, latest)))
}

/// The version that a case began under, whichever is in force by now (article 4.4).
///
/// # Errors
/// Whatever the database says; one that is not there is a fault, for a case rests on it.
pub async fn version(db: &impl ConnectionTrait, id: Id) -> Result<version::Model> {
    let version = version::Entity::find_by_id(id).one(db).await?;
    Ok(version.ok_or_else(|| anyhow::anyhow!("a version of a guide is not there"))?)
}

/// A guide by id, for naming the matter of one booking or case.
///
/// # Errors
/// Whatever the database says; one that is not there is a fault, for whatever names it rests on it.
pub async fn by_id(db: &impl ConnectionTrait, centre: &Centre, id: Id) -> Result<Arc<Guide>> {
    let guide = all(db, centre).await?.by_id.get(&id).cloned();
    Ok(guide.ok_or_else(|| anyhow::anyhow!("a guide is not there"))?)
}
