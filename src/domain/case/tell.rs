//! What an applicant is told by text of his case, and staff of what waits for them.

use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::{self, day_in_words};
use crate::domain::identity::staff;
use crate::domain::notice::{self, Message};
use crate::domain::{applicant, guide};
use chrono::{Days, Duration, NaiveDate};
use entity::case::{CaseState, Column, Entity, Model};
use entity::identity::Role;
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

/// A case that goes on at once is not told step by step: what has not gone out when the next step is done is withdrawn.
const PATIENCE: Duration = Duration::minutes(3);
/// When staff are told what waits for them, in minutes past midnight: before the doors open.
const MORNING: (i32, i32) = (8 * 60, 10 * 60);
/// Days after a deadline for which its having passed is still told.
const LATE: Days = Days::new(7);

/// It was taken in.
pub(super) async fn received(act: &Act, case: &Model) -> Result<()> {
    let key = format!("case.received/{}", case.id);
    say(act, case, key, &notice::RECEIVED, &[], act.now + PATIENCE, act.now + Duration::days(2)).await
}

/// It was accepted, and is to be done by a day.
pub(super) async fn accepted(act: &Act, case: &Model) -> Result<()> {
    let Some(due_on) = case.due_on else { return Ok(()) };
    let (key, until) = (format!("case.accepted/{}", case.id), [("until", day_in_words(due_on))]);
    say(act, case, key, &notice::ACCEPTED, &until, act.now + PATIENCE, act.now + Duration::days(2)).await
}

/// Its result can be fetched.
pub(super) async fn granted(act: &Act, case: &Model) -> Result<()> {
    let (key, place) = (format!("case.granted/{}", case.id), [("place", act.centre.address.clone())]);
    say(act, case, key, &notice::GRANTED, &place, act.now, act.now + Duration::days(30)).await
}

/// Its deadline was computed anew.
pub(super) async fn redated(act: &Act, case: &Model, on: NaiveDate) -> Result<()> {
    let until = Time::at(on, 0).max(act.now + Duration::days(1));
    let key = format!("case.redated/{}/{on}", case.id);
    say(act, case, key, &notice::REDATED, &[("until", day_in_words(on))], act.now, until).await
}

/// Apologises for cases whose deadline has passed, once for each deadline. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn tell_overdue(act: &Act) -> Result<()> {
    let today = act.now.date();
    let late = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.is_in([CaseState::Received, CaseState::Accepted]))
        .filter(Column::DueOn.lt(today))
        .filter(Column::DueOn.gte(today - LATE))
        .all(&*act.tx)
        .await?;
    let keyed = late.into_iter().filter_map(|case| {
        let due_on = case.due_on?;
        Some((format!("case.overdue/{}/{due_on}", case.id), due_on, case))
    });
    let keyed: Vec<_> = keyed.collect();
    let told = notice::said(&*act.tx, act.centre.id, keyed.iter().map(|(key, ..)| key.clone())).await?;
    for (key, due_on, case) in keyed.into_iter().filter(|(key, ..)| !told.contains(key)) {
        let until = [("until", day_in_words(due_on))];
        say(act, &case, key, &notice::OVERDUE, &until, act.now, act.now + Duration::days(3)).await?;
    }
    Ok(())
}

/// Tells staff in the morning of a working day what is due that day and what is late, once a day, where there is something.
/// An office is told of its own cases, windows and director of all. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn tell_tasks(act: &Act) -> Result<()> {
    let today = act.now.date();
    let (from, until) = (Time::at(today, MORNING.0), Time::at(today, MORNING.1));
    if act.now < from || act.now >= until || !calendar::of(&*act.tx, &act.centre).await?.is_working_day(today) {
        return Ok(());
    }
    let staff = staff::told(act, today).await?;
    let key = |of: &entity::identity::staff::Model| format!("staff.tasks/{}/{today}", of.id);
    let told = notice::said(&*act.tx, act.centre.id, staff.iter().map(|(of, _)| key(of))).await?;
    let staff: Vec<_> = staff.into_iter().filter(|(of, _)| !told.contains(&key(of))).collect();
    if staff.is_empty() {
        return Ok(());
    }
    let open: Vec<(Id, NaiveDate)> = Entity::find()
        .select_only()
        .columns([Column::OfficeId, Column::DueOn])
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.is_in([CaseState::Received, CaseState::Accepted]))
        .filter(Column::DueOn.lte(today))
        .into_tuple()
        .all(&*act.tx)
        .await?;
    let mut tasks = Vec::new();
    for (of, phone) in &staff {
        let roles = of.roles();
        let is = |some: [Role; 2]| roles.iter().any(|role| some.contains(role));
        let (all, office) = (is([Role::Window, Role::Director]), is([Role::Office, Role::OfficeHead]));
        let his = open.iter().filter(|(office_id, _)| all || (office && of.office_id == Some(*office_id)));
        let (late, due) =
            his.fold((0, 0), |(late, due), (_, on)| if *on < today { (late + 1, due) } else { (late, due + 1) });
        if late + due == 0 {
            continue;
        }
        tasks.push((of, phone, [("due", due.to_string()), ("late", late.to_string())]));
    }
    let messages = tasks.iter().map(|(of, phone, values)| Message {
        key: key(of),
        kind: &notice::TASKS,
        phone,
        values,
        about: of.id,
        due_at: act.now,
        expires_at: Time::at(today, 12 * 60),
    });
    let messages = messages.collect();
    notice::put(act, notice::compose(act, messages).await?).await
}

/// Says something to the applicant, if he can be told by text: matter, number and telephone, and more values.
async fn say(
    act: &Act,
    case: &Model,
    key: String,
    kind: &'static notice::Kind,
    more: &[(&'static str, String)],
    due_at: Time,
    expires_at: Time,
) -> Result<()> {
    let phone = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?.phone;
    let Some(phone) = phone else { return Ok(()) };
    let item = guide::by_id(&*act.tx, &act.centre, case.guide_id).await?.row.name.clone();
    let known = [("item", item), ("number", case.receipt_number.clone()), ("phone", act.centre.phone.clone())];
    let values = [&known[..], more].concat();
    let message = Message { key, kind, phone: &phone, values: &values, about: case.id, due_at, expires_at };
    notice::say(act, message).await
}
