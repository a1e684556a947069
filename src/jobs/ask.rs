//! Asking (查询回执): what became of texts that may have gone out, and, where no hook can be reached from outside, of all
//! texts, and what phones answered.

use crate::access::incoming;
use crate::app::App;
use crate::base::error::Result;
use crate::base::vault::Place;
use crate::domain::notice;
use crate::gateway::sms::Sms;
use crate::gateway::sms::back::{About, Pulled, Untold};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Model};
use std::collections::HashSet;

/// Texts that are asked about in one go; each costs a question.
const AT_ONCE: usize = 50;
/// Texts of two minutes that are asked about; more are not taken in that time by any that is polled.
const MANY: u64 = 500;
/// Between tries to write down what is not handed out again.
const PAUSES: [std::time::Duration; 5] = [
    std::time::Duration::from_millis(250),
    std::time::Duration::from_millis(500),
    std::time::Duration::from_secs(1),
    std::time::Duration::from_secs(2),
    std::time::Duration::from_secs(4),
];
/// Batches that are pulled in one go.
const PULLS: usize = 20;
/// A text that was taken is asked about so many minutes later, where reports do not come by themselves.
const LATER: [i64; 5] = [1, 5, 30, 120, 600];

/// Asks about texts that may have gone out, until it is known or `sms.ask_minutes` are over.
pub(super) async fn about_unsure(app: &App) -> Result<()> {
    let (now, within) = (app.clock.now(), Duration::minutes(app.settings.sms.ask_minutes));
    let mut silent = HashSet::new();
    for text in notice::to_ask_about(app.read(), now, within, AT_ONCE).await? {
        let last = notice::last_attempt(app.read(), text.id).await?;
        // Its deliverer may have died with the answer, or before it asked anybody.
        let asked = last.filter(|a| a.outcome == AttemptOutcome::Ambiguous).map(|a| a.gateway);
        for gateway in app.sms.iter().filter(|g| asked.as_ref().is_none_or(|name| name == g.name())) {
            // One that does not answer is not asked again in this round: others wait for what this job does beside.
            if silent.contains(gateway.name()) {
                continue;
            }
            match ask(app, gateway, &text).await? {
                Some(true) => break,
                Some(false) => {}
                None => drop(silent.insert(gateway.name())),
            }
        }
    }
    Ok(())
}

/// Asks for what does not come by itself, where a gateway's settings say that no hook can be reached.
pub(super) async fn for_reports(app: &App) -> Result<()> {
    let now = app.clock.now();
    for gateway in app.sms.iter().filter(|gateway| app.settings.sms.polls(gateway.name())) {
        for _ in 0..PULLS {
            let pulled = match gateway.pull(now).await {
                Ok(Some(pulled)) => pulled,
                Ok(None) => break,
                Err(untold) => {
                    complain(gateway, &untold);
                    break;
                }
            };
            if !take(app, gateway, pulled).await? {
                break;
            }
        }
        'asking: for minutes in LATER {
            let until = now - Duration::minutes(minutes);
            for text in notice::unreported(app.read(), gateway.name(), until, MANY).await? {
                if ask(app, gateway, &text).await?.is_none() {
                    break 'asking;
                }
            }
        }
    }
    Ok(())
}

/// Takes in what was handed out once; true if there may be more.
async fn take(app: &App, gateway: &Sms, pulled: Pulled) -> Result<bool> {
    let Pulled { reports, replies, more } = pulled;
    // It is not handed out again: what cannot be written down now is tried again, and one that fails takes no other with it.
    let mut done = Ok(());
    for pause in PAUSES {
        done = incoming::take_reports(app, reports.clone()).await;
        if done.is_ok() {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    for reply in &replies {
        let mut taken = Ok(());
        for pause in PAUSES {
            taken = incoming::take_reply(app, None, gateway.name(), reply).await.map(drop);
            if taken.is_ok() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        done = done.and(taken);
    }
    done.map(|()| more)
}

/// Asks a gateway about one text: whether it knew it; nothing, where it does not answer.
async fn ask(app: &App, gateway: &Sms, text: &Model) -> Result<Option<bool>> {
    let now = app.clock.now();
    let Ok(phone) = app.vault.open(Place::new("notice.phone", text.centre_id, text.id), &text.phone) else {
        return Ok(Some(false));
    };
    let about = About { id: text.id, phone: &phone, sent_at: text.sent_at.unwrap_or(text.created_at) };
    let known = match gateway.known(&about, now).await {
        Ok(Some(known)) => known,
        Ok(None) => return Ok(Some(false)),
        Err(untold) => {
            complain(gateway, &untold);
            return Ok(None);
        }
    };
    let published = app.published().await?;
    let phones = published.centres.iter().flat_map(|c| app.vault.blinds("phone", c.id, &phone)).collect();
    let answered = async |tx: &_| notice::answered(tx, &app.vault, &app.random, now, text, phones, known).await;
    app.whole(answered).await.map(Some)
}

fn complain(gateway: &Sms, untold: &Untold) {
    tracing::warn!(gateway = gateway.name(), why = untold.0, "a gateway that was asked does not tell");
}
