//! Screens of the hall: the code for signing in, and the queue.

use super::form::page;
use crate::access::{Screen, Visit};
use crate::document::qr;
use crate::domain::queue::{self, Board};
use crate::domain::{attendance, centre};
use askama::Template;
use entity::Time;
use poem::http::header;
use poem::web::Query;
use poem::{IntoResponse as _, Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "check_in_screen.html")]
struct CheckIn {
    centre: String,
    code: String,
    qr: String,
    clock: String,
}

/// The code of this half minute, for staff who arrive and residents who are there.
#[handler]
pub(super) async fn check_in_screen(Screen(visit): Screen) -> poem::Result<Response> {
    let (app, now) = (&visit.app, visit.app.clock.now());
    let code = attendance::hall_code(&app.vault, visit.centre.id, now);
    let address = format!("{}/staff/attendance?code={code}", app.rules.public_url);
    page(&CheckIn { centre: visit.centre.name.clone(), qr: qr::svg(&address)?, code, clock: clock(now) })
}

fn clock(at: Time) -> String {
    at.local().format("%H:%M:%S").to_string()
}

#[derive(Template)]
#[template(path = "queue_screen.html")]
struct QueueScreen {
    centre: String,
    branch: String,
    board: Board,
    at: String,
    code: String,
}

#[derive(Deserialize)]
pub(super) struct Where {
    branch: Option<String>,
}

/// The queue of a branch. Its script listens to what changes, and says so when it hears nothing.
#[handler]
pub(super) async fn queue_screen(Screen(visit): Screen, Query(place): Query<Where>) -> poem::Result<Response> {
    queue_page(&visit, place.branch).await
}

async fn queue_page(visit: &Visit, branch: Option<String>) -> poem::Result<Response> {
    let (db, centre, now) = (visit.app.read(), &visit.centre, visit.app.clock.now());
    let watched = queue::watched_branch(db, centre.id, branch.as_deref()).await?;
    let board = queue::board(db, centre, watched, now).await?;
    let branches = centre::branches(db, centre.id).await?;
    let branch = branches.into_iter().find(|b| b.id == watched);
    let (code, at) = (branch.as_ref().map(|b| b.code.clone()).unwrap_or_default(), clock(now));
    let branch = branch.map(|b| b.name).unwrap_or_default();
    page(&QueueScreen { centre: visit.centre.name.clone(), branch, board, at, code })
}

/// The only script of ours: it listens for the queue.
#[handler]
pub(super) fn queue_script() -> Response {
    let script = include_str!("queue.js").with_content_type("text/javascript; charset=utf-8");
    script.with_header(header::CACHE_CONTROL, "public, max-age=300").into_response()
}
