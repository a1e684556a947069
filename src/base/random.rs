//! Chance (随机): the only place where it is drawn.

use entity::{Id, Time};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Letters and digits that are not mistaken for one another when read aloud or copied by hand.
const UNAMBIGUOUS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A cryptographic generator. Clones share their state.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded by the operating system; for everything that must not be guessed.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws from the operating system")]
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same draws for the same seed; for demonstrations and tests only.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    fn draw(&self) -> MutexGuard<'_, StdRng> {
        // A generator has no state that a panic elsewhere could leave half-made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.draw().fill_bytes(&mut bytes);
        bytes
    }

    /// A number from `low` up to and including `high`.
    #[must_use]
    pub fn between(&self, low: i64, high: i64) -> i64 {
        self.draw().random_range(low..=high)
    }

    /// An opaque id (UUIDv7) made at `now`. Rows sort roughly by their making.
    #[must_use]
    pub fn id(&self, now: Time) -> Id {
        let millis = u64::try_from(now.0).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// The same for the `nth` of one act, as far as twelve bits count: they sort by their making.
    #[must_use]
    pub fn nth_id(&self, now: Time, nth: u16) -> Id {
        let (millis, mut drawn) = (u64::try_from(now.0).unwrap_or(0), self.bytes::<10>());
        [drawn[0], drawn[1]] = Ord::min(nth, 0x0fff).to_be_bytes();
        uuid::Builder::from_unix_timestamp_millis(millis, &drawn).into_uuid()
    }

    /// `length` characters to be copied by hand.
    #[must_use]
    pub fn word(&self, length: usize) -> String {
        let mut draw = self.draw();
        (0..length).map(|_| char::from(UNAMBIGUOUS[draw.random_range(0..UNAMBIGUOUS.len())])).collect()
    }

    /// `length` decimal digits.
    #[must_use]
    pub fn digits(&self, length: usize) -> String {
        let mut draw = self.draw();
        (0..length).map(|_| char::from(b'0' + draw.random_range(0..10u8))).collect()
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(…)")
    }
}
