//! Hooks (回调): what gateways bring. The secret in the address is the only thing that vouches for it, and it can do no more
//! than be kept, rate what the phone was asked about, and say what became of a text.

use super::problem::Failure;
use crate::access::answer::{BODY_TOO_LARGE, NO_ROUTE, NOT_NOW, UNREADABLE};
use crate::access::incoming;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::vault::same;
use crate::domain::notice;
use crate::gateway::sms::Sms;
use crate::gateway::wechat::push;
use entity::Time;
use poem::web::{Data, Path, Query};
use poem::{IntoResponse as _, Response, Route, get, handler, post};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::time::Duration;
use tracing::Instrument as _;

/// Larger bodies are none of theirs.
const LARGEST: usize = 1 << 20;
/// They wait five seconds, and bring it again then.
const PATIENCE: Duration = Duration::from_secs(4);

/// All hooks.
pub fn routes() -> Route {
    Route::new()
        .at("/sms/:gateway/:secret/reply", post(reply))
        .at("/sms/:gateway/:secret/report", post(report))
        .at("/wechat", get(vouch).post(pushed))
}

#[handler]
async fn report(
    app: Data<&App>,
    Path((gateway, secret)): Path<(String, String)>,
    body: poem::Body,
) -> Result<Response, Failure> {
    let gateway = of_secret(&app, &gateway, &secret)?;
    let body = read(body).await?;
    let Some(reports) = gateway.reports(&body, app.clock.now()) else { return Err(unreadable(gateway, &body)) };
    let app = app.clone();
    in_time(async move { incoming::take_reports(&app, reports).await }).await?;
    Ok(thanks(gateway))
}

/// The centre whose gateway it is, where it is one centre's own.
#[derive(Deserialize)]
struct Named {
    centre: Option<String>,
}

#[handler]
async fn reply(
    app: Data<&App>,
    Path((gateway, secret)): Path<(String, String)>,
    Query(asked): Query<Named>,
    body: poem::Body,
) -> Result<Response, Failure> {
    let gateway = of_secret(&app, &gateway, &secret)?;
    let body = read(body).await?;
    let Some(replies) = gateway.replies(&body) else { return Err(unreadable(gateway, &body)) };
    // Not by host: one address of the gateway's may serve all centres, whatever name it is reached by. A wrong one is refused, and
    // the gateway tries again when it is put right.
    let named = match asked.centre {
        Some(code) => Some(app.published().await?.find(None, Some(&code))?),
        None => None,
    };
    let (app, name) = (app.clone(), gateway.name());
    let taken = async move {
        let mut outcomes = Vec::with_capacity(replies.len());
        for reply in &replies {
            outcomes.push(incoming::take_reply(&app, named.as_ref(), name, reply).await?);
        }
        Ok(outcomes)
    };
    let outcomes = in_time(taken).await?;
    // Whoever types a text at the console is told what became of it.
    match (gateway, outcomes.as_slice()) {
        (Sms::Console | Sms::Memory(_), [outcome]) => Ok(json(&serde_json::json!({ "outcome": outcome }).to_string())),
        _ => Ok(thanks(gateway)),
    }
}

/// What WeChat signs its questions with.
#[derive(Deserialize)]
struct Signed {
    timestamp: String,
    nonce: String,
    #[serde(default)]
    signature: String,
    #[serde(default)]
    msg_signature: String,
    #[serde(default)]
    echostr: String,
}

/// WeChat asks whether this address is ours.
#[handler]
fn vouch(app: Data<&App>, Query(asked): Query<Signed>) -> Result<Response, Failure> {
    let Some(push) = &app.push else { return Err(NO_ROUTE.into()) };
    if push.asks(&asked.signature, &asked.timestamp, &asked.nonce) {
        Ok(asked.echostr.with_content_type("text/plain; charset=utf-8").into_response())
    } else {
        Err(NO_ROUTE.into())
    }
}

/// WeChat pushes something, which only it can have sealed.
#[handler]
async fn pushed(app: Data<&App>, Query(asked): Query<Signed>, body: poem::Body) -> Result<Response, Failure> {
    #[derive(Deserialize)]
    struct Sealed {
        #[serde(rename = "Encrypt")]
        encrypt: String,
    }
    let Some(push) = &app.push else { return Err(NO_ROUTE.into()) };
    let body = read(body).await?;
    let opened = serde_json::from_slice(&body)
        .ok()
        .and_then(|Sealed { encrypt }| push.open(&asked.msg_signature, &asked.timestamp, &asked.nonce, &encrypt).ok());
    let Some(event) = opened.as_deref().and_then(push::read) else {
        tracing::warn!(length = body.len(), "what came to WeChat's hook cannot be read");
        return Err(UNREADABLE.into());
    };
    if !is_of_late(&asked.timestamp, app.clock.now()) {
        tracing::warn!("what came to WeChat's hook was signed long ago");
        return Err(UNREADABLE.into());
    }
    let app = app.clone();
    in_time(async move { incoming::take_event(&app, &event).await }).await?;
    Ok("success".with_content_type("text/plain").into_response())
}

/// True for a moment, in seconds, that lies within the days for which it is remembered what was heard: what is older could be heard
/// twice.
fn is_of_late(timestamp: &str, now: Time) -> bool {
    let signed = timestamp.parse::<i64>().ok();
    signed.is_some_and(|at| (now.seconds() - at).abs() < notice::REMEMBERED.num_seconds())
}

/// The gateway of an address, if its secret is right.
fn of_secret<'a>(app: &'a App, name: &str, secret: &str) -> Result<&'a Sms> {
    let gateway = app.sms.iter().find(|s| s.name() == name);
    let expected = app.hook_secret(name).expose_secret();
    gateway.filter(|_| same(secret.as_bytes(), expected.as_bytes())).ok_or_else(|| NO_ROUTE.into())
}

async fn read(body: poem::Body) -> Result<Vec<u8>> {
    let body = body.into_vec().await.map_err(|_| Error::from(UNREADABLE))?;
    if body.len() > LARGEST { Err(BODY_TOO_LARGE.into()) } else { Ok(body) }
}

/// What it says is nobody's business in a log: it may be a person's words.
fn unreadable(gateway: &Sms, body: &[u8]) -> Failure {
    tracing::warn!(gateway = gateway.name(), length = body.len(), "a gateway brought something that cannot be read");
    UNREADABLE.into()
}

/// Whatever takes longer is brought to its end all the same, and is found done when it comes again.
async fn in_time<T: Send + 'static>(taken: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(taken.in_current_span())).await {
        Ok(Ok(taken)) => taken,
        Ok(Err(died)) => Err(anyhow::Error::from(died).into()),
        Err(_) => Err(NOT_NOW.after(chrono::Duration::seconds(5)).into()),
    }
}

fn thanks(gateway: &Sms) -> Response {
    json(gateway.thanks())
}

fn json(words: &str) -> Response {
    words.to_owned().with_content_type("application/json; charset=utf-8").into_response()
}
