//! The steps of a case (环节, article 4.4): those of the version it began under, each at its post and in its time, and its decision.
//!
//! They begin with acceptance, one after the other, or beside one another where the version says so. A decision waits for those before it. A step that is late is charged to its post
//! and to whoever holds the post when it is found late (articles 4.5, 5.3.2b); the decision of a case is its last step, so a case
//! that is late is charged like any other.

use super::advance::Ground;
use super::{BAD_OPINION, WRONG_STEP};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::{self, Calendar};
use crate::domain::cover::Cover;
use crate::domain::post::{self, Post, Posts};
use chrono::NaiveDate;
use entity::Id;
use entity::case::step::{Column, Entity, Model};
use entity::case::{CaseState, Model as Case};
use entity::guide::StepKind;
use entity::post::{Letter, PostKind};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::collections::{BTreeSet, HashMap};

/// Name of the step that ends each case.
const DECISION: &str = "作出决定";

/// The steps of a case that is accepted: the first has begun.
pub(super) fn begun(act: &Act, case: &Case, ground: &Ground) -> Vec<Model> {
    let on = case.accepted_on.unwrap_or_else(|| act.now.date());
    let model = |n, stage, name: &str, kind, post_id, limit_days| Model {
        id: act.id(),
        centre_id: act.centre.id,
        case_id: case.id,
        n,
        stage,
        name: name.to_owned(),
        kind,
        post_id,
        limit_days,
        begun_on: None,
        due_on: None,
        finished_at: None,
        closed_at: None,
        charged_on: None,
        charged_id: None,
    };
    let flow = &ground.content.flow;
    // A post that was given up since is replaced by the one that decides.
    let deciding = deciding(&ground.posts, case, on);
    let post = |code: &str| ground.posts.named(code, on).ok().map(|post| post.row.id).or(deciding);
    let (mut steps, mut stage) = (Vec::with_capacity(flow.len() + 1), 0);
    for (n, step) in (1..).zip(flow) {
        stage += i32::from(!step.parallel || n == 1);
        steps.push(model(n, stage, &step.name, step.kind, post(&step.post), Some(step.days)));
    }
    let last = i32::try_from(flow.len()).unwrap_or(i32::MAX).saturating_add(1);
    steps.push(model(last, stage + 1, DECISION, StepKind::Decide, deciding, None));
    begin(&mut steps, 1, case, on, &ground.calendar);
    steps
}

/// The post that decides: its office's, else the chief representative's.
fn deciding(posts: &Posts, case: &Case, on: NaiveDate) -> Option<Id> {
    let of = |kind| {
        let takes = |post: &&Post| post.row.kind == kind && post.takes(case.guide_id, case.office_id);
        posts.on(on).find(takes).map(|post| post.row.id)
    };
    of(PostKind::Office).or_else(|| of(PostKind::Chief))
}

fn begin(steps: &mut [Model], stage: i32, case: &Case, on: NaiveDate, calendar: &Calendar) {
    for step in steps.iter_mut().filter(|step| step.stage == stage) {
        step.begun_on = Some(on);
        step.due_on = match step.limit_days {
            Some(days) => Some(calendar.add(on, days.unsigned_abs()).on),
            None => case.due_on,
        };
    }
}

/// Finishes a step whose turn it is; the next stage begins when it was the last of its own.
pub(super) fn finish(act: &Act, case: &Case, steps: &mut [Model], n: i32, calendar: &Calendar) -> Result<()> {
    let step = steps.iter_mut().find(|step| step.n == n && is_under_way(step) && step.kind != StepKind::Decide);
    let step = step.ok_or_else(|| WRONG_STEP.on("n"))?;
    (step.finished_at, step.closed_at) = (Some(act.now), Some(act.now));
    let stage = step.stage;
    if !steps.iter().any(|step| step.stage == stage && is_under_way(step)) {
        begin(steps, stage + 1, case, act.now.date(), calendar);
    }
    Ok(())
}

/// A step that must be done before a decision.
pub(super) fn open_before_decision(steps: &[Model]) -> Option<&Model> {
    steps.iter().find(|step| step.kind != StepKind::Decide && step.finished_at.is_none())
}

pub(super) fn finish_decision(act: &Act, steps: &mut [Model]) {
    for step in steps.iter_mut().filter(|step| step.kind == StepKind::Decide) {
        (step.finished_at, step.closed_at) = (Some(act.now), Some(act.now));
    }
}

/// Gives the steps under way the days by which the case's limit is longer.
pub(super) fn lengthen(case: &Case, steps: &mut [Model], calendar: &Calendar, days: u32) {
    for step in steps.iter_mut().filter(|step| is_under_way(step)) {
        step.due_on = match step.limit_days {
            Some(_) => step.due_on.map(|due| calendar.add(due, days).on),
            None => case.due_on,
        };
    }
}

/// Ends what is open: its case has ended.
pub(super) fn close(act: &Act, steps: &mut [Model]) {
    for step in steps.iter_mut().filter(|step| step.closed_at.is_none()) {
        step.closed_at = Some(act.now);
    }
}

/// Opens again what was closed since a moment, with a case that goes on after all.
pub(super) fn reopen(steps: &mut [Model], case: &Case) {
    let undecided = case.decided_on.is_none();
    for step in steps {
        if step.kind == StepKind::Decide && undecided {
            step.finished_at = None;
        }
        step.closed_at = step.finished_at;
    }
}

/// The post that has a case in hand; of the posts that have parts of it at once, the first.
pub(super) fn in_hand(case: &Case, steps: &[Model]) -> Option<Id> {
    match case.state {
        CaseState::Received | CaseState::Supplement | CaseState::Granted => case.window_id,
        CaseState::Accepted | CaseState::Suspended => {
            steps.iter().find(|step| is_under_way(step)).and_then(|step| step.post_id)
        }
        _ => None,
    }
}

/// The posts that have each of some cases in hand; of a joint one all whose parts are under way.
///
/// # Errors
/// Whatever the database says.
pub async fn posts_in_hand(db: &impl ConnectionTrait, cases: &[Case]) -> Result<HashMap<Id, BTreeSet<Id>>> {
    let mut posts: HashMap<Id, BTreeSet<Id>> =
        cases.iter().map(|case| (case.id, case.post_id.into_iter().collect())).collect();
    let joint: Vec<Id> = cases.iter().filter(|case| case.joint).map(|case| case.id).collect();
    if !joint.is_empty() {
        let under_way = Entity::find().filter(Column::CaseId.is_in(joint)).filter(Column::BegunOn.is_not_null());
        for step in under_way.filter(Column::FinishedAt.is_null()).filter(Column::ClosedAt.is_null()).all(db).await? {
            posts.entry(step.case_id).or_default().extend(step.post_id);
        }
    }
    Ok(posts)
}

/// True for a step whose turn it is.
#[must_use]
pub const fn is_under_way(step: &Model) -> bool {
    step.begun_on.is_some() && step.finished_at.is_none()
}

/// The opinion that goes with a finished step.
pub(super) fn check_opinion(opinion: &str) -> Result<Option<String>> {
    let opinion = opinion.trim();
    if opinion.chars().count() > 500 {
        return Err(BAD_OPINION.on("words").into());
    }
    Ok(Some(opinion.to_owned()).filter(|opinion| !opinion.is_empty()))
}

/// The steps of a case, in their order.
///
/// # Errors
/// Whatever the database says.
pub async fn of(db: &impl ConnectionTrait, case: &Case) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::CaseId.eq(case.id)).order_by_asc(Column::N).all(db).await?)
}

/// Writes down what changed of the steps of a case.
pub(super) async fn write(act: &Act, before: &[Model], after: Vec<Model>) -> Result<()> {
    let known = |step: &Model| before.iter().find(|known| known.id == step.id);
    let (old, new): (Vec<Model>, Vec<Model>) = after.into_iter().partition(|step| known(step).is_some());
    for step in old.into_iter().filter(|step| known(step) != Some(step)) {
        Entity::update_many()
            .col_expr(Column::BegunOn, Expr::value(step.begun_on))
            .col_expr(Column::DueOn, Expr::value(step.due_on))
            .col_expr(Column::FinishedAt, Expr::value(step.finished_at))
            .col_expr(Column::ClosedAt, Expr::value(step.closed_at))
            .filter(Column::Id.eq(step.id))
            .exec(&*act.tx)
            .await?;
    }
    act.insert_all(new).await
}

/// The last day of a case moved: so does that of its decision, if it is under way.
pub(super) async fn redate(act: &Act, case: &Case) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::DueOn, Expr::value(case.due_on))
        .filter(Column::CaseId.eq(case.id))
        .filter(Column::Kind.eq(StepKind::Decide))
        .filter(Column::ClosedAt.is_null())
        .filter(Column::BegunOn.is_not_null())
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Charges steps that are late to whoever holds their post now, once each; where nobody does, to its A, whose post it is. Safe to
/// repeat. Of a case whose clock stands still nothing is late.
///
/// # Errors
/// Whatever the database says.
pub async fn charge_late(act: &Act) -> Result<()> {
    let today = act.now.date();
    let late = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::ClosedAt.is_null())
        .filter(Column::BegunOn.is_not_null())
        .filter(Column::DueOn.lt(today))
        .filter(Column::ChargedOn.is_null())
        .filter(Column::CaseId.in_subquery(running(act.centre.id)))
        .all(&*act.tx)
        .await?;
    if late.is_empty() || !calendar::of(&*act.tx, &act.centre).await?.is_working_day(today) {
        return Ok(());
    }
    let cover = Cover::at(&*act.tx, &act.centre, act.now).await?;
    let posts = post::all(&*act.tx, &act.centre).await?;
    for step in late {
        let Some(post) = step.post_id.and_then(|id| posts.of(id)) else { continue };
        let holder = cover.holder(post).map(|(staff, _)| staff);
        let own = || post.holders(today).find(|holder| holder.letter == Letter::A).map(|holder| holder.staff_id);
        let Some(charged) = holder.or_else(own) else { continue };
        Entity::update_many()
            .col_expr(Column::ChargedOn, Expr::value(today))
            .col_expr(Column::ChargedId, Expr::value(charged))
            .filter(Column::Id.eq(step.id))
            .filter(Column::ChargedOn.is_null())
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}

/// Cases whose clock runs.
fn running(centre: Id) -> sea_orm::sea_query::SelectStatement {
    use entity::case::{CaseState, Column as C, Entity as Cases};
    use sea_orm::{QuerySelect as _, QueryTrait as _};
    let running = Cases::find().select_only().column(C::Id).filter(C::CentreId.eq(centre));
    running.filter(C::State.eq(CaseState::Accepted)).into_query()
}

/// Under which numbers the steps under way are of cases at some posts, for whoever holds them.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn under_way(db: &impl ConnectionTrait, centre: Id, until: NaiveDate) -> Result<Vec<Model>> {
    let open = Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::ClosedAt.is_null())
        .filter(Column::BegunOn.is_not_null())
        .filter(Column::DueOn.lte(until))
        .filter(Column::CaseId.in_subquery(running(centre)));
    Ok(open.all(db).await?)
}
