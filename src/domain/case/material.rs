//! Materials (材料, articles 4.7 and 5.3.2): what is taken in with a case, and on what account it counts.
//!
//! An electronic material with its file counts like paper. Where the guide allows it, a promise in writing stands for a material
//! (告知承诺), and is looked into by a day; or the material follows by a day (容缺受理), before which nothing is granted. What the
//! same person gave in an earlier case is used again if he consents, so that nobody gives twice what is here.

use super::advance::mine;
use super::desk::Power;
use super::{BAD_DUE, BAD_MATERIAL, NOT_ALLOWED_INSTEAD, NOT_REUSABLE, REUSE_CONSENT_NEEDED, SCANNED_BEFORE};
use crate::base::error::Result;
use crate::base::personal;
use crate::domain::act::{Act, Who};
use crate::domain::applicant::Applicant;
use crate::domain::{applicant, audit, file, guide};
use chrono::{Days, NaiveDate};
use entity::case::material::{Column, Entity, Model};
use entity::case::{CaseState, Column as CaseColumn, Entity as Cases, MaterialForm, MaterialStanding, Model as Case};
use entity::file::FilePurpose;
use entity::guide::Content;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
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
        if !(1..=200).contains(&name.chars().count()) || name.chars().any(personal::is_disguise) {
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
            }
        }
        // A file that is used again is kept already, whoever gave it.
        if let Some(id) = taken.file.filter(|_| !matches!(taken.instead, Instead::Reuse(..))) {
            keep(act, id, at("file_id")).await?;
        }
        checked.push(taken);
    }
    Ok(checked)
}

/// Comes to rest on a file that whoever acts gave himself.
pub(super) async fn keep(act: &Act, id: Id, field: String) -> Result<()> {
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

/// Materials that the version of a case asks everybody for, and of which nothing is here on any account.
///
/// # Errors
/// Whatever the database says.
pub async fn lacking(db: &impl ConnectionTrait, case: &Case, here: &[Model]) -> Result<Vec<String>> {
    let content = guide::version(db, case.version_id).await?.content;
    let lacks = |m: &&entity::guide::Material| m.required != Some(false) && !here.iter().any(|row| row.name == m.name);
    Ok(content.materials.iter().filter(lacks).map(|m| m.name.clone()).collect())
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
    let row = Entity::find().filter(Column::CaseId.eq(case.id)).filter(Column::N.eq(n)).one(db).await?;
    Ok(row.and_then(|row| row.file_id).ok_or(file::UNKNOWN_FILE)?)
}

/// What somebody gave before, of what a guide asks for: for the window, at his request. It leaves a line, for it tells that he was here.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant.
pub async fn known(act: &Act, guide: &str, person: applicant::Typed) -> Result<Vec<Reusable>> {
    let guide = guide::get(&*act.tx, &act.centre, guide).await?;
    let found = reusable(act, &guide.version.content, &person.check()?).await?;
    if matches!(act.who, Who::Staff(_)) {
        audit::note(act, "case.materials_searched", &guide.row.code, json!({ "found": found.len() })).await?;
    }
    Ok(found)
}
