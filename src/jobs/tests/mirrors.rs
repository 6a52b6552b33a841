//! A store elsewhere, read together with the local one; and what an earlier version had noted for it.

use super::contract::{Keeps, hand_clock, keeps_the_contract};
use super::*;
use std::sync::Arc;

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
async fn jobs_that_only_the_other_store_has_are_read_there() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    let other = SqliteStore::open(elsewhere.path()).await.unwrap();
    let far = begin(&other, &ids(["a"])).await;
    other.save_returns(&[stored(far, &record("a", 1))]).await.unwrap();
    let local = SqliteStore::open(dir.path()).await.unwrap();
    let near = begin(&local, &ids(["b"])).await;
    let reader = Mirror::new(local, Arc::new(other));
    assert_eq!(reader.list().await.unwrap().iter().map(|job| job.jid).collect::<Vec<_>>(), [far, near]);
    assert_eq!(reader.returns(far).await.unwrap(), [stored(far, &record("a", 1))]);
    assert_eq!(reader.targets(near).await.unwrap(), ids(["b"]));
}

#[tokio::test]
async fn what_an_earlier_version_noted_for_another_store_is_read_until_it_is_crossed_out() {
    let dir = TempDir::new();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let jid = begin(&store, &ids(["a", "b"])).await;
    store.save_returns(&[stored(jid, &record("a", 1)), stored(jid, &record("b", 2))]).await.unwrap();
    run_sql(
        &dir,
        "INSERT INTO outbox (store, jid) SELECT 'there', jid FROM jids;
        INSERT INTO outbox (store, jid, id) SELECT 'there', jid, id FROM salt_returns WHERE id = 'b';
        INSERT INTO outbox (store, jid, id) VALUES ('there', '20200101000000000000', 'gone');",
    )
    .await;
    let gone: Jid = "20200101000000000000".parse().unwrap();
    assert_eq!(store.noted_for("there").await.unwrap(), [gone, jid]);
    assert!(store.noted_for("elsewhere").await.unwrap().is_empty());
    assert_eq!(store.noted("there", gone).await.unwrap(), None);
    let noted = store.noted("there", jid).await.unwrap().unwrap();
    assert_eq!((noted.job.jid, noted.targets), (jid, ids(["a", "b"])));
    assert_eq!(noted.returns, [stored(jid, &record("b", 2))]);
    store.cross_out("there", jid).await.unwrap();
    assert_eq!(store.noted_for("there").await.unwrap(), [gone]);
}
