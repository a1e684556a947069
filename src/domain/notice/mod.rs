//! Notices (通知): the outbox. A text is said in the transaction whose news it carries, and leaves after the commit.
//!
//! `due → claimed → sending → accepted | unsure | due again | rejected | gave_up`; `withdrawn` before it is sent, in the
//! transaction that cancels what it speaks of. A text marked `sending` when its deliverer dies is `unsure`: nobody knows
//! whether it went out, and it is not sent again. All others are sent once: sent + unsure = said.
//!
//! People are not sent more than they can read: nothing but codes at night, a text in half a minute, so many an hour and a day.
//! Beyond that thanks are dropped first, then reminders whose time passes; facts go out. Several reminders to one phone are
//! told as one, and count as said, each of them, when that one is.
//!
//! This noun knows phones and ids, and no other noun.

use crate::base::{Kind as Refused, Refusal};

mod admit;
mod attend;
mod claim;
mod doubt;
mod hold;
mod kind;
mod look;
mod permit;
mod report;
mod say;
mod send;
mod stop;
mod template;
mod vendor;

pub use admit::sweep;
pub use attend::{
    ReplyReader, Unattended, Unread, attend, note_read, open_reply, open_text, to_attend, unattended, unread,
};
pub use claim::{LEASE, Lanes, any_due, claim, claiming, expire, recover};
pub use doubt::{confirmed, denies, deny, doubted, in_doubt, verified};
pub use hold::{free, hold, holds, tell_operator};
pub use kind::*;
pub use look::{Explained, explain, held_up, list, retry, running_short, undelivered, waiting};
pub use permit::{REMEMBERED, Spent, forbid, forget_heard, hear_once, permit};
pub use report::{answered, last_attempt, match_reports, take_reports, to_ask_about, unreported};
pub use say::{Message, compose, put, said, say, senders, supersede, wake, withdraw};
pub use send::{Ended, Parcel, Settled, TRIES, Tried, begin_sending, settle};
pub use stop::{Word, answer_key, heed};
pub use template::{Imported, TextFile, import, segments};
pub use vendor::{Filled, VendorFile, WECHAT, message_templates, unapproved};

/// A file of texts that says something wrong.
pub const BAD_TEXTS: Refusal = Refusal::new(Refused::Invalid, "bad_texts", "短信模板有误，未导入：{fault}");
/// No such text.
pub const UNKNOWN_NOTICE: Refusal = Refusal::new(Refused::Missing, "unknown_notice", "没有这条短信。");
/// A look at a text without a purpose, or with a number in it: it is written down in clear, for ever.
pub const PURPOSE_NEEDED: Refusal = Refusal::new(
    Refused::Invalid,
    "text_purpose_needed",
    "查看短信全文必须写明用途（2至60字），不要写电话和证件号码。",
);
/// Whoever has the phone says that it is not the person's.
pub const IN_DOUBT: Refusal = Refusal::new(
    Refused::Conflict,
    "phone_in_doubt",
    "用这个号码的人说不是本人。请先核对号码（在办件上更正电话），核对前不能再发。",
);
/// Why a text waits that no gateway takes for want of a template.
pub const NO_TEMPLATE: &str = "no_template";
/// It went out, or is on its way, or nobody knows.
pub const NOT_TO_RETRY: Refusal = Refusal::new(
    Refused::Conflict,
    "not_to_retry",
    "这条短信的状态是 {state}，不能重发；不知道有没有发出的（unsure），确认可能重复后才能重发，命令行上加 --unsure。",
);
