//! Real Salt's own returner modules and ours on the same stores, in both directions.
//!
//! With `HALITE_SALT_PYTHON` set to a Python that has Salt, the modules run, and `tests/oracle/stores` gets what they read of
//! our job, what lay in the store then, and what lay there when they had written a job of their own. Without Salt the
//! other test takes these: ours must still write what Salt could read, and read what Salt wrote.

use super::super::stores::open;
use super::shelves::{Dump, Shelf};
use super::*;
use serde_json::{Value as Json, json};
use std::process::Command;
use std::sync::Arc;

const OURS: &str = "20261121031502123456";
const SALTS: &str = "20261121031503000000";

/// Jobs of the same moment, as `unique_jid` has them.
const UNIQUE: Pair = ("20261121031502123456_77", "20261121031502123456_1234");

/// The job written here, and the one Salt writes.
type Pair = (&'static str, &'static str);

/// Stores whose Salt modules are known to work, in the order of their names.
const NAMES: [&str; 8] =
    ["etcd", "local_cache", "memcache", "mysql", "pgjsonb", "postgres", "postgres_local_cache", "redis"];

/// Those this build has the drivers for.
fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().filter(|name| crate::drivers::missing_for(name).is_none())
}

fn file_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/oracle/stores/{name}.json"))
}

/// What Salt says of the job that was written here, after it has written one of its own.
fn salt(python: &str, name: &str, opts: &Map, (ours, salts): Pair) -> Json {
    let opts: Json = serde_json::from_str(&json::encode(&Value::Map(opts.clone()))).unwrap();
    let task = json!({"opts": opts, "read": ours, "write": salts}).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/record_stores.py");
    let done = Command::new(python).arg(script).args([name, &task]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name}: {said}");
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {said}"))
}

/// The store of this name on this server, with its tables.
async fn store_on(shelf: &Shelf, name: &str) -> Arc<dyn JobStore> {
    let opts = shelf.opts();
    let store = open(name, Options { opts: &opts, name, set: None, kwargs: None }).unwrap();
    store.init().await.unwrap();
    store
}

/// Writes our job.
async fn write(store: &dyn JobStore, jid: &str) {
    let (request, targets) = (request("test.echo"), ids(["a", "süd"]));
    let job =
        NewJob { request: &request, targets: &targets, admitted: 2, wanted: Some(jid.parse().unwrap()) };
    let jid = store.begin(job).await.unwrap();
    let value: Map = [("k", Value::from("é 😀 '; --")), ("n", 1.5.into())].into_iter().collect();
    let saved = [
        StoredReturn::new(jid, &request, &record("a", value)),
        StoredReturn::new(jid, &request, &returned("süd", "no", 3)),
    ];
    store.save_returns(&saved).await.unwrap();
    store.finish(jid).await.unwrap();
}

/// What Salt must have seen of it.
fn salt_saw_it(name: &str, seen: &Json) {
    assert_eq!(seen["load"]["fun"], "test.echo", "{name}: {seen}");
    assert_eq!(seen["returns"]["a"]["return"]["k"], "é 😀 '; --", "{name}: {seen}");
    // Salt's module for etcd gives the returns alone.
    if name != "etcd" {
        assert_eq!(seen["returns"]["süd"]["retcode"], 3, "{name}: {seen}");
    }
}

/// Reads the job Salt wrote.
async fn read(name: &str, store: &dyn JobStore, (ours, salts): Pair) {
    let theirs: Jid = salts.parse().unwrap();
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
    let listed: Vec<_> = store.list().await.unwrap().iter().map(|job| job.jid.to_string()).collect();
    let mut both = [ours, salts];
    both.sort_unstable();
    assert_eq!(listed, both, "{name}");
}

/// A dump with texts and packed values taken apart, and without what differs from run to run: which process ran the job,
/// and when.
fn timeless(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let differs =
                |key: &str| matches!(key, "halite" | "added" | "alter_time" | "started" | "ended" | "_stamp");
            let kept = map.iter().filter(|(key, _)| !differs(key) && !key.ends_with("/endtime"));
            kept.map(|(key, value)| (key.clone(), timeless(value))).collect()
        }
        Json::Array(all) => all.iter().map(timeless).collect(),
        Json::String(text) => taken_apart(text).map_or_else(|| value.clone(), |inner| timeless(&inner)),
        _ => value.clone(),
    }
}

/// What is in a text of JSON, or in base64 of something packed; both are maps or lists, or a text of one.
fn taken_apart(text: &str) -> Option<Json> {
    let is_more = |inner: &Json| inner.is_object() || inner.is_array();
    if let Some(inner) = serde_json::from_str(text).ok().filter(is_more) {
        return Some(inner);
    }
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok()?;
    let value = halite_wire::message::decode_value(&bytes).ok()?;
    let inner: Json = serde_json::from_str(&json::encode(&value)).ok()?;
    (is_more(&inner) || inner.is_string()).then_some(inner)
}

/// Both jobs in one store; what Salt reads and writes there is kept in `file`.
async fn both_ways(python: &str, name: &str, jids: Pair, file: PathBuf) {
    let shelf = Shelf::new(name);
    let store = store_on(&shelf, name).await;
    write(&*store, jids.0).await;
    let ours = shelf.dump().await;
    let mut seen = salt(python, name, &shelf.opts(), jids);
    salt_saw_it(name, &seen);
    if let Some(load) = seen["load"].as_object_mut() {
        load.remove("halite");
    }
    read(name, &*store, jids).await;
    let both = shelf.dump().await;
    let all = json!({"salt_read": seen, "ours": timeless(&json!(ours)), "with_salts": both});
    std::fs::write(file, format!("{all:#}\n")).unwrap();
}

#[tokio::test]
#[ignore = "needs a Python with Salt: HALITE_SALT_PYTHON"]
async fn real_salt_reads_and_writes_the_same_stores() {
    let Ok(python) = std::env::var("HALITE_SALT_PYTHON") else { return };
    for name in names() {
        both_ways(&python, name, (OURS, SALTS), file_of(name)).await;
    }
}

#[tokio::test]
#[ignore = "needs a Python with Salt: HALITE_SALT_PYTHON"]
async fn real_salt_reads_and_writes_jobs_of_unique_jid() {
    let Ok(python) = std::env::var("HALITE_SALT_PYTHON") else { return };
    both_ways(&python, "local_cache", UNIQUE, file_of("unique_jid")).await;
}

#[tokio::test]
async fn what_salt_could_read_is_still_what_is_written_and_what_salt_wrote_is_read() {
    for name in names() {
        let recorded: Json = serde_json::from_str(&std::fs::read_to_string(file_of(name)).unwrap()).unwrap();
        salt_saw_it(name, &recorded["salt_read"]);
        let shelf = Shelf::new(name);
        let store = store_on(&shelf, name).await;
        write(&*store, OURS).await;
        assert_eq!(timeless(&json!(shelf.dump().await)), recorded["ours"], "{name}");

        let shelf = Shelf::new(name);
        let store = store_on(&shelf, name).await;
        let dump: Dump = serde_json::from_value(recorded["with_salts"].clone()).unwrap();
        shelf.restore(&dump).await;
        read(name, &*store, (OURS, SALTS)).await;
    }
}

#[tokio::test]
async fn jobs_of_unique_jid_in_salts_cache_are_read_and_go_through_sqlite_and_back_to_the_byte() {
    let recorded: Json =
        serde_json::from_str(&std::fs::read_to_string(file_of("unique_jid")).unwrap()).unwrap();
    salt_saw_it("local_cache", &recorded["salt_read"]);
    let dump: Dump = serde_json::from_value(recorded["with_salts"].clone()).unwrap();
    let shelf = Shelf::new("local_cache");
    shelf.restore(&dump).await;
    let cache = store_on(&shelf, "local_cache").await;
    read("local_cache", &*cache, UNIQUE).await;

    let (dir, back) = (TempDir::new(), Shelf::new("local_cache"));
    let sqlite = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(migrate(&*cache, &sqlite).await.unwrap(), (2, 4));
    read("sqlite", &sqlite, UNIQUE).await;
    migrate(&sqlite, &*store_on(&back, "local_cache").await).await.unwrap();
    assert_eq!(back.dump().await, dump);
}
