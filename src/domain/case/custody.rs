//! Custody (材料交接, articles 4.6, 4.7 and 5.3.2e): who has the originals of a case, and its file, since when.
//!
//! What is taken in on paper is at the window's post. Whoever needs it takes it, and says so; nobody says it for another. An original
//! that stayed here is handed back against a signature. An end with an original that nobody handed back is a lead.

use super::desk::{Power, Under};
use super::look::{Sight, colleague, hold};
use super::{FILE_NOT_BACK, NOT_KEPT, NOT_WITH_YOU, SIGNATURE_NEEDED, UNKNOWN_CASE, step};
use crate::base::error::Result;
use crate::base::personal;
use crate::domain::act::{Act, Who};
use crate::domain::{audit, calendar, post};
use chrono::Days;
use entity::case::custody::{Column, Entity, Model};
use entity::case::material::{Column as MaterialColumn, Entity as Materials, Model as Material};
use entity::case::{Column as CaseColumn, Entity as Cases, Model as Case};
use entity::post::PostKind;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};
use serde_json::json;
use std::collections::HashMap;

/// Working days after the end of a case within which its originals are handed back.
const GRACE: u32 = 3;

/// That a thing is at a post from now on.
pub(super) fn at_post(act: &Act, case: Id, material: Option<Id>, (post, staff): (Id, Id)) -> Model {
    Model {
        id: act.id(),
        centre_id: act.centre.id,
        case_id: case,
        material_id: material,
        post_id: Some(post),
        staff_id: staff,
        signed_by: None,
        at: act.now,
        recorded_at: act.now,
        lead_on: None,
    }
}

/// Takes the file of a case over, and the originals that are here: from now on they are at the post of whoever acts.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `not_kept` where there is no paper, or it is here already.
pub async fn take(act: &Act, number: &str) -> Result<Case> {
    let Who::Staff(staff) = &act.who else { return Err(UNKNOWN_CASE.into()) };
    let (case, under) = at_hand(act, number).await?;
    let mut taken = 0;
    for last in last(of(&*act.tx, &case).await?).into_values() {
        if last.post_id.is_some_and(|post| post != under.standing.post) {
            act.insert(at_post(act, case.id, last.material_id, (under.standing.post, staff.id))).await?;
            taken += 1;
        }
    }
    if taken == 0 {
        return Err(NOT_KEPT.into());
    }
    Ok(case)
}

/// Hands an original back against a signature.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `signature_needed`, `not_kept`, `not_with_you`.
pub async fn hand_back(act: &Act, number: &str, n: i32, signed_by: &str) -> Result<Case> {
    let Who::Staff(staff) = &act.who else { return Err(UNKNOWN_CASE.into()) };
    let (case, under) = at_hand(act, number).await?;
    let signed_by = personal::name(signed_by).ok_or_else(|| SIGNATURE_NEEDED.on("signed_by"))?;
    let material = Materials::find().filter(MaterialColumn::CaseId.eq(case.id)).filter(MaterialColumn::N.eq(n));
    let material = material.one(&*act.tx).await?.ok_or(NOT_KEPT)?;
    let at = last(of(&*act.tx, &case).await?).remove(&Some(material.id)).ok_or(NOT_KEPT)?;
    match at.post_id {
        None => return Err(NOT_KEPT.into()),
        Some(post) if post != under.standing.post => return Err(NOT_WITH_YOU.into()),
        Some(_) => {}
    }
    let id = act.id();
    let row = Model {
        id,
        post_id: None,
        signed_by: Some(act.seal("custody.signed_by", id, &signed_by)?),
        ..at_post(act, case.id, Some(material.id), (under.standing.post, staff.id))
    };
    act.insert(row).await?;
    Ok(case)
}

/// A case, held, with the post at which whoever acts has it in hand.
async fn at_hand(act: &Act, number: &str) -> Result<(Case, Under)> {
    let sight = colleague(act).await?;
    let case = hold(act, number, &sight).await?;
    let under = standing(&sight, &case, &step::of(&*act.tx, &case).await?)?;
    Ok((case, under))
}

/// The post of a step under way, else one that handles the case.
pub(super) fn standing(sight: &Sight, case: &Case, steps: &[entity::case::step::Model]) -> Result<Under> {
    let under_way = steps.iter().filter(|step| step::is_under_way(step));
    let mut his = under_way.filter_map(|step| {
        let power = Power::Step { post: step.post_id, delegated: None };
        sight.under(case, power).ok().filter(|under| Some(under.standing.post) == step.post_id)
    });
    his.next().map_or_else(|| sight.under(case, Power::Handle), Ok)
}

/// The last row of each thing: of originals by their material, of the file of a case by none.
#[must_use]
pub fn last(rows: Vec<Model>) -> HashMap<Option<Id>, Model> {
    rows.into_iter().map(|row| (row.material_id, row)).collect()
}

/// Who had what of a case, in its order.
///
/// # Errors
/// Whatever the database says.
pub async fn of(db: &impl ConnectionTrait, case: &Case) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::CaseId.eq(case.id));
    Ok(rows.order_by_asc(Column::At).order_by_asc(Column::Id).all(db).await?)
}

/// Refuses to hand a result over while the file of the case is not back (desk → office → desk, article 4.6).
pub(super) async fn ensure_file_is_back(act: &Act, case: &Case) -> Result<()> {
    let at = last(of(&*act.tx, case).await?).remove(&None).and_then(|row| row.post_id);
    let Some(at) = at.filter(|at| Some(*at) != case.window_id) else { return Ok(()) };
    let posts = post::all(&*act.tx, &act.centre).await?;
    // The windows stand in for one another.
    match posts.of(at).filter(|post| post.row.kind == PostKind::Office) {
        Some(post) => Err(FILE_NOT_BACK.with(&[("post", &post.row.name)]).into()),
        None => Ok(()),
    }
}

/// Finds originals that nobody handed back within three working days of the end of their case: leads, each once. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn find_gaps(act: &Act) -> Result<()> {
    let by = calendar::of(&*act.tx, &act.centre).await?.back(act.now.date(), GRACE + 1);
    let ended = Cases::find()
        .filter(CaseColumn::CentreId.eq(act.centre.id))
        .filter(CaseColumn::EndedAt.lt(Time::at(by + Days::new(1), 0)))
        .filter(CaseColumn::EndedAt.gte(Time::at(by - Days::new(30), 0)));
    let rows = Entity::find()
        .filter(Column::CaseId.in_subquery(ended.select_only().column(CaseColumn::Id).into_query()))
        .filter(Column::MaterialId.is_not_null())
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .all(&*act.tx)
        .await?;
    let gap = |row: &Model| row.post_id.is_some() && row.lead_on.is_none();
    let gaps: Vec<Model> = last(rows).into_values().filter(gap).collect();
    let cases = Cases::find().filter(CaseColumn::Id.is_in(gaps.iter().map(|row| row.case_id))).all(&*act.tx).await?;
    for row in gaps {
        Entity::update_many()
            .col_expr(Column::LeadOn, Expr::value(act.now.date()))
            .filter(Column::Id.eq(row.id))
            .exec(&*act.tx)
            .await?;
        let Some(case) = cases.iter().find(|case| case.id == row.case_id) else { continue };
        audit::note(act, "case.custody_gap", &case.number, json!({ "material": row.material_id })).await?;
    }
    Ok(())
}

/// What is kept of a case that is taken in: its file, where there is paper, and the originals that stay.
pub(super) fn received(
    act: &Act,
    case: &Case,
    materials: &[(Material, bool)],
    paper: bool,
    by: Option<(Id, Id)>,
) -> Vec<Model> {
    let Some(by) = by else { return Vec::new() };
    let file = paper.then(|| at_post(act, case.id, None, by));
    let kept = materials.iter().filter(|(_, kept)| *kept).map(|(row, _)| at_post(act, case.id, Some(row.id), by));
    file.into_iter().chain(kept).collect()
}
