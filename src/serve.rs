//! Assembly: all routes behind one gate, and a server that ends cleanly.

use crate::access;
use crate::access::answer::{BODY_TOO_LARGE, TOO_MANY_UPLOADS, UNREADABLE};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::{api, jobs, monitor, pages};
use poem::http::{HeaderValue, header};
use poem::listener::{Acceptor, Listener as _, TcpListener};
use poem::{Endpoint, EndpointExt as _, IntoEndpoint, Middleware, PathPattern, Request, Response, Server};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, watch};
use tracing::Instrument as _;

/// How long a request may take to be sent; the body is small, and a village's line slow.
const SENDING: Duration = Duration::from_secs(30);

/// How long one with a file may take.
const UPLOADING: Duration = Duration::from_secs(180);

/// What a form may have beside a file, in bytes.
const FORM: u64 = 1 << 16;

/// Everything that is answered here.
pub fn endpoint(app: App) -> impl Endpoint<Output = Response> + 'static {
    let routes = monitor::routes(pages::routes(api::routes()).nest("/hooks", api::hooks::routes()));
    behind_gate(app, routes)
}

/// Any routes behind the gate that ours are behind.
pub fn behind_gate(
    app: App,
    routes: impl IntoEndpoint<Endpoint: 'static>,
) -> impl Endpoint<Output = Response> + 'static {
    routes.into_endpoint().data(app.clone()).with(Gate(app))
}

/// The gate every request passes: an id, a bound on the body, one shape for what goes wrong, one line in the log.
struct Gate(App);

struct Gated<E> {
    app: App,
    inner: Arc<E>,
    /// Forms with files that are held in memory at once.
    uploads: Semaphore,
}

/// Forms with files that are read at once: on a small server each takes what several files weigh.
const UPLOADS_AT_ONCE: usize = 6;
/// How long another waits until there is room.
const ROOM: Duration = Duration::from_secs(5);

impl<E: Endpoint + 'static> Middleware<E> for Gate {
    type Output = Gated<E>;

    fn transform(&self, inner: E) -> Gated<E> {
        Gated { app: self.0.clone(), inner: Arc::new(inner), uploads: Semaphore::new(UPLOADS_AT_ONCE) }
    }
}

impl<E: Endpoint + 'static> Endpoint for Gated<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> poem::Result<Response> {
        let id = self.app.random.word(12).to_lowercase();
        let span = tracing::info_span!("request", id);
        async {
            let began = stopwatch();
            let (method, path) = (req.method().clone(), req.uri().path().to_owned());
            let place = req.uri().path_and_query().map_or_else(|| path.clone(), ToString::to_string);
            let mut response = match self.pass(req).await {
                Ok(response) => response,
                Err(error) => {
                    let route = error.data::<PathPattern>().cloned();
                    let mut response = if pages::are_for(&path) {
                        pages::problem(error, &id, &method, &place)
                    } else {
                        api::answer(error, &id)
                    };
                    route.map(|r| response.extensions_mut().insert(r));
                    response
                }
            };
            headers(&mut response, &path, &id);
            // The template and never the path: a path may hold a token, a query anything.
            let route = response.data::<PathPattern>().map_or("-", |p| p.0.as_ref());
            let (status, took) = (response.status().as_u16(), began());
            let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tracing::info!(%method, route, status, took_us, "answered");
            self.app.metrics.answered(method.as_str(), route, status, took);
            Ok(response)
        }
        .instrument(span)
        .await
    }
}

impl<E: Endpoint + 'static> Gated<E> {
    async fn pass(&self, mut req: Request) -> poem::Result<Response> {
        let (mut limit, mut sending) = (self.app.settings.http.body_limit.unsigned_abs(), SENDING);
        // Kept until the request is answered: so long its files are in memory.
        let mut _room = None;
        if access::may_upload(&self.app, &req) {
            let free = tokio::time::timeout(ROOM, self.uploads.acquire()).await;
            _room = Some(free.map_err(|_| Error::from(TOO_MANY_UPLOADS.after(chrono::Duration::seconds(30))))?);
            // The files, and the form around them.
            let files = pages::files_at(req.uri().path());
            limit = limit.max(self.app.settings.files.largest() as u64 * files + FORM);
            sending = UPLOADING;
        }
        if req.uri().path_and_query().is_some_and(|place| place.as_str().contains("%00")) {
            return Err(Error::from(UNREADABLE).into());
        }
        let mut sent = req.take_body().into_async_read();
        let mut body = Vec::new();
        // Whoever sends no further holds a connection that others need.
        let read = tokio::time::timeout(sending, (&mut sent).take(limit + 1).read_to_end(&mut body)).await;
        read.map_err(|_| Error::from(UNREADABLE))?.map_err(|_| Error::from(UNREADABLE))?;
        if body.len() as u64 > limit {
            // Reads on for a while: whoever is cut off in the middle of sending hears no answer.
            let _ =
                tokio::time::timeout(SENDING, tokio::io::copy(&mut sent.take(limit * 4), &mut tokio::io::sink())).await;
            return Err(Error::from(BODY_TOO_LARGE).into());
        }
        req.set_body(body);
        // In a task of its own: whoever hangs up in the middle leaves no act half done, and no transaction open that the next one
        // would be given.
        let inner = Arc::clone(&self.inner);
        let answered = tokio::spawn(async move { inner.call(req).await }.in_current_span()).await;
        match answered {
            Ok(answer) => answer.map(poem::IntoResponse::into_response),
            // Where it happened is in the log; what it said may hold anything and goes nowhere.
            Err(_) => Err(Error::from(anyhow::anyhow!("a handler panicked")).into()),
        }
    }
}

fn headers(response: &mut Response, path: &str, id: &str) {
    let headers = response.headers_mut();
    let mut set = |name, value| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    set(
        header::HeaderName::from_static("x-request-id"),
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("-")),
    );
    set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: a browser would then send forms with the origin `null`, and ours could not be told from others'.
    set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The page that tries the doors brings its own script in its body; the queue's screen has one of ours, no other page any.
    let policy = if path.starts_with("/docs") {
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'"
    } else if path == "/hall/queue" {
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    } else {
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    };
    set(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    set(header::HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
}

#[expect(clippy::disallowed_methods, reason = "how long an answer took is measured, not dated")]
fn stopwatch() -> impl Fn() -> Duration {
    let began = std::time::Instant::now();
    move || began.elapsed()
}

/// A server that is listening.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    acceptor: poem::listener::BoxAcceptor,
}

/// Binds the address, so that it can be told before anything is served.
///
/// # Errors
/// An address that is taken or not this machine's.
pub async fn listen(address: SocketAddr) -> Result<Listening> {
    let acceptor = TcpListener::bind(address).into_acceptor().await;
    let acceptor = acceptor.map_err(|e| anyhow::anyhow!("cannot listen on {address}: {e}"))?;
    let bound = acceptor.local_addr().first().and_then(|a| a.as_socket_addr().copied()).unwrap_or(address);
    Ok(Listening { address: bound, acceptor: Box::new(poem::listener::ToDynAcceptor(acceptor)) })
}

/// Serves, and works if told so, until told to stop; requests under way are finished.
///
/// # Errors
/// When the listener fails.
pub async fn run(app: App, listening: Listening, work: bool, stop: watch::Receiver<bool>) -> Result<()> {
    let worker = work.then(|| tokio::spawn(jobs::work(app.clone(), stop.clone())));
    let mut told = stop;
    let signal = async move {
        // An error means that whoever could tell is gone, which is telling enough.
        let _ = told.wait_for(|stop| *stop).await;
    };
    Server::new_with_acceptor(listening.acceptor)
        .idle_timeout(Duration::from_secs(75))
        .run_with_graceful_shutdown(endpoint(app), signal, Some(Duration::from_secs(10)))
        .await
        .map_err(anyhow::Error::from)?;
    if let Some(worker) = worker {
        let _ = worker.await;
    }
    Ok(())
}
