//! Pages of guides: what to bring, on the screen and on paper.

use super::form::{Frame, page, words};
use crate::access::Visit;
use crate::document::guide::{self as paper, Sheet};
use crate::domain::booking::{self, Offer};
use crate::domain::guide;
use crate::domain::matter;
use askama::Template;
use entity::case::Channel;
use poem::web::{Html, Path};
use poem::{IntoResponse as _, Response, handler};

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    bookable: bool,
    /// A number for today may be taken: somebody is received still.
    today: bool,
    /// It can be applied for here.
    online: bool,
    /// Where it is handled, where that is not here.
    outside: Option<String>,
    sheet: Sheet,
}

#[handler]
pub(super) async fn read(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    let guide = guide::get(visit.app.read(), &visit.centre, &code).await?;
    let (db, centre, now) = (visit.app.read(), &visit.centre, visit.app.clock.now());
    let group = Offer::of(db, centre).await?.service(guide.row.id).map(|service| service.group_id);
    let today = match group {
        Some(group) => booking::receives_today(db, centre, group, now).await?,
        None => false,
    };
    let outside = matter::ensure_here(db, centre, &guide, now.date()).await.err().map(words).transpose()?;
    let here = outside.is_none();
    page(&GuidePage {
        frame: Frame::of(&visit),
        bookable: here && group.is_some(),
        today: here && today,
        online: here && guide.ensure_open(Channel::Web).is_ok(),
        outside,
        sheet: Sheet::of(&guide),
    })
}

#[handler]
pub(super) async fn print(visit: Visit, Path(code): Path<String>) -> poem::Result<Response> {
    let guide = guide::get(visit.app.read(), &visit.centre, &code).await?;
    Ok(Html(paper::page(&visit.centre, &guide, &visit.app.rules.public_url)?).into_response())
}
