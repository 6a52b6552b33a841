//! `sqlite3`: Salt's tables in a file of SQLite.

use super::registry::{Definition, Key, Returner};
use super::{Delivery, DeliveryError, Item, Kind, SettingError, Settings, message};
use crate::jobs::json;
use async_trait::async_trait;
use halite_wire::Jid;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::time::Duration;
use tokio::sync::Mutex;

pub(super) const DEFINITION: Definition = Definition {
    name: "sqlite3",
    aliases: &["sqlite"],
    prefixes: &["sqlite3", "returner.sqlite3"],
    doc: "Rows in the tables `salt_returns` and `jids` of a file of SQLite, as Salt's own returner writes them. The file and the tables \
          are made where they are missing.",
    keys: &[Key("database", "", "The file."), Key("timeout", "5", "Seconds to wait while others write.")],
    common: &[],
    takes: &[Kind::Return, Kind::Load],
    batch_max: 256,
    at_once_max: 1,
    open,
};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS jids (jid TEXT PRIMARY KEY, load TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS salt_returns (
        fun TEXT KEY,
        jid TEXT KEY,
        id TEXT KEY,
        fun_args TEXT,
        date TEXT NOT NULL,
        full_ret TEXT NOT NULL,
        success TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS salt_returns_jid ON salt_returns (jid);
";

struct Sqlite {
    options: SqliteConnectOptions,
    conn: Mutex<Option<SqliteConnection>>,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let seconds = settings.text("timeout")?.map_or(Ok(5.0), |text| text.parse::<f64>());
    let seconds = seconds.ok().filter(|seconds| (0.0..=60.0).contains(seconds));
    let wait = seconds.ok_or_else(|| settings.refused("timeout", "is not a number of seconds up to 60"))?;
    let options =
        SqliteConnectOptions::new().filename(settings.required("database")?).create_if_missing(true);
    let options = options.busy_timeout(Duration::from_secs_f64(wait)).disable_statement_logging();
    Ok(Box::new(Sqlite { options, conn: Mutex::default() }))
}

#[async_trait]
impl Returner for Sqlite {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut held = self.conn.lock().await;
        let mut conn = match held.take() {
            Some(conn) => conn,
            None => self.connect().await.map_err(DeliveryError::retry)?,
        };
        write(&mut conn, batch).await.map_err(DeliveryError::retry)?;
        *held = Some(conn);
        Ok(())
    }
}

impl Sqlite {
    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let mut conn = self.options.connect().await?;
        sqlx::raw_sql(TABLES).execute(&mut conn).await?;
        Ok(conn)
    }
}

async fn write(conn: &mut SqliteConnection, batch: &[Delivery]) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    for delivery in batch {
        match &delivery.item {
            Item::Return(_) => write_return(&mut tx, &delivery.item).await?,
            Item::Load(load) => {
                let insert =
                    sqlx::query("INSERT OR IGNORE INTO jids VALUES (?1, ?2)").bind(delivery.item.text("jid"));
                insert.bind(json::encode(&load.clone().into())).execute(&mut *tx).await?;
            }
            Item::Event { .. } => {}
        }
    }
    tx.commit().await
}

/// Salt's table has no key, so what is there already is looked for.
async fn write_return(conn: &mut SqliteConnection, item: &Item) -> Result<(), sqlx::Error> {
    const INSERT: &str = "INSERT INTO salt_returns (fun, jid, id, fun_args, date, full_ret, success)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
        WHERE NOT EXISTS (SELECT 1 FROM salt_returns WHERE jid = ?2 AND id = ?3)";
    let args = item.field("fun_args");
    let args = args.is_truthy().then(|| message::plain(args));
    let success = if item.field("success").is_truthy() { "1" } else { "0" };
    let insert = sqlx::query(INSERT).bind(item.text("fun")).bind(item.text("jid")).bind(item.text("id"));
    let insert = insert.bind(args).bind(now()).bind(json::encode(item.field("return"))).bind(success);
    insert.execute(conn).await?;
    Ok(())
}

/// Now, as Python shows a time: `2026-11-21 03:15:02.123456`.
fn now() -> String {
    let jid = Jid::from_unix_micros(crate::jobs::system_clock()());
    format!("{} {}", jid.date(), jid.time())
}
