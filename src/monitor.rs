//! What monitors (监控) ask: is it alive, can it serve, what has it counted.

use crate::access::answer::NO_ROUTE;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::settings::Profile;
use crate::base::vault::same;
use crate::domain::notice;
use crate::gateway::sms::Sms;
use migration::{Migrator, MigratorTrait as _};
use poem::http::{StatusCode, header};
use poem::listener::TcpListener;
use poem::web::{Data, Json};
use poem::{EndpointExt as _, IntoResponse as _, Request, Response, Route, Server, get, handler};
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use tokio::sync::watch;

/// Their routes, beside those for people.
pub fn routes(route: Route) -> Route {
    route.at("/healthz", get(healthz)).at("/readyz", get(readyz)).at("/metrics", get(metrics_for_holder))
}

#[handler]
fn healthz() -> &'static str {
    "ok"
}

/// Whether requests can be served: database and counting reachable, schema up to date.
#[handler]
async fn readyz(app: Data<&App>) -> Response {
    let schema = match Migrator::get_pending_migrations(app.read()).await {
        Ok(pending) if pending.is_empty() => "current",
        Ok(_) => "behind: run `shuitian migrate up`",
        Err(_) => "unknown: the database does not answer",
    };
    let counting = if app.limits.ping().await.is_ok() { "reachable" } else { "redis does not answer" };
    let ready = schema == "current" && counting == "reachable";
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let words =
        serde_json::json!({ "ready": ready, "database": schema, "cache": counting, "gateways": gateways(&app).await });
    Json(words).with_status(status).into_response()
}

/// How the ways for texts do, each in a word for the operator. One that is out of order keeps nobody from being served.
async fn gateways(app: &App) -> BTreeMap<&'static str, String> {
    let now = app.clock.now();
    let holds = notice::holds(app.read()).await.unwrap_or_default();
    let word = |name: &str| {
        let held = holds.iter().find(|h| h.gateway == name);
        held.map_or_else(
            || "in order".to_owned(),
            |h| {
                let again =
                    if h.until > now { format!("at {}", h.until.local()) } else { "when a text needs it".to_owned() };
                format!("out of order since {}: {}; asked again {again}", h.since.local(), h.code)
            },
        )
    };
    let wechat = app.wechat.mini().map(|_| notice::WECHAT);
    app.sms.iter().map(Sms::name).chain(wechat).map(|name| (name, word(name))).collect()
}

/// The counts, beside what is for everybody: for who holds the token. Without one, only a demonstration tells them.
#[handler]
async fn metrics_for_holder(app: Data<&App>, req: &Request) -> poem::Result<Response> {
    let token = app.settings.metrics.token.expose_secret();
    let given = req.headers().get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()?.strip_prefix("Bearer "));
    let may = if token.is_empty() {
        app.settings.profile == Profile::Demo
    } else {
        given.is_some_and(|given| same(given.as_bytes(), token.as_bytes()))
    };
    if may { Ok(told(&app).await?) } else { Err(Error::from(NO_ROUTE).into()) }
}

/// The counts, on a listener of their own that people cannot reach.
#[handler]
async fn metrics(app: Data<&App>) -> poem::Result<Response> {
    Ok(told(&app).await?)
}

async fn told(app: &App) -> Result<Response> {
    let now = app.clock.now();
    let published = app.published().await?;
    let mut waiting = notice::waiting(app.read(), now, &published.centres).await?;
    // One that is no longer in the settings is no longer held.
    let is_used = |name: &String| name == notice::WECHAT || app.sms.iter().any(|s| s.name() == name);
    waiting.held.retain(is_used);
    let words = app.metrics.tell(&waiting, app.settings.sms.limits.daily_budget, now).map_err(anyhow::Error::from)?;
    Ok(words.with_content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").into_response())
}

/// Answers monitors on `metrics.listen`, if it is set, until told to stop: a worker has no other door.
///
/// # Errors
/// An address that is taken or not this machine's.
pub async fn listen_apart(app: &App, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let Some(address) = app.settings.metrics.listen else { return Ok(()) };
    let routes = Route::new().at("/healthz", get(healthz)).at("/readyz", get(readyz)).at("/metrics", get(metrics));
    let acceptor = poem::listener::Listener::into_acceptor(TcpListener::bind(address)).await;
    let acceptor = acceptor.map_err(|e| anyhow::anyhow!("cannot listen on {address} (metrics.listen): {e}"))?;
    let (app, mut told) = (app.clone(), stop);
    tokio::spawn(async move {
        let signal = async move {
            // An error means that whoever could tell is gone, which is telling enough.
            let _ = told.wait_for(|stop| *stop).await;
        };
        let served =
            Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(routes.data(app), signal, None).await;
        if let Err(error) = served {
            tracing::error!(error = error.to_string(), "monitors are no longer answered");
        }
    });
    Ok(())
}
