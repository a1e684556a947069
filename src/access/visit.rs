//! A visit (来访): what is known of a request before anybody signs in.

use super::{NOT_COUNTED, TOO_OFTEN};
use crate::app::App;
use crate::base::error::Result;
use crate::base::settings::Settings;
use crate::domain::case::{self, Proof};
use crate::domain::identity::idempotency::{self, Recall, TWIN};
use crate::domain::published::{Centre, Published};
use crate::domain::review::Key;
use crate::domain::{Act, Who};
use crate::gateway::limits::{Quota, Verdict};
use chrono::Duration;
use entity::{Blind, Id};
use ipnet::IpNet;
use poem::http::header::HOST;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::types::{ParseFromJSON, ToJSON};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError};

/// Looks at progress from one address. A village shares one, so it is lenient.
const PROGRESS_ADDRESS: Quota = Quota { name: "progress_address", burst: 60, per: Duration::minutes(10) };
/// Looks at the progress of one number: four digits of a phone take years to guess.
const PROGRESS_NUMBER: Quota = Quota { name: "progress_number", burst: 10, per: Duration::hours(12) };
/// Looks at any number's progress with one tail of a phone or document.
const PROGRESS_TAIL: Quota = Quota { name: "progress_tail", burst: 12, per: Duration::hours(12) };
/// Rating codes tried from one address.
const REVIEW_ADDRESS: Quota = Quota { name: "review_address", burst: 60, per: Duration::minutes(10) };
/// Rating codes tried in one centre.
const REVIEW_CENTRE: Quota = Quota { name: "review_centre", burst: 600, per: Duration::hours(1) };

/// Places taken by one account, given back or not.
const BOOKINGS: Quota = Quota { name: "bookings", burst: 15, per: Duration::days(1) };
/// Places kept for one account while it fills in forms.
const HOLDS: Quota = Quota { name: "holds", burst: 20, per: Duration::days(1) };
/// Tails tried by one resident on cases he sees in part.
const OPENING: Quota = Quota { name: "opening", burst: 20, per: Duration::hours(12) };
/// Searches for persons by one member of staff.
const SEARCHES: Quota = Quota { name: "searches", burst: 60, per: Duration::hours(1) };
/// Figures opened from one address by strangers.
const FIGURES: Quota = Quota { name: "figures", burst: 300, per: Duration::minutes(10) };
/// Codes of the hall tried by one resident.
const ARRIVALS: Quota = Quota { name: "arrivals", burst: 10, per: Duration::hours(1) };
/// Codes of the hall tried by one member of staff.
const CHECK_IN: Quota = Quota { name: "check_in", burst: 10, per: Duration::hours(1) };

/// What is known of a request before anybody signs in.
#[derive(Clone)]
pub struct Visit {
    /// The application.
    pub app: App,
    /// The centre it means.
    pub centre: Arc<Centre>,
    /// Where it comes from; behind a trusted proxy, what that proxy says.
    pub address: IpAddr,
    /// The device's own id, if it gives one.
    pub device: Option<String>,
    key: Option<String>,
}

impl Visit {
    /// Reads a request of a stranger.
    ///
    /// # Errors
    /// `unknown_centre`, `bad_idempotency_key`.
    pub async fn of(req: &Request) -> Result<Self> {
        let app = Self::app(req)?;
        let published = app.published().await?;
        Self::among(req, app, &published, None)
    }

    /// The application that answers a request.
    pub(super) fn app(req: &Request) -> Result<App> {
        Ok(req.data::<App>().ok_or_else(|| anyhow::anyhow!("the routes carry no application"))?.clone())
    }

    /// Reads a request. `token_centre` is meant when the request itself names no centre.
    ///
    /// # Errors
    /// `unknown_centre`, `bad_idempotency_key`.
    pub(super) fn among(req: &Request, app: App, published: &Published, token_centre: Option<Id>) -> Result<Self> {
        let word = |name: &str| req.headers().get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        let host = req.headers().get(HOST).and_then(|v| v.to_str().ok()).map(without_port);
        let in_query = req.uri().query().and_then(|q| {
            q.split('&')
                .find_map(|pair| pair.strip_prefix("centre="))
                .filter(|c| c.chars().all(|c| c.is_ascii_alphanumeric()))
        });
        let named = in_query.map(ToOwned::to_owned).or_else(|| word("x-centre"));
        let of_token = token_centre.filter(|_| named.is_none()).and_then(|id| published.by_id(id));
        let centre = match (published.find(host, named.as_deref()), of_token) {
            (Err(_), Some(centre)) => centre,
            (found, _) => found?,
        };
        let key = word("idempotency-key");
        if let Some(key) = &key {
            idempotency::ensure_readable(key)?;
        }
        let peer =
            req.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |a| a.ip().to_canonical());
        // A proxy may add a line of its own below the client's: all of them are one list.
        let lines = req.headers().get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
        let forwarded = Some(lines.collect::<Vec<_>>().join(",")).filter(|f| !f.is_empty());
        let address = client(peer, forwarded.as_deref(), &app.settings);
        let device = word("x-device").filter(|d| (8..=64).contains(&d.len()));
        Ok(Self { app, centre, address, device, key })
    }

    /// The same visit with a key of its own: a form carries one in a hidden field, so that a second press of its button is
    /// the first one again.
    ///
    /// # Errors
    /// `bad_idempotency_key`.
    pub fn once(&self, key: &str) -> Result<Self> {
        idempotency::ensure_readable(key)?;
        Ok(Self { key: Some(key.to_owned()), ..self.clone() })
    }

    /// Does one act in this visit's centre.
    ///
    /// # Errors
    /// Whatever the act says.
    pub async fn write<T>(&self, who: Who, act: impl AsyncFnOnce(&Act) -> Result<T>) -> Result<T> {
        self.app.write(&self.centre, who, act).await
    }

    /// Does one act once for its Idempotency-Key, if the request carries one: a repetition gets the first answer, a twin
    /// that comes while the first is under way is asked to wait.
    ///
    /// # Errors
    /// Whatever the act says; `twin_request`, `idempotency_key_reused`.
    pub async fn write_once<T: ToJSON + ParseFromJSON>(
        &self,
        who: Who,
        operation: &'static str,
        request: &str,
        act: impl AsyncFnOnce(&Act) -> Result<T>,
    ) -> Result<T> {
        let Some(key) = &self.key else { return self.write(who, act).await };
        let _guard = Guard::enter(&self.app, format!("{} {} {operation} {key}", self.centre.id, who.label()))?;
        self.write(who, async |given| match idempotency::recall(given, operation, key, request).await? {
            Recall::Done(answer) => {
                T::parse_from_json_string(&answer).map_err(|e| anyhow::anyhow!("a kept answer: {}", e.message()).into())
            }
            Recall::Fresh(id) => {
                let answer = act(given).await?;
                idempotency::keep(given, id, &answer.to_json_string()).await?;
                Ok(answer)
            }
        })
        .await
    }

    /// Does one act at once, if it may be: what is to be kept with an Idempotency-Key is done in a transaction.
    ///
    /// # Errors
    /// Whatever the act says.
    pub async fn at_once<T>(&self, who: Who, act: impl AsyncFnOnce(&Act) -> Result<T>) -> Result<Option<T>> {
        if self.may_repeat() { Ok(None) } else { self.app.at_once(&self.centre, who, act).await }
    }

    /// True when this request names a key, and so may be a repetition.
    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        self.key.is_some()
    }

    /// True when this request repeats one that was done with its Idempotency-Key.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn repeats(&self, who: &Who, operation: &str) -> Result<bool> {
        match &self.key {
            Some(key) => idempotency::is_kept(self.app.read(), self.centre.id, who, operation, key).await,
            None => Ok(false),
        }
    }

    /// Blind indexes under which a value of this centre may be stored.
    pub(super) fn blinds(&self, kind: &str, value: &str) -> Vec<Blind> {
        self.app.vault.blinds(kind, self.centre.id, value)
    }

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
        if seen.is_err() {
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
        blind.0.iter().take(12).map(|b| format!("{b:02x}")).collect()
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
    /// windows book is not counted.
    ///
    /// # Errors
    /// `too_often`, `not_counted`.
    pub async fn limit_booking(&self, who: &Who) -> Result<()> {
        match who.account() {
            Some(account) => self.limit(BOOKINGS, &account.to_string()).await,
            None => Ok(()),
        }
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

impl<'a> FromRequest<'a> for Visit {
    async fn from_request(req: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Self::of(req).await.map_err(poem::Error::from)
    }
}

/// A keyed write under way in this process.
struct Guard<'a>(&'a App, String);

impl<'a> Guard<'a> {
    fn enter(app: &'a App, name: String) -> Result<Self> {
        let fresh = app.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        if fresh { Ok(Self(app, name)) } else { Err(TWIN.after(Duration::seconds(1)).into()) }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The nearest address in the chain of proxies that is not one we trust.
fn client(peer: IpAddr, forwarded: Option<&str>, settings: &Settings) -> IpAddr {
    let trusted = |ip: &IpAddr| settings.http.trusted_proxies.iter().any(|net: &IpNet| net.contains(ip));
    if !trusted(&peer) {
        return peer;
    }
    let hops = forwarded.unwrap_or_default().rsplit(',').map_while(|hop| hop.trim().parse::<IpAddr>().ok());
    let mut last = peer;
    for hop in hops {
        last = hop.to_canonical();
        if !trusted(&last) {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let variables = [("SHUITIAN__HTTP__TRUSTED_PROXIES".to_owned(), "127.0.0.1,10.0.0.0/8".to_owned())];
        let settings = Settings::load(Some(Path::new("/dev/null")), variables.into_iter()).unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let seen = |peer: &str, forwarded| client(ip(peer), forwarded, &settings);
        assert_eq!(seen("127.0.0.1", Some("203.0.113.9")), ip("203.0.113.9"));
        assert_eq!(
            seen("127.0.0.1", Some("198.51.100.7, 203.0.113.9, 10.1.2.3")),
            ip("203.0.113.9"),
            "the client's own word is the leftmost"
        );
        assert_eq!(seen("203.0.113.9", Some("127.0.0.1")), ip("203.0.113.9"), "a stranger's header is nothing");
        assert_eq!(seen("127.0.0.1", None), ip("127.0.0.1"));
        assert_eq!(seen("127.0.0.1", Some("nonsense")), ip("127.0.0.1"));
        assert_eq!(without_port("example.gov.cn:8080"), "example.gov.cn");
    }
}
