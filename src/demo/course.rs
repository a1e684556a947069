//! The course of a case (办理经过), from its receipt to its review, as far as time allows.

use super::dice::Dice;
use super::draw::Stage;
use super::people::comment;
use crate::domain::StaffMember;
use crate::domain::case::{Handing, Move, No};
use crate::domain::guide::Guide;
use crate::domain::review::{Opinion, tags_of};
use chrono::Duration;
use entity::Time;
use entity::case::{Channel, NegativeCause};
use entity::guide::ItemKind;
use entity::identity::Role;
use entity::review::ReviewChannel;
use std::sync::Arc;

/// What becomes of a case.
pub struct Course {
    /// When it is taken in.
    pub received: Time,
    /// Who takes it in.
    pub window: Arc<StaffMember>,
    /// How it comes.
    pub channel: Channel,
    /// The steps taken with it.
    pub steps: Vec<Done>,
    /// How it is rated, if it is.
    pub review: Option<Rated>,
}

/// A step that is taken.
pub struct Done {
    /// When.
    pub at: Time,
    /// Who takes it.
    pub by: Arc<StaffMember>,
    /// The step.
    pub step: Move,
}

/// A review that is given.
pub struct Rated {
    /// When.
    pub at: Time,
    /// What is said.
    pub opinion: Opinion,
    /// By link or code.
    pub channel: ReviewChannel,
}

/// Draws the course of a case that is taken in at a moment.
pub(super) fn course(stage: &Stage<'_>, received: Time, guide: &Guide) -> Course {
    let dice = stage.dice;
    let window = stage.staff_of(Role::Window, None);
    let channel = if dice.chance(6) { Channel::HomeVisit } else { Channel::Window };
    let mut steps = steps(stage, received, guide, &window);
    steps.retain(|done| done.at <= stage.now);
    let ended = steps.last().filter(|done| matches!(done.step, Move::Refuse(_) | Move::Deny(_) | Move::Issue(_)));
    let review = ended.and_then(|end| rated(dice, end.at)).filter(|rated| rated.at <= stage.now);
    Course { received, window, channel, steps, review }
}

/// The steps of a case, also those that are ahead.
fn steps(stage: &Stage<'_>, received: Time, guide: &Guide, window: &Arc<StaffMember>) -> Vec<Done> {
    let dice = stage.dice;
    // A made-up township has made-up cases; no statute is cited for them.
    let basis = || Some("本中心办事指南载明的办理对象和条件。".to_owned());
    let soon = received + Duration::minutes(dice.between(3, 25).into());
    let accepted = if dice.chance(85) { soon } else { next_day(stage, received) };
    let by_window = |at, step| Done { at, by: Arc::clone(window), step };
    match dice.between(1, 100) {
        1..=2 => {
            let ground = "户籍不在本乡，请向户籍所在地乡镇申请。";
            let no = No {
                cause: NegativeCause::NotOurs,
                basis: basis(),
                elsewhere: Some("户籍所在地乡镇公共服务中心".to_owned()),
                ..No::unqualified(ground)
            };
            return vec![by_window(accepted, Move::Refuse(no))];
        }
        3..=4 => return vec![by_window(accepted + Duration::hours(1), Move::Withdraw)],
        _ => {}
    }
    let instant = guide.version.content.kind == Some(ItemKind::Instant);
    let limit = guide.limit_days().unwrap_or(8);
    let days = if dice.chance(4) {
        limit + 1 + dice.between(0, 2)
    } else if instant {
        0
    } else {
        dice.between(1, limit.clamp(1, 12)).min(limit)
    };
    let decided = match days {
        0 => accepted + Duration::minutes(dice.between(4, 15).into()),
        _ => Time::at(stage.calendar.add(accepted.date(), days.unsigned_abs()).on, dice.between(570, 690)),
    };
    let office = if instant { Arc::clone(window) } else { stage.staff_of(Role::Office, Some(guide.row.office_id)) };
    let mut steps = vec![by_window(accepted, Move::Accept)];
    if !instant && dice.chance(3) {
        let ground = "家庭人均收入超过保障标准，不符合条件。";
        let no = No { basis: basis(), ..No::unqualified(ground) };
        steps.push(Done { at: decided, by: office, step: Move::Deny(no) });
        return steps;
    }
    steps.push(Done { at: decided, by: office, step: Move::Grant });
    let issued = if instant { decided + Duration::minutes(3) } else { next_day(stage, decided) };
    steps.push(by_window(issued, Move::Issue(Handing::Counter)));
    steps
}

/// In the morning of the next working day.
fn next_day(stage: &Stage<'_>, at: Time) -> Time {
    Time::at(stage.calendar.add(at.date(), 1).on, stage.dice.between(9 * 60 + 5, 11 * 60))
}

/// Two in five rate, most of them well.
fn rated(dice: Dice<'_>, ended: Time) -> Option<Rated> {
    let at = ended + Duration::minutes(dice.between(10, 60 * 30).into());
    if !dice.chance(42) {
        return None;
    }
    let grade = match dice.between(1, 100) {
        1..=68 => 5,
        69..=86 => 4,
        87..=94 => 3,
        95..=97 => 2,
        _ => 1,
    };
    let tags = tags_of(grade).iter().filter(|_| dice.chance(25)).map(|t| t.code.clone()).collect();
    let channel = if dice.chance(60) { ReviewChannel::Link } else { ReviewChannel::Code };
    let opinion = Opinion { grade, tags, comment: comment(dice, grade), anonymous: dice.chance(20), checked: None };
    Some(Rated { at, opinion, channel })
}
