//! THE TIMETABLE: everything that happens without somebody pressing a button.
//!
//! Every job takes no input, may run twice, and finds its work by looking: a crash is made good by the next run. Several
//! workers may run at once; whoever takes a job's lease for the period does it.

mod ask;
pub mod deliver;
mod upload;

use crate::app::App;
use crate::base::error::Result;
use crate::base::lease;
use crate::document::issued;
use crate::domain::identity::{idempotency, resident, session};
use crate::domain::{
    Act, Who, attendance, audit, booking, bulletin, case, cover, document, file, guide, notice, queue, review,
    supervision,
};
use chrono::Duration;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use tokio::sync::watch;

/// A job of the timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Frees texts of a deliverer that died, and gives up those that came too late.
    RecoverNotices,
    /// Matches reports that came before what they speak of, and asks what became of texts that may have gone out.
    AskAboutTexts,
    /// Asks gateways that cannot reach us for their reports and for texts from phones.
    AskForReports,
    /// Chains the audit trail.
    ChainAudit,
    /// Reads the audit trail, and fails where it was changed.
    CheckAudit,
    /// Keeps the database's statistics.
    Optimize,
    /// Opens the slots ahead.
    OpenSlots,
    /// Offers the places again that nobody keeps any longer.
    FreePlaces,
    /// Marks bookings that nobody came for.
    MarkNoShows,
    /// Ends the tickets of days that are over.
    EndTickets,
    /// Puts versions of guides in force on their day, and retires those whose day is over.
    TakeEffect,
    /// Accepts cases of which nothing was said in time.
    DeemAccepted,
    /// Charges late steps to whoever holds their post.
    ChargeLate,
    /// Finds materials that did not come, promises that nobody looked into, and originals that nobody handed back.
    FindLeads,
    /// Apologises for cases whose deadline has passed.
    TellOverdue,
    /// Tells staff in the morning what is due.
    TellTasks,
    /// Tells heads and leaders of supervision orders that nobody answered in time.
    EscalateOrders,
    /// Writes down who is expected today.
    RollDuty,
    /// Tells the director of posts that nobody holds.
    TellUnattended,
    /// Closes invitations whose time is over.
    LapseInvitations,
    /// The net under inviting at the end of a case.
    InviteEnded,
    /// Uploads reviews to the platform above.
    UploadReviews,
    /// Drafts last month's bulletin.
    DraftBulletin,
    /// Makes the bytes of documents that nobody has asked for yet.
    SetDocuments,
    /// Forgets files that nothing came to rest on.
    SweepFiles,
    /// Forgets sessions, codes and kept answers whose time is over.
    SweepIdentity,
}

impl Job {
    /// True for those that wait for the outside.
    const fn asks_outside(self) -> bool {
        matches!(self, Self::AskAboutTexts | Self::AskForReports | Self::UploadReviews)
    }
}

/// Every job, its word and how often it runs.
pub const TIMETABLE: [(Job, &str, Duration); 26] = [
    (Job::RecoverNotices, "recover_notices", Duration::seconds(30)),
    (Job::AskAboutTexts, "ask_about_texts", Duration::minutes(1)),
    (Job::AskForReports, "ask_for_reports", Duration::minutes(1)),
    (Job::ChainAudit, "chain_audit", Duration::seconds(30)),
    (Job::CheckAudit, "check_audit", Duration::hours(6)),
    (Job::Optimize, "optimize", Duration::hours(6)),
    (Job::OpenSlots, "open_slots", Duration::minutes(30)),
    (Job::FreePlaces, "free_places", Duration::seconds(15)),
    (Job::MarkNoShows, "mark_no_shows", Duration::minutes(10)),
    (Job::EndTickets, "end_tickets", Duration::minutes(10)),
    (Job::DeemAccepted, "deem_accepted", Duration::minutes(10)),
    (Job::ChargeLate, "charge_late", Duration::minutes(30)),
    (Job::FindLeads, "find_leads", Duration::hours(1)),
    (Job::TellOverdue, "tell_overdue", Duration::minutes(30)),
    (Job::TellTasks, "tell_tasks", Duration::minutes(10)),
    (Job::EscalateOrders, "escalate_orders", Duration::minutes(30)),
    (Job::RollDuty, "roll_duty", Duration::minutes(10)),
    (Job::TellUnattended, "tell_unattended", Duration::minutes(2)),
    (Job::LapseInvitations, "lapse_invitations", Duration::minutes(10)),
    (Job::InviteEnded, "invite_ended", Duration::minutes(10)),
    (Job::UploadReviews, "upload_reviews", Duration::minutes(30)),
    (Job::DraftBulletin, "draft_bulletin", Duration::hours(1)),
    (Job::TakeEffect, "take_effect", Duration::minutes(5)),
    (Job::SetDocuments, "set_documents", Duration::minutes(1)),
    (Job::SweepFiles, "sweep_files", Duration::hours(1)),
    (Job::SweepIdentity, "sweep_identity", Duration::hours(1)),
];

async fn run(app: &App, job: Job, name: &'static str) -> Result<()> {
    let (db, now) = (app.database.writer(), app.clock.now());
    match job {
        Job::RecoverNotices => {
            let (freed, unsure) = notice::recover(db, now).await?;
            if freed + unsure > 0 {
                tracing::warn!(freed, unsure, "a deliverer died; its texts were freed or marked unsure");
            }
            notice::expire(db, now).await.map(drop)
        }
        Job::AskAboutTexts => {
            app.whole(async |tx| notice::match_reports(tx, &app.vault, &app.random, now).await).await?;
            ask::about_unsure(app).await
        }
        Job::AskForReports => ask::for_reports(app).await,
        Job::ChainAudit => in_each_centre(app, name, async |act| audit::chain(act).await.map(drop)).await,
        Job::CheckAudit => {
            for centre in &app.published().await?.centres {
                if let Some(line) = audit::first_break(app.read(), centre.id).await? {
                    return Err(anyhow::anyhow!("the audit trail of {} was changed at line {line}", centre.code).into());
                }
            }
            Ok(())
        }
        Job::Optimize => Ok(app.database.optimize().await?),
        Job::OpenSlots => in_each_centre(app, name, async |act| booking::open_slots(act).await.map(drop)).await,
        Job::FreePlaces if !booking::any_to_free(app.read(), now).await? => Ok(()),
        Job::FreePlaces => in_each_centre(app, name, async |act| booking::free_places(act).await).await,
        Job::MarkNoShows => in_each_centre(app, name, async |act| booking::mark_no_shows(act).await).await,
        Job::EndTickets => in_each_centre(app, name, async |act| queue::end_day(act).await).await,
        Job::DeemAccepted => in_each_centre(app, name, async |act| case::deem_accepted(act).await).await,
        Job::ChargeLate => in_each_centre(app, name, async |act| case::charge_late(act).await).await,
        Job::FindLeads => {
            let find = async |act: &_| {
                case::find_late(act).await?;
                case::find_gaps(act).await
            };
            in_each_centre(app, name, find).await
        }
        Job::TellOverdue => in_each_centre(app, name, async |act| case::tell_overdue(act).await).await,
        Job::TellTasks => in_each_centre(app, name, async |act| case::tell_tasks(act).await).await,
        Job::EscalateOrders => in_each_centre(app, name, async |act| supervision::escalate(act).await).await,
        Job::RollDuty => {
            in_each_centre(app, name, async |act| attendance::roll(act, act.now.date()).await.map(drop)).await
        }
        Job::TellUnattended => in_each_centre(app, name, async |act| cover::tell_unattended(act).await).await,
        Job::LapseInvitations => review::lapse(db, now).await,
        Job::InviteEnded => in_each_centre(app, name, async |act| review::invite_ended(act).await).await,
        Job::UploadReviews => upload::reviews(app, name).await,
        Job::DraftBulletin => in_each_centre(app, name, async |act| bulletin::draft_due(act).await).await,
        Job::TakeEffect => {
            for centre in &app.published().await?.centres {
                if guide::any_to_change(app.read(), centre.id, now.date()).await? {
                    app.publish(centre, Who::System(name), async |act| guide::take_effect(act).await).await?;
                }
            }
            Ok(())
        }
        Job::SetDocuments => {
            let mut first = Ok(());
            for centre in &app.published().await?.centres {
                for row in document::unmade(app.read(), centre.id).await? {
                    // One that cannot be made holds up no other.
                    first = first.and(issued::kept(app, centre, &row).await.map(drop));
                }
            }
            first
        }
        Job::SweepFiles => {
            for (centre, file) in file::sweep(db, now).await? {
                app.files.remove(centre, file).await?;
            }
            Ok(())
        }
        Job::SweepIdentity => {
            notice::sweep(db, now).await?;
            notice::forget_heard(db, now).await?;
            session::sweep(db, now).await?;
            resident::sweep(db, now).await?;
            idempotency::sweep(db, now).await
        }
    }
}

async fn in_each_centre(app: &App, name: &'static str, act: impl AsyncFn(&Act) -> Result<()>) -> Result<()> {
    let mut first = Ok(());
    for centre in &app.published().await?.centres {
        let done = app.write(centre, Who::System(name), async |given| act(given).await).await;
        // One centre's trouble is not the next one's.
        first = first.and(done);
    }
    first
}

/// Runs every job whose period has begun and that no other worker has taken. A job that fails is logged and comes again.
pub async fn tick(app: &App, worker: &str) {
    let (outside, inside): (Vec<_>, Vec<_>) = TIMETABLE.into_iter().partition(|(job, ..)| job.asks_outside());
    // A vendor that is slow holds up nothing else.
    futures_util::join!(take_turns(app, worker, inside), take_turns(app, worker, outside));
}

async fn take_turns(app: &App, worker: &str, jobs: Vec<(Job, &'static str, Duration)>) {
    for (job, name, every) in jobs {
        let now = app.clock.now();
        // The lease is not given back: it is the period itself. A second taker waits for its end, the first one too.
        let holder = format!("{worker} {}", now.0);
        let taken = lease::take(app.database.writer(), &format!("job:{name}"), &holder, now, now + every).await;
        let done = match taken {
            Ok(true) => {
                let done = match AssertUnwindSafe(run(app, job, name)).catch_unwind().await {
                    Ok(done) => done,
                    Err(_) => Err(anyhow::anyhow!("it panicked").into()),
                };
                app.metrics.ran(name, done.is_ok(), app.clock.now());
                done
            }
            Ok(false) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = done {
            tracing::error!(job = name, error = error.to_string(), "a job failed and will run again");
        }
    }
}

/// Works until told to stop: delivers texts and keeps the timetable.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    // Drawn, not the process id: in two containers both may be process 1.
    let worker = app.random.word(12);
    let deliverer = tokio::spawn(deliver::run(app.clone(), stop.clone()));
    let shortest = TIMETABLE.iter().map(|(_, _, every)| *every).min().and_then(|d| d.to_std().ok()).unwrap_or_default();
    while !*stop.borrow() {
        tick(&app, &worker).await;
        tokio::select! {
            () = tokio::time::sleep(shortest) => {}
            _ = stop.changed() => {}
        }
    }
    // What it had begun to send is sent and written down before it ends.
    let _ = deliverer.await;
}
