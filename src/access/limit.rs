//! Limits (限量): how often something may be tried, and by what it is counted: an address, an account, a number. What the counting
//! itself is, `gateway::limits` says.

use super::visit::Visit;
use super::{NOT_COUNTED, TOO_OFTEN};
use crate::base::error::{Error, Result};
use crate::domain::Who;
use crate::domain::case::{self, Proof};
use crate::domain::review::Key;
use crate::gateway::limits::{Quota, Verdict};
use chrono::Duration;
use entity::Id;
use std::net::IpAddr;

/// Looks at progress from one address. A village shares one, so it is lenient.
const PROGRESS_ADDRESS: Quota = Quota { name: "progress_address", burst: 60, per: Duration::minutes(10) };
/// Looks at the progress of one number: four digits of a phone take years to guess.
const PROGRESS_NUMBER: Quota = Quota { name: "progress_number", burst: 10, per: Duration::hours(12) };
/// Looks at any number's progress with one tail of a phone or document: a person has a few cases, and numbers follow one another.
const PROGRESS_TAIL: Quota = Quota { name: "progress_tail", burst: 8, per: Duration::days(1) };
/// Rating codes tried from one address.
const REVIEW_ADDRESS: Quota = Quota { name: "review_address", burst: 60, per: Duration::minutes(10) };
/// Rating codes tried in one centre.
const REVIEW_CENTRE: Quota = Quota { name: "review_centre", burst: 600, per: Duration::hours(1) };

/// Places taken by one account, given back or not.
const APPLICATIONS: Quota = Quota { name: "applications", burst: 40, per: Duration::days(1) };
const BOOKINGS: Quota = Quota { name: "bookings", burst: 15, per: Duration::days(1) };
/// Places kept for one account while it fills in forms.
const HOLDS: Quota = Quota { name: "holds", burst: 20, per: Duration::days(1) };
/// Tails tried by one resident on cases he sees in part.
const OPENING: Quota = Quota { name: "opening", burst: 20, per: Duration::hours(12) };
/// Searches for persons by one member of staff.
const SEARCHES: Quota = Quota { name: "searches", burst: 60, per: Duration::hours(1) };
/// Documents checked from one address.
const CHECKS: Quota = Quota { name: "checks", burst: 60, per: Duration::minutes(10) };
/// Files given by one person.
const UPLOADS: Quota = Quota { name: "uploads", burst: 60, per: Duration::hours(1) };
/// Figures opened from one address by strangers.
const FIGURES: Quota = Quota { name: "figures", burst: 300, per: Duration::minutes(10) };
/// Codes of the hall tried by one resident.
const ARRIVALS: Quota = Quota { name: "arrivals", burst: 10, per: Duration::hours(1) };
/// Codes of the hall tried by one member of staff.
const CHECK_IN: Quota = Quota { name: "check_in", burst: 10, per: Duration::hours(1) };

impl Visit {
    /// Looks at a case for a proof. What could be guessed is counted before; a check code could not, and is counted where it was
    /// wrong: whoever holds a receipt waits for no counter.
    ///
    /// # Errors
    /// Whatever the look says; `too_often`, `not_counted`.
    pub async fn prove<T>(&self, number: &str, proof: &Proof, look: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        if proof.tail().is_some() {
            self.limit_proof(number, proof).await?;
            return look().await;
        }
        let seen = look().await;
        if matches!(seen, Err(Error::Refused(_))) {
            self.limit_proof(number, proof).await?;
        }
        seen
    }

    /// Counts a look at a case for a proof, by address and, where the proof could be guessed, by number. A case's number and
    /// its receipt's are one.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    async fn limit_proof(&self, number: &str, proof: &Proof) -> Result<()> {
        self.limit(PROGRESS_ADDRESS, &self.network()).await?;
        let Some(tail) = proof.tail() else { return Ok(()) };
        let one: String = case::normal_number(number).replace("-B-", "-").chars().take(32).collect();
        self.limit(PROGRESS_NUMBER, &one).await?;
        // Numbers are counted by day: who knows a neighbour's tail must not try it on each of them.
        self.limit(PROGRESS_TAIL, &self.blind_key(tail)).await
    }

    /// Counts a look at a document by its code.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_check(&self) -> Result<()> {
        self.limit(CHECKS, &self.network()).await
    }

    /// Counts a file that somebody gives.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_uploads(&self, who: &Who) -> Result<()> {
        self.limit(UPLOADS, &who.label()).await
    }

    /// Counts a resident's try to open a case in full, by account as well: one who sees many cases in part has one allowance.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_opening(&self, account: Id, number: &str, proof: &Proof) -> Result<()> {
        if proof.tail().is_some() {
            self.limit(OPENING, &account.to_string()).await?;
        }
        self.limit_proof(number, proof).await
    }

    /// Counts a search for a person's cases: four masked digits are found soon, if one may search on.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_search(&self, staff: Id) -> Result<()> {
        self.limit(SEARCHES, &staff.to_string()).await
    }

    /// Counts a stranger's look into a figure, whose rows are counted anew each time.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_figures(&self) -> Result<()> {
        self.limit(FIGURES, &self.network()).await
    }

    /// A word for counting that does not show what is counted: no key in Redis holds a phone or a part of one.
    pub(super) fn blind_key(&self, value: &str) -> String {
        let blind = self.app.vault.blind("limit", self.centre.id, value.trim());
        hex::encode(&blind.0[..12])
    }

    /// The word that WeChat hands back for a browser that was sent there, by the word that the browser keeps.
    #[must_use]
    pub fn state_of(&self, word: &str) -> String {
        self.blind_key(word)
    }

    /// The address as it is counted: of IPv6 the network, of which anybody has a whole one.
    #[must_use]
    pub fn network(&self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
            }
        }
    }

    /// Lets a key to an invitation be used: tries of a code are counted; a link's token is too long to guess, and one that is
    /// none is turned away before anything is opened to write.
    ///
    /// # Errors
    /// `too_often`, `not_counted`, `unknown_invitation`.
    pub async fn admit_review(&self, key: &Key) -> Result<()> {
        match key {
            Key::Code(_) => {
                self.limit(REVIEW_ADDRESS, &self.network()).await?;
                self.limit(REVIEW_CENTRE, "all").await
            }
            Key::Token(_) => key.find(self.app.read(), &self.app.vault, self.centre.id).await.map(drop),
        }
    }

    /// Counts a booking of an account: each sends texts, and a place given back is a place others did not see. What the
    /// windows book is not counted, nor what was done with its Idempotency-Key before.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_booking(&self, who: &Who, operation: &str) -> Result<()> {
        match who.account() {
            Some(account) if !self.repeats(who, operation).await? => self.limit(BOOKINGS, &account.to_string()).await,
            _ => Ok(()),
        }
    }

    /// Counts an application of an account, and its tries: each reads files and writes a receipt.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_applying(&self, account: Id) -> Result<()> {
        self.limit(APPLICATIONS, &account.to_string()).await
    }

    /// Counts a place that is kept for an account: kept again and again, it would be nobody's.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_hold(&self, account: Id) -> Result<()> {
        self.limit(HOLDS, &account.to_string()).await
    }

    /// Counts a resident's try of the hall's code.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_arrival(&self, who: &Who) -> Result<()> {
        match who.account() {
            Some(account) => self.limit(ARRIVALS, &account.to_string()).await,
            None => Ok(()),
        }
    }

    /// Counts a try of the hall's code: six digits are guessed soon, if one may guess.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_check_in(&self, staff: Id) -> Result<()> {
        self.limit(CHECK_IN, &staff.to_string()).await
    }

    /// Counts a try; refuses when it is one too many, and also when it cannot be counted.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit(&self, quota: Quota, key: &str) -> Result<()> {
        match self.app.limits.take(quota, &format!("{}:{key}", self.centre.id), self.app.clock.now()).await {
            Ok(Verdict::Pass) => Ok(()),
            Ok(Verdict::Wait(wait)) => Err(TOO_OFTEN.after(wait).into()),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    quota = quota.name,
                    "a try could not be counted and was refused"
                );
                Err(NOT_COUNTED.after(Duration::seconds(10)).into())
            }
        }
    }
}
