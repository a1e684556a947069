//! What several programs of one installation share (共享缓存): a Redis, which is never truth. Who finds it gone does without.

use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands as _, ExistenceCheck, Script, SetExpiry, SetOptions};
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A Redis, and what our keys begin with there.
#[derive(Clone)]
pub struct Shared {
    connection: ConnectionManager,
    prefix: String,
}

impl Shared {
    /// Does not wait for it to be there.
    ///
    /// # Errors
    /// An address that is not one of Redis.
    pub fn open(url: &str, prefix: String) -> anyhow::Result<Self> {
        let client = redis::Client::open(url).context("redis.url is not an address of Redis")?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config)?;
        Ok(Self { connection, prefix })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Runs a script on one key with numbers; gives a number.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn run(&self, script: &str, key: &str, numbers: &[i64]) -> anyhow::Result<i64> {
        let script = Script::new(script);
        let mut call = script.key(self.key(key));
        for number in numbers {
            call.arg(*number);
        }
        call.invoke_async(&mut self.connection.clone()).await.context("Redis does not answer")
    }

    /// What is kept under a key.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn get(&self, key: &str) -> anyhow::Result<Option<String>> {
        self.connection.clone().get(self.key(key)).await.context("Redis does not answer")
    }

    /// Keeps something under a key for a while.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn keep(&self, key: &str, value: &str, seconds: u64) -> anyhow::Result<()> {
        self.connection.clone().set_ex(self.key(key), value, seconds).await.context("Redis does not answer")
    }

    /// Takes a turn for a while; false where another has it.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn take_turn(&self, key: &str, seconds: u64) -> anyhow::Result<bool> {
        let once = SetOptions::default().conditional_set(ExistenceCheck::NX).with_expiration(SetExpiry::EX(seconds));
        let taken: Option<String> =
            self.connection.clone().set_options(self.key(key), 1, once).await.context("Redis does not answer")?;
        Ok(taken.is_some())
    }

    /// Gives a turn back.
    ///
    /// # Errors
    /// When Redis does not answer; it ends by itself then.
    pub async fn give_back(&self, key: &str) -> anyhow::Result<()> {
        self.connection.clone().del(self.key(key)).await.context("Redis does not answer")
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn ping(&self) -> anyhow::Result<()> {
        redis::cmd("PING").query_async::<()>(&mut self.connection.clone()).await.context("Redis does not answer")
    }
}
