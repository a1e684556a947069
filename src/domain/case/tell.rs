//! What an applicant is told by text of his case.

use super::advance::Move;
use super::procedure_name;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::calendar::day_in_words;
use crate::domain::notice::{self, Message};
use crate::domain::{applicant, guide};
use chrono::{Days, Duration, NaiveDate};
use entity::Time;
use entity::case::{CaseState, Column, Entity, Model};
use entity::guide::ItemKind;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

/// A case that goes on at once is not told step by step: what has not gone out when the next step is done is withdrawn.
const PATIENCE: Duration = Duration::minutes(3);
/// Days after a deadline for which its having passed is still told.
const LATE: Days = Days::new(7);

/// What the applicant is told of where his case stands now; nothing, where he sees it himself or is invited to rate.
#[must_use]
pub fn news(act: &Act, case: &Model, item: &str, phone: &str) -> Option<Message> {
    let (key, news) = stands(act, case)?;
    Some(message(act, case, key, news, item, phone))
}

/// Says the news of a case, if its applicant can be told by text.
pub(super) async fn say_news(act: &Act, case: &Model) -> Result<()> {
    let Some((key, news)) = stands(act, case) else { return Ok(()) };
    let Some((item, phone)) = told(act, case).await? else { return Ok(()) };
    notice::say(act, message(act, case, key, news, &item, &phone)).await
}

/// What there is to say of where a case stands, and under which key.
fn stands(act: &Act, case: &Model) -> Option<(String, News)> {
    let soon = |kind| News { kind, more: None, due_at: act.now + PATIENCE, expires_at: act.now + Duration::days(2) };
    let news = match case.state {
        CaseState::Received => soon(&notice::RECEIVED),
        CaseState::Accepted => News { more: Some(("until", day_in_words(case.due_on?))), ..soon(&notice::ACCEPTED) },
        // A 即办件 is handed over on the spot.
        CaseState::Granted if case.item_kind != Some(ItemKind::Instant) => {
            let more = Some(("place", act.centre.address.clone()));
            News { kind: &notice::GRANTED, more, due_at: act.now, expires_at: act.now + Duration::days(30) }
        }
        CaseState::Withdrawn => {
            News { kind: &notice::WITHDRAWN, more: None, due_at: act.now, expires_at: act.now + Duration::days(7) }
        }
        _ => return None,
    };
    // Said anew where the applicant was put right, and where a decision or an end was undone and came again.
    let ends = matches!(case.state, CaseState::Granted | CaseState::Withdrawn);
    let at = if ends { format!("/{}", act.now.0) } else { String::new() };
    Some((format!("{}/{}/{}{at}", news.kind.word, case.id, case.applicant_id), news))
}

/// Says what a move with a case brings, if its applicant can be told by text.
pub(super) async fn of_move(act: &Act, case: &Model, made: &Move) -> Result<()> {
    match made {
        Move::Suspend(procedure, _) => suspended(act, case, procedure_name(*procedure)).await,
        Move::Resume => moved(act, case, &notice::RESUMED).await,
        Move::Extend(..) => moved(act, case, &notice::EXTENDED).await,
        Move::TellHearing(_) => hearing(act, case).await,
        Move::Void(_) => over(act, case, &notice::VOIDED).await,
        Move::Finish(..) | Move::WaiveHearing(_) => Ok(()),
        _ => say_news(act, case).await,
    }
}

/// He may ask for a hearing.
async fn hearing(act: &Act, case: &Model) -> Result<()> {
    let (Some(until), Some((item, phone))) = (case.hearing_until, told(act, case).await?) else { return Ok(()) };
    let more = Some(("until", day_in_words(until)));
    let news = News { kind: &notice::HEARING, more, due_at: act.now, expires_at: Time::at(until, 24 * 60) };
    notice::say(act, message(act, case, format!("case.hearing/{}/{until}", case.id), news, &item, &phone)).await
}

/// It has ended without a result, or goes on.
async fn over(act: &Act, case: &Model, kind: &'static notice::Kind) -> Result<()> {
    let Some((item, phone)) = told(act, case).await? else { return Ok(()) };
    let news = News { kind, more: None, due_at: act.now, expires_at: act.now + Duration::days(7) };
    notice::say(act, message(act, case, format!("{}/{}/{}", kind.word, case.id, act.now.0), news, &item, &phone)).await
}

/// A mistake was put right, and it goes on.
pub(super) async fn amended(act: &Act, case: &Model) -> Result<()> {
    over(act, case, &notice::AMENDED).await
}

/// Its clock stands still for a special procedure.
async fn suspended(act: &Act, case: &Model, why: &'static str) -> Result<()> {
    let Some((item, phone)) = told(act, case).await? else { return Ok(()) };
    let more = Some(("why", why.to_owned()));
    let news = News { kind: &notice::SUSPENDED, more, due_at: act.now, expires_at: act.now + Duration::days(7) };
    notice::say(act, message(act, case, format!("case.suspended/{}/{}", case.id, act.now.0), news, &item, &phone)).await
}

/// Its last day is another: the clock goes on, or the limit is longer.
async fn moved(act: &Act, case: &Model, kind: &'static notice::Kind) -> Result<()> {
    let (Some(due_on), Some((item, phone))) = (case.due_on, told(act, case).await?) else { return Ok(()) };
    let more = Some(("until", day_in_words(due_on)));
    let news = News { kind, more, due_at: act.now, expires_at: act.now + Duration::days(7) };
    notice::say(act, message(act, case, format!("{}/{}/{due_on}", kind.word, case.id), news, &item, &phone)).await
}

/// Something is missing; said anew where the notice was put right.
pub(super) async fn missing(act: &Act, case: &Model, until: NaiveDate, n: i32) -> Result<()> {
    let Some((item, phone)) = told(act, case).await? else { return Ok(()) };
    let more = Some(("until", day_in_words(until)));
    let news = News { kind: &notice::SUPPLEMENT, more, due_at: act.now, expires_at: Time::at(until, 0) };
    notice::say(act, message(act, case, format!("case.supplement/{}/{n}", case.id), news, &item, &phone)).await
}

/// Its deadline was computed anew.
pub(super) async fn redated(act: &Act, case: &Model, on: NaiveDate) -> Result<()> {
    let Some((item, phone)) = told(act, case).await? else { return Ok(()) };
    let expires_at = Time::at(on, 0).max(act.now + Duration::days(1));
    let more = Some(("until", day_in_words(on)));
    let news = News { kind: &notice::REDATED, more, due_at: act.now, expires_at };
    notice::say(act, message(act, case, format!("case.redated/{}/{on}", case.id), news, &item, &phone)).await
}

/// What is said of a case, besides matter, number and the centre's telephone.
struct News {
    kind: &'static notice::Kind,
    more: Option<(&'static str, String)>,
    due_at: Time,
    expires_at: Time,
}

fn message(act: &Act, case: &Model, key: String, news: News, item: &str, phone: &str) -> Message {
    let known =
        [("item", item.to_owned()), ("number", case.receipt_number.clone()), ("phone", act.centre.phone.clone())];
    let News { kind, more, due_at, expires_at } = news;
    let values = known.into_iter().chain(more).collect();
    let account = case.account_id;
    Message {
        key,
        kind,
        phone: phone.to_owned(),
        values,
        about: case.id,
        account,
        matter_at: case.received_at,
        due_at,
        expires_at,
    }
}

/// The matter of a case and its applicant's telephone, if he has one.
async fn told(act: &Act, case: &Model) -> Result<Option<(String, String)>> {
    let phone = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?.phone;
    let Some(phone) = phone else { return Ok(None) };
    Ok(Some((guide::by_id(&*act.tx, &act.centre, case.guide_id).await?.row.name.clone(), phone)))
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
    let said = notice::said(&*act.tx, act.centre.id, keyed.iter().map(|(key, ..)| key.clone())).await?;
    for (key, due_on, case) in keyed.into_iter().filter(|(key, ..)| !said.contains(key)) {
        let Some((item, phone)) = told(act, &case).await? else { continue };
        let more = Some(("until", day_in_words(due_on)));
        let news = News { kind: &notice::OVERDUE, more, due_at: act.now, expires_at: act.now + Duration::days(3) };
        notice::say(act, message(act, &case, key, news, &item, &phone)).await?;
    }
    Ok(())
}
