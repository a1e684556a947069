//! Pages of documents: checking one by its code.

use super::form::{Fields, Frame, page, words};
use crate::access::Visit;
use crate::domain::document::{self, Checked, day};
use askama::Template;
use poem::web::Path;
use poem::{Response, handler};

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
