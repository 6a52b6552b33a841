//! Real Salt's own returner modules and ours on the same stores, in both directions.
//!
//! With `HALITE_SALT_PYTHON` set to a Python that has Salt, the modules run, and what they said of our job is recorded in
//! `tests/oracle/stores`; without it the test ends at once.

use super::super::stores::open;
use super::stores::{daemon_opts, mysql_opts, postgres_opts};
use super::*;
use halite_site::{Daemon, MariaDb, Postgres};
use serde_json::json;
use std::process::Command;

const OURS: &str = "20261121031502123456";
const SALTS: &str = "20261121031503000000";

/// What Salt says of the job that was written here, after it has written one of its own.
fn salt(python: &str, name: &str, opts: &Map) -> serde_json::Value {
    let opts: serde_json::Value = serde_json::from_str(&json::encode(&Value::Map(opts.clone()))).unwrap();
    let task = json!({"opts": opts, "read": OURS, "write": SALTS}).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/record_stores.py");
    let done = Command::new(python).arg(script).args([name, &task]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name}: {said}");
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {said}"))
}

async fn both_ways(python: &str, name: &str, opts: &Map) {
    let store = open(name, Options { opts, name, set: None, kwargs: None }).unwrap();
    store.init().await.unwrap();
    let (request, targets) = (request("test.echo"), ids(["a", "süd"]));
    let job =
        NewJob { request: &request, targets: &targets, admitted: 2, wanted: Some(OURS.parse().unwrap()) };
    let jid = store.begin(job).await.unwrap();
    let value: Map = [("k", Value::from("é 😀 '; --")), ("n", 1.5.into())].into_iter().collect();
    let saved = [
        StoredReturn::new(jid, &request, &record("a", value)),
        StoredReturn::new(jid, &request, &returned("süd", "no", 3)),
    ];
    store.save_returns(&saved).await.unwrap();
    store.finish(jid).await.unwrap();

    let mut seen = salt(python, name, opts);
    assert_eq!(seen["load"]["fun"], "test.echo", "{name}: {seen}");
    assert_eq!(seen["returns"]["a"]["return"]["k"], "é 😀 '; --", "{name}: {seen}");
    assert_eq!(seen["returns"]["süd"]["retcode"], 3, "{name}: {seen}");
    if let Some(load) = seen["load"].as_object_mut() {
        load.remove("halite");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/oracle/stores/{name}.json"));
    std::fs::write(file, format!("{seen:#}\n")).unwrap();

    let theirs: Jid = SALTS.parse().unwrap();
    let job = store.load(theirs).await.unwrap().unwrap();
    assert_eq!(
        (job.load.get_str("fun"), job.load.get_str("user")),
        (Some("state.apply"), Some("sudo_ada")),
        "{name}"
    );
    assert_eq!(job.state(), RunState::Ended, "nobody here may call it cut off");
    let mut found = store.returns(theirs).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found.len(), 2, "{name}: {found:?}");
    assert_eq!(found[0].value().as_str(), Some("it's \"broken\"; DROP TABLE jids; --"), "{name}");
    assert_eq!(found[1].full_ret.get("success"), Some(&Value::Bool(true)), "{name}: {:?}", found[1]);
    let listed: Vec<_> = store.list().await.unwrap().iter().map(|job| job.jid).collect();
    assert_eq!(listed, [jid, theirs], "{name}");
}

#[tokio::test]
#[ignore = "needs a Python with Salt: HALITE_SALT_PYTHON"]
async fn real_salt_reads_and_writes_the_same_stores() {
    let Ok(python) = std::env::var("HALITE_SALT_PYTHON") else { return };
    let server = MariaDb::start().unwrap();
    both_ways(&python, "mysql", &mysql_opts(&server)).await;
    for (name, prefix) in [
        ("postgres", "returner.postgres"),
        ("pgjsonb", "returner.pgjsonb"),
        ("postgres_local_cache", "master_job_cache.postgres"),
    ] {
        let server = Postgres::start().unwrap();
        both_ways(&python, name, &postgres_opts(&server, prefix)).await;
    }
    let server = Daemon::redis().unwrap();
    let mut opts = daemon_opts(&server, "redis");
    opts.insert("redis.db", "0");
    both_ways(&python, "redis", &opts).await;
    let server = Daemon::memcached().unwrap();
    both_ways(&python, "memcache", &daemon_opts(&server, "memcache")).await;
    let dir = TempDir::new();
    let opts = Map::from([("cachedir", dir.path().to_str().unwrap()), ("hash_type", "sha256")]);
    both_ways(&python, "local_cache", &opts).await;
}
