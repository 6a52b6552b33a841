//! `mysql`, `postgres`, `sqlite3`: rows of a database as pillar data. What they share is here and in [`rows`]: which
//! queries there are, connections that serve one host after the other, and cells as values.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
mod sqlite;

#[cfg(feature = "mysql")]
pub use mysql::read as mysql;
#[cfg(feature = "postgres")]
pub use postgres::read as postgres;
pub use sqlite::read as sqlite;

use super::{Args, Request};
use halite_wire::{Map, Value};
use rows::Table;
use sqlx::error::DatabaseError;
use sqlx::{Column, ColumnIndex, Connection, Row, TypeInfo, ValueRef};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// How long a server may take to let us in, and to answer one query.
const CONNECT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const ANSWER: Duration = Duration::from_secs(30);

/// So long after a failed attempt the other hosts are told of it, instead of waiting for one of their own.
const DOWN: Duration = Duration::from_secs(30);

/// Connections belong to one runtime, whichever thread makes a pillar.
static RUNTIME: LazyLock<std::io::Result<Runtime>> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build());

/// Connections to databases, kept while pillars are made.
#[derive(Default)]
pub struct Databases {
    #[cfg(feature = "mysql")]
    mysql: Kept<sqlx::MySqlConnection>,
    #[cfg(feature = "postgres")]
    postgres: Kept<sqlx::PgConnection>,
    sqlite: Kept<sqlx::SqliteConnection>,
}

/// Connections to one server.
struct Kept<C>(Mutex<State<C>>);

struct State<C> {
    idle: Vec<C>,
    /// When connecting failed last, and why.
    down: Option<(Instant, String)>,
}

impl<C> Default for Kept<C> {
    fn default() -> Kept<C> {
        Kept(Mutex::new(State { idle: Vec::new(), down: None }))
    }
}

impl<C: Connection> Kept<C> {
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that works: one that lies idle, or a new one.
    async fn take(&self, options: &<C as Connection>::Options) -> Result<C, String> {
        let idle = self.state().idle.pop();
        if let Some(mut connection) = idle
            && matches!(timeout(CONNECT, connection.ping()).await, Ok(Ok(())))
        {
            return Ok(connection);
        }
        let down = self.state().down.clone();
        if let Some((_, why)) = down.filter(|(since, _)| since.elapsed() < DOWN) {
            return Err(why);
        }
        let connected = match timeout(CONNECT, C::connect_with(options)).await {
            Ok(connected) => connected.map_err(|error| told(&error)),
            Err(_) => Err(format!("it does not answer within {CONNECT:?}")),
        };
        self.state().down = connected.as_ref().err().map(|why| (Instant::now(), why.clone()));
        connected
    }
}

/// Runs all queries of a configuration; `rows` asks one of them.
fn ask<C: Connection>(
    args: &Args,
    kept: &Kept<C>,
    options: &<C as Connection>::Options,
    rows: impl AsyncFn(&mut C, &str) -> Result<Table, String>,
) -> Result<Map, String> {
    let queries = rows::queries(&args.positional, &args.named)?;
    let runtime = RUNTIME.as_ref().map_err(ToString::to_string)?;
    runtime.block_on(async {
        let mut connection = kept.take(options).await?;
        let mut data = Map::new();
        for query in &queries {
            let table = timeout(ANSWER, rows(&mut connection, &query.sql)).await;
            let table = table.map_err(|_| format!("no answer within {ANSWER:?}: {}", query.sql))??;
            query.add(table, &mut data)?;
        }
        kept.state().idle.push(connection);
        Ok(data)
    })
}

/// Rows as values; `cell` reads one that is not NULL, by the name of its type.
fn table<R: Row>(
    rows: &[R],
    cell: impl Fn(&R, usize, &str) -> Result<Value, sqlx::Error>,
) -> Result<Table, String>
where
    usize: ColumnIndex<R>,
{
    let columns = rows.first().map_or(&[][..], Row::columns);
    let columns = columns.iter().map(|column| column.name().to_owned()).collect();
    let value = |row: &R, index: usize| {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() { Ok(Value::Null) } else { cell(row, index, raw.type_info().name()) }
    };
    let row = |row: &R| (0..row.len()).map(|index| value(row, index)).collect::<Result<_, _>>();
    let rows = rows.iter().map(row).collect::<Result<_, sqlx::Error>>();
    Ok(Table { columns, rows: rows.map_err(|error| told(&error))? })
}

/// What the database says, without the words around it.
fn told(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .map_or_else(|| error.to_string(), |error: &dyn DatabaseError| error.message().to_owned())
}

/// The value of `NAME: {key: ...}` or of `NAME.key: ...` in the configuration.
fn option<'r>(request: &'r Request, database: &str, key: &str) -> Option<&'r Value> {
    let within = request.opts.get(database).and_then(|options| options.get(key));
    within.or_else(|| request.opts.get(&format!("{database}.{key}"))).filter(|value| !value.is_null())
}

/// The same as text; a number is as good (`pass: 1234`).
fn option_or(request: &Request, database: &str, key: &str, usual: &str) -> String {
    match option(request, database, key) {
        None => usual.to_owned(),
        Some(Value::Str(text)) => text.clone(),
        Some(other) => halite_render::repr::repr(other),
    }
}
