//! The one supplement notice (一次性告知, article 4.5): everything that is missing, at once, and nothing beyond the guide.
//!
//! Within five working days from the receipt whoever accepts says what is missing, of the materials of the version that the case
//! began under. He says it once; the director may put an error in it right, which moves no day and stays written. Where nothing
//! was said by then, the case is accepted from the day of its receipt (行政许可法 32).

use super::advance::{Ground, Move, Whole, make, mine, taken_up, turn};
use super::desk::Power;
use super::look::Sight;
use super::material::{self, Taken};
use super::paper;
use super::receive::Happening;
use super::{
    ASK_FIRST, Handing, NOT_ASKED_FOR, NOT_WHAT_WAS_ASKED, NOTHING_BROUGHT, NOTHING_MISSING, ONE_SET_ENOUGH,
    OUTSIDE_GUIDE, PAPER_NOT_DEMANDED, SECOND_NOTICE, TOO_LATE_TO_ASK, UNKNOWN_CASE, UPLOAD_NOT_DEMANDED, WHY_NEEDED,
    apply, custody, tell, trip,
};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, StaffMember, Who};
use crate::domain::{applicant, audit, calendar, guide, notice, post};
use chrono::{Days, NaiveDate};
use entity::Id;
use entity::case::{CaseEventKind, CaseState, Channel, Column, Entity, Model, material as materials, supplement};
use entity::guide::{Material, Medium};
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
    /// On what: paper alone only where the guide names the law that asks for it.
    #[serde(default = "either")]
    pub medium: Medium,
    /// How many: what the guide asks for, and no set more.
    #[serde(default = "one")]
    pub copies: i32,
}

impl Missing {
    /// On what it is wanted, as it is printed.
    #[must_use]
    pub const fn medium_in_words(&self) -> &'static str {
        match self.medium {
            Medium::Either => "纸质、电子均可",
            Medium::Paper => "纸质",
            Medium::Electronic => "电子",
        }
    }
}

/// Paper or electronic, as the applicant likes.
const fn either() -> Medium {
    Medium::Either
}

const fn one() -> i32 {
    1
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
    /// The first notice: what was handed over since has a later id.
    since: Id,
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
    let mut next = Model { state: CaseState::Supplement, ..case };
    taken_up(&mut next, Some(under), &*post::all(&*act.tx, &act.centre).await?);
    next.post_id = next.window_id;
    turn(act, &next, &[CaseState::Received]).await?;
    write(act, staff, &next, (1, &wanted, until), None).await?;
    let event = act.insert(Happening::of(CaseEventKind::Supplement, Some(under)).written(act, &next)?).await?;
    paper::supplement(act, &next, &event, (&wanted, until, false)).await?;
    notice::withdraw(act, next.id).await?;
    tell::missing(act, &next, until, 1).await?;
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
    let n = told.corrected + 2;
    write(act, director, &case, (n, &wanted, told.until), Some(why)).await?;
    let event = act.insert(Happening::of(CaseEventKind::SupplementCorrected, Some(under)).written(act, &case)?).await?;
    paper::supplement(act, &case, &event, (&wanted, told.until, true)).await?;
    // A lead under 5.3.1d: whoever judges it finds it here.
    audit::note(act, "case.supplement_corrected", &case.number, serde_json::json!({ "n": n })).await?;
    tell::missing(act, &case, told.until, n).await?;
    Ok(case)
}

/// Takes in what was missing, brought to the counter or sent; the case waits to be accepted again. Whoever applied online gives it the
/// same way, one by one if he likes: until all of it is there, he may go on. At the counter it is judged on the spot what is enough.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `electronic_only`, `bad_material`, `nothing_brought`, `not_what_was_asked`, `wrong_state`.
pub async fn complete(act: &Act, number: &str, brought: Vec<Taken>, handing: Handing) -> Result<Model> {
    let (case, under) = match act.who.account() {
        None => mine(act, number, Power::Handle).await.map(|(case, under)| (case, Some(under)))?,
        Some(_) => {
            let sight = Sight::acting(act).await?;
            let case = super::look::hold(act, number, &sight).await?;
            if !sight.in_full(&case) {
                return Err(UNKNOWN_CASE.into());
            }
            apply::ensure_electronic(&brought)?;
            (case, None)
        }
    };
    let version = guide::version(&*act.tx, case.version_id).await?;
    let person = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?;
    let brought = material::check(act, &version.content, &person, brought).await?;
    if brought.is_empty() {
        return Err(NOTHING_BROUGHT.on("materials").into());
    }
    // By a slip nobody's one notice is used up: something of what was asked for is among it.
    let told = told(&*act.tx, &act.vault, &case).await?;
    let is_asked =
        |taken: &Taken| told.as_ref().is_some_and(|told| told.wanted.iter().any(|m| m.material == taken.name));
    if case.state == CaseState::Supplement && !brought.iter().any(is_asked) {
        return Err(NOT_WHAT_WAS_ASKED.on("materials").into());
    }
    let lacks = match &told {
        Some(told) if under.is_none() => wanting(&*act.tx, &case, told).await?,
        _ => Vec::new(),
    };
    let part = lacks.iter().any(|m| !brought.iter().any(|taken| taken.name == m.material));
    let next = Model { state: if part { CaseState::Supplement } else { CaseState::Received }, ..case };
    turn(act, &next, &[CaseState::Supplement]).await?;
    let of_case = materials::Entity::find().filter(materials::Column::CaseId.eq(next.id));
    let known = i32::try_from(of_case.count(&*act.tx).await?).unwrap_or(i32::MAX);
    let listed: Vec<_> =
        (known + 1..).zip(brought).map(|(n, taken)| (taken.kept, taken.row(act, next.id, n))).collect();
    act.insert_all(listed.iter().map(|(_, row)| row.clone()).collect()).await?;
    if let (Who::Staff(staff), Some(under)) = (&act.who, under) {
        let here = (under.standing.post, staff.id);
        let kept = listed.iter().filter(|(kept, _)| *kept);
        let kept = kept.map(|(_, row)| custody::at_post(act, next.id, Some(row.id), here));
        act.insert_all(kept.collect()).await?;
    }
    act.insert(Happening::of(CaseEventKind::Supplemented, under).written(act, &next)?).await?;
    if let Some(trip) = trip::of_bringing(act, &next).filter(|_| handing == Handing::Counter && under.is_some()) {
        trip::record(act, trip).await?;
    }
    if !part {
        notice::withdraw(act, next.id).await?;
    }
    Ok(next)
}

/// Refuses to say no for want of what was not asked for, or whose day is not over.
pub(super) async fn ensure_over(act: &Act, case: &Model) -> Result<()> {
    let told = told(&*act.tx, &act.vault, case).await?.ok_or(ASK_FIRST)?;
    if act.now.date() <= told.until {
        return Err(ASK_FIRST.into());
    }
    Ok(())
}

/// What was told that is missing and has not come since.
///
/// # Errors
/// Whatever the database says.
pub async fn wanting(db: &impl ConnectionTrait, case: &Model, told: &Told) -> Result<Vec<Missing>> {
    let came = materials::Entity::find().filter(materials::Column::CaseId.eq(case.id));
    let came = came.filter(materials::Column::Id.gt(told.since)).all(db).await?;
    let lacks = |m: &&Missing| !came.iter().any(|row| row.name == m.material);
    Ok(told.wanted.iter().filter(lacks).cloned().collect())
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
        let (name, what) = (missing.material.trim().to_owned(), missing.what.trim().to_owned());
        let of_guide = version.content.materials.iter().find(|m| m.name == name);
        let of_guide =
            of_guide.ok_or_else(|| OUTSIDE_GUIDE.with(&[("name", &name)]).on(format!("wanted[{n}].material")))?;
        ensure_allowed(case.channel, of_guide, &missing, n)?;
        if !(2..=200).contains(&what.chars().count()) || checked.iter().any(|m| m.material == name) {
            return Err(NOTHING_MISSING.on(format!("wanted[{n}].what")).into());
        }
        checked.push(Missing { material: name, what, ..missing });
    }
    Ok(checked)
}

/// Refuses to ask for paper where no law does, for an upload of whoever came to the counter, and for more than one set.
fn ensure_allowed(channel: Channel, of_guide: &Material, missing: &Missing, n: usize) -> Result<()> {
    let name = &of_guide.name;
    let law = of_guide.paper_law.as_deref().is_some_and(|law| !law.trim().is_empty());
    if missing.medium == Medium::Paper && !law {
        return Err(PAPER_NOT_DEMANDED.with(&[("name", name)]).on(format!("wanted[{n}].medium")).into());
    }
    if missing.medium == Medium::Electronic && !matches!(channel, Channel::MiniProgram | Channel::Web) {
        return Err(UPLOAD_NOT_DEMANDED.with(&[("name", name)]).on(format!("wanted[{n}].medium")).into());
    }
    let sets = [of_guide.count, of_guide.originals, of_guide.copies].into_iter().flatten().max().unwrap_or(1).max(1);
    if missing.copies > sets || missing.copies < 1 {
        return Err(ONE_SET_ENOUGH.with(&[("name", name), ("sets", &sets)]).on(format!("wanted[{n}].copies")).into());
    }
    Ok(())
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
    let of_case = supplement::Entity::find().filter(supplement::Column::CaseId.eq(case.id));
    let rows = of_case.order_by_asc(supplement::Column::N).all(db).await?;
    let (Some(first), Some(row)) = (rows.first(), rows.last()) else { return Ok(None) };
    let words = vault.open(Place::new("supplement.wanted", row.centre_id, row.id), &row.wanted)?;
    let wanted = serde_json::from_str(&words).map_err(anyhow::Error::from)?;
    Ok(Some(Told { wanted, until: row.until, corrected: row.n - 1, since: first.id }))
}

/// Materials of the version that a case is on, for whoever asks for some of them.
///
/// # Errors
/// Whatever the database says.
pub async fn materials_of_guide(db: &impl ConnectionTrait, sight: &Sight, case: &Model) -> Result<Vec<Material>> {
    if sight.under(case, Power::Handle).is_err() || case.state != CaseState::Received {
        return Ok(Vec::new());
    }
    let version = guide::version(db, case.version_id).await?;
    Ok(version.content.materials)
}
