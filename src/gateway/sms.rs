//! Texts (短信): the ways in which they leave.

use chrono::Duration;
use entity::{Id, Time};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// A way for texts to leave.
pub enum Sms {
    /// Prints each text on the operator's terminal.
    Console,
    /// Keeps each text, for tests.
    Memory(Memory),
}

/// How an attempt ended. One set of words for all gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, under the vendor's id.
    Accepted(String),
    /// Certainly not sent; may be tried again after this.
    RetrySafe(Duration),
    /// Not now, by the vendor's own limits.
    Later(Time),
    /// It may have been sent.
    Ambiguous(String),
    /// This text will never go.
    Rejected(String),
    /// The whole gateway is out of order.
    ChannelDown(String),
}

impl Outcome {
    /// Its word where attempts are counted.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::RetrySafe(_) => "retry_safe",
            Self::Later(_) => "later",
            Self::Ambiguous(_) => "ambiguous",
            Self::Rejected(_) => "rejected",
            Self::ChannelDown(_) => "channel_down",
        }
    }
}

/// What the memory gateway keeps.
#[derive(Default)]
pub struct Memory {
    sent: Mutex<Vec<Sent>>,
    next: Mutex<Vec<Outcome>>,
    wait: Mutex<std::time::Duration>,
}

/// A text that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The notice.
    pub id: Id,
    /// To whom.
    pub phone: String,
    /// What.
    pub text: String,
}

impl Memory {
    /// Everything sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes so long for the next attempt.
    pub fn wait_next(&self, time: std::time::Duration) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Answers the next attempt with this, first set first used.
    pub fn answer_next(&self, outcome: Outcome) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).insert(0, outcome);
    }
}

impl Sms {
    /// Its word in settings and rows.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Memory(_) => "memory",
        }
    }

    /// Hands one text over.
    pub async fn send(&self, id: Id, phone: &str, text: &str) -> Outcome {
        match self {
            Self::Console => {
                // The terminal stands for the phone: this is no log line, and production refuses this gateway.
                match writeln!(std::io::stdout().lock(), "✉ {phone}  {text}") {
                    Ok(()) => Outcome::Accepted(id.to_string()),
                    Err(fault) => Outcome::Rejected(fault.kind().to_string()),
                }
            }
            Self::Memory(memory) => {
                let wait = std::mem::take(&mut *memory.wait.lock().unwrap_or_else(PoisonError::into_inner));
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                let set = memory.next.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let outcome = set.unwrap_or_else(|| Outcome::Accepted(id.to_string()));
                if matches!(outcome, Outcome::Accepted(_) | Outcome::Ambiguous(_)) {
                    let sent = Sent { id, phone: phone.to_owned(), text: text.to_owned() };
                    memory.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
                }
                outcome
            }
        }
    }
}
