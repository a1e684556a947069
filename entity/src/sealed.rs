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

impl sea_orm::TryFromU64 for Blind {
    fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("a blind index is never counted"))
    }
}
