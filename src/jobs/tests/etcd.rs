//! etcd as a job store where it is large, asks who is there, or hangs.

use super::super::remote::Remote;
use super::super::stores::etcd::{Etcd, open};
use super::stores::daemon_opts;
use super::*;
use etcd_client::{Client, ConnectOptions};
use halite_site::Daemon;
use std::time::Instant;

fn store(server: &Daemon, more: &[(&str, &str)]) -> Remote<Etcd> {
    let mut opts = daemon_opts(server, "etcd");
    for (key, value) in more {
        opts.insert(format!("etcd.{key}"), *value);
    }
    Remote::new(open(&Options { opts: &opts, name: "etcd", set: None, kwargs: None }).unwrap())
}

#[tokio::test]
async fn etcd_gives_back_many_megabytes_at_once_and_refuses_what_is_too_long_for_its_server() {
    const MIB: usize = 1 << 20;
    let server = Daemon::etcd().unwrap();
    let store = store(&server, &[]);
    let jid = begin(&store, &ids(["a"])).await;
    for host in 0..24 {
        let large = record(&format!("host{host}"), "x".repeat(MIB));
        store.save_returns(&[stored(jid, &large)]).await.unwrap();
    }
    for length in [MIB * 7 / 4, 3 * MIB, 40 * MIB] {
        let too_large = [stored(jid, &record("large", "x".repeat(length)))];
        let error = store.save_returns(&too_large).await.unwrap_err();
        assert!(matches!(error, StoreError::BadRecord { .. }), "{length}: {error:?}");
    }
    let back = store.returns(jid).await.unwrap();
    assert_eq!(back.len(), 24);
    assert!(back.iter().all(|ret| ret.value().as_str().is_some_and(|value| value.len() == MIB)));
}

#[tokio::test]
async fn etcd_is_told_the_password_again_when_it_has_forgotten_who_is_there_and_no_error_tells_it() {
    let server = Daemon::etcd().unwrap();
    let url = [format!("http://127.0.0.1:{}", server.port)];
    let mut admin = Client::connect(&url, None).await.unwrap();
    admin.user_add("root", "canary", None).await.unwrap();
    admin.role_add("root").await.unwrap();
    admin.user_grant_role("root", "root").await.unwrap();
    admin.auth_enable().await.unwrap();
    let known = store(&server, &[("username", "root"), ("password", "canary")]);
    let jid = begin(&known, &ids(["a"])).await;
    // All tokens are forgotten by this.
    let login = ConnectOptions::new().with_user("root", "canary");
    Client::connect(&url, Some(login)).await.unwrap().auth_disable().await.unwrap();
    admin.auth_enable().await.unwrap();
    known.save_returns(&[stored(jid, &record("a", 1))]).await.unwrap();
    assert_eq!(known.returns(jid).await.unwrap().len(), 1);
    let wrong: [&[_]; 2] = [&[], &[("username", "root"), ("password", "canary2")]];
    for login in wrong {
        let error = store(&server, login).load(jid).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn etcd_that_hangs_or_is_gone_is_told_so_in_time_and_used_again_when_it_is_back() {
    let server = Daemon::etcd().unwrap();
    let store = store(&server, &[]);
    let jid = begin(&store, &ids(["a"])).await;
    server.process().freeze();
    for size in [1, 1 << 20] {
        let began = Instant::now();
        let error = store.save_returns(&[stored(jid, &record("a", "x".repeat(size)))]).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    }
    server.process().thaw();
    store.save_returns(&[stored(jid, &record("b", 1))]).await.unwrap();
    server.process().kill();
    let error = store.returns(jid).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
}
