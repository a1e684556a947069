//! Keys (密钥): lists of 32-byte keys with an id each, the first in use, the others kept to read what they once made.

use super::Random;
use super::settings::{Fault, Security};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// One key and the name by which sealed data and tokens point to it.
#[derive(Clone)]
pub struct Key {
    /// At most 32 letters, digits, `-` and `_`.
    pub id: String,
    /// The key.
    pub bytes: [u8; 32],
}

/// A list with at least one key.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads `ID BASE64` entries separated by commas or lines.
    ///
    /// # Errors
    /// In words, without the key itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split([',', '\n']).map(str::trim).filter(|e| !e.is_empty());
        let keys: Vec<Key> = entries.map(parse_entry).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err("the list is empty".to_owned());
        }
        match (1..keys.len()).find(|&i| keys[..i].iter().any(|k| k.id == keys[i].id)) {
            Some(i) => Err(format!("the id {} stands twice", keys[i].id)),
            None => Ok(Self(keys)),
        }
    }

    /// The key in use.
    #[must_use]
    pub fn active(&self) -> &Key {
        &self.0[0]
    }

    /// The key of that id, in use or kept.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|k| k.id == id)
    }

    /// All keys, the one in use first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }
}

fn parse_entry(entry: &str) -> Result<Key, String> {
    let (id, secret) = entry.split_once(char::is_whitespace).ok_or("an entry is not \"ID BASE64\"")?;
    let id_fits = (1..=32).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !id_fits {
        return Err("an id must be 1 to 32 letters, digits, - or _".to_owned());
    }
    let bytes = STANDARD.decode(secret.trim()).ok().and_then(|b| b.try_into().ok());
    let bytes = bytes.ok_or_else(|| format!("the key {id} is not 32 bytes in base64"))?;
    Ok(Key { id: id.to_owned(), bytes })
}

/// A fresh entry as `Keys::parse` reads it. Its id is drawn too, so that two machines never name two keys alike.
#[must_use]
pub fn fresh(random: &Random) -> String {
    format!("{} {}", random.word(8).to_lowercase(), STANDARD.encode(random.bytes::<32>()))
}

/// Which of the three lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs tokens.
    Token,
    /// Seals personal data.
    Data,
    /// Makes blind indexes.
    Index,
}

impl Purpose {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Token, Self::Data, Self::Index];

    /// The word in settings and file names.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Data => "data",
            Self::Index => "index",
        }
    }

    /// Its file in the directory of keys.
    #[must_use]
    pub fn file(self, security: &Security) -> PathBuf {
        security.keys_dir.join(format!("{}.keys", self.word()))
    }

    fn given(self, security: &Security) -> &SecretString {
        match self {
            Self::Token => &security.token_keys,
            Self::Data => &security.data_keys,
            Self::Index => &security.index_keys,
        }
    }
}

/// Refuses lists in settings that cannot be read, before anything is opened or made beside them.
///
/// # Errors
/// The first such list, by the name of its setting.
pub fn check(security: &Security) -> Result<(), Fault> {
    Purpose::ALL.into_iter().try_for_each(|purpose| from_settings(purpose, security).map(drop))
}

fn from_settings(purpose: Purpose, security: &Security) -> Result<Option<Keys>, Fault> {
    let given = purpose.given(security).expose_secret();
    if given.is_empty() {
        return Ok(None);
    }
    let told = |e| Fault(format!("security.{}_keys (not shown) is not allowed: {e}", purpose.word()));
    Keys::parse(given).map(Some).map_err(told)
}

/// The keys of a purpose: from settings, else from the directory, else made there when `make` allows it.
///
/// # Errors
/// A list that cannot be read, or a missing one where none may be made: data sealed with other keys could not be opened.
pub fn load(purpose: Purpose, security: &Security, random: &Random, make: bool) -> Result<Keys, Fault> {
    if let Some(keys) = from_settings(purpose, security)? {
        return Ok(keys);
    }
    let key = format!("security.{}_keys", purpose.word());
    let path = purpose.file(security);
    let text = read_or_make(&path, make, || fresh(random)).map_err(|why| Fault(format!("{key}: {why}")))?;
    Keys::parse(&text).map_err(|e| Fault(format!("{key}: {} cannot be read: {e}", path.display())))
}

/// The secret part of a hook's address, from settings or made in the directory of keys.
///
/// # Errors
/// When the file can be neither read nor made.
pub fn hook_secret(given: &SecretString, security: &Security, random: &Random) -> Result<SecretString, Fault> {
    if !given.expose_secret().is_empty() {
        return Ok(given.clone());
    }
    let path = security.keys_dir.join("hook.secret");
    let text = read_or_make(&path, true, || random.word(32).to_lowercase());
    text.map(|t| SecretString::from(t.trim())).map_err(|why| Fault(format!("sms.console.hook_secret: {why}")))
}

fn read_or_make(path: &Path, make: bool, fresh: impl FnOnce() -> String) -> Result<String, String> {
    if let Ok(text) = fs::read_to_string(path) {
        return Ok(text);
    }
    if !make {
        return Err(format!(
            "{} is missing, and the database holds data that were sealed with it; put it back from its copy",
            path.display()
        ));
    }
    let text = fresh() + "\n";
    write_private(path, &text).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
    Ok(text)
}

/// Puts a fresh key in front of a purpose's file; the old ones stay to read what they made.
///
/// # Errors
/// When the keys come from settings, where the operator must add the key, or the file cannot be written.
pub fn rotate(purpose: Purpose, security: &Security, random: &Random) -> anyhow::Result<String> {
    let key = format!("security.{}_keys", purpose.word());
    anyhow::ensure!(
        purpose.given(security).expose_secret().is_empty(),
        "{key} comes from settings: put a key from `shuitian keys new` in front of it there"
    );
    let path = purpose.file(security);
    let entry = fresh(random);
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let next = path.with_extension("next");
    write_private(&next, &format!("{entry}\n{kept}"))?;
    fs::rename(&next, &path)?;
    Ok(entry.split(' ').next().unwrap_or_default().to_owned())
}

/// Writes a new file that only its owner can read, and has it on the disk before anything is made with it.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_from_lines_or_commas_and_refused_when_ambiguous() {
        let random = Random::seeded(1);
        let (a, b) = (fresh(&random), fresh(&random));
        let keys = Keys::parse(&format!("{a}\n{b}\n")).unwrap();
        assert_eq!(keys.active().id, a.split(' ').next().unwrap());
        assert_eq!(Keys::parse(&format!("{a},{b}")).unwrap().iter().count(), 2);
        assert!(keys.get(b.split(' ').next().unwrap()).is_some());
        for wrong in ["", "one", "k1 short", "k/1 AAAA", &format!("{a},{a}")] {
            assert!(Keys::parse(wrong).is_err(), "{wrong}");
        }
    }
}
