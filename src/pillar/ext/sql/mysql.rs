//! `mysql`: rows of a MySQL or MariaDB server. `%s` in a query is the host's ID.

use super::server::{exact, filled, number, port};
use super::{Args, Request, ask, option, option_or, table, told};
use halite_wire::{Map, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlRow, MySqlSslMode};
use sqlx::{ConnectOptions, MySqlConnection, Row};

const NAME: &str = "mysql";

pub fn read(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    let options = options(request)?;
    let rows = async |connection: &mut MySqlConnection, query: &str| {
        let asked = sqlx::raw_sql(sqlx::AssertSqlSafe(filled(query, request.id.as_str())?));
        let rows = asked.fetch_all(connection).await.map_err(|error| format!("{}: {query}", told(&error)))?;
        table(&rows, cell)
    };
    ask(args, &request.databases.mysql, &options, rows)
        .map_err(|why| format!("{}:{}: {why}", options.get_host(), options.get_port()))
}

fn options(request: &Request) -> Result<MySqlConnectOptions, String> {
    let text = |key: &str, usual: &str| option_or(request, NAME, key, usual);
    let mut options = MySqlConnectOptions::new()
        .host(&text("host", "localhost"))
        .port(port(request, NAME, 3306)?)
        .username(&text("user", "salt"))
        .password(&text("pass", "salt"))
        .database(&text("db", "salt"));
    let socket = text("unix_socket", "");
    if !socket.is_empty() {
        options = options.socket(socket);
    }
    let file = |key: &str| option(request, NAME, "ssl").and_then(|ssl| ssl.get(key)).and_then(Value::as_str);
    if let Some(authority) = file("ca") {
        options = options.ssl_mode(MySqlSslMode::VerifyCa).ssl_ca(authority);
    }
    if let (Some(certificate), Some(key)) = (file("cert"), file("key")) {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    Ok(options.disable_statement_logging())
}

/// The server sends text, whatever the type is.
fn cell(row: &MySqlRow, index: usize, kind: &str) -> Result<Value, sqlx::Error> {
    let is_text = !matches!(kind, "BIT" | "GEOMETRY");
    // A column of text that is compared by its bytes calls itself binary, too.
    let text = if is_text { row.try_get_unchecked::<String, _>(index).ok() } else { None };
    let Some(text) = text else { return row.try_get_unchecked::<Vec<u8>, _>(index).map(Value::Bytes) };
    Ok(match kind.trim_end_matches(" UNSIGNED") {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "YEAR" => number(&text),
        "FLOAT" | "DOUBLE" => text.parse().map_or_else(|_| text.into(), Value::Float),
        "DECIMAL" => exact(&text),
        _ => text.into(),
    })
}
