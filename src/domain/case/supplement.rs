//! The one supplement notice (一次性告知, article 4.5): everything that is missing, at once, and nothing beyond the guide.
//!
//! Within five working days from the receipt whoever accepts says what is missing, of the materials of the version that the case
//! began under. He says it once; the director may put an error in it right, which moves no day and stays written. Where nothing
//! was said by then, the case is accepted from the day of its receipt (行政许可法 32).

use super::advance::{Ground, Handing, Move, Whole, make, mine, turn};
use super::desk::Power;
use super::look::Sight;
use super::paper;
use super::receive::{Happening, Taken, check_materials};
use super::{
    NOT_ASKED_FOR, NOTHING_MISSING, OUTSIDE_GUIDE, SECOND_NOTICE, TOO_LATE_TO_ASK, UNKNOWN_CASE, WHY_NEEDED, tell, trip,
};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, StaffMember, Who};
use crate::domain::{audit, calendar, guide, notice};
use chrono::{Days, NaiveDate};
use entity::case::{CaseEventKind, CaseState, Column, Entity, Model, TripCause, material, supplement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};

/// Working days from the receipt within which it is said what is missing.
const WITHIN: u32 = 5;
/// Days within which what is missing may be asked for, at most.
const LONGEST: Days = Days::new(90);

/// A material that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its name, as in the guide.
    pub material: String,
    /// What is wanted of it.
    pub what: String,
}

/// What somebody was told that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The materials.
    pub wanted: Vec<Missing>,
    /// By when.
    pub until: NaiveDate,
    /// How often an error in it was put right.
    pub corrected: i32,
}

/// Tells the applicant of a case that was received everything that is missing.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `second_notice`, `wrong_state`, `too_late_to_ask`, `nothing_missing`, `outside_guide`.
pub async fn request(act: &Act, number: &str, wanted: Vec<Missing>, until: NaiveDate) -> Result<Model> {
    let Who::Staff(staff) = &act.who else { return Err(UNKNOWN_CASE.into()) };
    let (case, under) = mine(act, number, Power::Handle).await?;
    if notices(&*act.tx, &case).await? > 0 {
        return Err(SECOND_NOTICE.into());
    }
    if case.state == CaseState::Received && act.now.date() > last_day(act, &case).await? {
        return Err(TOO_LATE_TO_ASK.into());
    }
    let wanted = check(act, &case, wanted, until).await?;
    let next = Model { state: CaseState::Supplement, ..case };
    turn(act, &next, &[CaseState::Received]).await?;
    write(act, staff, &next, (1, &wanted, until), None).await?;
    let event = act.insert(Happening::of(CaseEventKind::Supplement, Some(under)).written(act, &next)?).await?;
    paper::supplement(act, &next, &event, (&wanted, until, false)).await?;
    notice::withdraw(act, next.id).await?;
    tell::missing(act, &next, until).await?;
    Ok(next)
}

/// Puts an error in what was told right. No day moves by it.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `not_asked_for`, `why_needed`, `nothing_missing`, `outside_guide`.
pub async fn correct(act: &Act, number: &str, wanted: Vec<Missing>, why: &str) -> Result<Model> {
    let Who::Staff(director) = &act.who else { return Err(UNKNOWN_CASE.into()) };
    let (case, under) = mine(act, number, Power::Handle).await?;
    let told = told(&*act.tx, &act.vault, &case).await?.filter(|_| case.state == CaseState::Supplement);
    let told = told.ok_or(NOT_ASKED_FOR)?;
    let why = why.trim();
    if !(2..=500).contains(&why.chars().count()) {
        return Err(WHY_NEEDED.on("why").into());
    }
    let wanted = check(act, &case, wanted, told.until.max(act.now.date() + Days::new(1))).await?;
    write(act, director, &case, (told.corrected + 2, &wanted, told.until), Some(why)).await?;
    let event = act.insert(Happening::of(CaseEventKind::SupplementCorrected, Some(under)).written(act, &case)?).await?;
    paper::supplement(act, &case, &event, (&wanted, told.until, true)).await?;
    // A lead under 5.3.1d: whoever judges it finds it here.
    audit::note(act, "case.supplement_corrected", &case.number, serde_json::json!({ "n": told.corrected + 2 })).await?;
    Ok(case)
}

/// Takes in what was missing, brought to the counter or sent; the case waits to be accepted again.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `bad_material`, `nothing_missing`, `wrong_state`.
pub async fn complete(act: &Act, number: &str, brought: Vec<Taken>, handing: Handing) -> Result<Model> {
    let (case, under) = mine(act, number, Power::Handle).await?;
    let brought = check_materials(brought)?;
    if brought.is_empty() {
        return Err(NOTHING_MISSING.on("materials").into());
    }
    let next = Model { state: CaseState::Received, ..case };
    turn(act, &next, &[CaseState::Supplement]).await?;
    let of_case = material::Entity::find().filter(material::Column::CaseId.eq(next.id));
    let known = i32::try_from(of_case.count(&*act.tx).await?).unwrap_or(i32::MAX);
    let row = |(n, taken): (i32, Taken)| material::Model {
        id: act.id(),
        centre_id: act.centre.id,
        case_id: next.id,
        n,
        name: taken.name,
        form: taken.form,
        copies: taken.copies,
    };
    act.insert_all((known + 1..).zip(brought).map(row).collect()).await?;
    act.insert(Happening::of(CaseEventKind::Supplemented, Some(under)).written(act, &next)?).await?;
    if handing == Handing::Counter {
        trip::record(act, trip::made(act, &next, TripCause::Supplement)).await?;
    }
    notice::withdraw(act, next.id).await?;
    Ok(next)
}

/// Accepts cases of which nothing was said within five working days, from the day of their receipt. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn deem_accepted(act: &Act) -> Result<()> {
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    // The last day of whatever was received before this one is over.
    let received_by = calendar.back(act.now.date(), WITHIN + 1);
    let silent = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.eq(CaseState::Received))
        .filter(Column::ReceivedAt.lt(entity::Time::at(received_by + Days::new(1), 0)))
        .order_by_asc(Column::ReceivedAt)
        .all(&*act.tx)
        .await?;
    for case in silent {
        // One that was asked for what is missing, and brought it, was not left without a word.
        if notices(&*act.tx, &case).await? > 0 || act.now.date() <= last_day(act, &case).await? {
            continue;
        }
        let ground = Ground::of(act, &case).await?;
        let next = make(act, Whole { case, steps: Vec::new() }, &Move::Deem, &ground, None).await?;
        notice::withdraw(act, next.id).await?;
        tell::say_news(act, &next).await?;
    }
    Ok(())
}

/// The last day on which it may be said what is missing.
async fn last_day(act: &Act, case: &Model) -> Result<NaiveDate> {
    Ok(calendar::of(&*act.tx, &act.centre).await?.add(case.received_at.date(), WITHIN).on)
}

async fn notices(db: &impl ConnectionTrait, case: &Model) -> Result<u64> {
    Ok(supplement::Entity::find().filter(supplement::Column::CaseId.eq(case.id)).count(db).await?)
}

/// Refuses what the guide does not ask for: nobody runs for it (article 5.3.2b).
async fn check(act: &Act, case: &Model, wanted: Vec<Missing>, until: NaiveDate) -> Result<Vec<Missing>> {
    if wanted.is_empty() || wanted.len() > 50 {
        return Err(NOTHING_MISSING.on("wanted").into());
    }
    let today = act.now.date();
    if until <= today || until > today + LONGEST {
        return Err(NOTHING_MISSING.on("until").into());
    }
    let version = guide::version(&*act.tx, case.version_id).await?;
    let mut checked: Vec<Missing> = Vec::with_capacity(wanted.len());
    for (n, missing) in wanted.into_iter().enumerate() {
        let (material, what) = (missing.material.trim().to_owned(), missing.what.trim().to_owned());
        if !version.content.materials.iter().any(|m| m.name == material) {
            return Err(OUTSIDE_GUIDE.with(&[("name", &material)]).on(format!("wanted[{n}].material")).into());
        }
        if !(2..=200).contains(&what.chars().count()) || checked.iter().any(|m| m.material == material) {
            return Err(NOTHING_MISSING.on(format!("wanted[{n}].what")).into());
        }
        checked.push(Missing { material, what });
    }
    Ok(checked)
}

async fn write(
    act: &Act,
    staff: &StaffMember,
    case: &Model,
    (n, wanted, until): (i32, &[Missing], NaiveDate),
    why: Option<&str>,
) -> Result<()> {
    let id = act.id();
    let words = serde_json::to_string(wanted).map_err(anyhow::Error::from)?;
    let row = supplement::Model {
        id,
        centre_id: act.centre.id,
        case_id: case.id,
        n,
        wanted: act.seal("supplement.wanted", id, &words)?,
        until,
        why: why.map(|why| act.seal("supplement.why", id, why)).transpose()?,
        asked_at: act.now,
        asked_by: staff.id,
    };
    // The database itself lets nobody send a second.
    if act.insert_new(row).await? { Ok(()) } else { Err(SECOND_NOTICE.into()) }
}

/// What the applicant of a case was told that is missing, as it was last put right.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn told(db: &impl ConnectionTrait, vault: &Vault, case: &Model) -> Result<Option<Told>> {
    let last = supplement::Entity::find()
        .filter(supplement::Column::CaseId.eq(case.id))
        .order_by_desc(supplement::Column::N)
        .one(db)
        .await?;
    let Some(row) = last else { return Ok(None) };
    let words = vault.open(Place::new("supplement.wanted", row.centre_id, row.id), &row.wanted)?;
    let wanted = serde_json::from_str(&words).map_err(anyhow::Error::from)?;
    Ok(Some(Told { wanted, until: row.until, corrected: row.n - 1 }))
}

/// Names of the materials of the version that a case is on, for whoever asks for some of them.
///
/// # Errors
/// Whatever the database says.
pub async fn materials_of_guide(db: &impl ConnectionTrait, sight: &Sight, case: &Model) -> Result<Vec<String>> {
    if sight.under(case, Power::Handle).is_err() || case.state != CaseState::Received {
        return Ok(Vec::new());
    }
    let version = guide::version(db, case.version_id).await?;
    Ok(version.content.materials.into_iter().map(|m| m.name).collect())
}
