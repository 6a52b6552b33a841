//! Into the spool and out of it.

use super::{SPOOL_BYTES_MAX, Spool, SpoolError};
use crate::returners::{Delivery, Item};
use halite_wire::Jid;
use sqlx::{Connection, Row, SqliteConnection};
use std::time::Duration;

/// One delivery that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub seq: i64,
    pub attempts: u32,
    pub delivery: Delivery,
}

/// Which rows of an outlet.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Those of one job, all of them.
    Run(Jid),
    /// Those whose run is over; where a time is given, only what is due at it, in milliseconds since 1970.
    Nobodys { due_at: Option<i64> },
}

impl Spool {
    /// Puts items into the queues of these outlets, all or none, durable when this returns. Of one that is there already
    /// the body stays as it is. Returns how many were dropped because the spool is full.
    ///
    /// # Errors
    /// [`SpoolError`]; none is in the spool then.
    pub async fn put(&self, run: Jid, items: &[(Item, Vec<i64>)]) -> Result<usize, SpoolError> {
        let mut conn = self.conn.lock().await;
        sqlx::raw_sql("PRAGMA synchronous = FULL").execute(&mut *conn).await.map_err(self.failed())?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let is_full = bytes(&mut tx).await.map_err(self.failed())? > SPOOL_BYTES_MAX;
        for (item, outlets) in items {
            if is_full {
                count_drop(&mut tx, outlets).await.map_err(self.failed())?;
            } else {
                insert(&mut tx, run, item, outlets).await.map_err(self.failed())?;
            }
        }
        tx.commit().await.map_err(self.failed())?;
        sqlx::raw_sql("PRAGMA synchronous = NORMAL").execute(&mut *conn).await.map_err(self.failed())?;
        Ok(if is_full { items.len() } else { 0 })
    }

    /// The oldest rows of an outlet, at most `count`.
    ///
    /// # Errors
    /// [`SpoolError`]. A damaged row becomes a dead letter.
    pub(in crate::returners) async fn due(
        &self,
        outlet: i64,
        whose: Whose,
        count: usize,
    ) -> Result<Vec<Due>, SpoolError> {
        // By the index over runs: what earlier runs have left must not be looked through.
        const OF_RUN: &str = "SELECT seq, attempts, kind, body FROM items CROSS JOIN waiting ON item = seq
            WHERE outlet = ?1 AND run = ?2 ORDER BY seq LIMIT ?3";
        const NOBODYS: &str = "SELECT seq, attempts, kind, body FROM waiting JOIN items ON seq = item
            WHERE outlet = ?1 AND next_at <= ?2 AND run NOT IN (SELECT jid FROM runs) ORDER BY item LIMIT ?3";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let (query, again) = match whose {
            Whose::Run(jid) => (sqlx::query(OF_RUN).bind(outlet).bind(jid.as_str().to_owned()), false),
            Whose::Nobodys { due_at } => {
                (sqlx::query(NOBODYS).bind(outlet).bind(due_at.unwrap_or(i64::MAX)), true)
            }
        };
        let mut conn = self.conn.lock().await;
        let rows = query.bind(count).fetch_all(&mut *conn).await.map_err(self.failed())?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let (seq, attempts): (i64, u32) = (row.get(0), row.get(1));
            match Item::read(row.get(2), row.get(3)) {
                Some(item) => {
                    due.push(Due {
                        seq,
                        attempts,
                        delivery: Delivery { item, again: again || attempts > 0 },
                    });
                }
                None => bury(&mut conn, outlet, seq, "it is damaged").await.map_err(self.failed())?,
            }
        }
        Ok(due)
    }

    /// The returner has these: their rows go.
    ///
    /// # Errors
    /// [`SpoolError`]; they may be delivered once more then.
    pub async fn delivered(&self, outlet: i64, seqs: &[i64]) -> Result<(), SpoolError> {
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        for seq in seqs {
            forget(&mut tx, outlet, *seq).await.map_err(self.failed())?;
        }
        let count =
            sqlx::query("UPDATE outlets SET delivered = delivered + ?2, last_error = '' WHERE id = ?1");
        let count = count.bind(outlet).bind(i64::try_from(seqs.len()).unwrap_or(0));
        count.execute(&mut *tx).await.map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())
    }

    /// These were tried in vain and stay; they are due again at `next_at`, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn failed_for_now(
        &self,
        outlet: i64,
        seqs: &[i64],
        why: &str,
        next_at: i64,
    ) -> Result<(), SpoolError> {
        const LATER: &str =
            "UPDATE waiting SET attempts = attempts + 1, next_at = ?3 WHERE outlet = ?1 AND item = ?2";
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        for seq in seqs {
            let later = sqlx::query(LATER).bind(outlet).bind(seq).bind(next_at);
            later.execute(&mut *tx).await.map_err(self.failed())?;
        }
        let note = sqlx::query("UPDATE outlets SET last_error = ?2 WHERE id = ?1").bind(outlet).bind(why);
        note.execute(&mut *tx).await.map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())
    }

    /// An attempt is given up for now, without counting it: why, for whoever asks.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn note(&self, outlet: i64, why: &str) -> Result<(), SpoolError> {
        let note = sqlx::query("UPDATE outlets SET last_error = ?2 WHERE id = ?1").bind(outlet).bind(why);
        note.execute(&mut *self.conn.lock().await).await.map_err(self.failed()).map(drop)
    }

    /// Whether the last attempt of an outlet, whoever made it, was in vain.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn is_failing(&self, outlet: i64) -> Result<bool, SpoolError> {
        let query = sqlx::query_scalar("SELECT last_error <> '' FROM outlets WHERE id = ?1").bind(outlet);
        query.fetch_one(&mut *self.conn.lock().await).await.map_err(self.failed())
    }

    /// Whether anything of a run waits.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn has_left(&self, run: Jid) -> Result<bool, SpoolError> {
        const LEFT: &str =
            "SELECT EXISTS (SELECT 1 FROM items CROSS JOIN waiting ON item = seq WHERE run = ?1)";
        let query = sqlx::query_scalar(LEFT).bind(run.as_str());
        query.fetch_one(&mut *self.conn.lock().await).await.map_err(self.failed())
    }

    /// Whether anything of runs that are over is due in an outlet of `place`.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn has_due(&self, place: &str) -> Result<bool, SpoolError> {
        const DUE: &str = "SELECT EXISTS (SELECT 1 FROM outlets CROSS JOIN waiting ON outlet = id
            JOIN items ON seq = item WHERE place = ?1 AND next_at <= ?2 AND run NOT IN (SELECT jid FROM runs))";
        let query = sqlx::query_scalar(DUE).bind(place).bind(moment(Duration::ZERO));
        query.fetch_one(&mut *self.conn.lock().await).await.map_err(self.failed())
    }

    /// The returner will never take this one: it becomes a dead letter.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn died(&self, outlet: i64, seq: i64, why: &str) -> Result<(), SpoolError> {
        let mut conn = self.conn.lock().await;
        bury(&mut conn, outlet, seq, why).await.map_err(self.failed())
    }
}

/// Milliseconds since 1970, `wait` from now.
pub(in crate::returners) fn moment(wait: Duration) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from((now + wait).as_millis()).unwrap_or(i64::MAX)
}

/// Bytes the file has in use.
async fn bytes(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    const USED: &str = "SELECT (page_count - freelist_count) * page_size
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    sqlx::query_scalar(USED).fetch_one(conn).await
}

async fn count_drop(conn: &mut SqliteConnection, outlets: &[i64]) -> Result<(), sqlx::Error> {
    for outlet in outlets {
        let count = sqlx::query("UPDATE outlets SET dropped = dropped + 1 WHERE id = ?1").bind(outlet);
        count.execute(&mut *conn).await?;
    }
    Ok(())
}

async fn insert(
    conn: &mut SqliteConnection,
    run: Jid,
    item: &Item,
    outlets: &[i64],
) -> Result<(), sqlx::Error> {
    const INSERT: &str = "INSERT INTO items (kind, jid, id, body, run) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET kind = kind RETURNING seq";
    let (jid, id) = item.key();
    let insert = sqlx::query_scalar(INSERT).bind(item.kind().name()).bind(jid).bind(id);
    let insert = insert.bind(item.to_json()).bind(run.as_str());
    let seq: i64 = insert.fetch_one(&mut *conn).await?;
    for outlet in outlets {
        let wait = sqlx::query("INSERT OR IGNORE INTO waiting (outlet, item) VALUES (?1, ?2)");
        wait.bind(outlet).bind(seq).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn forget(conn: &mut SqliteConnection, outlet: i64, seq: i64) -> Result<(), sqlx::Error> {
    const SWEEP: &str =
        "DELETE FROM items WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM waiting WHERE item = ?1)
        AND NOT EXISTS (SELECT 1 FROM dead WHERE item = ?1)";
    let leave = sqlx::query("DELETE FROM waiting WHERE outlet = ?1 AND item = ?2");
    leave.bind(outlet).bind(seq).execute(&mut *conn).await?;
    sqlx::query(SWEEP).bind(seq).execute(conn).await?;
    Ok(())
}

async fn bury(conn: &mut SqliteConnection, outlet: i64, seq: i64, why: &str) -> Result<(), sqlx::Error> {
    const BURY: &str = "INSERT OR REPLACE INTO dead SELECT outlet, item, attempts + 1, ?3, ?4 FROM waiting
        WHERE outlet = ?1 AND item = ?2";
    let mut tx = conn.begin().await?;
    let bury = sqlx::query(BURY).bind(outlet).bind(seq).bind(why).bind(moment(Duration::ZERO));
    bury.execute(&mut *tx).await?;
    let leave = sqlx::query("DELETE FROM waiting WHERE outlet = ?1 AND item = ?2");
    leave.bind(outlet).bind(seq).execute(&mut *tx).await?;
    tx.commit().await
}
