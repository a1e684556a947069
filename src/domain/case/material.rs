//! Materials (材料, articles 4.7 and 5.3.2): what is taken in with a case, and on what account it counts.
//!
//! An electronic material with its file counts like paper. Where the guide allows it, a promise in writing stands for a material
//! (告知承诺), and is looked into by a day; or the material follows by a day (容缺受理), before which nothing is granted. What the
//! same person gave in an earlier case is used again if he consents, so that nobody gives twice what is here.

use super::advance::{Handing, mine};
use super::desk::Power;
use super::receive::Happening;
use super::{
    BAD_DUE, BAD_MATERIAL, BAD_PROMISE_WORDS, MATERIAL_OPEN, NOT_ALLOWED_INSTEAD, NOT_REUSABLE, NOTHING_OWED,
    REUSE_CONSENT_NEEDED, SCANNED_BEFORE, trip,
};
use crate::base::error::Result;
use crate::domain::act::{Act, Who};
use crate::domain::applicant::Applicant;
use crate::domain::{applicant, audit, file};
use chrono::{Days, NaiveDate};
use entity::case::material::{Column, Entity, Model};
use entity::case::{
    CaseEventKind, CaseState, Column as CaseColumn, Entity as Cases, MaterialForm, MaterialStanding, Model as Case,
    TripCause,
};
use entity::file::FilePurpose;
use entity::guide::Content;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use serde_json::json;

/// Days within which what follows comes, or a promise is looked into, at most.
const LONGEST: Days = Days::new(60);
/// Days for which a material is good to be used again.
const GOOD_FOR: Days = Days::new(365);

/// A material as it is taken in.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Name, as on the guide where it is one of the guide's.
    pub name: String,
    /// Original, copy or electronic.
    pub form: MaterialForm,
    /// Copies taken in.
    pub copies: i32,
    /// On what account it counts.
    pub instead: Instead,
    /// Its scan, or the electronic material itself.
    pub file: Option<Id>,
    /// An original that stays here for now, and is handed back against a signature.
    pub kept: bool,
}

/// On what account a material counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// It is given.
    Given,
    /// 告知承诺, to be looked into by a day.
    Promise(NaiveDate),
    /// 容缺: it follows by a day.
    Follow(NaiveDate),
    /// An earlier material is used again; true if its giver consents.
    Reuse(Id, bool),
}

impl Taken {
    /// A material that is given, and goes back with whoever brought it if it is an original.
    #[must_use]
    pub const fn given(name: String, form: MaterialForm, copies: i32) -> Self {
        Self { name, form, copies, instead: Instead::Given, file: None, kept: false }
    }

    /// True when it came on paper.
    #[must_use]
    pub const fn is_paper(&self) -> bool {
        matches!((self.form, self.instead), (MaterialForm::Original | MaterialForm::Copy, Instead::Given))
    }

    const fn standing(&self) -> (MaterialStanding, Option<NaiveDate>, Option<Id>) {
        match self.instead {
            Instead::Given => (MaterialStanding::Given, None, None),
            Instead::Promise(by) => (MaterialStanding::Promised, Some(by), None),
            Instead::Follow(by) => (MaterialStanding::Follows, Some(by), None),
            Instead::Reuse(of, _) => (MaterialStanding::Reused, None, Some(of)),
        }
    }

    /// Its row, the `n`th of a case.
    pub(super) fn row(self, act: &Act, case: Id, n: i32) -> Model {
        let (standing, due_on, reused_id) = self.standing();
        Model {
            id: act.id(),
            centre_id: act.centre.id,
            case_id: case,
            n,
            name: self.name,
            form: self.form,
            copies: self.copies,
            standing,
            file_id: self.file,
            reused_id,
            due_on,
            settled_at: None,
            kept: None,
            late_on: None,
        }
    }
}

/// Looks at what is taken in, and comes to rest on its files.
pub(super) async fn check(
    act: &Act,
    content: &Content,
    person: &Applicant,
    materials: Vec<Taken>,
) -> Result<Vec<Taken>> {
    if materials.len() > 100 {
        return Err(BAD_MATERIAL.on("materials").into());
    }
    let today = act.now.date();
    let reuses = materials.iter().any(|taken| matches!(taken.instead, Instead::Reuse(..)));
    let earlier = if reuses { reusable(act, content, person).await? } else { Vec::new() };
    let mut checked = Vec::with_capacity(materials.len());
    for (n, taken) in materials.into_iter().enumerate() {
        let at = |field: &str| format!("materials[{n}].{field}");
        let name = taken.name.trim().to_owned();
        if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(BAD_MATERIAL.on(at("name")).into());
        }
        if !(1..=99).contains(&taken.copies) {
            return Err(BAD_MATERIAL.on(at("copies")).into());
        }
        // Only an original on paper is somebody's to have back.
        if taken.kept && !(taken.is_paper() && taken.form == MaterialForm::Original) {
            return Err(BAD_MATERIAL.on(at("kept")).into());
        }
        let of_guide = content.materials.iter().find(|material| material.name == name);
        let allows = |what: &str, allowed: Option<bool>, due: NaiveDate| -> Result<()> {
            if allowed != Some(true) {
                return Err(NOT_ALLOWED_INSTEAD.with(&[("name", &name), ("what", &what)]).on(at("standing")).into());
            }
            if due <= today || due > today + LONGEST {
                return Err(BAD_DUE.on(at("due_on")).into());
            }
            Ok(())
        };
        let mut taken = Taken { name: name.clone(), ..taken };
        match taken.instead {
            Instead::Given => {}
            Instead::Promise(due) => allows("用告知承诺代替", of_guide.and_then(|m| m.promise), due)?,
            Instead::Follow(due) => allows("容缺后补", of_guide.and_then(|m| m.may_follow), due)?,
            Instead::Reuse(_, false) => return Err(REUSE_CONSENT_NEEDED.on(at("consent")).into()),
            Instead::Reuse(id, true) => {
                let before = earlier.iter().find(|before| before.row.id == id && before.row.name == name);
                let before = before.ok_or_else(|| NOT_REUSABLE.on(at("reuses")))?;
                taken = Taken { form: MaterialForm::Electronic, file: before.row.file_id, ..taken };
                checked.push(taken);
                continue;
            }
        }
        if let Some(id) = taken.file {
            keep(act, id, at("file_id")).await?;
        }
        checked.push(taken);
    }
    Ok(checked)
}

/// Comes to rest on a file that whoever acts gave himself.
async fn keep(act: &Act, id: Id, field: String) -> Result<()> {
    let row = file::find(&*act.tx, act.centre.id, id).await?.filter(|row| row.purpose == FilePurpose::Material);
    let row = row.ok_or_else(|| file::UNKNOWN_FILE.on(field.clone()))?;
    let own = match &act.who {
        Who::Resident(account) => row.account_id == Some(*account),
        Who::Staff(staff) => row.staff_id == Some(staff.id),
        Who::System(_) | Who::Operator | Who::Bearer => false,
    };
    if !own {
        return Err(file::UNKNOWN_FILE.on(field).into());
    }
    file::keep(act, FilePurpose::Material, &[id]).await
}

/// A material that was given before and can be used again.
#[derive(Clone, Debug)]
pub struct Reusable {
    /// The material.
    pub row: Model,
    /// Number of the receipt of the case that it was given in.
    pub receipt_number: String,
    /// When.
    pub given_at: Time,
}

/// What a person gave within a year, of what a guide asks for, and of which there is a file: the latest of each. A person is known
/// by name and number of a document; a resident uses again what his own account gave.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn reusable(act: &Act, content: &Content, person: &Applicant) -> Result<Vec<Reusable>> {
    let Some((_, number)) = &person.document else { return Ok(Vec::new()) };
    let (names, numbers) = (act.blinds("name", &person.name), act.blinds("id_number", number));
    let same = applicant::same_person(act.centre.id, names, numbers);
    let mut cases = Cases::find()
        .filter(CaseColumn::CentreId.eq(act.centre.id))
        .filter(CaseColumn::ApplicantId.in_subquery(same.into_query()))
        .filter(CaseColumn::State.ne(CaseState::Void))
        .filter(CaseColumn::ReceivedAt.gte(Time::at(act.now.date() - GOOD_FOR, 0)));
    if let Some(account) = act.who.account() {
        cases = cases.filter(CaseColumn::AccountId.eq(account));
    }
    let cases = cases.order_by_desc(CaseColumn::ReceivedAt).limit(100).all(&*act.tx).await?;
    let given = Entity::find()
        .filter(Column::CaseId.is_in(cases.iter().map(|case| case.id)))
        .filter(Column::Name.is_in(content.materials.iter().map(|material| material.name.clone())))
        .filter(Column::Standing.eq(MaterialStanding::Given))
        .filter(Column::FileId.is_not_null())
        .all(&*act.tx)
        .await?;
    let mut found: Vec<Reusable> = Vec::new();
    for case in &cases {
        for row in given.iter().filter(|row| row.case_id == case.id) {
            if !found.iter().any(|known| known.row.name == row.name) {
                let (receipt_number, given_at) = (case.receipt_number.clone(), case.received_at);
                found.push(Reusable { row: row.clone(), receipt_number, given_at });
            }
        }
    }
    Ok(found)
}

/// Keeps a scan of a material that was given on paper: it is read and used again by that.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `unknown_file`, `scanned_before`.
pub async fn scan(act: &Act, number: &str, n: i32, scan: Id) -> Result<Case> {
    let (case, _) = mine(act, number, Power::Handle).await?;
    keep(act, scan, "file_id".to_owned()).await?;
    let scanned = Entity::update_many()
        .col_expr(Column::FileId, Expr::value(scan))
        .filter(Column::CaseId.eq(case.id))
        .filter(Column::N.eq(n))
        .filter(Column::Standing.eq(MaterialStanding::Given))
        .filter(Column::FileId.is_null())
        .exec(&*act.tx)
        .await?;
    if scanned.rows_affected == 1 { Ok(case) } else { Err(SCANNED_BEFORE.into()) }
}

/// What came of a material that was owed.
#[derive(Clone, Debug)]
pub enum Settled {
    /// It came: its form and copies, its scan, and how.
    Came(MaterialForm, i32, Option<Id>, Handing),
    /// The promise was looked into, and was kept.
    Kept,
    /// It was not, and how that was seen.
    Broken(String),
}

/// Writes down what came of a material that follows, or was promised.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `nothing_owed`, `bad_material`, `bad_promise_words`, `unknown_file`.
pub async fn settle(act: &Act, number: &str, n: i32, settled: Settled) -> Result<Case> {
    let (case, under) = mine(act, number, Power::Handle).await?;
    let row = Entity::find().filter(Column::CaseId.eq(case.id)).filter(Column::N.eq(n)).one(&*act.tx).await?;
    let row = row.filter(|row| row.due_on.is_some() && row.settled_at.is_none()).ok_or(NOTHING_OWED)?;
    let follows = row.standing == MaterialStanding::Follows;
    if case.state == CaseState::Void || follows != matches!(settled, Settled::Came(..)) {
        return Err(NOTHING_OWED.into());
    }
    let (next, words) = match &settled {
        Settled::Came(form, copies, file, handing) => {
            if !(1..=99).contains(copies) {
                return Err(BAD_MATERIAL.on("copies").into());
            }
            if let Some(id) = file {
                keep(act, *id, "file_id".to_owned()).await?;
            }
            if *handing == Handing::Counter {
                trip::record(act, trip::made(act, &case, TripCause::Supplement)).await?;
            }
            let next = Model { form: *form, copies: *copies, file_id: *file, ..row.clone() };
            (next, format!("后补的“{}”已收到", row.name))
        }
        Settled::Kept => (Model { kept: Some(true), ..row.clone() }, format!("“{}”的承诺经核实属实", row.name)),
        Settled::Broken(words) => {
            let words = words.trim();
            if !(5..=200).contains(&words.chars().count()) {
                return Err(BAD_PROMISE_WORDS.on("words").into());
            }
            (Model { kept: Some(false), ..row.clone() }, format!("“{}”的承诺经核实不实：{words}", row.name))
        }
    };
    let written = Entity::update_many()
        .col_expr(Column::SettledAt, Expr::value(act.now))
        .col_expr(Column::Kept, Expr::value(next.kept))
        .col_expr(Column::Form, Expr::value(next.form))
        .col_expr(Column::Copies, Expr::value(next.copies))
        .col_expr(Column::FileId, Expr::value(next.file_id))
        .filter(Column::Id.eq(row.id))
        .filter(Column::SettledAt.is_null())
        .exec(&*act.tx)
        .await?;
    if written.rows_affected == 0 {
        return Err(NOTHING_OWED.into());
    }
    let happening = Happening { words: Some(&words), ..Happening::of(CaseEventKind::MaterialSettled, Some(under)) };
    act.insert(happening.written(act, &case)?).await?;
    if next.kept == Some(false) {
        audit::note(act, "case.promise_broken", &case.number, json!({ "material": n })).await?;
    }
    Ok(case)
}

/// Refuses to grant what a material is owed for (容缺受理: nothing is granted before it came).
pub(super) async fn ensure_none_follows(db: &impl ConnectionTrait, case: &Case) -> Result<()> {
    let owed = Entity::find()
        .filter(Column::CaseId.eq(case.id))
        .filter(Column::Standing.eq(MaterialStanding::Follows))
        .filter(Column::SettledAt.is_null())
        .order_by_asc(Column::N);
    match owed.one(db).await? {
        Some(row) => Err(MATERIAL_OPEN.with(&[("name", &row.name)]).into()),
        None => Ok(()),
    }
}

/// Finds materials that did not come, and promises that nobody looked into, by their day: leads, each once. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn find_late(act: &Act) -> Result<()> {
    let today = act.now.date();
    let late = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::DueOn.lt(today))
        .filter(Column::SettledAt.is_null())
        .filter(Column::LateOn.is_null())
        .all(&*act.tx)
        .await?;
    if late.is_empty() {
        return Ok(());
    }
    let cases = Cases::find().filter(CaseColumn::Id.is_in(late.iter().map(|row| row.case_id))).all(&*act.tx).await?;
    for row in late {
        let Some(case) = cases.iter().find(|case| case.id == row.case_id) else { continue };
        Entity::update_many()
            .col_expr(Column::LateOn, Expr::value(today))
            .filter(Column::Id.eq(row.id))
            .exec(&*act.tx)
            .await?;
        // What was to follow is moot where its case has ended without it.
        let moot = row.standing == MaterialStanding::Follows && case.ended_at.is_some();
        if !moot && case.state != CaseState::Void {
            audit::note(act, "case.material_late", &case.number, json!({ "material": row.n })).await?;
        }
    }
    Ok(())
}

/// In what form a material came, or on what account it counts, as it is printed.
#[must_use]
pub fn form_in_words(row: &Model) -> String {
    let form = match row.form {
        MaterialForm::Original => "原件",
        MaterialForm::Copy => "复印件",
        MaterialForm::Electronic => "电子材料",
    };
    let by = |due: Option<NaiveDate>| due.map(|day| day.format("%-m月%-d日").to_string()).unwrap_or_default();
    match (row.standing, row.settled_at, row.kept) {
        (MaterialStanding::Given, ..) => form.to_owned(),
        (MaterialStanding::Reused, ..) => "经同意沿用以前提供的".to_owned(),
        (MaterialStanding::Promised, _, Some(true)) => "告知承诺，核实属实".to_owned(),
        (MaterialStanding::Promised, _, Some(false)) => "告知承诺，核实不实".to_owned(),
        (MaterialStanding::Promised, _, None) => format!("告知承诺，{}前核实", by(row.due_on)),
        (MaterialStanding::Follows, Some(_), _) => format!("{form}（后补）"),
        (MaterialStanding::Follows, None, _) => format!("容缺，{}前补交", by(row.due_on)),
    }
}

/// A material of a case with a file.
///
/// # Errors
/// `unknown_file`.
pub async fn with_file(db: &impl ConnectionTrait, case: &Case, n: i32) -> Result<Id> {
    let of = Condition::all().add(Column::CaseId.eq(case.id)).add(Column::N.eq(n));
    let row = Entity::find().filter(of).one(db).await?;
    Ok(row.and_then(|row| row.file_id).ok_or(file::UNKNOWN_FILE)?)
}

/// What somebody gave before, of what a guide asks for: for the window, at his request. It leaves a line, for it tells that he was here.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant.
pub async fn known(act: &Act, guide: &str, person: applicant::Typed) -> Result<Vec<Reusable>> {
    let guide = crate::domain::guide::get(&*act.tx, &act.centre, guide).await?;
    let found = reusable(act, &guide.version.content, &person.check()?).await?;
    if matches!(act.who, Who::Staff(_)) {
        audit::note(act, "case.materials_searched", &guide.row.code, json!({ "found": found.len() })).await?;
    }
    Ok(found)
}
