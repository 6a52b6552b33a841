//! How fast the stores must be. Run with `--release --ignored`; a debug build says nothing. Each figure is one line,
//! `figure: WHAT: MILLISECONDS ms (limit MILLISECONDS ms)`, which `cargo xtask bench` reads. With `HALITE_SALT_PYTHON` set to
//! a Python that has Salt, its own returner modules do the same work on the same machine, and the figures are put in
//! relation: `ratio: WHAT: RATIO x (limit RATIO x)`.

use super::stores::{mysql_opts, postgres_opts};
use super::*;
use halite_site::{MariaDb, Postgres};
use std::sync::Arc;
use std::time::Instant;

/// The middle one of `n` runs of `work`.
async fn median<F: Future<Output = ()>>(n: usize, mut work: impl FnMut() -> F) -> Duration {
    let mut times = Vec::new();
    for _ in 0..n {
        let start = Instant::now();
        work().await;
        times.push(start.elapsed());
    }
    times.sort();
    times[n / 2]
}

/// Shows a figure, and demands that it is within its limit.
fn figure(what: &str, took: Duration, limit_ms: u64) {
    use std::io::Write;
    let ms = took.as_secs_f64() * 1e3;
    let _ = writeln!(std::io::stderr(), "figure: {what}: {ms:.1} ms (limit {limit_ms} ms)");
    assert!(took <= Duration::from_millis(limit_ms), "{what}: {took:?}");
}

/// Shows how our times for 10,000 returns, written and read, stand to those of a returner of real Salt, which does a part
/// of that work. Nothing where there is no Salt.
fn beside_salt(ours: &str, times: [Duration; 2], name: &str, opts: &Map) {
    use std::io::Write;
    const RETURNS: usize = 1000;
    let Ok(python) = std::env::var("HALITE_SALT_PYTHON") else { return };
    let opts: serde_json::Value = serde_json::from_str(&json::encode(&Value::Map(opts.clone()))).unwrap();
    let task =
        serde_json::json!({"opts": opts, "jid": "20261121031504000000", "count": RETURNS, "bytes": 2048})
            .to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/time_stores.py");
    let done = std::process::Command::new(python).arg(script).args([name, &task]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name}: {said}");
    let salts: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    for (what, key, ours_took) in [("durable", "write", times[0]), ("read", "read", times[1])] {
        let salt_took = salts[key].as_f64().unwrap() * (10_000 / RETURNS) as f64;
        let ratio = ours_took.as_secs_f64() / salt_took;
        let _ = writeln!(
            std::io::stderr(),
            "ratio: {ours}: 10,000 returns of 2 KiB {what}, over the returner {name} of Salt 3007.15 ({RETURNS} of \
             them, times {}, {salt_took:.1} s): {ratio:.3} x (limit 1 x)",
            10_000 / RETURNS
        );
        assert!(key == "read" || ratio <= 1.0, "{name}: {ours_took:?} beside {salt_took} s");
    }
}

fn ten_thousand() -> Vec<MinionId> {
    ids((0..10_000).map(|n| format!("host{n}")))
}

/// Saves a return of 2 KiB of each host, in batches as a run does.
async fn save_all(store: &dyn JobStore, jid: Jid, targets: &[MinionId]) -> Duration {
    let rows: Vec<_> = targets.iter().map(|id| stored(jid, &record(id.as_str(), "x".repeat(2048)))).collect();
    let start = Instant::now();
    for batch in rows.chunks(BATCH_RECORDS_MAX) {
        store.save_returns(batch).await.unwrap();
    }
    start.elapsed()
}

/// How long the first return takes, and how long all.
async fn read_all(store: &dyn JobStore, jid: Jid) -> (Duration, Duration) {
    let (to, mut rows) = tokio::sync::mpsc::channel(256);
    let start = Instant::now();
    let reading = async {
        assert!(rows.recv().await.is_some());
        let first = start.elapsed();
        let mut count = 1;
        while rows.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 10_000);
        (first, start.elapsed())
    };
    let (sent, times) = tokio::join!(store.send_returns(jid, to), reading);
    sent.unwrap();
    times
}

#[tokio::test]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn ten_thousand_returns_in_sqlite() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let targets = ten_thousand();
    let start = Instant::now();
    let jid = begin(&store, &targets).await;
    figure("SQLite: a job of 10,000 targets begun", start.elapsed(), 200);
    let saved = save_all(&store, jid, &targets).await;
    figure("SQLite: 10,000 returns of 2 KiB durable", saved, 1500);
    let counted = median(5, || async { assert_eq!(store.counts(&[jid]).await.unwrap()[0].ok, 10_000) }).await;
    figure("SQLite: 10,000 returns counted", counted, 20);
    let (first, all) = read_all(&store, jid).await;
    figure("SQLite: the first of 10,000 returns read", first, 300);
    figure("SQLite: all of 10,000 returns read", all, 1000);
    let cache = TempDir::new();
    let opts = Map::from([("cachedir", cache.path().to_str().unwrap()), ("hash_type", "sha256")]);
    beside_salt("SQLite", [saved, all], "local_cache", &opts);
}

async fn ten_thousand_returns_in(name: &str, opts: &Map) {
    let store = open_store(name, Options { opts, name, set: None, kwargs: None }).unwrap();
    store.init().await.unwrap();
    let targets = ten_thousand();
    let jid = begin(&*store, &targets).await;
    let saved = save_all(&*store, jid, &targets).await;
    figure(&format!("{name}: 10,000 returns of 2 KiB durable"), saved, 3000);
    let (first, all) = read_all(&*store, jid).await;
    figure(&format!("{name}: the first of 10,000 returns read"), first, 300);
    if name == "mysql" {
        beside_salt(name, [saved, all], name, opts);
    }
}

#[tokio::test]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn ten_thousand_returns_in_databases() {
    let server = MariaDb::start().unwrap();
    ten_thousand_returns_in("mysql", &mysql_opts(&server)).await;
    let server = Postgres::start().unwrap();
    ten_thousand_returns_in("postgres", &postgres_opts(&server, "returner.postgres")).await;
    let server = Postgres::start().unwrap();
    ten_thousand_returns_in("pgjsonb", &postgres_opts(&server, "returner.pgjsonb")).await;
}

#[tokio::test]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn a_search_among_100_000_jobs() {
    let dir = TempDir::new();
    drop(SqliteStore::open(dir.path()).await.unwrap());
    run_sql(
        &dir,
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
         INSERT INTO jids SELECT printf('20261121%012d', i), json_object('jid', printf('20261121%012d', i),
             'tgt_type', 'glob', 'tgt', '*', 'user', 'root', 'arg', json_array('x'),
             'fun', CASE i % 100 WHEN 0 THEN 'state.apply' ELSE 'test.ping' END) FROM n",
    )
    .await;
    let store = Arc::new(SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap());
    let search = Search { functions: vec!["state.*".into()], ..Search::default() };
    let took = median(5, || async { assert_eq!(store.find(&search).await.unwrap().len(), 1000) }).await;
    figure("SQLite: 1,000 of 100,000 jobs found by function", took, 200);
    let since = "20261121000000099900".parse().ok();
    let search = Search { since, ..Search::default() };
    let took = median(5, || async { assert_eq!(store.find(&search).await.unwrap().len(), 100) }).await;
    figure("SQLite: 100 of 100,000 jobs found by time", took, 200);
}

#[tokio::test]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn an_existing_store_opens_in_3_ms_and_begins_a_job_quickly() {
    let dir = TempDir::new();
    SqliteStore::open(dir.path()).await.unwrap().close().await;
    let open = median(51, || async { drop(SqliteStore::open(dir.path()).await.unwrap()) }).await;
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let one = ids(["a"]);
    let begun = median(51, || async {
        begin(&store, &one).await;
    })
    .await;
    let pruned =
        median(51, || async { assert!(store.prune(Duration::from_secs(86_400)).await.is_ok()) }).await;
    figure("SQLite: opened", open, 3);
    figure("SQLite: a job begun", begun, 50);
    figure("SQLite: pruned, with nothing to do", pruned, 10);
}
