//! Reading a file back: looked through to its end first, then put in, all of it or nothing.

use super::table::{Table, all};
use super::{ALREADY_THERE, BAD_ARCHIVE, End, Head, KEYS_MISSING, Line, Sum};
use crate::base::canonical;
use crate::base::database::ROWS;
use crate::base::error::{Error, Result};
use crate::base::vault::{Vault, sha256};
use crate::domain::published;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::Id;
use flate2::read::GzDecoder;
use sea_orm::sea_query::{Alias, OnConflict, Query, SimpleExpr};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read};

fn broken(fault: impl ToString) -> Error {
    BAD_ARCHIVE.with(&[("fault", &fault.to_string())]).into()
}

/// A file that is gone through row by row.
struct Reader<R: Read> {
    lines: std::io::Lines<BufReader<GzDecoder<R>>>,
    head: Head,
    tables: Vec<Table>,
    /// The table whose rows follow, and where the file has each of its columns.
    current: Option<(usize, Vec<usize>)>,
    sums: HashMap<String, Sum>,
    /// What the rows of files say of their bytes, and how many of these were read.
    hashes: HashMap<Id, Vec<u8>>,
    files: u64,
    end: Option<End>,
}

/// What a line holds.
enum Part {
    /// A row, with the place of its table and its values in the order of the table's columns.
    Row(usize, Vec<serde_json::Value>),
    /// A file of the disk, of a centre.
    File(Id, Id, Vec<u8>),
}

impl<R: Read> Reader<R> {
    fn open(file: R) -> Result<Self> {
        let mut lines = BufReader::new(GzDecoder::new(file)).lines();
        let first = lines.next().ok_or_else(|| broken("it is empty"))?.map_err(broken)?;
        let head: Head = serde_json::from_str(&first).map_err(|_| broken("it is not a backup of this program"))?;
        if head.shuitian_backup != 1 {
            return Err(broken(format!("its form is {}, which this program does not know", head.shuitian_backup)));
        }
        Ok(Self {
            lines,
            head,
            tables: all(),
            current: None,
            sums: HashMap::new(),
            hashes: HashMap::new(),
            files: 0,
            end: None,
        })
    }

    /// The next row or file; nothing at the end, which is compared with what was read.
    fn next(&mut self) -> Result<Option<Part>> {
        loop {
            let line = self.lines.next().ok_or_else(|| broken("it is cut short"))?.map_err(broken)?;
            match serde_json::from_str(&line).map_err(|_| broken("a line cannot be read"))? {
                Line::End { end } => {
                    let read = |name: &String| self.sums.get(name).cloned().unwrap_or_default();
                    let unsaid = self.sums.keys().any(|name| !end.tables.contains_key(name));
                    if unsaid || end.tables.iter().any(|(name, sum)| read(name) != *sum) {
                        return Err(broken("rows were lost or changed"));
                    }
                    if end.files != self.files {
                        return Err(broken("files were lost"));
                    }
                    self.end = Some(end);
                    return Ok(None);
                }
                Line::Table { table, columns } => self.begin(&table, &columns)?,
                Line::Row(values) => {
                    let (place, order) = self.current.as_ref().ok_or_else(|| broken("a row of no table"))?;
                    let name = self.tables[*place].name.to_owned();
                    let row: Vec<serde_json::Value> =
                        order.iter().map(|n| values.get(*n).cloned().unwrap_or_default()).collect();
                    self.sums.entry(name.clone()).or_default().add(&canonical::json(&values.into()));
                    let place = *place;
                    if name == "file" {
                        self.expect_file(place, &row)?;
                    }
                    return Ok(Some(Part::Row(place, row)));
                }
                Line::File { file, centre, bytes } => {
                    let bytes = STANDARD.decode(bytes).map_err(|_| broken("a file cannot be read"))?;
                    if self.hashes.remove(&file).is_none_or(|hash| hash != sha256(&bytes).0) {
                        return Err(broken(format!("the file {file} was changed")));
                    }
                    self.files += 1;
                    return Ok(Some(Part::File(centre, file, bytes)));
                }
            }
        }
    }

    /// Notes what the bytes of a file are to be.
    fn expect_file(&mut self, place: usize, row: &[serde_json::Value]) -> Result<()> {
        let columns = &self.tables[place].columns;
        let of = |name| columns.iter().position(|(c, _)| *c == name).and_then(|n| row.get(n)?.as_str());
        let id = of("id").and_then(|id| Id::parse_str(id).ok());
        let hash = of("sealed_sha256").and_then(|hash| STANDARD.decode(hash).ok());
        let (id, hash) = id.zip(hash).ok_or_else(|| broken("a row of file"))?;
        self.hashes.insert(id, hash);
        Ok(())
    }

    fn begin(&mut self, table: &str, columns: &[String]) -> Result<()> {
        let place = self.tables.iter().position(|t| t.name == table);
        let place = place.ok_or_else(|| broken(format!("no table {table}")))?;
        let known = &self.tables[place].columns;
        let order = known.iter().map(|(name, _)| columns.iter().position(|c| c == name)).collect::<Option<Vec<_>>>();
        let order = order.filter(|order| order.len() == columns.len());
        let other = || broken(format!("the columns of {table} are others than here; bring both to one version"));
        self.current = Some((place, order.ok_or_else(other)?));
        Ok(())
    }
}

/// Looks a file through: that it is whole, and that the keys which it needs are here.
///
/// # Errors
/// `bad_archive`, `keys_missing`.
pub fn check(file: impl Read, vault: &Vault, schema: &str) -> Result<(Head, End)> {
    let mut reader = Reader::open(file)?;
    if reader.head.schema != schema {
        return Err(broken(format!("its schema is {}, and here it is {schema}", reader.head.schema)));
    }
    while reader.next()?.is_some() {}
    let end = reader.end.unwrap_or_default();
    let missing = vault.missing(&end.keys.data, &end.keys.index, &end.keys.token);
    if !missing.is_empty() {
        return Err(KEYS_MISSING.with(&[("keys", &missing.join(", "))]).into());
    }
    Ok((reader.head, end))
}

/// Puts a file that was looked through into a database that has none of its centres; national tables are filled up.
///
/// # Errors
/// `already_there`, `bad_archive`; whatever the database says, and nothing is changed then.
pub async fn restore(
    tx: &DatabaseTransaction,
    file: impl Read,
    mut disk: impl FnMut(Id, Id, &[u8]) -> anyhow::Result<()>,
    mut progress: impl FnMut(&'static str, u64),
) -> Result<()> {
    let mut reader = Reader::open(file)?;
    let here = published::all(tx).await?.into_iter().map(|c| c.code);
    let twice: Vec<String> = here.filter(|code| reader.head.centres.contains(code)).collect();
    if !twice.is_empty() {
        return Err(ALREADY_THERE.with(&[("centres", &twice.join(", "))]).into());
    }
    let (mut rows, mut of) = (Vec::new(), 0);
    loop {
        let next = reader.next()?;
        let full = rows.len() >= ROWS || !matches!(&next, Some(Part::Row(place, _)) if *place == of);
        if full && !rows.is_empty() {
            let table = &reader.tables[of];
            progress(table.name, rows.len() as u64);
            put(tx, table, std::mem::take(&mut rows)).await?;
        }
        let (place, values) = match next {
            Some(Part::Row(place, values)) => (place, values),
            Some(Part::File(centre, file, bytes)) => {
                disk(centre, file, &bytes)?;
                continue;
            }
            None => return Ok(()),
        };
        of = place;
        let table = &reader.tables[place];
        let typed = table.columns.iter().zip(values).map(|((_, form), value)| form.write(value));
        rows.push(typed.collect::<Option<Vec<_>>>().ok_or_else(|| broken(format!("a row of {}", table.name)))?);
    }
}

async fn put(tx: &DatabaseTransaction, table: &Table, rows: Vec<Vec<sea_orm::Value>>) -> Result<()> {
    let mut insert = Query::insert();
    insert.into_table(Alias::new(table.name)).columns(table.columns.iter().map(|(name, _)| Alias::new(*name)));
    for row in rows {
        insert.values_panic(row.into_iter().map(SimpleExpr::from));
    }
    // What belongs to no centre may be there already.
    if !table.has("centre_id") && table.name != "centre" {
        insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    tx.execute(&insert).await?;
    Ok(())
}
