//! The contract of [`JobStore`]: every backend must pass [`keeps_the_contract`].

use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A clock that shows what the test puts into it.
fn hand_clock() -> (Arc<AtomicU64>, Clock) {
    let hand = Arc::new(AtomicU64::new(1_495_061_000_000_000));
    let shown = Arc::clone(&hand);
    (hand, Box::new(move || shown.load(Ordering::SeqCst)))
}

/// `store` must be empty, and go by the clock that `hand` sets.
async fn keeps_the_contract(store: &dyn JobStore, hand: &AtomicU64) {
    let jid = keeps_jobs(store).await;
    keeps_the_first_return_of_a_host(store, jid).await;
    gives_rising_ids(store, hand).await;
    honours_a_wanted_id(store).await;
    prunes(store, hand).await;
}

async fn keeps_jobs(store: &dyn JobStore) -> Jid {
    assert!(store.list().await.unwrap().is_empty());
    let mut request = request("cmd.run");
    request.kwarg.insert("cwd", "/");
    let targets = ids(["web2", "db 1", "süd", "web1"]);
    let jid = store
        .begin(NewJob { request: &request, targets: &targets, admitted: 2, wanted: None })
        .await
        .unwrap();

    let job = store.load(jid).await.unwrap().unwrap();
    assert_eq!((job.jid, job.admitted, job.state()), (jid, 2, RunState::Running));
    assert_eq!(job.load, job_load(jid, &request));
    assert_eq!(store.targets(jid).await.unwrap(), targets, "in the order of their turns");
    assert_eq!(store.list().await.unwrap(), [job]);

    store.finish(jid).await.unwrap();
    assert_eq!(store.load(jid).await.unwrap().unwrap().state(), RunState::Ended);

    let nobody: Jid = "20000101000000000000".parse().unwrap();
    assert_eq!(store.load(nobody).await.unwrap(), None);
    assert!(
        store.returns(nobody).await.unwrap().is_empty() && store.targets(nobody).await.unwrap().is_empty()
    );
    jid
}

async fn keeps_the_first_return_of_a_host(store: &dyn JobStore, jid: Jid) {
    let odd = Value::Map(Map::from([
        ("bytes", Value::Bytes(vec![0xff, 0, 0x1b])),
        ("big", Value::BigInt("123456789012345678901234567890".into())),
        ("nan", Value::Float(f64::NAN)),
        ("sql", "'; DROP TABLE jids; --\u{0}\u{10ffff}".into()),
    ]));
    let first = [stored(jid, &record("web1", odd)), stored(jid, &unreachable("db 1"))];
    store.save_returns(&first).await.unwrap();
    let again = [stored(jid, &record("web1", "another")), stored(jid, &record("süd", true))];
    store.save_returns(&again).await.unwrap();
    assert_eq!(store.returns(jid).await.unwrap(), [first[0].clone(), first[1].clone(), again[1].clone()]);
    store.save_returns(&[]).await.unwrap();
    let admitted = store.load(jid).await.unwrap().unwrap().admitted;
    assert!(admitted >= 2 + 3, "each of three hosts that are done admits another: {admitted}");
}

async fn gives_rising_ids(store: &dyn JobStore, hand: &AtomicU64) {
    let hour = 3_600_000_000;
    let mut last = begin(store, &[]).await;
    for step in [0, 0, -hour, 1, -hour, 24 * 365 * hour, -24 * 365 * hour, 0] {
        hand.fetch_add_signed(step);
        let next = begin(store, &[]).await;
        assert!(next > last, "{next} after {last}, the clock went {step} µs");
        last = next;
    }
}

trait AddSigned {
    fn fetch_add_signed(&self, by: i64);
}

impl AddSigned for AtomicU64 {
    fn fetch_add_signed(&self, by: i64) {
        let _ = self.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |at| Some(at.wrapping_add_signed(by)));
    }
}

async fn honours_a_wanted_id(store: &dyn JobStore) {
    let newest = store.list().await.unwrap().pop().unwrap().jid;
    let wanted: Jid = (newest.as_str().parse::<u128>().unwrap() + 1).to_string().parse().unwrap();
    let request = request("test.ping");
    let job = NewJob { request: &request, targets: &[], admitted: 0, wanted: Some(wanted) };
    assert_eq!(store.begin(job).await.unwrap(), wanted);
    assert!(matches!(store.begin(job).await, Err(StoreError::JidTaken(jid)) if jid == wanted));
    let next = begin(store, &[]).await;
    assert!(next > wanted, "the id somebody asked for is not given out again");
}

async fn prunes(store: &dyn JobStore, hand: &AtomicU64) {
    let old = store.list().await.unwrap();
    for job in &old[1..] {
        store.finish(job.jid).await.unwrap();
    }
    hand.store(4_000_000_000_000_000, Ordering::SeqCst);
    let running = begin(store, &ids(["a"])).await;
    hand.fetch_add(86_400_000_001, Ordering::SeqCst);
    let fresh = begin(store, &ids(["a"])).await;
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0, "zero keeps all");
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), old.len() as u64);
    let left: Vec<_> = store.list().await.unwrap().iter().map(|job| job.jid).collect();
    assert_eq!(left, [running, fresh], "old jobs that still run stay");
    assert!(
        store.returns(old[0].jid).await.unwrap().is_empty()
            && store.targets(old[0].jid).await.unwrap().is_empty()
    );

    store.finish(running).await.unwrap();
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), 0, "not twice within minutes");
    hand.fetch_add(301_000_000, Ordering::SeqCst);
    assert_eq!(store.prune(Duration::from_secs(86_400)).await.unwrap(), 1);
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let dir = TempDir::new();
    let (hand, clock) = hand_clock();
    let store = SqliteStore::open_with_clock(dir.path(), clock).await.unwrap();
    keeps_the_contract(&store, &hand).await;
}

#[tokio::test]
async fn other_programs_find_salts_tables() {
    use sqlx::{Connection, Row};
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["web1"])).await;
    store.save_returns(&[stored(jid, &record("web1", vec![1, 2]))]).await.unwrap();

    let url = format!("sqlite://{}", dir.store_file().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let row = sqlx::query("SELECT fun, jid, return, id, success, full_ret, alter_time FROM salt_returns");
    let row = row.fetch_one(&mut conn).await.unwrap();
    let columns: Vec<String> = (0..5).map(|column| row.get(column)).collect();
    assert_eq!(columns, ["test.ping", jid.as_str(), "[1,2]", "web1", "1"]);
    let full: serde_json::Value = serde_json::from_str(row.get(5)).unwrap();
    assert_eq!(full["return"], serde_json::json!([1, 2]));
    let load: String = sqlx::query("SELECT load FROM jids").fetch_one(&mut conn).await.unwrap().get(0);
    let load: serde_json::Value = serde_json::from_str(&load).unwrap();
    assert_eq!(load["arg"], serde_json::json!(["a", 7]));
}

#[tokio::test]
async fn readers_see_a_run_as_it_goes_and_an_absent_store_is_no_error() {
    let dir = TempDir::new();
    assert!(SqliteStore::open_to_read(dir.path()).await.unwrap().is_none());
    assert!(!dir.store_file().exists(), "reading makes nothing");
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let reader = SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap();
    let jid = begin(&store, &ids(["a"])).await;
    store.save_returns(&[stored(jid, &record("a", true))]).await.unwrap();
    assert_eq!(reader.returns(jid).await.unwrap().len(), 1);
    let refused = reader.finish(jid).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
}
