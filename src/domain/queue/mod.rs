//! The queue (排队叫号): tickets of a hall, called to its desks.
//!
//! A ticket waits until a desk calls it: `waiting → called → served`, by way of `missed`, `parked` and back to `waiting`. One
//! taken from afar is `remote` until its holder is there. Among those who wait, the one with the earliest turn is next, and a
//! turn is a moment that everybody can be told: for most, when they came. It is saved before it is printed, and a display
//! that learns nothing says so: a queue that cannot be read is not an empty one.

use crate::base::{Kind, Refusal};
use chrono::Duration;
use entity::Time;
use entity::queue::{Priority, TicketState};

mod call;
mod issue;
mod look;

pub use call::{call, call_next, end, miss, park, recall, resume, transfer};
pub use issue::{Wish, arrive, arrive_by_booking, end_day, issue, mark_printed, void};
pub use look::{Basis, Board, Called, Estimate, Line, Seen, board, estimate, open, see, watched_branch};

/// No such ticket, or not yours.
pub const UNKNOWN_TICKET: Refusal = Refusal::new(Kind::Missing, "unknown_ticket", "没有找到这个号。");
/// No such group of desks here.
pub const UNKNOWN_GROUP: Refusal =
    Refusal::new(Kind::Invalid, "unknown_group", "没有这个窗口组，或这个事项没有指定窗口。");
/// The state does not allow this.
pub const WRONG_STATE: Refusal =
    Refusal::new(Kind::Conflict, "wrong_ticket_state", "这个号现在是“{state}”，不能这样操作。");
/// The desk serves somebody.
pub const DESK_BUSY: Refusal =
    Refusal::new(Kind::Conflict, "desk_busy", "本窗口正在办理{number}号，请先办结、过号或暂挂，再叫下一位。");
/// The desk belongs to another group.
pub const OTHER_GROUP: Refusal = Refusal::new(Kind::Conflict, "other_group", "这个号不归本窗口组，请先转过来再叫。");
/// It was called as often as is decent.
pub const CALLED_ENOUGH: Refusal = Refusal::new(Kind::Conflict, "called_enough", "已经叫过{n}次，可以过号了。");
/// All numbers of the band are given.
pub const BAND_FULL: Refusal =
    Refusal::new(Kind::Conflict, "band_full", "今天{name}的号已经发完，请直接到窗口或改天再来。");
/// The hall receives nobody any more today.
pub const HALL_CLOSED: Refusal =
    Refusal::new(Kind::Invalid, "hall_closed", "今天这个时间以后大厅不再办理，请看上班时间或预约改天。").article("4.9");
/// One has a number there already.
pub const HAS_TICKET: Refusal = Refusal::new(Kind::Conflict, "has_ticket", "您今天在这里已经取过号，还没有办完。");
/// The code is not the one that the hall shows.
pub const WRONG_HALL_CODE: Refusal =
    Refusal::new(Kind::Invalid, "wrong_hall_code", "到场码不对或已过期，请输入大厅签到屏上现在的6位码。");

/// So often a desk calls a ticket before it may be passed over for good.
pub const MOST_CALLS: i32 = 3;

/// Older people and those with a disability wait as if they had come so much earlier.
const PRIORITY: Duration = Duration::minutes(30);
/// Whoever booked waits, from his time on, as if he had come so much earlier.
const BOOKED: Duration = Duration::minutes(30);
/// Whoever comes so much later than he booked has still come in time.
const LATE: Duration = Duration::minutes(15);
/// Whoever took a number from afar waits as if he had come when he took it, but not by more than this.
const REMOTE: Duration = Duration::minutes(30);

/// The turn of someone who is there from a moment on.
fn turn(arrived: Time, booked: Option<Time>, remote: Option<Time>, priority: Priority) -> Time {
    let by_booking = booked.filter(|starts_at| arrived <= *starts_at + LATE).map(|starts_at| starts_at - BOOKED);
    let by_remote = remote.map(|taken| Ord::max(taken, arrived - REMOTE));
    let by_priority = (priority != Priority::None).then_some(arrived - PRIORITY);
    // Whoever booked and comes early has no turn before his time, unless he would have one without a booking.
    [by_remote, by_priority, by_booking].into_iter().flatten().fold(arrived, Ord::min)
}

/// A state in words.
#[must_use]
pub const fn state_in_words(state: TicketState) -> &'static str {
    match state {
        TicketState::Remote => "未到场",
        TicketState::Waiting => "等候",
        TicketState::Called => "正在办理",
        TicketState::Parked => "暂挂",
        TicketState::Missed => "过号",
        TicketState::Served => "已办",
        TicketState::Void => "作废",
        TicketState::Lapsed => "当天未办",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn at(minute: i32) -> Time {
        Time::at(NaiveDate::from_ymd_opt(2026, 11, 25).unwrap(), minute)
    }

    #[test]
    fn turns_are_moments_that_can_be_told() {
        let nine = 9 * 60;
        assert_eq!(turn(at(nine), None, None, Priority::None), at(nine), "as he came");
        assert_eq!(turn(at(nine), None, None, Priority::Elder), at(nine - 30));
        assert_eq!(turn(at(nine - 5), Some(at(nine)), None, Priority::None), at(nine - 30), "booked, and in time");
        assert_eq!(
            turn(at(nine + 15), Some(at(nine)), None, Priority::None),
            at(nine - 30),
            "a quarter late is in time"
        );
        assert_eq!(
            turn(at(nine + 16), Some(at(nine)), None, Priority::None),
            at(nine + 16),
            "later is as if not booked"
        );
        assert_eq!(turn(at(nine), Some(at(nine + 120)), None, Priority::None), at(nine), "early is as if not booked");
        assert_eq!(turn(at(nine), None, Some(at(nine - 10)), Priority::None), at(nine - 10), "as he took it");
        assert_eq!(
            turn(at(nine), None, Some(at(nine - 90)), Priority::None),
            at(nine - 30),
            "but half an hour at most"
        );
    }

    proptest! {
        #[test]
        fn nobody_gains_more_than_three_quarters_of_an_hour_and_nobody_loses(
            arrived in 480i32..1080, booked in prop::option::of(480i32..1080), early in prop::option::of(0i32..600), old in any::<bool>(),
        ) {
            let priority = if old { Priority::Elder } else { Priority::None };
            let turn = turn(at(arrived), booked.map(at), early.map(|e| at(arrived - e)), priority);
            prop_assert!(turn <= at(arrived) && turn >= at(arrived - 45));
        }
    }
}
