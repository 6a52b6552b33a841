//! What an earlier version noted for a store elsewhere, in a table of the local one. It is read once, put into the spool
//! that has taken the table's place, and crossed out then.

use super::record::read_return;
use super::sqlite::SqliteStore;
use super::{Job, JobStore, StoreError, StoredReturn};
use halite_wire::{Jid, MinionId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A job that was meant for another store.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    pub job: Job,
    pub targets: Vec<MinionId>,
    /// Those of its returns that were not there yet.
    pub returns: Vec<StoredReturn>,
}

impl SqliteStore {
    /// The ids of jobs that something was noted of for the store at `place`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn noted_for(&self, place: &str) -> Result<Vec<Jid>, StoreError> {
        let query = sqlx::query("SELECT DISTINCT jid FROM outbox WHERE store = ?1 ORDER BY jid").bind(place);
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(rows.iter().filter_map(|row| row.try_get::<&str, _>(0).ok()?.parse().ok()).collect())
    }

    /// What was noted of one job; `None` where it is not kept any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn noted(&self, place: &str, jid: Jid) -> Result<Option<Noted>, StoreError> {
        const OF: &str = "SELECT id, fun, full_ret FROM salt_returns WHERE jid = ?1
            AND id IN (SELECT id FROM outbox WHERE jid = ?1 AND store = ?2) ORDER BY rowid";
        let Some(job) = self.load(jid).await? else { return Ok(None) };
        let targets = self.targets(jid).await?;
        let query = sqlx::query(OF).bind(jid.as_str()).bind(place);
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        let read = |row: &SqliteRow| {
            let text = |column: usize| row.try_get::<&str, _>(column).unwrap_or("");
            read_return(jid, text(0), text(1), text(2))
        };
        Ok(Some(Noted { job, targets, returns: rows.iter().filter_map(read).collect() }))
    }

    /// Crosses out what was noted of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cross_out(&self, place: &str, jid: Jid) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM outbox WHERE store = ?1 AND jid = ?2").bind(place);
        let delete = query.bind(jid.to_string());
        delete.execute(&mut *self.conn.lock().await).await.map_err(self.failed()).map(drop)
    }
}
