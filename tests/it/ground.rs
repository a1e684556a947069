//! What a town stands on: servers, settings, and the templates that towns are copied from.

use crate::town::tuesday;
use chrono::Duration;
use migration::MigratorTrait as _;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use shuitian::app::App;
use shuitian::base::Clock;
use shuitian::base::settings::Settings;
use shuitian::demo;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::OnceCell;

/// Where PostgreSQL is, if it is there. `deploy/check` always says so.
pub fn postgres() -> Option<String> {
    told("SHUITIAN_TEST_POSTGRES")
}

/// Where Redis is, if it is there.
pub fn redis() -> Option<String> {
    told("SHUITIAN_TEST_REDIS")
}

fn told(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|v| !v.is_empty());
    if value.is_none() {
        assert!(std::env::var_os("SHUITIAN_TEST_ALL").is_none(), "{name} is not set, and all stories are to be told");
        println!("not told: {name} is not set; deploy/check starts the server and sets it");
    }
    value
}

/// Settings of a town's programs.
pub fn settings(database: &str, redis: &str, keys: &Path) -> BTreeMap<String, String> {
    let pairs = [
        ("DATABASE__URL", database),
        ("DATABASE__MAX_CONNECTIONS", "6"),
        ("REDIS__URL", redis),
        ("SECURITY__KEYS_DIR", &keys.display().to_string()),
        ("HTTP__PUBLIC_URL", "http://town.example"),
        ("HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("SMS__GATEWAYS", "memory"),
        // Stories tell much in a moment; those about pace set their own.
        ("SMS__LIMITS__SPACING", "0"),
        ("SMS__LIMITS__PER_HOUR", "1000"),
        ("SMS__LIMITS__PER_DAY", "1000"),
        ("LOG__FILTER", "off"),
    ];
    pairs.iter().map(|(k, v)| (format!("SHUITIAN__{k}"), (*v).to_owned())).collect()
}

/// A town is copied from a template that is made once a run: schema, guides and people.
pub fn keys_of_templates() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("shuitian-it-{}", std::process::id())).join("keys")
}

async fn make(database: &str) {
    let settings = settings(database, "", &keys_of_templates());
    let clock = Clock::default();
    clock.set(tuesday() - Duration::days(80));
    let app =
        App::open(Settings::load(Some(Path::new("/dev/null")), settings.into_iter()).unwrap(), clock).await.unwrap();
    migration::Migrator::up(app.database.writer(), None).await.unwrap();
    demo::township(&app).await.unwrap();
    if app.database.is_sqlite() {
        app.database.writer().execute_unprepared("pragma wal_checkpoint(truncate)").await.unwrap();
    }
    app.database.close().await;
}

/// The database that towns on SQLite are copied from.
pub async fn sqlite_template() -> std::path::PathBuf {
    static MADE: OnceCell<std::path::PathBuf> = OnceCell::const_new();
    let make = async || {
        let file = keys_of_templates().with_file_name("template.db");
        make(&format!("sqlite://{}", file.display())).await;
        file
    };
    MADE.get_or_init(make).await.clone()
}

/// The same on PostgreSQL, by name.
pub async fn postgres_template(server: &str) -> String {
    static MADE: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        // The keys are shared with the other template: wait for it rather than make them twice.
        sqlite_template().await;
        let name = format!("template_{}", std::process::id());
        let admin = admin(server).await;
        admin.execute_unprepared(&format!("drop database if exists {name}")).await.unwrap();
        admin.execute_unprepared(&format!("create database {name}")).await.unwrap();
        make(&format!("{server}/{name}")).await;
        name
    };
    MADE.get_or_init(make).await.clone()
}

/// A connection that makes and drops databases.
pub async fn admin(server: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("{server}/postgres"));
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}
