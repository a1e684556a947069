//! No-shows (爽约): marked by the timetable, warned of once, and open to an appeal.
//!
//! A day ends before it is judged: whoever comes late on it is still served. Nobody is blamed for a time at which the centre
//! was closed.

use super::change::turn;
use super::fair::{limited_until, of_account};
use super::look::show;
use super::offer::Offer;
use super::openings::{LOOKING_BACK, Openings};
use super::rehouse::groups_of;
use super::{Booked, NOT_A_NO_SHOW, REASON_NEEDED, UNKNOWN_APPEAL, WORDS_NEEDED, see};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, StaffMember};
use crate::domain::calendar::{day_in_words, moment_in_words};
use crate::domain::identity::{Viewer, resident};
use crate::domain::notice::{self, Message};
use crate::domain::published::Centre;
use crate::domain::{audit, guide};
use chrono::{Duration, NaiveDate};
use entity::booking::appeal::{Column as A, Entity as Appeals, Model as Appeal};
use entity::booking::rule::Model as Rules;
use entity::booking::{BookingState, Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

/// Bookings judged in one go.
const BATCH: u64 = 500;

/// Marks the bookings of days that are over and that nobody came for. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn mark_no_shows(act: &Act) -> Result<()> {
    let over = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.eq(BookingState::Booked))
        .filter(Column::OnDate.lt(act.now.date()))
        .order_by_asc(Column::OnDate)
        .order_by_asc(Column::Id)
        .limit(BATCH)
        .all(&*act.tx)
        .await?;
    if over.is_empty() {
        return Ok(());
    }
    let openings = Openings::load(&*act.tx, &act.centre, act.now.date() - LOOKING_BACK).await?;
    let groups = groups_of(act, &over).await?;
    let offer = Offer::of(&*act.tx, &act.centre).await?;
    let rules = offer.rules(act.now.date())?;
    let guides = guide::all(&*act.tx, &act.centre).await?;
    for row in over {
        let open = groups.get(&row.slot_id).is_none_or(|group| openings.have(*group, row.starts_at, row.ends_at));
        let state = if open { BookingState::NoShow } else { BookingState::Excused };
        let row = turn(act, &row, Model { state, ..row.clone() }).await?;
        if open {
            let item = guides.of(row.guide_id).map(|g| g.row.name.as_str()).unwrap_or_default();
            tell(act, rules, &row, item).await?;
        }
    }
    Ok(())
}

/// Tells whoever booked, when people are awake: a warning, or that booking online is closed to him for a while.
async fn tell(act: &Act, rules: &Rules, row: &Model, item: &str) -> Result<()> {
    let Some(account) = row.account_id else { return Ok(()) };
    let known = resident::known(&*act.tx, &act.vault, act.centre.id, account).await?;
    let Some(phone) = known.phone else { return Ok(()) };
    let limited = limited(act, rules, account, row.for_other).await?.map(|until| (rules.no_show_most, until));
    notice::say(act, missed(act, row, item, phone, limited)).await
}

/// What is said of a booking that nobody came for: a warning, or after how many of them, and until when, booking online is
/// closed.
#[must_use]
pub fn missed(act: &Act, row: &Model, item: &str, phone: String, limited: Option<(i32, NaiveDate)>) -> Message {
    let whose = if row.for_other { "您替别人约的" } else { "您约的" };
    let mut values = vec![
        ("whose", whose.to_owned()),
        ("when", moment_in_words(row.starts_at)),
        ("item", item.to_owned()),
        ("phone", act.centre.phone.clone()),
    ];
    let kind = match limited {
        Some((n, until)) => {
            values.push(("n", n.to_string()));
            values.push(("until", day_in_words(until)));
            &notice::LIMITED
        }
        None => &notice::NO_SHOW,
    };
    Message {
        key: format!("booking.no_show/{}", row.id),
        kind,
        phone,
        values,
        about: row.id,
        account: row.account_id,
        matter_at: row.created_at,
        due_at: act.now,
        expires_at: act.now + Duration::days(3),
    }
}

/// Until when an account may not book online, if it may not today.
async fn limited(act: &Act, rules: &Rules, account: Id, for_other: bool) -> Result<Option<NaiveDate>> {
    let its = of_account(act, rules, account).await?;
    let missed = its.iter().filter(|b| b.state == BookingState::NoShow && b.for_other == for_other);
    Ok(limited_until(rules, missed.map(|b| b.on_date).collect()).filter(|until| act.now.date() <= *until))
}

/// Asks the director to take a no-show back; once for each.
///
/// # Errors
/// `unknown_booking`, `not_a_no_show`, `reason_needed`.
pub async fn appeal(act: &Act, id: Id, reason: &str) -> Result<Booked> {
    let booked = see(&*act.tx, &act.vault, &act.centre, id, &Viewer::acting(act).await?).await?;
    let reason = words(reason).ok_or_else(|| REASON_NEEDED.on("reason"))?;
    if booked.row.state != BookingState::NoShow {
        return Err(NOT_A_NO_SHOW.into());
    }
    let appeal_id = act.id();
    let row = Appeal {
        id: appeal_id,
        centre_id: act.centre.id,
        booking_id: id,
        reason: act.seal("booking_appeal.reason", appeal_id, reason)?,
        at: act.now,
        ruled_at: None,
        ruled_by: None,
        granted: None,
        words: None,
    };
    // Asking twice is asking once.
    act.insert_new(row).await?;
    Ok(booked)
}

/// Two to three hundred characters.
fn words(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|t| (2..=300).contains(&t.chars().count()))
}

/// An appeal as the director reads it.
pub struct Appealed {
    /// Its id.
    pub id: Id,
    /// What it is about.
    pub booked: Booked,
    /// Why, in the person's words.
    pub reason: String,
    /// When it was made.
    pub at: Time,
}

/// Appeals that nobody has ruled on, oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn appeals(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre) -> Result<Vec<Appealed>> {
    let open = Appeals::find().filter(A::CentreId.eq(centre.id)).filter(A::RuledAt.is_null());
    let open = open.order_by_asc(A::At).limit(100).all(db).await?;
    let rows = Entity::find().filter(Column::Id.is_in(open.iter().map(|a| a.booking_id))).all(db).await?;
    let mut booked: HashMap<Id, Booked> =
        show(db, vault, centre, rows, None).await?.into_iter().map(|b| (b.row.id, b)).collect();
    let mut appealed = Vec::new();
    for row in open {
        let Some(booked) = booked.remove(&row.booking_id) else { continue };
        let reason = vault.open(Place::new("booking_appeal.reason", centre.id, row.id), &row.reason)?;
        appealed.push(Appealed { id: row.id, booked, reason, at: row.at });
    }
    Ok(appealed)
}

/// Rules on an appeal. If it is granted, the no-show is taken back, and with it what it brought.
///
/// # Errors
/// `words_needed`, `unknown_appeal`, also for one that was ruled on before.
pub async fn rule_on(act: &Act, member: &StaffMember, id: Id, granted: bool, why: &str) -> Result<Booked> {
    let why = words(why).ok_or_else(|| WORDS_NEEDED.on("words"))?;
    let open = A::Id.eq(id).and(A::CentreId.eq(act.centre.id)).and(A::RuledAt.is_null());
    let appeal = Appeals::find().filter(open.clone()).one(&*act.tx).await?.ok_or(UNKNOWN_APPEAL)?;
    let ruled = Appeals::update_many()
        .col_expr(A::RuledAt, Expr::value(act.now))
        .col_expr(A::RuledBy, Expr::value(member.id))
        .col_expr(A::Granted, Expr::value(granted))
        .col_expr(A::Words, Expr::value(act.seal("booking_appeal.words", id, why)?))
        .filter(open)
        .exec(&*act.tx)
        .await?;
    if ruled.rows_affected == 0 {
        return Err(UNKNOWN_APPEAL.into());
    }
    let viewer = Viewer::acting(act).await?;
    let mut booked = see(&*act.tx, &act.vault, &act.centre, appeal.booking_id, &viewer).await?;
    if granted && booked.row.state == BookingState::NoShow {
        booked.row = turn(act, &booked.row, Model { state: BookingState::Excused, ..booked.row.clone() }).await?;
    }
    audit::note(act, "booking.appeal_ruled", booked.row.id, serde_json::json!({ "granted": granted })).await?;
    tell_ruling(act, &booked, granted, why).await?;
    Ok(booked)
}

async fn tell_ruling(act: &Act, booked: &Booked, granted: bool, why: &str) -> Result<()> {
    let own = match booked.row.account_id {
        Some(account) => resident::known(&*act.tx, &act.vault, act.centre.id, account).await?.phone,
        None => None,
    };
    let given = booked.applicant.as_ref().and_then(|a| a.phone.clone());
    let Some(phone) = own.or(given) else { return Ok(()) };
    let result = if granted { "已撤销“没有来”的记录" } else { "“没有来”的记录保留" };
    let when = moment_in_words(booked.row.starts_at);
    let message = Message {
        key: format!("booking.appeal_ruled/{}", booked.row.id),
        kind: &notice::APPEAL_RULED,
        phone,
        values: vec![("when", when), ("result", result.to_owned()), ("words", why.to_owned())],
        about: booked.row.id,
        account: booked.row.account_id,
        matter_at: booked.row.created_at,
        due_at: act.now,
        expires_at: act.now + Duration::days(3),
    };
    notice::say(act, message).await
}
