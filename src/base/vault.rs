//! The vault (密封): seals personal data, finds it blindly, signs what leaves.
//!
//! A sealed column holds `version | key id | 96-bit random nonce | ciphertext` and is authenticated with its column,
//! centre and row, so that a value copied elsewhere in the database does not open. A blind index is an HMAC over
//! centre, kind and normalised value: equal values are found without being read.

use super::Random;
use super::keys::{Key, Keys};
use anyhow::{Context as _, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::{Blind, Id, Sealed};
use std::collections::BTreeSet;

/// The only version so far: AES-256-GCM. Another number leaves room for SM4-GCM.
const VERSION: u8 = 1;

/// Stands for the centre of a row that has none.
pub const NO_CENTRE: Id = Id::nil();

/// Where a sealed value belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// `table.column`.
    pub column: &'static str,
    /// Its centre.
    pub centre: Id,
    /// Its row.
    pub row: Id,
}

impl Place {
    /// A column of a centre's row.
    #[must_use]
    pub const fn new(column: &'static str, centre: Id, row: Id) -> Self {
        Self { column, centre, row }
    }

    fn aad(&self) -> Vec<u8> {
        [self.column.as_bytes(), self.centre.as_bytes(), self.row.as_bytes()].concat()
    }
}

/// All keys, and what is done with them.
pub struct Vault {
    token: Keys,
    data: Keys,
    index: Keys,
    random: Random,
}

impl Vault {
    /// A vault with its keys for tokens, data and indexes.
    #[must_use]
    pub fn new(token: Keys, data: Keys, index: Keys, random: Random) -> Self {
        Self { token, data, index, random }
    }

    /// Seals a text with the key in use.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn seal(&self, place: Place, text: &str) -> anyhow::Result<Sealed> {
        let key = self.data.active();
        let nonce: [u8; NONCE_LEN] = self.random.bytes();
        let mut sealed = vec![VERSION, u8::try_from(key.id.len())?];
        sealed.extend_from_slice(key.id.as_bytes());
        sealed.extend_from_slice(&nonce);
        let mut body = text.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher(key)?
            .seal_in_place_append_tag(nonce, Aad::from(place.aad()), &mut body)
            .map_err(|_| anyhow!("sealing {} failed", place.column))?;
        sealed.append(&mut body);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for this place, with whichever key made it.
    ///
    /// # Errors
    /// A key that is not here (its id is named), or a value that was changed or moved.
    pub fn open(&self, place: Place, sealed: &Sealed) -> anyhow::Result<String> {
        let (id, rest) = key_id(sealed).with_context(|| format!("{} is not a sealed value", place.column))?;
        let key = self.data.get(id).with_context(|| format!("no data key {id}, which {} needs", place.column))?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).context("a sealed value is cut short")?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow!("a nonce of the wrong length"))?;
        let mut body = body.to_vec();
        let open = cipher(key)?.open_in_place(nonce, Aad::from(place.aad()), &mut body);
        let open = open.map_err(|_| anyhow!("{} of row {} was changed or moved", place.column, place.row))?;
        Ok(String::from_utf8(open.to_vec())?)
    }

    /// Seals the bytes of a file with a key made for it alone; gives that key as a text, itself to be sealed. So a change of the
    /// keys in use reseals a row and no file.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn lock(&self, file: Id, mut bytes: Vec<u8>) -> anyhow::Result<(String, Vec<u8>)> {
        let (key, nonce): ([u8; 32], [u8; NONCE_LEN]) = (self.random.bytes(), self.random.bytes());
        file_cipher(&key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(file.as_bytes()), &mut bytes)
            .map_err(|_| anyhow!("sealing a file failed"))?;
        bytes.splice(..0, std::iter::once(VERSION).chain(nonce));
        Ok((STANDARD.encode(key), bytes))
    }

    /// Opens the bytes of a file with its own key.
    ///
    /// # Errors
    /// Bytes that were changed, cut short or belong to another file.
    pub fn unlock(&self, file: Id, key: &str, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let rest = bytes.strip_prefix(&[VERSION]).context("a file is not a sealed one")?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).context("a sealed file is cut short")?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow!("a nonce of the wrong length"))?;
        let mut body = body.to_vec();
        let opened = file_cipher(&STANDARD.decode(key)?)?.open_in_place(nonce, Aad::from(file.as_bytes()), &mut body);
        let length = opened.map_err(|_| anyhow!("the file {file} was changed or moved"))?.len();
        body.truncate(length);
        Ok(body)
    }

    /// True when the value was sealed with the key in use.
    #[must_use]
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        key_id(sealed).is_some_and(|(id, _)| id == self.data.active().id)
    }

    /// The blind index to store.
    #[must_use]
    pub fn blind(&self, kind: &str, centre: Id, value: &str) -> Blind {
        blind(self.index.active(), kind, centre, value)
    }

    /// The blind indexes to search: one for each index key, so that rows not yet reindexed are found too.
    #[must_use]
    pub fn blinds(&self, kind: &str, centre: Id, value: &str) -> Vec<Blind> {
        self.index.iter().map(|key| blind(key, kind, centre, value)).collect()
    }

    /// Signs `parts` for `purpose` with the token key in use; returns its id beside the 32 bytes.
    #[must_use]
    pub fn sign(&self, purpose: &str, parts: &[&[u8]]) -> (&str, [u8; 32]) {
        let key = self.token.active();
        (&key.id, mac(key, purpose, parts))
    }

    /// The signature a named token key makes, or none if the key is no longer here.
    #[must_use]
    pub fn sign_with(&self, key_id: &str, purpose: &str, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.token.get(key_id).map(|key| mac(key, purpose, parts))
    }

    /// Names of the keys that seal and index now, which are no secret.
    #[must_use]
    pub fn keys_in_use(&self) -> String {
        format!("{}/{}", self.data.active().id, self.index.active().id)
    }

    /// Ids of the keys that index: a value is found by any of them.
    #[must_use]
    pub fn index_key_ids(&self) -> BTreeSet<String> {
        self.index.iter().map(|k| k.id.clone()).collect()
    }

    /// Which of these keys are not here, each with what it is for.
    #[must_use]
    pub fn missing(&self, data: &BTreeSet<String>, index: &BTreeSet<String>, token: &BTreeSet<String>) -> Vec<String> {
        let of = |what: &str, keys: &Keys, needed: &BTreeSet<String>| -> Vec<String> {
            needed.iter().filter(|id| keys.get(id).is_none()).map(|id| format!("{what} key {id}")).collect()
        };
        [of("data", &self.data, data), of("index", &self.index, index), of("token", &self.token, token)].concat()
    }

    /// The keys that sign tokens, for those who speak a token format of their own.
    #[must_use]
    pub fn token_keys(&self) -> &Keys {
        &self.token
    }
}

/// SHA-256, for tokens that are random enough to need no key.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Blind {
    Blind(digest::digest(&digest::SHA256, bytes).as_ref().to_vec())
}

/// Compares secrets without telling by its duration where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn cipher(key: &Key) -> anyhow::Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &key.bytes).map_err(|_| anyhow!("the data key {} is unusable", key.id))?;
    Ok(LessSafeKey::new(key))
}

fn file_cipher(key: &[u8]) -> anyhow::Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| anyhow!("the key of a file is unusable"))?;
    Ok(LessSafeKey::new(key))
}

/// Id of the key that sealed a value.
#[must_use]
pub fn key_of(sealed: &Sealed) -> Option<&str> {
    key_id(sealed).map(|(id, _)| id)
}

fn key_id(sealed: &Sealed) -> Option<(&str, &[u8])> {
    let (&version, rest) = sealed.0.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    (version == VERSION).then_some((std::str::from_utf8(id).ok()?, rest))
}

fn blind(key: &Key, kind: &str, centre: Id, value: &str) -> Blind {
    Blind(mac(key, kind, &[centre.as_bytes(), value.as_bytes()]).to_vec())
}

/// HMAC-SHA256 over purpose and parts, each with its length, so that no two lists of parts read alike.
fn mac(key: &Key, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.bytes));
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

#[cfg(test)]
mod tests {
    use super::super::keys::fresh;
    use super::*;
    use entity::Time;

    fn vault(data: &str, index: &str, random: &Random) -> Vault {
        let token = Keys::parse(&fresh(random)).unwrap();
        Vault::new(token, Keys::parse(data).unwrap(), Keys::parse(index).unwrap(), random.clone())
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_survives_a_rotation() {
        let random = Random::seeded(7);
        let (old, new) = (fresh(&random), fresh(&random));
        let [centre, row, other] = [1, 2, 3].map(|n| random.id(Time(n)));
        let before = vault(&old, &old, &random);
        let place = Place::new("applicant.name", centre, row);
        let sealed = before.seal(place, "田小满").unwrap();
        assert_ne!(before.seal(place, "田小满").unwrap(), sealed, "a nonce is drawn for each sealing");
        assert_eq!(before.open(place, &sealed).unwrap(), "田小满");
        for moved in [
            Place::new("applicant.phone", centre, row),
            Place::new("applicant.name", other, row),
            Place::new("applicant.name", centre, other),
        ] {
            assert!(before.open(moved, &sealed).is_err());
        }
        let after = vault(&format!("{new},{old}"), &format!("{new},{old}"), &random);
        assert_eq!(after.open(place, &sealed).unwrap(), "田小满");
        assert!(!after.is_current(&sealed));
        assert!(after.is_current(&after.seal(place, "田小满").unwrap()));
        let lost = vault(&new, &new, &random).open(place, &sealed).unwrap_err().to_string();
        assert!(lost.contains(old.split(' ').next().unwrap()), "{lost}");
        let mut changed = sealed.clone();
        *changed.0.last_mut().unwrap() ^= 1;
        assert!(before.open(place, &changed).is_err());
        assert!(before.open(place, &Sealed(vec![1])).is_err());
    }

    #[test]
    fn a_file_opens_with_its_own_key_as_itself_alone() {
        let random = Random::seeded(9);
        let vault = vault(&fresh(&random), &fresh(&random), &random);
        let [file, other] = [1, 2].map(|n| random.id(Time(n)));
        let (key, sealed) = vault.lock(file, b"scan of a card".to_vec()).unwrap();
        let (other_key, _) = vault.lock(other, Vec::new()).unwrap();
        assert_eq!(vault.unlock(file, &key, &sealed).unwrap(), b"scan of a card");
        assert!(!sealed.windows(4).any(|w| w == b"card"));
        assert!(vault.unlock(other, &key, &sealed).is_err() && vault.unlock(file, &other_key, &sealed).is_err());
        assert!(
            vault.unlock(file, &key, &sealed[..sealed.len() - 1]).is_err() && vault.unlock(file, &key, &[]).is_err()
        );
    }

    #[test]
    fn a_blind_index_is_found_under_every_key_and_differs_by_centre_and_kind() {
        let random = Random::seeded(8);
        let (old, new) = (fresh(&random), fresh(&random));
        let [centre, other] = [1, 2].map(|n| random.id(Time(n)));
        let stored = vault(&old, &old, &random).blind("phone", centre, "13800000001");
        let after = vault(&new, &format!("{new},{old}"), &random);
        assert!(after.blinds("phone", centre, "13800000001").contains(&stored));
        assert!(!after.blinds("phone", other, "13800000001").contains(&stored));
        assert!(!after.blinds("name", centre, "13800000001").contains(&stored));
    }
}
