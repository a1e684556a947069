//! The official account (公众号): who opens our pages in WeChat, and what these may use there.

use super::client::{Client, Fault};
use super::kept::{Fetched, Kept};
use super::mini::{Unvouched, is_code};
use super::sign_page;
use crate::base::vault::Vault;
use crate::gateway::shared::Shared;
use entity::Time;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::Arc;

/// The official account.
pub struct Official {
    client: Client,
    /// Where WeChat asks people.
    oauth: String,
    ticket: Kept,
}

impl Official {
    /// The app, and the address at which WeChat asks people.
    #[must_use]
    pub fn new(client: Client, oauth: &str, vault: Arc<Vault>, shared: Option<Shared>) -> Self {
        let ticket = Kept::new(format!("wechat:ticket:{}", client.app_id()), vault, shared);
        Self { oauth: oauth.trim_end_matches('/').to_owned(), ticket, client }
    }

    /// Where a browser in WeChat is sent to say who it is, and comes back from with a code and the word it was given.
    #[must_use]
    pub fn ask_address(&self, back: &str, state: &str) -> String {
        let (oauth, app) = (&self.oauth, self.client.app_id());
        let back = utf8_percent_encode(back, NON_ALPHANUMERIC);
        // Their pages read the parts in this order.
        format!(
            "{oauth}/connect/oauth2/authorize?appid={app}&redirect_uri={back}&response_type=code&scope=snsapi_base\
             &state={state}#wechat_redirect"
        )
    }

    /// The openid that a code stands for; a visitor who has not said who he is (快照页) is nobody.
    ///
    /// # Errors
    /// [`Unvouched`].
    pub async fn openid(&self, code: &str) -> Result<String, Unvouched> {
        #[derive(Deserialize)]
        struct Told {
            openid: String,
            #[serde(default)]
            is_snapshotuser: i64,
        }
        if !is_code(code) {
            return Err(Unvouched::Refused);
        }
        let rest = format!("code={code}&grant_type=authorization_code");
        let told: Told = self.client.ask_by_secret("/sns/oauth2/access_token", &rest).await?;
        if told.is_snapshotuser == 1 { Err(Unvouched::Refused) } else { Ok(told.openid) }
    }

    /// The signature by which a page of ours may use WeChat's functions.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn sign(&self, url: &str, nonce: &str, now: Time) -> Result<String, Fault> {
        let ticket = self
            .ticket
            .get(now, None, async || {
                #[derive(Deserialize)]
                struct Told {
                    ticket: String,
                    expires_in: i64,
                }
                let told: Told = self.client.look_up("/cgi-bin/ticket/getticket", "type=jsapi", now).await?;
                Ok(Fetched { word: told.ticket, seconds: told.expires_in })
            })
            .await?;
        Ok(sign_page(&ticket, nonce, now.seconds(), url))
    }

    /// The app as it asks.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }
}
