//! The rules (规则), one noun a file, in the order in which they build on one another: each imports only nouns above it.
//!
//! A rule that writes takes an [`Act`]; a rule that only reads takes a connection. Neither sends anything, knows HTTP
//! or reads a clock of its own, so a rule is called alike from a door, a page, a job or the command line.

pub mod published;
pub mod act;
pub mod calendar;
pub mod audit;
pub mod centre;
pub mod file;
pub mod notice;
pub mod identity;
pub mod applicant;
pub mod guide;
pub mod post;
pub mod leave;
pub mod attendance;
pub mod cover;
pub mod authority;
pub mod matter;
pub mod training;
pub mod booking;
pub mod queue;
pub mod consultation;
pub mod document;
pub mod case;
pub mod supervision;
pub mod seal;
pub mod review;
pub mod figure;
pub mod bulletin;
pub mod reseal;
pub mod archive;

pub use act::{Act, CAME_BETWEEN, Page, Publishing, Rules, StaffMember, Who};
