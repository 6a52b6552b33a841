//! The first minute of somebody who has nothing yet.

use super::kit::{Ended, User, ended, hosts};
use crate::kit::client_key;
use halite_faults::Exec;
use tokio::process::Command;

/// A user id nobody has.
const NOBODY: u32 = 54_321;

/// `halite` for a user without rights and without any configuration, in a home of their own.
fn unprivileged(user: &User, words: &[&str]) -> Command {
    // A copy: the folder this was built in may be nobody else's to enter (`/root`).
    let program = user.path("halite");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_halite"), &program).unwrap();
    }
    let mut halite = user.program(&program.to_string_lossy());
    halite.args(words);
    as_nobody(user, &mut halite);
    halite
}

/// Where the tests run as root, the command runs as somebody else.
fn as_nobody(user: &User, command: &mut Command) {
    if rustix::process::geteuid().is_root() {
        for name in ["home", "home/.ssh", "tmp"] {
            std::os::unix::fs::chown(user.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(user.path("home"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_tells_how_to_make_a_roster_and_the_advice_works() {
    let user = User::new();
    let end = ended(unprivileged(&user, &["ssh", "*", "test.ping"])).await;
    assert_eq!(end.code, Some(2), "{end:?}");
    let advice: Vec<&str> = end.stderr.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(advice.len(), 2, "{end:?}");
    let mut shell = user.program("/bin/sh");
    shell.arg("-ec").arg(advice.join("\n"));
    as_nobody(&user, &mut shell);
    assert_eq!(ended(shell).await.code, Some(0), "{advice:?}");
    let end = ended(unprivileged(&user, &["ssh", "-H"])).await;
    assert!(end.code == Some(0) && end.stdout.contains("web1"), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_reached_without_root_roster_or_configuration() {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::new();
    let key = user.path("home/.ssh/id_ed25519");
    std::fs::copy(client_key(), &key).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&key, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let port = hosts[0].addr.port().to_string();
    let target = format!("u{port}@127.0.0.1");
    let words = ["ssh", &target, "test.ping", "--port", &port, "-i"];
    let end = ended(unprivileged(&user, &words)).await;
    for place in ["/var/tmp", "/tmp", "/dev/shm"] {
        let _ = std::fs::remove_dir_all(format!("{place}/.halite-u{port}"));
    }
    assert!(end.code == Some(0) && end.stdout.contains("True"), "{end:?}");
    let jobs = ended(unprivileged(&user, &["run", "jobs.list_jobs"])).await;
    assert!(jobs.code == Some(0) && jobs.stdout.contains("test.ping"), "{jobs:?}");
    assert!(user.path("home/.cache/halite/jobs/jobs.sqlite").exists());
}

async fn said(words: &[&str]) -> Ended {
    let user = User::new();
    let mut halite = user.program(env!("CARGO_BIN_EXE_halite"));
    ended(std::mem::replace(halite.args(words), Command::new("true"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn help_teaches_with_examples() {
    let end = said(&["ssh", "--help"]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    for part in ["Examples:", "halite ssh '*' test.ping", "--askpass", "Exit codes", "roster"] {
        assert!(end.stdout.contains(part), "{part:?} is missing: {}", end.stdout);
    }
    let end = said(&["--help"]).await;
    assert!(end.code == Some(0) && end.stdout.contains("First steps:"), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_function_is_met_with_the_nearest_names_and_code_20() {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::of(&hosts);
    for (function, nearest) in
        [("test.pong", "test.ping"), ("cmd.rum", "cmd.run"), ("grain.items", "grains.items")]
    {
        let end = user.ssh(&["*", function]).await;
        assert!(end.code == Some(20) && end.stdout.contains(nearest), "{function}: {end:?}");
    }
    let end = user.run(&["jobs.list_job"]).await;
    assert!(end.code == Some(64) && end.stderr.contains("jid"), "{end:?}");
    let end = user.run(&["jobs.lookup_jod", "1"]).await;
    assert!(end.code == Some(64) && end.stderr.contains("jobs.lookup_jid"), "{end:?}");
}
