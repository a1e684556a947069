//! What gateways bring (上行与回执): which centre it is for, and that it is done once however often it comes. The secret in the
//! address, or that we asked, is the only thing that vouches for it.

use crate::app::App;
use crate::base::error::Result;
use crate::domain::identity::resident;
use crate::domain::published::Centre;
use crate::domain::review::{self, Uplink};
use crate::domain::{Who, notice};
use crate::gateway::sms::back::Reply;
use crate::gateway::wechat::push::{Delivered, Event, Permit, What};
use entity::notice::report::Model as Report;
use entity::notice::{Delivery, UplinkOutcome};
use std::sync::Arc;

/// Takes reports in, and writes down what they say of texts that are known.
///
/// # Errors
/// Whatever the database says; nothing is changed then.
pub async fn take_reports(app: &App, reports: Vec<Report>) -> Result<()> {
    let now = app.clock.now();
    app.whole(async |tx| notice::take_reports(tx, &app.vault, &app.random, now, reports).await).await
}

/// Takes a text in, for the centre that its address named, or the one it can only be meant for; gives what became of it.
///
/// # Errors
/// Whatever the database says; nothing is changed then.
pub async fn take_reply(app: &App, named: Option<&Arc<Centre>>, gateway: &str, reply: &Reply) -> Result<UplinkOutcome> {
    let uplink = Uplink::new(gateway, &reply.phone, &reply.text, reply.key.as_deref());
    let (now, published) = (app.clock.now(), app.published().await?);
    let centre = match named {
        Some(centre) => Some(Arc::clone(centre)),
        None => meant(app, &uplink).await?,
    };
    let mut outcome = UplinkOutcome::Kept;
    if named.is_none() {
        let all = uplink.concerns(app.read(), &app.vault, &published.centres, now, centre.is_some()).await?;
        let others: Vec<_> = all.into_iter().filter(|id| centre.as_ref().is_none_or(|c| c.id != *id)).collect();
        if !others.is_empty() && uplink.is_known(app.read(), &app.vault).await? {
            return Ok(UplinkOutcome::Repeated);
        }
        // Known only when all have heeded it: what breaks off here comes again, and heeded twice it is heeded once.
        for centre in others.into_iter().filter_map(|id| published.by_id(id)) {
            let heed = async |act: &_| review::receive_text(act, &uplink.unkeyed()).await;
            outcome = app.write(&centre, Who::Bearer, heed).await?;
        }
    }
    match centre {
        Some(centre) => app.write(&centre, Who::Bearer, async |act| review::receive_text(act, &uplink).await).await,
        None if uplink.keep_unmatched(app.database.writer(), &app.vault, app.random.id(now), now).await? => Ok(outcome),
        None => Ok(UplinkOutcome::Repeated),
    }
}

/// Takes in what WeChat pushed: consents, and what became of messages. Each counts once, though it come three times.
///
/// # Errors
/// Whatever the database says; nothing is changed then.
pub async fn take_event(app: &App, event: &Event) -> Result<()> {
    let (now, published) = (app.clock.now(), app.published().await?);
    let centres = published.centres.iter().map(|c| c.id);
    let mut accounts = resident::of_openid(app.read(), &app.vault, centres, &event.from).await?;
    accounts.sort_unstable();
    let key = |what: &str, of: &str| format!("{} {} {what} {of}", event.from, event.at);
    app.whole(async |tx| match &event.what {
        What::Asked(permits) | What::Changed(permits) => {
            let asked = matches!(event.what, What::Asked(_));
            for Permit { template, accepted } in permits {
                let what = if asked { "asked" } else { "changed" };
                if !notice::hear_once(tx, &app.vault, now, &key(what, template)).await? {
                    continue;
                }
                for (centre, account) in &accounts {
                    match (accepted, asked) {
                        (true, _) => {
                            let standing = app.settings.wechat.long_term.contains(template);
                            notice::permit(tx, now, (*centre, *account), template, standing).await?;
                        }
                        (false, false) => notice::forbid(tx, now, *account, template).await?,
                        // Who says no this once keeps what he said before.
                        (false, true) => {}
                    }
                }
            }
            Ok(())
        }
        What::Sent(delivered) => {
            let report = |d: &Delivered| Report {
                gateway: notice::WECHAT.to_owned(),
                vendor_id: d.message.clone(),
                notice_id: None,
                delivery: if d.code == 0 { Delivery::Delivered } else { Delivery::Failed },
                code: format!("wechat_{}", d.code),
                at: now,
            };
            let reports = delivered.iter().map(report).collect();
            notice::take_reports(tx, &app.vault, &app.random, now, reports).await
        }
        What::Other => Ok(()),
    })
    .await
}

async fn meant(app: &App, uplink: &Uplink<'_>) -> Result<Option<Arc<Centre>>> {
    let published = app.published().await?;
    if let [only] = published.centres.as_slice() {
        return Ok(Some(Arc::clone(only)));
    }
    let meant = uplink.meant_for(app.read(), &app.vault, &published.centres, app.clock.now(), &app.rules).await?;
    Ok(meant.and_then(|id| published.by_id(id)))
}
