//! The table, in a SQLite file of its own beside the job store: who writes events never waits for who stores returns.

use super::Event;
use crate::jobs::{StoreError, check_file, json, make_dir, make_private_file};
use halite_wire::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// Name of the file in the store's directory.
pub const FILE_NAME: &str = "events.sqlite";

/// Events kept; beyond that the oldest go.
const KEPT_MAX: i64 = 100_000;

/// Data longer than this are left out of an event: the job store has them.
const DATA_BYTES_MAX: usize = 1 << 20;

/// How long one process waits while another writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often opening is tried, and the pause between.
const OPEN_TRIES: usize = 10;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// Salt's `salt_events`, columns and all.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS salt_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        tag TEXT NOT NULL,
        data TEXT NOT NULL,
        alter_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        master_id TEXT NOT NULL);
";

/// The bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error(transparent)]
    Place(#[from] StoreError),
    #[error("the event log failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// The events of a controller, open.
pub struct EventLog {
    conn: SqliteConnection,
    master_id: String,
}

impl EventLog {
    /// Opens the log in `dir`; makes both where they are missing, for their owner alone. `master_id` names this
    /// controller in what it writes.
    ///
    /// # Errors
    /// [`BusError`].
    pub async fn open(dir: &Path, master_id: &str) -> Result<EventLog, BusError> {
        make_dir(dir)?;
        let path = dir.join(FILE_NAME);
        if !check_file(&path)? {
            make_private_file(&path)?;
        }
        let mut tries = 1;
        loop {
            match connect(&path).await {
                Ok(conn) => return Ok(EventLog { conn, master_id: master_id.to_owned() }),
                // Somebody else makes the table at this very moment.
                Err(error) if tries == OPEN_TRIES => return Err(error.into()),
                Err(_) => tokio::time::sleep(OPEN_PAUSE).await,
            }
            tries += 1;
        }
    }

    /// Appends events in their order, all or none.
    ///
    /// # Errors
    /// [`BusError`].
    pub async fn append(&mut self, events: &[Event]) -> Result<(), BusError> {
        const INSERT: &str = "INSERT INTO salt_events (tag, data, master_id) VALUES (?1, ?2, ?3)";
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        for event in events {
            let insert = sqlx::query(INSERT).bind(&*event.tag).bind(text(event)).bind(&*self.master_id);
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Drops the oldest where there are too many.
    ///
    /// # Errors
    /// [`BusError`].
    pub async fn prune(&mut self) -> Result<(), BusError> {
        const DROP: &str = "DELETE FROM salt_events WHERE id <= (SELECT max(id) FROM salt_events) - ?1";
        sqlx::query(DROP).bind(KEPT_MAX).execute(&mut self.conn).await?;
        Ok(())
    }

    /// The place of the newest event: who follows from there sees what comes from now on.
    ///
    /// # Errors
    /// [`BusError`].
    pub async fn newest(&mut self) -> Result<i64, BusError> {
        let row =
            sqlx::query("SELECT coalesce(max(id), 0) FROM salt_events").fetch_one(&mut self.conn).await?;
        Ok(row.get(0))
    }

    /// At most `most` events after `place`, in their order, each with its place.
    ///
    /// # Errors
    /// [`BusError`].
    pub async fn after(&mut self, place: i64, most: i64) -> Result<Vec<(i64, Event)>, BusError> {
        const NEXT: &str = "SELECT id, tag, data FROM salt_events WHERE id > ?1 ORDER BY id LIMIT ?2";
        let rows = sqlx::query(NEXT).bind(place).bind(most).fetch_all(&mut self.conn).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let data = match json::decode(row.try_get(2).unwrap_or("")) {
                Ok(Value::Map(data)) => data,
                _ => halite_wire::Map::new(),
            };
            (row.get(0), Event { tag: row.try_get(1).unwrap_or_default(), data })
        };
        Ok(rows.iter().map(read).collect())
    }
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    // Events are news: after a power cut the last ones may be missing, and the file is whole all the same.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let mut conn = options.connect().await?;
    sqlx::raw_sql(TABLE).execute(&mut conn).await?;
    Ok(conn)
}

/// The data as text; of what is too long, only what identifies it.
fn text(event: &Event) -> String {
    let whole = json::encode(&Value::Map(event.data.clone()));
    if whole.len() <= DATA_BYTES_MAX {
        return whole;
    }
    let mut short = event.data.clone();
    for key in ["return", "data"] {
        if short.contains_key(key) {
            short.insert(key, "too long for an event; the job store has it");
        }
    }
    json::encode(&Value::Map(short))
}
