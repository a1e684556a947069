//! Documents (文书): issued in the act that they tell of, with a number without gaps and a code that proves them.
//!
//! What a document says is written down in the act, sealed; its bytes are made once, by whoever asks first or by the timetable, and
//! kept: nothing is set anew. Where what it tells of is undone, it is void, and whoever checks it is told so.

mod check;

pub use check::{Checked, check};

use super::act::Act;
use super::centre;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal};
use chrono::{Datelike as _, NaiveDate};
use entity::document::{Column, DocumentKind, Entity, Model};
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

/// No such document, or not yours.
pub const UNKNOWN_DOCUMENT: Refusal = Refusal::new(Kind::Missing, "unknown_document", "没有找到这份文书。");
/// No document has this code.
pub const UNKNOWN_CODE: Refusal = Refusal::new(
    Kind::Missing,
    "unknown_code",
    "没有校验码相符的文书。请核对输入；仍然查不到的，请当面或电话向中心核实。",
);

/// The code's length: 60 bits, which nobody guesses within the limits.
const CODE: usize = 12;

/// What a document says, beside what all of them do.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// To whom.
    pub to: Option<String>,
    /// In sentences.
    pub paragraphs: Vec<String>,
    /// Head of its table, and how wide each column is; without a head the rows are of what and value.
    pub head: Vec<(&'static str, u8)>,
    /// Rows of its table.
    pub rows: Vec<Vec<String>>,
    /// After the table.
    pub closing: Vec<String>,
    /// Lines to be signed.
    pub signatures: Vec<String>,
    /// In small letters at the foot.
    pub notes: Vec<String>,
}

/// A document as data: everything that is on the paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// Name of the centre.
    pub centre: String,
    /// Name of the document.
    pub title: String,
    /// Its number.
    pub number: String,
    /// To whom.
    pub to: Option<String>,
    /// In sentences.
    pub paragraphs: Vec<String>,
    /// Head of its table.
    pub head: Vec<String>,
    /// How wide each column is.
    pub widths: Vec<u8>,
    /// Rows of its table.
    pub rows: Vec<Vec<String>>,
    /// After the table.
    pub closing: Vec<String>,
    /// Lines to be signed.
    pub signatures: Vec<String>,
    /// The day, in words.
    pub date: String,
    /// In small letters at the foot.
    pub notes: Vec<String>,
    /// The code that proves it.
    pub check_code: String,
    /// Where that is asked.
    pub verify_at: String,
    /// The same with the code, for its QR code.
    pub verify_url: String,
}

/// The name of a kind.
#[must_use]
pub const fn title(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Receipt => "收件回执单",
        DocumentKind::Supplement => "一次性告知书",
        DocumentKind::Acceptance => "受理通知书",
        DocumentKind::Refusal => "不予受理通知书",
        DocumentKind::Procedure => "特别程序告知书",
        DocumentKind::Extension => "延期告知书",
        DocumentKind::Decision => "决定书",
        DocumentKind::PickUp => "办结领取通知",
        DocumentKind::Delivery => "送达回证",
    }
}

/// The word of a kind in its number.
const fn word(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Receipt => "收",
        DocumentKind::Supplement => "补",
        DocumentKind::Acceptance => "受",
        DocumentKind::Refusal => "不受",
        DocumentKind::Procedure => "特",
        DocumentKind::Extension => "延",
        DocumentKind::Decision => "决",
        DocumentKind::PickUp => "领",
        DocumentKind::Delivery => "达",
    }
}

/// Issues a document of what has just happened.
///
/// # Errors
/// Whatever the database says, or the cipher itself.
pub async fn issue(act: &Act, kind: DocumentKind, case: Id, event: Id, said: Said) -> Result<Model> {
    let today = act.now.date();
    let year = NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap_or(today);
    let n = centre::next_number(act, &format!("document.{}", kind.word()), year).await?;
    let number = format!("{}{}〔{}〕{n}号", act.centre.abbreviation, word(kind), today.year());
    let (id, code) = (act.id(), act.random.word(CODE));
    let verify_at = format!("{}/v", act.rules.public_url);
    let paper = Paper {
        centre: act.centre.name.clone(),
        title: title(kind).to_owned(),
        number: number.clone(),
        to: said.to,
        paragraphs: said.paragraphs,
        widths: said.head.iter().map(|(_, width)| *width).collect(),
        head: said.head.into_iter().map(|(words, _)| words.to_owned()).collect(),
        rows: said.rows,
        closing: said.closing,
        signatures: said.signatures,
        date: today.format("%Y年%-m月%-d日").to_string(),
        notes: said.notes,
        check_code: spaced(&code),
        verify_url: format!("{verify_at}/{code}"),
        verify_at,
    };
    let data = serde_json::to_string(&paper).map_err(anyhow::Error::from)?;
    let row = Model {
        id,
        centre_id: act.centre.id,
        case_id: case,
        event_id: event,
        kind,
        year: today.year(),
        n,
        code: act.seal("document.code", id, &code)?,
        code_blind: act.blind("document_code", &code),
        data: act.seal("document.data", id, &data)?,
        issued_at: act.now,
        void_id: None,
        template: None,
        file_id: None,
        made_at: None,
        number,
    };
    act.insert(row).await
}

/// A code in groups of four, as it is read aloud.
fn spaced(code: &str) -> String {
    code.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// What a document says.
///
/// # Errors
/// A key that is not here.
pub fn paper(vault: &Vault, row: &Model) -> Result<Paper> {
    let data = vault.open(Place::new("document.data", row.centre_id, row.id), &row.data)?;
    Ok(serde_json::from_str(&data).map_err(anyhow::Error::from)?)
}

/// Voids the documents of an event that another one undoes; those that the first had voided hold again.
///
/// # Errors
/// Whatever the database says.
pub async fn undone(act: &Act, event: Id, by: Id) -> Result<()> {
    for (void, of) in
        [(Some(by), Column::EventId.eq(event).and(Column::VoidId.is_null())), (None, Column::VoidId.eq(event))]
    {
        Entity::update_many().col_expr(Column::VoidId, Expr::value(void)).filter(of).exec(&*act.tx).await?;
    }
    Ok(())
}

/// Voids the documents of a case: all of one that should not have been, or of a kind that another one takes the place of.
///
/// # Errors
/// Whatever the database says.
pub async fn void(act: &Act, case: Id, kind: Option<DocumentKind>, by: Id) -> Result<()> {
    let held = Column::CaseId.eq(case).and(Column::VoidId.is_null());
    let of = kind.map_or(held.clone(), |kind| held.and(Column::Kind.eq(kind)));
    Entity::update_many().col_expr(Column::VoidId, Expr::value(by)).filter(of).exec(&*act.tx).await?;
    Ok(())
}

/// Documents of a case, in the order in which they were issued.
///
/// # Errors
/// Whatever the database says.
pub async fn of_case(db: &impl ConnectionTrait, case: Id) -> Result<Vec<Model>> {
    Ok(Entity::find()
        .filter(Column::CaseId.eq(case))
        .order_by_asc(Column::IssuedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?)
}

/// A document of a case.
///
/// # Errors
/// `unknown_document`.
pub async fn get(db: &impl ConnectionTrait, case: Id, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CaseId.eq(case)).one(db).await?;
    Ok(row.ok_or(UNKNOWN_DOCUMENT)?)
}

/// Some documents whose bytes were not made yet, the oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn unmade(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<Model>> {
    let of = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::FileId.is_null());
    Ok(of.order_by_asc(Column::IssuedAt).limit(100).all(db).await?)
}

/// Keeps the bytes of a document, unless somebody was quicker: gives the document as it is kept.
///
/// # Errors
/// Whatever the database says.
pub async fn made(act: &Act, id: Id, file: Id, template: &str) -> Result<Model> {
    Entity::update_many()
        .col_expr(Column::FileId, Expr::value(file))
        .col_expr(Column::Template, Expr::value(template))
        .col_expr(Column::MadeAt, Expr::value(act.now))
        .filter(Column::Id.eq(id))
        .filter(Column::FileId.is_null())
        .exec(&*act.tx)
        .await?;
    let row = Entity::find_by_id(id).one(&*act.tx).await?.ok_or(UNKNOWN_DOCUMENT)?;
    if row.file_id == Some(file) {
        super::file::keep(act, entity::file::FilePurpose::Document, &[file]).await?;
    }
    Ok(row)
}

/// When a document was issued, in words.
#[must_use]
pub fn day(issued_at: Time) -> String {
    issued_at.local().format("%Y年%-m月%-d日").to_string()
}
