//! Servers (or a folder) for one kind of store each, with all that lies there as plain data: to be kept, compared, and
//! put into a fresh server.

use super::stores::{daemon_opts, mysql_opts, postgres_opts};
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_site::{Daemon, MariaDb, Postgres};
use redis::AsyncCommands;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};

/// Key, file or table: text, or rows, or bytes in base64.
pub(super) type Dump = BTreeMap<String, Json>;

pub(super) enum Shelf {
    MySql(MariaDb),
    Postgres(Postgres, &'static str),
    Redis(Daemon),
    Memcache(Daemon),
    Etcd(Daemon),
    Files(TempDir),
}

const TABLES: [&str; 2] = ["jids", "salt_returns"];

/// Columns of MySQL's tables that somebody writes.
const COLUMNS: [(&str, &[&str]); 2] =
    [("jids", &["jid", "load"]), ("salt_returns", &["fun", "jid", "return", "id", "success", "full_ret"])];

impl Shelf {
    /// A fresh one for the store of this name.
    pub fn new(name: &str) -> Shelf {
        let postgres = |prefix| Shelf::Postgres(Postgres::start().unwrap(), prefix);
        match name {
            "mysql" => Shelf::MySql(MariaDb::start().unwrap()),
            "postgres" => postgres("returner.postgres"),
            "pgjsonb" => postgres("returner.pgjsonb"),
            "postgres_local_cache" => postgres("master_job_cache.postgres"),
            "redis" => Shelf::Redis(Daemon::redis().unwrap()),
            "memcache" => Shelf::Memcache(Daemon::memcached().unwrap()),
            "etcd" => Shelf::Etcd(Daemon::etcd().unwrap()),
            "local_cache" => Shelf::Files(TempDir::new()),
            other => panic!("no server for {other}"),
        }
    }

    /// The configuration that leads there, for us and for Salt.
    pub fn opts(&self) -> Map {
        let with = |mut opts: Map, key: &str, value: Value| {
            opts.insert(key, value);
            opts
        };
        match self {
            Shelf::MySql(server) => mysql_opts(server),
            Shelf::Postgres(server, prefix) => postgres_opts(server, prefix),
            Shelf::Redis(server) => with(daemon_opts(server, "redis"), "redis.db", "0".into()),
            Shelf::Memcache(server) => daemon_opts(server, "memcache"),
            Shelf::Etcd(server) => with(daemon_opts(server, "etcd"), "etcd.require_v2", false.into()),
            Shelf::Files(dir) => {
                Map::from([("cachedir", dir.path().to_str().unwrap()), ("hash_type", "sha256")])
            }
        }
    }

    pub async fn dump(&self) -> Dump {
        match self {
            Shelf::MySql(server) => COLUMNS.map(|(table, columns)| mysql_rows(server, table, columns)).into(),
            Shelf::Postgres(server, _) => TABLES.map(|table| postgres_rows(server, table)).into(),
            Shelf::Redis(server) => redis_dump(server).await,
            Shelf::Memcache(server) => memcache_dump(server),
            Shelf::Etcd(server) => etcd_dump(server).await,
            Shelf::Files(dir) => files_dump(dir.path()),
        }
    }

    /// Puts a dump where nothing is yet, but for empty tables.
    pub async fn restore(&self, dump: &Dump) {
        for (key, value) in dump {
            match self {
                Shelf::MySql(server) => mysql_insert(server, key, value),
                Shelf::Postgres(server, _) => postgres_insert(server, key, value),
                Shelf::Redis(server) => redis_put(server, key, value).await,
                Shelf::Memcache(server) => {
                    let text = value.as_str().unwrap();
                    let said =
                        memcache_say(server, &format!("set {key} 16 0 {}\r\n{text}\r\n", text.len()), 1);
                    assert_eq!(said, "STORED\r\n");
                }
                Shelf::Etcd(server) => {
                    etcd(server, "put", json!({"key": STANDARD.encode(key), "value": value})).await;
                }
                Shelf::Files(dir) => {
                    let file = dir.path().join(key);
                    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                    std::fs::write(file, STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
                }
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mysql_rows(server: &MariaDb, table: &str, columns: &[&str]) -> (String, Json) {
    let pairs: Vec<_> = columns.iter().map(|column| format!("'{column}', `{column}`")).collect();
    let ask = format!("SELECT hex(JSON_OBJECT({})) FROM {table} ORDER BY jid", pairs.join(", "));
    let bytes = |line: &str| {
        let digit = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
        (0..line.len()).step_by(2).map(digit).collect::<Vec<u8>>()
    };
    let said = server.sql(&ask).unwrap();
    (
        table.to_owned(),
        said.lines().map(|line| serde_json::from_slice::<Json>(&bytes(line)).unwrap()).collect(),
    )
}

fn mysql_insert(server: &MariaDb, table: &str, rows: &Json) {
    for row in rows.as_array().unwrap() {
        let row = row.as_object().unwrap();
        let columns: Vec<_> = row.keys().map(|column| format!("`{column}`")).collect();
        let text =
            |value: &Json| format!("CONVERT(X'{}' USING utf8mb4)", hex(value.as_str().unwrap().as_bytes()));
        let values: Vec<_> = row.values().map(text).collect();
        let insert = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", "));
        server.sql(&insert).unwrap();
    }
}

fn postgres_rows(server: &Postgres, table: &str) -> (String, Json) {
    let said = server.sql(&format!("SELECT to_jsonb(t) FROM {table} t ORDER BY jid")).unwrap();
    (table.to_owned(), said.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()).collect())
}

fn postgres_insert(server: &Postgres, table: &str, rows: &Json) {
    for row in rows.as_array().unwrap() {
        let row = hex(row.to_string().as_bytes());
        let record = format!("jsonb_populate_record(NULL::{table}, convert_from('\\x{row}', 'UTF8')::jsonb)");
        server.sql(&format!("INSERT INTO {table} SELECT * FROM {record}")).unwrap();
    }
}

async fn redis_line(server: &Daemon) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(("127.0.0.1", server.port)).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn redis_dump(server: &Daemon) -> Dump {
    let mut line = redis_line(server).await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut line).await.unwrap();
    let mut dump = Dump::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut line).await.unwrap();
        let value = match kind.as_str() {
            "string" => json!(line.get::<_, String>(&key).await.unwrap()),
            "hash" => json!(line.hgetall::<_, BTreeMap<String, String>>(&key).await.unwrap()),
            "set" => json!(line.smembers::<_, BTreeSet<String>>(&key).await.unwrap()),
            other => panic!("{key} is a {other}"),
        };
        dump.insert(key, value);
    }
    dump
}

async fn redis_put(server: &Daemon, key: &str, value: &Json) {
    let mut line = redis_line(server).await;
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let mut put = match value {
        Json::Object(_) => redis::cmd("HSET"),
        Json::Array(_) => redis::cmd("SADD"),
        _ => redis::cmd("SET"),
    };
    put.arg(key);
    match value {
        Json::Object(hash) => hash.iter().for_each(|(field, value)| _ = put.arg(field).arg(text(value))),
        Json::Array(members) => members.iter().for_each(|member| _ = put.arg(text(member))),
        value => _ = put.arg(text(value)),
    }
    put.query_async::<()>(&mut line).await.unwrap();
}

/// Says something and hears so many lines.
fn memcache_say(server: &Daemon, words: &str, lines: usize) -> String {
    let mut line = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    line.write_all(words.as_bytes()).unwrap();
    let (mut heard, mut reading) = (String::new(), BufReader::new(line));
    (0..lines).for_each(|_| _ = reading.read_line(&mut heard).unwrap());
    heard
}

/// The keys are found as Salt finds them: by the lists of jobs and hosts.
fn memcache_dump(server: &Daemon) -> Dump {
    let get = |key: &str| {
        let mut line = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        line.write_all(format!("get {key}\r\nquit\r\n").as_bytes()).unwrap();
        let mut heard = String::new();
        line.read_to_string(&mut heard).unwrap();
        let (_, rest) = heard.strip_prefix("VALUE ")?.split_once("\r\n")?;
        rest.strip_suffix("\r\nEND\r\n").map(str::to_owned)
    };
    let list = |key: &str| -> Vec<String> {
        get(key).unwrap_or_default().split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    let (jids, hosts) = (list("jids"), list("minions"));
    let funs = ["test.echo", "state.apply"].map(str::to_owned);
    let of_hosts =
        |first: &String| hosts.iter().map(move |host| format!("{first}:{host}")).collect::<Vec<_>>();
    let mut keys = vec!["jids".to_owned(), "minions".to_owned()];
    keys.extend(jids.iter().cloned());
    keys.extend(jids.iter().chain(&funs).flat_map(of_hosts));
    keys.into_iter().filter_map(|key| get(&key).map(|value| (key, json!(value)))).collect()
}

async fn etcd(server: &Daemon, verb: &str, body: Json) -> Json {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{}/v3/kv/{verb}", server.port);
    let answer = client.post(url).body(body.to_string()).send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

async fn etcd_dump(server: &Daemon) -> Dump {
    let everything = STANDARD.encode([0]);
    let all = etcd(server, "range", json!({"key": everything, "range_end": everything})).await;
    let pair = |pair: &Json| {
        let key = STANDARD.decode(pair["key"].as_str().unwrap()).unwrap();
        (String::from_utf8(key).unwrap(), pair["value"].clone())
    };
    all["kvs"].as_array().unwrap().iter().map(pair).collect()
}

fn files_dump(dir: &Path) -> Dump {
    let mut dump = Dump::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                dump.insert(name, json!(STANDARD.encode(std::fs::read(entry.path()).unwrap())));
            }
        }
    }
    dump
}
