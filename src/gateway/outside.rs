//! Outside systems (外部系统): one client each, by the address and the times of its settings, never by a proxy that the
//! environment names, and without a word of what was asked in any error.

use anyhow::Context as _;
use bytes::Bytes;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, Proxy, RequestBuilder, StatusCode, Url, redirect};
use std::time::Duration;

/// An answer is no longer than this; whatever is, is none of theirs.
const LONGEST: usize = 1 << 20;

/// A system outside.
#[derive(Clone, Debug)]
pub struct Outside {
    client: Client,
    base: Url,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// After so many seconds it may be asked again, where it says so.
    pub retry_after: Option<i64>,
    /// Its bytes: content types are not to be relied on.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// It was certainly not asked: no connection came about.
    Unasked(String),
    /// It may have been asked, and may have done what it was asked for.
    Unanswered(String),
}

impl Lost {
    /// What happened, in a word for the operator.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Unasked(word) | Self::Unanswered(word) => word,
        }
    }
}

impl Outside {
    /// A client for one system.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(base: &str, connect: Duration, total: Duration, proxy: &str) -> anyhow::Result<Self> {
        let base = Url::parse(base).with_context(|| format!("{base} is not an address"))?;
        anyhow::ensure!(base.host_str().is_some(), "{base} names no host");
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(connect)
            .timeout(total)
            .user_agent("shuitian");
        let client = match proxy {
            "" => client,
            proxy => client.proxy(Proxy::all(proxy).context("outbound.proxy is not an address")?),
        };
        Ok(Self { client: client.build()?, base })
    }

    /// The host as it stands in the request: with its port, unless that is the usual one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// A request to a path below the address, with a query that is encoded already.
    pub fn request(&self, method: Method, path: &str, query: Option<&str>) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        self.client.request(method, url)
    }

    /// Asks.
    ///
    /// # Errors
    /// [`Lost`]: nothing came back that could be read.
    pub async fn ask(&self, request: RequestBuilder) -> Result<Answer, Lost> {
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|_| Lost::Unanswered("cut_off".to_owned()))? {
            if body.len() + part.len() > LONGEST {
                return Err(Lost::Unanswered("too_long".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, retry_after, body: body.into() })
    }
}

/// The kind of the error alone: its text may hold the address, and with it a token.
fn lost(error: reqwest::Error) -> Lost {
    match () {
        () if error.is_connect() && error.is_timeout() => Lost::Unasked("connect_timeout".to_owned()),
        () if error.is_connect() => Lost::Unasked("no_connection".to_owned()),
        () if error.is_builder() => Lost::Unasked("not_to_be_asked".to_owned()),
        () if error.is_timeout() => Lost::Unanswered("timeout".to_owned()),
        () => Lost::Unanswered("broken_off".to_owned()),
    }
}
