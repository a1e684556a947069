//! Channels (通道): which gateways are left alone for now. One that says that it is out of order is; one that only fails is
//! when it fails again and again within a short time and nothing goes well in between: a single error moves nobody.

use super::sms::Outcome;
use chrono::Duration;
use entity::Time;
use entity::notice::hold::Model as Hold;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Errors count together within this time.
const WINDOW: Duration = Duration::minutes(1);
/// A trial is over after so long, though nothing was heard of it.
const TRIAL: Duration = Duration::seconds(40);
/// How long others wait before they look whether it went well.
const PAUSE: Duration = Duration::seconds(5);
/// So many errors within it, and nothing well in between, are enough.
const ENOUGH: usize = 5;

/// What this process knows of its gateways.
#[derive(Default)]
pub struct Channels(Mutex<HashMap<String, Channel>>);

#[derive(Default)]
struct Channel {
    /// Until when it is left alone, by what all processes share.
    held: Option<Time>,
    /// Its last errors.
    errors: Vec<Time>,
    /// When one text was let through to see whether it does again.
    trial: Option<Time>,
}

/// What an outcome means for its gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    None,
    /// It is to be left alone, for this reason.
    Hold(String),
    /// It takes texts again.
    Free,
}

impl Channels {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears what all processes share.
    pub fn refresh(&self, holds: &[Hold]) {
        let mut all = self.lock();
        for (name, channel) in all.iter_mut() {
            channel.held = holds.iter().find(|h| h.gateway == *name).map(|h| h.until);
        }
        for hold in holds {
            all.entry(hold.gateway.clone()).or_default().held = Some(hold.until);
        }
    }

    /// Until when a gateway is left alone, if it is.
    #[must_use]
    pub fn held(&self, gateway: &str, now: Time) -> Option<Time> {
        self.lock().get(gateway)?.held.filter(|until| *until > now)
    }

    /// Until when a text is to wait for a gateway, if it is. Of one that was held one text sees how it does, and the others wait.
    pub fn enter(&self, gateway: &str, now: Time) -> Option<Time> {
        let mut all = self.lock();
        let channel = all.get_mut(gateway)?;
        let held = channel.held?;
        if held > now {
            return Some(held);
        }
        let on_trial = channel.trial.filter(|since| *since <= now && now - *since < TRIAL);
        if on_trial.is_none() {
            channel.trial = Some(now);
            return None;
        }
        Some(now + PAUSE)
    }

    /// Hears how an attempt ended. Of many that end alike at once, one is told to hold the gateway.
    pub fn hear(&self, gateway: &str, outcome: &Outcome, now: Time) -> Turn {
        let mut all = self.lock();
        let channel = all.entry(gateway.to_owned()).or_default();
        let reason = match outcome {
            Outcome::ChannelDown(code) => code.clone(),
            Outcome::RetrySafe(_) | Outcome::Ambiguous(_) => {
                // Many are under way at once, and are heard of in any order; a clock that was set back forgets.
                channel.errors.retain(|at| *at > now - WINDOW && *at < now + WINDOW);
                channel.errors.push(now);
                // One that was out of order, and is asked again, has to do well.
                let on_trial = channel.held.is_some_and(|until| until <= now);
                if channel.errors.len() < ENOUGH && !on_trial {
                    return Turn::None;
                }
                match outcome {
                    Outcome::Ambiguous(word) => word.clone(),
                    _ => "errors".to_owned(),
                }
            }
            // Whoever answers so is there.
            Outcome::Accepted(_) | Outcome::Later(_) | Outcome::Rejected(_) => {
                channel.errors.clear();
                channel.trial = None;
                return if channel.held.take().is_some() { Turn::Free } else { Turn::None };
            }
        };
        if channel.held.is_some_and(|until| until > now) {
            return Turn::None;
        }
        channel.errors.clear();
        channel.trial = None;
        // Until those who share it have written down how long.
        channel.held = Some(now + WINDOW);
        Turn::Hold(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "tencent";

    fn at(second: i64) -> Time {
        Time(1_795_000_000_000 + second * 1000)
    }

    #[test]
    fn one_error_moves_nobody_and_five_in_a_minute_do() {
        let (channels, error) = (Channels::default(), Outcome::RetrySafe(Duration::seconds(30)));
        for second in [0, 70, 80, 90, 100] {
            assert_eq!(channels.hear(GATEWAY, &error, at(second)), Turn::None, "{second}");
        }
        channels.hear(GATEWAY, &Outcome::Accepted("1".to_owned()), at(101));
        for second in 102..106 {
            assert_eq!(channels.hear(GATEWAY, &error, at(second)), Turn::None, "something went well in between");
        }
        let timeout = Outcome::Ambiguous("timeout".to_owned());
        assert_eq!(channels.hear(GATEWAY, &timeout, at(106)), Turn::Hold("timeout".to_owned()));
        assert_eq!(channels.held(GATEWAY, at(107)), Some(at(166)));
        assert_eq!(channels.hear(GATEWAY, &error, at(107)), Turn::None, "said once");
        assert_eq!(channels.held(GATEWAY, at(166)), None);
        assert_eq!(
            channels.hear(GATEWAY, &timeout, at(166)),
            Turn::Hold("timeout".to_owned()),
            "asked again, and no better"
        );
        assert_eq!(channels.held(GATEWAY, at(167)), Some(at(226)));
        assert_eq!(channels.hear(GATEWAY, &Outcome::Rejected("x".to_owned()), at(167)), Turn::Free);
    }

    #[test]
    fn errors_count_in_whatever_order_they_are_heard_of() {
        let (channels, error) = (Channels::default(), Outcome::RetrySafe(Duration::seconds(30)));
        for second in [5, 3, 4, 1] {
            assert_eq!(channels.hear(GATEWAY, &error, at(second)), Turn::None, "{second}");
        }
        assert_eq!(channels.hear(GATEWAY, &error, at(2)), Turn::Hold("errors".to_owned()));
        // Set back by a day, a clock begins anew.
        let channels = Channels::default();
        for second in [86_400, 86_401, 86_402, 86_403, 0] {
            assert_eq!(channels.hear(GATEWAY, &error, at(second)), Turn::None, "{second}");
        }
    }

    #[test]
    fn one_text_sees_how_a_gateway_does_that_was_held() {
        let (channels, down) = (Channels::default(), Outcome::ChannelDown("no_money".to_owned()));
        assert_eq!(channels.enter(GATEWAY, at(0)), None);
        channels.hear(GATEWAY, &down, at(0));
        assert_eq!(channels.enter(GATEWAY, at(1)), Some(at(60)));
        assert_eq!(channels.enter(GATEWAY, at(60)), None, "the first");
        assert_eq!(channels.enter(GATEWAY, at(61)), Some(at(66)), "the others wait");
        assert_eq!(channels.enter(GATEWAY, at(101)), None, "nothing was heard of the first");
        channels.hear(GATEWAY, &Outcome::Accepted("1".to_owned()), at(102));
        assert_eq!(channels.enter(GATEWAY, at(102)), None);
        assert_eq!(channels.enter(GATEWAY, at(102)), None, "all of them");
    }

    #[test]
    fn out_of_order_is_enough_once_and_what_others_wrote_down_counts() {
        let (channels, down) = (Channels::default(), Outcome::ChannelDown("no_money".to_owned()));
        assert_eq!(channels.hear(GATEWAY, &down, at(0)), Turn::Hold("no_money".to_owned()));
        let hold = |until| Hold { gateway: GATEWAY.to_owned(), code: "x".to_owned(), since: at(0), until, times: 1 };
        channels.refresh(&[hold(at(600))]);
        assert_eq!(channels.held(GATEWAY, at(599)), Some(at(600)));
        channels.refresh(&[]);
        assert_eq!(channels.held(GATEWAY, at(1)), None, "another process found it well");
    }
}
