//! `[sms]`: by which ways texts leave, when, and how many.

use super::{seconds, within};
use crate::base::personal;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// `[sms]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Sms {
    #[serde(deserialize_with = "gateways")]
    pub gateways: Vec<Gateway>,
    #[serde(deserialize_with = "quiet")]
    pub quiet_hours: Quiet,
    #[serde(deserialize_with = "phone")]
    pub operator_phone: String,
    #[serde(deserialize_with = "within::<1, 1440, _>")]
    pub ask_minutes: i64,
    pub limits: TextLimits,
    pub console: Console,
    pub tencent: Tencent,
    pub aliyun: Aliyun,
    pub mas: Mas,
}

/// Hours in which nobody is woken, as minutes past midnight; none if both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// When they begin.
    pub from: i32,
    /// When they end.
    pub to: i32,
}

/// `[sms.limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct TextLimits {
    #[serde(deserialize_with = "within::<0, 600, _>")]
    pub spacing: i64,
    #[serde(deserialize_with = "within::<1, 1000, _>")]
    pub per_hour: i64,
    #[serde(deserialize_with = "within::<1, 1000, _>")]
    pub per_day: i64,
    #[serde(deserialize_with = "within::<0, 1_000_000, _>")]
    pub daily_budget: i64,
}

/// A way for texts to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// Tencent Cloud.
    Tencent,
    /// Aliyun.
    Aliyun,
    /// China Mobile cloud MAS.
    Mas,
    /// Prints texts on the operator's terminal.
    Console,
    /// Keeps texts in memory, for tests.
    Memory,
}

/// `[sms.console]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Console {
    pub links: Links,
    pub hook_secret: SecretString,
}

/// `[sms.tencent]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Tencent {
    pub endpoint: String,
    pub region: String,
    pub secret_id: String,
    pub secret_key: SecretString,
    pub sdk_app_id: String,
    pub sign_name: String,
    #[serde(deserialize_with = "seconds::<10, _>")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "seconds::<30, _>")]
    pub timeout: Duration,
    pub links: Links,
    pub poll: bool,
    pub hook_secret: SecretString,
}

/// `[sms.aliyun]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Aliyun {
    pub endpoint: String,
    pub access_key_id: String,
    pub access_key_secret: SecretString,
    pub sign_name: String,
    #[serde(deserialize_with = "seconds::<10, _>")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "seconds::<30, _>")]
    pub timeout: Duration,
    pub links: Links,
    pub poll: bool,
    pub hook_secret: SecretString,
}

/// `[sms.mas]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Mas {
    pub base: String,
    pub variant: MasVariant,
    pub ec_name: String,
    pub ap_id: String,
    pub secret_key: SecretString,
    pub sign: String,
    pub add_serial: String,
    #[serde(deserialize_with = "seconds::<10, _>")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "seconds::<30, _>")]
    pub timeout: Duration,
    pub links: Links,
    pub hook_secret: SecretString,
}

/// In which form cloud MAS takes texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MasVariant {
    /// Any words.
    Nor,
    /// A template of theirs, with values.
    Tmp,
}

/// What a text that invites to rate may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// A link with the token.
    PerCase,
    /// The constant address and the code.
    Fixed,
    /// A digit is the answer.
    None,
}

impl Sms {
    /// What a text that invites to rate may carry by a gateway.
    #[must_use]
    pub const fn links(&self, gateway: Gateway) -> Links {
        match gateway {
            Gateway::Console => self.console.links,
            Gateway::Memory => Links::PerCase,
            Gateway::Tencent => self.tencent.links,
            Gateway::Aliyun => self.aliyun.links,
            Gateway::Mas => self.mas.links,
        }
    }

    /// True where a gateway is asked for its reports, as it cannot reach us.
    #[must_use]
    pub fn polls(&self, gateway: &str) -> bool {
        match gateway {
            "tencent" => self.tencent.poll,
            "aliyun" => self.aliyun.poll,
            _ => false,
        }
    }

    /// The first secret of a hook that anybody could guess: it alone vouches for what comes.
    pub(super) fn short_secret(&self) -> Option<&'static str> {
        let secrets = [
            ("sms.console.hook_secret", &self.console.hook_secret),
            ("sms.tencent.hook_secret", &self.tencent.hook_secret),
            ("sms.aliyun.hook_secret", &self.aliyun.hook_secret),
            ("sms.mas.hook_secret", &self.mas.hook_secret),
        ];
        let is_short = |secret: &SecretString| (1..16).contains(&secret.expose_secret().len());
        secrets.into_iter().find(|(_, secret)| is_short(secret)).map(|(key, _)| key)
    }

    /// The first key that a gateway in use needs and that is empty.
    pub(super) fn missing(&self) -> Option<&'static str> {
        let Self { tencent, aliyun, mas, .. } = self;
        let needed = |gateway: Gateway| match gateway {
            Gateway::Console | Gateway::Memory => Vec::new(),
            Gateway::Tencent => vec![
                ("sms.tencent.secret_id", tencent.secret_id.as_str()),
                ("sms.tencent.secret_key", tencent.secret_key.expose_secret()),
                ("sms.tencent.sdk_app_id", &tencent.sdk_app_id),
                ("sms.tencent.sign_name", &tencent.sign_name),
            ],
            Gateway::Aliyun => vec![
                ("sms.aliyun.access_key_id", aliyun.access_key_id.as_str()),
                ("sms.aliyun.access_key_secret", aliyun.access_key_secret.expose_secret()),
                ("sms.aliyun.sign_name", &aliyun.sign_name),
            ],
            Gateway::Mas => vec![
                ("sms.mas.ec_name", mas.ec_name.as_str()),
                ("sms.mas.ap_id", &mas.ap_id),
                ("sms.mas.secret_key", mas.secret_key.expose_secret()),
                ("sms.mas.sign", &mas.sign),
            ],
        };
        self.gateways.iter().flat_map(|g| needed(*g)).find(|(_, value)| value.is_empty()).map(|(key, _)| key)
    }
}

fn phone<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() || personal::mobile(&text).is_some() {
        return Ok(text);
    }
    Err(serde::de::Error::custom("not a mobile phone"))
}

fn gateways<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Gateway>, D::Error> {
    let list = Vec::<Gateway>::deserialize(from)?;
    let once = (1..list.len()).all(|i| !list[..i].contains(&list[i]));
    if once { Ok(list) } else { Err(serde::de::Error::custom("named twice")) }
}

fn quiet<'de, D: Deserializer<'de>>(from: D) -> Result<Quiet, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(Quiet { from: 0, to: 0 });
    }
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
        ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
    };
    let hours = text.split_once('-').and_then(|(from, to)| Some(Quiet { from: minute(from)?, to: minute(to)? }));
    hours.ok_or_else(|| serde::de::Error::custom("not two times of a day"))
}
