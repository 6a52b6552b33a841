//! MySQL and MariaDB, in the three tables Salt documents: `jids`, `salt_returns`, `salt_events`.
//!
//! Salt's tables let a host return twice to a job. So a batch first locks the rows of its jobs in `jids`, then looks
//! who has returned already, all in one transaction: a batch that is sent again changes nothing.

use super::super::record::{read_load, read_return};
use super::super::remote::{Endings, Shelf};
use super::super::search::{like, push_any};
use super::super::{Options, Search, StoreError, StoredReturn, json};
use super::sql::{self, Kind};
use async_trait::async_trait;
use halite_wire::{Jid, Map, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions, MySqlSslMode};
use sqlx::{ConnectOptions, MySqlConnection, QueryBuilder, Row};
use std::collections::HashSet;
use tokio::sync::mpsc;

/// The tables as Salt documents them, but for texts that are told apart to the byte.
const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS `jids` (
        `jid` varchar(255) NOT NULL,
        `load` mediumtext NOT NULL,
        UNIQUE KEY `jid` (`jid`)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS `salt_returns` (
        `fun` varchar(50) NOT NULL,
        `jid` varchar(255) NOT NULL,
        `return` mediumtext NOT NULL,
        `id` varchar(255) NOT NULL,
        `success` varchar(10) NOT NULL,
        `full_ret` mediumtext NOT NULL,
        `alter_time` TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        KEY `id` (`id`),
        KEY `jid` (`jid`),
        KEY `fun` (`fun`)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS `salt_events` (
        `id` BIGINT NOT NULL AUTO_INCREMENT,
        `tag` varchar(255) NOT NULL,
        `data` mediumtext NOT NULL,
        `alter_time` TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        `master_id` varchar(255) NOT NULL,
        PRIMARY KEY (`id`),
        KEY `tag` (`tag`)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
];

/// How hosts ended, in words of our own or of other programs, which have no `outcome`.
const ENDINGS: &str = "SELECT `jid`,
    CASE WHEN NOT JSON_VALID(`full_ret`) THEN 'lost'
    ELSE CASE COALESCE(JSON_UNQUOTE(JSON_EXTRACT(`full_ret`, '$.outcome')),
            IF(JSON_UNQUOTE(JSON_EXTRACT(`full_ret`, '$.success')) IN ('true', '1'), 'ok', 'failed'))
        WHEN 'ok' THEN IF(COALESCE(JSON_UNQUOTE(JSON_EXTRACT(`full_ret`, '$.changed')), '') = 'true', 'changed', 'ok')
        WHEN 'failed' THEN 'failed' ELSE 'lost' END END AS `ending`,
    COUNT(DISTINCT `id`) FROM `salt_returns` WHERE `jid` IN (";

/// Characters of the column `fun`.
const FUN_CHARS_MAX: usize = 50;

/// Bytes of returns in one statement: a quarter of what servers take by default.
const STATEMENT_BYTES_MAX: usize = 4 << 20;

pub struct MySql {
    pool: MySqlPool,
    place: String,
}

/// `mysql.host`, `user`, `pass`, `db`, `port`, `ssl_ca`, `ssl_cert`, `ssl_key`, with Salt's defaults. With `ssl_ca` there is
/// no connection but to a server with a certificate for `host`, signed by one of that file; `system` means the authorities
/// of this machine. Without it a server may encrypt, and nobody can say whether it is the right one, as with Salt.
///
/// # Errors
/// The port is none.
pub fn open(options: &Options) -> Result<MySql, StoreError> {
    let (host, port, db) = (options.text("host", "salt"), options.port(3306)?, options.text("db", "salt"));
    let place = format!("mysql at {host}:{port}/{db}");
    let mut connect = MySqlConnectOptions::new()
        .host(&host)
        .port(port)
        .database(&db)
        .username(&options.text("user", "salt"))
        .password(&options.text("pass", "salt"))
        .disable_statement_logging();
    if let Some(ca) = options.path("ssl_ca") {
        connect = connect.ssl_mode(MySqlSslMode::VerifyIdentity);
        if !sql::is_system(&ca) {
            connect = connect.ssl_ca(ca);
        }
    } else {
        tracing::info!("{place}: its certificate is not verified, as mysql.ssl_ca is not set");
    }
    if let (Some(cert), Some(key)) = (options.path("ssl_cert"), options.path("ssl_key")) {
        connect = connect.ssl_client_cert(cert).ssl_client_key(key);
    }
    let pool = MySqlPoolOptions::new().max_connections(sql::CONNECTIONS_MAX).acquire_timeout(sql::PATIENCE);
    Ok(MySql { pool: pool.connect_lazy_with(connect), place })
}

impl MySql {
    fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError {
        |error| sql::failure(Kind::MySql, &self.place, &error)
    }

    async fn save_all(&self, batch: &[StoredReturn]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            let known = returned(&mut tx, of_job).await?;
            let fresh = sql::first_of_each(of_job, known, json::encode_ascii);
            for rows in sql::by_size(&fresh, STATEMENT_BYTES_MAX) {
                insert(&mut tx, rows).await?;
            }
        }
        tx.commit().await
    }
}

/// Hosts of the job that have a return. The job's own row is locked first: whoever else saves its returns waits.
async fn returned(
    conn: &mut MySqlConnection,
    of_job: &[StoredReturn],
) -> Result<HashSet<String>, sqlx::Error> {
    let jid = of_job[0].jid;
    let lock = sqlx::query("SELECT `jid` FROM `jids` WHERE `jid` = ? FOR UPDATE").bind(jid.as_str());
    lock.fetch_optional(&mut *conn).await?;
    let mut look = QueryBuilder::new("SELECT `id` FROM `salt_returns` WHERE `jid` = ");
    look.push_bind(jid.as_str()).push(" AND `id` IN (");
    let mut ids = look.separated(", ");
    for ret in of_job {
        ids.push_bind(ret.id.as_str());
    }
    look.push(")");
    let rows = look.build().fetch_all(conn).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

async fn insert(conn: &mut MySqlConnection, rows: &[sql::ReturnRow<'_>]) -> Result<(), sqlx::Error> {
    const INTO: &str = "INSERT INTO `salt_returns` (`fun`, `jid`, `return`, `id`, `success`, `full_ret`) ";
    let mut insert = QueryBuilder::new(INTO);
    insert.push_values(rows, |mut row, ret| {
        row.push_bind(ret.fun(FUN_CHARS_MAX)).push_bind(ret.jid()).push_bind(&ret.value).push_bind(ret.id());
        row.push_bind(if ret.success() { "1" } else { "0" }).push_bind(&ret.full_ret);
    });
    insert.build().execute(conn).await?;
    Ok(())
}

#[async_trait]
impl Shelf for MySql {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn init(&self) -> Result<(), StoreError> {
        for table in TABLES {
            sqlx::query(table).execute(&self.pool).await.map_err(self.failed())?;
        }
        Ok(())
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        let load = json::encode_ascii(&Value::Map(load.clone()));
        let insert = sqlx::query("INSERT IGNORE INTO `jids` (`jid`, `load`) VALUES (?, ?)")
            .bind(jid.as_str())
            .bind(load);
        Ok(insert.execute(&self.pool).await.map_err(self.failed())?.rows_affected() == 1)
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        const UPSERT: &str = "INSERT INTO `jids` (`jid`, `load`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `load` = VALUES(`load`)";
        let load = json::encode_ascii(&Value::Map(load.clone()));
        let upsert = sqlx::query(UPSERT).bind(jid.as_str()).bind(load);
        upsert.execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        let one = sqlx::query("SELECT `load` FROM `jids` WHERE `jid` = ?").bind(jid.as_str());
        let row = one.fetch_optional(&self.pool).await.map_err(self.failed())?;
        Ok(row.map(|row| read_load(jid, row.try_get(0).unwrap_or(""))))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let mut query = QueryBuilder::new("SELECT `jid`, `load` FROM `jids` WHERE `jid` >= ");
        query.push_bind(search.since_text()).push(" AND `jid` <= ").push_bind(search.until_text());
        push_any(&mut query, &search.functions, |query, glob| {
            query.push("`load` LIKE ").push_bind(format!("%\"fun\":%{}\"%", like(glob))).push(" ESCAPE '!'");
        });
        query.push(" ORDER BY `jid` DESC");
        if let Some(most) = search.limit() {
            query.push(" LIMIT ").push_bind(most);
        }
        let rows = query.build().fetch_all(&self.pool).await.map_err(self.failed())?;
        let job = |row: &sqlx::mysql::MySqlRow| {
            let jid: Jid = row.try_get::<&str, _>(0).ok()?.parse().ok()?;
            Some((jid, read_load(jid, row.try_get(1).unwrap_or(""))))
        };
        Ok(rows.iter().filter_map(job).collect())
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.save_all(batch).await.map_err(self.failed())
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        const ROWS: &str = "SELECT `id`, `fun`, `full_ret` FROM `salt_returns` WHERE `jid` = ?";
        let mut rows = sqlx::query(ROWS).bind(jid.as_str()).fetch(&self.pool);
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
        let mut count = QueryBuilder::new(ENDINGS);
        let mut wanted = count.separated(", ");
        jids.iter().for_each(|jid| _ = wanted.push_bind(jid.as_str().to_owned()));
        count.push(") GROUP BY `jid`, `ending`");
        if jids.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let rows = count.build().fetch_all(&self.pool).await.map_err(self.failed())?;
        let endings = |row: &sqlx::mysql::MySqlRow| {
            Endings::of_row(row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?)
        };
        Ok(Some(rows.iter().filter_map(endings).collect()))
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        for delete in ["DELETE FROM `salt_returns` WHERE `jid` = ?", "DELETE FROM `jids` WHERE `jid` = ?"] {
            sqlx::query(delete).bind(jid.as_str()).execute(&self.pool).await.map_err(self.failed())?;
        }
        Ok(())
    }

    async fn save_events(&self, events: &[(String, Value)], master_id: &str) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut insert = QueryBuilder::new("INSERT INTO `salt_events` (`tag`, `data`, `master_id`) ");
        insert.push_values(events, |mut row, (tag, data)| {
            row.push_bind(tag).push_bind(json::encode_ascii(data)).push_bind(master_id);
        });
        insert.build().execute(&self.pool).await.map_err(self.failed())?;
        Ok(())
    }
}
