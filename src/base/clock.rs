//! The clock (时钟): the only place where time is read.

use chrono::Duration;
use entity::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that can be moved against the machine's. Clones move together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that runs `offset` ahead of the machine's (behind, if negative).
    #[must_use]
    pub fn ahead(offset: Duration) -> Self {
        Self { offset: Arc::new(AtomicI64::new(offset.num_milliseconds())) }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Time {
        Time(machine().0.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Makes `now` read `moment` and run on from there. Settings refuse a moved clock in production.
    pub fn set(&self, moment: Time) {
        self.offset.store(moment.0.saturating_sub(machine().0), Ordering::Relaxed);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
fn machine() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
