//! Delivering: notices that are due → a gateway → how it ended.
//!
//! A text is marked `sending` and committed before the gateway is asked, and how it ended is written afterwards. Between
//! the two lies the only moment at which nobody knows; whatever dies there is `unsure` and never sent again blindly.

use crate::app::App;
use crate::base::error::Result;
use crate::domain::notice::{self, Ended, Parcel, Settled, Tried};
use crate::gateway::sms::{Form, Outcome, Outgoing, Sms};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Model};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// Texts claimed at once.
const BATCH: u64 = 200;
/// Texts that are marked and sent together.
const TOGETHER: usize = 25;
/// So many of these at once.
const AT_ONCE: usize = 4;
/// How often other processes' texts are looked for.
const POLL: std::time::Duration = std::time::Duration::from_millis(500);

/// Delivers until told to stop; woken by this process's own acts, and twice a second for those of others.
pub(super) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut under_way = UnderWay::default();
    while !*stop.borrow() {
        match under_way.more(&app).await {
            Ok(0) => tokio::select! {
                () = app.nudge.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stop.changed() => {}
            },
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = error.to_string(), "delivering failed and will be tried again");
                tokio::time::sleep(POLL * 4).await;
            }
        }
    }
    if let Err(error) = under_way.end().await {
        tracing::error!(error = error.to_string(), "delivering failed at the end");
    }
}

/// Delivers what is due now, once; returns how many texts were claimed.
///
/// # Errors
/// Whatever the database says; what was claimed is freed by its lease.
pub async fn round(app: &App) -> Result<usize> {
    let mut under_way = UnderWay::default();
    let claimed = under_way.more(app).await;
    under_way.end().await?;
    claimed
}

/// Delivers until nothing is due.
///
/// # Errors
/// Whatever the database says; what was claimed is freed by its lease.
pub async fn all(app: &App) -> Result<()> {
    let mut under_way = UnderWay::default();
    let mut claimed = under_way.more(app).await;
    while claimed.as_ref().is_ok_and(|n| *n > 0) {
        claimed = under_way.more(app).await;
    }
    under_way.end().await?;
    claimed.map(drop)
}

/// Batches of texts on their way. While some are, more are claimed: a slow one holds up no others.
#[derive(Default)]
struct UnderWay(JoinSet<Result<()>>);

impl UnderWay {
    /// Claims what is due now, and sets it on its way as there is room; gives how many texts were claimed.
    async fn more(&mut self, app: &App) -> Result<usize> {
        while let Some(ended) = self.0.try_join_next() {
            outcome(ended)?;
        }
        let (now, quiet) = (app.clock.now(), app.rules.quiet);
        if app.sms.is_empty() || !notice::any_due(app.read(), now, &quiet).await? {
            return Ok(0);
        }
        let worker = app.random.id(now);
        let claimed = notice::claim(app.database.writer(), now, &quiet, worker, BATCH).await?;
        let count = claimed.len();
        let mut faults = Ok(());
        for few in in_batches(claimed) {
            if self.0.len() >= AT_ONCE
                && let Some(ended) = self.0.join_next().await
            {
                faults = faults.and(outcome(ended));
            }
            self.0.spawn(deliver(app.clone(), few));
        }
        faults.map(|()| count)
    }

    /// Waits for all. Whatever becomes of some, the others are brought to their end: a text let go of now would be unsure for
    /// ever.
    async fn end(&mut self) -> Result<()> {
        let mut faults = Ok(());
        while let Some(ended) = self.0.join_next().await {
            faults = faults.and(outcome(ended));
        }
        faults
    }
}

fn outcome(ended: std::result::Result<Result<()>, JoinError>) -> Result<()> {
    ended.unwrap_or_else(|died| Err(anyhow::anyhow!("a delivery died: {died}").into()))
}

/// A few at a time; what may be told as one stays together.
fn in_batches(claimed: Vec<Model>) -> Vec<Vec<Model>> {
    let mut batches: Vec<Vec<Model>> = Vec::new();
    for notice in claimed {
        let alike = |other: &Model| {
            notice.line.is_some() && other.phone_blind == notice.phone_blind && other.kind == notice.kind
        };
        let place = batches.iter().position(|b| b.iter().any(alike));
        let place = place.or_else(|| batches.len().checked_sub(1).filter(|last| batches[*last].len() < TOGETHER));
        match place {
            Some(place) => batches[place].push(notice),
            None => batches.push(vec![notice]),
        }
    }
    batches
}

async fn deliver(app: App, few: Vec<Model>) -> Result<()> {
    // One commit before anything is handed over.
    let (now, limits) = (app.clock.now(), &app.settings.sms.limits);
    let by_template: Vec<&str> = app.sms.iter().filter(|g| !g.is_free()).map(Sms::name).collect();
    let mark = async |tx: &_| notice::begin_sending(tx, &app.vault, now, limits, &by_template, few).await;
    let parcels = app.whole(mark).await?;
    let handed = parcels.into_iter().map(async |parcel| {
        let ended = hand_over(&app, parcel).await;
        let (id, kind) = (ended.parcel.notice.id, &ended.parcel.notice.kind);
        tracing::debug!(%id, kind, how = ?ended.how, "a text was handed over");
        ended
    });
    // What is answered is settled; a slow one holds up no others.
    let mut answered = handed.collect::<FuturesUnordered<_>>().ready_chunks(TOGETHER);
    let mut settled = Ok(());
    while let Some(answered) = answered.next().await {
        let now = app.clock.now();
        let done = app.whole(async |tx| notice::settle(tx, &app.random, now, answered).await).await;
        settled = settled.and(done);
    }
    settled
}

/// Tries the gateways in order of preference. The next one is asked only when the text certainly did not go out.
async fn hand_over(app: &App, parcel: Parcel) -> Ended {
    let now = app.clock.now();
    let (mut tried, mut fault) = (Vec::new(), "no_template".to_owned());
    for gateway in &app.sms {
        let text = Outgoing { id: parcel.notice.id, phone: &parcel.phone, text: &parcel.text };
        let form = parcel.filled.iter().find(|f| f.gateway == gateway.name());
        let form = form.map(|f| Form { template: f.template.clone(), values: f.values.clone() });
        let Some(outcome) = gateway.send(&text, form.as_ref(), now).await else { continue };
        app.metrics.handed(gateway.name(), outcome.word());
        tried.push(attempt(gateway.name(), &outcome));
        let how = match outcome {
            Outcome::Accepted(vendor_id) => Settled::Accepted { gateway: gateway.name(), vendor_id },
            Outcome::RetrySafe(after) => {
                let tries = parcel.notice.attempts.saturating_mul(parcel.notice.attempts);
                Settled::Again { at: now + after + Duration::seconds(30) * tries, fault: "retry_safe".to_owned() }
            }
            Outcome::Later(at) => Settled::Again { at, fault: "later".to_owned() },
            Outcome::Ambiguous(word) => Settled::Unsure { fault: word },
            Outcome::Rejected(word) => Settled::Rejected { fault: word },
            Outcome::ChannelDown(word) => {
                tracing::error!(gateway = gateway.name(), word, "a gateway is out of order");
                fault = word;
                continue;
            }
        };
        return Ended { parcel, tried, how };
    }
    Ended { parcel, tried, how: Settled::Again { at: now + Duration::minutes(1), fault } }
}

/// An outcome as it is kept.
fn attempt(gateway: &'static str, outcome: &Outcome) -> Tried {
    let (outcome, vendor_id, code) = match outcome {
        Outcome::Accepted(id) => (AttemptOutcome::Accepted, Some(id.clone()), None),
        Outcome::RetrySafe(_) => (AttemptOutcome::RetrySafe, None, None),
        Outcome::Later(_) => (AttemptOutcome::Later, None, None),
        Outcome::Ambiguous(code) => (AttemptOutcome::Ambiguous, None, Some(code.clone())),
        Outcome::Rejected(code) => (AttemptOutcome::Rejected, None, Some(code.clone())),
        Outcome::ChannelDown(code) => (AttemptOutcome::ChannelDown, None, Some(code.clone())),
    };
    Tried { gateway, outcome, vendor_id, code }
}
