//! Bookings (预约): places in slots of the hall's opening.
//!
//! Desk groups take certain guides. The timetable opens their slots on working days, within the windows' hours, by the
//! template of the day: so many places, some kept for who comes without booking, some for older people, for whom the windows
//! book. A place is taken in one guarded statement, so the database itself never lets a slot pass what is offered. A booking
//! keeps the time it was promised, whatever becomes of templates, until its holder moves it: `booked → arrived | cancelled |
//! no_show | excused`, and `no_show → excused` when the director takes it back.

use super::applicant::{Applicant, Typed};
use crate::base::{Kind, Refusal};
use entity::Id;
use entity::booking::Model;

mod book;
mod change;
mod closure;
mod fair;
mod hold;
mod look;
mod no_show;
mod offer;
mod offer_file;
mod open;
mod openings;
mod place;
mod rehouse;
mod starts;
mod take;

pub(crate) use book::person;
pub use book::{Prepared, book, happened, news, prepare};
pub use change::{arrive, cancel, is_for, reschedule};
pub use closure::{Closed, Closing, MakeUp, close, closures, reopen, touched_by};
pub use hold::{Hold, held, hold, let_go};
pub use look::{list_of_account, list_of_day, see};
pub use no_show::{Appealed, appeal, appeals, mark_no_shows, missed, rule_on};
pub use offer::{Offer, import};
pub use offer_file::{BandFile, DeskFile, GroupFile, OfferFile, RulesFile, TemplateFile};
pub use open::{open_past, open_slots};
pub use openings::receives_today;
pub use place::{Place, any_to_free, free_places};
pub use rehouse::Touched;
pub use starts::{Start, ensure_offered, offered, slot, starts};
pub use take::{Entry, Taking};

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
/// One person takes as many places on a day as one may.
pub const TOO_MANY_THAT_DAY: Refusal = Refusal::new(
    Kind::Conflict,
    "too_many_that_day",
    "同一位办事人一天最多约{n}个时段，请选别的日子，或取消当天的一个。",
);
/// Nobody came too often for what this account booked.
pub const LIMITED: Refusal = Refusal::new(
    Kind::Invalid,
    "booking_limited",
    "您有{n}次约了没来也没取消，网上预约暂停到{until}。打电话{phone}或到窗口仍可预约；有误可以在“我的预约”里申诉。",
);
/// The centre has said by no rule how places are given.
pub const NO_RULES: Refusal = Refusal::new(Kind::Invalid, "no_rules", "本中心还没有登记预约规则，请联系中心。");
/// Places are not kept while a form is filled in, or not for this one.
pub const NO_HOLDS: Refusal = Refusal::new(Kind::Invalid, "no_holds", "这里不能暂留名额，请直接提交预约。");
/// The hold has run out, or was never there.
pub const UNKNOWN_HOLD: Refusal = Refusal::new(Kind::Missing, "unknown_hold", "暂留的名额已到时间，请重新选择时段。");
/// Only a no-show is appealed against.
pub const NOT_A_NO_SHOW: Refusal =
    Refusal::new(Kind::Conflict, "not_a_no_show", "这个预约没有记为“没有来”，不用申诉。");
/// An appeal without a reason.
pub const REASON_NEEDED: Refusal = Refusal::new(Kind::Invalid, "reason_needed", "请写明申诉的理由（2至300字）。");
/// A ruling without words.
pub const WORDS_NEEDED: Refusal = Refusal::new(Kind::Invalid, "words_needed", "请写明处理意见（2至300字）。");
/// No such appeal is open.
pub const UNKNOWN_APPEAL: Refusal = Refusal::new(Kind::Missing, "unknown_appeal", "没有找到这个申诉，或已经处理过。");
/// Nothing is offered then any more: the hall is closed, or slots are cut another way.
pub const OUTSIDE_HOURS: Refusal =
    Refusal::new(Kind::Invalid, "outside_hours", "这个时段已不对外预约，请刷新后选择其他时段。").article("4.9");
/// No such branch here.
pub const UNKNOWN_BRANCH: Refusal = Refusal::new(Kind::Invalid, "unknown_branch", "本中心没有这个办事点。");
/// No such desk here, or it is not in use.
pub const UNKNOWN_DESK: Refusal = Refusal::new(Kind::Invalid, "unknown_desk", "本中心没有这个窗口，或已停用。");
/// Hours that read backwards or cannot be read.
pub const BAD_HOURS: Refusal = Refusal::new(Kind::Invalid, "bad_hours", "时间应写成 09:00 的形式，开始早于结束。");
/// A closure that does not say why.
pub const BAD_CLOSURE_REASON: Refusal =
    Refusal::new(Kind::Invalid, "bad_closure_reason", "请写明停办原因（2至40字），群众会在短信和网页上看到。");
/// A day long over, or too far ahead.
pub const TOO_FAR: Refusal = Refusal::new(Kind::Invalid, "too_far", "只能登记前31天到后180天的停办。");
/// The centre does not receive anybody then anyway.
pub const NOTHING_TO_CLOSE: Refusal =
    Refusal::new(Kind::Invalid, "nothing_to_close", "这段时间中心本来就不对外办理，不用登记停办。");
/// The same is closed already.
pub const ALREADY_CLOSED: Refusal = Refusal::new(Kind::Conflict, "already_closed", "这段时间的停办已经登记过。");
/// Places instead that cannot be offered.
pub const BAD_MAKE_UP: Refusal =
    Refusal::new(Kind::Invalid, "bad_make_up", "补放名额的日期应在今天到180天内，每个时段1至100个。");
/// No such closure, or it was taken back or is over.
pub const UNKNOWN_CLOSURE: Refusal =
    Refusal::new(Kind::Missing, "unknown_closure", "没有找到这次停办，或已撤销、已过。");
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
/// It was moved or given up since it was looked at.
pub const CHANGED_MEANWHILE: Refusal =
    Refusal::new(Kind::Conflict, "booking_changed", "这个预约刚刚被改动过，请刷新后再试。");
/// It is for another day.
pub const NOT_TODAY: Refusal = Refusal::new(Kind::Invalid, "booking_not_today", "这个预约不是今天的，请核对日期。");
/// Days that read backwards or reach too far.
pub const BAD_SPAN: Refusal =
    Refusal::new(Kind::Invalid, "bad_span", "日期范围不对：开始日期不能晚于结束日期，最多查60天。");

/// What someone asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The slot.
    pub slot: Id,
    /// Code of the guide.
    pub guide: String,
    /// For whom.
    pub applicant: Typed,
    /// It is for someone else.
    pub for_other: bool,
    /// The hold that keeps the place meanwhile.
    pub hold: Option<Id>,
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
