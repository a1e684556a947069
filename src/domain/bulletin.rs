//! Bulletins (月通报, article 5.2.5): a month's figures, frozen and signed.
//!
//! A draft may be made again until it is signed; a signed one never changes: same month, same bytes, same hash. Its figures
//! open to their rows as of the moment they were frozen.

use super::act::{Act, StaffMember};
use super::audit;
use super::figure::{self, Figure, Month};
use super::identity::staff;
use crate::base::error::Result;
use crate::base::vault::sha256;
use crate::base::{Kind, Refusal, canonical};
use chrono::Duration;
use entity::bulletin::{BulletinState, Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A draft is frozen so long before it is made: acts under way at the frozen moment have been committed by then, so that
/// the rows it opens to are the rows it was counted from.
const SETTLED: Duration = Duration::seconds(60);

/// There is none for this month, or none that is published.
pub const NO_BULLETIN: Refusal = Refusal::new(Kind::Missing, "no_bulletin", "这个月的通报还没有发布。");
/// A signed one is never drafted again.
pub const ALREADY_SIGNED: Refusal =
    Refusal::new(Kind::Conflict, "already_signed", "这个月的通报已经签发，不能再改。").article("5.2.5");
/// The month lies ahead.
pub const NOT_BEGUN: Refusal = Refusal::new(Kind::Invalid, "period_not_begun", "这个月还没有开始。");
/// The month is not over.
pub const NOT_OVER: Refusal =
    Refusal::new(Kind::Conflict, "period_not_over", "这个月还没有过完，不能签发。").article("5.2.5");
/// The draft was frozen before the month was over.
pub const FROZEN_EARLY: Refusal =
    Refusal::new(Kind::Conflict, "frozen_early", "这份草稿是月底前生成的，数据不全。请重新生成草稿再签发。")
        .article("5.2.5");
/// The draft is not the one that was read.
pub const DRAFT_CHANGED: Refusal =
    Refusal::new(Kind::Conflict, "draft_changed", "草稿在您阅读后重新生成过，请重新阅读再签发。");

/// A bulletin's content. Its JSON has sorted keys and integers only, so that the same figures are the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Code of the centre.
    pub centre: String,
    /// Name of the centre.
    pub centre_name: String,
    /// The figures.
    pub figures: Vec<Line>,
    /// Frozen moment, milliseconds since the epoch.
    pub frozen_at: i64,
    /// The regulation it carries out.
    pub measures: String,
    /// `2026-10`.
    pub period: String,
}

/// A figure in a bulletin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The article that asks for it.
    pub article: String,
    /// All rows, for a ratio.
    pub denominator: Option<i64>,
    /// Stable key.
    pub key: String,
    /// How it is counted.
    pub meaning: String,
    /// Rows that count.
    pub numerator: i64,
    /// Its name.
    pub title: String,
    /// Version of its meaning.
    pub version: u32,
}

impl Line {
    /// A line of an office that had nothing to do with it that month: kept, and not worth a row on a page.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.key.contains('.') && self.numerator == 0 && self.denominator.unwrap_or(0) == 0
    }

    /// The two numbers of a ratio; nothing for a count.
    #[must_use]
    pub fn counts(&self) -> String {
        self.denominator.map(|d| format!("{}／{d}", self.numerator)).unwrap_or_default()
    }

    /// As people read it.
    #[must_use]
    pub fn in_words(&self) -> String {
        figure::in_words(self.numerator, self.denominator)
    }
}

impl From<&Figure> for Line {
    fn from(figure: &Figure) -> Self {
        Self {
            article: figure.article.to_owned(),
            denominator: figure.denominator(),
            key: figure.key.clone(),
            meaning: figure.meaning.to_owned(),
            numerator: figure.numerator(),
            title: figure.title.clone(),
            version: figure.version,
        }
    }
}

/// Drafts a month's bulletin, or drafts it again, with what is known now.
///
/// # Errors
/// `period_not_begun`, `already_signed`.
pub async fn draft(act: &Act, month: Month) -> Result<Model> {
    if month.begins() > act.now {
        return Err(NOT_BEGUN.on("period").into());
    }
    let frozen_at = act.now - SETTLED;
    let mut figures = figure::month(&*act.tx, act.centre.id, month, frozen_at).await?;
    // Drafted twice while reviews come in, these would tell whoever drafts how a case of his own was rated between.
    figures.retain(|figure| !figure.is_held_back || month.ends() <= frozen_at);
    let body = Body {
        centre: act.centre.code.clone(),
        centre_name: act.centre.name.clone(),
        figures: figures.iter().map(Line::from).collect(),
        frozen_at: frozen_at.0,
        measures: "水田府发〔2020〕62号".to_owned(),
        period: month.word(),
    };
    let body = canonical::json(&serde_json::to_value(&body).map_err(anyhow::Error::from)?);
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        period: month.word(),
        state: BulletinState::Draft,
        frozen_at,
        sha256: hex(&body),
        body,
        drafted_by: act.who.label(),
        signed_by: None,
        signed_at: None,
    };
    let again = [Column::FrozenAt, Column::Body, Column::Sha256, Column::DraftedBy];
    let drafts = OnConflict::columns([Column::CentreId, Column::Period])
        .update_columns(again)
        .action_and_where(Expr::col((Entity, Column::State)).eq(BulletinState::Draft))
        .to_owned();
    let written = Entity::insert(row.into_active_model()).on_conflict(drafts).exec_without_returning(&*act.tx).await?;
    if written == 0 {
        return Err(ALREADY_SIGNED.into());
    }
    find(&*act.tx, act.centre.id, month).await
}

/// Refuses the signature under a draft whose month is not over, or was not when the draft was frozen.
///
/// # Errors
/// `already_signed`, `period_not_over`, `frozen_early`.
pub fn ensure_ripe(draft: &Model, month: Month, now: Time) -> Result<()> {
    if draft.state == BulletinState::Signed {
        return Err(ALREADY_SIGNED.into());
    }
    if month.ends() > now {
        return Err(NOT_OVER.into());
    }
    if month.ends() > draft.frozen_at {
        return Err(FROZEN_EARLY.into());
    }
    Ok(())
}

/// Signs a draft that was frozen after the month was over. `read` is the hash of the draft the signer has read.
///
/// # Errors
/// `no_bulletin`, `already_signed`, `period_not_over`, `frozen_early`, `draft_changed`.
pub async fn sign(act: &Act, staff: &StaffMember, month: Month, read: Option<&str>) -> Result<Model> {
    let draft = find(&*act.tx, act.centre.id, month).await?;
    ensure_ripe(&draft, month, act.now)?;
    if read.is_some_and(|hash| hash != draft.sha256) {
        return Err(DRAFT_CHANGED.into());
    }
    let signed = Entity::update_many()
        .col_expr(Column::State, Expr::value(BulletinState::Signed))
        .col_expr(Column::SignedBy, Expr::value(staff.id))
        .col_expr(Column::SignedAt, Expr::value(act.now))
        .filter(Column::Id.eq(draft.id))
        .filter(Column::State.eq(BulletinState::Draft))
        .filter(Column::Sha256.eq(&draft.sha256))
        .exec_with_returning(&*act.tx)
        .await?;
    let signed = signed.into_iter().next().ok_or(DRAFT_CHANGED)?;
    audit::note(act, "bulletin.signed", month.word(), json!({ "sha256": signed.sha256 })).await?;
    Ok(signed)
}

/// A month's bulletin.
///
/// # Errors
/// `no_bulletin`.
pub async fn find(db: &impl ConnectionTrait, centre: Id, month: Month) -> Result<Model> {
    let row = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::Period.eq(month.word()));
    row.one(db).await?.ok_or_else(|| NO_BULLETIN.into())
}

/// A month's bulletin for whoever reads: a draft is there for those alone who may read drafts.
///
/// # Errors
/// `no_bulletin`.
pub async fn open(db: &impl ConnectionTrait, centre: Id, month: Month, reads_drafts: bool) -> Result<Model> {
    let row = find(db, centre, month).await?;
    if row.state == BulletinState::Signed || reads_drafts { Ok(row) } else { Err(NO_BULLETIN.into()) }
}

/// All bulletins of the centre, latest first; only signed ones for the public.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl ConnectionTrait, centre: Id, reads_drafts: bool) -> Result<Vec<Model>> {
    let mut rows = Entity::find().filter(Column::CentreId.eq(centre)).order_by_desc(Column::Period);
    if !reads_drafts {
        rows = rows.filter(Column::State.eq(BulletinState::Signed));
    }
    Ok(rows.all(db).await?)
}

/// Reads a bulletin's content and makes sure that it is what was hashed.
///
/// # Errors
/// A body that was changed in the database.
pub fn read(row: &Model) -> Result<Body> {
    if hex(&row.body) != row.sha256 {
        return Err(anyhow::anyhow!("the body of bulletin {} does not fit its hash", row.period).into());
    }
    Ok(serde_json::from_str(&row.body).map_err(anyhow::Error::from)?)
}

/// Who signed a bulletin, and when.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Post and name, as on the board.
    pub by: String,
    /// The moment.
    pub at: Time,
}

/// The signature of a bulletin; none for a draft.
///
/// # Errors
/// `unknown_staff` if the signer's row is gone; whatever the database says.
pub async fn signature(db: &impl ConnectionTrait, row: &Model) -> Result<Option<Signature>> {
    let Some((by, at)) = row.signed_by.zip(row.signed_at) else { return Ok(None) };
    let signer = staff::by_id(db, row.centre_id, by).await?;
    Ok(Some(Signature { by: format!("{} {}", signer.title, signer.name).trim().to_owned(), at }))
}

/// Opens one figure of a bulletin to its rows, as of the moment it was frozen: with names for those alone who may read
/// drafts, and some to nobody before the month is signed.
///
/// # Errors
/// `unknown_figure`; a fault if the rows no longer make the number that was written.
pub async fn rows(db: &impl ConnectionTrait, row: &Model, key: &str, names: bool) -> Result<Figure> {
    let written = read(row)?.figures.into_iter().find(|l| l.key == key).ok_or(figure::UNKNOWN_FIGURE)?;
    let figure = figure::one(db, row.centre_id, Month::parse(&row.period)?, row.frozen_at, key).await?;
    if (figure.numerator(), figure.denominator()) != (written.numerator, written.denominator) {
        return Err(
            anyhow::anyhow!("figure {key} of {} no longer makes the number that was written", row.period).into()
        );
    }
    let waits = figure.is_held_back && row.state == BulletinState::Draft;
    Ok(if names && !waits { figure } else { figure.published() })
}

/// Drafts the month before this one if nobody has: the timetable's share (月通报每月一次).
///
/// # Errors
/// Whatever the database says.
pub async fn draft_due(act: &Act) -> Result<()> {
    let month = Month::of(act.now.date()).before();
    let begun = act.centre.created_at < month.ends();
    match find(&*act.tx, act.centre.id, month).await {
        Ok(row) if row.state == BulletinState::Signed || row.frozen_at >= month.ends() => Ok(()),
        _ if begun => draft(act, month).await.map(drop),
        _ => Ok(()),
    }
}

fn hex(text: &str) -> String {
    hex::encode(sha256(text.as_bytes()).0)
}
