//! A host's sudo in all its moods. It is a script of ours, first on the host's path.

use super::kit::{Ended, User, entry, hosts, unique};
use crate::kit::{host_of, kind, ping};
use halite::fleet::outcome::{HostErrorKind, Phase};
use halite_faults::{Exec, FakeHost};
use std::os::unix::fs::PermissionsExt;

/// Reads the options as sudo does, and leaves `$prompt`, `$n` and the command to the mood.
const OPTIONS: &str = r#"#!/bin/sh
n=no; prompt=
while :; do case "$1" in
  -k|-S) shift;; -n) n=yes; shift;; -p) prompt=$2; shift 2;; -u) shift 2;; *) break;;
esac; done
"#;

/// Asks until the right password comes, three times at most.
const ASKS: &str = r#"
for turn in 1 2 3; do
  printf %s "$prompt" >&2
  IFS= read -r given || { echo "sudo: no password was provided" >&2; exit 1; }
  if [ "$given" = "$RIGHT" ]; then exec "$@"; fi
  echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2; exit 1
"#;

/// A host whose sudo is in this mood, and the user who knows its password, or another one.
pub(super) async fn host_with_sudo(mood: &str) -> FakeHost {
    let fake = hosts(1, &Exec::Shell).await.remove(0);
    let local = fake.home.join("local");
    std::fs::create_dir(&local).unwrap();
    std::fs::write(local.join("sudo"), format!("{OPTIONS}{mood}")).unwrap();
    std::fs::set_permissions(local.join("sudo"), std::fs::Permissions::from_mode(0o755)).unwrap();
    fake
}

/// A mood that wants `password`, after printing `before` on stderr.
pub(super) fn asks(password: &str, before: &str) -> String {
    format!("RIGHT={password}\n{before}\n{ASKS}")
}

async fn ping_with(fake: &FakeHost, passwd: Option<&str>, words: &[&str]) -> Ended {
    let user = User::new();
    let passwd = passwd.map_or(String::new(), |word| format!("  sudo_passwd: {word}\n"));
    user.roster(&entry("h00", fake, &format!("  sudo: True\n{passwd}")));
    user.knows([fake]);
    user.ssh(words).await
}

const PING: [&str; 4] = ["*", "test.ping", "--out", "jsonl"];

fn times(fake: &FakeHost, text: &str) -> usize {
    fake.heard.lock().unwrap().windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

#[track_caller]
fn assert_sudo_failed(end: &Ended, said: &str) {
    assert_eq!(end.code, Some(69), "{end:?}");
    assert!(
        end.stdout.contains("\"kind\": \"sudo_failed\"") && end.stdout.contains(said),
        "{said:?}: {end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_a_password_is_given_once_and_the_call_runs() {
    let lecture = "for line in 1 2 3 4 5 6 7 8 9; do echo 'We trust you have received the usual lecture. Password:' >&2; done";
    for before in ["", lecture] {
        let right = unique("right");
        let fake = host_with_sudo(&asks(&right, before)).await;
        for _ in ["push", "warm"] {
            let end = ping_with(&fake, Some(&right), &PING).await;
            assert_eq!(end.code, Some(0), "{end:?}");
        }
        // Behind the lecture, and alone.
        let raw = ping_with(&fake, Some(&right), &["-r", "*", "echo it is $((6 * 7))"]).await;
        assert!(raw.code == Some(0) && raw.stdout.contains("it is 42"), "{raw:?}");
        let asked = fake
            .commands
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .split(' ')
            .find(|word| word.ends_with(':'))
            .unwrap()
            .to_owned();
        assert!(!raw.stdout.contains(&asked), "the prompt is no part of the answer: {raw:?}");
        assert_eq!(times(&fake, &right), 3, "once for each session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_a_wrong_password_is_sent_once_and_the_host_says_sudo_failed() {
    let fake = host_with_sudo(&asks("right", "")).await;
    let wrong = unique("wrong");
    assert_sudo_failed(&ping_with(&fake, Some(&wrong), &PING).await, "refused");
    assert_eq!(times(&fake, &wrong), 1);
    let raw = ping_with(&fake, Some(&wrong), &["-r", "*", "true"]).await;
    assert_ne!(raw.code, Some(0), "{raw:?}");
    assert_eq!(times(&fake, &wrong), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_refusals_of_sudo_are_told_in_its_own_words() {
    let required = "[ $n = yes ] && { echo 'sudo: a password is required' >&2; exit 1; }; exec \"$@\"";
    let fake = host_with_sudo(required).await;
    assert_sudo_failed(&ping_with(&fake, None, &PING).await, "a password is required");
    let tty = "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1";
    let fake = host_with_sudo(tty).await;
    assert_sudo_failed(&ping_with(&fake, None, &PING).await, "you must have a tty");
    let sudoers = format!(
        "RIGHT=right\n{}",
        ASKS.replace(
            "exec \"$@\"",
            "{ echo 'tester is not in the sudoers file.  This incident will be reported.' >&2; exit 1; }"
        )
    );
    let fake = host_with_sudo(&sudoers).await;
    assert_sudo_failed(&ping_with(&fake, Some("right"), &PING).await, "not in the sudoers file");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_a_sudo_that_insists_on_a_terminal_gets_one() {
    let tty = "[ -n \"$TERM\" ] || { echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; }";
    let (free, asking) =
        (host_with_sudo(&format!("{tty}; exec \"$@\"")).await, host_with_sudo(&asks("right", tty)).await);
    let wrong = unique("wrong");
    for (fake, passwd, code) in
        [(&free, None, 0), (&asking, Some("right"), 0), (&asking, Some(wrong.as_str()), 69)]
    {
        let end = ping_with(fake, passwd, &PING).await;
        assert_eq!(end.code, Some(code), "{end:?}");
        assert_eq!(fake.commands.lock().unwrap().len() % 2, 0, "once without, once with a terminal");
    }
    assert_eq!(times(&asking, &wrong), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_a_host_without_sudo_is_told_so() {
    let fake = host_with_sudo("echo \"sh: 1: sudo: not found\" >&2; exit 127").await;
    assert_sudo_failed(&ping_with(&fake, None, &PING).await, "not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_20_a_sudo_that_hangs_ends_at_the_bootstrap_limit_without_the_password() {
    let fake = host_with_sudo("exec sleep 60").await;
    let mut host = host_of(&fake);
    host.sudo = true;
    host.sudo_passwd = Some(halite_roster::Secret::new("canary-hang".to_owned()));
    let record = ping(&host).await;
    assert!(matches!(kind(&record), HostErrorKind::Timeout { phase: Phase::Bootstrap, .. }), "{record:?}");
    assert!(!fake.heard("canary-hang"));
}
