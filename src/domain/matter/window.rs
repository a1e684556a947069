//! The comprehensive window (无差别综合窗口, article 4.6): an office asks with both counts, 乡政府 consents, and from a day on the window
//! takes its matters in and hands their results over.

use super::{
    ALREADY_ASKED, BAD_CONSENT, BAD_WINDOWS, CONSENT_DECIDED, OTHER_OFFICE, TOO_EARLY, UNKNOWN_CONSENT,
    WINDOW_REASON_NEEDED,
};
use crate::base::error::Result;
use crate::domain::act::{Act, Publishing, StaffMember};
use crate::domain::{audit, centre, guide};
use chrono::{Days, Months, NaiveDate};
use entity::case::{Column as CaseColumn, Entity as Cases};
use entity::centre::office;
use entity::identity::Role;
use entity::matter::ConsentState;
use entity::matter::consent::{Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::Deserialize;
use serde_json::json;

/// Asks 乡政府 for an office, with the number of its matters and of its cases in the year before.
///
/// # Errors
/// `unknown_office`, `other_office`, `window_reason_needed`, `already_asked`.
pub async fn ask(act: &Act, by: &StaffMember, office: &str, reason: &str) -> Result<Model> {
    let office = centre::office(&*act.tx, act.centre.id, office).await?;
    if !by.is_any(&[Role::Director]) && by.office != Some(office.id) {
        return Err(OTHER_OFFICE.on("office").into());
    }
    let row = Model { asked_by: Some(by.id), ..asked(act, &office, reason).await? };
    if !act.insert_new(row.clone()).await? {
        return Err(ALREADY_ASKED.into());
    }
    audit::note(act, "window.asked", &office.code, json!({ "items": row.items, "cases": row.cases })).await?;
    Ok(row)
}

/// What an office asks, with both counts.
async fn asked(act: &Act, office: &office::Model, reason: &str) -> Result<Model> {
    let reason = reason.trim();
    if !(5..=200).contains(&reason.chars().count()) {
        return Err(WINDOW_REASON_NEEDED.on("reason").into());
    }
    let guides = guide::all(&*act.tx, &act.centre).await?;
    let items = guides.each().filter(|guide| guide.row.office_id == office.id).count();
    let since = Time::at(act.now.date() - Months::new(12), 0);
    let cases = Cases::find()
        .filter(CaseColumn::CentreId.eq(act.centre.id))
        .filter(CaseColumn::OfficeId.eq(office.id))
        .filter(CaseColumn::ReceivedAt.gte(since));
    Ok(Model {
        id: act.id(),
        centre_id: act.centre.id,
        office_id: office.id,
        state: ConsentState::Asked,
        items: i32::try_from(items).unwrap_or(i32::MAX),
        cases: i32::try_from(cases.count(&*act.tx).await?).unwrap_or(i32::MAX),
        reason: reason.to_owned(),
        asked_at: act.now,
        asked_by: None,
        decided_on: None,
        document: None,
        valid_from: None,
        valid_until: None,
        decided_by: None,
    })
}

/// Records that 乡政府 consented: the window takes the office's matters in from a day on.
///
/// # Errors
/// `unknown_consent`, `bad_consent`, `too_early`, `consent_decided`.
pub async fn consent(
    act: &Publishing,
    by: &StaffMember,
    id: Id,
    (on, document): (NaiveDate, &str),
    from: NaiveDate,
) -> Result<Model> {
    let row = get(&*act.tx, act.centre.id, id).await?;
    if on > act.now.date() {
        return Err(BAD_CONSENT.on("on").into());
    }
    if from < act.now.date() {
        return Err(TOO_EARLY.on("from").into());
    }
    let row = Model {
        state: ConsentState::Consented,
        decided_on: Some(on),
        document: Some(checked(document, 2, "document")?),
        valid_from: Some(from),
        decided_by: Some(by.id),
        ..row
    };
    decide(act, &row, ConsentState::Asked).await?;
    audit::note(act, "window.consented", row.id, json!({ "from": from })).await?;
    Ok(row)
}

/// Records that 乡政府 did not consent, and why.
///
/// # Errors
/// `unknown_consent`, `bad_consent`, `consent_decided`.
pub async fn refuse(act: &Act, by: &StaffMember, id: Id, why: &str) -> Result<Model> {
    let row = Model {
        state: ConsentState::Refused,
        decided_on: Some(act.now.date()),
        document: Some(checked(why, 5, "words")?),
        decided_by: Some(by.id),
        ..get(&*act.tx, act.centre.id, id).await?
    };
    decide(act, &row, ConsentState::Asked).await?;
    audit::note(act, "window.refused", row.id, json!({})).await?;
    Ok(row)
}

/// Gives an office its matters back from a day on: it takes them in itself.
///
/// # Errors
/// `unknown_consent`, `too_early`, `consent_decided`.
pub async fn end(act: &Publishing, id: Id, from: NaiveDate) -> Result<Model> {
    if from <= act.now.date() {
        return Err(TOO_EARLY.on("from").into());
    }
    let row = get(&*act.tx, act.centre.id, id).await?;
    let row = Model { state: ConsentState::Ended, valid_until: Some(from - Days::new(1)), ..row };
    decide(act, &row, ConsentState::Consented).await?;
    audit::note(act, "window.ended", row.id, json!({ "from": from })).await?;
    Ok(row)
}

fn checked(words: &str, least: usize, field: &'static str) -> Result<String> {
    let words = words.trim();
    let fits = (least..=60).contains(&words.chars().count()) && !words.chars().any(char::is_control);
    if fits { Ok(words.to_owned()) } else { Err(BAD_CONSENT.on(field).into()) }
}

/// Writes where an application stands, if it still stands where it was seen.
async fn decide(act: &Act, row: &Model, from: ConsentState) -> Result<()> {
    let decided = Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(from))
        .exec(&*act.tx)
        .await?;
    if decided.rows_affected == 1 { Ok(()) } else { Err(CONSENT_DECIDED.into()) }
}

async fn get(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    row.ok_or_else(|| UNKNOWN_CONSENT.into())
}

/// What offices asked of the comprehensive window, newest first.
///
/// # Errors
/// Whatever the database says.
pub async fn consents(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::CentreId.eq(centre));
    Ok(rows.order_by_desc(Column::AskedAt).order_by_desc(Column::Id).all(db).await?)
}

/// A consent in a file: given before this program was there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentFile {
    /// Code of the office.
    pub office: String,
    /// Why it asked.
    pub reason: String,
    /// Day of the government's consent.
    pub consented_on: NaiveDate,
    /// Its document.
    pub document: String,
    /// First day on which the window takes the office's matters in.
    pub from: NaiveDate,
}

/// Records consents that were given before. An office that has one keeps it.
///
/// # Errors
/// `bad_windows` with every fault by row and field; nothing is changed then.
pub async fn import(act: &Publishing, files: Vec<ConsentFile>) -> Result<usize> {
    let offices = centre::offices(&*act.tx, act.centre.id).await?;
    let mut faults = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let mut check = |right: bool, what: &str| {
            if !right {
                faults.push(format!("第{}行 {what}", n + 1));
            }
        };
        check(offices.iter().any(|o| o.code == file.office), &format!("office {} 不是本中心的科室", file.office));
        check(!files[..n].iter().any(|f| f.office == file.office), &format!("office {} 重复", file.office));
        check((5..=200).contains(&file.reason.trim().chars().count()), "reason 应为5至200字");
        check(checked(&file.document, 2, "document").is_ok(), "document 应为2至60字的文号");
        check(file.consented_on <= act.now.date(), "consented_on 晚于今天");
        check(file.consented_on <= file.from, "from 早于 consented_on");
    }
    if !faults.is_empty() {
        return Err(BAD_WINDOWS.with(&[("fault", &faults.join("；"))]).into());
    }
    let mut recorded = 0;
    for file in files {
        let Some(office) = offices.iter().find(|o| o.code == file.office) else { continue };
        let row = Model {
            state: ConsentState::Consented,
            decided_on: Some(file.consented_on),
            document: Some(file.document.trim().to_owned()),
            valid_from: Some(file.from),
            ..asked(act, office, &file.reason).await?
        };
        if act.insert_new(row).await? {
            audit::note(act, "window.consented", &office.code, json!({ "from": file.from })).await?;
            recorded += 1;
        }
    }
    Ok(recorded)
}
