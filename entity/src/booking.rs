//! Bookings (预约): slots and the places taken in them.

use crate::{Blind, Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// Desk groups (窗口组): desks that take the same matters, one queue and one set of slots.
pub mod desk_group {
    use super::*;
    /// One group.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "desk_group")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Short code, unique in the centre.
        pub code: String,
        /// Name, as on the board.
        pub name: String,
        /// The branch it sits in.
        pub branch_id: Id,
        /// What the numbers of its tickets begin with.
        pub prefix: String,
        /// First number of its band.
        pub first_number: i32,
        /// Last number of its band; none is given beyond it.
        pub last_number: i32,
    }
    plain!();
}

/// Desks (窗口): where one clerk receives one person at a time.
pub mod desk {
    use super::*;
    /// One desk.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "desk")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Its group.
        pub group_id: Id,
        /// Short code, unique in the centre.
        pub code: String,
        /// Name, as on its sign.
        pub name: String,
        /// It is in use; one that is not stays for what it did.
        pub active: bool,
    }
    plain!();
}

/// Templates by which slots are opened, with the days on which they hold.
pub mod template {
    use super::*;
    /// One template; it never changes. Of those that hold on a day, the one that began last counts.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "slot_template")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The group whose slots it opens.
        pub group_id: Id,
        /// First day on which it holds.
        pub valid_from: NaiveDate,
        /// Last day on which it holds, if it ends by itself.
        pub valid_until: Option<NaiveDate>,
        /// Length of a slot in minutes.
        pub minutes: i32,
        /// People whom the group's desks serve in one slot.
        pub capacity: i32,
        /// Of these, kept for who comes without booking.
        pub walk_in: i32,
        /// Of these, kept for older people, for whom the windows book.
        pub elder: i32,
        /// Days ahead for which slots are opened.
        pub horizon_days: i32,
        /// Minutes before a slot at which it can no longer be taken online.
        pub cut_off_minutes: i32,
    }
    plain!();
}

/// How guides are booked. A guide without a row is not: one comes without booking.
pub mod service {
    use super::*;
    /// One guide's way.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "service")]
    pub struct Model {
        /// The guide.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guide_id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The group that takes it.
        pub group_id: Id,
        /// Slots it takes, one after the other.
        pub slots: i32,
    }
    plain!();
}

/// Spans in which a group receives people by appointment.
pub mod slot {
    use super::*;
    /// One slot. The database itself refuses `taken` beyond `bookable`, and `taken_online` beyond `online`.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "slot")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Its group.
        pub group_id: Id,
        /// The template it was opened by.
        pub template_id: Id,
        /// Beijing date.
        pub on_date: NaiveDate,
        /// Start.
        pub starts_at: Time,
        /// End.
        pub ends_at: Time,
        /// Until when it can be taken online.
        pub online_until: Time,
        /// Places that can be booked at all.
        pub bookable: i32,
        /// Of these, places that can be taken online.
        pub online: i32,
        /// Places taken.
        pub taken: i32,
        /// Of these, places taken online.
        pub taken_online: i32,
    }
    plain!();
}

/// Places that nobody can take for a while.
pub mod held {
    use super::*;
    /// One of the residents' places in one slot, counted among those taken: kept for an account that fills in its form, or
    /// given back a short while ago and cooling down.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "held_place")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The slot.
        pub slot_id: Id,
        /// What the places of a long matter have in common: a hold, or the booking that gave them back.
        pub hold_id: Id,
        /// For whom it is kept; null while it cools down.
        pub account_id: Option<Id>,
        /// When it is offered again.
        pub until: Time,
    }
    plain!();
}

/// Rules by which places are given, with the days on which they hold.
pub mod rule {
    use super::*;
    /// One set; it never changes. Of those that hold, the one that began last counts.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "booking_rule")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// First day on which it holds.
        pub valid_from: NaiveDate,
        /// Places that an account may hold for its owner.
        pub own_open: i32,
        /// Places that it may hold for others.
        pub other_open: i32,
        /// Places of one person on one day.
        pub per_day: i32,
        /// Minutes for which a place is kept while its form is filled in.
        pub hold_minutes: i32,
        /// Minutes after which a place given back is offered again, at the earliest.
        pub cool_down_minutes: i32,
        /// Days within which no-shows count together.
        pub no_show_days: i32,
        /// So many of them end booking online for a while.
        pub no_show_most: i32,
        /// For so many days from the last of them.
        pub limited_days: i32,
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
        /// Nobody came, and nobody had cancelled.
        NoShow,
        /// Nobody came, and nobody is to blame: the centre was closed, or the director found so.
        Excused,
    }
}

/// A booking. It keeps the time it was promised, whatever becomes of the slot, until its holder moves it.
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
    /// The first of its slots.
    pub slot_id: Id,
    /// How many slots it takes.
    pub slots: i32,
    /// It holds one of the places for residents; else one that the windows give.
    pub online: bool,
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
    /// How often its time was changed or it was given up: calendars go by it.
    pub sequence: i32,
    /// When it was made.
    pub created_at: Time,
}
plain!();

impl Model {
    /// The account of whoever booked for himself.
    #[must_use]
    pub fn own_account(&self) -> Option<Id> {
        self.account_id.filter(|_| !self.for_other)
    }
}

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
        /// Beijing date that was promised then.
        pub on_date: NaiveDate,
        /// Promised end.
        pub ends_at: Time,
        /// When it happened.
        pub at: Time,
        /// When it was recorded.
        pub recorded_at: Time,
        /// Kind of the actor.
        pub actor_kind: ActorKind,
        /// Account, staff or job.
        pub actor: String,
        /// The closure that brought it, if one did.
        pub closure_id: Option<Id>,
    }
    plain!();
}

/// Appeals against a no-show.
pub mod appeal {
    use super::*;
    use crate::Sealed;
    /// One appeal; there is one to a booking.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "booking_appeal")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The booking.
        pub booking_id: Id,
        /// Why, in the person's words.
        pub reason: Sealed,
        /// When it was made.
        pub at: Time,
        /// When the director ruled on it.
        pub ruled_at: Option<Time>,
        /// Who did.
        pub ruled_by: Option<Id>,
        /// How.
        pub granted: Option<bool>,
        /// With which words.
        pub words: Option<Sealed>,
    }
    plain!();
}
