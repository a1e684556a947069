//! Delivering: notices that are due → a gateway → how it ended.
//!
//! A text is marked `sending` and committed before the gateway is asked, and how it ended is written afterwards. Between
//! the two lies the only moment at which nobody knows; whatever dies there is `unsure` and never sent again blindly.

use crate::app::App;
use crate::base::error::Result;
use crate::domain::Who;
use crate::domain::identity::resident;
use crate::domain::notice::{self, Ended, Lanes, Parcel, Settled, Spent, Tried, WECHAT};
use crate::domain::published::Published;
use crate::gateway::channels::Turn;
use crate::gateway::sms::{Form, Outcome, Outgoing, Sms};
use crate::gateway::wechat::mini::{NO_PERMIT, Subscribed};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Lane, Model};
use entity::{Id, Time};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

/// Texts claimed at once.
const BATCH: u64 = 200;
/// Texts that are marked and sent together.
const TOGETHER: usize = 25;
/// Texts that may be on their way to gateways at once, beside codes.
pub const ALLOWED: usize = 100;
/// Batches that are marked while those before them are on their way: the gateways never wait for the database.
const AHEAD: usize = 2;
/// How long a marked batch waits for room, which is short beside its lease.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
/// How long it is waited before what gateways said is written down once more, at first.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
/// A pause so long would reach beyond the lease.
const GIVING_UP: std::time::Duration = std::time::Duration::from_secs(64);
/// When a template or a signature may have been put right.
const MENDED: Duration = Duration::minutes(10);
/// When it is looked again for a template that is approved.
const POLLED: Duration = Duration::minutes(1);
/// How often other processes' texts are looked for.
const POLL: std::time::Duration = std::time::Duration::from_millis(500);

/// Delivers until told to stop: codes by themselves, so that no campaign and no gateway that hangs delays one.
pub(super) async fn run(app: App, stop: watch::Receiver<bool>) {
    let of = |lanes, nudge| lane(app.clone(), lanes, nudge, stop.clone());
    futures_util::join!(of(Lanes::Codes, 0), of(Lanes::Others, 1));
}

/// Delivers some lanes; woken by this process's own acts, and twice a second for those of others.
async fn lane(app: App, lanes: Lanes, nudge: usize, mut stop: watch::Receiver<bool>) {
    let mut under_way = UnderWay::new();
    while !*stop.borrow() {
        match under_way.more(&app, lanes).await {
            Ok(0) => tokio::select! {
                () = app.nudge[nudge].notified() => {}
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
    let mut under_way = UnderWay::new();
    let claimed = under_way.more(app, Lanes::All).await;
    under_way.end().await?;
    claimed
}

/// Delivers until nothing is due.
///
/// # Errors
/// Whatever the database says; what was claimed is freed by its lease.
pub async fn all(app: &App) -> Result<()> {
    let mut under_way = UnderWay::new();
    let mut claimed = under_way.more(app, Lanes::All).await;
    while claimed.as_ref().is_ok_and(|n| *n > 0) {
        claimed = under_way.more(app, Lanes::All).await;
    }
    under_way.end().await?;
    claimed.map(drop)
}

/// Batches of texts on their way. While some are, more are claimed: a slow one holds up no others.
struct UnderWay {
    batches: JoinSet<Result<()>>,
    /// A batch that is marked, and not on its way, has a place here.
    ahead: Arc<Semaphore>,
    /// A text that waits for its gateway has a place here; what is only written down has none.
    room: Arc<Semaphore>,
}

impl UnderWay {
    fn new() -> Self {
        let places = |n| Arc::new(Semaphore::new(n));
        Self { batches: JoinSet::new(), ahead: places(AHEAD), room: places(ALLOWED) }
    }

    /// Claims what is due now, and sets it on its way as there is room; gives how many texts were claimed.
    async fn more(&mut self, app: &App, lanes: Lanes) -> Result<usize> {
        self.ended()?;
        let (now, quiet) = (app.clock.now(), app.rules.quiet);
        let nowhere = app.sms.is_empty() && app.wechat.mini().is_none();
        if nowhere || !notice::any_due(app.read(), now, &quiet, lanes).await? {
            return Ok(0);
        }
        app.channels.refresh(&notice::holds(app.read()).await?);
        let held = |gateway: &Sms| app.channels.held(gateway.name(), now).is_some();
        if app.wechat.mini().is_none() && app.sms.iter().all(held) {
            return Ok(0);
        }
        let worker = app.random.id(now);
        let claimed = notice::claim(app.database.writer(), now, &quiet, lanes, worker, BATCH).await?;
        let count = claimed.len();
        for few in in_batches(claimed) {
            let next = Arc::clone(&self.ahead).acquire_owned().await.map_err(anyhow::Error::from)?;
            self.batches.spawn(deliver(app.clone(), few, next, Arc::clone(&self.room)));
        }
        self.ended().map(|()| count)
    }

    /// Hears of the batches that have ended.
    fn ended(&mut self) -> Result<()> {
        std::iter::from_fn(|| self.batches.try_join_next()).map(outcome).fold(Ok(()), Result::and)
    }

    /// Waits for all. Whatever becomes of some, the others are brought to their end: a text let go of now would be unsure for
    /// ever.
    async fn end(&mut self) -> Result<()> {
        let mut faults = Ok(());
        while let Some(ended) = self.batches.join_next().await {
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

async fn deliver(app: App, few: Vec<Model>, next: OwnedSemaphorePermit, room: Arc<Semaphore>) -> Result<()> {
    let published = app.published().await?;
    // One commit before anything is handed over.
    let (now, limits) = (app.clock.now(), &app.settings.sms.limits);
    let by_template: Vec<&str> = app.sms.iter().filter(|g| !g.is_free()).map(Sms::name).collect();
    let by_wechat = app.wechat.mini().is_some();
    let mark = async |tx: &_| notice::begin_sending(tx, &app.vault, now, limits, &by_template, by_wechat, few).await;
    let parcels = app.whole(mark).await?;
    let wanted = u32::try_from(parcels.len().min(ALLOWED)).unwrap_or(1);
    let Ok(Ok(mut places)) = tokio::time::timeout(PATIENCE, room.acquire_many_owned(wanted)).await else {
        // Gateways that hang have taken all the room: others may have theirs before this lease is over.
        let back = Settled::Again { at: app.clock.now(), fault: "no_room".to_owned(), tires: false };
        let back = |parcel| Ended { parcel, tried: Vec::new(), how: back.clone(), spent: Spent::Unused };
        return settle(&app, parcels.into_iter().map(back).collect()).await;
    };
    drop(next);
    // A task each: an answer is heard when it comes, whatever else is waited for, and the next may go.
    let mut handed: JoinSet<Ended> = JoinSet::new();
    for parcel in parcels {
        let (app, published, place) = (app.clone(), Arc::clone(&published), places.split(1));
        handed.spawn(async move {
            let ended = hand_over(app, published, parcel).await;
            drop(place);
            ended
        });
    }
    drop(places);
    // What is answered is settled; a slow one holds up no others.
    while let Some(ended) = handed.join_next().await {
        let more = std::iter::from_fn(|| handed.try_join_next()).take(TOGETHER - 1);
        let ended: Vec<_> = std::iter::once(ended).chain(more).collect();
        // One that panicked is unsure when its lease is over.
        settle(&app, ended.into_iter().filter_map(std::result::Result::ok).collect()).await?;
    }
    Ok(())
}

/// Writes down how sendings ended. It is tried again for as long as nobody else may take them for lost: what a gateway has said
/// is said once.
async fn settle(app: &App, ended: Vec<Ended>) -> Result<()> {
    for ended in &ended {
        let (id, kind) = (ended.parcel.notice.id, &ended.parcel.notice.kind);
        tracing::debug!(%id, kind, how = ?ended.how, "a text was handed over");
    }
    let limits = &app.settings.sms.limits;
    let mut pause = PAUSE;
    loop {
        let (now, ended) = (app.clock.now(), ended.clone());
        let done = app.whole(async |tx| notice::settle(tx, limits, now, ended).await).await;
        match done {
            Err(error) if pause < GIVING_UP => {
                tracing::warn!(error = error.to_string(), "what gateways said could not be written down yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
}

/// Hands a text over: by WeChat where somebody has asked for it, else by a gateway.
async fn hand_over(app: App, published: Arc<Published>, parcel: Parcel) -> Ended {
    let mut tried = Vec::new();
    let (how, spent) = match parcel.asked {
        Some(account) => by_wechat(&app, &parcel, account, &mut tried).await,
        None => (None, Spent::Used),
    };
    let how = match how {
        Some(how) => how,
        None => by_text(&app, &published, &parcel, &mut tried).await,
    };
    Ended { parcel, tried, how, spent }
}

/// Sends what somebody has asked for by WeChat, if he is still the one whose phone it is: what becomes of it, if it may have
/// gone, and of his consent. Whoever has taken it back is told by text, at once.
async fn by_wechat(app: &App, parcel: &Parcel, account: Id, tried: &mut Vec<Tried>) -> (Option<Settled>, Spent) {
    let now = app.clock.now();
    let Some(outcome) = ask_wechat(app, parcel, account).await else { return (None, Spent::Unused) };
    note(app, WECHAT, &outcome, parcel, tried, now).await;
    match outcome {
        Outcome::Accepted(vendor_id) => (Some(Settled::Accepted { gateway: WECHAT, vendor_id }), Spent::Used),
        Outcome::Ambiguous(fault) => (Some(Settled::Unsure { fault }), Spent::Used),
        Outcome::Rejected(word) if word == NO_PERMIT => (None, Spent::Gone),
        Outcome::Rejected(word) => {
            tracing::error!(word, kind = parcel.notice.kind, "a message of WeChat does not fit");
            (None, Spent::Unused)
        }
        Outcome::RetrySafe(_) | Outcome::Later(_) | Outcome::ChannelDown(_) => (None, Spent::Unused),
    }
}

async fn ask_wechat(app: &App, parcel: &Parcel, account: Id) -> Option<Outcome> {
    let (mini, now) = (app.wechat.mini()?, app.clock.now());
    let known = resident::known(app.read(), &app.vault, parcel.notice.centre_id, account).await.ok()?;
    // Who booked for another, or has another phone by now, is not the one who is told.
    let openid = known.mini_openid().filter(|_| known.phone.as_ref() == Some(&parcel.phone))?;
    let form = parcel.filled.iter().find(|f| f.gateway == WECHAT)?;
    if app.channels.held(WECHAT, now).is_some() {
        return None;
    }
    let message = Subscribed { to: openid, template: &form.template, fields: &form.values, page: "pages/index/index" };
    Some(mini.send(&message, now).await)
}

/// Tries the gateways in order of preference. The next one is asked only when the text certainly did not go out. Where none
/// took it, though one may yet, it waits for as long as it is worth sending, which is no try of the text's.
async fn by_text(app: &App, published: &Published, parcel: &Parcel, tried: &mut Vec<Tried>) -> Settled {
    let (now, centre) = (app.clock.now(), published.by_id(parcel.notice.centre_id));
    let (mut waits, mut unfit, mut again) = (None::<(Time, String)>, None, None::<Time>);
    let mut wait = |until: Time, why: &str| {
        if waits.as_ref().is_none_or(|(soonest, _)| until < *soonest) {
            waits = Some((until, why.to_owned()));
        }
    };
    for gateway in &app.sms {
        if let Some(until) = app.channels.enter(gateway.name(), now) {
            wait(until, "held");
            continue;
        }
        let sign = centre.as_ref().and_then(|c| c.sms_signs.get(gateway.name())?.as_str());
        let text = Outgoing { id: parcel.notice.id, phone: &parcel.phone, text: &parcel.text, sign };
        let form = parcel.filled.iter().find(|f| f.gateway == gateway.name());
        let form = form.map(|f| Form { template: f.template.clone(), values: f.values.clone() });
        let Some(outcome) = gateway.send(&text, form.as_ref(), now).await else { continue };
        note(app, gateway.name(), &outcome, parcel, tried, now).await;
        match outcome {
            Outcome::Accepted(vendor_id) => return Settled::Accepted { gateway: gateway.name(), vendor_id },
            Outcome::RetrySafe(after) => {
                let tries = parcel.notice.attempts.saturating_mul(parcel.notice.attempts);
                let at = now + after + Duration::seconds(30) * tries;
                // One error moves nobody, but somebody waits for a code.
                if parcel.notice.lane != Lane::Code {
                    return Settled::Again { at, fault: "retry_safe".to_owned(), tires: true };
                }
                again = again.or(Some(at));
            }
            Outcome::Later(at) => return Settled::Again { at, fault: "later".to_owned(), tires: true },
            Outcome::Ambiguous(fault) => return Settled::Unsure { fault },
            Outcome::Rejected(word) if gateway.blames_form(&word) => unfit = Some(word),
            Outcome::Rejected(fault) => return Settled::Rejected { fault },
            // A template or a signature will be put right; the others of this gateway are not to wait for that.
            Outcome::ChannelDown(word) if gateway.blames_form(&word) => wait(now + MENDED, &word),
            Outcome::ChannelDown(word) => wait(app.channels.held(gateway.name(), now).unwrap_or(now + POLLED), &word),
        }
    }
    if let Some(at) = again {
        return Settled::Again { at, fault: "retry_safe".to_owned(), tires: true };
    }
    match (waits, unfit) {
        (Some((at, fault)), _) => Settled::Again { at, fault, tires: false },
        (None, Some(fault)) => Settled::Rejected { fault },
        // Only who has asked for it can be told, by WeChat.
        (None, None) if app.sms.is_empty() => {
            Settled::Again { at: now + MENDED * 3, fault: "no_gateway".to_owned(), tires: false }
        }
        (None, None) => Settled::Again { at: now + POLLED, fault: notice::NO_TEMPLATE.to_owned(), tires: false },
    }
}

/// Counts an attempt and writes down what it means for its gateway.
async fn note(app: &App, gateway: &'static str, outcome: &Outcome, parcel: &Parcel, tried: &mut Vec<Tried>, now: Time) {
    app.metrics.handed(gateway, outcome.word(), &parcel.notice.kind);
    tried.push(attempt(app.random.id(now), gateway, outcome));
    let sms = app.sms.iter().find(|s| s.name() == gateway);
    if let (Some(sms), Outcome::Rejected(word) | Outcome::ChannelDown(word)) = (sms, outcome)
        && sms.blames_form(word)
    {
        tracing::error!(gateway, word, kind = parcel.notice.kind, "a template or a signature does not fit");
        return;
    }
    if let Err(error) = heed(app, gateway, outcome).await {
        tracing::error!(error = error.to_string(), "how a gateway does could not be written down");
    }
}

/// Holds a gateway that is out of order and tells the operator, or frees one that took something.
async fn heed(app: &App, name: &'static str, outcome: &Outcome) -> Result<()> {
    let now = app.clock.now();
    let code = match app.channels.hear(name, outcome, now) {
        Turn::None => return Ok(()),
        Turn::Free => {
            tracing::warn!(gateway = name, "a gateway takes texts again");
            return notice::free(app.database.writer(), name).await;
        }
        Turn::Hold(code) => code,
    };
    let held = app.whole(async |tx| notice::hold(tx, now, name, &code).await).await?;
    tracing::error!(gateway = name, code, until = %held.until.local(), "a gateway is out of order and left alone");
    let phone = &app.settings.sms.operator_phone;
    match app.published().await?.centres.first() {
        Some(centre) if !phone.is_empty() => {
            let tell = async |act: &_| notice::tell_operator(act, phone, &held).await;
            app.write(centre, Who::System("deliver"), tell).await
        }
        _ => Ok(()),
    }
}

/// An outcome as it is kept.
fn attempt(id: Id, gateway: &'static str, outcome: &Outcome) -> Tried {
    let (outcome, vendor_id, code) = match outcome {
        Outcome::Accepted(id) => (AttemptOutcome::Accepted, Some(id.clone()), None),
        Outcome::RetrySafe(_) => (AttemptOutcome::RetrySafe, None, None),
        Outcome::Later(_) => (AttemptOutcome::Later, None, None),
        Outcome::Ambiguous(code) => (AttemptOutcome::Ambiguous, None, Some(code.clone())),
        Outcome::Rejected(code) => (AttemptOutcome::Rejected, None, Some(code.clone())),
        Outcome::ChannelDown(code) => (AttemptOutcome::ChannelDown, None, Some(code.clone())),
    };
    Tried { id, gateway, outcome, vendor_id, code }
}
