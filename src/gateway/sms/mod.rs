//! Texts (短信): the ways in which they leave.

pub mod aliyun;
pub mod back;
pub mod mas;
pub mod tencent;

use crate::gateway::outside::{Answer, Lost};
use aliyun::Aliyun;
use back::{About, Pulled, Reply, Untold};
use chrono::{Days, Duration};
use entity::notice::report::Model as Report;
use entity::{Id, Time};
use mas::Mas;
use reqwest::StatusCode;
use serde::Deserialize;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use tencent::Tencent;

/// A way for texts to leave.
pub enum Sms {
    /// Prints each text on the operator's terminal.
    Console,
    /// Keeps each text, for tests.
    Memory(Memory),
    /// Tencent Cloud.
    Tencent(Tencent),
    /// Aliyun.
    Aliyun(Aliyun),
    /// China Mobile cloud MAS.
    Mas(Mas),
}

/// A text that is about to leave.
#[derive(Clone, Debug)]
pub struct Outgoing<'t> {
    /// The notice.
    pub id: Id,
    /// To whom: eleven digits.
    pub phone: &'t str,
    /// The whole text, with its signature before it.
    pub text: &'t str,
    /// The signature as the vendor knows it, if it is not that of the settings.
    pub sign: Option<&'t str>,
}

impl Outgoing<'_> {
    /// The text without its signature, for gateways that put it there.
    #[must_use]
    pub fn words(&self) -> &str {
        self.text.strip_prefix('【').and_then(|rest| rest.split_once('】')).map_or(self.text, |(_, words)| words)
    }
}

/// A text as a template of the gateway's, with the values that go into it, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The vendor's id of the template.
    pub template: String,
    /// Names and values.
    pub values: Vec<(String, String)>,
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
    /// With ids and codes as they can be kept: what others send may hold anything.
    #[must_use]
    pub(in crate::gateway) fn kept(self) -> Self {
        match self {
            Self::Accepted(id) => Self::Accepted(back::vendor_id(&id).unwrap_or_default()),
            Self::Ambiguous(word) => Self::Ambiguous(back::code(&word)),
            Self::Rejected(word) => Self::Rejected(back::code(&word)),
            Self::ChannelDown(word) => Self::ChannelDown(back::code(&word)),
            Self::RetrySafe(_) | Self::Later(_) => self,
        }
    }

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

    async fn send(&self, text: &Outgoing<'_>) -> Outcome {
        let wait = std::mem::take(&mut *self.wait.lock().unwrap_or_else(PoisonError::into_inner));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let set = self.next.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let outcome = set.unwrap_or_else(|| Outcome::Accepted(text.id.to_string()));
        if matches!(outcome, Outcome::Accepted(_) | Outcome::Ambiguous(_)) {
            let sent = Sent { id: text.id, phone: text.phone.to_owned(), text: text.text.to_owned() };
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        }
        outcome
    }
}

impl Sms {
    /// Its word in settings and rows.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Memory(_) => "memory",
            Self::Tencent(_) => "tencent",
            Self::Aliyun(_) => "aliyun",
            Self::Mas(_) => "mas",
        }
    }

    /// True where any words may be sent, and no template of theirs is needed.
    #[must_use]
    pub fn is_free(&self) -> bool {
        match self {
            Self::Console | Self::Memory(_) => true,
            Self::Tencent(_) | Self::Aliyun(_) => false,
            Self::Mas(mas) => mas.is_free(),
        }
    }

    /// Hands one text over; none where it goes by templates only, and has none for this text.
    pub async fn send(&self, text: &Outgoing<'_>, form: Option<&Form>, now: Time) -> Option<Outcome> {
        let outcome = match self {
            Self::Console => {
                // The terminal stands for the phone: this is no log line, and production refuses this gateway.
                match writeln!(std::io::stdout().lock(), "✉ {}  {}", text.phone, text.text) {
                    Ok(()) => Outcome::Accepted(text.id.to_string()),
                    Err(fault) => Outcome::Rejected(fault.kind().to_string()),
                }
            }
            Self::Memory(memory) => memory.send(text).await,
            Self::Tencent(tencent) => tencent.send(text, form?, now).await,
            Self::Aliyun(aliyun) => aliyun.send(text, form?, now).await,
            Self::Mas(mas) if mas.is_free() => mas.send(text, None).await,
            Self::Mas(mas) => mas.send(text, Some(form?)).await,
        };
        Some(outcome.kept())
    }

    /// True where a refusal is of a template, of how its values were filled in, or of a signature: it is one kind's or one centre's, and
    /// neither the phone's nor the whole gateway's.
    #[must_use]
    pub fn blames_form(&self, code: &str) -> bool {
        match self {
            Self::Tencent(_) => tencent::blames_form(code),
            Self::Aliyun(_) => aliyun::blames_form(code),
            Self::Mas(_) => matches!(code, "IllegalSignId" | "NoSignId"),
            Self::Console | Self::Memory(_) => false,
        }
    }

    /// Reports that were pushed to its hook. None for what is none.
    #[must_use]
    pub fn reports(&self, body: &[u8], now: Time) -> Option<Vec<Report>> {
        match self {
            Self::Console | Self::Memory(_) => None,
            Self::Tencent(_) => tencent::reports(body, now),
            Self::Aliyun(_) => aliyun::reports(body, now),
            Self::Mas(_) => mas::reports(body, now),
        }
    }

    /// Texts that were pushed to its hook. None for what is none.
    #[must_use]
    pub fn replies(&self, body: &[u8]) -> Option<Vec<Reply>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Typed {
            mobile: String,
            text: String,
        }
        match self {
            Self::Console | Self::Memory(_) => {
                let Typed { mobile: phone, text } = serde_json::from_slice(body).ok()?;
                Some(vec![Reply { phone, text, key: None }])
            }
            Self::Tencent(_) => tencent::replies(body),
            Self::Aliyun(_) => aliyun::replies(body),
            Self::Mas(_) => mas::replies(body),
        }
    }

    /// What its vendor wants to hear for what it pushed, or it pushes it again.
    #[must_use]
    pub const fn thanks(&self) -> &'static str {
        match self {
            Self::Tencent(_) => r#"{"result":0,"errmsg":"OK"}"#,
            Self::Aliyun(_) => r#"{"code":0,"msg":"接收成功"}"#,
            // What it wants is written nowhere; a status of 200 is known to do.
            Self::Mas(_) | Self::Console | Self::Memory(_) => r#"{"result":"ok"}"#,
        }
    }

    /// What its vendor knows of the texts of a phone; none where it cannot be asked.
    ///
    /// # Errors
    /// [`Untold`].
    pub async fn known(&self, about: &About<'_>, now: Time) -> Result<Option<Vec<Report>>, Untold> {
        match self {
            Self::Tencent(tencent) => tencent.known(about, now).await.map(Some),
            Self::Aliyun(aliyun) => aliyun.known(about, now).await.map(Some),
            Self::Mas(_) | Self::Console | Self::Memory(_) => Ok(None),
        }
    }

    /// What its vendor has not handed out yet; none where it hands out nothing.
    ///
    /// # Errors
    /// [`Untold`].
    pub async fn pull(&self, now: Time) -> Result<Option<Pulled>, Untold> {
        match self {
            Self::Tencent(tencent) => tencent.pull(now).await.map(Some),
            Self::Aliyun(_) | Self::Mas(_) | Self::Console | Self::Memory(_) => Ok(None),
        }
    }
}

/// What it means that there was no answer: sent again is only what certainly was not asked.
fn no_answer(lost: &Lost) -> Outcome {
    match lost {
        Lost::Unasked(_) => Outcome::RetrySafe(Duration::seconds(30)),
        Lost::Unanswered(word) => Outcome::Ambiguous(word.clone()),
    }
}

/// What an answer means that does not speak their language: something before them spoke, and its status is all there is.
fn not_understood(answer: &Answer) -> Outcome {
    let word = format!("http_{}", answer.status.as_u16());
    let wait = |usual| Duration::seconds(answer.retry_after.unwrap_or(usual).clamp(1, 3600));
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::RetrySafe(wait(30)),
        // A proxy says so as well of what it had handed on: it is believed where it says when to come again.
        StatusCode::SERVICE_UNAVAILABLE if answer.retry_after.is_some() => Outcome::RetrySafe(wait(30)),
        status if status.is_client_error() || status.is_redirection() => Outcome::ChannelDown(word),
        status if status.is_server_error() => Outcome::Ambiguous(word),
        _ => Outcome::Ambiguous("garbage".to_owned()),
    }
}

/// The next morning, when limits of a day are over and people are awake.
fn tomorrow(now: Time) -> Time {
    Time::at(now.date() + Days::new(1), 8 * 60)
}
