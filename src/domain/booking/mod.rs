//! Bookings (预约): places in slots of the hall's opening.
//!
//! Desk groups take certain guides. The timetable opens their slots on working days, within the windows' hours, by the
//! template of the day: so many places, some kept for who comes without booking, some for older people, for whom the windows
//! book. A place is taken in one guarded statement, so the database itself never lets a slot pass what is offered. A booking
//! keeps the time it was promised, whatever becomes of templates: `booked → arrived | cancelled`; whoever neither came nor
//! cancelled is a no-show of the figures.

use super::act::{Act, Who};
use super::applicant::{self, Applicant, Typed};
use super::guide::{self, Guide};
use super::identity::{Viewer, resident};
use super::notice::{self, Message};
use super::{audit, calendar};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::Duration;
use entity::booking::{BookingState, Column, Entity, Model, event};
use entity::identity::account::Entity as Accounts;
use entity::notice::Lane;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
};
use slots::Place;

mod look;
mod offer;
mod slots;

pub use look::{list_of_account, list_of_day, see};
pub use offer::{GroupFile, TemplateFile, groups, import, service};
pub use slots::{Start, open_slots, slot, starts};

/// No such slot here.
pub const UNKNOWN_SLOT: Refusal = Refusal::new(Kind::Missing, "unknown_slot", "没有这个预约时段，请重新选择。");
/// The slot has begun or is over.
pub const SLOT_PAST: Refusal = Refusal::new(Kind::Invalid, "slot_past", "这个时段已经开始或已过，请选择后面的时段。");
/// The matter is not booked.
pub const NOT_BOOKABLE: Refusal =
    Refusal::new(Kind::Invalid, "not_bookable", "这个事项不用预约，上班时间直接到窗口办理。");
/// It is too late to take it online.
pub const ONLINE_CLOSED: Refusal =
    Refusal::new(Kind::Invalid, "online_closed", "这个时段已停止网上预约，请选后面的时段，或打电话、直接到窗口。");
/// A file that does not say what is offered.
pub const BAD_OFFER: Refusal = Refusal::new(Kind::Invalid, "bad_offer", "放号规则有误，未导入：{fault}");
/// One account holds as many places as it may.
pub const TOO_MANY: Refusal = Refusal::new(
    Kind::Conflict,
    "too_many_bookings",
    "您已有{n}个还没到时间的预约，请先办完或取消一个，再约新的。给多位家人办事，可以请他们各自预约或到窗口。",
);
/// The hall is closed then, as the calendar and the hours stand now.
pub const OUTSIDE_HOURS: Refusal =
    Refusal::new(Kind::Invalid, "outside_hours", "这个时段中心不上班，请选择其他时段。").article("4.9");
/// All places are taken.
pub const SLOT_FULL: Refusal = Refusal::new(Kind::Conflict, "slot_full", "这个时段已约满，请选择其他时段。");
/// The person has a place in this slot.
pub const ALREADY_BOOKED: Refusal = Refusal::new(Kind::Conflict, "already_booked", "已经为这位办事人约过这个时段。");
/// No such booking, or not yours.
pub const UNKNOWN_BOOKING: Refusal = Refusal::new(Kind::Missing, "unknown_booking", "没有找到这个预约。");
/// It was cancelled or used before.
pub const NOT_OPEN: Refusal = Refusal::new(Kind::Conflict, "booking_not_open", "这个预约已取消或已使用。");
/// Its time has begun.
pub const TOO_LATE: Refusal = Refusal::new(Kind::Conflict, "too_late_to_cancel", "预约时间已到，不能再取消。");
/// It is for another day.
pub const NOT_TODAY: Refusal = Refusal::new(Kind::Invalid, "booking_not_today", "这个预约不是今天的，请核对日期。");
/// Days that read backwards or reach too far.
pub const BAD_SPAN: Refusal =
    Refusal::new(Kind::Invalid, "bad_span", "日期范围不对：开始日期不能晚于结束日期，最多查60天。");

/// Places that one account may hold at a time.
const MOST_OPEN: u64 = 5;

/// What someone asks for.
#[derive(Debug)]
pub struct Wish {
    /// The slot.
    pub slot: Id,
    /// Code of the guide.
    pub guide: String,
    /// For whom.
    pub applicant: Typed,
    /// It is for someone else.
    pub for_other: bool,
}

/// A booking with what is shown beside it.
#[derive(Clone, Debug)]
pub struct Booked {
    /// The booking.
    pub row: Model,
    /// Name of the matter.
    pub item: String,
    /// Code of its guide.
    pub guide_code: String,
    /// For whom, in clear, if the one who looks may know.
    pub applicant: Option<Applicant>,
}

/// Takes a place, and says so by text. A resident takes it for himself or another; the windows take it for whoever rings
/// up or comes by, and then no account sees it.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant, `not_for_kind`, `no_account`, `too_many_bookings`, `not_bookable`,
/// `unknown_slot`, `slot_past`, `online_closed`, `slot_full`, `outside_hours`, `already_booked`.
pub async fn book(act: &Act, wish: Wish) -> Result<Booked> {
    let guide = guide::get(&*act.tx, act.centre.id, &wish.guide).await?;
    let mut applicant = wish.applicant.check()?;
    guide.ensure_for(applicant.kind)?;
    let account = act.who.account();
    if let Some(account) = account {
        let known = resident::known(&*act.tx, &act.vault, act.centre.id, account).await?;
        applicant.phone = applicant.phone.or(known.phone);
        ensure_few(act, account).await?;
    }
    // Until `keys reindex` has run, the same person's booking may stand under an older key.
    let known = act.blinds("person", &person(account, &applicant));
    let twin = Column::SlotId.eq(wish.slot).and(Column::PersonBlind.is_in(known));
    if Entity::find().filter(twin).filter(Column::State.eq(BookingState::Booked)).one(&*act.tx).await?.is_some() {
        return Err(ALREADY_BOOKED.into());
    }
    let online = account.is_some();
    let Place { slot, ends_at, slots } = slots::take(act, guide.row.id, wish.slot, online).await?;
    let snapshot = applicant::record(act, &applicant).await?;
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        number: act.random.word(8),
        slot_id: slot.id,
        slots,
        online,
        starts_at: slot.starts_at,
        ends_at,
        on_date: slot.on_date,
        guide_id: guide.row.id,
        office_id: guide.row.office_id,
        account_id: account,
        applicant_id: snapshot.id,
        person_blind: act.blind("person", &person(account, &applicant)),
        for_other: wish.for_other,
        state: BookingState::Booked,
        created_at: act.now,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(ALREADY_BOOKED.into());
    }
    record(act, &row, BookingState::Booked).await?;
    if let Some(phone) = &applicant.phone {
        tell(act, &row, &guide, phone).await?;
    }
    Ok(Booked { row, item: guide.row.name, guide_code: guide.row.code, applicant: Some(applicant) })
}

/// What makes two bookings the same person's: the name, with the account or, where the window booked, with phone and
/// document. Two villagers may share a name, and a family a phone.
pub(crate) fn person(account: Option<Id>, applicant: &Applicant) -> String {
    let name = &applicant.name;
    match account {
        Some(account) => format!("{account} {name}"),
        None => {
            let number = applicant.document.as_ref().map_or("", |(_, number)| number);
            format!("window {} {number} {name}", applicant.phone.as_deref().unwrap_or_default())
        }
    }
}

/// Refuses to an account that holds as many places as one may.
async fn ensure_few(act: &Act, account: Id) -> Result<()> {
    // Held until the act ends: of several wishes at once, each sees what the ones before took.
    Accounts::find_by_id(account).lock_exclusive().one(&*act.tx).await?;
    let open = Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::State.eq(BookingState::Booked))
        .filter(Column::StartsAt.gt(act.now))
        .count(&*act.tx)
        .await?;
    if open >= MOST_OPEN { Err(TOO_MANY.with(&[("n", &open)]).into()) } else { Ok(()) }
}

/// Confirms by text, and reminds once: on the working day before at four in the afternoon, else two hours before, else
/// the confirmation is near enough.
async fn tell(act: &Act, row: &Model, guide: &Guide, phone: &str) -> Result<()> {
    let when = row.starts_at.local().format("%-m月%-d日 %H:%M");
    let place = &act.centre.address;
    let confirmed = Message {
        key: format!("booking.confirmed/{}", row.id),
        kind: "booking.confirmed",
        lane: Lane::Notice,
        phone,
        text: format!("已约{when}办理“{}”，预约号{}。地点：{place}。不能来请提前取消。", guide.row.name, row.number),
        about: row.id,
        due_at: act.now,
        expires_at: row.starts_at,
    };
    notice::say(act, confirmed).await?;
    let day_before = calendar::load(&*act.tx).await?.back(row.on_date, 1);
    let moments = [Time::at(day_before, 16 * 60), row.starts_at - Duration::hours(2)];
    let Some(due_at) = moments.into_iter().find(|m| *m > act.now + Duration::minutes(30)) else { return Ok(()) };
    let reminder = Message {
        key: format!("booking.reminder/{}", row.id),
        kind: "booking.reminder",
        lane: Lane::Bulk,
        phone,
        text: format!("提醒：您约了{when}办理“{}”，预约号{}。请带齐材料到{place}。", guide.row.name, row.number),
        about: row.id,
        due_at,
        expires_at: row.starts_at,
    };
    notice::say(act, reminder).await
}

/// Gives a place back before its time. Staff may cancel for someone, who is told then.
///
/// # Errors
/// `unknown_booking`, `booking_not_open`, `too_late_to_cancel`.
pub async fn cancel(act: &Act, id: Id) -> Result<Booked> {
    let booked = see(&*act.tx, &act.vault, act.centre.id, id, &Viewer::acting(act).await?).await?;
    if booked.row.starts_at <= act.now {
        return Err(TOO_LATE.into());
    }
    // The slot first, as in `book`: two acts that lock in different orders could wait for each other for ever.
    slots::give_back(act, &booked.row).await?;
    let row = turn(act, &booked.row, BookingState::Cancelled).await?;
    if matches!(act.who, Who::Staff(_)) {
        audit::note(act, "booking.cancelled", row.id, serde_json::json!({})).await?;
        if let Some(phone) = booked.applicant.as_ref().and_then(|a| a.phone.as_ref()) {
            let when = row.starts_at.local().format("%-m月%-d日 %H:%M");
            let message = Message {
                key: format!("booking.cancelled/{}", row.id),
                kind: "booking.cancelled",
                lane: Lane::Notice,
                phone,
                text: format!("您{when}的预约（{}）已由中心取消，请另约时间或致电{}。", row.number, act.centre.phone),
                about: row.id,
                due_at: act.now,
                expires_at: row.starts_at,
            };
            notice::say(act, message).await?;
        }
    }
    Ok(Booked { row, ..booked })
}

/// Notes that the person has come, on the day of the booking.
///
/// # Errors
/// `unknown_booking`, `booking_not_today`, `booking_not_open`.
pub async fn arrive(act: &Act, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    let row = row.ok_or_else(|| UNKNOWN_BOOKING.on("booking_id"))?;
    if row.on_date != act.now.date() {
        return Err(NOT_TODAY.on("booking_id").into());
    }
    turn(act, &row, BookingState::Arrived).await
}

/// True when the booking was made for this person, by name.
///
/// # Errors
/// Whatever the database says.
pub async fn is_for(act: &Act, row: &Model, applicant: &Applicant) -> Result<bool> {
    Ok(applicant::get(&*act.tx, &act.vault, act.centre.id, row.applicant_id).await?.name == applicant.name)
}

/// Ends an open booking; of two who try at once, one succeeds.
async fn turn(act: &Act, row: &Model, to: BookingState) -> Result<Model> {
    let turned = Entity::update_many()
        .col_expr(Column::State, Expr::value(to))
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(BookingState::Booked))
        .exec_with_returning(&*act.tx)
        .await?;
    let row = turned.into_iter().next().ok_or(NOT_OPEN)?;
    record(act, &row, to).await?;
    notice::withdraw(act, row.id).await?;
    Ok(row)
}

async fn record(act: &Act, row: &Model, state: BookingState) -> Result<()> {
    let event = event::Model {
        id: act.id(),
        centre_id: act.centre.id,
        booking_id: row.id,
        state,
        at: act.now,
        recorded_at: act.now,
        actor_kind: act.who.kind(),
        actor: act.who.label(),
    };
    act.insert(event).await.map(drop)
}
