//! A store behind the local one: down, hanging, killed, refusing. Nothing is lost, nothing is twice, nobody waits.

use super::super::stores;
use super::contract::{Keeps, hand_clock, keeps_the_contract};
use super::stores::mysql_opts;
use super::*;
use halite_site::MariaDb;
use std::sync::Arc;
use std::time::Instant;

/// The store called `mysql` on this server.
fn mysql(opts: &Map) -> Arc<dyn JobStore> {
    stores::open("mysql", Options { opts, name: "mysql", set: None, kwargs: None }).unwrap()
}

async fn mirror(dir: &TempDir, other: &Arc<dyn JobStore>) -> Mirror {
    Mirror::new(SqliteStore::open(dir.path()).await.unwrap(), other.clone())
}

/// Waits until nothing is due.
async fn sent(mirror: &Mirror, other: &Arc<dyn JobStore>) {
    let until = Instant::now() + Duration::from_secs(60);
    while mirror.local().outbox(&other.place()).await.unwrap().waiting > 0 {
        assert!(Instant::now() < until, "{:?}", mirror.local().outbox(&other.place()).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn rows(server: &MariaDb) -> String {
    server.sql("SELECT count(*), count(DISTINCT jid, id) FROM salt_returns").unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_mirror_keeps_the_contract() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    let (hand, clock) = hand_clock();
    let local = SqliteStore::open_with_clock(dir.path(), clock).await.unwrap();
    let shown = hand.clone();
    let clock: Clock = Box::new(move || shown.load(Ordering::SeqCst));
    let other: Arc<dyn JobStore> =
        Arc::new(SqliteStore::open_with_clock(elsewhere.path(), clock).await.unwrap());
    let store = Mirror::new(local, other);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
}

#[tokio::test]
async fn a_run_is_in_the_database_when_it_ends() {
    let (server, dir) = (MariaDb::start().unwrap(), TempDir::new());
    let opts = mysql_opts(&server);
    let other = mysql(&opts);
    other.init().await.unwrap();
    let store = mirror(&dir, &other).await;
    let jid = begin(&store, &ids(["a", "b"])).await;
    store.save_returns(&[stored(jid, &record("a", 1)), stored(jid, &unreachable("b"))]).await.unwrap();
    store.finish(jid).await.unwrap();
    store.settle().await;
    assert_eq!(other.load(jid).await.unwrap().unwrap().state(), RunState::Ended);
    let columns = "SELECT fun, jid, `return`, id, success FROM salt_returns ORDER BY id";
    let a_and_b = server.sql(columns).unwrap();
    let mut lines = a_and_b.lines();
    assert_eq!(lines.next(), Some(format!("test.ping\t{jid}\t1\ta\t1").as_str()));
    assert!(lines.next().unwrap().ends_with("\tb\t0"), "{a_and_b}");
    let elsewhere = TempDir::new();
    let reader = Mirror::to_read(SqliteStore::open(elsewhere.path()).await.unwrap(), other);
    assert_eq!(reader.returns(jid).await.unwrap().len(), 2, "another machine reads it");
    assert_eq!(reader.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn ctl_10_a_database_that_is_down_or_hangs_delays_nothing_and_loses_nothing() {
    let (server, dir) = (MariaDb::start().unwrap(), TempDir::new());
    let opts = mysql_opts(&server);
    let other = mysql(&opts);
    other.init().await.unwrap();
    server.process().freeze();
    let start = Instant::now();
    let store = mirror(&dir, &other).await;
    let targets = ids((0..300).map(|n| format!("host{n}")));
    let jid = begin(&store, &targets).await;
    for chunk in targets.chunks(100) {
        let batch: Vec<_> = chunk.iter().map(|id| stored(jid, &record(id.as_str(), true))).collect();
        store.save_returns(&batch).await.unwrap();
    }
    store.finish(jid).await.unwrap();
    store.settle().await;
    assert!(start.elapsed() < Duration::from_secs(2), "it was waited for: {:?}", start.elapsed());
    assert_eq!(store.returns(jid).await.unwrap().len(), 300, "all is here");
    drop(store);

    server.process().thaw();
    let next = mirror(&dir, &other).await;
    sent(&next, &other).await;
    assert_eq!(rows(&server), "300\t300");
    assert_eq!(other.load(jid).await.unwrap().unwrap().state(), RunState::Ended);
}

#[tokio::test]
async fn ctl_10_absent_tables_and_refused_records_hold_up_no_other_record() {
    let (server, dir) = (MariaDb::start().unwrap(), TempDir::new());
    let opts = mysql_opts(&server);
    let other = mysql(&opts);
    let store = mirror(&dir, &other).await;
    let jid = begin(&store, &ids(["a", "b", "c"])).await;
    store
        .save_returns(&[stored(jid, &record("a", 1)), stored(jid, &record("b", "long".repeat(9)))])
        .await
        .unwrap();
    store.settle().await;
    assert!(matches!(store.flush().await, Err(StoreError::Refused { .. })));
    assert_eq!(store.local().outbox(&other.place()).await.unwrap().waiting, 3);

    other.init().await.unwrap();
    server.sql("ALTER TABLE salt_returns MODIFY `return` varchar(30) NOT NULL").unwrap();
    store.save_returns(&[stored(jid, &record("c", 3))]).await.unwrap();
    sent(&store, &other).await;
    assert_eq!(rows(&server), "2\t2");
    let outbox = store.local().outbox(&other.place()).await.unwrap();
    assert_eq!(outbox.refused.len(), 1);
    assert_eq!((outbox.refused[0].0.as_str(), outbox.refused[0].1.as_str()), (jid.as_str(), "b"));
}

/// How often the server is killed: `HALITE_DB_KILLS`, or a few times.
fn kills() -> usize {
    std::env::var("HALITE_DB_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_10_after_kills_of_the_database_every_return_is_there_once() {
    const RETURNS: usize = 10_000;
    let (mut server, dir) = (MariaDb::start().unwrap(), TempDir::new());
    let opts = mysql_opts(&server);
    let other = mysql(&opts);
    other.init().await.unwrap();
    let store = Arc::new(mirror(&dir, &other).await);
    let targets = ids((0..RETURNS).map(|n| format!("host{n}")));
    let jid = begin(&*store, &targets).await;
    let kills = kills();
    let writer = tokio::spawn({
        let (store, targets) = (store.clone(), targets.clone());
        async move {
            for chunk in targets.chunks(RETURNS.div_ceil(4 * kills)) {
                let batch: Vec<_> =
                    chunk.iter().map(|id| stored(jid, &record(id.as_str(), "x".repeat(2048)))).collect();
                store.save_returns(&batch).await.unwrap();
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            store.finish(jid).await.unwrap();
        }
    });
    let mut seed = u64::from(std::process::id()) | 1 << 40;
    for _ in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        tokio::time::sleep(Duration::from_millis(300 + seed % 700)).await;
        server = tokio::task::spawn_blocking(move || server.kill_and_restart().map(|()| server))
            .await
            .unwrap()
            .unwrap();
    }
    writer.await.unwrap();
    sent(&store, &other).await;
    assert_eq!(rows(&server), format!("{RETURNS}\t{RETURNS}"), "missing or doubled");
}
