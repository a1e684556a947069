//! Saying (通知): in the transaction whose news it is, and for a moment at which people are awake.

use super::kind::{Kind, Weight};
use super::stop;
use super::template::{apart, in_force, render, segments};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::settings::Quiet;
use crate::domain::act::Act;
use chrono::{Days, Duration};
use entity::notice::{Attended, Column, Delivery, Entity, Model, NoticeState};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel, QueryFilter as _,
    QuerySelect as _,
};
use std::collections::HashSet;

/// A text to one phone.
#[derive(Debug)]
pub struct Message {
    /// What is said at most once, such as `booking.reminder/<id>`.
    pub key: String,
    /// What kind of text it is.
    pub kind: &'static Kind,
    /// To whom.
    pub phone: String,
    /// What goes into its template.
    pub values: Vec<(&'static str, String)>,
    /// Id of what it speaks of, by which it is withdrawn.
    pub about: Id,
    /// The resident's account whose own news it is, if it is an account's.
    pub account: Option<Id>,
    /// When the matter it speaks of began.
    pub matter_at: Time,
    /// When it may go.
    pub due_at: Time,
    /// When it is no longer worth sending.
    pub expires_at: Time,
}

/// Says a text, once for its key. A landline takes no texts and is passed over, and so is, but for what he must know, whoever
/// wants none. At night it waits for the morning; one whose time would pass meanwhile goes out the evening before.
///
/// # Errors
/// Whatever the database says.
pub async fn say(act: &Act, message: Message) -> Result<()> {
    put(act, compose(act, vec![message]).await?).await
}

/// Texts as they are said, to be put into the outbox.
///
/// # Errors
/// Whatever the database says.
pub async fn compose(act: &Act, messages: Vec<Message>) -> Result<Vec<Model>> {
    let messages: Vec<(String, Message)> =
        messages.into_iter().filter_map(|m| Some((personal::mobile(&m.phone)?, m))).collect();
    let unasked = messages.iter().filter(|(_, m)| m.kind.weight < Weight::Fact).map(|(phone, _)| phone.as_str());
    let stopped = stop::stopped(act, unasked.collect()).await?;
    let mut rows = Vec::with_capacity(messages.len());
    for (phone, message) in messages {
        if message.kind.weight >= Weight::Fact || !stopped.contains(&phone) {
            rows.push(row(act, message, &phone).await?);
        }
    }
    Ok(rows)
}

async fn row(act: &Act, message: Message, phone: &str) -> Result<Model> {
    let template = in_force(act, message.kind).await?;
    let id = act.id();
    let text = format!("【{}】{}", act.centre.sms_sign, render(&template.body, &message.values));
    let line = if message.kind.merges { apart(&template, &act.centre.sms_sign, &message.values) } else { None };
    let filled = serde_json::to_string(&message.values).map_err(anyhow::Error::from)?;
    let due_at = match message.kind.weight {
        Weight::Code => message.due_at,
        _ => awake(&act.rules.quiet, message.due_at, message.expires_at, act.now),
    };
    Ok(Model {
        id,
        centre_id: act.centre.id,
        key: message.key,
        kind: message.kind.word.to_owned(),
        version: template.version,
        lane: message.kind.lane(),
        phone: act.seal("notice.phone", id, phone)?,
        phone_blind: act.blind("phone", phone),
        segments: segments(&text),
        text: act.seal("notice.text", id, &text)?,
        line: line.map(|line| act.seal("notice.line", id, &line)).transpose()?,
        filled: act.seal("notice.filled", id, &filled)?,
        about: message.about,
        account_id: message.account,
        matter_at: message.matter_at,
        due_at,
        expires_at: message.expires_at,
        state: NoticeState::Due,
        attempts: 0,
        lease_until: None,
        claimed_by: None,
        carried_by: None,
        sent_at: None,
        gateway: None,
        vendor_id: None,
        fault: None,
        delivery: Delivery::Unknown,
        created_at: act.now,
        done_at: None,
        attended: None,
    })
}

/// Puts texts into the outbox; one that was said before is there already.
///
/// # Errors
/// Whatever the database says.
pub async fn put(act: &Act, texts: Vec<Model>) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    wake(act, &texts);
    Entity::insert_many(texts.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&*act.tx)
        .await?;
    Ok(())
}

/// Has the deliverer woken after the commit, if one of these texts may go now.
pub fn wake(act: &Act, texts: &[Model]) {
    if texts.iter().any(|text| text.due_at <= act.now) {
        act.spoke();
    }
}

/// The moment for a text: its own, if people are awake; else the next morning, if it is still worth sending then; else the
/// evening before, half an hour before the quiet hours begin, if that is still ahead.
fn awake(quiet: &Quiet, due_at: Time, expires_at: Time, now: Time) -> Time {
    if !quiet.has(due_at) {
        return due_at;
    }
    let morning = quiet.end_after(due_at);
    if morning < expires_at {
        return morning;
    }
    let evening = quiet.begin_before(due_at) - Duration::minutes(30);
    if evening > now { evening } else { due_at }
}

/// Which of these keys a text was said under.
///
/// # Errors
/// Whatever the database says.
pub async fn said(
    db: &impl ConnectionTrait,
    centre: Id,
    keys: impl IntoIterator<Item = String>,
) -> Result<HashSet<String>> {
    let rows = Entity::find().select_only().column(Column::Key).filter(Column::CentreId.eq(centre));
    let keys: Vec<String> = rows.filter(Column::Key.is_in(keys)).into_tuple().all(db).await?;
    Ok(keys.into_iter().collect())
}

/// The centres that have written to a phone of late.
///
/// # Errors
/// Whatever the database says.
pub async fn senders(db: &impl ConnectionTrait, phone: Vec<Blind>, now: Time) -> Result<Vec<Id>> {
    let centres = Entity::find()
        .select_only()
        .column(Column::CentreId)
        .distinct()
        .filter(Column::PhoneBlind.is_in(phone))
        .filter(Column::SentAt.gt(now - Duration::days(30)));
    Ok(centres.into_tuple().all(db).await?)
}

/// Takes back every text about `about` that has not been handed to a gateway.
///
/// # Errors
/// Whatever the database says.
pub async fn withdraw(act: &Act, about: Id) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Withdrawn))
        .col_expr(Column::DoneAt, Expr::value(act.now))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Time>))
        .filter(Column::About.eq(about))
        .filter(Column::State.is_in([NoticeState::Due, NoticeState::Claimed]))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Takes back every text about `about` that went to a phone which is not the right one: what waits does not go, and what failed is
/// not sent there once more.
///
/// # Errors
/// Whatever the database says.
pub async fn supersede(act: &Act, about: Id) -> Result<()> {
    withdraw(act, about).await?;
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Withdrawn))
        .filter(Column::About.eq(about))
        .filter(Column::State.is_in([NoticeState::Rejected, NoticeState::GaveUp]))
        .exec(&*act.tx)
        .await?;
    Entity::update_many()
        .col_expr(Column::Attended, Expr::value(Some(Attended::LetBe)))
        .filter(Column::About.eq(about))
        .filter(Column::State.eq(NoticeState::Unsure).or(Column::Delivery.eq(Delivery::Failed)))
        .filter(Column::Attended.is_null())
        .exec(&*act.tx)
        .await?;
    Ok(())
}

impl Quiet {
    /// True within the quiet hours.
    #[must_use]
    pub fn has(&self, at: Time) -> bool {
        let minute = at.minute();
        match self.from <= self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }

    /// When the quiet hours that a moment lies in end.
    fn end_after(&self, at: Time) -> Time {
        let today = Time::at(at.date(), self.to);
        if today > at { today } else { Time::at(at.date() + Days::new(1), self.to) }
    }

    /// When the quiet hours that a moment lies in began.
    fn begin_before(&self, at: Time) -> Time {
        let today = Time::at(at.date(), self.from);
        if today <= at { today } else { Time::at(at.date() - Days::new(1), self.from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    const NIGHT: Quiet = Quiet { from: 21 * 60, to: 8 * 60 };

    fn at(minute: i32) -> Time {
        Time::at(NaiveDate::from_ymd_opt(2026, 11, 25).unwrap(), minute)
    }

    #[test]
    fn at_night_a_text_waits_for_the_morning_or_went_out_the_evening_before() {
        let (morning, evening) = (at(8 * 60), at(-210));
        let wait = |due: i32, expires: i32| awake(&NIGHT, at(due), at(expires), at(-600));
        assert_eq!(wait(9 * 60, 10 * 60), at(9 * 60));
        assert_eq!(wait(7 * 60, 9 * 60), morning);
        assert_eq!(wait(21 * 60, 40 * 60), at(32 * 60));
        assert_eq!(wait(6 * 60, 8 * 60), evening, "half past eight the evening before");
        assert_eq!(wait(6 * 60, 7 * 60), evening);
        let late = awake(&NIGHT, at(6 * 60), at(7 * 60), at(5 * 60));
        assert_eq!(late, at(6 * 60), "said at night for the night, it can only be dropped");
        let none = Quiet { from: 0, to: 0 };
        assert_eq!(awake(&none, at(3 * 60), at(4 * 60), at(0)), at(3 * 60));
    }

    proptest! {
        #[test]
        fn nobody_is_woken_where_there_is_another_moment(
            due in 0i32..2880, lasts in 1i32..2880, said in -2880i32..2880, from in 0i32..1440, to in 0i32..1440,
        ) {
            let (quiet, now) = (Quiet { from, to }, at(said));
            let (due_at, expires_at) = (at(due), at(due + lasts));
            let moment = awake(&quiet, due_at, expires_at, now);
            prop_assert!(moment < expires_at);
            if moment == due_at && quiet.has(moment) {
                prop_assert!(quiet.end_after(due_at) >= expires_at);
                prop_assert!(quiet.begin_before(due_at) - Duration::minutes(30) <= now);
            }
        }
    }
}
