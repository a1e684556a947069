//! Writing a file: every row at one moment.

use super::table::{Table, all};
use super::{End, Head, Line, Needed, Sum};
use crate::base::canonical;
use crate::base::vault::{Vault, key_of, sha256};
use crate::domain::reseal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::{Id, Sealed, Time, file};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt as _;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{
    AccessMode, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait as _,
    IsolationLevel, QueryFilter as _, QueryResult, StatementBuilder, StreamTrait as _, TransactionTrait as _,
};
use std::io::Write;

/// What is archived.
#[derive(Clone, Debug)]
pub struct Scope<'s> {
    /// The moment.
    pub now: Time,
    /// The last schema step that was taken.
    pub schema: String,
    /// The centres.
    pub centres: &'s [entity::centre::Model],
    /// They are all there are: what belongs to none goes with them.
    pub whole: bool,
}

/// Writes everything of a scope. `progress` hears of each table and how many rows it had.
///
/// # Errors
/// A database that cannot be read, or a file that cannot be written.
pub async fn backup(
    db: &DatabaseConnection,
    vault: &Vault,
    scope: &Scope<'_>,
    file: impl Write,
    disk: impl Fn(Id, Id) -> anyhow::Result<Vec<u8>>,
    mut progress: impl FnMut(&str, u64),
) -> anyhow::Result<End> {
    // One moment for all tables; on SQLite a transaction is one anyway.
    let isolation =
        (db.get_database_backend() == sea_orm::DbBackend::Postgres).then_some(IsolationLevel::RepeatableRead);
    let access = isolation.map(|_| AccessMode::ReadOnly);
    let tx = db.begin_with_config(isolation, access).await?;
    let mut file = GzEncoder::new(file, Compression::default());
    let head = Head {
        shuitian_backup: 1,
        schema: scope.schema.clone(),
        made_at: scope.now.local().to_rfc3339(),
        centres: scope.centres.iter().map(|c| c.code.clone()).collect(),
    };
    writeln!(file, "{}", serde_json::to_string(&head)?)?;
    let mut end = End::default();
    end.keys.index = vault.index_key_ids();
    for table in all() {
        let columns = table.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        writeln!(file, "{}", serde_json::to_string(&Line::Table { table: table.name.to_owned(), columns })?)?;
        let sum = rows(&tx, &table, scope, &mut end.keys, &mut file).await?;
        progress(table.name, sum.rows);
        end.tables.insert(table.name.to_owned(), sum);
        if table.name == "file" {
            files(&tx, scope, &disk, &mut end, &mut file).await?;
        }
    }
    writeln!(file, "{}", serde_json::to_string(&Line::End { end: end.clone() })?)?;
    file.finish()?.flush()?;
    tx.rollback().await?;
    Ok(end)
}

/// The bytes of the files of a scope. One that is not there any longer stops nothing; it is told of.
async fn files(
    tx: &DatabaseTransaction,
    scope: &Scope<'_>,
    disk: impl Fn(Id, Id) -> anyhow::Result<Vec<u8>>,
    end: &mut End,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mine = file::Column::CentreId.is_in(scope.centres.iter().map(|c| c.id));
    let mut found = file::Entity::find().filter(mine).stream(tx).await?;
    while let Some(row) = found.try_next().await? {
        match disk(row.centre_id, row.id) {
            Ok(bytes) if sha256(&bytes) == row.sealed_sha256 => {
                let line = Line::File { file: row.id, centre: row.centre_id, bytes: STANDARD.encode(bytes) };
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
                end.files += 1;
            }
            _ => end.lost.push(row.id),
        }
    }
    Ok(())
}

/// The rows of one table.
async fn rows(
    tx: &DatabaseTransaction,
    table: &Table,
    scope: &Scope<'_>,
    keys: &mut Needed,
    file: &mut impl Write,
) -> anyhow::Result<Sum> {
    let naming = naming(table);
    let mut query = Query::select();
    query.columns(table.columns.iter().map(|(name, _)| Alias::new(*name))).from(Alias::new(table.name));
    let ids = || scope.centres.iter().map(|c| c.id);
    let belongs = if table.name == "centre" { Some("id") } else { Some("centre_id").filter(|c| table.has(c)) };
    if let Some(column) = belongs {
        let column = Expr::col(Alias::new(column));
        let mine = column.clone().is_in(ids());
        query.and_where(if scope.whole { mine.or(column.is_null()) } else { mine });
    }
    let mut found = tx.stream_raw(StatementBuilder::build(&query, &ConnectionTrait::get_database_backend(tx))).await?;
    let mut sum = Sum::default();
    while let Some(row) = found.try_next().await? {
        let values = table.columns.iter().map(|(name, form)| form.read(&row, name));
        let values: Vec<serde_json::Value> = values.collect::<Result<_, _>>()?;
        note_keys(&naming, &row, keys)?;
        let line = canonical::json(&serde_json::Value::Array(values));
        sum.add(&line);
        writeln!(file, "{line}")?;
    }
    Ok(sum)
}

/// Ids of the keys that what is stored needs.
///
/// # Errors
/// A database that cannot be read.
pub async fn needed(db: &DatabaseConnection, vault: &Vault) -> anyhow::Result<Needed> {
    let mut keys = Needed { index: vault.index_key_ids(), ..Needed::default() };
    for table in all() {
        let naming = naming(&table);
        if naming.is_empty() {
            continue;
        }
        let mut query = Query::select();
        query.columns(naming.iter().map(|(name, _)| Alias::new(*name))).from(Alias::new(table.name));
        let mut found =
            db.stream_raw(StatementBuilder::build(&query, &ConnectionTrait::get_database_backend(db))).await?;
        while let Some(row) = found.try_next().await? {
            note_keys(&naming, &row, &mut keys)?;
        }
    }
    Ok(keys)
}

/// The columns of a table whose values name the key that made them, and whether that is one that seals.
fn naming(table: &Table) -> Vec<(&'static str, bool)> {
    let sealed = reseal::columns();
    let is_sealed = |name: &str| sealed.contains(&format!("{}.{name}", table.name).as_str());
    let columns = table.columns.iter().map(|(name, _)| (*name, is_sealed(name)));
    columns.filter(|(name, sealed)| *sealed || *name == "key_id").collect()
}

/// Notes the keys that a row needs.
fn note_keys(naming: &[(&'static str, bool)], row: &QueryResult, keys: &mut Needed) -> anyhow::Result<()> {
    for (name, sealed) in naming {
        if *sealed {
            let value = row.try_get::<Option<Vec<u8>>>("", name)?.map(Sealed);
            keys.data.extend(value.as_ref().and_then(key_of).map(ToOwned::to_owned));
        } else {
            keys.token.insert(row.try_get("", name)?);
        }
    }
    Ok(())
}
