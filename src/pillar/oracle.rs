//! Side by side with real Salt: the cases of `tests/oracle/ext_pillar/*.yaml`, answered by our sources, against what
//! `record_ext_pillar.py` wrote down. Databases are real servers of their own.

use super::tests::{Room, id};
use halite_render::yaml;
use halite_site::{MariaDb, Postgres};
use halite_wire::message::PillarAsk;
use halite_wire::{Map, Value};
use std::path::Path;

/// Lays out what a case needs, and gives the configuration of its server.
type SetUp<'s> = dyn Fn(&Room, &str) -> String + 's;

fn same_as_salt(name: &str, set_up: &SetUp) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/ext_pillar");
    let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
    let cases = yaml::load(&read(format!("{name}.yaml"))).unwrap().to_value();
    let recorded: serde_json::Value = serde_json::from_str(&read(format!("{name}.json"))).unwrap();
    let mut wrong = Vec::new();
    for case in cases.as_list().unwrap() {
        let case = case.as_map().unwrap();
        let name = case.get_str("name").unwrap();
        let (salt, ours) = (&recorded["answers"][name], answer(case, set_up));
        let is_same = match (salt.get("ret"), &ours) {
            (Some(salt), Ok(ours)) => salt == ours,
            (salt, ours) => salt.is_none() && ours.is_err(),
        };
        if is_same == case.contains_key("differs") {
            wrong.push(format!("{name}\n  salt {salt}\n  ours {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn answer(case: &Map, set_up: &SetUp) -> Result<serde_json::Value, Vec<String>> {
    let room = Room::new();
    for (path, text) in case.get("files").and_then(Value::as_map).into_iter().flatten() {
        room.write(path.as_str().unwrap(), text.as_str().unwrap());
    }
    let server = case.get_str("setup").map_or_else(String::new, |sql| set_up(&room, sql));
    let args = serde_json::to_string(case.get("args").unwrap()).unwrap().replace("FOLDER", &room.at(""));
    let config = format!("{server}\next_pillar: [{{{}: {args}}}]", case.get_str("source").unwrap());
    let grains = case.get("grains").and_then(Value::as_map).cloned().unwrap_or_default();
    let host = id(case.get_str("id").unwrap_or("m1"));
    let (pillar, errors) = room.pillar(&config).compile(&host, PillarAsk { grains, ..PillarAsk::default() });
    if errors.is_empty() { Ok(serde_json::to_value(pillar).unwrap()) } else { Err(errors) }
}

fn sqlite(room: &Room, sql: &str) -> String {
    let file = room.at("pillar.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Executor};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        options.connect().await.unwrap().execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
    });
    format!("sqlite3: {{database: {file}}}")
}

#[test]
fn rows_are_what_salt_makes_of_them() {
    same_as_salt("rows", &sqlite);
}

#[test]
fn classes_are_what_salt_makes_of_them() {
    same_as_salt("saltclass", &|_, _| String::new());
}

#[test]
fn mysql_gives_what_it_gives_salt() {
    let server = MariaDb::start().unwrap();
    let (host, port, user) = (MariaDb::HOST, server.port, MariaDb::USER);
    let (password, database) = (MariaDb::PASSWORD, MariaDb::DATABASE);
    same_as_salt("mysql", &|_, sql| {
        server.sql(sql).unwrap();
        format!("mysql: {{host: {host}, port: {port}, user: {user}, pass: '{password}', db: {database}}}")
    });
}

#[test]
fn postgres_gives_what_it_gives_salt() {
    let server = Postgres::start().unwrap();
    let (host, port, user) = (Postgres::HOST, server.port, Postgres::USER);
    let (password, database) = (Postgres::PASSWORD, Postgres::DATABASE);
    same_as_salt("postgres", &|_, sql| {
        server.sql(sql).unwrap();
        // The other way to write them.
        format!(
            "postgres.host: {host}\npostgres.port: {port}\npostgres.user: {user}\npostgres.pass: '{password}'\n\
             postgres.db: {database}"
        )
    });
}

#[test]
fn a_server_that_is_gone_is_told_at_once_and_for_all_hosts() {
    let room = Room::new();
    let server = MariaDb::start().unwrap();
    let (port, user, password) = (server.port, MariaDb::USER, MariaDb::PASSWORD);
    let pillar = room.pillar(&format!(
        "mysql: {{host: 127.0.0.1, port: {port}, user: {user}, pass: '{password}'}}\n\
         ext_pillar: [{{mysql: [\"SELECT 'id', %s\"]}}]"
    ));
    let ask = || pillar.compile(&id("m1"), PillarAsk::default());
    assert_eq!(ask(), (Map::from([("id", "m1")]), Vec::new()));
    // It accepts, and never speaks: the connection that lies idle is of no use, nor is a new one.
    server.process().freeze();
    let (_, errors) = ask();
    assert!(errors[0].contains(&format!("127.0.0.1:{port}: it does not answer")), "{errors:?}");
    let began = std::time::Instant::now();
    assert_eq!(ask().1, errors);
    assert!(began.elapsed().as_secs() < 1);
    server.process().thaw();
}
