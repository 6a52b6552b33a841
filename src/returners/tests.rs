//! Parts of returners by themselves.

use super::outlet::wait_after;
use super::spool::{OutletName, Spool};
use super::{Item, Kind, Outlets, Settings, Wanted, find, flush, spool_dir};
use crate::config::Config;
use crate::jobs::tests::{TempDir, begin, ids, record, request, unreachable};
use crate::jobs::{Job, JobStore, Owner, SqliteStore, StoredReturn, elsewhere, job_load, undressed};
use halite_wire::{Jid, Map, Value};
use std::path::Path;
use std::time::Duration;

fn settings(name: &str, alternative: Option<&str>, opts: Map, kwargs: Map) -> Settings {
    let mut config = Config::default();
    config.opts.0 = opts;
    Settings::new(&config, find(name).unwrap().prefixes, alternative, kwargs)
}

#[test]
fn the_nearest_place_of_a_key_counts() {
    let opts = Map::from([
        ("mysql.host", Value::from("flat")),
        ("mysql.port", "3307".into()),
        ("mysql", Map::from([("user", "nested"), ("db", "")]).into()),
        ("alternative.mysql.host", "other".into()),
    ]);
    let plain = settings("mysql", None, opts.clone(), Map::new());
    assert_eq!(plain.text("host").unwrap().as_deref(), Some("flat"));
    assert_eq!(plain.text_or("user", "salt").unwrap(), "nested");
    assert_eq!(plain.text_or("db", "salt").unwrap(), "salt", "empty is not set");
    assert_eq!(plain.port_or("port", 1).unwrap(), 3307);
    let other = settings("mysql", Some("alternative"), opts.clone(), Map::new());
    assert_eq!(other.text("host").unwrap().as_deref(), Some("other"));
    assert_eq!(other.text_or("user", "salt").unwrap(), "nested", "what the set lacks is the usual one's");
    let given = settings("mysql", Some("alternative"), opts, Map::from([("host", "given")]));
    assert_eq!(given.text("host").unwrap().as_deref(), Some("given"));
}

#[test]
fn what_is_wrong_with_a_key_never_shows_its_value() {
    let opts = Map::from([
        ("slack.api_key", Value::List(vec!["canary".into()])),
        ("slack.changes", "canary".into()),
    ]);
    let slack = settings("slack", None, opts, Map::new());
    let said = format!("{:?} {:?} {slack:?}", slack.secret("api_key"), slack.flag_or("changes", false));
    assert!(said.contains("slack.api_key") && !said.contains("canary"), "{said}");
}

#[test]
fn secrets_are_cut_out_of_messages_once_they_were_read() {
    let slack = settings("slack", None, Map::from([("slack.api_key", "xoxb-canary")]), Map::new());
    slack.secret("api_key").unwrap();
    assert_eq!(slack.scrub("no such token: xoxb-canary!"), "no such token: **********!");
}

#[test]
fn waits_grow_from_seconds_to_an_hour() {
    assert_eq!([1, 2, 5].map(wait_after), [2, 4, 32].map(Duration::from_secs));
    assert_eq!([12, 40, u32::MAX].map(wait_after), [3600; 3].map(Duration::from_secs));
}

/// A spool as format 1 had it, with a return that waits and a dead letter.
const FORMAT_1: &str = "
    CREATE TABLE outlets (id INTEGER PRIMARY KEY, place TEXT NOT NULL, returner TEXT NOT NULL, config TEXT NOT NULL,
        kwargs TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '', UNIQUE (place, returner, config, kwargs));
    CREATE TABLE items (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, jid TEXT NOT NULL, id TEXT NOT NULL,
        body TEXT NOT NULL, run TEXT NOT NULL, UNIQUE (kind, jid, id));
    CREATE TABLE waiting (outlet INTEGER NOT NULL, item INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (outlet, item)) WITHOUT ROWID;
    CREATE TABLE dead (outlet INTEGER NOT NULL, item INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL, PRIMARY KEY (outlet, item)) WITHOUT ROWID;
    CREATE TABLE runs (jid TEXT PRIMARY KEY, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL)
        WITHOUT ROWID;
    INSERT INTO outlets VALUES (7, '/etc/salt', 'mysql', 'other', '', 5, 1, 'refused');
    INSERT INTO items VALUES (1, 'return', '20260101000000000000', 'a', '{}', '20260101000000000000'),
        (2, 'return', '20260101000000000000', 'b', '{}', '20260101000000000000');
    INSERT INTO waiting (outlet, item) VALUES (7, 1);
    INSERT INTO dead VALUES (7, 2, 1, 'never', 9);
    PRAGMA user_version = 1;
";

#[tokio::test]
async fn ctl_17_a_spool_of_the_format_before_is_raised_with_all_that_waits() {
    use sqlx::{ConnectOptions, Connection};
    let dir = TempDir::new();
    let file = dir.path().join("spool.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    sqlx::raw_sql(FORMAT_1).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    for _ in 0..2 {
        let spool = Spool::open(dir.path()).await.unwrap();
        let status = spool.status().await.unwrap().pop().unwrap();
        assert_eq!((status.id, status.waiting, status.dead, status.delivered), (7, 1, 1, 5));
        assert_eq!((status.name.config.as_str(), status.name.is_job_store), ("other", false));
        let name = OutletName::new(Path::new("/etc/salt"), "mysql", Some("other"), &Map::new());
        assert_eq!(spool.outlet(&name).await.unwrap(), 7);
    }
    let spool = Spool::open(dir.path()).await.unwrap();
    let store = OutletName::job_store(Path::new("/etc/salt"), "mysql");
    assert_ne!(spool.outlet(&store).await.unwrap(), 7, "a job store has a queue of its own");
}

#[tokio::test]
async fn what_an_earlier_version_kept_for_a_job_store_is_taken_over_once() {
    use sqlx::{ConnectOptions, Connection};
    let dir = TempDir::new();
    let mut config = Config { config_dir: dir.path().to_owned(), ..Config::default() };
    config.dirs.store = dir.path().join("jobs");
    let cache = dir.path().join("salt").display().to_string();
    config.opts.0 =
        Map::from([("master_job_cache", Value::from("local_cache")), ("local_cache.cachedir", cache.into())]);
    let local = SqliteStore::open(&config.dirs.store).await.unwrap();
    let jid = begin(&local, &ids(["a", "b"])).await;
    let ret = |id: &str| StoredReturn::new(jid, &request("test.ping"), &record(id, id));
    local.save_returns(&[ret("a"), ret("b")]).await.unwrap();
    let (_, there) = elsewhere(&config.opts.0).unwrap().unwrap();
    let note = format!(
        "INSERT INTO outbox (store, jid, id) VALUES ('{0}', '{jid}', NULL), ('{0}', '{jid}', 'a'), ('{0}', '{jid}', 'b');",
        there.place()
    );
    let file = config.dirs.store.join(crate::jobs::FILE_NAME);
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(note)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let wanted = Wanted::default().with_job_store("local_cache");
    for _ in 0..2 {
        Outlets::open(&config, &wanted).await.unwrap().unwrap();
        let spool = Spool::open(&spool_dir(&config)).await.unwrap();
        assert_eq!(spool.status().await.unwrap()[0].waiting, 3);
    }
    let flushed = flush(&config, None).await.unwrap().unwrap();
    assert_eq!(flushed.get("local_cache").and_then(|shown| shown.get("delivered")), Some(&3.into()));
    assert_eq!(there.targets(jid).await.unwrap(), ids(["a", "b"]));
    assert_eq!(there.returns(jid).await.unwrap().len(), 2);
}

#[test]
fn returners_are_given_what_salts_are_and_job_stores_all_of_it() {
    let request = request("test.ping");
    let jid = Jid::from_unix_micros(1);
    let owner = Owner::this();
    let mut job = Job { jid, load: job_load(jid, &request), owner, admitted: 1, ended: None };
    let begun = Item::of_job(&job, &ids(["a"]), None);
    job.ended = Some(Jid::from_unix_micros(2));
    let ended = Item::of_job(&job, &ids(["a"]), Some(Duration::from_secs(60)));
    assert!(!begun.is_end() && ended.is_end() && begun.key() != ended.key());
    assert_eq!((begun.keep(), ended.keep()), (None, Some(Duration::from_secs(60))));
    assert_eq!(undressed(jid, ended.to_map()), (job, ids(["a"])));
    let mut salts = job_load(jid, &request);
    salts.insert("Minions", Value::List(vec!["a".into()]));
    assert_eq!(ended.as_salts(), Item::Load(salts));

    let answer = Item::of_return(&StoredReturn::new(jid, &request, &record("a", 1)));
    let silence = Item::of_return(&StoredReturn::new(jid, &request, &unreachable("b")));
    assert!(answer.is_answer() && !silence.is_answer());
    assert!(answer.text("outcome") == "ok" && answer.as_salts().text("outcome").is_empty());
}

/// Whichever of them this build lacks.
#[test]
fn a_driver_that_is_not_in_this_build_is_told_with_the_way_to_get_it() {
    for name in ["mysql", "postgres_local_cache", "redis", "etcd", "mongo", "amqp", "xmpp"] {
        let definition = find(name).unwrap();
        let Some(feature) = definition.missing_feature() else { continue };
        let settings = settings(name, None, Map::new(), Map::new());
        let said = (definition.open)(&settings).err().unwrap().to_string();
        let wanted = format!(
            "it is not in this build; `cargo build --release --features {feature}` makes one that has it"
        );
        assert_eq!(said, wanted, "{name}");
        if definition.takes.contains(&Kind::Load) {
            let none = Map::new();
            let options = crate::jobs::Options { opts: &none, name: "", set: None, kwargs: None };
            let said = crate::jobs::open_store(name, options).err().unwrap().to_string();
            assert!(said.ends_with(&wanted[3..]), "{said}");
        }
    }
}
