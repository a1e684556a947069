//! Consultations at the counter: written down in a minute, with who was asked first and what was told.

use crate::access::{By, CaseHandler};
use crate::domain::act::Page as Part;
use crate::domain::consultation::{self, Asked};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::staff;
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words_once};
use askama::Template;
use entity::Id;
use entity::consultation::ConsultationWay;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "consultations.html")]
struct Consultations {
    frame: Frame,
    word: String,
    once: String,
    guides: Vec<(String, String)>,
    lines: Vec<Line>,
    typed: Fields,
    wrong: Option<String>,
}

struct Line {
    id: Id,
    when: String,
    by: String,
    way: &'static str,
    topic: String,
    told: String,
    guide: Option<String>,
}

async fn list_page(by: &By<CaseHandler>, typed: Fields, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let names = staff::names(app.read(), centre.id).await?;
    let (seen, _) = consultation::list(app.read(), &app.vault, centre, Part::new(Some(30), None)?).await?;
    let guides = guide::all(app.read(), centre).await?;
    let line = |seen: consultation::Seen| Line {
        id: seen.row.id,
        when: moment_in_words(seen.row.at),
        by: names.get(&seen.row.staff_id.to_string()).cloned().unwrap_or_default(),
        way: if seen.row.way == ConsultationWay::Visit { "来访" } else { "来电" },
        topic: seen.topic,
        told: seen.row.told,
        guide: seen.row.guide_id.and_then(|id| guides.of(id)).map(|guide| guide.row.code.clone()),
    };
    let offered = guide::list(app.read(), centre, Wanted::default()).await?;
    page(&Consultations {
        frame: Frame::of_staff(by),
        word: word(by),
        once: typed.once(&app.random),
        guides: offered.iter().map(|g| (g.row.code.clone(), g.row.name.clone())).collect(),
        lines: seen.into_iter().map(line).collect(),
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<CaseHandler>) -> poem::Result<Response> {
    list_page(&by, Fields::default(), None).await
}

#[handler]
pub(super) async fn record(sent: Sent<CaseHandler>) -> poem::Result<Response> {
    let Sent { by, mut fields } = sent;
    let asked = Asked {
        way: if fields.get("way") == "telephone" { ConsultationWay::Telephone } else { ConsultationWay::Visit },
        guide: fields.typed("guide"),
        office: None,
        elsewhere: fields.typed("elsewhere"),
        topic: fields.get("topic").to_owned(),
        asker: fields.typed("asker"),
        filled_in: fields.get("filled_in") == "yes",
    };
    let (visit, request) = (by.visit.once(fields.get("once"))?, fields.request());
    let recorded = visit.write_once(by.who.clone(), "record_consultation", &request, async |act| {
        Ok(consultation::record(act, asked).await?.id.to_string())
    });
    match recorded.await {
        Ok(_) => Ok(go_to("/staff/consultations")),
        Err(error) => {
            let wrong = words_once(error, &mut fields)?;
            list_page(&by, fields, Some(wrong)).await
        }
    }
}
