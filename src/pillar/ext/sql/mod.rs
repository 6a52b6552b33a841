//! `mysql`, `postgres`, `sqlite3`: rows of a database as pillar data. What they share is here and in [`rows`]: which
//! queries there are, connections that serve one host after the other, and cells as values.

mod mysql;
mod postgres;
mod rows;
mod sqlite;

pub use mysql::read as mysql;
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
    mysql: Kept<sqlx::MySqlConnection>,
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

/// A query as Python's `%` makes it: `%s` is the host's ID as a literal, `%%` a percent sign.
///
/// # Errors
/// Another `%`, or an ID that a literal cannot hold.
fn filled(query: &str, id: &str) -> Result<String, String> {
    if id.contains(['\\', '\0']) {
        return Err(format!("the ID {id:?} cannot stand in a query"));
    }
    let literal = format!("'{}'", id.replace('\'', "''"));
    let (mut out, mut rest) = (String::new(), query);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (with, tail) = match (after.strip_prefix('s'), after.strip_prefix('%')) {
            (Some(tail), _) => (literal.as_str(), tail),
            (_, Some(tail)) => ("%", tail),
            _ => return Err(format!("a % of its own is written %%: {query}")),
        };
        out.push_str(with);
        rest = tail;
    }
    Ok(out + rest)
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

fn port(request: &Request, database: &str, usual: u16) -> Result<u16, String> {
    let text = option_or(request, database, "port", &usual.to_string());
    text.parse().map_err(|_| format!("{database}:port: {text:?} is no port"))
}

/// A whole number, or else a fraction, or else the text itself.
fn number(text: &str) -> Value {
    let fraction = || text.parse().map_or_else(|_| text.into(), Value::Float);
    text.parse().map_or_else(|_| fraction(), Value::Int)
}

/// An exact number: whole ones are numbers, others stay text, so that `1.50` is not rounded to something else.
fn exact(text: &str) -> Value {
    text.parse().map_or_else(|_| text.into(), Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_a_literal_and_nothing_more() {
        let query = "SELECT a FROM t WHERE id LIKE %s AND b LIKE '10%%'";
        assert_eq!(
            filled(query, "o'neil").unwrap(),
            "SELECT a FROM t WHERE id LIKE 'o''neil' AND b LIKE '10%'"
        );
        assert_eq!(filled("SELECT 'k', 1", "m1").unwrap(), "SELECT 'k', 1");
        for (query, id, part) in [("SELECT %s, 5 % 3", "m1", "%%"), ("SELECT %s", r"a\", "cannot stand")] {
            assert!(filled(query, id).unwrap_err().contains(part), "{query}");
        }
    }
}
