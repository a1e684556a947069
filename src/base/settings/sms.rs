//! `[sms]`: by which ways texts leave, when, and how many.

use super::within;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// `[sms]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Sms {
    #[serde(deserialize_with = "gateways")]
    pub gateways: Vec<Gateway>,
    #[serde(deserialize_with = "quiet")]
    pub quiet_hours: Quiet,
    pub limits: TextLimits,
    pub console: Console,
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
