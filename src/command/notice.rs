//! `shuitian notice …`: the outbox, for the operator at night.

use super::doctor::in_words;
use super::{centre_of, say};
use crate::app::App;
use crate::domain::{Who, notice};
use clap::Subcommand;
use entity::Id;
use entity::notice::NoticeState;
use sea_orm::ActiveEnum as _;
use sea_orm::Iterable as _;

#[derive(Subcommand)]
pub(super) enum NoticeCommand {
    /// List texts that wait, failed, or may have gone out; the latest first.
    List {
        /// Only those in this state, such as unsure, rejected or gave_up.
        #[arg(long, value_parser = state)]
        state: Option<NoticeState>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// Say what became of one text, and why.
    Explain {
        /// Its id.
        id: Id,
    },
    /// Let a text go once more that was refused or given up.
    Retry {
        /// Its id.
        id: Id,
        /// Also one that nobody knows of: it may come twice.
        #[arg(long)]
        unsure: bool,
    },
}

fn state(word: &str) -> Result<NoticeState, String> {
    let states: Vec<String> = NoticeState::iter().map(|s| s.to_value()).collect();
    NoticeState::try_from_value(&word.to_owned()).map_err(|_| format!("there are: {}", states.join(", ")))
}

impl NoticeCommand {
    pub(super) async fn run(self, app: &App, code: Option<&str>) -> anyhow::Result<()> {
        let (centre, now) = (centre_of(app, code).await?, app.clock.now());
        match self {
            Self::List { state, limit } => {
                let rows = notice::list(app.read(), centre.id, state, limit).await?;
                for row in &rows {
                    let due = row.due_at.local().format("%Y-%m-%d %H:%M");
                    let fault = row.fault.as_deref().unwrap_or("-");
                    say(&format!("{}  {due}  {:<9} {:<24} {fault}", row.id, row.state.word(), row.kind))?;
                }
                say(&format!("{} texts; `shuitian notice explain ID` says more of one", rows.len()))
            }
            Self::Explain { id } => {
                let explained = notice::explain(app.read(), &app.vault, centre.id, id).await?;
                let row = &explained.row;
                say(&format!(
                    "{} to {}",
                    row.kind,
                    explained.phone.as_deref().unwrap_or("a phone that no key here opens")
                ))?;
                say(&format!(
                    "said {}, version {} of its words, billed as {}",
                    row.created_at.local(),
                    row.version,
                    row.segments
                ))?;
                for attempt in &explained.attempts {
                    let word = attempt.vendor_id.as_deref().or(attempt.code.as_deref()).unwrap_or("-");
                    let (at, gateway, outcome) = (attempt.at.local(), &attempt.gateway, attempt.outcome.word());
                    let means = attempt.code.as_deref().map(in_words).filter(|means| means != word);
                    let means = means.map(|means| format!(": {means}")).unwrap_or_default();
                    say(&format!("{at} {gateway}: {outcome} {word}{means}"))?;
                }
                say(&explained.in_words(now, !app.sms.is_empty()))
            }
            Self::Retry { id, unsure } => {
                app.write(&centre, Who::Operator, async |act| notice::retry(act, id, unsure).await).await?;
                say("it goes with the next round of the worker")
            }
        }
    }
}
