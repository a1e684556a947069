//! The archive (备份): everything of one centre or of all, in one file that either database takes back.
//!
//! A file is gzipped lines: a head, then a line for each table and one for each of its rows, and an end that says how many
//! rows each table has, what they sum to, and which keys they need. Rows are read at one moment. A sum is the sum of the
//! rows' SHA-256, whatever their order, so the same rows sum to the same in either database. What is sealed stays sealed:
//! the file is of no use without the keys, which are not in it. The bytes of uploaded files follow their rows.
//!
//! This noun knows every table, and nothing else of the nouns.

use crate::base::{Kind, Refusal};
use aws_lc_rs::digest;
use entity::Id;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod read;
mod table;
mod write;

pub use read::{check, restore};
pub use table::names;
pub use write::{Scope, backup, needed};

/// A file that is none of ours, is cut short, or was changed.
pub const BAD_ARCHIVE: Refusal = Refusal::new(Kind::Invalid, "bad_archive", "the file is not whole: {fault}");
/// Keys that what is sealed needs.
pub const KEYS_MISSING: Refusal = Refusal::new(
    Kind::Invalid,
    "keys_missing",
    "these keys are not here, and without them nobody could read what is restored: {keys}; put them into security.keys_dir",
);
/// The database has these centres already.
pub const ALREADY_THERE: Refusal = Refusal::new(
    Kind::Conflict,
    "already_there",
    "the database already has the centre {centres}; restore into an empty one",
);

/// The first line of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of this form.
    pub shuitian_backup: u32,
    /// The last schema step that had been taken.
    pub schema: String,
    /// When its rows were read, RFC 3339.
    pub made_at: String,
    /// Codes of its centres.
    pub centres: Vec<String>,
}

/// The last line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// By table.
    pub tables: BTreeMap<String, Sum>,
    /// Ids of the keys that what is in it needs.
    pub keys: Needed,
    /// How many files of the disk are in it.
    #[serde(default)]
    pub files: u64,
    /// Files whose bytes were not on the disk, or are others than they were.
    #[serde(default)]
    pub lost: Vec<Id>,
}

/// Ids of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needed {
    /// Keys that seal.
    pub data: BTreeSet<String>,
    /// Keys that index.
    pub index: BTreeSet<String>,
    /// Keys that sign the links of invitations.
    pub token: BTreeSet<String>,
}

/// What the rows of a table come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// The sum of their SHA-256, as four numbers.
    pub sum: [u64; 4],
}

impl Sum {
    fn add(&mut self, line: &str) {
        self.rows += 1;
        let hash = digest::digest(&digest::SHA256, line.as_bytes());
        for (sum, part) in self.sum.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            *sum = sum.wrapping_add(part.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
        }
    }
}

/// A line between head and end.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// The end.
    End { end: End },
    /// Rows of this table follow, with these columns.
    Table { table: String, columns: Vec<String> },
    /// A file of the disk, sealed as it lies there; after the rows of all files.
    File { file: Id, centre: Id, bytes: String },
    /// A row.
    Row(Vec<serde_json::Value>),
}
