//! The queue (排队): tickets, and what became of them.

use crate::audit::ActorKind;
use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// Who is called earlier than by the order of coming.
    Priority {
        /// Nobody.
        None,
        /// An older person.
        Elder,
        /// A person with a disability.
        Disabled,
    }
}

word! {
    /// Where a ticket stands.
    TicketState {
        /// Taken from afar; its holder has not come.
        Remote,
        /// Its holder waits in the hall.
        Waiting,
        /// It was called to a desk, which serves its holder.
        Called,
        /// Its holder fills in a form or fetches something, and comes back.
        Parked,
        /// It was called, and nobody came.
        Missed,
        /// Its holder was served.
        Served,
        /// It was given by mistake.
        Void,
        /// The day ended.
        Lapsed,
    }
}

word! {
    /// Whether a ticket is on paper.
    PrintState {
        /// It was not printed yet.
        Unprinted,
        /// It was.
        Printed,
        /// The printer did not print it.
        Failed,
    }
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The branch whose hall it is for.
    pub branch_id: Id,
    /// The group that calls it.
    pub group_id: Id,
    /// Beijing date.
    pub on_date: NaiveDate,
    /// What is called, such as `A012`: unique in branch and day.
    pub number: String,
    /// What for, if that is known.
    pub guide_id: Option<Id>,
    /// The booking its holder came by.
    pub booking_id: Option<Id>,
    /// The account that took it or booked, if one did.
    pub account_id: Option<Id>,
    /// Who is called earlier.
    pub priority: Priority,
    /// Where it stands.
    pub state: TicketState,
    /// Among those who wait, the one with the earliest of these is next.
    pub turn_at: Time,
    /// When it was given.
    pub issued_at: Time,
    /// When its holder was there.
    pub arrived_at: Option<Time>,
    /// The desk that called it last.
    pub desk_id: Option<Id>,
    /// When it was called first.
    pub called_at: Option<Time>,
    /// When it was called last.
    pub last_called_at: Option<Time>,
    /// How often the desk called it.
    pub calls: i32,
    /// When it was over.
    pub ended_at: Option<Time>,
    /// Whether it is on paper.
    pub print: PrintState,
}
plain!();

word! {
    /// What happened to a ticket.
    TicketEventKind {
        /// It was given.
        Issued,
        /// Its holder came.
        Arrived,
        /// A desk called it.
        Called,
        /// The desk called it again.
        Recalled,
        /// Nobody came to the desk.
        Missed,
        /// Its holder went away for a while.
        Parked,
        /// Its holder waits again.
        Resumed,
        /// Another group serves its holder.
        Transferred,
        /// Its holder was served.
        Served,
        /// It was given by mistake.
        Voided,
        /// The day ended.
        Lapsed,
    }
}

/// What happened to tickets.
pub mod event {
    use super::*;
    /// One event.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ticket_event")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The ticket.
        pub ticket_id: Id,
        /// What happened.
        pub kind: TicketEventKind,
        /// The group it was for then.
        pub group_id: Id,
        /// The desk, if one did it.
        pub desk_id: Option<Id>,
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
