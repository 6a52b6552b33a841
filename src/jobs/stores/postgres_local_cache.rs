//! PostgreSQL in the tables of Salt's `postgres_local_cache`: the load in columns of its own, and of a return what
//! its directory cache keeps, `return`, `retcode` and `success`.
//!
//! What the columns have no place for is in `kwargs`, which Salt's own programs hand on as it is.

use super::super::record::{read_load, read_return};
use super::super::remote::Shelf;
use super::super::search::{like, push_any};
use super::super::{Options, Search, StoreError, StoredReturn, json};
use super::postgres::{STATEMENT_BYTES_MAX, connect, remove, returned};
use super::sql::{self, Kind};
use async_trait::async_trait;
use halite_wire::{Jid, Map, Value};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{QueryBuilder, Row};
use tokio::sync::mpsc;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS jids (
        jid varchar(20) PRIMARY KEY,
        started TIMESTAMP WITH TIME ZONE DEFAULT now(),
        tgt_type text NOT NULL,
        cmd text NOT NULL,
        tgt text NOT NULL,
        kwargs text NOT NULL,
        ret text NOT NULL,
        username text NOT NULL,
        arg text NOT NULL,
        fun text NOT NULL);
    CREATE TABLE IF NOT EXISTS salt_returns (
        added TIMESTAMP WITH TIME ZONE DEFAULT now(),
        fun text NOT NULL,
        jid varchar(20) NOT NULL,
        return text NOT NULL,
        id text NOT NULL,
        success boolean);
    CREATE INDEX IF NOT EXISTS salt_returns_added_idx ON salt_returns (added);
    CREATE INDEX IF NOT EXISTS salt_returns_id_idx ON salt_returns (id);
    CREATE INDEX IF NOT EXISTS salt_returns_jid_idx ON salt_returns (jid);
    CREATE INDEX IF NOT EXISTS salt_returns_fun_idx ON salt_returns (fun);
    CREATE TABLE IF NOT EXISTS salt_events (
        id SERIAL,
        tag text NOT NULL,
        data text NOT NULL,
        alter_time TIMESTAMP WITH TIME ZONE DEFAULT now(),
        master_id text NOT NULL);
    CREATE INDEX IF NOT EXISTS salt_events_tag_idx ON salt_events (tag);
    CREATE INDEX IF NOT EXISTS salt_events_id_idx ON salt_events (id);
    CREATE INDEX IF NOT EXISTS salt_events_master_id_idx ON salt_events (master_id);";

const COLUMNS: &str = "SELECT jid, tgt_type, tgt, kwargs, username, arg, fun FROM jids WHERE ";

/// Fields of a load with a column of their own that holds text: the field, and where it is in [`COLUMNS`].
const TEXTS: [(&str, usize); 4] = [("tgt_type", 1), ("tgt", 2), ("user", 4), ("fun", 6)];

pub struct PostgresLocalCache {
    pool: PgPool,
    place: String,
}

/// `master_job_cache.postgres.host`, `user`, `passwd`, `db`, `port`.
///
/// # Errors
/// The port is none.
pub fn open(options: &Options) -> Result<PostgresLocalCache, StoreError> {
    let (pool, place) = connect(options, "postgres_local_cache")?;
    Ok(PostgresLocalCache { pool, place })
}

impl PostgresLocalCache {
    fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError {
        |error| sql::failure(Kind::Postgres, &self.place, &error)
    }

    /// Adds the job; `then` says what becomes of one that is there.
    async fn write_load(&self, jid: Jid, load: &Map, then: &'static str) -> Result<u64, StoreError> {
        let mut rest = load.clone();
        let mut text = |key: &str| match rest.remove(key) {
            Some(Value::Str(text)) => plain(&text),
            Some(other) => json::encode_ascii(&other),
            None => String::new(),
        };
        let (tgt_type, tgt, user, fun) = (text("tgt_type"), text("tgt"), text("user"), text("fun"));
        let arg = rest.remove("arg").unwrap_or_else(|| Value::List(Vec::new()));
        rest.remove("jid");
        let mut insert = QueryBuilder::new(
            "INSERT INTO jids (jid, started, tgt_type, cmd, tgt, kwargs, ret, username, arg, fun) VALUES (",
        );
        insert.push_bind(jid.to_string()).push(", (").push_bind(moment(jid)).push(" || ' UTC')::timestamptz");
        for column in [tgt_type, "publish".into(), tgt, json::encode_ascii(&rest.into()), String::new(), user]
        {
            insert.push(", ").push_bind(column);
        }
        insert.push(", ").push_bind(json::encode_ascii(&arg)).push(", ").push_bind(fun);
        insert.push(") ON CONFLICT (jid) DO ").push(then);
        Ok(insert.build().execute(&self.pool).await.map_err(self.failed())?.rows_affected())
    }

    async fn save_all(&self, batch: &[StoredReturn]) -> Result<(), sqlx::Error> {
        const INTO: &str = "INSERT INTO salt_returns (fun, jid, return, id, success) ";
        let mut tx = self.pool.begin().await?;
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            let known = returned(&mut tx, of_job).await?;
            let fresh = sql::first_of_each(of_job, known, json::encode_ascii);
            for rows in sql::by_size(&fresh, STATEMENT_BYTES_MAX) {
                let mut insert = QueryBuilder::new(INTO);
                insert.push_values(rows, |mut row, ret| {
                    row.push_bind(ret.fun(usize::MAX)).push_bind(ret.jid().to_owned()).push_bind(ret.kept());
                    row.push_bind(ret.id().to_owned()).push_bind(ret.success());
                });
                insert.build().execute(&mut *tx).await?;
            }
        }
        tx.commit().await
    }
}

/// Text as PostgreSQL takes it.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// When the job began, as PostgreSQL reads it.
fn moment(jid: Jid) -> String {
    format!("{} {}", jid.date(), jid.time())
}

fn read_row(row: &PgRow) -> Option<(Jid, Map)> {
    let text = |column: usize| row.try_get::<&str, _>(column).unwrap_or("");
    let jid: Jid = text(0).parse().ok()?;
    // Salt writes `kwargs` as Python shows a dict; that is nothing to read back.
    let rest = json::decode(text(3)).ok().and_then(|rest| rest.as_map().cloned()).unwrap_or_default();
    let mut load = Map::from([("jid", jid.as_str())]);
    for (field, column) in TEXTS {
        load.insert(field, text(column));
    }
    if let Ok(Value::List(list)) = json::decode(text(2)) {
        load.insert("tgt", Value::List(list));
    }
    let arg = read_load(jid, &format!("{{\"arg\": {}}}", text(5))).remove("arg");
    load.insert("arg", arg.unwrap_or_else(|| Value::List(Vec::new())));
    load.extend(rest);
    Some((jid, load))
}

#[async_trait]
impl Shelf for PostgresLocalCache {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn init(&self) -> Result<(), StoreError> {
        sqlx::raw_sql(TABLES).execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        Ok(self.write_load(jid, load, "NOTHING").await? == 1)
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        const SAME: &str =
            "UPDATE SET tgt_type = excluded.tgt_type, tgt = excluded.tgt, kwargs = excluded.kwargs,
            username = excluded.username, arg = excluded.arg, fun = excluded.fun";
        self.write_load(jid, load, SAME).await.map(|_| ())
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        let mut one = QueryBuilder::new(COLUMNS);
        one.push("jid = ").push_bind(jid.to_string());
        let row = one.build().fetch_optional(&self.pool).await.map_err(self.failed())?;
        Ok(row.as_ref().and_then(read_row).map(|(_, load)| load))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push("jid >= ").push_bind(search.since_text().to_owned());
        query.push(" AND jid <= ").push_bind(search.until_text().to_owned());
        push_any(&mut query, &search.functions, |query, glob| {
            query.push("fun LIKE ").push_bind(like(glob)).push(" ESCAPE '!'");
        });
        query.push(" ORDER BY jid DESC");
        if let Some(most) = search.limit() {
            query.push(" LIMIT ").push_bind(most);
        }
        let rows = query.build().fetch_all(&self.pool).await.map_err(self.failed())?;
        Ok(rows.iter().filter_map(read_row).collect())
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.save_all(batch).await.map_err(self.failed())
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        const ROWS: &str = "SELECT id, fun, return FROM salt_returns WHERE jid = $1";
        let mut rows = sqlx::query(ROWS).bind(jid.to_string()).fetch(&self.pool);
        while let Some(row) = sql::next(&mut rows).await.map_err(self.failed())? {
            let text = |column: usize| row.try_get::<&str, _>(column).unwrap_or("");
            let Some(mut ret) = read_return(jid, text(0), text(1), text(2)) else { continue };
            ret.complete();
            if to.send(ret).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
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
            row.push_bind(tag.clone()).push_bind(json::encode_ascii(data)).push_bind(master_id.to_owned());
        });
        insert.build().execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }
}
