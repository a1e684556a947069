//! The database (数据库): SQLite with one writer and many readers, or PostgreSQL with one pool.

use super::settings;
use anyhow::Context as _;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode,
    SqlxError, TransactionOptions, TransactionTrait as _,
};
use secrecy::ExposeSecret as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Database {
    /// Opens it, making the file and its directory if it is SQLite.
    ///
    /// # Errors
    /// When it cannot be reached; the message names no password.
    pub async fn open(settings: &settings::Database) -> anyhow::Result<Self> {
        let url = settings.url.expose_secret();
        let connections = u32::try_from(settings.max_connections)?;
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let path = path.split('?').next().unwrap_or_default();
                if let Some(directory) = Path::new(path).parent().filter(|d| !d.as_os_str().is_empty()) {
                    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
                }
                let open = async |connections| connect(sqlite(url, connections)).await;
                let writer = open(1).await.with_context(|| format!("cannot open the SQLite file {path}"))?;
                let reader = open(connections).await?;
                Ok(Self { writer, reader })
            }
            None => {
                let mut options = pool(url, connections);
                options.test_before_acquire_if_idle_for(Duration::from_secs(30)).set_application_name("shuitian");
                let pool = connect(options).await.context("cannot reach PostgreSQL at database.url")?;
                Ok(Self { writer: pool.clone(), reader: pool })
            }
        }
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate = Some(SqliteTransactionMode::Immediate);
        self.writer
            .begin_with_options(TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() })
            .await
    }

    /// The connection for what only reads.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The connection for schema steps.
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which of the two it is.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Sqlite
    }

    /// Waits for transactions under way and closes.
    pub async fn close(&self) {
        // A pool that is already closed has nothing left to lose.
        let _ = self.reader.clone().close().await;
        let _ = self.writer.clone().close().await;
    }
}

/// True when the database does not answer, or is too busy to: what was asked may be asked again.
#[must_use]
pub fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                SqlxError::Io(_) | SqlxError::Tls(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed => true,
                // PostgreSQL shuts down or starts (57P01 to 57P03), a connection broke (08…), SQLite is busy (5).
                SqlxError::Database(refused) => {
                    refused.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "5")
                }
                _ => false,
            }
        }
        _ => false,
    }
}

async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    sea_orm::Database::connect(options).await
}

fn pool(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false);
    options
}

fn sqlite(url: &str, connections: u32) -> ConnectOptions {
    let mut options = pool(url, connections);
    // Options of the connection, not a PRAGMA on the pool, which would reach one connection only.
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a receipt was printed for must survive a power cut: FULL, not NORMAL.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
    });
    options
}
