//! `sqlite3`: rows of a SQLite file. `?` in a query is the host's ID.

use super::{Args, Request, ask, option, option_or, table, told};
use halite_wire::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Row, SqliteConnection};
use std::time::Duration;

const NAME: &str = "sqlite3";

/// Where Salt looks if the configuration names no file.
const FILE: &str = "/var/lib/salt/pillar.db";

/// How many seconds one waits for a writer.
const PATIENCE: f64 = 5.0;

pub fn read(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    let file = option_or(request, NAME, "database", FILE);
    let patience = match option(request, NAME, "timeout") {
        Some(Value::Int(seconds)) => *seconds as f64,
        Some(Value::Float(seconds)) => *seconds,
        _ => PATIENCE,
    };
    let patience = Duration::try_from_secs_f64(patience).unwrap_or_default();
    let options = SqliteConnectOptions::new().filename(&file).read_only(true).busy_timeout(patience);
    let rows = async |connection: &mut SqliteConnection, query: &str| {
        // Without a place for it, the ID is no argument.
        let asked = sqlx::query(sqlx::AssertSqlSafe(query.to_owned())).bind(request.id.as_str());
        let rows = asked.fetch_all(connection).await.map_err(|error| format!("{}: {query}", told(&error)))?;
        table(&rows, cell)
    };
    ask(args, &request.databases.sqlite, &options.disable_statement_logging(), rows)
        .map_err(|why| format!("{file}: {why}"))
}

fn cell(row: &SqliteRow, index: usize, kind: &str) -> Result<Value, sqlx::Error> {
    match kind {
        "INTEGER" => row.try_get_unchecked(index).map(Value::Int),
        "REAL" => row.try_get_unchecked(index).map(Value::Float),
        "BLOB" => row.try_get_unchecked(index).map(Value::Bytes),
        _ => row.try_get_unchecked(index).map(Value::Str),
    }
}
