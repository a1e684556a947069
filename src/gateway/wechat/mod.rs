//! WeChat (微信): who vouches for a resident who comes by the mini program.

pub mod push;

use super::digest::sha1;
use crate::base::settings::WechatSignIn;

/// Who answers for WeChat.
#[derive(Clone, Copy, Debug)]
pub enum Wechat {
    /// Nobody: signing in by WeChat is refused.
    None,
    /// A stand-in for a bare machine: any code is a person, and the code for a phone is the phone itself.
    StandIn,
}

impl From<WechatSignIn> for Wechat {
    fn from(setting: WechatSignIn) -> Self {
        match setting {
            WechatSignIn::None => Self::None,
            WechatSignIn::StandIn => Self::StandIn,
        }
    }
}

impl Wechat {
    /// The openid that a login code stands for, or none if WeChat does not vouch for it.
    #[must_use]
    pub fn openid(self, code: &str) -> Option<String> {
        let readable =
            (1..=64).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        match self {
            Self::StandIn if readable => Some(format!("stand-in-{code}")),
            _ => None,
        }
    }

    /// The phone that a phone code stands for, or none if WeChat does not vouch for it.
    #[must_use]
    pub fn phone(self, code: &str) -> Option<String> {
        match self {
            Self::StandIn => Some(code.to_owned()),
            Self::None => None,
        }
    }

    /// True when anybody is let in.
    #[must_use]
    pub const fn stands_in(self) -> bool {
        matches!(self, Self::StandIn)
    }

    /// True when signing in by WeChat works here.
    #[must_use]
    pub const fn is_there(self) -> bool {
        !matches!(self, Self::None)
    }
}
/// The signature by which a page that is opened in WeChat may use its functions (JS-SDK): of the page's address as it is, but
/// for what follows `#`.
#[must_use]
pub fn sign_page(ticket: &str, nonce: &str, seconds: i64, url: &str) -> String {
    let page = url.split('#').next().unwrap_or(url);
    sha1(format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={seconds}&url={page}").as_bytes())
}
