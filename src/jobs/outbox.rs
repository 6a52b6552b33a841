//! What another store has not taken yet, kept in the file of the local one.
//!
//! An entry is written in the transaction that writes what it stands for, so either both are durable or none. It goes
//! when the other store has taken it. It may be sent twice, then, and never be forgotten.

use super::record::read_return;
use super::sqlite::SqliteStore;
use super::{StoreError, StoredReturn};
use halite_wire::{Jid, MinionId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Entries taken out in one go.
const ENTRIES_AT_ONCE: i64 = 512;

/// Entries beyond which the oldest jobs are given up when they are old enough to be dropped.
const ENTRIES_MAX: i64 = 1_000_000;

/// One thing to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub seq: i64,
    pub jid: Jid,
    /// `None`: the job itself, with its targets and its end.
    pub id: Option<MinionId>,
}

/// How much waits, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// Jobs and returns that will be sent.
    pub waiting: u64,
    /// Job, host and reason of what the other store does not want.
    pub refused: Vec<(String, String, String)>,
}

impl SqliteStore {
    /// From now on everything that is written here is also meant for the store at `place`.
    pub(super) fn sending_to(mut self, place: String) -> SqliteStore {
        self.sends_to = Some(place);
        self
    }

    /// Notes, within a transaction, that these returns of a job must go on; or the job itself where there is none.
    pub(super) async fn send_on(
        &self,
        conn: &mut SqliteConnection,
        jid: Jid,
        returns: &[StoredReturn],
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO outbox (store, jid, id) VALUES (?1, ?2, ?3)";
        let Some(place) = &self.sends_to else { return Ok(()) };
        let add = |id: Option<String>| sqlx::query(ADD).bind(place).bind(jid.to_string()).bind(id);
        if returns.is_empty() {
            add(None).execute(&mut *conn).await.map_err(self.failed())?;
        }
        for ret in returns {
            add(Some(ret.id.to_string())).execute(&mut *conn).await.map_err(self.failed())?;
        }
        Ok(())
    }

    /// The next entries for the store at `place`, oldest first.
    pub(super) async fn due(&self, place: &str) -> Result<Vec<Entry>, StoreError> {
        const DUE: &str =
            "SELECT seq, jid, id FROM outbox WHERE store = ?1 AND refused IS NULL ORDER BY seq LIMIT ?2";
        let query = sqlx::query(DUE).bind(place).bind(ENTRIES_AT_ONCE);
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        let entry = |row: &SqliteRow| {
            let id: Option<String> = row.try_get(2).ok()?;
            let jid = row.try_get::<&str, _>(1).ok()?.parse().ok()?;
            Some(Entry { seq: row.try_get(0).ok()?, jid, id: id.and_then(|id| id.parse().ok()) })
        };
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// The stored returns that entries of one job stand for.
    pub(super) async fn returns_of(&self, entries: &[Entry]) -> Result<Vec<StoredReturn>, StoreError> {
        const OF: &str =
            "SELECT r.id, r.fun, r.full_ret, r.jid FROM outbox o JOIN salt_returns r USING (jid, id)
            WHERE o.seq BETWEEN ?1 AND ?2 AND o.refused IS NULL AND o.store = ?3 ORDER BY o.seq";
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(Vec::new()) };
        let place = self.sends_to.as_deref().unwrap_or("");
        let query = sqlx::query(OF).bind(first.seq).bind(last.seq).bind(place);
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        let read = |row: &SqliteRow| {
            let text = |column: usize| row.try_get::<&str, _>(column).unwrap_or("");
            read_return(text(3).parse().ok()?, text(0), text(1), text(2))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Crosses out what the store at `place` has taken, from the first to the last of these entries.
    pub(super) async fn taken(&self, place: &str, entries: &[Entry]) -> Result<(), StoreError> {
        const TAKEN: &str =
            "DELETE FROM outbox WHERE seq BETWEEN ?1 AND ?2 AND store = ?3 AND refused IS NULL";
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let query = sqlx::query(TAKEN).bind(first.seq).bind(last.seq).bind(place);
        query.execute(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(())
    }

    /// Lays an entry aside for good.
    pub(super) async fn lay_aside(&self, entry: &Entry, why: &str) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE outbox SET refused = ?2 WHERE seq = ?1").bind(entry.seq).bind(why);
        query.execute(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(())
    }

    /// What waits for the store at `place`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outbox(&self, place: &str) -> Result<Outbox, StoreError> {
        const COUNT: &str = "SELECT count(*) FROM outbox WHERE store = ?1 AND refused IS NULL";
        const REFUSED: &str = "SELECT jid, coalesce(id, ''), refused FROM outbox WHERE store = ?1 AND refused NOT NULL ORDER BY seq";
        let mut conn = self.conn.lock().await;
        let count = sqlx::query(COUNT).bind(place).fetch_one(&mut *conn).await.map_err(self.failed())?;
        let rows = sqlx::query(REFUSED).bind(place).fetch_all(&mut *conn).await.map_err(self.failed())?;
        let refused = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        Ok(Outbox { waiting: count.get::<i64, _>(0).try_into().unwrap_or(0), refused })
    }
}

/// Gives up the oldest entries where there are too many, so that a store that never comes back does not fill the disk.
/// Their jobs can be dropped then. Returns how many went.
pub(super) async fn give_up_surplus(conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    const SURPLUS: &str = "DELETE FROM outbox WHERE seq <=
        (SELECT seq FROM outbox ORDER BY seq DESC LIMIT 1 OFFSET ?1)";
    let gone = sqlx::query(SURPLUS).bind(ENTRIES_MAX).execute(conn).await?.rows_affected();
    if gone > 0 {
        tracing::error!(
            records = gone,
            "too much waits for another job store: the oldest records will never get there"
        );
    }
    Ok(gone)
}
