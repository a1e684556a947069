//! Column types for personal data.

use sea_orm::DeriveValueType;

/// Ciphertext of a personal datum: `version | key id | nonce | ciphertext`.
///
/// Only `shuitian::base::vault` makes and opens it; printing it shows nothing.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(pub Vec<u8>);

/// Blind index of a normalised value: an HMAC by which equal values are found without being read.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct Blind(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl std::fmt::Debug for Blind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blind(…)")
    }
}
