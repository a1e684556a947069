//! Notices (通知): the outbox, and the texts that come back.

use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

mod back;

pub use back::*;

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
    /// When the matter it speaks of began: who has a phone later is not told of it.
    pub matter_at: Time,
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
