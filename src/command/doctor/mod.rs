//! `shuitian doctor`: what is wrong here, in words, and what to do.

mod gateways;

pub(super) use gateways::in_words;

use super::say;
use crate::app::App;
use crate::base::settings::Profile;
use crate::domain::archive;
use crate::domain::identity::staff;
use crate::domain::matter::{self, Reception};
use crate::domain::published::Centre;
use crate::domain::{audit, authority, calendar, case, guide, notice, post, review};
use crate::gateway::sms::Sms;
use chrono::{Datelike as _, Duration};
use entity::lease;
use entity::notice::NoticeState;
use entity::post::PostKind;
use entity::review::Upload;
use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, Statement};
use secrecy::ExposeSecret as _;
use std::collections::BTreeSet;

/// How a part is.
enum State {
    Well,
    Poor,
    Ill,
}
use State::{Ill, Poor, Well};

/// A part that was looked at, and what is to be said of it.
type Finding = (&'static str, State, String);

/// Looks at every part; fails if one is ill.
pub(super) async fn run(app: &App) -> anyhow::Result<()> {
    let mut findings = settings(app);
    findings.extend(database(app).await);
    // Without a database that can be read there is nothing more to be known.
    let readable = !findings.iter().any(|(part, state, _)| *part == "database" && matches!(state, Ill));
    if readable {
        findings.extend(gateways::ask(app).await);
        for found in [
            keys(app).await,
            centres(app).await,
            timetable(app).await,
            texts(app).await,
            uploads(app).await,
            year(app).await,
            people(app).await,
            trail(app).await,
        ] {
            findings.extend(found.unwrap_or_else(|error| vec![("database", Ill, format!("{error:#}"))]));
        }
    }
    findings.push(match app.limits.ping().await {
        Ok(()) if app.settings.redis.url.expose_secret().is_empty() => {
            ("cache", Well, "tries are counted in memory: one server only".to_owned())
        }
        Ok(()) => ("cache", Well, "Redis answers".to_owned()),
        Err(error) => ("cache", Ill, format!("{error:#}: nobody can sign in; check redis.url and that Redis runs")),
    });
    findings.push(match app.files.fault() {
        Some(fault) => ("files", Ill, fault),
        None => ("files", Well, format!("{} can be written to", app.settings.files.directory.display())),
    });
    let mut ill = 0;
    for (part, state, words) in findings {
        let mark = match state {
            Well => "ok  ",
            Poor => "look",
            Ill => {
                ill += 1;
                "ILL "
            }
        };
        say(&format!("{mark}  {part:<10} {words}"))?;
    }
    anyhow::ensure!(ill == 0, "{ill} parts need help");
    Ok(())
}

fn settings(app: &App) -> Vec<Finding> {
    let profile = match app.settings.profile {
        Profile::Production => ("settings", Well, "profile production".to_owned()),
        Profile::Demo => {
            ("settings", Poor, "profile demo: for trying out; real work needs profile = \"production\"".to_owned())
        }
    };
    let quiet = app.rules.quiet;
    let hours = if quiet.from == quiet.to { "at any hour" } else { "not at night" };
    let limits = &app.settings.sms.limits;
    let ways: Vec<&str> = app.sms.iter().map(Sms::name).collect();
    let gateway = match ways.as_slice() {
        [] => {
            let words = "no gateway takes texts: nobody is told anything, and residents cannot sign in by phone";
            ("gateway", Poor, format!("{words}: set sms.gateways"))
        }
        ["console"] => ("gateway", Poor, "texts are printed here and reach no phone".to_owned()),
        ways => (
            "gateway",
            Well,
            format!("texts leave by {}, {hours}, {} a centre a day", ways.join(", "), limits.daily_budget),
        ),
    };
    let http = &app.settings.http;
    let proxied = http.public_url.starts_with("https://") && http.trusted_proxies.is_empty();
    let proxies = proxied.then(|| {
        let words = "http.trusted_proxies is empty: behind a proxy all people count as one address";
        ("proxies", Poor, format!("{words}, and one can use up everybody's tries"))
    });
    [profile, gateway].into_iter().chain(proxies).collect()
}

async fn database(app: &App) -> Vec<Finding> {
    let (sqlite, db) = (app.database.is_sqlite(), app.read());
    let ask = async |sql: &str, column: &str| {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        row.map(|row| row.try_get::<String>("", column)).transpose()
    };
    let version = if sqlite { "select sqlite_version() as v" } else { "select current_setting('server_version') as v" };
    let version = match ask(version, "v").await {
        Ok(version) => version.unwrap_or_default(),
        Err(error) => return vec![("database", Ill, format!("{error}: check database.url"))],
    };
    let kind = if sqlite { "SQLite" } else { "PostgreSQL" };
    let mut findings = vec![match Migrator::get_pending_migrations(db).await {
        Ok(pending) if pending.is_empty() => ("database", Well, format!("{kind} {version}, schema current")),
        Ok(_) => ("database", Ill, format!("{kind} {version}, schema behind: run `shuitian migrate`")),
        Err(error) => ("database", Ill, error.to_string()),
    }];
    if sqlite {
        findings.push(match ask("select * from pragma_quick_check", "quick_check").await {
            Ok(Some(word)) if word == "ok" => ("file", Well, "the file is whole".to_owned()),
            Ok(word) => ("file", Ill, format!("{}: restore the last backup", word.unwrap_or_default())),
            Err(error) => ("file", Ill, error.to_string()),
        });
        return findings;
    }
    let theirs = ask("select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as t", "t").await;
    let theirs = theirs.ok().flatten().and_then(|t| t.parse::<i64>().ok());
    findings.push(match theirs.map(|t| (t - app.clock.now().0).abs()) {
        Some(off) if off < 2000 => ("clock", Well, "agrees with the database's".to_owned()),
        Some(off) => ("clock", Poor, format!("{} s off the database's: keep both by one time server", off / 1000)),
        None => ("clock", Poor, "the database does not tell its time".to_owned()),
    });
    findings
}

/// Every sealed value names its key: are all of them here, and would a restore have them?
async fn keys(app: &App) -> anyhow::Result<Vec<Finding>> {
    let needed = archive::needed(app.read(), &app.vault).await?;
    let missing = app.vault.missing(&needed.data, &needed.index, &needed.token);
    let in_use = app.vault.keys_in_use();
    Ok(vec![if missing.is_empty() {
        let old = needed.data.iter().filter(|id| !in_use.starts_with(&format!("{id}/"))).count();
        let more =
            if old > 0 { format!("; {old} older ones are needed until `keys reindex` has run") } else { String::new() };
        ("keys", Well, format!("{in_use} in use{more}"))
    } else {
        (
            "keys",
            Ill,
            format!(
                "not here: {}; what they sealed cannot be read. Bring them back from your copy",
                missing.join(", ")
            ),
        )
    }])
}

/// The timetable leaves a lease each time it does something.
async fn timetable(app: &App) -> anyhow::Result<Vec<Finding>> {
    let now = app.clock.now();
    let leases = lease::Entity::find().all(app.read()).await?;
    let last = leases.iter().filter(|l| l.name == "job:recover_notices").map(|l| l.until).max();
    Ok(vec![match last {
        Some(until) if until > now - Duration::minutes(5) => ("timetable", Well, "a worker is at work".to_owned()),
        Some(until) => {
            let since = until.local().format("%Y-%m-%d %H:%M");
            ("timetable", Poor, format!("no worker since {since}: run `shuitian serve` or `shuitian worker`"))
        }
        None => ("timetable", Poor, "no worker has run yet".to_owned()),
    }])
}

/// What a centre cannot do without.
async fn centres(app: &App) -> anyhow::Result<Vec<Finding>> {
    let published = app.published().await?;
    let mut findings = Vec::new();
    if published.centres.is_empty() {
        findings.push(("centre", Ill, "there is none: run `shuitian import centre FILE`".to_owned()));
    }
    for centre in &published.centres {
        let guides = guide::all(app.read(), centre).await?.each().count();
        let people = staff::names(app.read(), centre.id).await?.len();
        findings.extend(gateways::templates(app, centre).await?);
        let posts = post::all(app.read(), centre).await?.on(app.clock.now().date()).count();
        let letters = authority::all(app.read(), centre).await?.on(app.clock.now().date()).count();
        let nowhere = nowhere(app, centre).await?;
        if posts > 0 && !nowhere.is_empty() {
            let words = format!(
                "{} takes the matters of {} in nowhere: run `shuitian import windows FILE`, or give them posts",
                centre.code,
                nowhere.join(", ")
            );
            findings.push(("centre", Poor, words));
        }
        for (what, count) in [("guides", guides), ("staff", people), ("posts", posts), ("delegations", letters)] {
            if count == 0 {
                let words = format!("{} has no {what}: run `shuitian import {what} FILE`", centre.code);
                findings.push(("centre", Poor, words));
            }
        }
    }
    Ok(findings)
}

/// Codes of offices with a matter that no post takes in.
async fn nowhere(app: &App, centre: &Centre) -> anyhow::Result<Vec<String>> {
    let (db, today) = (app.read(), app.clock.now().date());
    let (guides, register) = (guide::all(db, centre).await?, matter::register(db, centre).await?);
    let posts = post::all(db, centre).await?;
    let left = guides.each().filter(|guide| match register.of(&guide.row, today) {
        Reception::Outside(_) => false,
        reception => {
            let takes_in =
                |post: &post::Post| post.row.kind != PostKind::Chief && case::takes_in(post, guide, reception);
            !posts.on(today).any(takes_in)
        }
    });
    let offices: BTreeSet<String> = left.map(|guide| guide.office.code.clone()).collect();
    Ok(offices.into_iter().collect())
}

/// Reviews that wait to be uploaded.
async fn uploads(app: &App) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if !app.platform.is_there() {
        return Ok(findings);
    }
    if let Some(fault) = app.platform.fault() {
        findings.push(("upload", Ill, fault));
    }
    for centre in &app.published().await?.centres {
        if ["area_code", "area_name", "dept_code"]
            .iter()
            .any(|key| centre.reporting[key].as_str().is_none_or(str::is_empty))
        {
            let words =
                "its file does not say how the platform knows it: \"reporting\" with area_code, area_name, dept_code";
            findings.push(("upload", Poor, format!("{}: {words}; reviews go without them", centre.code)));
        }
        let counts = review::uploads(app.read(), centre.id).await?;
        let of = |state| counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
        let (waits, refused) = (of(Upload::Waits), of(Upload::Refused));
        let words = format!(
            "{}: {waits} bad reviews wait until what they speak of was seen to, {refused} were refused by the platform",
            centre.code
        );
        findings.push(("upload", if waits + refused == 0 { Well } else { Poor }, words));
    }
    Ok(findings)
}

async fn texts(app: &App) -> anyhow::Result<Vec<Finding>> {
    let now = app.clock.now();
    let mut findings = Vec::new();
    for centre in &app.published().await?.centres {
        let of = async |state| notice::list(app.read(), centre.id, Some(state), 1000).await;
        let stuck = of(NoticeState::Due).await?.iter().filter(|n| n.due_at < now - Duration::minutes(10)).count();
        let recent = |rows: Vec<entity::notice::Model>| {
            rows.into_iter().filter(|n| n.done_at.is_some_and(|at| at > now - Duration::days(1))).count()
        };
        let (unsure, refused) = (recent(of(NoticeState::Unsure).await?), recent(of(NoticeState::Rejected).await?));
        for (why, n) in notice::held_up(app.read(), centre.id).await? {
            let words = match why.as_str() {
                notice::NO_TEMPLATE => {
                    "no vendor has approved a template for them; see `shuitian import texts`".to_owned()
                }
                "held" => "no gateway is in order".to_owned(),
                code => in_words(code),
            };
            findings.push(("texts", Poor, format!("{}: {n} wait: {words}", centre.code)));
        }
        let undelivered = notice::undelivered(app.read(), centre.id, now).await?;
        if undelivered > 0 {
            let words = format!("{}: {undelivered} did not arrive within a day", centre.code);
            findings.push(("texts", Poor, format!("{words}; the windows see to them on their page 短信处置")));
        }
        let budget = app.settings.sms.limits.daily_budget;
        if let Some(spent) = notice::running_short(app.read(), now, centre.id, budget).await? {
            let words = format!("{}: {spent} of {budget} texts of today are used up", centre.code);
            findings.push(("texts", Poor, format!("{words}; beyond it reminders wait: raise sms.limits.daily_budget")));
        }
        let quiet = app.rules.quiet.has(now);
        findings.push(match (stuck, unsure + refused) {
            (0, 0) => ("texts", Well, format!("{}: nothing stuck", centre.code)),
            (0, _) => {
                let words = format!(
                    "{}: {unsure} may or may not have gone out and {refused} were refused within a day",
                    centre.code
                );
                ("texts", Poor, format!("{words}; see `shuitian notice list`"))
            }
            _ if app.sms.is_empty() => ("texts", Poor, format!("{}: {stuck} wait for a gateway", centre.code)),
            (_, _) if quiet => ("texts", Well, format!("{}: {stuck} wait for the morning", centre.code)),
            _ => (
                "texts",
                Poor,
                format!("{}: {stuck} are due for more than ten minutes; is a worker running?", centre.code),
            ),
        });
    }
    Ok(findings)
}

async fn year(app: &App) -> anyhow::Result<Vec<Finding>> {
    let (today, calendar) = (app.clock.now().date(), calendar::load(app.read()).await?);
    let this = today.year();
    let needed = if today.month() >= 12 { this + 1 } else { this };
    Ok(vec![if calendar.is_official(needed) {
        ("calendar", Well, format!("the holidays of {needed} are official"))
    } else {
        let what = "deadlines are provisional until `shuitian import holidays FILE`";
        ("calendar", Poor, format!("no official holidays of {needed}: {what}"))
    }])
}

async fn people(app: &App) -> anyhow::Result<Vec<Finding>> {
    let demo = staff::demo_accounts(app.read()).await?;
    let production = app.settings.profile == Profile::Production;
    Ok(match (demo.is_empty(), production) {
        (true, _) => vec![],
        (false, true) => vec![(
            "accounts",
            Ill,
            format!("demonstration accounts exist: {}; anybody knows their password", demo.join(", ")),
        )],
        (false, false) => vec![("accounts", Poor, "demonstration accounts exist, for this machine alone".to_owned())],
    })
}

async fn trail(app: &App) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for centre in &app.published().await?.centres {
        findings.push(match audit::first_break(app.read(), centre.id).await? {
            None => ("audit", Well, format!("{}: the trail is whole", centre.code)),
            Some(line) => ("audit", Ill, format!("{}: the trail was changed at line {line}; keep this database as it is and compare it with a backup", centre.code)),
        });
    }
    Ok(findings)
}
