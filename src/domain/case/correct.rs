//! Mistakes put right (更正): by something new that names what was wrong. Nothing is edited, and nothing taken away.

use super::advance::{is_end, mine, turn};
use super::desk::Power;
use super::receive::Happening;
use super::{AMEND_REASON_NEEDED, NOT_TO_AMEND, NOTHING_TO_CORRECT, UNKNOWN_EVENT, negative, state_name, step, tell};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::applicant::{self, Typed};
use crate::domain::{audit, document, notice};
use entity::Id;
use entity::applicant::{ApplicantKind, IdType};
use entity::case::{CaseEventKind, Column, Entity, Model, event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// What is to be put right. What is not named stays as it is; `Some(None)` takes it away.
#[derive(Default)]
pub struct Correction {
    /// Citizen, legal person or organisation.
    pub kind: Option<ApplicantKind>,
    /// Name.
    pub name: Option<String>,
    /// Phone.
    pub phone: Option<Option<String>>,
    /// Kind of document.
    pub id_type: Option<Option<IdType>>,
    /// Its number.
    pub id_number: Option<Option<String>>,
}

/// Corrects a wrong name, phone or document by a new snapshot. The event names the fields, never their values. A phone that was in
/// doubt is confirmed by being said again.
///
/// # Errors
/// `unknown_case`, the refusals of a post and of an applicant, `nothing_to_correct`.
pub async fn correct(act: &Act, number: &str, correction: Correction) -> Result<(Model, Vec<&'static str>)> {
    let (case, under) = mine(act, number, Power::Handle).await?;
    let wrong = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?;
    let known = Typed::from(wrong.clone());
    let said_phone = correction.phone.is_some();
    let right = Typed {
        kind: correction.kind.unwrap_or(known.kind),
        name: correction.name.unwrap_or(known.name),
        phone: correction.phone.unwrap_or(known.phone),
        id_type: correction.id_type.unwrap_or(known.id_type),
        id_number: correction.id_number.unwrap_or(known.id_number),
    };
    let right = right.check()?;
    let mut fields = Vec::new();
    for (field, same) in [
        ("kind", wrong.kind == right.kind),
        ("name", wrong.name == right.name),
        ("phone", wrong.phone == right.phone),
        ("id_number", wrong.document == right.document),
    ] {
        if !same {
            fields.push(field);
        }
    }
    // A phone that was in doubt, and that he says is his, is.
    let confirmed = match right.phone.as_ref().filter(|_| said_phone) {
        Some(phone) => notice::verified(act, phone).await?,
        None => false,
    };
    if fields.is_empty() {
        if !confirmed {
            return Err(NOTHING_TO_CORRECT.into());
        }
        audit::note(act, "case.phone_confirmed", &case.number, serde_json::json!({})).await?;
        return Ok((case, fields));
    }
    let snapshot = applicant::record(act, &right).await?;
    Entity::update_many()
        .col_expr(Column::ApplicantId, Expr::value(snapshot.id))
        .filter(Column::Id.eq(case.id))
        .exec(&*act.tx)
        .await?;
    let case = Model { applicant_id: snapshot.id, ..case };
    let fields_named = Some(fields.join(","));
    let corrected = Happening { fields: fields_named, ..Happening::of(CaseEventKind::Corrected, Some(under)) };
    act.insert(corrected.written(act, &case)?).await?;
    if fields.contains(&"phone") {
        // Whoever has the wrong one hears no more of it, and whose it is hears where it stands.
        notice::supersede(act, case.id).await?;
        tell::say_news(act, &case).await?;
    }
    audit::note(act, "case.corrected", &case.number, serde_json::json!({ "fields": fields })).await?;
    Ok((case, fields))
}

/// Puts a mistake of staff in the course of a case right: what was wrong stays, and is named by what is written now. With
/// `undone`, the case goes on from where it stood before; only its last end, or its last decision, is undone.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `unknown_event`, `amend_reason_needed`, `not_to_amend`.
pub async fn amend(act: &Act, number: &str, wrong: Id, words: &str, undone: bool) -> Result<Model> {
    let (case, under) = mine(act, number, Power::Amend).await?;
    let words = words.trim();
    if !(5..=500).contains(&words.chars().count()) {
        return Err(AMEND_REASON_NEEDED.on("words").into());
    }
    let events = event::Entity::find().filter(event::Column::CaseId.eq(case.id));
    let events = events.order_by_asc(event::Column::At).order_by_asc(event::Column::Id).all(&*act.tx).await?;
    let at = events.iter().position(|event| event.id == wrong).ok_or_else(|| UNKNOWN_EVENT.on("event_id"))?;
    if events.iter().any(|event| event.amends_id == Some(wrong)) {
        return Err(NOT_TO_AMEND.with(&[("why", &"这一条已经更正过，请更正那次更正")]).into());
    }
    let mut next = if undone { before(&case, &events, at)? } else { case.clone() };
    let from = [case.state];
    if undone {
        let before = step::of(&*act.tx, &next).await?;
        let mut steps = before.clone();
        step::reopen(&mut steps, &next);
        next.post_id = step::in_hand(&next, &steps);
        turn(act, &next, &from).await?;
        step::write(act, &before, steps).await?;
        negative::overturn(act, wrong, words).await?;
        notice::withdraw(act, next.id).await?;
    }
    let amends =
        Happening { words: Some(words), amends: Some(wrong), ..Happening::of(CaseEventKind::Amended, Some(under)) };
    let event = act.insert(amends.written(act, &next)?).await?;
    if undone {
        document::undone(act, wrong, event.id).await?;
    }
    // A lead under 5.3.1d: whoever judges it finds it here.
    audit::note(act, "case.amended", &next.number, serde_json::json!({ "undone": undone })).await?;
    if undone {
        tell::amended(act, &next).await?;
    }
    Ok(next)
}

/// A case as it stood before the event that is undone: the last that moved it, and a decision or an end.
fn before(case: &Model, events: &[event::Model], at: usize) -> Result<Model> {
    use CaseEventKind::{Denied, Granted, Issued, Refused, Void, Withdrawn};
    let wrong = &events[at];
    let not = |why: &str| Err(NOT_TO_AMEND.with(&[("why", &why)]).into());
    if !matches!(wrong.kind, Refused | Granted | Denied | Issued | Withdrawn | Void) {
        return not("只有决定、办结、不予受理、撤回和作废可以撤销，其他请只写更正说明");
    }
    // What was undone since moved it nowhere.
    let undone = |id: Id| events.iter().any(|event| event.amends_id == Some(id));
    let moved = |later: &event::Model| later.state != wrong.state && !undone(later.id);
    if wrong.state != case.state || events[at + 1..].iter().any(moved) {
        return not(&format!("之后办件已到“{}”，请先更正后面的", state_name(case.state)));
    }
    let Some(earlier) = events[..at].last() else { return not("这是第一条") };
    let mut next = Model { state: earlier.state, decided_on: earlier.decided_on, ..case.clone() };
    next.ended_at = next.ended_at.filter(|_| is_end(next.state));
    if next.state == entity::case::CaseState::Suspended {
        let since = events[..at].iter().rev().find(|event| event.kind == CaseEventKind::Suspended);
        next.suspended_on = since.map(|event| event.on_date);
    }
    Ok(next)
}
