//! A visit (来访): what is known of a request before anybody signs in.

use crate::app::App;
use crate::base::error::Result;
use crate::base::settings::Settings;
use crate::domain::identity::idempotency::{self, Recall, TWIN};
use crate::domain::published::{Centre, Published};
use crate::domain::{Act, Who};
use chrono::Duration;
use entity::{Blind, Id};
use ipnet::IpNet;
use poem::http::header::HOST;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::types::{ParseFromJSON, ToJSON};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};

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
    let Some(forwarded) = forwarded else { return peer };
    let mut last = peer;
    for hop in forwarded.rsplit(',') {
        // Whoever is behind a proxy that does not say it is nobody that is trusted.
        last = read_hop(hop.trim()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if !trusted(&last) {
            break;
        }
    }
    last
}

/// An address as proxies write it: by itself, in brackets, or with a port.
fn read_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|place| place.ip()));
    address.map(|ip: IpAddr| ip.to_canonical())
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
        for (hop, expected) in [
            ("203.0.113.9:1234", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("nonsense", "0.0.0.0"),
            ("198.51.100.7, unknown", "0.0.0.0"),
            (" ,", "0.0.0.0"),
        ] {
            assert_eq!(seen("127.0.0.1", Some(hop)), ip(expected), "{hop}");
        }
        assert_eq!(without_port("example.gov.cn:8080"), "example.gov.cn");
    }
}
