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
