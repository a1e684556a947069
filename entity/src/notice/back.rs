//! What comes back (回执与上行): reports, consents, how gateways do, phones in doubt, and texts from phones.

use super::Delivery;
use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

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
        /// When whoever has it now has shown that it is his: he is told of what began since, and of nothing before.
        pub confirmed_at: Option<Time>,
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
