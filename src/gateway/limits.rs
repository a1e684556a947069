//! Limits (限流): how often something may be tried, counted in memory or in Redis.
//!
//! The generic cell rate algorithm keeps one number a key, the moment at which a full allowance would be back. The rule is
//! the same in both places; in Redis it is one script, so that several servers count together. Our own rather than a
//! crate's, because both must agree to the millisecond and follow the same movable clock.

use super::shared::Shared;
use chrono::Duration;
use entity::Time;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// So many at once, and so many again after `per`.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Its word in keys and logs.
    pub name: &'static str,
    /// Tries at once.
    pub burst: i64,
    /// The time after which all of them are there again.
    pub per: Duration,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Pass,
    /// Not before this has passed.
    Wait(Duration),
}

/// Where tries are counted.
pub enum Limits {
    /// In this process.
    Memory(Mutex<HashMap<String, i64>>),
    /// In Redis, for all servers of an installation.
    Redis(Shared),
}

/// Above so many keys, those that are back to a full allowance are thrown out.
const CROWDED: usize = 50_000;

/// KEYS: the key. ARGV: now, one cell, allowance, all in milliseconds. Returns the wait, or 0.
const SCRIPT: &str = r"
local now, cell, allowance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = full - now - allowance
if wait > 0 then return wait end
redis.call('SET', KEYS[1], full + cell, 'PX', full + cell - now)
return 0
";

impl Limits {
    /// Counts in this process.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Counts one try.
    ///
    /// # Errors
    /// When Redis does not answer; what must not be guessed is refused then.
    pub async fn take(&self, quota: Quota, key: &str, now: Time) -> anyhow::Result<Verdict> {
        let cell = quota.per.num_milliseconds() / quota.burst;
        let allowance = quota.per.num_milliseconds() - cell;
        let key = format!("{}:{key}", quota.name);
        let wait = match self {
            Self::Memory(cells) => {
                let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
                if cells.len() > CROWDED {
                    cells.retain(|_, full| *full > now.0);
                }
                let full = cells.get(&key).copied().unwrap_or(now.0).max(now.0);
                let wait = full - now.0 - allowance;
                if wait <= 0 {
                    cells.insert(key, full + cell);
                }
                wait
            }
            Self::Redis(shared) => shared.run(SCRIPT, &key, &[now.0, cell, allowance]).await?,
        };
        Ok(if wait > 0 { Verdict::Wait(Duration::milliseconds(wait)) } else { Verdict::Pass })
    }

    /// Asks whether counting works.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn ping(&self) -> anyhow::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(shared) => shared.ping().await,
        }
    }
}
