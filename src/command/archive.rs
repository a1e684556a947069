//! `shuitian backup` and `shuitian restore`.

use super::{bar, centre_of, say};
use crate::app::App;
use crate::domain::archive::{self, End, Scope};
use crate::domain::published;
use anyhow::Context as _;
use entity::Id;
use indicatif::ProgressBar;
use migration::{Migrator, MigratorTrait as _};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How far it is.
const ROWS: &str = "{spinner} {pos} rows  {msg}";

/// Writes a backup of one centre or of all; a file that is there stays as it is.
pub(super) async fn backup(app: &App, code: Option<&str>, path: &Path) -> anyhow::Result<()> {
    let centres = match code {
        Some(_) => vec![(**centre_of(app, code).await?).clone()],
        None => published::all(app.read()).await?,
    };
    anyhow::ensure!(!centres.is_empty(), "there is no centre to back up");
    let part = path.with_extension("part");
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
    let file = open.with_context(|| format!("cannot write {}", part.display()))?;
    anyhow::ensure!(!path.exists(), "{} is there already", path.display());
    let bar = bar(ROWS);
    let scope = Scope { now: app.clock.now(), schema: schema(app).await?, centres: &centres, whole: code.is_none() };
    let written = {
        let disk = |centre, file| app.files.read(centre, file);
        archive::backup(app.read(), &app.vault, &scope, &file, disk, |table, rows| tell(&bar, table, rows)).await
    };
    let end = written.and_then(|end| {
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        Ok(end)
    });
    bar.finish_and_clear();
    let end = end.inspect_err(|_| drop(std::fs::remove_file(&part)))?;
    say(&format!("{} rows of {} tables are in {}", rows(&end), end.tables.len(), path.display()))?;
    if end.files > 0 {
        say(&format!("{} uploaded files are in it", end.files))?;
    }
    if !end.lost.is_empty() {
        say(&format!("NOT in it, because they are not on the disk or were changed there: {}", listed(&end.lost)))?;
    }
    let keys = [("data", &end.keys.data), ("index", &end.keys.index), ("token", &end.keys.token)];
    for (what, ids) in keys {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        say(&format!("it needs {what} keys {}", ids.join(", ")))?;
    }
    say("the keys are not in it: keep a copy of security.keys_dir in another place")
}

/// Puts a backup into a database that has none of its centres, and compares what is there afterwards.
pub(super) async fn restore(app: &App, path: &Path) -> anyhow::Result<()> {
    let open = || File::open(path).with_context(|| format!("cannot read {}", path.display()));
    let (head, end) = archive::check(open()?, &app.vault, &schema(app).await?)?;
    let bar = bar(ROWS);
    let file = open()?;
    let done = app
        .establish(async |tx| {
            let disk = |centre, file, bytes: &[u8]| app.files.write(centre, file, bytes);
            archive::restore(tx, file, disk, |table, rows| tell(&bar, table, rows)).await
        })
        .await;
    bar.finish_and_clear();
    done?;
    let restored: Vec<_> =
        published::all(app.read()).await?.into_iter().filter(|c| head.centres.contains(&c.code)).collect();
    let whole = restored.len() == published::all(app.read()).await?.len();
    let scope = Scope { now: app.clock.now(), schema: head.schema.clone(), centres: &restored, whole };
    let there =
        archive::backup(app.read(), &app.vault, &scope, std::io::sink(), |c, f| app.files.read(c, f), |_, _| ())
            .await?;
    let other: Vec<&str> = end
        .tables
        .iter()
        .filter(|(name, sum)| there.tables.get(*name) != Some(*sum))
        .map(|(n, _)| n.as_str())
        .collect();
    let said = format!("{} rows of {}, as of {}, are restored", rows(&end), head.centres.join(", "), head.made_at);
    if other.is_empty() {
        return say(&format!("{said}; every table sums to the same"));
    }
    say(&format!("{said}; these tables hold more than the file, as national tables may: {}", other.join(", ")))
}

fn listed(ids: &[Id]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn rows(end: &End) -> u64 {
    end.tables.values().map(|sum| sum.rows).sum()
}

/// The last schema step that was taken.
async fn schema(app: &App) -> anyhow::Result<String> {
    let steps = Migrator::get_applied_migrations(app.read()).await?;
    steps.last().map(|step| step.name().to_owned()).context("the schema is not there yet: run `shuitian migrate up`")
}

fn tell(bar: &ProgressBar, table: &str, rows: u64) {
    bar.inc(rows);
    bar.set_message(table.to_owned());
}
