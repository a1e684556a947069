//! What can go wrong: a refusal (拒绝), which is an answer for the person who asked, or a fault, which is not.
//!
//! Every noun file opens with its refusals as constants, so that a reader sees each "no" of that noun at once and a
//! test can name the one it expects. Everything else is one opaque fault, logged once where the request ends.

use chrono::Duration;
use std::borrow::Cow;

/// How a refusal reads on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request cannot be read as the document says.
    Unreadable,
    /// 401: nobody has signed in.
    Unknown,
    /// 403: known, but not permitted; used only where existence is no secret.
    Forbidden,
    /// 404: not there, or not yours.
    Missing,
    /// 405: the address exists, this method does not.
    Method,
    /// 409: the state or the capacity says no; another moment may say yes.
    Conflict,
    /// 413: the body is larger than allowed.
    TooLarge,
    /// 415: the body is not of a kind that is read here.
    Unsupported,
    /// 422: read and understood, and a rule says no.
    Invalid,
    /// 429: too often.
    TooMany,
    /// 503: not now.
    Unavailable,
}

impl Kind {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::Unknown => 401,
            Self::Forbidden => 403,
            Self::Missing => 404,
            Self::Method => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Unsupported => 415,
            Self::Invalid => 422,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }
}

/// One "no", with its words for the person who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How it reads on the wire.
    pub kind: Kind,
    /// Stable word for programs; unique in the whole program.
    pub code: &'static str,
    /// What happened and what to do, in Chinese. `{…}` are filled by [`Refusal::with`].
    pub message: &'static str,
    /// Article of the Measures it rests on.
    pub article: Option<&'static str>,
}

impl Refusal {
    /// A refusal that rests on no particular article.
    #[must_use]
    pub const fn new(kind: Kind, code: &'static str, message: &'static str) -> Self {
        Self { kind, code, message, article: None }
    }

    /// The same, resting on an article of the Measures such as `4.3`.
    #[must_use]
    pub const fn article(self, article: &'static str) -> Self {
        Self { article: Some(article), ..self }
    }

    /// The refusal of one field of the request.
    #[must_use]
    pub fn on(self, field: impl Into<String>) -> Refused {
        Refused { field: Some(field.into()), ..self.into() }
    }

    /// The refusal with the `{name}` places of its message filled.
    #[must_use]
    pub fn with(self, values: &[(&str, &dyn std::fmt::Display)]) -> Refused {
        let mut message = self.message.to_owned();
        for (name, value) in values {
            message = message.replace(&format!("{{{name}}}"), &value.to_string());
        }
        Refused { message: message.into(), ..self.into() }
    }

    /// The refusal, with the time after which another try may succeed.
    #[must_use]
    pub fn after(self, wait: Duration) -> Refused {
        Refused { retry_after: Some(wait), ..self.into() }
    }
}

/// A refusal as it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub refusal: Refusal,
    /// Its words, with places filled.
    pub message: Cow<'static, str>,
    /// The field of the request it is about.
    pub field: Option<String>,
    /// When another try may succeed.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// The same refusal, about one field of the request.
    #[must_use]
    pub fn on(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, message: Cow::Borrowed(refusal.message), field: None, retry_after: None }
    }
}

/// Whatever ends a request early.
#[derive(Debug)]
pub enum Error {
    /// An answer for the person who asked.
    Refused(Box<Refused>),
    /// A fault of ours or of something we rest on; the person learns only its request id.
    Fault(anyhow::Error),
}

/// The result of everything that can be refused or fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Fault(error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refused) => write!(f, "{} ({})", refused.message, refused.refusal.code),
            Self::Fault(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for Error {}
