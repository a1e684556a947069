//! Bookings (预约): slots and the places taken in them.

use crate::{Blind, Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// Half hours in which the hall receives people by appointment.
pub mod slot {
    use super::*;
    /// One slot. The database itself refuses `taken` beyond `capacity`.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "slot")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Beijing date.
        pub on_date: NaiveDate,
        /// Start.
        pub starts_at: Time,
        /// End.
        pub ends_at: Time,
        /// Places.
        pub capacity: i32,
        /// Places taken.
        pub taken: i32,
    }
    plain!();
}

word! {
    /// Where a booking stands.
    BookingState {
        /// A place is held.
        Booked,
        /// Given up before its time.
        Cancelled,
        /// The person came.
        Arrived,
    }
}

/// A booking. It keeps the time it was promised, whatever becomes of the slot.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "booking")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Number people read, drawn at random.
    pub number: String,
    /// The slot.
    pub slot_id: Id,
    /// Promised start.
    pub starts_at: Time,
    /// Promised end.
    pub ends_at: Time,
    /// Beijing date of the start.
    pub on_date: NaiveDate,
    /// What for.
    pub guide_id: Id,
    /// The guide's office at that time.
    pub office_id: Id,
    /// Whose account made it; null when the window did.
    pub account_id: Option<Id>,
    /// For whom.
    pub applicant_id: Id,
    /// Blind index of account and name: one person takes one place in a slot.
    pub person_blind: Blind,
    /// Made for someone else.
    pub for_other: bool,
    /// Where it stands.
    pub state: BookingState,
    /// When it was made.
    pub created_at: Time,
}
plain!();

/// What happened to bookings; figures rest on this.
pub mod event {
    use super::*;
    use crate::audit::ActorKind;
    /// One event.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "booking_event")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The booking.
        pub booking_id: Id,
        /// The state it brought.
        pub state: BookingState,
        /// When it happened.
        pub at: Time,
        /// When it was recorded.
        pub recorded_at: Time,
        /// Kind of the actor.
        pub actor_kind: ActorKind,
        /// Account, staff or job.
        pub actor: String,
    }
    plain!();
}
