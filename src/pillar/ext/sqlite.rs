//! `sqlite3`: rows of a SQLite file. `?` in a query is the host's ID.

use super::rows::queries;
use super::{Args, Request};
use halite_wire::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Column, ConnectOptions, Connection, Row, SqliteConnection, TypeInfo, ValueRef};
use std::path::Path;
use std::time::Duration;

/// Where Salt looks if the configuration names no file.
const FILE: &str = "/var/lib/salt/pillar.db";

/// How long one waits for a writer (`sqlite3:timeout`).
const PATIENCE: Duration = Duration::from_secs(5);

pub fn read(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    let options = request.opts.get("sqlite3").or_else(|| request.opts.get("pillar.sqlite3"));
    let file = options.and_then(|options| options.get("database")).and_then(Value::as_str).unwrap_or(FILE);
    let queries = queries(&args.positional, &args.named)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let failed = |error: sqlx::Error| format!("{file}: {error}");
    runtime.block_on(async {
        let mut connection = connect(Path::new(file)).await.map_err(failed)?;
        let mut data = Map::new();
        for query in queries {
            // Without a place for it, the ID is no argument.
            let asked = sqlx::query(sqlx::AssertSqlSafe(query.sql.clone())).bind(request.id.as_str());
            let rows = asked.fetch_all(&mut connection).await.map_err(failed)?;
            let columns: Vec<String> = rows.first().map_or_else(Vec::new, |row| {
                row.columns().iter().map(|column| column.name().to_owned()).collect()
            });
            let rows = rows.iter().map(values).collect::<Result<_, _>>().map_err(failed)?;
            query.add(&columns, rows, &mut data)?;
        }
        connection.close().await.map_err(failed)?;
        Ok(data)
    })
}

async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(PATIENCE);
    options.disable_statement_logging().connect().await
}

fn values(row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    (0..row.len())
        .map(|index| {
            let raw = row.try_get_raw(index)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            match raw.type_info().name() {
                "INTEGER" => row.try_get_unchecked::<i64, _>(index).map(Value::Int),
                "REAL" => row.try_get_unchecked::<f64, _>(index).map(Value::Float),
                "BLOB" => row.try_get_unchecked::<Vec<u8>, _>(index).map(Value::Bytes),
                _ => row.try_get_unchecked::<String, _>(index).map(Value::Str),
            }
        })
        .collect()
}
