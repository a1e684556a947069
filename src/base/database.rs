//! The database (数据库): SQLite with one writer and many readers, or PostgreSQL with one pool.

use super::settings;
use anyhow::Context as _;
use async_trait::async_trait;
use sea_orm::sea_query::{CommonTableExpression, Query, SelectStatement, WithClause};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, SqliteTransactionMode, SqlxError, Statement, StatementBuilder, TransactionOptions,
    TransactionTrait as _,
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

    /// Brings SQLite's statistics up to date, without which it walks a centre's rows where an index would find them;
    /// PostgreSQL does so by itself.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn optimize(&self) -> Result<(), DbErr> {
        if self.is_sqlite() {
            self.writer.execute_unprepared("pragma optimize = 0x10002").await?;
        }
        Ok(())
    }

    /// Waits for transactions under way and closes.
    pub async fn close(&self) {
        // A pool that is already closed has nothing left to lose.
        let _ = self.reader.clone().close().await;
        let _ = self.writer.clone().close().await;
    }
}

/// Rows that one INSERT carries, so that it goes out in one piece: sqlx 0.9.0 leaves Nagle's algorithm on
/// (transact-rs/sqlx#4335), which holds the end of a longer statement back for 40 ms.
pub const ROWS: usize = 20;

/// What an act works by.
#[derive(Debug)]
pub enum Work {
    /// A transaction: it reads and writes as it likes, and is committed or taken back as a whole.
    Transaction(DatabaseTransaction),
    /// It looks only, until one statement does everything, which is a transaction of its own.
    Look(DatabaseConnection),
}

impl Work {
    /// True where nothing may be written yet.
    #[must_use]
    pub const fn looks(&self) -> bool {
        matches!(self, Self::Look(_))
    }

    /// Runs the statement that does everything, by whatever this is.
    ///
    /// # Errors
    /// Whatever the database says; nothing is changed then.
    pub async fn at_once<S: StatementBuilder + Sync>(&self, statement: &S) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Transaction(tx) => tx.query_one(statement).await,
            Self::Look(pool) => pool.query_one(statement).await,
        }
    }

    fn reading(&self, statement: &Statement) -> Result<(), DbErr> {
        if self.looks() && !statement.sql.starts_with("SELECT") {
            return Err(DbErr::Custom("an act that looks wrote something".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl ConnectionTrait for Work {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Transaction(tx) => tx.get_database_backend(),
            Self::Look(pool) => pool.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.reading(&statement)?;
        match self {
            Self::Transaction(tx) => tx.execute_raw(statement).await,
            Self::Look(pool) => pool.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Transaction(tx) => tx.execute_unprepared(sql).await,
            Self::Look(_) => Err(DbErr::Custom("an act that looks wrote something".to_owned())),
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.reading(&statement)?;
        match self {
            Self::Transaction(tx) => tx.query_one_raw(statement).await,
            Self::Look(pool) => pool.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.reading(&statement)?;
        match self {
            Self::Transaction(tx) => tx.query_all_raw(statement).await,
            Self::Look(pool) => pool.query_all_raw(statement).await,
        }
    }

    fn support_returning(&self) -> bool {
        match self {
            Self::Transaction(tx) => tx.support_returning(),
            Self::Look(pool) => pool.support_returning(),
        }
    }
}

/// Ids that an update picks by a sub-select with a limit: the clause that goes before it, and what its condition asks for.
/// Evaluated once; a plain sub-select PostgreSQL may evaluate anew for each row, and so pick more than the limit.
#[must_use]
pub fn pick(ids: SelectStatement) -> (WithClause, SelectStatement) {
    let mut picked = CommonTableExpression::new();
    picked.query(ids).column("id").table_name("picked").materialized(true);
    (WithClause::new().cte(picked).to_owned(), Query::select().column("id").from("picked").to_owned())
}

/// True when the database does not answer, or is too busy to. What was asked may be asked again; a write whose answer was
/// lost may have been done, so it is asked again with its key.
#[must_use]
pub fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                SqlxError::Io(_) | SqlxError::Tls(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed => true,
                SqlxError::Database(refused) => refused.code().is_some_and(|code| passes(&code)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// PostgreSQL shuts down or starts (57P0…), has no connection left (53300), broke one off (08…) or an act to end a deadlock
/// (40P01); SQLite is busy (5, in the low byte of its longer codes).
fn passes(code: &str) -> bool {
    let busy = code.len() < 5 && code.parse::<u32>().is_ok_and(|code| code & 0xff == 5);
    busy || code == "53300" || code == "40P01" || code.starts_with("57P0") || code.starts_with("08")
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

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for passing in ["5", "261", "517", "773", "57P01", "57P03", "08006", "53300", "40P01"] {
            assert!(passes(passing), "{passing}");
        }
        // Full disks, broken files and constraints do not go away by asking again.
        for staying in ["13", "11", "2067", "23505", "53100", "42P01", "57014", ""] {
            assert!(!passes(staying), "{staying}");
        }
    }
}
