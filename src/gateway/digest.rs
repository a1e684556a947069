//! Digests and ciphers (摘要与加解密) that outside systems ask for; those of our own are the vault's.

use aws_lc_rs::cipher::{AES_128, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::{digest, hmac};
use md5::{Digest as _, Md5};

/// SHA-256, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// SHA-1, in hexadecimal: WeChat signs by it.
#[must_use]
pub fn sha1(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes))
}

/// MD5, in hexadecimal: cloud MAS signs by it.
#[must_use]
pub fn md5(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// HMAC-SHA256.
#[must_use]
pub fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// Deciphers AES in CBC mode; the padding stays. None for a key, a vector or a length that cannot be.
#[must_use]
pub fn open_cbc(key: &[u8], vector: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let context = DecryptionContext::Iv128(<&[u8; 16]>::try_from(vector).ok()?.into());
    key.decrypt(&mut sealed, context).ok()?;
    Some(sealed)
}
