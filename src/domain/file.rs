//! Files (附件): forms and samples of guides, and what applicants give.
//!
//! A file is what its content says it is, whatever its name; pictures lose what cameras write into them. Its bytes lie sealed on the
//! disk, its row says with which key; the disk is written first, so that a row never names what is not there. What nothing comes
//! to rest on is forgotten after a day.

use super::act::{Act, Who};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault, sha256};
use crate::base::{Kind, Refusal, media};
use chrono::Duration;
use entity::file::{Column, Entity, FilePurpose, MediaType, Model};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
};

/// Neither PDF, DOCX, JPEG nor PNG, whatever it is called.
pub const BAD_FILE: Refusal =
    Refusal::new(Kind::Invalid, "bad_file", "这个文件打不开或类型不对：请提供 PDF、DOCX（不含宏）、JPG 或 PNG 文件。");
/// More bytes than are taken.
pub const FILE_TOO_LARGE: Refusal =
    Refusal::new(Kind::TooLarge, "file_too_large", "文件太大，请压缩到{megabytes}MB以内再上传。");
/// A name that is empty, too long or holds what no name does.
pub const BAD_FILE_NAME: Refusal = Refusal::new(Kind::Invalid, "bad_file_name", "文件名应为1至120字，不含特殊字符。");
/// No such file, or not yours.
pub const UNKNOWN_FILE: Refusal = Refusal::new(Kind::Missing, "unknown_file", "没有找到这个文件，请重新上传。");

/// How long a file waits for something to rest on it.
const WAITS: Duration = Duration::hours(24);

/// A file that is to be written to the disk before its row is.
pub struct Sealed {
    /// Its row.
    pub row: Model,
    /// Its bytes for the disk.
    pub bytes: Vec<u8>,
}

/// Looks at what was uploaded, takes out of a picture what does not draw it, and seals it.
///
/// # Errors
/// `bad_file`, `bad_file_name`, `file_too_large`.
pub fn seal(act: &Act, purpose: FilePurpose, name: &str, bytes: Vec<u8>, largest: usize) -> Result<Sealed> {
    let name = name.trim();
    // Some browsers give the whole path.
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if !(1..=120).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(BAD_FILE_NAME.on("file").into());
    }
    if bytes.len() > largest {
        return Err(FILE_TOO_LARGE.with(&[("megabytes", &(largest >> 20).max(1).to_string())]).into());
    }
    let (media, clean) = media::read(bytes).ok_or_else(|| BAD_FILE.on("file"))?;
    lock(act, purpose, name, media, clean)
}

/// Seals what we made ourselves, or what was looked at.
///
/// # Errors
/// Only if the cipher itself fails.
pub fn lock(act: &Act, purpose: FilePurpose, name: &str, media: MediaType, clean: Vec<u8>) -> Result<Sealed> {
    let id = act.id();
    let (size, hash) = (i32::try_from(clean.len()).map_err(anyhow::Error::from)?, sha256(&clean));
    let (key, bytes) = act.vault.lock(id, clean)?;
    let row = Model {
        id,
        centre_id: act.centre.id,
        name: act.seal("file.name", id, name)?,
        purpose,
        media,
        size,
        sha256: hash,
        key: act.seal("file.key", id, &key)?,
        sealed_sha256: sha256(&bytes),
        account_id: act.who.account(),
        staff_id: match &act.who {
            Who::Staff(staff) => Some(staff.id),
            _ => None,
        },
        recorded_at: act.now,
        kept_at: None,
    };
    Ok(Sealed { row, bytes })
}

/// Opens what lies on the disk.
///
/// # Errors
/// Bytes that were changed, or a key that is not here.
pub fn open(vault: &Vault, row: &Model, bytes: &[u8]) -> Result<Vec<u8>> {
    let key = vault.open(Place::new("file.key", row.centre_id, row.id), &row.key)?;
    Ok(vault.unlock(row.id, &key, bytes)?)
}

/// The name it was given under.
///
/// # Errors
/// A key that is not here.
pub fn name(vault: &Vault, row: &Model) -> Result<String> {
    Ok(vault.open(Place::new("file.name", row.centre_id, row.id), &row.name)?)
}

/// A file of a centre.
///
/// # Errors
/// `unknown_file`.
pub async fn get(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Model> {
    Ok(find(db, centre, id).await?.ok_or(UNKNOWN_FILE)?)
}

/// The same, if it is there.
///
/// # Errors
/// Whatever the database says.
pub async fn find(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?)
}

/// Comes to rest on files that were given for this: they are kept from now on.
///
/// # Errors
/// `unknown_file` where one is not there, or was given for something else.
pub async fn keep(act: &Act, purpose: FilePurpose, ids: &[Id]) -> Result<()> {
    for id in ids {
        let row = get(&*act.tx, act.centre.id, *id).await?;
        if row.purpose != purpose {
            return Err(UNKNOWN_FILE.into());
        }
        if row.kept_at.is_none() {
            Entity::update_many()
                .col_expr(Column::KeptAt, Expr::value(act.now))
                .filter(Column::Id.eq(*id))
                .exec(&*act.tx)
                .await?;
        }
    }
    Ok(())
}

/// Forgets some files that nothing came to rest on in a day; gives them, to be taken off the disk.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<Vec<(Id, Id)>> {
    let idle = Column::KeptAt.is_null().and(Column::RecordedAt.lt(now - WAITS));
    let rows = Entity::find().filter(idle.clone()).limit(500).all(db).await?;
    let ids: Vec<(Id, Id)> = rows.into_iter().map(|row| (row.centre_id, row.id)).collect();
    // Asked again: one that was kept meanwhile stays.
    let mut gone = Vec::new();
    for (centre, id) in ids {
        let done = Entity::delete_many().filter(Column::Id.eq(id)).filter(idle.clone()).exec(db).await?;
        if done.rows_affected == 1 {
            gone.push((centre, id));
        }
    }
    Ok(gone)
}
