//! Documents (文书): what is printed or kept. Used by the doors, the pages and the command line.

pub mod bulletin;
pub mod calendar;
pub mod cases;
pub mod change;
pub mod guide;
pub mod issued;
pub mod qr;
pub mod receipt;
pub mod sheet;
