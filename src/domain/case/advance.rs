//! What is done with a case after its receipt, from acceptance to the end (受理、办理、办结): one act, one event.

use super::desk::{Power, Under};
use super::look::{Sight, colleague};
use super::negative::No;
use super::receive::Happening;
use super::{
    APPROVAL_NEEDED, BAD_EXTENSION, EXTENDED_BEFORE, GROUND_NEEDED, HEARING_FIRST, STEPS_OPEN, TOO_LATE_TO_EXTEND,
    UNKNOWN_CASE, WRONG_STATE, clock, custody, joint, negative, owed, paper, procedure_name, state_name, step,
    supplement, tell, trip,
};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::{self, Calendar};
use crate::domain::identity::Viewer;
use crate::domain::post::{self, Posts};
use crate::domain::{guide, notice};
use chrono::Days;
use entity::authority::DelegatedPower;
use entity::case::{
    CaseEventKind, CaseState, Column, Entity, Handing, Model, NegativeCause, SpecialProcedure, event,
    negative as filed, step as steps, trip as trips,
};
use entity::guide::{Content, StepKind};
use entity::post::PostKind;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::sync::Arc;

/// Working days by which a limit is extended, at most (行政许可法 42).
const LONGEST_EXTENSION: u32 = 10;
/// Working days within which a hearing may be asked for (行政许可法 46, 47).
const HEARING_DAYS: u32 = 5;

/// Something that is done with a case after its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// 受理: it is accepted, and its clock begins that day (article 4.5).
    Accept,
    /// 视为受理: nothing was said in time, and it is accepted from the day of its receipt.
    Deem,
    /// 不予受理.
    Refuse(No),
    /// A step of its version is done, by its number, with an opinion (article 4.4).
    Finish(i32, String),
    /// 听证告知: its applicant may ask for a hearing before he is denied.
    TellHearing(String),
    /// He does without one, in writing.
    WaiveHearing(String),
    /// 准予: decided for the applicant; it waits to be handed over.
    Grant,
    /// 不予; it ends.
    Deny(No),
    /// 领取: handed over where it was received (article 4.6).
    Issue(Handing),
    /// 挂起: its clock stands still for a special procedure, of which the applicant is told.
    Suspend(SpecialProcedure, String),
    /// 恢复: the procedure is over.
    Resume,
    /// 延期: once, by so many working days, with its ground, by the first responsible person; of a joint case with the number of the
    /// government's approval (行政许可法 42).
    Extend(u32, String, Option<String>),
    /// 撤回: taken back for its applicant, at any time before it ended.
    Withdraw,
    /// 作废: it should not have been; with its reason, by the first responsible person.
    Void(String),
}

/// What a move is made by, beside the case.
pub struct Ground {
    /// The calendar.
    pub calendar: Arc<Calendar>,
    /// The posts.
    pub posts: Arc<Posts>,
    /// What the version of the case says.
    pub content: Content,
}

impl Ground {
    /// Reads what a move of a case is made by.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn of(act: &Act, case: &Model) -> Result<Self> {
        Ok(Self {
            calendar: calendar::of(&*act.tx, &act.centre).await?,
            posts: post::all(&*act.tx, &act.centre).await?,
            content: guide::version(&*act.tx, case.version_id).await?.content,
        })
    }
}

/// A case with its steps.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The case.
    pub case: Model,
    /// Its steps, in their order; none before acceptance.
    pub steps: Vec<steps::Model>,
}

/// What a move leaves: rows to be written.
#[derive(Debug)]
pub struct Made {
    /// The case and its steps as they stand after it.
    pub whole: Whole,
    /// What happened.
    pub event: event::Model,
    /// What is filed of it, where somebody was told no.
    pub negative: Option<filed::Model>,
    /// The trip that it cost.
    pub trip: Option<trips::Model>,
}

impl Move {
    /// What it takes to make it with a case.
    #[must_use]
    pub fn power(&self, case: &Model, steps: &[steps::Model]) -> Power {
        match self {
            Self::Accept if case.joint => Power::Coordinate,
            Self::Accept | Self::Deem | Self::Refuse(_) => Power::Handle,
            // Once accepted it is whoever decides that stops its clock, and tells of a hearing what he means to decide.
            Self::Suspend(..) | Self::Resume | Self::TellHearing(_) | Self::WaiveHearing(_) => Power::Decide,
            Self::Finish(n, _) => {
                let step = steps.iter().find(|step| step.n == *n);
                let delegated = step.filter(|step| step.kind != StepKind::Handle).map(|_| DelegatedPower::Report);
                Power::Step { post: step.and_then(|step| step.post_id), delegated }
            }
            Self::Extend(..) => Power::Extend,
            Self::Void(_) => Power::Amend,
            Self::Grant | Self::Deny(_) => Power::Decide,
            Self::Issue(_) | Self::Withdraw => Power::Issue,
        }
    }

    /// The states in which it is made.
    #[must_use]
    pub const fn from(&self) -> &'static [CaseState] {
        match self {
            Self::Accept | Self::Deem => &[CaseState::Received],
            Self::Refuse(_) => &[CaseState::Received, CaseState::Supplement],
            Self::Grant | Self::Deny(_) | Self::Suspend(..) | Self::Extend(..) | Self::Finish(..) => {
                &[CaseState::Accepted]
            }
            Self::TellHearing(_) | Self::WaiveHearing(_) => &[CaseState::Accepted],
            Self::Resume => &[CaseState::Suspended],
            Self::Issue(_) => &[CaseState::Granted],
            Self::Withdraw | Self::Void(_) => {
                use CaseState::{Accepted, Granted, Received, Supplement, Suspended};
                &[Received, Supplement, Accepted, Suspended, Granted]
            }
        }
    }

    /// The state that it brings, and what is written down of it.
    #[must_use]
    pub const fn brings(&self) -> (CaseState, CaseEventKind) {
        match self {
            Self::Accept => (CaseState::Accepted, CaseEventKind::Accepted),
            Self::Deem => (CaseState::Accepted, CaseEventKind::DeemedAccepted),
            Self::Finish(..) => (CaseState::Accepted, CaseEventKind::StepFinished),
            Self::TellHearing(_) => (CaseState::Accepted, CaseEventKind::HearingTold),
            Self::WaiveHearing(_) => (CaseState::Accepted, CaseEventKind::HearingWaived),
            Self::Suspend(..) => (CaseState::Suspended, CaseEventKind::Suspended),
            Self::Resume => (CaseState::Accepted, CaseEventKind::Resumed),
            Self::Extend(..) => (CaseState::Accepted, CaseEventKind::Extended),
            Self::Refuse(_) => (CaseState::Refused, CaseEventKind::Refused),
            Self::Grant => (CaseState::Granted, CaseEventKind::Granted),
            Self::Deny(_) => (CaseState::Denied, CaseEventKind::Denied),
            Self::Issue(_) => (CaseState::Issued, CaseEventKind::Issued),
            Self::Withdraw => (CaseState::Withdrawn, CaseEventKind::Withdrawn),
            Self::Void(_) => (CaseState::Void, CaseEventKind::Void),
        }
    }

    /// What is written down of it in words.
    fn words(&self) -> Result<Option<String>> {
        Ok(match self {
            Self::Refuse(no) | Self::Deny(no) => Some(check_ground(&no.ground)?.to_owned()),
            Self::Extend(_, ground, None)
            | Self::Void(ground)
            | Self::TellHearing(ground)
            | Self::WaiveHearing(ground) => Some(check_ground(ground)?.to_owned()),
            Self::Extend(_, ground, Some(approval)) => {
                Some(format!("经乡政府负责人批准（{}）：{}", approval.trim(), check_ground(ground)?))
            }
            Self::Finish(_, opinion) => step::check_opinion(opinion)?,
            Self::Suspend(procedure, words) => {
                Some(format!("{}：{}", procedure_name(*procedure), check_ground(words)?))
            }
            Self::Accept | Self::Deem | Self::Grant | Self::Issue(_) | Self::Resume | Self::Withdraw => None,
        })
    }

    /// The case as it stands after it, and what is written down of it.
    ///
    /// # Errors
    /// `ground_needed`, `steps_open`, `wrong_step`, `hearing_first`, the refusals of an extension and of a filing.
    pub fn made(&self, act: &Act, whole: Whole, ground: &Ground, under: Option<Under>) -> Result<Made> {
        let (today, (state, kind), calendar) = (act.now.date(), self.brings(), &*ground.calendar);
        let (mut next, mut steps) = (Model { state, ..whole.case }, whole.steps);
        taken_up(&mut next, under, &ground.posts);
        match self {
            Self::Accept | Self::Deem => {
                let from = if *self == Self::Deem { next.received_at.date() } else { today };
                let deadline = next.limit_days.map(|n| calendar.add(from, n.unsigned_abs()));
                next.accepted_on = Some(from);
                next.due_on = deadline.map(|d| d.on);
                next.due_provisional = deadline.is_some_and(|d| d.provisional);
                steps = step::begun(act, &next, ground);
            }
            Self::Finish(n, _) => step::finish(act, &next, &mut steps, *n, calendar)?,
            Self::TellHearing(_) => next.hearing_until = Some(calendar.add(today, HEARING_DAYS).on),
            // Nothing is waited for any longer.
            Self::WaiveHearing(_) if next.hearing_until.is_none() => return Err(HEARING_FIRST.into()),
            Self::WaiveHearing(_) => next.hearing_until = today.checked_sub_days(Days::new(1)),
            Self::Refuse(_) => next.decided_on = Some(today),
            Self::Grant | Self::Deny(_) => {
                if let Some(open) = step::open_before_decision(&steps) {
                    return Err(STEPS_OPEN.with(&[("step", &open.name)]).into());
                }
                let heard = !ground.content.hearing || next.hearing_until.is_some_and(|until| until < today);
                if matches!(self, Self::Deny(_)) && !heard {
                    return Err(HEARING_FIRST.into());
                }
                next.decided_on = Some(today);
                step::finish_decision(act, &mut steps);
            }
            // Nobody holds a hearing of which its applicant was not told; for asking for it he has the same days.
            Self::Suspend(SpecialProcedure::Hearing, _) if next.hearing_until.is_none() => {
                return Err(HEARING_FIRST.into());
            }
            Self::Suspend(..) => next.suspended_on = Some(today),
            Self::Resume => {
                let stood = next.suspended_on.take().map_or(0, |since| calendar.working_days(since, today));
                clock::lengthen(&mut next, calendar, stood);
                step::lengthen(&next, &mut steps, calendar, stood);
            }
            Self::Extend(days, _, approval) => {
                if next.extended_on.is_some() {
                    return Err(EXTENDED_BEFORE.into());
                }
                let most = if next.joint { joint::LONGEST_EXTENSION } else { LONGEST_EXTENSION };
                if next.due_on.is_none() || !(1..=most).contains(days) {
                    return Err(BAD_EXTENSION.with(&[("most", &most)]).on("days").into());
                }
                let approved = approval.as_deref().map(|number| (2..=60).contains(&number.trim().chars().count()));
                if approved != next.joint.then_some(true) {
                    return Err(APPROVAL_NEEDED.on("approval").into());
                }
                if next.due_on.is_some_and(|due| today > due) {
                    return Err(TOO_LATE_TO_EXTEND.into());
                }
                next.extended_on = Some(today);
                clock::lengthen(&mut next, calendar, *days);
                step::lengthen(&next, &mut steps, calendar, *days);
            }
            Self::Issue(_) | Self::Withdraw | Self::Void(_) => {}
        }
        // Taken back meanwhile, it stands still no longer.
        next.suspended_on = next.suspended_on.filter(|_| next.state == CaseState::Suspended);
        if is_end(next.state) {
            next.ended_at = Some(act.now);
            step::close(act, &mut steps);
        }
        next.post_id = step::in_hand(&next, &steps);
        let words = self.words()?;
        let step = if let Self::Finish(n, _) = self { Some(*n) } else { None };
        let handing = if let Self::Issue(handing) = self { Some(*handing) } else { None };
        let happening = Happening { words: words.as_deref(), step, handing, ..Happening::of(kind, under) };
        let event = happening.written(act, &next)?;
        let negative = match self {
            Self::Refuse(no) | Self::Deny(no) => Some(negative::filed(act, &event, no, &ground.content)?),
            _ => None,
        };
        let fetched = matches!(self, Self::Issue(Handing::Counter));
        let trip = fetched.then(|| trip::of_fetching(act, &next)).flatten();
        Ok(Made { whole: Whole { case: next, steps }, event, negative, trip })
    }
}

/// What came online for the windows is that window's which goes on with it.
pub(super) fn taken_up(case: &mut Model, under: Option<Under>, posts: &Posts) {
    let at = under.and_then(|under| posts.of(under.standing.post)).filter(|post| post.row.kind == PostKind::Window);
    if let (None, Some(window)) = (case.window_id, at) {
        case.window_id = Some(window.row.id);
    }
}

/// True for a state in which nothing more is done.
#[must_use]
pub const fn is_end(state: CaseState) -> bool {
    use CaseState::{Denied, Issued, Refused, Void, Withdrawn};
    matches!(state, Refused | Denied | Issued | Withdrawn | Void)
}

/// Makes a move with a case.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `wrong_state`, and those of the move itself.
pub async fn advance(act: &Act, number: &str, made: &Move) -> Result<Model> {
    let sight = match made {
        Move::Withdraw => Sight::acting(act).await?,
        _ => colleague(act).await?,
    };
    let case = super::look::hold(act, number, &sight).await?;
    let steps = step::of(&*act.tx, &case).await?;
    let under = match sight.viewer() {
        Viewer::Staff(_) => Some(sight.under(&case, made.power(&case, &steps))?),
        // Only what is shown in full is a resident's own to take back.
        Viewer::Resident(_) if sight.in_full(&case) => None,
        Viewer::Resident(_) => return Err(UNKNOWN_CASE.into()),
    };
    // What cannot be done at all is said before what is wrong in it.
    if !made.from().contains(&case.state) {
        return Err(WRONG_STATE.with(&[("state", &state_name(case.state))]).into());
    }
    match made {
        Move::Grant => owed::ensure_none_follows(&*act.tx, &case).await?,
        Move::Issue(_) => custody::ensure_file_is_back(act, &case).await?,
        Move::Refuse(no) if no.cause == NegativeCause::Incomplete => supplement::ensure_over(act, &case).await?,
        _ => {}
    }
    let ground = Ground::of(act, &case).await?;
    let next = make(act, Whole { case, steps }, made, &ground, under).await?;
    if !matches!(made, Move::Finish(..) | Move::TellHearing(_) | Move::WaiveHearing(_)) {
        // What was said of where it stood, and has not gone out, is no longer true.
        notice::withdraw(act, next.id).await?;
    }
    tell::of_move(act, &next, made).await?;
    Ok(next)
}

/// Makes a move and writes it down.
pub(super) async fn make(act: &Act, whole: Whole, made: &Move, ground: &Ground, under: Option<Under>) -> Result<Model> {
    let before = whole.steps.clone();
    let Made { whole: Whole { case: next, steps }, event, negative, trip } = made.made(act, whole, ground, under)?;
    turn(act, &next, made.from()).await?;
    let event = act.insert(event).await?;
    step::write(act, &before, steps).await?;
    let negative = match negative {
        Some(negative) => Some(act.insert(negative).await?),
        None => None,
    };
    paper::of_move(act, &next, &event, (made, negative.as_ref(), &ground.content)).await?;
    if let Some(trip) = trip {
        trip::record(act, trip).await?;
    }
    Ok(next)
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
        .col_expr(Column::HearingUntil, Expr::value(next.hearing_until))
        .col_expr(Column::DecidedOn, Expr::value(next.decided_on))
        .col_expr(Column::WindowId, Expr::value(next.window_id))
        .col_expr(Column::PostId, Expr::value(next.post_id))
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
