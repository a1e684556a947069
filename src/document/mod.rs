//! Documents (文书): what is printed or kept. Used by the doors, the pages and the command line.

pub mod bulletin;
pub mod calendar;
pub mod qr;
pub mod receipt;
pub mod supplement;
