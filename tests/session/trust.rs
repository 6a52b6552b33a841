//! Host keys: nobody unknown is told who we are.

use crate::kit::{Scratch, ask, assert_true, call, host_of, kind, shared_with, short};
use halite::fleet::outcome::{HostErrorKind, Record};
use halite::trust::Policy;
use halite_faults::{Auth, FakeHost, Script};
use std::path::Path;

fn asks_password() -> Script {
    Script { auth: Auth::Password("canary-password".to_owned()), ..Script::default() }
}

async fn ping_under(policy: Policy, folder: &Path, fake: &FakeHost) -> Record {
    let mut host = host_of(fake);
    host.passwd = Some(halite_roster::Secret::new("canary-password".to_owned()));
    ask(&shared_with(short(), policy, folder), &host, &call("test.ping", vec![])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_82_an_unknown_host_is_refused_and_listed_and_gets_no_secret() {
    let (scratch, fake) = (Scratch::new(), FakeHost::start(asks_password()).await);
    let record = ping_under(Policy::Strict, &scratch.0, &fake).await;
    assert!(
        matches!(kind(&record), HostErrorKind::HostKeyUnknown { fingerprint } if fingerprint.starts_with("SHA256:"))
    );
    assert_eq!(record.retcode(), 254);
    assert!(!fake.heard("canary-password"));
    let pending = std::fs::read_to_string(scratch.path("pending")).unwrap();
    assert!(pending.contains(&fake.key.split(' ').take(2).collect::<Vec<_>>().join(" ")), "{pending}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_82_a_host_accepted_on_first_use_is_known_from_then_on() {
    let (scratch, fake) = (Scratch::new(), FakeHost::start(asks_password()).await);
    assert_true(&ping_under(Policy::AcceptNew, &scratch.0, &fake).await);
    assert_true(&ping_under(Policy::Strict, &scratch.0, &fake).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_08_a_changed_key_is_refused_under_every_policy_that_looks() {
    let (scratch, fake) = (Scratch::new(), FakeHost::start(asks_password()).await);
    let other = FakeHost::start(asks_password()).await;
    let line = format!("[127.0.0.1]:{} {}\n", fake.addr.port(), other.key);
    std::fs::write(scratch.path("known_hosts"), line).unwrap();
    for policy in [Policy::Strict, Policy::AcceptNew] {
        let record = ping_under(policy, &scratch.0, &fake).await;
        assert!(
            matches!(kind(&record), HostErrorKind::HostKeyChanged { known, offered } if known != offered),
            "{record:?}"
        );
    }
    assert!(!fake.heard("canary-password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_82_a_store_that_cannot_keep_the_key_fails_closed() {
    let (scratch, fake) = (Scratch::new(), FakeHost::start(asks_password()).await);
    std::fs::create_dir(scratch.path("gone")).unwrap();
    let folder = scratch.path("gone");
    let shared = shared_with(short(), Policy::AcceptNew, &folder);
    std::fs::remove_dir(&folder).unwrap();
    std::fs::write(&folder, "a file where the folder was").unwrap();
    let record = ask(&shared, &host_of(&fake), &call("test.ping", vec![])).await;
    assert!(matches!(kind(&record), HostErrorKind::Protocol(_)), "{record:?}");
    assert!(!fake.heard("canary-password"));
}
