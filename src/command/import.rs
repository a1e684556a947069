//! `shuitian import …`: files of guides, holidays, staff and centres.

use super::{centre_of, say};
use crate::app::App;
use crate::domain::authority::{self, DelegationFile};
use crate::domain::booking::{self, OfferFile, Touched};
use crate::domain::calendar::{self, HolidayFile};
use crate::domain::centre::{self, CentreFile};
use crate::domain::guide::{self, GuideFile};
use crate::domain::identity::staff::{self, StaffFile};
use crate::domain::matter::{self, ConsentFile};
use crate::domain::notice::{self, TextFile};
use crate::domain::post::{self, PostFile};
use crate::domain::{Act, Publishing, Who, case};
use anyhow::Context as _;
use clap::Subcommand;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Import {
    /// Guides (办事指南): a JSON array.
    Guides {
        /// The file.
        file: PathBuf,
    },
    /// A year's arrangement of holidays.
    Holidays {
        /// The file.
        file: PathBuf,
    },
    /// What can be booked: desk groups, their templates and guides.
    Offer {
        /// The file.
        file: PathBuf,
    },
    /// Words of texts: a JSON array, like the ones that ship.
    Texts {
        /// The file.
        file: PathBuf,
        /// Show what each would be and cost, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Staff: a JSON array; first passwords are printed once.
    Staff {
        /// The file.
        file: PathBuf,
    },
    /// Posts (岗位) with their A and B: a JSON array.
    Posts {
        /// The file.
        file: PathBuf,
    },
    /// Letters of delegation (授权书): a JSON array.
    Delegations {
        /// The file.
        file: PathBuf,
    },
    /// What offices leave to the comprehensive window (综合窗口) by consent of the township's government: a JSON array.
    Windows {
        /// The file.
        file: PathBuf,
    },
    /// A centre with its offices and hours.
    Centre {
        /// The file.
        file: PathBuf,
    },
}

impl Import {
    pub(super) async fn run(self, app: &App, code: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Guides { file } => {
                let files: Vec<GuideFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let done = app.publish(&centre, Who::Operator, async |act| guide::import(act, files).await).await?;
                for warning in &done.warnings {
                    say(&format!("warning: {warning}"))?;
                }
                say(&format!("{} added, {} changed, {} unchanged", done.added, done.changed, done.unchanged))
            }
            Self::Holidays { file } => {
                let file: HolidayFile = read(&file)?;
                let year = file.year;
                app.establish(async |tx| calendar::import(tx, app.clock.now(), file).await).await?;
                for centre in &app.published().await?.centres {
                    let act = async |act: &_| Ok((case::redate(act).await?, booking::open_slots(act).await?));
                    let (moved, touched) = app.write(centre, Who::Operator, act).await?;
                    say(&format!("{}: {moved} deadlines moved, and their applicants are told", centre.code))?;
                    tell_touched(&centre.code, &touched)?;
                }
                say(&format!("holidays of {year} are in force"))
            }
            Self::Offer { file } => {
                let offer: OfferFile = read(&file)?;
                let centre = centre_of(app, code).await?;
                app.publish(&centre, Who::Operator, async |act| booking::import(act, offer).await).await?;
                say("what can be booked is in force")
            }
            Self::Texts { file, dry_run } => {
                let files: Vec<TextFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let done = if dry_run {
                    let anew = Arc::new(centre.anew());
                    let import = async |act: &Act| notice::import(&Publishing::new(act.clone()), files).await;
                    app.preview(&anew, Who::Operator, import).await?
                } else {
                    app.publish(&centre, Who::Operator, async |act| notice::import(act, files).await).await?
                };
                for text in &done {
                    let entered = text.registered.iter();
                    let at: String = entered.map(|(gateway, s)| format!(", {} by {gateway}", s.word())).collect();
                    say(&format!("{} version {}: billed as {}{at}", text.kind, text.version, text.segments))?;
                    say(&format!("  {}", text.sample))?;
                }
                let changed = if dry_run { "would change" } else { "changed" };
                say(&format!("{} texts {changed}", done.len()))
            }
            Self::Staff { file } => {
                let people: Vec<StaffFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let added = app.write(&centre, Who::Operator, async |act| staff::add(act, people).await).await?;
                super::staff::tell_passwords(&added)
            }
            Self::Posts { file } => {
                let files: Vec<PostFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let without = app.publish(&centre, Who::Operator, async |act| post::import(act, files).await).await?;
                for office in &without {
                    say(&format!("warning: {office} has matters and no post of its own (article 4.8)"))?;
                }
                say("posts are in force")
            }
            Self::Delegations { file } => {
                let files: Vec<DelegationFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let act = async |act: &_| authority::import(act, files).await;
                let count = app.publish(&centre, Who::Operator, act).await?;
                say(&format!("{count} letters of delegation are recorded"))
            }
            Self::Windows { file } => {
                let files: Vec<ConsentFile> = read(&file)?;
                let centre = centre_of(app, code).await?;
                let count = app.publish(&centre, Who::Operator, async |act| matter::import(act, files).await).await?;
                say(&format!("{count} consents are recorded"))
            }
            Self::Centre { file } => {
                let file: CentreFile = read(&file)?;
                let change = async |tx: &_| centre::import(tx, &app.random, app.clock.now(), file).await;
                let centre = app.establish(change).await?;
                say(&format!("{} {} is in force", centre.code, centre.name))?;
                let centre = app.published().await?.find(None, Some(&centre.code))?;
                let touched = app.write(&centre, Who::Operator, async |act| booking::open_slots(act).await).await?;
                tell_touched(&centre.code, &touched)
            }
        }
    }
}

/// Tells whose bookings changed days or hours touched: who could not be told by text is rung up.
fn tell_touched(centre: &str, touched: &[Touched]) -> anyhow::Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let texted = touched.iter().filter(|t| t.texted).count();
    say(&format!("{centre}: {} bookings were moved or cancelled; {texted} people are told by text", touched.len()))?;
    for left in touched.iter().filter(|t| !t.texted) {
        say(&format!("  to be rung up: booking {}", left.booked.row.number))?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // Notepad puts a mark in front of a text that other programs do not read.
    let mut reader = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|e| anyhow::anyhow!("{} cannot be read: at {}: {}", path.display(), e.path(), e.inner()))
}
