//! The supplement notice (一次性告知书, article 4.5): everything that is missing, by when, and on what it rests.

use super::qr;
use crate::base::Result;
use crate::base::vault::Vault;
use crate::domain::case::{self, Missing, Sight};
use crate::domain::published::Centre;
use crate::domain::{centre, guide};
use askama::Template;
use sea_orm::ConnectionTrait;

#[derive(Template)]
#[template(path = "supplement.html")]
struct Page<'p> {
    centre: &'p Centre,
    number: &'p str,
    item: &'p str,
    applicant: &'p str,
    received: String,
    until: String,
    wanted: &'p [Missing],
    corrected: bool,
    basis: &'p [String],
    office: &'p str,
    office_phone: &'p str,
    address: String,
    qr: String,
}

/// The notice of a case as a page to print, as it was last put right.
///
/// # Errors
/// `unknown_case`, `not_asked_for`.
pub async fn page(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    public_url: &str,
    number: &str,
    sight: &Sight,
) -> Result<String> {
    let seen = case::see(db, vault, centre, number, sight).await?;
    let (row, applicant) = (&seen.row, seen.applicant.as_ref().ok_or(case::UNKNOWN_CASE)?);
    let told = case::told(db, vault, row).await?.ok_or(case::NOT_ASKED_FOR)?;
    let version = guide::version(db, row.version_id).await?;
    let offices = centre::offices(db, centre.id).await?;
    let office = offices.iter().find(|o| o.id == row.office_id);
    let address = format!("{public_url}/progress?number={}", row.receipt_number);
    let page = Page {
        centre,
        number: &row.receipt_number,
        item: &seen.item,
        applicant: &applicant.name,
        received: row.received_at.local().format("%Y年%-m月%-d日").to_string(),
        until: told.until.format("%Y年%-m月%-d日").to_string(),
        wanted: &told.wanted,
        corrected: told.corrected > 0,
        basis: &version.content.legal_basis,
        office: office.map(|o| o.name.as_str()).unwrap_or_default(),
        office_phone: office.map(|o| o.phone.as_str()).unwrap_or_default(),
        qr: qr::svg(&address)?,
        address,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}
