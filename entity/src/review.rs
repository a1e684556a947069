//! Reviews (好差评): invitations and what was said.

use crate::{Blind, Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// Where an invitation stands.
    InvitationState {
        /// Nobody has rated yet.
        Open,
        /// Rated.
        Rated,
        /// Its time passed.
        Lapsed,
    }
}

/// Invitations to rate a case that has ended (一事一评, article 4.5).
pub mod invitation {
    use super::*;
    /// One invitation. The link's token is not kept: it is computed again when it is printed again.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitation")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The case.
        pub case_id: Id,
        /// 1 until cases have stages that are rated apart.
        pub service_no: i32,
        /// Raised when a link must be replaced.
        pub generation: i32,
        /// Id of the key the token was computed with.
        pub key_id: String,
        /// Hash of the token.
        pub token_hash: Blind,
        /// The code typed by hand.
        pub code: Sealed,
        /// Its blind index, unique among the open ones of a centre.
        pub code_blind: Blind,
        /// The phone the text went to.
        pub phone: Option<Sealed>,
        /// Its blind index.
        pub phone_blind: Option<Blind>,
        /// The letter that tells this invitation from others open for the phone.
        pub tag: Option<String>,
        /// Words that came by text before a grade did.
        pub comment: Option<Sealed>,
        /// The code of the mini program that opens it, a picture in base64, once it was asked for (小程序码).
        pub picture: Option<Sealed>,
        /// Where it stands.
        pub state: InvitationState,
        /// When it was made.
        pub made_at: Time,
        /// When it was recorded.
        pub recorded_at: Time,
        /// Beijing date of the end it belongs to.
        pub on_date: NaiveDate,
        /// When it lapses.
        pub expires_at: Time,
        /// When it was rated or lapsed.
        pub closed_at: Option<Time>,
    }
    plain!();
}

word! {
    /// First review or append (追评); a service has at most one of each.
    Ordinal {
        /// First.
        First,
        /// Append.
        Append,
    }
}

word! {
    /// The way a review came. Reporting profiles map it to their channel codes.
    ReviewChannel {
        /// By the personal link.
        Link,
        /// By the code typed by hand.
        Code,
        /// By a text.
        Sms,
        /// On the device at the desk.
        Device,
    }
}

word! {
    /// What WeChat thinks of words (内容安全).
    Checked {
        /// Nothing against them.
        Pass,
        /// A person should read them before they are shown.
        Review,
        /// They should not be shown.
        Risky,
    }
}

/// A review.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The invitation.
    pub invitation_id: Id,
    /// The case.
    pub case_id: Id,
    /// See the invitation.
    pub service_no: i32,
    /// First or append.
    pub ordinal: Ordinal,
    /// 5 非常满意 … 1 非常不满意; an append may have none.
    pub grade: Option<i32>,
    /// Tag codes joined by commas.
    pub tags: String,
    /// What was written.
    pub comment: Option<Sealed>,
    /// The reviewer asked to stay unknown to those rated.
    pub anonymous: bool,
    /// What WeChat thought of the comment when it was written, if it was asked.
    pub checked: Option<Checked>,
    /// The way it came.
    pub channel: ReviewChannel,
    /// When it was given.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Beijing date on which it was given.
    pub on_date: NaiveDate,
}
plain!();

/// What bad reviews open (差评整改).
pub mod rectification {
    use super::*;
    /// One; an invitation has at most one.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rectification")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The invitation whose reviews it is about.
        pub invitation_id: Id,
        /// The review that opened it.
        pub review_id: Id,
        /// The case.
        pub case_id: Id,
        /// The office whose head sees to it.
        pub office_id: Id,
        /// When.
        pub opened_at: Time,
    }
    plain!();
}

word! {
    /// Where a review's upload stands.
    Upload {
        /// A bad grade without a reason, which the platform does not take.
        Waits,
        /// It goes with the next batch.
        Due,
        /// It is in a batch that was begun.
        Claimed,
        /// It is there.
        Done,
        /// The platform will not take it.
        Refused,
    }
}

/// Reviews on their way to the platform above (好差评上报).
pub mod upload {
    use super::*;
    /// One review's.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "review_upload")]
    pub struct Model {
        /// The review.
        #[sea_orm(primary_key, auto_increment = false)]
        pub review_id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Where it stands.
        pub state: Upload,
        /// The batch it goes with.
        pub batch: Option<String>,
        /// Why the platform will not take it.
        pub reason: Option<String>,
        /// Since when.
        pub at: Time,
    }
    plain!();
    pub use super::Upload;
}
