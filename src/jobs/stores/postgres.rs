//! PostgreSQL in the tables of Salt's `postgres` (text) and `pgjsonb` (binary JSON) returners: `jids`, `salt_returns`,
//! `salt_events`.
//!
//! As with [`super::mysql`], a batch locks its jobs before it looks who has returned already.

use super::super::record::{read_load, read_return};
use super::super::remote::{Endings, Shelf};
use super::super::search::{like, push_any};
use super::super::{Options, Search, StoreError, StoredReturn, json};
use super::sql::{self, Kind};
use async_trait::async_trait;
use halite_wire::{Jid, Map, Value};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow, PgSslMode};
use sqlx::{ConnectOptions, PgConnection, QueryBuilder, Row};
use std::collections::HashSet;
use tokio::sync::mpsc;

/// Bytes of returns in one statement.
pub(super) const STATEMENT_BYTES_MAX: usize = 8 << 20;

/// How hosts ended, in words of our own or of other programs, which have no `outcome`.
const ENDINGS: &str = "SELECT jid,
    CASE coalesce(full_ret::jsonb ->> 'outcome',
            CASE WHEN full_ret::jsonb ->> 'success' = 'true' THEN 'ok' ELSE 'failed' END)
        WHEN 'ok' THEN CASE WHEN full_ret::jsonb ->> 'changed' = 'true' THEN 'changed' ELSE 'ok' END
        WHEN 'failed' THEN 'failed' ELSE 'lost' END AS ending,
    count(DISTINCT id) FROM salt_returns WHERE jid = ANY($1) GROUP BY jid, ending";

/// Characters of the column `fun`.
const FUN_CHARS_MAX: usize = 50;

/// What the two kinds of tables differ in.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Text,
    Jsonb,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Text => "postgres",
            Form::Jsonb => "pgjsonb",
        }
    }

    /// What a text parameter needs to fit into a JSON column.
    fn cast(self) -> &'static str {
        match self {
            Form::Text => "",
            Form::Jsonb => "::jsonb",
        }
    }

    fn encode(self, value: &Value) -> String {
        match self {
            Form::Text => json::encode_ascii(value),
            Form::Jsonb => json::encode_without_nul(value),
        }
    }

    fn tables(self) -> &'static str {
        match self {
            Form::Text => TEXT_TABLES,
            Form::Jsonb => JSONB_TABLES,
        }
    }
}

const TEXT_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS jids (jid varchar(20) PRIMARY KEY, load text NOT NULL);
    CREATE TABLE IF NOT EXISTS salt_returns (
        fun varchar(50) NOT NULL,
        jid varchar(255) NOT NULL,
        return text NOT NULL,
        full_ret text,
        id varchar(255) NOT NULL,
        success varchar(10) NOT NULL,
        alter_time TIMESTAMP WITH TIME ZONE DEFAULT now());
    CREATE INDEX IF NOT EXISTS idx_salt_returns_id ON salt_returns (id);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_jid ON salt_returns (jid);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_fun ON salt_returns (fun);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_updated ON salt_returns (alter_time);
    CREATE SEQUENCE IF NOT EXISTS seq_salt_events_id;
    CREATE TABLE IF NOT EXISTS salt_events (
        id BIGINT NOT NULL UNIQUE DEFAULT nextval('seq_salt_events_id'),
        tag varchar(255) NOT NULL,
        data text NOT NULL,
        alter_time TIMESTAMP WITH TIME ZONE DEFAULT now(),
        master_id varchar(255) NOT NULL);
    CREATE INDEX IF NOT EXISTS idx_salt_events_tag ON salt_events (tag);";

const JSONB_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS jids (jid varchar(255) NOT NULL PRIMARY KEY, load jsonb NOT NULL);
    CREATE INDEX IF NOT EXISTS idx_jids_jsonb ON jids USING gin (load) WITH (fastupdate = on);
    CREATE TABLE IF NOT EXISTS salt_returns (
        fun varchar(50) NOT NULL,
        jid varchar(255) NOT NULL,
        return jsonb NOT NULL,
        id varchar(255) NOT NULL,
        success varchar(10) NOT NULL,
        full_ret jsonb NOT NULL,
        alter_time TIMESTAMP WITH TIME ZONE DEFAULT now());
    CREATE INDEX IF NOT EXISTS idx_salt_returns_id ON salt_returns (id);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_jid ON salt_returns (jid);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_fun ON salt_returns (fun);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_return ON salt_returns USING gin (return) WITH (fastupdate = on);
    CREATE INDEX IF NOT EXISTS idx_salt_returns_full_ret ON salt_returns USING gin (full_ret) WITH (fastupdate = on);
    CREATE SEQUENCE IF NOT EXISTS seq_salt_events_id;
    CREATE TABLE IF NOT EXISTS salt_events (
        id BIGINT NOT NULL UNIQUE DEFAULT nextval('seq_salt_events_id'),
        tag varchar(255) NOT NULL,
        data jsonb NOT NULL,
        alter_time TIMESTAMP WITH TIME ZONE DEFAULT now(),
        master_id varchar(255) NOT NULL);
    CREATE INDEX IF NOT EXISTS idx_salt_events_tag ON salt_events (tag);
    CREATE INDEX IF NOT EXISTS idx_salt_events_data ON salt_events USING gin (data) WITH (fastupdate = on);";

pub struct Postgres {
    pub(super) pool: PgPool,
    place: String,
    form: Form,
}

/// `host`, `user`, `passwd` (or `pass`, for `pgjsonb`), `db`, `port`, and the files of TLS, with Salt's defaults.
///
/// # Errors
/// The port is none, or `sslmode` no mode.
pub fn open(options: &Options, form: Form) -> Result<Postgres, StoreError> {
    let (pool, place) = connect(options, form.name())?;
    Ok(Postgres { pool, place, form })
}

/// A pool that connects when it is used, and its place in words.
pub(super) fn connect(options: &Options, kind: &str) -> Result<(PgPool, String), StoreError> {
    let host = options.text("host", "localhost");
    let (port, db) = (options.port(5432)?, options.text("db", "salt"));
    let place = format!("{kind} at {host}:{port}/{db}");
    let password =
        options.maybe("passwd").or_else(|| options.maybe("pass")).unwrap_or_else(|| "salt".to_owned());
    // Without libpq's environment: only the configuration counts.
    let mut connect = PgConnectOptions::new_without_pgpass()
        .host(&host)
        .port(port)
        .database(&db)
        .username(&options.text("user", "salt"))
        .password(&password)
        .disable_statement_logging();
    let root = options.path("sslrootcert");
    let mode = tls_mode(options, root.is_some())?;
    if matches!(mode, PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require) {
        tracing::info!("{place}: its certificate is not verified, as sslrootcert is not set");
    }
    connect = connect.ssl_mode(mode);
    if let Some(root) = root.filter(|root| !sql::is_system(root)) {
        connect = connect.ssl_root_cert(root);
    }
    if let (Some(cert), Some(key)) = (options.path("sslcert"), options.path("sslkey")) {
        connect = connect.ssl_client_cert(cert).ssl_client_key(key);
    }
    let pool = PgPoolOptions::new().max_connections(sql::CONNECTIONS_MAX).acquire_timeout(sql::PATIENCE);
    Ok((pool.connect_lazy_with(connect), place))
}

/// How TLS is spoken: as `sslmode` says, and where there are authorities to trust (`sslrootcert`, or `system` for those of
/// this machine) never with a server they do not vouch for.
fn tls_mode(options: &Options, has_root: bool) -> Result<PgSslMode, StoreError> {
    let asked = options.maybe("sslmode").map(|mode| mode.parse());
    let asked = asked.transpose().map_err(|_| options.wrong("sslmode", "is no mode PostgreSQL knows"))?;
    Ok(match asked.unwrap_or(PgSslMode::Prefer) {
        PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require if has_root => PgSslMode::VerifyFull,
        mode => mode,
    })
}

/// Hosts of the job that have a return. The job's own row is locked first: whoever else saves its returns waits.
pub(super) async fn returned(
    conn: &mut PgConnection,
    of_job: &[StoredReturn],
) -> Result<HashSet<String>, sqlx::Error> {
    let jid = of_job[0].jid;
    let lock = sqlx::query("SELECT jid FROM jids WHERE jid = $1 FOR UPDATE").bind(jid.to_string());
    lock.fetch_optional(&mut *conn).await?;
    let ids: Vec<&str> = of_job.iter().map(|ret| ret.id.as_str()).collect();
    let look = sqlx::query("SELECT id FROM salt_returns WHERE jid = $1 AND id = ANY($2)");
    let rows = look.bind(jid.to_string()).bind(ids).fetch_all(conn).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Removes a job with all its returns.
pub(super) async fn remove(pool: &PgPool, jid: Jid) -> Result<(), sqlx::Error> {
    for delete in ["DELETE FROM salt_returns WHERE jid = $1", "DELETE FROM jids WHERE jid = $1"] {
        sqlx::query(delete).bind(jid.to_string()).execute(pool).await?;
    }
    Ok(())
}

impl Postgres {
    fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError {
        |error| sql::failure(Kind::Postgres, &self.place, &error)
    }

    async fn save_all(&self, batch: &[StoredReturn]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            let known = returned(&mut tx, of_job).await?;
            let encode = |value: &Value| self.form.encode(value);
            let fresh = sql::first_of_each(of_job, known, encode);
            for rows in sql::by_size(&fresh, STATEMENT_BYTES_MAX) {
                self.insert(&mut tx, rows).await?;
            }
        }
        tx.commit().await
    }

    async fn insert(&self, conn: &mut PgConnection, rows: &[sql::ReturnRow<'_>]) -> Result<(), sqlx::Error> {
        const INTO: &str = "INSERT INTO salt_returns (fun, jid, return, id, success, full_ret) ";
        let cast = self.form.cast();
        let mut insert = QueryBuilder::new(INTO);
        insert.push_values(rows, |mut row, ret| {
            row.push_bind(ret.fun(FUN_CHARS_MAX)).push_bind(ret.jid().to_owned());
            row.push_bind(ret.value.clone()).push_unseparated(cast);
            row.push_bind(ret.id().to_owned()).push_bind(if ret.success() { "true" } else { "false" });
            row.push_bind(ret.full_ret.clone()).push_unseparated(cast);
        });
        insert.build().execute(conn).await?;
        Ok(())
    }

    /// Adds the job; `then` says what becomes of one that is there.
    async fn write_load(&self, jid: Jid, load: &Map, then: &'static str) -> Result<u64, StoreError> {
        let mut insert = QueryBuilder::new("INSERT INTO jids (jid, load) VALUES (");
        insert.push_bind(jid.to_string()).push(", ").push_bind(self.form.encode(&Value::Map(load.clone())));
        insert.push(self.form.cast()).push(") ON CONFLICT (jid) DO ").push(then);
        Ok(insert.build().execute(&self.pool).await.map_err(self.failed())?.rows_affected())
    }
}

#[async_trait]
impl Shelf for Postgres {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn init(&self) -> Result<(), StoreError> {
        sqlx::raw_sql(self.form.tables()).execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        Ok(self.write_load(jid, load, "NOTHING").await? == 1)
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        self.write_load(jid, load, "UPDATE SET load = excluded.load").await.map(|_| ())
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        let one = sqlx::query("SELECT load::text FROM jids WHERE jid = $1").bind(jid.to_string());
        let row = one.fetch_optional(&self.pool).await.map_err(self.failed())?;
        Ok(row.map(|row| read_load(jid, row.try_get(0).unwrap_or(""))))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let mut query = QueryBuilder::new("SELECT jid, load::text FROM jids WHERE jid >= ");
        query
            .push_bind(search.since_text().to_owned())
            .push(" AND jid <= ")
            .push_bind(search.until_text().to_owned());
        push_any(&mut query, &search.functions, |query, glob| match self.form {
            Form::Text => {
                query
                    .push("load LIKE ")
                    .push_bind(format!("%\"fun\":%{}\"%", like(glob)))
                    .push(" ESCAPE '!'");
            }
            Form::Jsonb => {
                query.push("load ->> 'fun' LIKE ").push_bind(like(glob)).push(" ESCAPE '!'");
            }
        });
        query.push(" ORDER BY jid DESC");
        if let Some(most) = search.limit() {
            query.push(" LIMIT ").push_bind(most);
        }
        let rows = query.build().fetch_all(&self.pool).await.map_err(self.failed())?;
        let job = |row: &PgRow| {
            let jid: Jid = row.try_get::<&str, _>(0).ok()?.parse().ok()?;
            Some((jid, read_load(jid, row.try_get(1).unwrap_or(""))))
        };
        Ok(rows.iter().filter_map(job).collect())
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.save_all(batch).await.map_err(self.failed())
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        const ROWS: &str = "SELECT id, fun, full_ret::text FROM salt_returns WHERE jid = $1";
        let mut rows = sqlx::query(ROWS).bind(jid.to_string()).fetch(&self.pool);
        while let Some(row) = sql::next(&mut rows).await.map_err(self.failed())? {
            let text = |column: usize| row.try_get::<&str, _>(column).unwrap_or("");
            let Some(ret) = read_return(jid, text(0), text(1), text(2)) else { continue };
            if to.send(ret).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn endings(&self, jids: &[Jid]) -> Result<Option<Vec<Endings>>, StoreError> {
        let jids: Vec<&str> = jids.iter().map(Jid::as_str).collect();
        let rows = sqlx::query(ENDINGS).bind(jids).fetch_all(&self.pool).await.map_err(self.failed())?;
        let endings =
            |row: &PgRow| Endings::of_row(row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?);
        Ok(Some(rows.iter().filter_map(endings).collect()))
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        remove(&self.pool, jid).await.map_err(self.failed())
    }

    async fn save_events(&self, events: &[(String, Value)], master_id: &str) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut insert = QueryBuilder::new("INSERT INTO salt_events (tag, data, master_id) ");
        insert.push_values(events, |mut row, (tag, data)| {
            row.push_bind(tag.clone()).push_bind(self.form.encode(data)).push_unseparated(self.form.cast());
            row.push_bind(master_id.to_owned());
        });
        insert.build().execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }
}
