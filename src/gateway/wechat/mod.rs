//! WeChat (微信): who vouches for a resident who comes by the mini program, and by what it is spoken to. Mini program and
//! official account are two apps.

pub mod client;
pub mod kept;
pub mod mini;
pub mod official;
pub mod push;

use super::digest::sha1;
use entity::Time;
use mini::{Mini, Unvouched};

/// Who answers for WeChat.
pub enum Wechat {
    /// Nobody: signing in by WeChat is refused.
    None,
    /// A stand-in for a bare machine: any code is a person, and the code for a phone is the phone itself.
    StandIn,
    /// The mini program.
    Mini(Box<Mini>),
}

impl Wechat {
    /// The openid that a login code stands for.
    ///
    /// # Errors
    /// [`Unvouched`].
    pub async fn openid(&self, code: &str) -> Result<String, Unvouched> {
        let readable =
            (1..=64).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        match self {
            Self::StandIn if readable => Ok(format!("stand-in-{code}")),
            Self::Mini(mini) => mini.openid(code).await,
            _ => Err(Unvouched::Refused),
        }
    }

    /// The phone that a phone code stands for.
    ///
    /// # Errors
    /// [`Unvouched`].
    pub async fn phone(&self, code: &str, now: Time) -> Result<String, Unvouched> {
        match self {
            Self::StandIn => Ok(code.to_owned()),
            Self::Mini(mini) => mini.phone(code, now).await,
            Self::None => Err(Unvouched::Refused),
        }
    }

    /// True when anybody is let in.
    #[must_use]
    pub const fn stands_in(&self) -> bool {
        matches!(self, Self::StandIn)
    }

    /// True when signing in by WeChat works here.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The mini program, if it is set up.
    #[must_use]
    pub const fn mini(&self) -> Option<&Mini> {
        match self {
            Self::Mini(mini) => Some(mini),
            _ => None,
        }
    }
}

/// The signature by which a page that is opened in WeChat may use its functions (JS-SDK): of the page's address as it is, but
/// for what follows `#`.
#[must_use]
pub fn sign_page(ticket: &str, nonce: &str, seconds: i64, url: &str) -> String {
    let page = url.split('#').next().unwrap_or(url);
    sha1(format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={seconds}&url={page}").as_bytes())
}
