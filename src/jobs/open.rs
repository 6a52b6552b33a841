//! Opening the SQLite file: made once, whole, by one process; recognised by its application id and format number.

use super::StoreError;
use super::counts::FORMAT_3;
use super::files::{self, DirLock};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the store in its directory.
pub const FILE_NAME: &str = "jobs.sqlite";

/// `Hlte` in ASCII, in the header of our files.
const APPLICATION_ID: i64 = 1_215_067_237;

/// Format of the tables. Raise it with every change, and read the ones before it.
const FORMAT: i64 = 3;

/// How long one process waits while others write. A commit takes milliseconds, so beyond this one is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tables. `jids` and `salt_returns` are Salt's, columns and all; the others are ours.
///
/// `return` is computed from `full_ret`, so that a return is written once.
const TABLES: &str = "
    PRAGMA application_id = 1215067237;
    CREATE TABLE jids (jid TEXT NOT NULL PRIMARY KEY, load TEXT NOT NULL);
    CREATE TABLE salt_returns (
        fun TEXT NOT NULL,
        jid TEXT NOT NULL,
        return TEXT GENERATED ALWAYS AS (full_ret -> '$.return') VIRTUAL,
        id TEXT NOT NULL,
        success TEXT NOT NULL,
        full_ret TEXT NOT NULL,
        alter_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
    CREATE UNIQUE INDEX salt_returns_jid_id ON salt_returns (jid, id);
    CREATE TABLE targets (jid TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (jid, place))
        WITHOUT ROWID;
    CREATE TABLE runs (
        jid TEXT NOT NULL PRIMARY KEY,
        pid INTEGER NOT NULL,
        started INTEGER NOT NULL,
        boot TEXT NOT NULL,
        admitted INTEGER NOT NULL,
        ended TEXT);
    CREATE TABLE marks (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);
    INSERT INTO marks VALUES ('last_micros', 0), ('last_prune', 0);
";

/// What format 2 has more: an index over functions, and what was noted for another store by a version that had no other
/// place for it ([`super::outbox`]); `id` is null for a job itself.
const FORMAT_2: &str = "
    CREATE INDEX IF NOT EXISTS jids_fun ON jids (CASE WHEN json_valid(load) THEN load ->> '$.fun' END);
    CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        store TEXT NOT NULL,
        jid TEXT NOT NULL,
        id TEXT,
        refused TEXT);
    CREATE INDEX IF NOT EXISTS outbox_jid ON outbox (jid);
    PRAGMA user_version = 2;
";

/// Opens the store in `dir` to write, and makes both where they are missing.
pub(super) async fn open(dir: &Path) -> Result<(PathBuf, SqliteConnection), StoreError> {
    files::make_dir(dir)?;
    let path = dir.join(FILE_NAME);
    if files::check(&path)? {
        let mut conn = connect(&path, false).await?;
        match look(&path, &mut conn).await? {
            Found::Made(FORMAT) => return Ok((path, conn)),
            Found::Made(_) => {
                raise(&path, &mut conn).await?;
                return Ok((path, conn));
            }
            Found::Empty => {}
        }
    }
    let conn = make(dir, &path).await?;
    Ok((path, conn))
}

/// Opens the store in `dir` to read; `None` where there is none yet.
pub(super) async fn open_to_read(dir: &Path) -> Result<Option<(PathBuf, SqliteConnection)>, StoreError> {
    let path = dir.join(FILE_NAME);
    if !files::check(&path)? {
        return Ok(None);
    }
    let mut conn = connect(&path, true).await?;
    // An older format is read as it is.
    Ok(matches!(look(&path, &mut conn).await?, Found::Made(_)).then_some((path, conn)))
}

/// Brings a store of an older format to this one, all of it or nothing.
async fn raise(path: &Path, conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |error| failure(path, error);
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    sqlx::raw_sql(FORMAT_2).execute(&mut *tx).await.map_err(failed)?;
    sqlx::raw_sql(FORMAT_3).execute(&mut *tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

/// Makes the tables while no other process does. A process that dies here leaves a file that is made anew.
async fn make(dir: &Path, path: &Path) -> Result<SqliteConnection, StoreError> {
    let lock = DirLock::take(dir, PATIENCE).await?;
    lock.make_file(path)?;
    let mut conn = connect(path, false).await?;
    if matches!(look(path, &mut conn).await?, Found::Empty) {
        let failed = |error| failure(path, error);
        sqlx::query("PRAGMA journal_mode = WAL").execute(&mut conn).await.map_err(failed)?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        sqlx::raw_sql(TABLES).execute(&mut *tx).await.map_err(failed)?;
        sqlx::raw_sql(FORMAT_2).execute(&mut *tx).await.map_err(failed)?;
        sqlx::raw_sql(FORMAT_3).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(conn)
}

async fn connect(path: &Path, read_only: bool) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(read_only)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .foreign_keys(false)
        .disable_statement_logging();
    options.connect().await.map_err(|error| failure(path, error))
}

enum Found {
    /// A store of ours, and its format.
    Made(i64),
    /// A file in which nothing was made yet.
    Empty,
}

async fn look(path: &Path, conn: &mut SqliteConnection) -> Result<Found, StoreError> {
    const LOOK: &str = "SELECT (SELECT application_id FROM pragma_application_id),
        (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";
    let row = sqlx::query(LOOK).fetch_one(conn).await.map_err(|error| failure(path, error))?;
    let (application, format, tables): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    match (application, format) {
        (APPLICATION_ID, 1..=FORMAT) => Ok(Found::Made(format)),
        (APPLICATION_ID, found) => Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT }),
        (0, 0) if tables == 0 => Ok(Found::Empty),
        _ => {
            let what = "it is the database of another program".to_owned();
            Err(StoreError::NotAStore { path: path.to_owned(), what })
        }
    }
}

/// What SQLite's result code means for the user.
pub(super) fn failure(path: &Path, error: sqlx::Error) -> StoreError {
    let path = path.to_owned();
    let database = error.as_database_error();
    let code = database.and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
    let why = database.map_or_else(|| error.to_string(), |e| e.message().to_owned());
    // The low byte is the kind, the rest a detail.
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Busy { path },
        Some(8) => StoreError::ReadOnly { path },
        // What a full disk looks like when the shared memory beside the store has to grow.
        Some(10) if has_no_space(&path) => StoreError::Full { path },
        Some(11) => StoreError::Corrupt { path, why },
        Some(13) => StoreError::Full { path },
        Some(14) => StoreError::Open { path, why },
        Some(26) => StoreError::NotAStore { path, what: why },
        _ => StoreError::Failed { path, why },
    }
}

/// Whether the next piece of shared memory, 32 KiB, would not fit on the file system.
fn has_no_space(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|room| room.f_bavail.saturating_mul(room.f_frsize) < 32_768)
}
