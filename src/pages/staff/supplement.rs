//! The one supplement notice at the counter: what is missing, and what came.

use crate::access::{By, CaseHandler, Director};
use crate::base::error::{Error, Result};
use crate::domain::case::{self, Handing, Missing, Taken};
use crate::pages::form::{Frame, Sent, go_to, page, words};
use askama::Template;
use chrono::NaiveDate;
use entity::case::MaterialForm;
use entity::guide::Medium;
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    frame: Frame,
    number: String,
    wrong: String,
}

/// Back to the case, or why not.
pub(super) fn done<R: crate::access::Rank, T>(by: &By<R>, number: String, done: Result<T>) -> poem::Result<Response> {
    match done {
        Ok(_) => Ok(go_to(&format!("/staff/cases/{number}"))),
        Err(Error::Refused(refused)) if refused.refusal == case::UNKNOWN_CASE => Err(Error::Refused(refused).into()),
        Err(error) => page(&Refused { frame: Frame::of_staff(by), number, wrong: words(error)? }),
    }
}

/// What a form names: each material, and what is wanted of it beside.
fn wanted(fields: &crate::pages::form::Fields) -> Vec<Missing> {
    let (media, copies) = (fields.all("medium"), fields.all("copies"));
    let missing = |(n, (material, what)): (usize, (String, String))| Missing {
        medium: media.get(n).and_then(|word| Medium::try_from_value(word).ok()).unwrap_or(Medium::Either),
        copies: copies.get(n).and_then(|copies| copies.parse().ok()).unwrap_or(1),
        material,
        what,
    };
    let both = fields.all("material").into_iter().zip(fields.all("what")).enumerate();
    both.map(missing).filter(|missing| !missing.what.trim().is_empty()).collect()
}

#[handler]
pub(super) async fn ask(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let until = fields.get("until").parse::<NaiveDate>().unwrap_or_default();
    let asked = async |act: &_| case::request(act, &number, wanted(&fields), until).await;
    let asked = by.visit.write(by.who.clone(), asked).await;
    done(&by, number, asked)
}

#[handler]
pub(super) async fn put_right(sent: Sent<Director>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let put = async |act: &_| case::correct_supplement(act, &number, wanted(&fields), fields.get("why")).await;
    let put = by.visit.write(by.who.clone(), put).await;
    done(&by, number, put)
}

#[handler]
pub(super) async fn take_in(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let both = fields.all("material").into_iter().zip(fields.all("form"));
    let brought = both.filter_map(|(name, form)| {
        let form = MaterialForm::try_from_value(&form).ok()?;
        Some(Taken::given(name, form, 1))
    });
    let brought: Vec<Taken> = brought.collect();
    let handing = if fields.get("sent") == "yes" { Handing::Sent } else { Handing::Counter };
    let taken = by.visit.write(by.who.clone(), async |act| case::complete(act, &number, brought, handing).await).await;
    done(&by, number, taken)
}
