//! The spool: the one queue of everything that goes on from here, to returners and to job stores elsewhere, in an SQLite
//! file of its own (write-ahead log). What comes in is on disk before that is reported; that something went out need not
//! be: after a power cut it is sent once more.
//!
//! A return is in the spool before it counts as durable, so whatever is shown is delivered or can be. A row is gone when
//! its destination has it. An outlet is a returner or a store with the options it was asked for; each has its own queue
//! here, so one that hangs holds up nobody else. Many processes may use one spool; a run delivers its own rows, and when
//! its process is gone `flush` delivers what is left.
//!
//! The queue has its own file and its own copy of what waits, rather than notes beside the jobs in their store. Notes
//! would be written by the same commit, but each thing that went out would lock the jobs and cost them a sync; a job
//! could not be dropped before it went; and events, and runs that keep no jobs, would need a queue all the same.

mod queue;
mod report;

pub use queue::Due;
pub(super) use queue::{Whose, moment};
pub use report::{DeadLetter, OutletStatus};

use crate::config::{DirError, private_dir, private_file};
use crate::jobs::{Owner, json};
use halite_wire::{Jid, Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// Name of the spool in its directory.
const FILE_NAME: &str = "spool.sqlite";

/// How long one process waits while others write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of waiting returns beyond which no more are taken.
pub const SPOOL_BYTES_MAX: i64 = 4 << 30;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS outlets (
        id INTEGER PRIMARY KEY,
        place TEXT NOT NULL,
        returner TEXT NOT NULL,
        config TEXT NOT NULL,
        kwargs TEXT NOT NULL,
        job_store INTEGER NOT NULL,
        delivered INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        UNIQUE (place, returner, config, kwargs, job_store));
    CREATE TABLE IF NOT EXISTS items (
        seq INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        jid TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        run TEXT NOT NULL,
        UNIQUE (kind, jid, id));
    CREATE INDEX IF NOT EXISTS items_run ON items (run);
    CREATE TABLE IF NOT EXISTS waiting (
        outlet INTEGER NOT NULL,
        item INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (outlet, item)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS waiting_item ON waiting (item);
    CREATE TABLE IF NOT EXISTS dead (
        outlet INTEGER NOT NULL,
        item INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (outlet, item)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS dead_item ON dead (item);
    CREATE TABLE IF NOT EXISTS runs (
        jid TEXT PRIMARY KEY, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 2;
";

/// From format 1, which knew no job stores. Run before [`TABLES`].
const FROM_FORMAT_1: &str = "
    ALTER TABLE outlets RENAME TO outlets_1;
";

/// Run after [`TABLES`].
const FILL_FROM_FORMAT_1: &str = "
    INSERT INTO outlets SELECT id, place, returner, config, kwargs, 0, delivered, dropped, last_error FROM outlets_1;
    DROP TABLE outlets_1;
";

/// Why the spool did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool of the returners: {0}")]
    Place(#[from] DirError),
    #[error("the spool {path} has format {found}; this version knows 2", path = .path.display())]
    Newer { path: PathBuf, found: i64 },
    #[error("the spool {path} failed: {why}", path = .path.display())]
    Failed { path: PathBuf, why: String },
}

/// A returner or a job store with the options it was asked for. The same one always has the same queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutletName {
    /// The directory of the configuration the returner's keys are in.
    pub place: String,
    pub returner: String,
    /// `--return_config`, or empty.
    pub config: String,
    /// `--return_kwargs` as JSON, without secrets; or empty.
    pub kwargs: String,
    /// Whether it is `master_job_cache`, and gets all that is known of a job.
    pub is_job_store: bool,
}

impl OutletName {
    pub fn new(place: &Path, returner: &str, config: Option<&str>, kwargs: &Map) -> OutletName {
        let kwargs: Map =
            kwargs.iter().filter(|(key, _)| !is_secret(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
        OutletName {
            place: place.display().to_string(),
            returner: returner.to_owned(),
            config: config.unwrap_or_default().to_owned(),
            kwargs: if kwargs.is_empty() { String::new() } else { json::encode(&Value::Map(kwargs)) },
            is_job_store: false,
        }
    }

    /// The store every job goes to.
    pub fn job_store(place: &Path, name: &str) -> OutletName {
        OutletName { is_job_store: true, ..OutletName::new(place, name, None, &Map::new()) }
    }

    /// The options as they were given, but for secrets.
    pub fn kwargs(&self) -> Map {
        json::decode(&self.kwargs).ok().and_then(|value| value.as_map().cloned()).unwrap_or_default()
    }
}

/// Whether an option of the command line holds a secret: such are not kept.
fn is_secret(key: &Value) -> bool {
    let key = key.as_str().unwrap_or_default().to_ascii_lowercase();
    ["pass", "token", "secret", "key", "hook", "dsn", "uri"].iter().any(|word| key.contains(word))
}

/// One connection to the file.
pub struct Spool {
    path: PathBuf,
    conn: Mutex<SqliteConnection>,
}

impl Spool {
    /// Opens the spool in `dir`; makes both where they are missing, for their owner alone.
    ///
    /// # Errors
    /// [`SpoolError`] that names the place.
    pub async fn open(dir: &Path) -> Result<Spool, SpoolError> {
        private_dir(dir)?;
        let path = dir.join(FILE_NAME);
        // Two processes that make the tables at once would lock each other out.
        let making = private_file(&dir.join("lock"))?;
        let failed = |why: String| SpoolError::Failed { path: path.clone(), why };
        making.lock().map_err(|error| failed(error.to_string()))?;
        if !path.exists() {
            drop(private_file(&path)?);
        }
        let mut conn = connect(&path).await.map_err(|error| failed(brief(&error)))?;
        let found: i64 = sqlx::query_scalar("SELECT user_version FROM pragma_user_version")
            .fetch_one(&mut conn)
            .await
            .map_err(|error| failed(brief(&error)))?;
        match found {
            0 | 1 => make(&mut conn, found).await.map_err(|error| failed(brief(&error)))?,
            2 => {}
            found => return Err(SpoolError::Newer { path, found }),
        }
        Ok(Spool { path, conn: Mutex::new(conn) })
    }

    /// The spool in `dir`, or `None` where nothing was ever spooled.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub async fn open_existing(dir: &Path) -> Result<Option<Spool>, SpoolError> {
        if Spool::exists(dir) { Spool::open(dir).await.map(Some) } else { Ok(None) }
    }

    /// Whether anything was ever spooled in `dir`.
    pub fn exists(dir: &Path) -> bool {
        dir.join(FILE_NAME).exists()
    }

    /// The number of an outlet; it gets one where it is new.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn outlet(&self, name: &OutletName) -> Result<i64, SpoolError> {
        const MAKE: &str = "INSERT INTO outlets (place, returner, config, kwargs, job_store)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET place = place RETURNING id";
        let mut conn = self.conn.lock().await;
        let make = sqlx::query_scalar(MAKE).bind(&name.place).bind(&name.returner);
        let make = make.bind(&name.config).bind(&name.kwargs).bind(name.is_job_store);
        make.fetch_one(&mut *conn).await.map_err(self.failed())
    }

    /// Says that this process delivers the rows of `jid` until [`Spool::end`], or until it dies.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn begin(&self, jid: Jid) -> Result<(), SpoolError> {
        let me = Owner::this();
        let insert = sqlx::query("INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4)").bind(jid.as_str());
        let insert = insert.bind(me.pid).bind(me.started.cast_signed()).bind(me.boot);
        insert.execute(&mut *self.conn.lock().await).await.map_err(self.failed()).map(drop)
    }

    /// The rows of `jid` that are left are anybody's.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn end(&self, jid: Jid) -> Result<(), SpoolError> {
        let delete = sqlx::query("DELETE FROM runs WHERE jid = ?1").bind(jid.as_str());
        delete.execute(&mut *self.conn.lock().await).await.map_err(self.failed()).map(drop)
    }

    /// Ends the runs whose process is gone.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn end_dead_runs(&self) -> Result<(), SpoolError> {
        let mut conn = self.conn.lock().await;
        let runs: Vec<(String, u32, i64, String)> =
            sqlx::query_as("SELECT jid, pid, started, boot FROM runs")
                .fetch_all(&mut *conn)
                .await
                .map_err(self.failed())?;
        for (jid, pid, started, boot) in runs {
            if !(Owner { pid, started: started.cast_unsigned(), boot }).is_alive() {
                let delete = sqlx::query("DELETE FROM runs WHERE jid = ?1").bind(jid);
                delete.execute(&mut *conn).await.map_err(self.failed())?;
            }
        }
        Ok(())
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> SpoolError {
        |error| SpoolError::Failed { path: self.path.clone(), why: brief(&error) }
    }
}

/// Makes the tables, or brings those of format 1 to this one, all of it or nothing.
async fn make(conn: &mut SqliteConnection, found: i64) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    if found == 1 {
        sqlx::raw_sql(FROM_FORMAT_1).execute(&mut *tx).await?;
    }
    sqlx::raw_sql(TABLES).execute(&mut *tx).await?;
    if found == 1 {
        sqlx::raw_sql(FILL_FROM_FORMAT_1).execute(&mut *tx).await?;
    }
    tx.commit().await
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).journal_mode(SqliteJournalMode::Wal);
    let options = options.synchronous(SqliteSynchronous::Normal).busy_timeout(PATIENCE).foreign_keys(false);
    let mut conn = options.disable_statement_logging().connect().await?;
    conn.ping().await?;
    Ok(conn)
}

fn brief(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
