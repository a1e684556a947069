//! What comes back (回执与上行): reports on texts that were taken, and texts from phones; pushed by a vendor, or asked for.

use crate::gateway::outside::Lost;
use entity::notice::report::Model as Report;
use entity::{Id, Time};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Words of others are kept to so many characters.
const WORDS: usize = 64;

/// A text from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From whom, as the vendor writes it.
    pub phone: String,
    /// What it says.
    pub text: String,
    /// What the vendor tells it from others by: the same text may come several times.
    pub key: Option<String>,
}

/// A text that a vendor is asked about, and when it was handed over.
#[derive(Clone, Debug)]
pub struct About<'t> {
    /// The notice.
    pub id: Id,
    /// To whom: eleven digits.
    pub phone: &'t str,
    /// When it was handed over.
    pub sent_at: Time,
}

/// What a vendor hands out once to whoever asks.
#[derive(Clone, Debug, Default)]
pub struct Pulled {
    /// Reports.
    pub reports: Vec<Report>,
    /// Texts from phones.
    pub replies: Vec<Reply>,
    /// There may be more.
    pub more: bool,
}

/// Why a vendor that was asked did not tell: a word for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold(pub String);

impl From<Lost> for Untold {
    fn from(lost: Lost) -> Self {
        Self(lost.word().to_owned())
    }
}

/// Reads what vendors push: a list, or one without a list around it.
pub(super) fn each<T: DeserializeOwned>(body: &[u8]) -> Option<Vec<T>> {
    let rows = match serde_json::from_slice(body).ok()? {
        Value::Array(many) => many,
        one => vec![one],
    };
    readable(rows, |row| serde_json::from_value(row).ok())
}

/// What can be read of what was pushed. None where something was pushed and nothing of it can: one odd row does not take the others
/// with it.
pub(super) fn readable<T, R>(pushed: Vec<T>, read: impl Fn(T) -> Option<R>) -> Option<Vec<R>> {
    let count = pushed.len();
    let rows: Vec<R> = pushed.into_iter().filter_map(read).collect();
    if rows.len() < count {
        tracing::warn!(odd = count - rows.len(), of = count, "a vendor pushed rows that cannot be read");
    }
    (count == 0 || !rows.is_empty()).then_some(rows)
}

/// A code, which is kept: short, and nothing but a code.
pub(in crate::gateway) fn code(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}

/// A vendor's id of a text, if it is one that could be.
pub(in crate::gateway) fn vendor_id(word: &str) -> Option<String> {
    ((1..=128).contains(&word.len()) && !word.chars().any(char::is_control)).then(|| word.to_owned())
}

/// A number or a text, as the text.
pub(super) fn in_words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
