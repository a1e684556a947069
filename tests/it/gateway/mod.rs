//! What lies outside: the signers against vectors of others, and the clients against a stand-in that behaves and misbehaves.

mod send;
mod signers;
mod sms;
pub mod stand_in;
