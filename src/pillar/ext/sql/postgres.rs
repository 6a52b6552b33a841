//! `postgres`: rows of a PostgreSQL server. `%s` in a query is the host's ID.

use super::server::{exact, filled, number, port};
use super::{Args, Request, ask, option_or, table, told};
use halite_wire::{Map, Value};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, PgConnection, Row};

const NAME: &str = "postgres";

pub fn read(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    let text = |key: &str, usual: &str| option_or(request, NAME, key, usual);
    let options = PgConnectOptions::new_without_pgpass()
        .host(&text("host", "localhost"))
        .port(port(request, NAME, 5432)?)
        .username(&text("user", "salt"))
        .password(&text("pass", "salt"))
        .database(&text("db", "salt"))
        .disable_statement_logging();
    let rows = async |connection: &mut PgConnection, query: &str| {
        let asked = sqlx::raw_sql(sqlx::AssertSqlSafe(filled(query, request.id.as_str())?));
        let rows = asked.fetch_all(connection).await.map_err(|error| format!("{}: {query}", told(&error)))?;
        table(&rows, cell)
    };
    ask(args, &request.databases.postgres, &options, rows)
        .map_err(|why| format!("{}:{}: {why}", options.get_host(), options.get_port()))
}

/// The server sends text, whatever the type is.
fn cell(row: &PgRow, index: usize, kind: &str) -> Result<Value, sqlx::Error> {
    let text: String = row.try_get_unchecked(index)?;
    Ok(match kind.strip_suffix("[]") {
        Some(kind) => Array { kind, rest: &text }.list().unwrap_or_else(|| text.clone().into()),
        None => scalar(kind, &text),
    })
}

fn scalar(kind: &str, text: &str) -> Value {
    match kind {
        "BOOL" => Value::Bool(text == "t"),
        "INT2" | "INT4" | "INT8" | "OID" => number(text),
        "FLOAT4" | "FLOAT8" => text.parse().map_or_else(|_| text.into(), Value::Float),
        "NUMERIC" => exact(text),
        "JSON" | "JSONB" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        "BYTEA" => bytes(text).map_or_else(|| text.into(), Value::Bytes),
        _ => text.into(),
    }
}

/// `\x0aff`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?;
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// An array as the server writes it, `{1,NULL,"a b",{2}}`, while it is read.
struct Array<'t> {
    /// The type of its elements.
    kind: &'t str,
    rest: &'t str,
}

impl Array<'_> {
    /// `None` where the text is no array.
    fn list(&mut self) -> Option<Value> {
        self.rest = self.rest.strip_prefix('{')?;
        let mut items = Vec::new();
        while !self.rest.starts_with('}') {
            items.push(self.item()?);
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
        self.rest = &self.rest[1..];
        Some(items.into())
    }

    fn item(&mut self) -> Option<Value> {
        if self.rest.starts_with('{') {
            return self.list();
        }
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return self.quoted(quoted.to_owned());
        }
        let end = self.rest.find([',', '}'])?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(if word == "NULL" { Value::Null } else { scalar(self.kind, word) })
    }

    /// Up to the closing quote; a backslash stands before characters that would mean something.
    fn quoted(&mut self, from: String) -> Option<Value> {
        let (mut text, mut characters) = (String::new(), from.char_indices());
        loop {
            match characters.next()? {
                (_, '\\') => text.push(characters.next()?.1),
                (end, '"') => {
                    self.rest = &self.rest[end + 2..];
                    return Some(scalar(self.kind, &text));
                }
                (_, other) => text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_lists_inside_each_other() {
        let read = |kind, rest| Array { kind, rest }.list();
        let wanted: Value = serde_json::from_str(r#"["a b", null, "NULL", "q\"\\", ""]"#).unwrap();
        assert_eq!(read("TEXT", r#"{"a b",NULL,"NULL","q\"\\",""}"#), Some(wanted));
        assert_eq!(read("INT4", "{{1,2},{3,4}}"), Some(serde_json::from_str("[[1, 2], [3, 4]]").unwrap()));
        assert_eq!(read("BOOL", "{}"), Some(Value::List(Vec::new())));
        assert_eq!(read("INT4", "{1,2"), None);
    }
}
