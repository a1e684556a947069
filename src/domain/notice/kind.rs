//! Kinds of texts (短信种类): how much each matters, and what may stand in it.

use entity::notice::Lane;

/// What is dropped first where a phone or a centre has had enough: thanks, then reminders; facts and codes never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Courtesy: dropped where there is a limit.
    Thanks,
    /// Waits for its turn, and is dropped if its time passes meanwhile.
    Reminder,
    /// What one must know: spaced, and never dropped for number or cost.
    Fact,
    /// Someone waits for it at a screen: neither spaced nor held back at night.
    Code,
}

/// A kind of text.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its word.
    pub word: &'static str,
    /// Its name, as staff read it.
    pub title: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// What may stand in its template, as `{name}`.
    pub values: &'static [&'static str],
    /// Several to one phone are told as one: families share phones.
    pub merges: bool,
}

impl Kind {
    /// The queue it waits in.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self.weight {
            Weight::Code => Lane::Code,
            Weight::Fact => Lane::Notice,
            Weight::Reminder | Weight::Thanks => Lane::Bulk,
        }
    }

    /// The kind of a word, if there is one.
    #[must_use]
    pub fn of(word: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|k| k.word == word)
    }
}

/// Declares kinds, and the list of all of them.
macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $word:literal $title:literal, $weight:ident, [$($value:literal),*] $(, $merges:ident)?;)+) => {
        $($(#[$meta])* pub static $name: Kind = Kind {
            word: $word, title: $title, weight: Weight::$weight, values: &[$($value),*], merges: false $(|| stringify!($merges).len() > 0)?,
        };)+

        /// Every kind.
        pub static ALL: [&Kind; [$($word),+].len()] = [$(&$name),+];
    };
}

kinds! {
    /// A code to sign in with.
    CODE = "code" "登录验证码", Code, ["code", "minutes"];
    /// A place was taken.
    CONFIRMED = "booking.confirmed" "预约成功", Fact, ["when", "item", "number", "place"];
    /// A booking was moved by its holder.
    RESCHEDULED = "booking.rescheduled" "改约成功", Fact, ["when", "item", "number", "place"];
    /// A booking is soon.
    REMINDER = "booking.reminder" "预约提醒", Reminder, ["when", "item", "number", "place", "n", "lines"], merges;
    /// The centre gave a booking up for its holder.
    CANCELLED = "booking.cancelled" "窗口取消预约", Fact, ["when", "number", "phone"];
    /// The centre moved a booking.
    MOVED = "booking.moved_by_centre" "中心改期", Fact, ["why", "when", "number", "new", "place", "phone"];
    /// The centre cannot keep a booking.
    CLOSED = "booking.closed" "中心停办", Fact, ["why", "when", "number", "phone"];
    /// Nobody came.
    NO_SHOW = "booking.no_show" "没有来", Fact, ["whose", "when", "item", "phone"];
    /// Nobody came too often.
    LIMITED = "booking.limited" "暂停预约", Fact, ["whose", "when", "item", "n", "until", "phone"];
    /// The director ruled on an appeal.
    APPEAL_RULED = "booking.appeal_ruled" "申诉结果", Fact, ["when", "result", "words"];
    /// A case was taken in.
    RECEIVED = "case.received" "已收件", Fact, ["item", "number", "phone"];
    /// Something is missing.
    SUPPLEMENT = "case.supplement" "补正通知", Fact, ["item", "number", "until", "phone"];
    /// A case was accepted.
    ACCEPTED = "case.accepted" "已受理", Fact, ["item", "number", "until", "phone"];
    /// A result can be fetched.
    GRANTED = "case.granted" "可领取结果", Fact, ["item", "number", "place", "phone"];
    /// A deadline was computed anew.
    REDATED = "case.redated" "期限变动", Fact, ["item", "number", "until"];
    /// A clock stands still.
    SUSPENDED = "case.suspended" "特别程序", Fact, ["item", "number", "why", "phone"];
    /// It goes on.
    RESUMED = "case.resumed" "恢复办理", Fact, ["item", "number", "until", "phone"];
    /// A limit is longer.
    EXTENDED = "case.extended" "延期", Fact, ["item", "number", "until", "phone"];
    /// He may ask for a hearing.
    HEARING = "case.hearing" "听证告知", Fact, ["item", "number", "until", "phone"];
    /// A case was taken back.
    WITHDRAWN = "case.withdrawn" "已撤回", Fact, ["item", "number", "phone"];
    /// A case should not have been.
    VOIDED = "case.void" "已作废", Fact, ["item", "number", "phone"];
    /// A mistake was put right.
    AMENDED = "case.amended" "更正并继续办理", Fact, ["item", "number", "phone"];
    /// A deadline was not kept.
    OVERDUE = "case.overdue" "超期致歉", Fact, ["item", "number", "until", "phone"];
    /// A case has ended, and can be rated.
    INVITATION = "review.invitation" "办结与评价", Fact, ["item", "number", "outcome", "way", "link", "code", "tag"];
    /// An answer was not understood.
    HELP = "uplink.help" "回复看不懂", Fact, ["tag", "phone"];
    /// Nothing was asked.
    NOTHING_ASKED = "uplink.nothing" "没有待评价", Fact, ["phone"];
    /// Someone wants no more reminders: is it so?
    STOP_ASKED = "stop.asked" "退订确认", Fact, [];
    /// Reminders were stopped.
    STOP_DONE = "stop.done" "已退订", Thanks, [];
    /// What waits at the desk today.
    TASKS = "staff.tasks" "待办提醒", Reminder, ["near", "due", "late"];
    /// An order of the first responsible person is to be answered.
    SUPERVISED = "staff.supervised" "督办", Fact, ["number", "until"];
    /// Nobody holds a post while the windows are open.
    UNATTENDED = "staff.unattended" "岗位无人", Fact, ["post"];
    /// A gateway takes no texts: for whoever runs this.
    GATEWAY_DOWN = "operator.gateway_down" "短信通道停用", Fact, ["gateway", "code"];
}
