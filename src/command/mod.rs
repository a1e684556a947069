//! The command line: what an operator types, and what it answers.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong use (an unknown command, a wrong setting).

mod archive;
mod demonstration;
mod doctor;
mod import;
mod keys;
mod notice;
mod serve;
mod staff;

use crate::app::App;
use crate::base::settings::{Fault, Settings};
use crate::base::{Clock, telemetry};
use crate::domain::figure::Month;
use crate::domain::published::Centre;
use crate::domain::{Who, bulletin};
use crate::{api, document};
use anyhow::Context as _;
use chrono::Duration;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use migration::{Migrator, MigratorTrait as _};
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
#[command(name = "shuitian", version, about = "Backend of a township public service centre (水田乡公共服务中心)")]
struct Line {
    /// Settings file; shuitian.toml in this directory if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Code of the centre, where there are several.
    #[arg(long, global = true, value_name = "CODE")]
    centre: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, and work unless told otherwise (the default).
    Serve(serve::Serve),
    /// Deliver texts and keep the timetable, beside servers that only serve.
    Worker,
    /// Bring the schema up to date, take steps back, or tell where it stands.
    Migrate {
        #[command(subcommand)]
        step: Option<Migrate>,
    },
    /// Load a demonstration township into an empty database.
    Demo(demonstration::Demo),
    /// Take a file in: the whole of it, or nothing with every fault told.
    Import {
        #[command(subcommand)]
        what: import::Import,
    },
    /// Draft a month's bulletin if there is none, and write its documents.
    Bulletin {
        /// The month, such as 2026-10.
        period: String,
        /// Directory for the documents.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Print the document of the interface.
    Openapi,
    /// Look after staff accounts.
    Staff {
        #[command(subcommand)]
        what: staff::StaffCommand,
    },
    /// Look after texts.
    Notice {
        #[command(subcommand)]
        what: notice::NoticeCommand,
    },
    /// Look at every part, and say in words what is wrong.
    Doctor,
    /// Write everything of a centre, or of all, into one file.
    Backup {
        /// The file.
        file: PathBuf,
    },
    /// Put a backup into a database that has none of its centres.
    Restore {
        /// The file.
        file: PathBuf,
    },
    /// Look after keys.
    Keys {
        #[command(subcommand)]
        what: keys::KeysCommand,
    },
}

#[derive(Subcommand)]
enum Migrate {
    /// Take every step that is pending (the default).
    Up,
    /// Take N steps back; refused in production.
    Down {
        /// How many.
        steps: u32,
    },
    /// Tell which steps were taken.
    Status,
}

/// Runs one command line.
pub async fn run(
    words: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (String, String)>,
) -> ExitCode {
    let line = match Line::try_parse_from(words) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are printed this way too, and are no error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match obey(line, environment).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let wrong_use = error.downcast_ref::<Fault>().is_some();
            let _ = writeln!(std::io::stderr(), "shuitian: {error:#}");
            ExitCode::from(if wrong_use { 2 } else { 1 })
        }
    }
}

async fn obey(line: Line, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<()> {
    let start = Start { config: line.config, environment, listen: None };
    let centre = line.centre.as_deref();
    match line.command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => serve.run(Start { listen: serve.listen, ..start }.open().await?).await,
        Command::Worker => serve::worker(start.open().await?).await,
        Command::Migrate { step } => migrate(&start.open_as_it_is().await?, step.unwrap_or(Migrate::Up)).await,
        Command::Demo(demo) => demo.run(&start.open().await?).await,
        Command::Import { what } => what.run(&start.open().await?, centre).await,
        Command::Bulletin { period, out } => write_bulletin(&start.open().await?, centre, &period, &out).await,
        Command::Openapi => say(&api::document()),
        Command::Staff { what } => what.run(&start.open().await?, centre).await,
        Command::Notice { what } => what.run(&start.open().await?, centre).await,
        Command::Doctor => doctor::run(&start.open_as_it_is().await?).await,
        Command::Backup { file } => archive::backup(&start.open().await?, centre, &file).await,
        Command::Restore { file } => archive::restore(&start.open().await?, &file).await,
        Command::Keys { what } => what.run(start).await,
    }
}

/// What the application is opened by, if a command needs it.
struct Start<E> {
    config: Option<PathBuf>,
    environment: E,
    /// Laid over the settings.
    listen: Option<SocketAddr>,
}

impl<E: Iterator<Item = (String, String)>> Start<E> {
    /// Opens it. A file of one's own is brought up to date on the way; a shared server's schema only when it is said.
    async fn open(self) -> anyhow::Result<App> {
        let app = self.open_as_it_is().await?;
        if app.database.is_sqlite() {
            Migrator::up(app.database.writer(), None).await?;
        }
        Ok(app)
    }

    async fn open_as_it_is(self) -> anyhow::Result<App> {
        let mut settings = Settings::load(self.config.as_deref(), self.environment)?;
        settings.http.listen = self.listen.unwrap_or(settings.http.listen);
        telemetry::start(&settings.log);
        let clock = Clock::ahead(Duration::seconds(settings.clock.offset));
        App::open(settings, clock).await
    }
}

/// A bar on a terminal; elsewhere nothing.
fn bar(template: &str) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Prints a line for whoever typed the command.
fn say(words: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{words}")?)
}

/// The centre a command is for.
async fn centre_of(app: &App, code: Option<&str>) -> anyhow::Result<Arc<Centre>> {
    let centre = app.published().await?.find(None, code);
    centre.context("name the centre with --centre CODE, or import one with `shuitian import centre FILE`")
}

async fn migrate(app: &App, step: Migrate) -> anyhow::Result<()> {
    let db = app.database.writer();
    match step {
        Migrate::Up => Migrator::up(db, None).await?,
        Migrate::Down { steps } => {
            if app.settings.profile == crate::base::settings::Profile::Production {
                anyhow::bail!("taking schema steps back loses data and is refused in production");
            }
            Migrator::down(db, Some(steps)).await?;
        }
        Migrate::Status => {}
    }
    for step in Migrator::get_migration_with_status(db).await? {
        say(&format!("{}  {}", step.name(), step.status()))?;
    }
    Ok(())
}

async fn write_bulletin(app: &App, code: Option<&str>, period: &str, out: &Path) -> anyhow::Result<()> {
    let month = Month::parse(period)?;
    let centre = centre_of(app, code).await?;
    let row = match bulletin::find(app.read(), centre.id, month).await {
        Ok(row) => row,
        Err(_) => app.write(&centre, Who::Operator, async |act| bulletin::draft(act, month).await).await?,
    };
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let signature = bulletin::signature(app.read(), &row).await?;
    for (kind, text) in [("json", row.body.clone()), ("html", document::bulletin::page(&row, signature.as_ref())?)] {
        let path = out.join(format!("{}-{}.{kind}", centre.code, row.period));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("wrote {}", path.display()))?;
    }
    say(&format!("{} {} sha256 {}", row.period, row.state.word(), row.sha256))
}
