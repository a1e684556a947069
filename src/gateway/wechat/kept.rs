//! What WeChat gives for two hours to all programs of an app (access_token, jsapi_ticket): fetched by one of those who want it
//! at a time, here and, where a Redis is shared, by one program for all. Sealed where it lies outside.

use super::client::Fault;
use crate::base::vault::{NO_CENTRE, Place, Vault};
use crate::gateway::shared::Shared;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::{Id, Sealed, Time};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// It is good for five minutes less than was said: the next one is given from then on.
const SPARE: i64 = 300;
/// Even one that was given late is kept so long.
const LEAST: i64 = 30;
/// Another program that fetches one is waited for.
const TURN: u64 = 10;
const LOOK: Duration = Duration::from_millis(50);

/// A word that was fetched, and for how many seconds it is good.
pub struct Fetched {
    /// The word.
    pub word: String,
    /// As was said.
    pub seconds: i64,
}

/// A word that many use.
pub struct Kept {
    /// What it is called where it is shared.
    name: String,
    vault: Arc<Vault>,
    shared: Option<Shared>,
    last: Mutex<Option<(String, Time)>>,
    /// Of those who find it gone, one fetches it.
    turn: tokio::sync::Mutex<()>,
    /// When it could not be fetched last, and why: who waited meanwhile is told so.
    failed: Mutex<Option<(Instant, Fault)>>,
}

impl Kept {
    /// Nothing yet.
    #[must_use]
    pub fn new(name: String, vault: Arc<Vault>, shared: Option<Shared>) -> Self {
        Self {
            name,
            vault,
            shared,
            last: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            failed: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(String, Time)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The word, if it is good still and not the one that was found bad.
    fn good(&self, now: Time, bad: Option<&str>) -> Option<String> {
        let last = self.lock();
        let (word, until) = last.as_ref()?;
        (*until > now && Some(word.as_str()) != bad).then(|| word.clone())
    }

    /// The word, fetched if there is none that is good. `bad` is one that was found not to be.
    ///
    /// # Errors
    /// Whatever fetching says.
    pub async fn get<F: Future<Output = Result<Fetched, Fault>>>(
        &self,
        now: Time,
        bad: Option<&str>,
        fetch: impl FnOnce() -> F,
    ) -> Result<String, Fault> {
        if let Some(word) = self.good(now, bad) {
            return Ok(word);
        }
        let came = Instant::now();
        let _turn = self.turn.lock().await;
        if let Some(word) = self.good(now, bad) {
            return Ok(word);
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, fault)) = failed.filter(|(at, _)| *at >= came) {
            return Err(fault);
        }
        let Some(shared) = &self.shared else { return self.fetch(now, fetch).await };
        for _ in 0..TURN * 1000 / 50 {
            // Who finds it gone does without.
            match self.there(shared, now, bad).await {
                Ok(Some(word)) => return Ok(word),
                Ok(None) => {}
                Err(_) => break,
            }
            match shared.take_turn(&format!("{}:turn", self.name), TURN).await {
                Ok(true) => {
                    // Whoever had the turn before may have fetched it since we looked.
                    let fetched = match self.there(shared, now, bad).await {
                        Ok(Some(word)) => Ok(word),
                        _ => self.fetch(now, fetch).await,
                    };
                    if fetched.is_ok() {
                        self.share(shared, now).await;
                    }
                    let _ = shared.give_back(&format!("{}:turn", self.name)).await;
                    return fetched;
                }
                Ok(false) => tokio::time::sleep(LOOK).await,
                Err(_) => break,
            }
        }
        self.fetch(now, fetch).await
    }

    /// The word that all share, if it is good still and not the one that was found bad.
    async fn there(&self, shared: &Shared, now: Time, bad: Option<&str>) -> anyhow::Result<Option<String>> {
        let there = shared.get(&self.name).await?.and_then(|sealed| self.open(&sealed));
        let Some((word, until)) = there.filter(|(word, until)| *until > now && Some(word.as_str()) != bad) else {
            return Ok(None);
        };
        *self.lock() = Some((word.clone(), until));
        Ok(Some(word))
    }

    async fn fetch<F: Future<Output = Result<Fetched, Fault>>>(
        &self,
        now: Time,
        fetch: impl FnOnce() -> F,
    ) -> Result<String, Fault> {
        let fetched = fetch().await;
        let failed = fetched.as_ref().err().map(|fault| (Instant::now(), fault.clone()));
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
        let Fetched { word, seconds } = fetched?;
        let until = now + chrono::Duration::seconds((seconds - SPARE).max(LEAST));
        *self.lock() = Some((word.clone(), until));
        Ok(word)
    }

    async fn share(&self, shared: &Shared, now: Time) {
        let Some((word, until)) = self.lock().clone() else { return };
        let place = Place::new("wechat.kept", NO_CENTRE, Id::nil());
        let Ok(sealed) = self.vault.seal(place, &format!("{} {word}", until.0)) else { return };
        let seconds = u64::try_from((until - now).num_seconds()).unwrap_or(1).max(1);
        let _ = shared.keep(&self.name, &STANDARD.encode(sealed.0), seconds).await;
    }

    fn open(&self, sealed: &str) -> Option<(String, Time)> {
        let sealed = Sealed(STANDARD.decode(sealed).ok()?);
        let plain = self.vault.open(Place::new("wechat.kept", NO_CENTRE, Id::nil()), &sealed).ok()?;
        let (until, word) = plain.split_once(' ')?;
        Some((word.to_owned(), Time(until.parse().ok()?)))
    }
}
