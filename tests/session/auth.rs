//! Logging in, and who never gets the password.

use crate::kit::{Scratch, assert_true, host_of, kind, ping, ping_script};
use halite::fleet::outcome::HostErrorKind;
use halite_faults::{Act, Auth, Exec, FakeHost, Script};
use halite_roster::{Identity, Secret};

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_in_where_keys_do_not() {
    let fake =
        FakeHost::start(Script { auth: Auth::Password("right".to_owned()), ..Script::default() }).await;
    let mut host = host_of(&fake);
    host.passwd = secret("right");
    assert_true(&ping(&host).await);
    host.passwd = secret("wrong");
    assert!(matches!(kind(&ping(&host).await), HostErrorKind::AuthFailed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_09_questions_without_end_stop_and_hear_the_password_once() {
    let fake = FakeHost::start(Script { auth: Auth::QuestionsForEver, ..Script::default() }).await;
    let mut host = host_of(&fake);
    host.passwd = secret("canary-once");
    let record = ping(&host).await;
    assert!(matches!(kind(&record), HostErrorKind::AuthFailed(_)), "{record:?}");
    let heard = fake.heard.lock().unwrap();
    let times = heard.windows(11).filter(|window| *window == b"canary-once").count();
    assert!(times <= 2, "once for each method, not {times} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_85_only_the_keys_of_the_roster_are_offered_and_at_most_six() {
    let scratch = Scratch::new();
    let fake = FakeHost::start(Script { auth: Auth::Nobody, ..Script::default() }).await;
    let mut host = host_of(&fake);
    host.identities = (0..9)
        .map(|n| {
            let path = scratch.path(&format!("id{n}"));
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&path)
                .status();
            assert!(made.unwrap().success());
            Identity::File(path)
        })
        .collect();
    let record = ping(&host).await;
    assert!(
        matches!(kind(&record), HostErrorKind::AuthFailed(why) if why.matches("not offered").count() == 3),
        "{record:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_and_with_a_passphrase_let_in() {
    let scratch = Scratch::new();
    let fake = FakeHost::start(Script::default()).await;
    let kinds = [
        ("ed25519", "256", ""),
        ("ecdsa", "256", ""),
        ("ecdsa", "384", ""),
        ("rsa", "2048", ""),
        ("ed25519", "256", "word"),
    ];
    for (at, (kind, bits, passphrase)) in kinds.into_iter().enumerate() {
        let path = scratch.path(&format!("id{at}"));
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-b", bits, "-N", passphrase, "-a", "4", "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let mut host = host_of(&fake);
        host.identities = vec![Identity::File(path)];
        host.priv_passwd = secret(passphrase).filter(|_| !passphrase.is_empty());
        assert_true(&ping(&host).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_read_is_named() {
    let fake = FakeHost::start(Script { auth: Auth::Nobody, ..Script::default() }).await;
    let mut host = host_of(&fake);
    host.identities = vec![Identity::File("/nonexistent/id".into())];
    assert!(
        matches!(kind(&ping(&host).await), HostErrorKind::AuthFailed(why) if why.contains("/nonexistent/id"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_46_printed_prompts_harvest_no_password() {
    let prompts = [
        "Password: ",
        "[sudo] password for root: ",
        "[sudo via ansible, key=abcdef] password: ",
        "[salt:sudo:d11bd4221135c33324a6bdc09674146fbfdf519989847491e34a689369bbce23]passwd:",
        "p00000000000000000000000000000000:",
    ];
    for prompt in prompts {
        let say =
            |text: &str| vec![Act::Stdout(text.into()), Act::Stderr(text.into()), Act::Stdout(text.into())];
        let fake = FakeHost::start(Script {
            exec: Exec::Acts([say(prompt), vec![Act::Hang]].concat()),
            ..Script::default()
        })
        .await;
        let mut host = host_of(&fake);
        host.passwd = secret("canary-sudo");
        for sudo in [false, true] {
            host.sudo = sudo;
            let _ = ping(&host).await;
            assert!(!fake.heard("canary-sudo"), "{prompt:?} got the password");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_no_key_of_ours_says_what_it_takes() {
    let record = ping_script(Script { auth: Auth::Nobody, ..Script::default() }).await;
    assert!(
        matches!(kind(&record), HostErrorKind::AuthFailed(why) if why.contains("the host takes")),
        "{record:?}"
    );
}
