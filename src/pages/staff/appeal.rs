//! Pages of the director: appeals against no-shows.

use crate::access::{By, Director};
use crate::base::personal;
use crate::domain::booking::{self, Appealed};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use entity::Id;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "appeals.html")]
struct Appeals {
    frame: Frame,
    word: String,
    appeals: Vec<Shown>,
    wrong: Option<String>,
}

struct Shown {
    id: Id,
    item: String,
    when: String,
    name: String,
    reason: String,
    other: bool,
}

async fn appeals_page(by: &By<Director>, wrong: Option<String>) -> poem::Result<Response> {
    let app = &by.visit.app;
    let shown = |a: Appealed| Shown {
        id: a.id,
        when: moment_in_words(a.booked.row.starts_at),
        name: a.booked.applicant.map(|p| personal::mask_name(&p.name)).unwrap_or_default(),
        item: a.booked.item,
        reason: a.reason,
        other: a.booked.row.for_other,
    };
    let open = booking::appeals(app.read(), &app.vault, &by.visit.centre).await?;
    let appeals = open.into_iter().map(shown).collect();
    page(&Appeals { frame: Frame::of_staff(by), word: word(by), appeals, wrong })
}

#[handler]
pub(super) async fn list_appeals(Someone(by): Someone<Director>) -> poem::Result<Response> {
    appeals_page(&by, None).await
}

#[handler]
pub(super) async fn rule_on(sent: Sent<Director>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (grant, why) = (fields.get("grant") == "yes", fields.get("words"));
    let ruled = async |act: &_| booking::rule_on(act, &by.holder, id, grant, why).await;
    match by.visit.write(by.who.clone(), ruled).await {
        Ok(_) => Ok(go_to("/staff/appeals")),
        Err(error) => appeals_page(&by, Some(words(error)?)).await,
    }
}
