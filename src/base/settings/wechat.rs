//! `[wechat]`: who answers for WeChat, and by which apps.

use super::seconds;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// `[wechat]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Wechat {
    pub sign_in: WechatSignIn,
    pub api_base: String,
    pub oauth_base: String,
    #[serde(deserialize_with = "seconds::<10, _>")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "seconds::<30, _>")]
    pub timeout: Duration,
    pub long_term: Vec<String>,
    pub mini: MiniProgram,
    pub official: OfficialAccount,
}

/// `[wechat.mini]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct MiniProgram {
    pub app_id: String,
    pub app_secret: SecretString,
    pub push_token: SecretString,
    pub push_aes_key: SecretString,
    pub state: MiniState,
}

/// Which version of the mini program is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MiniState {
    /// The published one.
    Formal,
    /// One to be tried.
    Trial,
    /// The developer's.
    Developer,
}

impl MiniState {
    /// Its word at WeChat.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Formal => "formal",
            Self::Trial => "trial",
            Self::Developer => "developer",
        }
    }
}

/// `[wechat.official]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct OfficialAccount {
    pub app_id: String,
    pub app_secret: SecretString,
}

/// Who answers for WeChat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WechatSignIn {
    /// Nobody.
    None,
    /// A stand-in that takes any code.
    StandIn,
    /// The mini program.
    Mini,
}

impl Wechat {
    /// Keys that do not go together, in words.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let mini = &self.mini;
        if self.sign_in == WechatSignIn::Mini && (mini.app_id.is_empty() || mini.app_secret.expose_secret().is_empty())
        {
            return Some("wechat.mini.app_id or app_secret is empty, and wechat.sign_in names it");
        }
        let (token, key) = (mini.push_token.expose_secret(), mini.push_aes_key.expose_secret());
        let together = token.is_empty() == key.is_empty() && (key.is_empty() || key.len() == 43);
        (!together).then_some("wechat.mini.push_token and push_aes_key go together, and the key has 43 symbols")
    }
}
