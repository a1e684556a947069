//! Notices (通知): the outbox, and the texts that come back.

use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

word! {
    /// Which queue a notice waits in, most urgent first.
    Lane {
        /// Sign-in codes.
        Code,
        /// What concerns one person now.
        Notice,
        /// What concerns many.
        Bulk,
    }
}

word! {
    /// Where a notice stands.
    NoticeState {
        /// Waits for its time.
        Due,
        /// A deliverer has taken it; nothing has been sent.
        Claimed,
        /// Handed to a gateway; the answer is not recorded yet.
        Sending,
        /// The gateway took it.
        Accepted,
        /// Nobody knows whether it went out; never sent again blindly.
        Unsure,
        /// The gateway will never take it.
        Rejected,
        /// Tried long enough.
        GaveUp,
        /// What it spoke of is no longer so.
        Withdrawn,
    }
}

word! {
    /// What is known of its arrival. It only rises.
    Delivery {
        /// Nothing.
        Unknown,
        /// The network has it.
        Sent,
        /// The phone has it.
        Delivered,
        /// The phone will not have it.
        Failed,
    }
}

word! {
    /// How staff saw to a text that did not arrive, or may not have.
    Attended {
        /// The person was told by telephone.
        Called,
        /// It is no longer of use.
        LetBe,
    }
}

/// A message to one phone.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// What is said at most once, such as `booking.reminder/<id>`.
    pub key: String,
    /// Its kind.
    pub kind: String,
    /// Version of the template it was made by; 0 for what ships.
    pub version: i32,
    /// Queue.
    pub lane: Lane,
    /// To whom.
    pub phone: Sealed,
    /// Blind index of the phone.
    pub phone_blind: Blind,
    /// The rendered text.
    pub text: Sealed,
    /// How it is told among several to one phone, if it can be.
    pub line: Option<Sealed>,
    /// What went into its template, by name: for gateways that send by templates of theirs.
    pub filled: Sealed,
    /// Texts that it is billed as.
    pub segments: i32,
    /// Id of what it speaks of, by which it is withdrawn.
    pub about: Id,
    /// The resident's account whose own news it is, if it is an account's: he may have asked to be told by WeChat.
    pub account_id: Option<Id>,
    /// When it may go.
    pub due_at: Time,
    /// When it is no longer worth sending.
    pub expires_at: Time,
    /// Where it stands.
    pub state: NoticeState,
    /// Handed to a gateway so often.
    pub attempts: i32,
    /// Until when a claim or sending is believed to be alive.
    pub lease_until: Option<Time>,
    /// Whose claim it is.
    pub claimed_by: Option<Id>,
    /// The text that told it among others, if it did not go by itself.
    pub carried_by: Option<Id>,
    /// When it was handed to a gateway last.
    pub sent_at: Option<Time>,
    /// The gateway that had it last.
    pub gateway: Option<String>,
    /// That gateway's id of it.
    pub vendor_id: Option<String>,
    /// That gateway's last word, a code.
    pub fault: Option<String>,
    /// What is known of its arrival.
    pub delivery: Delivery,
    /// When it was made.
    pub created_at: Time,
    /// When it left the queue for good.
    pub done_at: Option<Time>,
    /// How staff saw to it, if they had to.
    pub attended: Option<Attended>,
}
plain!();

/// Words of each kind of text, by version. What ships is not here.
pub mod template {
    use super::*;
    /// One version; it never changes.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "text_template")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The kind of text.
        pub kind: String,
        /// Counted from 1.
        pub version: i32,
        /// The words, with `{name}` where a value goes.
        pub body: String,
        /// The words for one of several.
        pub line: Option<String>,
        /// The words around several.
        pub merged: Option<String>,
        /// When it was put in force.
        pub created_at: Time,
    }
    plain!();
}

word! {
    /// What a vendor says of a template.
    VendorState {
        /// Nothing yet.
        Pending,
        /// It may be used.
        Approved,
        /// It may not.
        Refused,
    }
}

/// Templates as vendors know them: a gateway that sends by templates takes a text by the one for its kind and version.
pub mod vendor {
    use super::*;
    /// One template of one vendor.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "vendor_template")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The kind of text.
        pub kind: String,
        /// The version of ours that it stands for; 0 for what ships.
        pub version: i32,
        /// The gateway.
        pub gateway: String,
        /// The vendor's id of it.
        pub template: String,
        /// Names of the values that go into it, in its order, joined by commas.
        pub names: String,
        /// What the vendor says of it.
        pub state: VendorState,
        /// Why it was refused, in the vendor's words.
        pub reason: Option<String>,
        /// When this was entered.
        pub changed_at: Time,
    }
    plain!();
}

word! {
    /// How an attempt to hand a text over ended.
    AttemptOutcome {
        /// The gateway took it.
        Accepted,
        /// It certainly was not sent, and may be tried again.
        RetrySafe,
        /// Not now, by the vendor's limits.
        Later,
        /// It may have been sent.
        Ambiguous,
        /// It will never be sent.
        Rejected,
        /// The whole gateway was out of order.
        ChannelDown,
    }
}

/// Attempts to hand texts over; they are only added.
pub mod attempt {
    use super::*;
    /// One attempt by one gateway.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "notice_attempt")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The text that was handed over, which may have told others as well.
        pub notice_id: Id,
        /// When it answered, or did not.
        pub at: Time,
        /// Gateways are tried one after the other: the first is 1.
        pub n: i32,
        /// The gateway.
        pub gateway: String,
        /// How it ended.
        pub outcome: AttemptOutcome,
        /// The gateway's id of it.
        pub vendor_id: Option<String>,
        /// The gateway's word, a code.
        pub code: Option<String>,
        /// Texts that it is billed as, if it is.
        pub segments: i32,
    }
    plain!();
}

/// Reports of vendors on what they took, for as long as nobody knows whose they are: one may come before what it speaks of has
/// been written down.
pub mod report {
    use super::*;
    /// One report. A vendor's id is told once; whatever repeats it is the same report.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_report")]
    pub struct Model {
        /// The gateway.
        #[sea_orm(primary_key, auto_increment = false)]
        pub gateway: String,
        /// The gateway's id of the text; empty where a gateway that was asked does not tell it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub vendor_id: String,
        /// Our id of the text, where the gateway echoes it.
        pub notice_id: Option<Id>,
        /// What is known of its arrival.
        pub delivery: Delivery,
        /// The network's word, a code.
        pub code: String,
        /// When it came in.
        pub at: Time,
    }
    plain!();
}

/// Messages that residents have asked for in WeChat (订阅消息): one consent is one message, but for templates that stand.
pub mod permit {
    use super::*;
    /// What one account has asked for of one template.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "message_permit")]
    pub struct Model {
        /// The account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: Id,
        /// WeChat's id of the template.
        #[sea_orm(primary_key, auto_increment = false)]
        pub template: String,
        /// Its centre.
        pub centre_id: Id,
        /// So many messages may be sent.
        pub ready: i32,
        /// Any number may, until he says no.
        pub standing: bool,
        /// When he or WeChat said so last.
        pub changed_at: Time,
    }
    plain!();
}

/// What WeChat pushed and was heeded: it may be pushed three times.
pub mod heard {
    use super::*;
    /// One event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wechat_event")]
    pub struct Model {
        /// What tells it from others, made blind.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// When it came.
        pub at: Time,
    }
    plain!();
}

/// Gateways that are left alone for a time.
pub mod hold {
    use super::*;
    /// One gateway.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "gateway_hold")]
    pub struct Model {
        /// Which.
        #[sea_orm(primary_key, auto_increment = false)]
        pub gateway: String,
        /// Its word, a code.
        pub code: String,
        /// Since when it has taken nothing.
        pub since: Time,
        /// Until when it is not asked.
        pub until: Time,
        /// How often it was held since then.
        pub times: i32,
    }
    plain!();
}

word! {
    /// Why a phone is in doubt.
    DoubtWhy {
        /// Whoever has it says that he is not the person: the number was given to somebody else, or written down wrongly.
        NotTheirs,
        /// The network knows of no such phone, or of none that is in use.
        Unreachable,
    }
}

/// Phones that may not be the person's any longer.
pub mod doubt {
    use super::*;
    /// One phone.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "phone_doubt")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The phone.
        pub phone: Sealed,
        /// Blind index of the phone.
        pub phone_blind: Blind,
        /// Why.
        pub why: DoubtWhy,
        /// Since when.
        pub since: Time,
    }
    plain!();
}

/// Phones whose owners want no reminders.
pub mod stop {
    use super::*;
    /// One phone.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "phone_stop")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The phone.
        pub phone: Sealed,
        /// Blind index of the phone.
        pub phone_blind: Blind,
        /// Since when.
        pub stopped_at: Time,
    }
    plain!();
}

/// When phones were sent something last: they are given time to read.
pub mod pace {
    use super::*;
    /// One phone.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "phone_pace")]
    pub struct Model {
        /// Its centre.
        #[sea_orm(primary_key, auto_increment = false)]
        pub centre_id: Id,
        /// Blind index of the phone.
        #[sea_orm(primary_key, auto_increment = false)]
        pub phone_blind: Blind,
        /// When something was sent last.
        pub last_at: Time,
    }
    plain!();
}

/// What a centre's texts were billed as, by day.
pub mod spend {
    use super::*;
    /// One day.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "text_spend")]
    pub struct Model {
        /// Its centre.
        #[sea_orm(primary_key, auto_increment = false)]
        pub centre_id: Id,
        /// Beijing date.
        #[sea_orm(primary_key, auto_increment = false)]
        pub on_date: chrono::NaiveDate,
        /// Texts that were billed.
        pub segments: i32,
    }
    plain!();
}

word! {
    /// What became of a text that came in.
    UplinkOutcome {
        /// It rated a case.
        Rated,
        /// The same answer again.
        Repeated,
        /// Words to the only invitation that was open.
        Commented,
        /// It was not clear, and help was sent or had been sent that day.
        Unclear,
        /// Kept for staff to read.
        Kept,
        /// A stop word: it was asked whether that is meant.
        StopAsked,
        /// Reminders were stopped.
        Stopped,
        /// Reminders come again.
        Resumed,
        /// Whoever has the phone is not the person.
        NotTheirs,
    }
}

/// Texts from phones (上行).
pub mod uplink {
    use super::*;
    /// One text.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "uplink")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// The centre it was meant for; null where several share the gateway and none asked.
        pub centre_id: Option<Id>,
        /// The gateway.
        pub gateway: String,
        /// From whom.
        pub phone: Sealed,
        /// Blind index of the phone.
        pub phone_blind: Blind,
        /// What it says.
        pub text: Sealed,
        /// When it came.
        pub received_at: Time,
        /// What became of it.
        pub outcome: UplinkOutcome,
        /// What its gateway tells it from others by, if anything: the same text may come several times.
        pub key: Option<String>,
        /// Nobody need read it any more.
        pub attended: bool,
    }
    plain!();
}
