//! The contract kept by each kind of store, against real servers that live as long as the test.

use super::super::remote::Remote;
#[cfg(feature = "etcd")]
use super::super::stores::etcd;
use super::super::stores::{local_cache, memcache, mysql, postgres, postgres_local_cache, redis};
use super::contract::{Keeps, hand_clock, keeps_ids_with_a_process, keeps_the_contract};
use super::*;
use halite_site::{Daemon, MariaDb, Postgres};

/// The options that lead to this server.
pub(super) fn mysql_opts(server: &MariaDb) -> Map {
    Map::from([
        ("mysql.host", Value::from(MariaDb::HOST)),
        ("mysql.port", server.port.into()),
        ("mysql.user", MariaDb::USER.into()),
        ("mysql.pass", MariaDb::PASSWORD.into()),
        ("mysql.db", MariaDb::DATABASE.into()),
    ])
}

fn options<'a>(opts: &'a Map, name: &'a str) -> Options<'a> {
    Options { opts, name, set: None, kwargs: None }
}

#[tokio::test]
async fn mysql_keeps_the_contract() {
    let server = MariaDb::start().unwrap();
    let (hand, clock) = hand_clock();
    let opts = mysql_opts(&server);
    let store = Remote::with_clock(mysql::open(&options(&opts, "mysql")).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
    keeps_ids_with_a_process(&store).await;
}

/// The options that lead to this server, under what the store's options begin with.
pub(super) fn postgres_opts(server: &Postgres, name: &str) -> Map {
    let options = [
        ("host", Value::from(Postgres::HOST)),
        ("port", server.port.into()),
        ("user", Postgres::USER.into()),
        ("passwd", Postgres::PASSWORD.into()),
        ("pass", Postgres::PASSWORD.into()),
        ("db", Postgres::DATABASE.into()),
    ];
    options.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)).collect()
}

#[tokio::test]
async fn postgres_keeps_the_contract_in_both_forms() {
    for (form, name) in
        [(postgres::Form::Text, "returner.postgres"), (postgres::Form::Jsonb, "returner.pgjsonb")]
    {
        let server = Postgres::start().unwrap();
        let (hand, clock) = hand_clock();
        let opts = postgres_opts(&server, name);
        let store = Remote::with_clock(postgres::open(&options(&opts, name), form).unwrap(), clock);
        keeps_the_contract(&store, &hand, Keeps::Everything).await;
        match form {
            postgres::Form::Jsonb => keeps_ids_with_a_process(&store).await,
            postgres::Form::Text => refuses_ids_with_a_process(&store).await,
        }
    }
}

/// Salt's tables have 20 characters for an id. Nothing is cut off to make it fit.
async fn refuses_ids_with_a_process(store: &dyn JobStore) {
    let (request, wanted) = (request("test.ping"), "20171025203830123456_1234".parse().ok());
    let refused = store.begin(NewJob { request: &request, targets: &[], admitted: 0, wanted }).await;
    let why = refused.unwrap_err();
    assert!(matches!(why, StoreError::BadRecord { .. }), "{why:?}");
    assert!(why.to_string().contains("too long for type character varying(20)"), "{why}");
}

#[tokio::test]
async fn postgres_local_cache_keeps_the_contract() {
    let server = Postgres::start().unwrap();
    let (hand, clock) = hand_clock();
    let name = "master_job_cache.postgres";
    let opts = postgres_opts(&server, name);
    let store = Remote::with_clock(postgres_local_cache::open(&options(&opts, name)).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::TheReturn).await;
    refuses_ids_with_a_process(&store).await;
}

#[tokio::test]
async fn local_cache_keeps_the_contract() {
    let dir = TempDir::new();
    let (hand, clock) = hand_clock();
    let opts = Map::from([("cachedir", dir.path().to_str().unwrap())]);
    let store = Remote::with_clock(local_cache::open(&options(&opts, "local_cache")).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::TheReturn).await;
    keeps_ids_with_a_process(&store).await;
}

/// The options that lead to this server.
pub(super) fn daemon_opts(server: &Daemon, name: &str) -> Map {
    Map::from([
        (format!("{name}.host"), Value::from("127.0.0.1")),
        (format!("{name}.port"), server.port.into()),
    ])
}

#[tokio::test]
async fn redis_keeps_the_contract() {
    let server = Daemon::redis().unwrap();
    let (hand, clock) = hand_clock();
    let opts = daemon_opts(&server, "redis");
    let store = Remote::with_clock(redis::open(&options(&opts, "redis")).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
    keeps_ids_with_a_process(&store).await;
}

#[tokio::test]
async fn memcache_keeps_the_contract() {
    let server = Daemon::memcached().unwrap();
    let (hand, clock) = hand_clock();
    let opts = daemon_opts(&server, "memcache");
    let store = Remote::with_clock(memcache::open(&options(&opts, "memcache")).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
    keeps_ids_with_a_process(&store).await;
}

#[cfg(feature = "etcd")]
#[tokio::test]
async fn etcd_keeps_the_contract() {
    let server = Daemon::etcd().unwrap();
    let (hand, clock) = hand_clock();
    let opts = daemon_opts(&server, "etcd");
    let store = Remote::with_clock(etcd::open(&options(&opts, "etcd")).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
    keeps_ids_with_a_process(&store).await;
}

#[tokio::test]
async fn sec_11_pipes_and_links_in_a_cache_directory_are_not_followed_and_hold_nobody_up() {
    let dir = TempDir::new();
    let opts = Map::from([("cachedir", dir.path().to_str().unwrap())]);
    let store = Remote::new(local_cache::open(&options(&opts, "local_cache")).unwrap());
    let jid = begin(&store, &ids(["a", "b", "c"])).await;
    let saved: Vec<_> = ["a", "b", "c"].iter().map(|id| stored(jid, &record(id, 1))).collect();
    store.save_returns(&saved).await.unwrap();
    let find =
        std::process::Command::new("find").arg(dir.path()).args(["-name", "return.p"]).output().unwrap();
    let files = String::from_utf8(find.stdout).unwrap();
    let file_of = |id: &str| files.lines().find(|file| file.ends_with(&format!("/{id}/return.p"))).unwrap();
    for id in ["a", "b"] {
        std::fs::remove_file(file_of(id)).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(file_of("a")).status().unwrap().success());
    std::os::unix::fs::symlink(file_of("c"), file_of("b")).unwrap();
    let start = std::time::Instant::now();
    let left: Vec<_> = store.returns(jid).await.unwrap().into_iter().map(|ret| ret.id).collect();
    assert_eq!(left, ids(["c"]));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
