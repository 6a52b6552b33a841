//! The job store in one SQLite file: write-ahead log, every commit on disk before it is reported.

use super::counts;
use super::open::{self, failure};
use super::record::{read_load, read_return};
use super::search::{like, push_any};
use super::{
    Clock, Counts, Job, JobStore, NewJob, Owner, Search, StoreError, StoredReturn, job_load, json,
    system_clock,
};
use async_trait::async_trait;
use halite_wire::{Jid, MinionId, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, QueryBuilder, Row, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Old jobs are looked for this often.
const PRUNE_EVERY: Duration = Duration::from_secs(300);

/// Jobs dropped in one go: few enough not to be felt at the start of a run.
const PRUNE_JOBS_MAX: i64 = 200;

/// Returns read in one go.
const ROWS_AT_ONCE: i64 = 256;

/// The function of a job, as the index has it. A load that is no JSON must not end a search.
const FUN: &str = "CASE WHEN json_valid(load) THEN load ->> '$.fun' END";

/// A clock this far behind the newest job is worth a word.
const DAY_MICROS: u64 = 86_400_000_000;

/// One connection: a run has one writer, and readers are other processes.
pub struct SqliteStore {
    pub(super) path: PathBuf,
    pub(super) conn: Mutex<SqliteConnection>,
    clock: Clock,
    unique_ids: bool,
}

impl SqliteStore {
    /// Opens the store `jobs.sqlite` in `dir`; makes both where they are missing, for their owner alone.
    ///
    /// # Errors
    /// [`StoreError`] that names the file; what lies there is never changed then.
    pub async fn open(dir: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with_clock(dir, system_clock()).await
    }

    /// Like [`SqliteStore::open`], with another clock.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_with_clock(dir: &Path, clock: Clock) -> Result<SqliteStore, StoreError> {
        let (path, conn) = open::open(dir).await?;
        Ok(SqliteStore { path, conn: Mutex::new(conn), clock, unique_ids: false })
    }

    /// Opens the store in `dir` to read only; `None` where nothing was ever stored.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_to_read(dir: &Path) -> Result<Option<SqliteStore>, StoreError> {
        let found = open::open_to_read(dir).await?;
        let (clock, unique_ids) = (system_clock(), false);
        Ok(found.map(|(path, conn)| SqliteStore { path, conn: Mutex::new(conn), clock, unique_ids }))
    }

    /// Whether the ids given out end with the id of this process (`unique_jid`).
    #[must_use]
    pub fn with_unique_ids(self, unique_ids: bool) -> SqliteStore {
        SqliteStore { unique_ids, ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file and folds the log into it, where no other process has it open. Dropping does no harm: all is
    /// durable already.
    pub async fn close(self) {
        if let Err(error) = self.conn.into_inner().close().await {
            tracing::debug!("closing the job store: {error}");
        }
    }

    /// Lets the file grow no further, as a full disk would.
    #[cfg(test)]
    pub(super) async fn limit_pages(&self, pages: u32) {
        let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(limit).execute(&mut *self.conn.lock().await).await.unwrap();
    }

    pub(super) fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError {
        |error| failure(&self.path, error)
    }
}

/// The moment of the next job: now, or just after the last one where the clock stands still or went back.
pub(super) fn next_micros(now: u64, last: u64) -> u64 {
    now.max(last.saturating_add(1))
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError> {
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let jid = match job.wanted {
            Some(jid) if is_taken(&mut tx, jid).await.map_err(self.failed())? => {
                return Err(StoreError::JidTaken(jid));
            }
            Some(jid) => jid,
            None => {
                let next = next_jid(&mut tx, (self.clock)()).await.map_err(self.failed())?;
                if self.unique_ids { next.of_process(std::process::id()) } else { next }
            }
        };
        write_job(&mut tx, jid, &job).await.map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())?;
        Ok(jid)
    }

    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        for ret in batch {
            write_return(&mut tx, ret).await.map_err(self.failed())?;
        }
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            admit(&mut tx, of_job[0].jid, of_job.len()).await.map_err(self.failed())?;
        }
        tx.commit().await.map_err(self.failed())
    }

    async fn finish(&self, jid: Jid) -> Result<(), StoreError> {
        let ended = Jid::from_unix_micros((self.clock)());
        let mark = sqlx::query("UPDATE runs SET ended = ?2 WHERE jid = ?1");
        let mark = mark.bind(jid.as_str()).bind(ended.as_str());
        mark.execute(&mut *self.conn.lock().await).await.map_err(self.failed()).map(drop)
    }

    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError> {
        let mut conn = self.conn.lock().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        put_job(&mut tx, job, targets).await.map_err(self.failed())?;
        tx.commit().await.map_err(self.failed())
    }

    async fn find(&self, search: &Search) -> Result<Vec<Job>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT jid, load, pid, started, boot, admitted, ended FROM jids LEFT JOIN runs USING (jid) WHERE jid >= ",
        );
        query.push_bind(search.since_text()).push(" AND jid <= ").push_bind(search.until_text());
        push_any(&mut query, &search.functions, |query, glob| {
            query.push(FUN).push(" LIKE ").push_bind(like(glob)).push(" ESCAPE '!'");
        });
        if search.unended {
            query.push(" AND jid IN (SELECT jid FROM runs WHERE ended IS NULL)");
        }
        query.push(" ORDER BY jid DESC");
        if let Some(most) = search.limit() {
            query.push(" LIMIT ").push_bind(most);
        }
        let rows = query.build().fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(search.refine(rows.iter().filter_map(read_job).collect()))
    }

    async fn load(&self, jid: Jid) -> Result<Option<Job>, StoreError> {
        const ONE: &str =
            "SELECT jid, load, pid, started, boot, admitted, ended FROM jids LEFT JOIN runs USING (jid)
            WHERE jid = ?1";
        let query = sqlx::query(ONE).bind(jid.as_str());
        let row = query.fetch_optional(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(row.as_ref().and_then(read_job))
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        const NEXT: &str = "SELECT id, fun, full_ret, rowid FROM salt_returns WHERE jid = ?1 AND rowid > ?2
            ORDER BY rowid LIMIT ?3";
        let mut after = i64::MIN;
        loop {
            // In pieces, so that whoever writes need not wait for whoever reads.
            let query = sqlx::query(NEXT).bind(jid.as_str()).bind(after).bind(ROWS_AT_ONCE);
            let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
            for row in &rows {
                after = after.max(number(row, 3));
                let Some(ret) = read_return(jid, text(row, 0), text(row, 1), text(row, 2)) else { continue };
                if to.send(ret).await.is_err() {
                    return Ok(());
                }
            }
            if (rows.len() as i64) < ROWS_AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn counts(&self, jids: &[Jid]) -> Result<Vec<Counts>, StoreError> {
        counts::in_sqlite(&mut *self.conn.lock().await, jids).await.map_err(self.failed())
    }

    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError> {
        let query = sqlx::query("SELECT id FROM targets WHERE jid = ?1 ORDER BY place").bind(jid.as_str());
        let rows = query.fetch_all(&mut *self.conn.lock().await).await.map_err(self.failed())?;
        Ok(rows.iter().filter_map(|row| text(row, 0).parse().ok()).collect())
    }

    async fn prune(&self, keep: Duration) -> Result<u64, StoreError> {
        let now = (self.clock)();
        let keep = u64::try_from(keep.as_micros()).unwrap_or(u64::MAX);
        let mut conn = self.conn.lock().await;
        let last = mark(&mut conn, LAST_PRUNE).await.map_err(self.failed())?;
        let is_early = (last..last.saturating_add(PRUNE_EVERY.as_micros() as u64)).contains(&now);
        if keep == 0 || is_early {
            return Ok(0);
        }
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let before = Jid::from_unix_micros(now.saturating_sub(keep));
        let (old, more) = old_jobs(&mut tx, before).await.map_err(self.failed())?;
        drop_jobs(&mut tx, &old).await.map_err(self.failed())?;
        if !more {
            set_mark(&mut tx, LAST_PRUNE, now).await.map_err(self.failed())?;
        }
        tx.commit().await.map_err(self.failed())?;
        Ok(old.len() as u64)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

const LAST_MICROS: &str = "last_micros";
const LAST_PRUNE: &str = "last_prune";

/// Reserves the next id. Called within a write transaction, so no other process can be given the same.
async fn next_jid(conn: &mut SqliteConnection, now: u64) -> Result<Jid, sqlx::Error> {
    let last = mark(conn, LAST_MICROS).await?;
    if last > now.saturating_add(DAY_MICROS) {
        tracing::warn!("the clock is {} days behind the newest job", (last - now) / DAY_MICROS);
    }
    let mut micros = next_micros(now, last);
    // An id somebody asked for may lie in the way.
    while is_taken(conn, Jid::from_unix_micros(micros)).await? {
        micros += 1;
    }
    set_mark(conn, LAST_MICROS, micros).await?;
    Ok(Jid::from_unix_micros(micros))
}

async fn is_taken(conn: &mut SqliteConnection, jid: Jid) -> Result<bool, sqlx::Error> {
    let query = sqlx::query("SELECT 1 FROM jids WHERE jid = ?1").bind(jid.as_str());
    Ok(query.fetch_optional(conn).await?.is_some())
}

async fn mark(conn: &mut SqliteConnection, name: &'static str) -> Result<u64, sqlx::Error> {
    let row = sqlx::query("SELECT value FROM marks WHERE name = ?1").bind(name).fetch_one(conn).await?;
    Ok(row.try_get::<i64, _>(0)?.try_into().unwrap_or(0))
}

async fn set_mark(conn: &mut SqliteConnection, name: &'static str, value: u64) -> Result<(), sqlx::Error> {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    sqlx::query("UPDATE marks SET value = ?2 WHERE name = ?1").bind(name).bind(value).execute(conn).await?;
    Ok(())
}

async fn write_job(conn: &mut SqliteConnection, jid: Jid, job: &NewJob<'_>) -> Result<(), sqlx::Error> {
    let load = json::encode(&Value::Map(job_load(jid, job.request)));
    sqlx::query("INSERT INTO jids VALUES (?1, ?2)").bind(jid.as_str()).bind(load).execute(&mut *conn).await?;
    write_targets(conn, jid, job.targets).await?;
    let me = Owner::this();
    let run = sqlx::query("INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, NULL)").bind(jid.as_str());
    let run = run.bind(me.pid).bind(me.started.cast_signed()).bind(me.boot).bind(count(job.admitted));
    run.execute(conn).await?;
    Ok(())
}

async fn put_job(conn: &mut SqliteConnection, job: &Job, targets: &[MinionId]) -> Result<(), sqlx::Error> {
    let jid = job.jid.as_str();
    let load = json::encode(&Value::Map(job.load.clone()));
    sqlx::query("REPLACE INTO jids VALUES (?1, ?2)").bind(jid).bind(load).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM targets WHERE jid = ?1").bind(jid).execute(&mut *conn).await?;
    write_targets(conn, job.jid, targets).await?;
    let run = sqlx::query("REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6)").bind(jid).bind(job.owner.pid);
    let run = run.bind(job.owner.started.cast_signed()).bind(&job.owner.boot).bind(count(job.admitted));
    run.bind(job.ended.map(|ended| ended.to_string())).execute(conn).await?;
    Ok(())
}

async fn write_targets(
    conn: &mut SqliteConnection,
    jid: Jid,
    targets: &[MinionId],
) -> Result<(), sqlx::Error> {
    // One statement for all targets: ten thousand of them cost milliseconds.
    let ids = json::encode(&targets.iter().map(MinionId::as_str).collect());
    let insert = sqlx::query("INSERT INTO targets SELECT ?1, key, value FROM json_each(?2)");
    insert.bind(jid.as_str()).bind(ids).execute(conn).await?;
    Ok(())
}

async fn write_return(conn: &mut SqliteConnection, ret: &StoredReturn) -> Result<(), sqlx::Error> {
    const INSERT: &str =
        "INSERT INTO salt_returns (fun, jid, id, success, full_ret) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (jid, id) DO NOTHING";
    let full = json::encode(&Value::Map(ret.full_ret.clone()));
    let insert = sqlx::query(INSERT).bind(&*ret.fun).bind(ret.jid.as_str()).bind(ret.id.as_str());
    insert.bind(if ret.success { "1" } else { "0" }).bind(full).execute(conn).await?;
    Ok(())
}

async fn admit(conn: &mut SqliteConnection, jid: Jid, more: usize) -> Result<(), sqlx::Error> {
    let raise = sqlx::query("UPDATE runs SET admitted = admitted + ?2 WHERE jid = ?1");
    raise.bind(jid.as_str()).bind(count(more)).execute(conn).await?;
    Ok(())
}

/// At most a bite of the jobs older than `before` that do not run, and whether there may be more.
async fn old_jobs(conn: &mut SqliteConnection, before: Jid) -> Result<(Vec<Jid>, bool), sqlx::Error> {
    const OLD: &str =
        "SELECT jid, load, pid, started, boot, admitted, ended FROM jids LEFT JOIN runs USING (jid)
        WHERE jid < ?1 ORDER BY jid LIMIT ?2";
    let rows = sqlx::query(OLD).bind(before.as_str()).bind(PRUNE_JOBS_MAX).fetch_all(conn).await?;
    let old: Vec<Jid> = rows
        .iter()
        .filter_map(read_job)
        .filter(|job| job.state() != super::RunState::Running)
        .map(|job| job.jid)
        .collect();
    let more = rows.len() as i64 == PRUNE_JOBS_MAX && !old.is_empty();
    Ok((old, more))
}

async fn drop_jobs(conn: &mut SqliteConnection, jids: &[Jid]) -> Result<(), sqlx::Error> {
    const DELETES: [&str; 5] = [
        "DELETE FROM outbox WHERE jid = ?1",
        "DELETE FROM salt_returns WHERE jid = ?1",
        "DELETE FROM targets WHERE jid = ?1",
        "DELETE FROM runs WHERE jid = ?1",
        "DELETE FROM jids WHERE jid = ?1",
    ];
    for jid in jids {
        for delete in DELETES {
            sqlx::query(delete).bind(jid.as_str()).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column as text; empty where it is something else. A damaged row must not end the reading of the others.
fn text(row: &SqliteRow, column: usize) -> &str {
    row.try_get(column).unwrap_or("")
}

fn number(row: &SqliteRow, column: usize) -> i64 {
    row.try_get(column).unwrap_or(0)
}

/// `None` where the row does not even name a job.
fn read_job(row: &SqliteRow) -> Option<Job> {
    let jid: Jid = text(row, 0).parse().ok()?;
    let owner = Owner {
        pid: number(row, 2).try_into().unwrap_or(0),
        started: number(row, 3).cast_unsigned(),
        boot: text(row, 4).to_owned(),
    };
    let admitted = number(row, 5).try_into().unwrap_or(0);
    Some(Job { jid, load: read_load(jid, text(row, 1)), owner, admitted, ended: text(row, 6).parse().ok() })
}
