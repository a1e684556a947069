//! The plan (情节): everything that happens in a township's months, before any of it is written.

use super::course::Course;
use super::people::Resident;
use crate::domain::StaffMember;
use crate::domain::applicant::Applicant;
use crate::domain::guide::Guide;
use chrono::NaiveDate;
use entity::Time;
use entity::booking::slot;
use std::ops::Range;
use std::sync::Arc;

/// When nobody having come is marked, in minutes past midnight.
pub const NIGHT: i32 = 10;

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// People who live there.
    pub residents: usize,
    /// Cases taken in.
    pub cases: usize,
    /// Months, this one among them.
    pub months: u32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { residents: 2000, cases: 450, months: 3 }
    }
}

/// Everything that happens.
pub struct Plan {
    /// The day on which it begins.
    pub from: NaiveDate,
    /// Who lives there.
    pub residents: Vec<Resident>,
    /// Who is at work there.
    pub staff: Vec<Arc<StaffMember>>,
    /// The slots since then, with the places that are taken in the end.
    pub slots: Vec<slot::Model>,
    /// The working days until today, and those ahead for which somebody booked.
    pub days: Vec<Day>,
}

impl Plan {
    /// Who applies: whoever has no phone of his own gives that of the account he is booked by.
    #[must_use]
    pub fn applicant(&self, visit: &Visit) -> Applicant {
        let applicant = self.residents[visit.who].applicant.clone();
        let booked_by = visit.booked.as_ref().and_then(|booked| self.residents[booked.by].applicant.phone.clone());
        Applicant { phone: applicant.phone.or(booked_by), ..applicant }
    }
}

/// What happens on a day.
pub struct Day {
    /// The day.
    pub on: NaiveDate,
    /// When staff come and go.
    pub shifts: Vec<Shift>,
    /// Who comes, or had booked to come, by time.
    pub visits: Vec<Visit>,
}

/// When a member of staff comes to a session, and when he signs out.
pub struct Shift {
    /// Who.
    pub staff: Arc<StaffMember>,
    /// When he signs in.
    pub came: Time,
    /// When he signs out, if he does.
    pub left: Option<Time>,
}

/// Somebody who comes, or had booked to come.
pub struct Visit {
    /// Who, among the residents.
    pub who: usize,
    /// What for.
    pub guide: Arc<Guide>,
    /// The booking he comes by.
    pub booked: Option<Booked>,
    /// What becomes of his case, if he comes.
    pub course: Option<Course>,
}

/// A booking.
pub struct Booked {
    /// When it is made.
    pub at: Time,
    /// Whose account makes it, among the residents.
    pub by: usize,
    /// The slots it takes, among those of the plan.
    pub slots: Range<usize>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is still ahead.
    Ahead,
    /// He comes.
    Came,
    /// It is given up.
    Cancelled(Time),
    /// Nobody comes, which is marked then, if that is not ahead.
    Missed(Option<Time>),
}
