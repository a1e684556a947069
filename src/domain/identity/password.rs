//! Passwords (密码) of staff: what is refused, and what is kept of one.

use crate::base::error::Result;
use crate::base::{Kind, Random, Refusal};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// A password that is easily guessed.
pub const WEAK_PASSWORD: Refusal = Refusal::new(
    Kind::Invalid,
    "weak_password",
    "新密码至少10个字符，不能与原密码相同，不能包含用户名，也不能只用一两种字符重复。",
);

/// Refuses a password that is easily guessed.
///
/// # Errors
/// `weak_password` on `new_password`.
pub fn ensure_strong(new: &str, old: &str, username: &str) -> Result<()> {
    let mut kinds: Vec<char> = new.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let weak = new.chars().count() < 10
        || new.chars().count() > 128
        || kinds.len() < 5
        || new == old
        || new.to_lowercase().contains(&username.to_lowercase());
    if weak { Err(WEAK_PASSWORD.on("new_password").into()) } else { Ok(()) }
}

/// The Argon2id hash of a password. Takes some 20 ms and 19 MiB: never on a thread that serves requests.
///
/// # Errors
/// Only if the hash function itself fails.
pub fn hash(password: &str, random: &Random) -> anyhow::Result<String> {
    let (argon, salt): (_, [u8; 16]) = (Argon2::default(), random.bytes());
    let made = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon.params())?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(work(&argon, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
    };
    Ok(made.to_string())
}

/// True when the password makes this hash. As costly as making one.
#[must_use]
pub fn verify(password: &str, hash: &str) -> bool {
    let again = || -> anyhow::Result<bool> {
        let hash = PasswordHash::new(hash)?;
        let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon = Argon2::new(Algorithm::try_from(hash.algorithm.as_str())?, version, Params::try_from(&hash)?);
        let (Some(salt), Some(kept)) = (hash.salt, hash.hash) else { return Ok(false) };
        // Outputs are compared in constant time.
        Ok(work(&argon, password, &salt, kept.len())? == kept)
    };
    again().unwrap_or(false)
}

fn work(argon: &Argon2<'_>, password: &str, salt: &[u8], length: usize) -> anyhow::Result<Output> {
    // Asked for in one piece above 32 MiB, of which the unused part costs nothing: glibc gives that back at once, while of
    // smaller ones it would keep 19 MiB for every thread that ever hashed.
    const GIVEN_BACK: usize = (33 << 20) / Block::SIZE;
    let blocks = argon.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(GIVEN_BACK));
    memory.resize(blocks, Block::default());
    let mut made = vec![0; length];
    argon
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut made, memory)
        .map_err(|e| anyhow::anyhow!("hashing a password: {e}"))?;
    Ok(Output::new(&made)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

    #[test]
    fn a_password_makes_its_hash_and_no_other_does() {
        let random = Random::seeded(3);
        let made = hash("tian-shui-2026", &random).unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_ne!(made, hash("tian-shui-2026", &random).unwrap(), "each has its own salt");
        assert!(verify("tian-shui-2026", &made));
        assert!(!verify("tian-shui-2027", &made) && !verify("", &made) && !verify("x", "not a hash"));
        // As the library makes and reads them.
        let read = PasswordHash::new(&made).unwrap();
        assert!(Argon2::default().verify_password(b"tian-shui-2026", &read).is_ok());
        let theirs: PasswordHash =
            Argon2::default().hash_password_with_salt(b"tian-shui-2026", b"salt-of-sixteen-").unwrap();
        assert!(verify("tian-shui-2026", &theirs.to_string()));
    }

    #[test]
    fn weak_passwords_are_told_from_strong_ones() {
        ensure_strong("tian-shui-2026", "old", "window1").unwrap();
        for weak in ["short1234", "1111111111111", "xx-Window1-xx", "same-as-before", &"很长".repeat(65)] {
            assert!(ensure_strong(weak, "same-as-before", "window1").is_err(), "{weak}");
        }
    }
}
