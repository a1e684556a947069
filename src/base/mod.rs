//! The ground floor: what every other floor stands on, and what knows none of them.

pub mod asking;
pub mod canonical;
mod clock;
pub mod database;
pub mod error;
pub mod keys;
pub mod lease;
pub mod media;
pub mod metrics;
pub mod personal;
mod random;
pub mod settings;
pub mod telemetry;
pub mod vault;

pub use clock::Clock;
pub use error::{Error, Kind, Refusal, Refused, Result};
pub use random::Random;
