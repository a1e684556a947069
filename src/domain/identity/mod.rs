//! Identity (身份): who is at the door.
//!
//! A resident is an *account*, a WeChat openid or a phone that was verified; a member of staff has a user name. Either
//! holds *sessions*, one a device, and a session can be ended at once. A phone is a contact and never an identity:
//! families share one and numbers are reissued, so what an account may see goes by when it was verified.

pub mod idempotency;
pub mod password;
pub mod resident;
pub mod session;
pub mod staff;
mod viewer;

pub use viewer::Viewer;
