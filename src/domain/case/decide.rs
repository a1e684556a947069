//! From acceptance to the end (受理、办理、办结), and corrections on the way.

use super::desk::{Power, Under};
use super::look::{Sight, colleague};
use super::receive::Happening;
use super::tell;
use super::{
    BAD_EXTENSION, EXTENDED_BEFORE, GROUND_NEEDED, NOTHING_TO_CORRECT, UNKNOWN_CASE, WRONG_STATE, procedure_name,
    state_name,
};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::applicant::{self, Typed};
use crate::domain::calendar::{self, Calendar};
use crate::domain::identity::Viewer;
use crate::domain::{audit, notice};
use chrono::NaiveDate;
use entity::applicant::{ApplicantKind, IdType};
use entity::case::{CaseEventKind, CaseState, Column, Entity, Model, SpecialProcedure, event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

/// Working days by which a limit is extended, at most (行政许可法 42).
const LONGEST_EXTENSION: u32 = 10;

/// A step of a case after its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// 受理: it is accepted, and its clock begins that day (article 4.5).
    Accept,
    /// 视为受理: nothing was said in time, and it is accepted from the day of its receipt.
    Deem,
    /// 不予受理, with its ground.
    Refuse(String),
    /// 准予: decided for the applicant; it waits to be handed over.
    Grant,
    /// 不予, with its ground; it ends.
    Deny(String),
    /// 领取: handed over where it was received (article 4.6).
    Issue,
    /// 挂起: its clock stands still for a special procedure, of which the applicant is told.
    Suspend(SpecialProcedure, String),
    /// 恢复: the procedure is over.
    Resume,
    /// 延期: once, by so many working days, with its ground, by the first responsible person.
    Extend(u32, String),
    /// 撤回: taken back for its applicant, at any time before it ended.
    Withdraw,
}

impl Step {
    /// What it takes to do it.
    #[must_use]
    pub const fn power(&self) -> Power {
        match self {
            Self::Accept | Self::Deem | Self::Refuse(_) | Self::Suspend(..) | Self::Resume => Power::Handle,
            Self::Extend(..) => Power::Extend,
            Self::Grant | Self::Deny(_) => Power::Decide,
            Self::Issue | Self::Withdraw => Power::Issue,
        }
    }

    /// The states in which it is done.
    pub(super) const fn from(&self) -> &'static [CaseState] {
        match self {
            Self::Accept | Self::Deem => &[CaseState::Received],
            Self::Refuse(_) => &[CaseState::Received, CaseState::Supplement],
            Self::Grant | Self::Deny(_) | Self::Suspend(..) | Self::Extend(..) => &[CaseState::Accepted],
            Self::Resume => &[CaseState::Suspended],
            Self::Issue => &[CaseState::Granted],
            Self::Withdraw => {
                use CaseState::{Accepted, Granted, Received, Supplement, Suspended};
                &[Received, Supplement, Accepted, Suspended, Granted]
            }
        }
    }

    /// The state that it brings, and what is written down of it.
    const fn brings(&self) -> (CaseState, CaseEventKind) {
        match self {
            Self::Accept => (CaseState::Accepted, CaseEventKind::Accepted),
            Self::Deem => (CaseState::Accepted, CaseEventKind::DeemedAccepted),
            Self::Suspend(..) => (CaseState::Suspended, CaseEventKind::Suspended),
            Self::Resume => (CaseState::Accepted, CaseEventKind::Resumed),
            Self::Extend(..) => (CaseState::Accepted, CaseEventKind::Extended),
            Self::Refuse(_) => (CaseState::Refused, CaseEventKind::Refused),
            Self::Grant => (CaseState::Granted, CaseEventKind::Granted),
            Self::Deny(_) => (CaseState::Denied, CaseEventKind::Denied),
            Self::Issue => (CaseState::Issued, CaseEventKind::Issued),
            Self::Withdraw => (CaseState::Withdrawn, CaseEventKind::Withdrawn),
        }
    }

    /// The case as it stands after it, and what is written down of it.
    ///
    /// # Errors
    /// `ground_needed`.
    pub fn done(
        &self,
        act: &Act,
        case: Model,
        calendar: &Calendar,
        under: Option<Under>,
    ) -> Result<(Model, event::Model)> {
        let (today, (state, kind)) = (act.now.date(), self.brings());
        let mut next = Model { state, ..case };
        match self {
            Self::Accept | Self::Deem => {
                let from = if *self == Self::Deem { next.received_at.date() } else { today };
                let deadline = next.limit_days.map(|n| calendar.add(from, n.unsigned_abs()));
                next.accepted_on = Some(from);
                next.due_on = deadline.map(|d| d.on);
                next.due_provisional = deadline.is_some_and(|d| d.provisional);
            }
            Self::Refuse(_) | Self::Grant | Self::Deny(_) => next.decided_on = Some(today),
            Self::Suspend(..) => next.suspended_on = Some(today),
            Self::Resume => {
                let stood = next.suspended_on.take().map_or(0, |since| calendar.working_days(since, today));
                lengthen(&mut next, calendar, stood);
            }
            Self::Extend(days, _) => {
                if next.extended_on.is_some() {
                    return Err(EXTENDED_BEFORE.into());
                }
                if next.due_on.is_none() || !(1..=LONGEST_EXTENSION).contains(days) {
                    return Err(BAD_EXTENSION.on("days").into());
                }
                next.extended_on = Some(today);
                lengthen(&mut next, calendar, *days);
            }
            Self::Issue | Self::Withdraw => {}
        }
        // Taken back meanwhile, it stands still no longer.
        next.suspended_on = next.suspended_on.filter(|_| next.state == CaseState::Suspended);
        if matches!(self, Self::Refuse(_) | Self::Deny(_) | Self::Issue | Self::Withdraw) {
            next.ended_at = Some(act.now);
        }
        let ground = match self {
            Self::Refuse(ground) | Self::Deny(ground) | Self::Extend(_, ground) => {
                Some(check_ground(ground)?.to_owned())
            }
            Self::Suspend(procedure, words) => {
                Some(format!("{}：{}", procedure_name(*procedure), check_ground(words)?))
            }
            _ => None,
        };
        let event = Happening { kind, under, words: ground.as_deref(), fields: None }.written(act, &next)?;
        Ok((next, event))
    }
}

/// Takes a step with a case.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `ground_needed`, `wrong_state`.
pub async fn step(act: &Act, number: &str, step: &Step) -> Result<Model> {
    let (case, under) = match step {
        Step::Withdraw => takes_back(act, number).await?,
        _ => mine(act, number, step.power()).await.map(|(case, under)| (case, Some(under)))?,
    };
    let (next, event) = step.done(act, case, &*calendar::of(&*act.tx, &act.centre).await?, under)?;
    turn(act, &next, step.from()).await?;
    act.insert(event).await?;
    // What was said of where it stood, and has not gone out, is no longer true.
    notice::withdraw(act, next.id).await?;
    match step {
        Step::Suspend(procedure, _) => tell::suspended(act, &next, procedure_name(*procedure)).await?,
        Step::Resume => tell::moved(act, &next, &notice::RESUMED).await?,
        Step::Extend(..) => tell::moved(act, &next, &notice::EXTENDED).await?,
        _ => tell::say_news(act, &next).await?,
    }
    Ok(next)
}

/// Makes a limit so many working days longer.
fn lengthen(case: &mut Model, calendar: &Calendar, days: u32) {
    case.added_days = case.added_days.saturating_add(i32::try_from(days).unwrap_or(i32::MAX));
    if let Some((on, provisional)) = counted(calendar, case) {
        (case.due_on, case.due_provisional) = (Some(on), provisional);
    }
}

/// A case that whoever acts may take back.
async fn takes_back(act: &Act, number: &str) -> Result<(Model, Option<Under>)> {
    let sight = Sight::acting(act).await?;
    let case = super::look::hold(act, number, &sight).await?;
    match sight.viewer() {
        Viewer::Staff(_) => sight.under(&case, Step::Withdraw.power()).map(|under| (case, Some(under))),
        // Only what is shown in full is a resident's own to take back.
        Viewer::Resident(_) if sight.in_full(&case) => Ok((case, None)),
        Viewer::Resident(_) => Err(UNKNOWN_CASE.into()),
    }
}

pub(super) async fn mine(act: &Act, number: &str, power: Power) -> Result<(Model, Under)> {
    let sight = colleague(act).await?;
    let case = super::look::hold(act, number, &sight).await?;
    let under = sight.under(&case, power)?;
    Ok((case, under))
}

fn check_ground(ground: &str) -> Result<&str> {
    let ground = ground.trim();
    if (5..=500).contains(&ground.chars().count()) { Ok(ground) } else { Err(GROUND_NEEDED.on("ground").into()) }
}

/// Writes where a case stands, if it still stands where it was seen; of two who press at once, the second is told the state.
pub(super) async fn turn(act: &Act, next: &Model, from: &[CaseState]) -> Result<()> {
    let turned = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state))
        .col_expr(Column::AcceptedOn, Expr::value(next.accepted_on))
        .col_expr(Column::DueOn, Expr::value(next.due_on))
        .col_expr(Column::DueProvisional, Expr::value(next.due_provisional))
        .col_expr(Column::AddedDays, Expr::value(next.added_days))
        .col_expr(Column::SuspendedOn, Expr::value(next.suspended_on))
        .col_expr(Column::ExtendedOn, Expr::value(next.extended_on))
        .col_expr(Column::DecidedOn, Expr::value(next.decided_on))
        .col_expr(Column::EndedAt, Expr::value(next.ended_at))
        .filter(Column::Id.eq(next.id))
        .filter(Column::State.is_in(from.iter().copied()))
        .exec(&*act.tx)
        .await?;
    if turned.rows_affected == 0 {
        let now = Entity::find_by_id(next.id).one(&*act.tx).await?.ok_or(UNKNOWN_CASE)?;
        return Err(WRONG_STATE.with(&[("state", &state_name(now.state))]).into());
    }
    Ok(())
}

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
    let corrected = Happening { kind: CaseEventKind::Corrected, under: Some(under), words: None, fields: fields_named };
    act.insert(corrected.written(act, &case)?).await?;
    if fields.contains(&"phone") {
        // Whoever has the wrong one hears no more of it, and whose it is hears where it stands.
        notice::supersede(act, case.id).await?;
        tell::say_news(act, &case).await?;
    }
    audit::note(act, "case.corrected", &case.number, serde_json::json!({ "fields": fields })).await?;
    Ok((case, fields))
}

/// Recomputes provisional deadlines after an arrangement of holidays came in. Where the promised day was earlier, it is
/// kept: a promise is not taken back. Whoever's day moves is told. Returns how many moved.
///
/// # Errors
/// Whatever the database says.
pub async fn redate(act: &Act) -> Result<usize> {
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    let open = [CaseState::Received, CaseState::Accepted];
    let cases = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.is_in(open))
        .filter(Column::DueProvisional.eq(true))
        .lock_exclusive()
        .all(&*act.tx)
        .await?;
    let mut moved = 0;
    for case in cases {
        let Some((on, provisional)) = anew(&calendar, &case) else { continue };
        let changed = Some(on) != case.due_on;
        if !changed && provisional == case.due_provisional {
            continue;
        }
        let next = Model { due_on: Some(on), due_provisional: provisional, ..case };
        Entity::update_many()
            .col_expr(Column::DueOn, Expr::value(next.due_on))
            .col_expr(Column::DueProvisional, Expr::value(provisional))
            .filter(Column::Id.eq(next.id))
            .exec(&*act.tx)
            .await?;
        act.insert(Happening::of(CaseEventKind::Redated, None).written(act, &next)?).await?;
        if changed {
            moved += 1;
            tell::redated(act, &next, on).await?;
        }
    }
    Ok(moved)
}

fn anew(calendar: &Calendar, case: &Model) -> Option<(NaiveDate, bool)> {
    let (on, provisional) = counted(calendar, case)?;
    Some((case.due_on.map_or(on, |promised| promised.min(on)), provisional))
}

/// The last day of a limit, with what was added to it.
fn counted(calendar: &Calendar, case: &Model) -> Option<(NaiveDate, bool)> {
    let start = case.accepted_on.unwrap_or_else(|| case.received_at.date());
    let days = case.limit_days?.saturating_add(case.added_days);
    let deadline = calendar.add(start, days.unsigned_abs());
    Some((deadline.on, deadline.provisional))
}
