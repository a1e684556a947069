//! Messages that WeChat pushes (消息推送), in safe mode: only what was sealed for this app, by the key they share, is believed.

use super::super::digest::{open_cbc, sha1};
use super::client::number;
use crate::base::vault::same;
use crate::gateway::sms::back::vendor_id;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

/// Their key of 43 symbols may carry two stray bits at its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// They fill up to blocks of thirty-two, twice the cipher's.
const BLOCK: usize = 32;

/// What an app shares with WeChat for its pushes.
pub struct Push {
    token: String,
    key: [u8; 32],
    app_id: String,
}

/// What does not open. Which of the checks it was, nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTheirs;

impl Push {
    /// By the token, the key of 43 symbols and the app's id. None for a key that is none.
    #[must_use]
    pub fn new(token: &str, aes_key: &str, app_id: &str) -> Option<Self> {
        let key = LENIENT.decode(aes_key).ok()?.try_into().ok()?;
        Some(Self { token: token.to_owned(), key, app_id: app_id.to_owned() })
    }

    /// True for the signature of a question whether this address is ours.
    #[must_use]
    pub fn asks(&self, signature: &str, timestamp: &str, nonce: &str) -> bool {
        same(signed(&[&self.token, timestamp, nonce]).as_bytes(), signature.as_bytes())
    }

    /// Opens what was sealed for this app.
    ///
    /// # Errors
    /// [`NotTheirs`], whatever it was.
    pub fn open(&self, signature: &str, timestamp: &str, nonce: &str, sealed: &str) -> Result<String, NotTheirs> {
        if !same(signed(&[&self.token, timestamp, nonce, sealed]).as_bytes(), signature.as_bytes()) {
            return Err(NotTheirs);
        }
        self.unseal(sealed).ok_or(NotTheirs)
    }

    fn unseal(&self, sealed: &str) -> Option<String> {
        let sealed = LENIENT.decode(sealed).ok().filter(|s| !s.is_empty() && s.len() % BLOCK == 0)?;
        let plain = open_cbc(&self.key, &self.key[..16], sealed)?;
        let padding = usize::from(*plain.last()?);
        let (plain, fill) = plain.split_at_checked(plain.len().checked_sub(padding)?)?;
        let well_filled = (1..=BLOCK).contains(&padding) && fill.iter().all(|b| usize::from(*b) == padding);
        // Sixteen bytes of chance, the length, the message, and whom it is for.
        let (length, rest) = plain.get(16..)?.split_first_chunk::<4>()?;
        let (message, app_id) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let ours = same(app_id, self.app_id.as_bytes());
        (well_filled && ours).then(|| String::from_utf8(message.to_vec()).ok()).flatten()
    }
}

/// Their signature: SHA-1 of all parts, sorted and put together.
fn signed(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    sha1(parts.concat().as_bytes())
}

/// An event that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which app it is of, as WeChat names it.
    pub to: String,
    /// The openid it is about.
    pub from: String,
    /// When, in seconds.
    pub at: i64,
    /// What, and of which templates.
    pub what: What,
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Answers to the question whether messages may come.
    Asked(Vec<Permit>),
    /// Changes in the settings of WeChat.
    Changed(Vec<Permit>),
    /// What became of messages.
    Sent(Vec<Delivered>),
    /// Something else, which does not concern us.
    Other,
}

/// Whether messages of one template may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// WeChat's id of the template.
    pub template: String,
    /// They may.
    pub accepted: bool,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// WeChat's id of the template.
    pub template: String,
    /// WeChat's id of the message.
    pub message: String,
    /// 0, or why it did not arrive.
    pub code: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pushed {
    to_user_name: String,
    from_user_name: String,
    create_time: Value,
    #[serde(default)]
    msg_type: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    list: Value,
}

/// Reads an event. None for what is none.
#[must_use]
pub fn read(message: &str) -> Option<Event> {
    let pushed: Pushed = serde_json::from_str(message).ok()?;
    // One item is not put into a list.
    let items = match pushed.list {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let word = |item: &Value, name: &str| vendor_id(item.get(name)?.as_str()?);
    let permits = || {
        let permit = |item: &Value| {
            let accepted = word(item, "SubscribeStatusString")? == "accept";
            Some(Permit { template: word(item, "TemplateId")?, accepted })
        };
        items.iter().map(permit).collect::<Option<Vec<_>>>()
    };
    let what = match (pushed.msg_type.as_str(), pushed.event.as_str()) {
        ("event", "subscribe_msg_popup_event") => What::Asked(permits()?),
        ("event", "subscribe_msg_change_event") => What::Changed(permits()?),
        ("event", "subscribe_msg_sent_event") => {
            let delivered = |item: &Value| {
                let (template, message) = (word(item, "TemplateId")?, vendor_id(&in_words(item.get("MsgID")?))?);
                Some(Delivered { template, message, code: number(item.get("ErrorCode")?)? })
            };
            What::Sent(items.iter().map(delivered).collect::<Option<_>>()?)
        }
        _ => What::Other,
    };
    let at = number(&pushed.create_time)?;
    Some(Event { to: pushed.to_user_name, from: pushed.from_user_name, at, what })
}

fn in_words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
