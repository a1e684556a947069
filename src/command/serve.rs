//! `shuitian serve` and `shuitian worker`.

use super::demonstration::SEED;
use super::say;
use crate::app::App;
use crate::base::lease;
use crate::base::settings::Profile;
use crate::demo::Scale;
use crate::domain::identity::staff;
use crate::domain::published;
use crate::gateway::sms::Sms;
use crate::{demo, jobs, monitor, serve};
use chrono::Duration;
use clap::Args;
use migration::{Migrator, MigratorTrait as _};
use secrecy::ExposeSecret as _;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Args, Default)]
pub(super) struct Serve {
    /// Address and port to listen on.
    #[arg(long, value_name = "A:P")]
    pub(super) listen: Option<SocketAddr>,
    /// Serve only; run `shuitian worker` beside.
    #[arg(long)]
    no_worker: bool,
}

impl Serve {
    pub(super) async fn run(&self, app: App) -> anyhow::Result<()> {
        ensure_schema(&app).await?;
        if published::all(app.read()).await?.is_empty() {
            // An empty database in production is more likely a mistyped address than a new township.
            anyhow::ensure!(
                app.settings.profile == Profile::Demo,
                "the database holds no centre: see that database.url is the right one, or take one in with \
                 `shuitian import centre FILE`"
            );
            say("loading the demonstration township …")?;
            demo::load(&app, SEED, Scale::default(), |_, _| {}).await?;
        }
        ensure_safe(&app).await?;
        let (stop, stopped) = watch::channel(false);
        let listening = serve::listen(app.settings.http.listen).await?;
        let _alone = if app.settings.redis.url.expose_secret().is_empty() {
            Some(alone(&app, listening.address, stop.clone()).await?)
        } else {
            None
        };
        monitor::listen_apart(&app, stopped.clone()).await?;
        greet(&app, listening.address).await?;
        tokio::spawn(wait_for_signal(stop));
        serve::run(app.clone(), listening, !self.no_worker, stopped).await?;
        lease::release(app.database.writer(), SERVE, &holder(&app)).await?;
        app.database.close().await;
        Ok(())
    }
}

pub(super) async fn worker(app: App) -> anyhow::Result<()> {
    ensure_schema(&app).await?;
    let (stop, stopped) = watch::channel(false);
    monitor::listen_apart(&app, stopped.clone()).await?;
    tokio::spawn(wait_for_signal(stop));
    say("working: delivering texts and keeping the timetable")?;
    jobs::work(app.clone(), stopped).await;
    app.database.close().await;
    Ok(())
}

async fn ensure_schema(app: &App) -> anyhow::Result<()> {
    let pending = Migrator::get_pending_migrations(app.database.writer()).await?;
    anyhow::ensure!(pending.is_empty(), "the schema is behind: run `shuitian migrate up` first");
    Ok(())
}

/// Demonstration accounts and the sign-in stand-in let anybody in: on loopback only, and never in production.
async fn ensure_safe(app: &App) -> anyhow::Result<()> {
    let demo = !staff::demo_accounts(app.read()).await?.is_empty();
    let production = app.settings.profile == Profile::Production;
    anyhow::ensure!(!(demo && production), "profile = \"production\" refuses a database with demonstration accounts");
    let reachable = !app.settings.http.listen.ip().is_loopback();
    let what = if demo { "demonstration accounts exist" } else { "the WeChat sign-in stand-in is on" };
    anyhow::ensure!(
        !(reachable && (demo || app.wechat.stands_in())),
        "http.listen = \"{}\" is refused while {what}: anybody could sign in; listen on 127.0.0.1",
        app.settings.http.listen
    );
    Ok(())
}

const SERVE: &str = "serve";
const LEASE: Duration = Duration::seconds(10);

fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "?".to_owned(), |n| n.trim().to_owned())
}

/// Who serves, and under which keys: what seals and indexes must agree with it.
fn holder(app: &App) -> String {
    let (listen, keys) = (app.settings.http.listen, app.vault.keys_in_use());
    format!("pid {} on {} listening on {listen} with keys {keys}", std::process::id(), machine())
}

/// Refuses while a server runs that has not taken up the keys in use: it could not open what is sealed with them.
/// Servers that share Redis hold no lease, and are not seen.
pub(super) async fn ensure_current(app: &App) -> anyhow::Result<()> {
    let server = lease::holder(app.database.writer(), SERVE, app.clock.now()).await?;
    let behind = server.filter(|server| !server.ends_with(&format!(" with keys {}", app.vault.keys_in_use())));
    anyhow::ensure!(
        behind.is_none(),
        "a server runs with other keys: {}; start it again first",
        behind.unwrap_or_default()
    );
    Ok(())
}

/// With tries counted in memory, only one server may run: two would each allow all of them. Renews the lease in the
/// background and stops the server if it was lost.
async fn alone(app: &App, address: SocketAddr, stop: watch::Sender<bool>) -> anyhow::Result<()> {
    let me = holder(app);
    let db = app.database.writer();
    let take = async |app: &App| {
        let now = app.clock.now();
        lease::take(app.database.writer(), SERVE, &me, now, now + LEASE).await
    };
    while !take(app).await? {
        let Some(first) = lease::holder(db, SERVE, app.clock.now()).await? else { continue };
        if is_dead(&first) {
            lease::release(db, SERVE, &first).await?;
            continue;
        }
        anyhow::bail!(
            "another server runs on this database: {first}. Without Redis only one may; stop it, or set redis.url for both"
        );
    }
    let (app, me) = (app.clone(), me.clone());
    tracing::debug!(%address, "holding the lease to serve alone");
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            let now = app.clock.now();
            match lease::take(app.database.writer(), SERVE, &me, now, now + LEASE).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::error!("another server took this database over; stopping");
                    let _ = stop.send(true);
                    return;
                }
                Err(error) => tracing::warn!(error = error.to_string(), "the lease to serve could not be renewed"),
            }
        }
    });
    Ok(())
}

/// True when the holder ran on this machine and its process is gone: a crash must not lock the next start out.
fn is_dead(holder: &str) -> bool {
    let here = holder.contains(&format!(" on {} ", machine()));
    let pid =
        holder.strip_prefix("pid ").and_then(|rest| rest.split(' ').next()).and_then(|pid| pid.parse::<u32>().ok());
    here && pid.is_some_and(|pid| pid == std::process::id() || !std::path::Path::new(&format!("/proc/{pid}")).exists())
}

async fn greet(app: &App, address: SocketAddr) -> anyhow::Result<()> {
    let mut words = format!("listening on {address}\n");
    if app.settings.profile == Profile::Demo {
        let base = format!("http://{address}");
        words += &format!(
            "\n  群众      {base}/\n  工作人员  {base}/staff\n  大厅屏    {base}/hall/check-in（先由主任在那台电脑上登录，到“考勤”里登记）\n  月通报    {base}/bulletins\n  接口      {base}/docs\n"
        );
        let accounts = staff::demo_accounts(app.read()).await?;
        if !accounts.is_empty() {
            words += &format!("\n  demo accounts: {}; password {}\n", accounts.join(", "), demo::PASSWORD);
        }
        for gateway in &app.sms {
            let (name, secret) = (gateway.name(), app.hook_secret(gateway.name()).expose_secret());
            words += &match gateway {
                Sms::Console => format!(
                    "  texts appear here; an answer to one: POST {base}/hooks/sms/console/{secret}/reply {{\"mobile\", \"text\"}}\n"
                ),
                _ => format!("  {name} brings reports and answers to /hooks/sms/{name}/{secret}/report and …/reply\n"),
            };
        }
        if app.rules.quiet.has(app.clock.now()) {
            words += "  at this hour (sms.quiet_hours) texts wait for the morning, all but codes to sign in with\n";
        }
    }
    say(&words)
}

async fn wait_for_signal(stop: watch::Sender<bool>) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    let _ = stop.send(true);
}
