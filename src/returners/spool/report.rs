//! What is in the spool, for people.

use super::{OutletName, Spool, SpoolError};
use halite_wire::{Jid, Map, Value};
use sqlx::{Connection, Row};

/// One outlet and its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutletStatus {
    pub id: i64,
    pub name: OutletName,
    pub waiting: i64,
    pub dead: i64,
    /// Since the spool was made.
    pub delivered: i64,
    /// Not taken because the spool was full.
    pub dropped: i64,
    /// Why the last attempt failed; empty where it did not.
    pub last_error: String,
    /// Job of the oldest waiting row.
    pub oldest: Option<String>,
}

/// A delivery that will not be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub returner: String,
    pub kind: String,
    pub jid: String,
    /// Host, or tag of an event.
    pub id: String,
    pub attempts: i64,
    pub reason: String,
    /// In milliseconds since 1970.
    pub at: i64,
}

impl Spool {
    /// All outlets that were ever used, oldest first.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn status(&self) -> Result<Vec<OutletStatus>, SpoolError> {
        const ALL: &str =
            "SELECT id, place, returner, config, kwargs, job_store, delivered, dropped, last_error,
            (SELECT count(*) FROM waiting WHERE outlet = outlets.id),
            (SELECT count(*) FROM dead WHERE outlet = outlets.id),
            (SELECT jid FROM waiting JOIN items ON seq = item WHERE outlet = outlets.id ORDER BY item LIMIT 1)
            FROM outlets ORDER BY id";
        let rows = sqlx::query(ALL).fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        let status = |row: &sqlx::sqlite::SqliteRow| OutletStatus {
            id: row.get(0),
            name: OutletName {
                place: row.get(1),
                returner: row.get(2),
                config: row.get(3),
                kwargs: row.get(4),
                is_job_store: row.get(5),
            },
            delivered: row.get(6),
            dropped: row.get(7),
            last_error: row.get(8),
            waiting: row.get(9),
            dead: row.get(10),
            oldest: row.get(11),
        };
        Ok(rows.iter().map(status).collect())
    }

    /// The dead letters of a returner, or of all, oldest first.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn dead_letters(&self, returner: Option<&str>) -> Result<Vec<DeadLetter>, SpoolError> {
        const DEAD: &str = "SELECT returner, kind, jid, items.id, attempts, reason, at
            FROM dead JOIN items ON seq = item JOIN outlets ON outlets.id = outlet
            WHERE ?1 IS NULL OR returner = ?1 ORDER BY item, outlet";
        let query = sqlx::query(DEAD).bind(returner);
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        let letter = |row: &sqlx::sqlite::SqliteRow| DeadLetter {
            returner: row.get(0),
            kind: row.get(1),
            jid: row.get(2),
            id: row.get(3),
            attempts: row.get(4),
            reason: row.get(5),
            at: row.get(6),
        };
        Ok(rows.iter().map(letter).collect())
    }

    /// Puts the dead letters of a returner, or of all, back into the queues. Returns how many there were.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn revive(&self, returner: Option<&str>) -> Result<u64, SpoolError> {
        const BACK: &str =
            "INSERT OR IGNORE INTO waiting (outlet, item, attempts) SELECT outlet, item, 1 FROM dead
            WHERE ?1 IS NULL OR outlet IN (SELECT id FROM outlets WHERE returner = ?1)";
        self.take_dead(BACK, returner).await
    }

    /// Throws the dead letters of a returner, or of all, away. Returns how many there were.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn drop_dead(&self, returner: Option<&str>) -> Result<u64, SpoolError> {
        self.take_dead("SELECT ?1", returner).await
    }

    async fn take_dead(&self, first: &'static str, returner: Option<&str>) -> Result<u64, SpoolError> {
        const LEAVE: &str =
            "DELETE FROM dead WHERE ?1 IS NULL OR outlet IN (SELECT id FROM outlets WHERE returner = ?1)";
        const SWEEP: &str = "DELETE FROM items WHERE seq NOT IN (SELECT item FROM waiting)
            AND seq NOT IN (SELECT item FROM dead)";
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        sqlx::query(first).bind(returner).execute(&mut *tx).await.map_err(self.failed())?;
        let left = sqlx::query(LEAVE).bind(returner).execute(&mut *tx).await.map_err(self.failed())?;
        sqlx::query(SWEEP).execute(&mut *tx).await.map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())?;
        Ok(left.rows_affected())
    }
}

impl OutletStatus {
    /// As `returners.status` shows it.
    pub fn to_map(&self) -> Map {
        let mut shown = Map::from([
            ("waiting", Value::Int(self.waiting)),
            ("dead_letters", self.dead.into()),
            ("delivered", self.delivered.into()),
            ("dropped", self.dropped.into()),
        ]);
        if self.name.is_job_store {
            shown.insert("job_store", true);
        }
        if !self.name.config.is_empty() {
            shown.insert("config", self.name.config.as_str());
        }
        if !self.name.kwargs.is_empty() {
            shown.insert("kwargs", self.name.kwargs());
        }
        if let Some(jid) = &self.oldest {
            shown.insert("oldest", jid.as_str());
        }
        if !self.last_error.is_empty() {
            shown.insert("last_error", self.last_error.as_str());
        }
        shown
    }
}

impl DeadLetter {
    /// As `returners.dead_letters` shows it.
    pub fn to_map(&self) -> Map {
        let at = Jid::from_unix_micros(u64::try_from(self.at).unwrap_or(0) * 1000).start_time();
        Map::from([
            ("returner", Value::from(self.returner.as_str())),
            ("kind", self.kind.as_str().into()),
            ("jid", self.jid.as_str().into()),
            ("id", self.id.as_str().into()),
            ("attempts", self.attempts.into()),
            ("reason", self.reason.as_str().into()),
            ("at", at.into()),
        ])
    }
}
