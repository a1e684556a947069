//! Pages of documents: checking one by its code, and handing out what was issued or given.

use super::form::{Fields, Frame, page, words};
use crate::access::{By, Rank, Visit, download};
use crate::app::App;
use crate::document::{issued, receipt as paper};
use crate::domain::document::{self, Checked, day};
use crate::domain::{case, file};
use askama::Template;
use entity::Id;
use poem::web::{Html, Path};
use poem::{IntoResponse as _, Response, handler};

/// A file, as a browser gets it.
pub(super) async fn hand_out(app: &App, row: &entity::file::Model) -> poem::Result<Response> {
    Ok(download::file(&file::name(&app.vault, row)?, row, app.file_bytes(row).await?))
}

/// A document of a case as it was issued, for whoever may read the papers.
pub(super) async fn hand_out_issued<R: Rank>(by: &By<R>, number: &str, id: Id) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let case = case::papers(app.read(), &app.vault, centre, number, &by.sight().await?).await?.row;
    let row = document::get(app.read(), case.id, id).await?;
    hand_out(app, &issued::kept(app, centre, &row).await?).await
}

/// The receipt of a case, to be printed, for the same.
pub(super) async fn hand_out_receipt<R: Rank>(by: &By<R>, number: &str) -> poem::Result<Response> {
    let (app, visit, sight) = (&by.visit.app, &by.visit, by.sight().await?);
    let page = paper::page(app.read(), &app.vault, &visit.centre, &app.rules.public_url, number, &sight).await?;
    Ok(Html(page).into_response())
}

#[derive(Template)]
#[template(path = "check.html")]
struct CheckPage {
    frame: Frame,
    code: String,
    found: Option<Found>,
    wrong: Option<String>,
}

struct Found {
    centre: String,
    title: String,
    number: String,
    issued: String,
    to: Option<String>,
    first: Option<String>,
    void: bool,
    sha256: Option<String>,
}

impl From<Checked> for Found {
    fn from(checked: Checked) -> Self {
        Self {
            centre: checked.centre,
            title: checked.title,
            issued: day(checked.row.issued_at),
            void: checked.row.void_id.is_some(),
            number: checked.row.number,
            to: checked.to,
            first: checked.first,
            sha256: checked.sha256,
        }
    }
}

async fn checked(visit: &Visit, code: &str) -> poem::Result<Response> {
    let look = async || {
        visit.limit_check().await?;
        document::check(visit.app.read(), &visit.app.vault, visit.centre.id, code).await
    };
    let (found, wrong) = match look().await {
        Ok(found) => (Some(found.into()), None),
        Err(error) => (None, Some(words(error)?)),
    };
    page(&CheckPage { frame: Frame::of(visit), code: code.chars().take(20).collect(), found, wrong })
}

#[handler]
pub(super) fn ask(visit: Visit) -> poem::Result<Response> {
    page(&CheckPage { frame: Frame::of(&visit), code: String::new(), found: None, wrong: None })
}

#[handler]
pub(super) async fn tell(visit: Visit, fields: Fields) -> poem::Result<Response> {
    checked(&visit, fields.get("code")).await
}

#[handler]
pub(super) async fn by_code(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    checked(&visit, &code).await
}
