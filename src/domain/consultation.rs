//! Consultations (咨询, article 4.5): somebody asks at the counter or by telephone. Whoever was asked first sees to it that he is told
//! which department handles it and how to reach it (article 5.3.1a), and helps with filling in. It leaves a record.

use super::act::{Act, Page, Who};
use super::published::Centre;
use super::{centre, guide};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal};
use entity::Id;
use entity::consultation::{Column, ConsultationWay, Entity, Model};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

/// No such consultation.
pub const UNKNOWN_CONSULTATION: Refusal = Refusal::new(Kind::Missing, "unknown_consultation", "没有找到这条咨询记录。");
/// Nothing is said of what was asked, or too much.
pub const TOPIC_NEEDED: Refusal = Refusal::new(Kind::Invalid, "topic_needed", "请写明问了什么（2至200字）。");
/// The asker's name is no name.
pub const BAD_ASKER: Refusal =
    Refusal::new(Kind::Invalid, "bad_asker", "咨询人请写姓名或称呼，不超过40字，没有说的不填。");
/// Whoever asked was not told who handles it.
pub const NOT_TOLD: Refusal = Refusal::new(
    Kind::Invalid,
    "not_told",
    "必须告知承办部门和电话：是本中心事项的选事项或科室；不是的，写明由谁办、电话多少（2至200字）。",
)
.article("5.3.1a");

/// What is recorded of a consultation.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How.
    pub way: ConsultationWay,
    /// Code of the guide, if it is one of the centre's matters.
    pub guide: Option<String>,
    /// Code of the office, if it is none of the matters and still the centre's.
    pub office: Option<String>,
    /// Who handles it elsewhere, with a telephone.
    pub elsewhere: Option<String>,
    /// What was asked.
    pub topic: String,
    /// Who asked, as far as he said.
    pub asker: Option<String>,
    /// He was helped with filling in.
    pub filled_in: bool,
}

/// Records a consultation, by whoever was asked first.
///
/// # Errors
/// `topic_needed`, `bad_asker`, `unknown_guide`, `unknown_office`, `not_told`.
pub async fn record(act: &Act, asked: Asked) -> Result<Model> {
    let Who::Staff(staff) = &act.who else { return Err(UNKNOWN_CONSULTATION.into()) };
    let topic = asked.topic.trim();
    if !(2..=200).contains(&topic.chars().count()) {
        return Err(TOPIC_NEEDED.on("topic").into());
    }
    let asker = asked.asker.as_deref().map(str::trim).filter(|asker| !asker.is_empty());
    if asker.is_some_and(|asker| asker.chars().count() > 40 || asker.chars().any(char::is_control)) {
        return Err(BAD_ASKER.on("asker").into());
    }
    let guide = match &asked.guide {
        Some(code) => Some(guide::get(&*act.tx, &act.centre, code).await?),
        None => None,
    };
    let office = match (&guide, &asked.office) {
        (Some(guide), _) => Some(guide.office.clone()),
        (None, Some(code)) => Some(centre::office(&*act.tx, act.centre.id, code).await?),
        (None, None) => None,
    };
    let elsewhere = asked.elsewhere.as_deref().map(str::trim).filter(|_| office.is_none());
    let told = match (&office, elsewhere) {
        (Some(office), _) => format!("{}，{}", office.name, office.phone),
        // A department without a telephone is half an answer.
        (None, Some(words))
            if (2..=200).contains(&words.chars().count()) && words.chars().any(|c| c.is_ascii_digit()) =>
        {
            words.to_owned()
        }
        _ => return Err(NOT_TOLD.on("elsewhere").into()),
    };
    let id = act.id();
    let row = Model {
        id,
        centre_id: act.centre.id,
        way: asked.way,
        staff_id: staff.id,
        guide_id: guide.map(|guide| guide.row.id),
        topic: act.seal("consultation.topic", id, topic)?,
        asker: asker.map(|asker| act.seal("consultation.asker", id, asker)).transpose()?,
        elsewhere: elsewhere.map(ToOwned::to_owned),
        office_id: office.map(|office| office.id),
        told,
        filled_in: asked.filled_in,
        at: act.now,
        recorded_at: act.now,
        on_date: act.now.date(),
    };
    act.insert(row).await
}

/// A consultation by its id.
///
/// # Errors
/// `unknown_consultation`.
pub async fn get(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    row.ok_or_else(|| UNKNOWN_CONSULTATION.on("consultation_id").into())
}

/// A consultation in clear.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The row.
    pub row: Model,
    /// What was asked.
    pub topic: String,
    /// Who asked.
    pub asker: Option<String>,
    /// Name of the matter.
    pub item: Option<String>,
}

/// Consultations of the centre, newest first.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn list(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    page: Page,
) -> Result<(Vec<Seen>, Option<String>)> {
    let rows = page.of(Entity::find().filter(Column::CentreId.eq(centre.id)), Column::At, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |row| (row.at, row.id));
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        seen.push(open(db, vault, centre, row).await?);
    }
    Ok((seen, next))
}

/// A consultation in clear.
///
/// # Errors
/// Whatever the vault says.
pub async fn open(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, row: Model) -> Result<Seen> {
    let clear = |column, sealed| vault.open(Place::new(column, centre.id, row.id), sealed);
    let topic = clear("consultation.topic", &row.topic)?;
    let asker = row.asker.as_ref().map(|asker| clear("consultation.asker", asker)).transpose()?;
    let guides = guide::all(db, centre).await?;
    let item = row.guide_id.and_then(|id| guides.of(id)).map(|guide| guide.row.name.clone());
    Ok(Seen { topic, asker, item, row })
}
