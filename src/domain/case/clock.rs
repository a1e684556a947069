//! A case's clock (办理期限): its last day, and its lamp.
//!
//! Day 0 is the day of acceptance, and the last day the N-th working day after it; days on which the clock stands still and those by
//! which it was extended are added. A lamp (亮灯) tells how near the last day is, by the settings of the centre.

use super::receive::Happening;
use super::{step, tell};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::{self, Calendar};
use crate::domain::centre::Lamps;
use crate::domain::published::Centre;
use chrono::{Days, NaiveDate};
use entity::Time;
use entity::case::{CaseEventKind, CaseState, Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

entity::word! {
    /// How near the last day of a case is (亮灯).
    Lamp {
        /// There is time.
        Green,
        /// It comes near.
        Yellow,
        /// It is there.
        Red,
        /// It has passed.
        Overdue,
    }
}

impl Lamps {
    /// Those of a centre.
    #[must_use]
    pub fn of(centre: &Centre) -> Self {
        serde_json::from_value(centre.lamps.clone()).unwrap_or_default()
    }

    /// The lamp of a last day.
    #[must_use]
    pub fn at(self, calendar: &Calendar, due: NaiveDate, today: NaiveDate) -> Lamp {
        let fits = |lamp: &Lamp| {
            let (from, until) = self.days(calendar, *lamp, today);
            from.is_none_or(|from| due >= from) && until.is_none_or(|until| due <= until)
        };
        [Lamp::Overdue, Lamp::Red, Lamp::Yellow].into_iter().find(fits).unwrap_or(Lamp::Green)
    }

    /// First and last of the days that have a lamp, as last days of cases.
    #[must_use]
    pub fn days(self, calendar: &Calendar, lamp: Lamp, today: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        // The day before the next working day, and so on.
        let left = |n: u32| calendar.add(today, n + 1).on - Days::new(1);
        let after = |day: NaiveDate| day + Days::new(1);
        let (red, yellow) = (left(self.red), left(self.yellow.max(self.red)));
        match lamp {
            Lamp::Overdue => (None, Some(today - Days::new(1))),
            Lamp::Red => (Some(today), Some(red)),
            Lamp::Yellow => (Some(after(red)), Some(yellow)),
            Lamp::Green => (Some(after(yellow)), None),
        }
    }
}

/// The lamp of a case, as long as it is undecided and its clock runs.
#[must_use]
pub fn lamp(case: &Model, calendar: &Calendar, lamps: Lamps, now: Time) -> Option<Lamp> {
    case.due_on.filter(|_| is_running(case.state)).map(|due| lamps.at(calendar, due, now.date()))
}

/// True in the states in which a limit runs out.
const fn is_running(state: CaseState) -> bool {
    matches!(state, CaseState::Received | CaseState::Accepted)
}

/// True when a case is undecided on its last day.
#[must_use]
pub fn is_due_today(case: &Model, now: Time) -> bool {
    is_running(case.state) && case.due_on == Some(now.date())
}

/// True when a case is undecided after its last day: from the next local midnight on.
#[must_use]
pub fn is_overdue(case: &Model, now: Time) -> bool {
    is_running(case.state) && case.due_on.is_some_and(|due| now.date() > due)
}

/// Makes a limit so many working days longer.
pub(super) fn lengthen(case: &mut Model, calendar: &Calendar, days: u32) {
    case.added_days = case.added_days.saturating_add(i32::try_from(days).unwrap_or(i32::MAX));
    if let Some((on, provisional)) = counted(calendar, case) {
        (case.due_on, case.due_provisional) = (Some(on), provisional);
    }
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
            step::redate(act, &next).await?;
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
