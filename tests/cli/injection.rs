//! Hostile text in every field of a roster and every option: an error or harmless, never a command.

use super::kit::{Ended, User, ended, entry, hosts};
use crate::kit::client_key;
use halite_faults::{Exec, FakeHost};
use std::path::Path;
use std::sync::atomic::Ordering;

/// What would make the file `x` if any shell ever read it.
fn payloads(x: &Path) -> Vec<String> {
    let x = x.display();
    vec![
        format!(";touch {x};"),
        format!("$(touch {x})"),
        format!("`touch {x}`"),
        format!("\ntouch {x}\n"),
        format!("'\"\\ ;touch {x};'\"\\ ;touch {x}"),
        format!("-oProxyCommand=touch {x}"),
        format!("| touch {x} #"),
    ]
}

/// As a YAML text in double quotes.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('\u{7f}', "\\x7f")
}

async fn one_host() -> (Vec<FakeHost>, User) {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::of(&hosts);
    (hosts, user)
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_01_hostile_words_in_roster_fields_are_refused_by_name() {
    let (hosts, user) = one_host().await;
    let x = user.path("X");
    let fields =
        ["host", "user", "port", "priv", "sudo_user", "thin_dir", "set_path", "cmd_umask", "sudo", "timeout"];
    for payload in payloads(&x).iter().map(String::as_str).chain(["a\0b", "", "\u{1b}[2J"]) {
        let mut roster = String::new();
        for field in fields {
            // The last one counts in YAML no more than the first: a key stands once.
            let base: Vec<String> = entry(&format!("f-{field}"), &hosts[0], "")
                .lines()
                .filter(|line| !line.trim_start().starts_with(&format!("{field}:")))
                .map(str::to_owned)
                .collect();
            roster.push_str(&format!("{}\n  {field}: {}\n", base.join("\n"), quoted(payload)));
        }
        user.roster(&roster);
        let end = user.ssh(&["*", "test.ping"]).await;
        assert_eq!(end.code, Some(78), "{end:?}");
        for field in fields {
            assert!(
                end.stderr.contains(&format!("f-{field}: `{field}`")),
                "{payload:?} in {field}: {}",
                end.stderr
            );
        }
        assert!(!end.stderr.contains('\u{1b}'));
    }
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
    assert!(!x.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_04_users_and_hosts_with_metacharacters_are_refused_with_their_line() {
    let (hosts, user) = one_host().await;
    for bad in "`$\\\"'<>|;&(){} \t\n\u{1}\u{7f}".chars() {
        let text = quoted(&format!("a{bad}b"));
        let users = entry("one", &hosts[0], "").replace("user: tester", &format!("user: {text}"));
        user.roster(&format!("{users}two:\n  host: {text}\n"));
        let end = user.ssh(&["*", "test.ping"]).await;
        assert_eq!(end.code, Some(78), "{bad:?}: {end:?}");
        assert!(end.stderr.contains("roster:4:9: one: `user`"), "{bad:?}: {end:?}");
        assert!(end.stderr.contains("roster:8:9: two: `host`"), "{bad:?}: {end:?}");
    }
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_05_ids_and_hosts_that_begin_with_a_dash_are_refused() {
    let (hosts, user) = one_host().await;
    for dashed in ["-oProxyCommand=touch X", "-oProxyCommand=x", "--", "-", "-l"] {
        let id = quoted(dashed);
        user.roster(&format!("{id}:\n  user: tester\nhost:\n  host: {id}\nuser:\n  host: h\n  user: {id}\n"));
        let end = user.ssh(&["*", "test.ping"]).await;
        assert_eq!(end.code, Some(78), "{end:?}");
        for line in ["roster:1:", "roster:4:9: host: `host`", "roster:7:9: user: `user`"] {
            assert!(end.stderr.contains(line), "{dashed}: {end:?}");
        }
    }
    // Without a roster the target itself would be the address.
    std::fs::remove_file(user.path("conf/roster")).unwrap();
    for target in ["root@-oProxyCommand=x", "-oProxyCommand=x@127.0.0.1", "root@--"] {
        let end = user.ssh(&["--", target, "test.ping"]).await;
        assert!(end.code.is_some_and(|code| [2, 64, 78].contains(&code)), "{target}: {end:?}");
    }
    assert_eq!(hosts[0].connections.load(Ordering::Relaxed), 0);
}

/// One command line for each place a text can stand in.
fn command_lines(text: &str) -> Vec<Vec<&str>> {
    let option = |name| vec!["*", "test.ping", name, text];
    let mut lines: Vec<_> = [
        "--user",
        "--priv",
        "--passwd",
        "--priv-passwd",
        "--sudo-user",
        "--ssh-option",
        "--port",
        "--roster",
        "--roster-file",
        "--jid",
        "--out",
        "--timeout",
        "--max-procs",
        "--log-level",
        "--trust",
        "--no-parse",
    ]
    .into_iter()
    .map(option)
    .collect();
    lines.push(vec!["--sudo", "--sudo-user", text, "*", "test.ping"]);
    lines.push(vec!["--", text, "test.ping"]);
    lines.push(vec!["-L", text, "test.ping"]);
    lines.push(vec!["-E", text, "test.ping"]);
    lines.push(vec!["*", "--", text]);
    lines.push(vec!["*", "test.echo", "--", text]);
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_01_hostile_words_in_options_and_arguments_run_nothing() {
    let (hosts, user) = one_host().await;
    let x = user.path("X");
    for payload in payloads(&x) {
        let lines = command_lines(&payload);
        for some in lines.chunks(6) {
            let running: Vec<_> =
                some.iter().map(|words| tokio::spawn(ended(user.halite("ssh", words)))).collect();
            for (words, run) in some.iter().zip(running) {
                let end = run.await.unwrap();
                assert!(end.code.is_some_and(|code| code != 70 && code != 101), "{words:?}: {end:?}");
                assert!(!x.exists(), "{words:?} made the file: {end:?}");
            }
        }
    }
    drop(hosts);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_01_secrets_may_hold_anything_and_the_controller_starts_no_program() {
    let (hosts, user) = one_host().await;
    let x = user.path("X");
    for payload in payloads(&x) {
        let secrets =
            ["passwd", "sudo_passwd", "priv_passwd"].map(|key| format!("  {key}: {}\n", quoted(&payload)));
        user.roster(&entry("h00", &hosts[0], &secrets.concat()));
        let end = traced(&user, &["*", "test.echo", "--", &payload]).await;
        // No password can have a line break.
        let code = if payload.contains('\n') { 78 } else { 0 };
        assert_eq!(end.code, Some(code), "{end:?}");
        assert!(!x.exists(), "{payload:?}");
    }
}

/// Runs under `strace` and sees that nothing but the program itself is ever started.
async fn traced(user: &User, words: &[&str]) -> Ended {
    let trace = user.path("trace");
    let mut strace = user.program("strace");
    strace.args(["-f", "-qq", "-e", "trace=execve,execveat", "-o"]).arg(&trace);
    strace.arg(env!("CARGO_BIN_EXE_halite")).args(["ssh", "-c"]).arg(user.path("conf")).args(words);
    let end = ended(strace).await;
    let seen = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(seen.lines().filter(|line| line.contains("exec")).count(), 1, "{seen}");
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_01_no_way_to_run_starts_a_program_on_the_controller() {
    let (hosts, user) = one_host().await;
    let key = client_key().display().to_string();
    let lines: [&[&str]; 6] = [
        &["*", "test.ping"],
        &["-r", "*", "uname -a"],
        &["h00", "test.ping", "--priv", &key, "--key-deploy", "--passwd", "x"],
        &["*", "cmd.run", "id; uname"],
        &["-H"],
        &["nobody", "test.ping"],
    ];
    for words in lines {
        traced(&user, words).await;
    }
    drop(hosts);
}
