//! How fast the store must be. Run with `--release --ignored`; a debug build of SQLite says nothing.

use super::*;
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

#[tokio::test]
#[ignore = "measures; needs a release build and a quiet machine"]
async fn ten_thousand_returns_of_2_kib_take_at_most_1500_ms() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let targets = ids((0..10_000).map(|n| format!("host{n}")));
    let begin_at = Instant::now();
    let jid = begin(&store, &targets).await;
    let begun = begin_at.elapsed();
    let rows: Vec<_> = targets.iter().map(|id| stored(jid, &record(id.as_str(), "x".repeat(2048)))).collect();
    let start = Instant::now();
    for batch in rows.chunks(BATCH_RECORDS_MAX) {
        store.save_returns(batch).await.unwrap();
    }
    let took = start.elapsed();
    report(format!("begin with 10,000 targets {begun:?}, 10,000 returns {took:?}"));
    assert!(took < Duration::from_millis(1500), "{took:?}");
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
    report(format!("open {open:?}, begin {begun:?}, prune with nothing to do {pruned:?}"));
    assert!(open < Duration::from_millis(3), "{open:?}");
}

fn report(line: String) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
