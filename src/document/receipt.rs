//! The receipt (收件回执单, article 5.3.2d), which every applicant leaves with.

use super::qr;
use crate::base::Result;
use crate::base::vault::Vault;
use crate::domain::case::{self, Sight};
use crate::domain::centre;
use crate::domain::identity::staff;
use crate::domain::published::Centre;
use askama::Template;
use entity::case::CaseEventKind;
use sea_orm::ConnectionTrait;

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page<'p> {
    centre: &'p Centre,
    number: &'p str,
    check_code: &'p str,
    item: &'p str,
    applicant: &'p str,
    received: String,
    /// Who took it in; nobody did, where it came online.
    receiver: Option<&'p str>,
    office: &'p str,
    office_phone: &'p str,
    limit: String,
    materials: Vec<(String, String, i32)>,
    address: String,
    qr: String,
}

/// The receipt of a case as a page to print. Printed again it says the same, but for a deadline that was moved since.
///
/// # Errors
/// `unknown_case`, also for a resident to whom the case is not shown in full: the check code is on it.
pub async fn page(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    public_url: &str,
    number: &str,
    sight: &Sight,
) -> Result<String> {
    let seen = case::papers(db, vault, centre, number, sight).await?;
    let applicant = seen.applicant.ok_or(case::UNKNOWN_CASE)?;
    let row = seen.row;
    let events = case::timeline(db, &row).await?;
    let names = staff::names(db, centre.id).await?;
    let received = events.iter().find(|e| e.kind == CaseEventKind::Received);
    let offices = centre::offices(db, centre.id).await?;
    let office = offices.iter().find(|o| o.id == row.office_id);
    let line = |m: entity::case::material::Model| (m.name.clone(), case::form_in_words(&m), m.copies);
    let materials = case::materials(db, &row).await?.into_iter().map(line).collect();
    let address = format!("{public_url}/progress?number={}", row.receipt_number);
    // Printed again, a receipt says what it said first: the day it promised if it had been accepted at once.
    let promised = received.and_then(|e| e.due_on);
    let limit = match (promised, row.limit_days) {
        (Some(_), Some(0)) => "当场办结".to_owned(),
        (Some(day), Some(days)) => {
            let may_move = if row.due_provisional { "（放假安排公布后可能调整）" } else { "" };
            format!("自受理之日起{days}个工作日；当日受理的，至{}{may_move}", day.format("%Y年%-m月%-d日"))
        }
        _ => "未公布".to_owned(),
    };
    let page = Page {
        centre,
        number: &row.receipt_number,
        check_code: &case::check_code(vault, row.centre_id, row.id, &row.check_code)?,
        item: &seen.item,
        applicant: &applicant.name,
        received: row.received_at.local().format("%Y年%-m月%-d日 %H:%M").to_string(),
        receiver: received.and_then(|e| names.get(&e.actor)).map(String::as_str),
        office: office.map(|o| o.name.as_str()).unwrap_or_default(),
        office_phone: office.map(|o| o.phone.as_str()).unwrap_or_default(),
        limit,
        materials,
        qr: qr::svg(&address)?,
        address,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}
