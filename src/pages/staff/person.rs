//! Whose case it is, at the counter: his data seen in full for a purpose, and put right.

use crate::access::{By, CaseHandler, CaseReader};
use crate::base::error::Result;
use crate::domain::case::{self, Correction};
use crate::domain::review;
use crate::pages::booking::applicant;
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "correct.html")]
struct Correct {
    frame: Frame,
    word: String,
    number: String,
    typed: Fields,
    wrong: Option<String>,
}

fn correct_page(by: &By<CaseHandler>, number: String, typed: Fields, wrong: Option<String>) -> Result<Correct> {
    Ok(Correct { frame: Frame::of_staff(by), word: word(by), number, typed, wrong })
}

#[handler]
pub(super) fn fill_in_correction(
    Someone(by): Someone<CaseHandler>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    page(&correct_page(&by, number, Fields::default(), None)?)
}

/// What was filled in is put right; what was left empty stays, unless it is ticked to be taken away.
fn correction(fields: &Fields) -> Correction {
    let typed = applicant(fields);
    let away = |name: &str| fields.get(name) == "yes";
    Correction {
        kind: fields.typed("kind").map(|_| typed.kind),
        name: fields.typed("name"),
        phone: if away("no_phone") { Some(None) } else { typed.phone.map(Some) },
        id_type: if away("no_document") { Some(None) } else { typed.id_type.map(Some) },
        id_number: if away("no_document") { Some(None) } else { typed.id_number.map(Some) },
    }
}

#[derive(Template)]
#[template(path = "revealed.html")]
struct Revealed {
    frame: Frame,
    number: String,
    values: Vec<(&'static str, String)>,
}

/// Shows personal data in full once, for a purpose that is written down.
#[handler]
pub(super) async fn reveal_applicant(sent: Sent<CaseReader>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let all = ["name", "phone", "id_number", "agent_name", "agent_phone"].map(ToOwned::to_owned);
    let purpose = fields.get("purpose");
    let values = by.visit.write(by.who.clone(), async |act| case::reveal(act, &number, &all, purpose).await).await?;
    let name = |field| match field {
        "name" => "姓名",
        "phone" => "电话",
        "agent_name" => "代办人",
        "agent_phone" => "代办人电话",
        _ => "证件号码",
    };
    let shown = |(field, value): &(&str, Option<String>)| value.is_some() || !field.starts_with("agent");
    let values = values
        .into_iter()
        .filter(shown)
        .map(|(field, value)| (name(field), value.unwrap_or_else(|| "没有".to_owned())));
    page(&Revealed { frame: Frame::of_staff(&by), number, values: values.collect() })
}

#[handler]
pub(super) async fn correct_applicant(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let corrected = by.visit.write(by.who.clone(), async |act| {
        let (row, changed) = case::correct(act, &number, correction(&fields)).await?;
        if changed.contains(&"phone") {
            review::readdress(act, &row).await?;
        }
        Ok(())
    });
    match corrected.await {
        Ok(()) => Ok(go_to(&format!("/staff/cases/{number}"))),
        Err(error) => {
            let wrong = words(error)?;
            page(&correct_page(&by, number, fields, Some(wrong))?)
        }
    }
}
