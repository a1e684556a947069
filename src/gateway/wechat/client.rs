//! WeChat's interface (微信接口), as an app of ours asks it: by a token that all its programs share.

use super::kept::{Fetched, Kept};
use crate::base::vault::Vault;
use crate::gateway::outside::{Answer, Lost, Outside};
use crate::gateway::shared::Shared;
use bytes::Bytes;
use entity::Time;
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How often a busy WeChat is asked again, and when.
const BUSY: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Why WeChat did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was certainly not asked.
    Unasked(String),
    /// It was perhaps asked, and said nothing that could be read.
    Unanswered(String),
    /// Its code.
    Code(i64),
}

impl Fault {
    /// A word for the operator.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Unasked(word) | Self::Unanswered(word) => word.clone(),
            Self::Code(code) => format!("wechat_{code}"),
        }
    }

    /// True where the app itself is wrong, and nothing works until somebody puts it right.
    #[must_use]
    pub const fn is_of_app(&self) -> bool {
        matches!(self, Self::Code(40013 | 40125 | 40164 | 40243 | 41002 | 41004 | 48001 | 50002))
    }

    /// The same where it only kept something from being asked.
    fn before_asking(self) -> Self {
        match self {
            Self::Unanswered(word) => Self::Unasked(word),
            other => other,
        }
    }

    /// True where the token was the reason.
    const fn is_of_token(&self) -> bool {
        matches!(self, Self::Code(40001 | 40014 | 41001 | 42001))
    }
}

impl From<Lost> for Fault {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unasked(word) => Self::Unasked(word),
            Lost::Unanswered(word) => Self::Unanswered(word),
        }
    }
}

/// One app of ours, and how it asks.
pub struct Client {
    outside: Outside,
    app_id: String,
    secret: SecretString,
    token: Kept,
}

impl Client {
    /// An app, by its id and secret.
    #[must_use]
    pub fn new(
        outside: Outside,
        app_id: &str,
        secret: &SecretString,
        vault: Arc<Vault>,
        shared: Option<Shared>,
    ) -> Self {
        let token = Kept::new(format!("wechat:token:{app_id}"), vault, shared);
        Self { outside, app_id: app_id.to_owned(), secret: secret.clone(), token }
    }

    /// Its id.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Its token, fetched if there is none that is good; one that was found bad is not given again.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn token(&self, now: Time, bad: Option<&str>) -> Result<String, Fault> {
        let fetch = async || {
            // Never by force: that would end the token of all others.
            let body = json!({
                "grant_type": "client_credential", "appid": self.app_id, "secret": self.secret.expose_secret(),
                "force_refresh": false,
            });
            let request = self.outside.request(Method::POST, "/cgi-bin/stable_token", None).json(&body);
            let answer = read(&self.outside.ask(request).await?)?;
            let word = answer.get("access_token").and_then(Value::as_str).map(ToOwned::to_owned);
            let seconds = answer.get("expires_in").and_then(Value::as_i64).unwrap_or(0);
            word.map(|word| Fetched { word, seconds }).ok_or_else(|| Fault::Unanswered("no_token".to_owned()))
        };
        self.token.get(now, bad, fetch).await
    }

    /// Asks by the app's secret, as signing in does.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn ask_by_secret<T: DeserializeOwned>(&self, path: &str, rest: &str) -> Result<T, Fault> {
        // Words of others are codes here, and go into an address: nothing else passes.
        let query = format!("appid={}&secret={}&{rest}", self.app_id, self.secret.expose_secret());
        let request = self.outside.request(Method::GET, path, Some(&query));
        as_said(read(&self.outside.ask(request).await?)?)
    }

    /// Asks by the token; once more where it was the token that was bad.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn ask(&self, path: &str, body: &Value, now: Time) -> Result<Answer, Fault> {
        let request =
            |token: &str| self.outside.request(Method::POST, path, Some(&format!("access_token={token}"))).json(body);
        self.by_token(now, request).await
    }

    async fn by_token(&self, now: Time, request: impl Fn(&str) -> RequestBuilder) -> Result<Answer, Fault> {
        let mut bad = None;
        loop {
            // Without a token nothing was asked for yet.
            let token = self.token(now, bad.as_deref()).await.map_err(Fault::before_asking)?;
            let request = request(&token);
            let answer = self.outside.ask(request).await?;
            match read_if_json(&answer) {
                Err(fault) if fault.is_of_token() && bad.is_none() => bad = Some(token),
                Err(fault) => return Err(fault),
                Ok(()) => return Ok(answer),
            }
        }
    }

    /// Asks for what changes nothing, and so again while WeChat is busy.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn ask_patiently(&self, path: &str, body: &Value, now: Time) -> Result<Answer, Fault> {
        for pause in BUSY {
            match self.ask(path, body, now).await {
                Err(Fault::Code(-1)) => tokio::time::sleep(pause).await,
                other => return other,
            }
        }
        self.ask(path, body, now).await
    }

    /// The same, read.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn told<T: DeserializeOwned>(&self, path: &str, body: &Value, now: Time) -> Result<T, Fault> {
        let answer = self.ask_patiently(path, body, now).await?;
        as_said(read(&answer)?)
    }

    /// What is asked for by an address alone.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn look_up<T: DeserializeOwned>(&self, path: &str, rest: &str, now: Time) -> Result<T, Fault> {
        let request =
            |token: &str| self.outside.request(Method::GET, path, Some(&format!("access_token={token}&{rest}")));
        as_said(read(&self.by_token(now, request).await?)?)
    }

    /// Asks for a picture.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn picture(&self, path: &str, body: &Value, now: Time) -> Result<Bytes, Fault> {
        Ok(self.ask_patiently(path, body, now).await?.body)
    }
}

/// Reads an answer. A missing code stands for success, and so does 0.
pub(super) fn read(answer: &Answer) -> Result<Value, Fault> {
    let unreadable = || Fault::Unanswered(format!("http_{}", answer.status.as_u16()));
    let told: Value = serde_json::from_slice(trimmed(&answer.body)).map_err(|_| unreadable())?;
    let code = match told.get("errcode") {
        None => 0,
        Some(code) => number(code).ok_or_else(unreadable)?,
    };
    if code == 0 {
        return if told.is_object() { Ok(told) } else { Err(unreadable()) };
    }
    let words = told.get("errmsg").and_then(Value::as_str).unwrap_or_default();
    // Their support asks for the number at its end; the rest may repeat what was sent.
    let rid = words.rsplit_once("rid: ").map_or("-", |(_, rid)| rid);
    tracing::debug!(code, rid, "WeChat refused");
    Err(Fault::Code(code))
}

/// Without what some programs put before it: white space, or the mark of UTF-8.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start()
}

/// Reads what may be a picture: only what begins like an object is one.
fn read_if_json(answer: &Answer) -> Result<(), Fault> {
    let body = trimmed(&answer.body);
    if body.first() == Some(&b'{') {
        return read(answer).map(drop);
    }
    if answer.status.is_success() && !body.is_empty() && !body.starts_with(b"<") {
        return Ok(());
    }
    Err(Fault::Unanswered(format!("http_{}", answer.status.as_u16())))
}

fn as_said<T: DeserializeOwned>(told: Value) -> Result<T, Fault> {
    serde_json::from_value(told).map_err(|_| Fault::Unanswered("garbage".to_owned()))
}

/// A number, which may be written as a text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}
