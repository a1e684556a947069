//! What is owed of a case's materials (告知承诺的核实、容缺的补交, article 4.7): it comes, or the promise is looked into, by a day. Nothing is
//! granted before what follows came; what nobody saw to by its day is a lead.

use super::Handing;
use super::advance::mine;
use super::desk::Power;
use super::material::keep;
use super::receive::Happening;
use super::{BAD_MATERIAL, BAD_PROMISE_WORDS, MATERIAL_OPEN, NOTHING_OWED, trip};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::audit;
use entity::Id;
use entity::case::material::{Column, Entity, Model};
use entity::case::{
    CaseEventKind, CaseState, Column as CaseColumn, Entity as Cases, MaterialForm, MaterialStanding, Model as Case,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;

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
            if let Some(trip) = trip::of_bringing(act, &case).filter(|_| *handing == Handing::Counter) {
                trip::record(act, trip).await?;
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
