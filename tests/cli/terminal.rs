//! What hosts send cannot drive the terminal or forge a line of the log, and loses nothing on its way to a program.

use super::kit::{Ended, User, answers, ended, entry, hello, hosts};
use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::message::FromThin;

/// Title, clear screen, clipboard, link, overwritten text, bell, C1, direction, invisible marks.
const HOSTILE: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}]52;c;QUFB\u{7}\u{1b}]8;;http://x\u{1b}\\link\u{8}\u{8}\rover\u{9b}31m\u{90}q\
                       \u{202e}reversed\u{2066}\u{200b}\u{7f}\u{0}end";

/// Runs `halite` with these words (read by a shell) on a terminal, and says what the terminal was sent.
async fn typed(user: &User, words: &str) -> Ended {
    let mut script = user.program("script");
    script.args(["-qec", &format!("{} {words}", env!("CARGO_BIN_EXE_halite")), "/dev/null"]);
    script.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    ended(script).await
}

/// `halite ssh`, with stderr aside.
async fn on_terminal(user: &User, words: &str) -> Ended {
    typed(user, &format!("ssh -c {} {words} 2>stderr", user.path("conf").display())).await
}

/// Characters that would do something on a terminal, beyond the ends of lines.
fn driving(text: &str) -> Vec<char> {
    let text = text.replace("\r\n", "\n");
    let moves = |c: &char| c.is_control() && *c != '\n';
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}');
    text.chars().filter(|c| moves(c) || turns(c)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_no_outputter_lets_a_return_drive_the_terminal() {
    let value: halite_wire::Value = HOSTILE.into();
    let map = halite_wire::Value::Map([(HOSTILE, value.clone())].into_iter().collect());
    let mut all = hosts(1, &answers(vec![], value)).await;
    all.extend(hosts(1, &answers(vec![], map)).await);
    let user = User::of(&all);
    for out in [
        "nested",
        "json",
        "jsonl",
        "yaml",
        "txt",
        "raw",
        "pprint",
        "table",
        "key",
        "newline_values_only",
        "quiet",
    ] {
        for more in ["", "--static"] {
            let end = on_terminal(&user, &format!("'*' test.ping --no-color --out {out} {more}")).await;
            assert_eq!(end.code, Some(0), "{out}: {end:?}");
            assert!(
                driving(&end.stdout).is_empty(),
                "{out} {more}: {:?} in {:?}",
                driving(&end.stdout),
                end.stdout
            );
            assert!(
                out == "quiet" || out == "key" || end.stdout.contains("reversed"),
                "{out}: {:?}",
                end.stdout
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_json_says_the_same_on_a_terminal_and_through_a_pipe() {
    let hosts = hosts(1, &answers(vec![], HOSTILE)).await;
    let user = User::of(&hosts);
    let words = "'*' test.ping --out json";
    let shown: serde_json::Value = serde_json::from_str(&on_terminal(&user, words).await.stdout).unwrap();
    let piped: serde_json::Value =
        serde_json::from_str(&user.ssh(&["*", "test.ping", "--out", "json"]).await.stdout).unwrap();
    assert_eq!(shown["h00"], HOSTILE);
    assert_eq!(piped["h00"], HOSTILE);
    let (job, returns) = {
        let store = user.store().await;
        let jobs = halite::jobs::JobStore::list(&store).await.unwrap();
        let returns = halite::jobs::JobStore::returns(&store, jobs[0].jid).await.unwrap();
        (jobs[0].clone(), returns)
    };
    assert_eq!(returns[0].value().as_str(), Some(HOSTILE));
    assert_eq!(user.listed(job.jid).await["h00"]["return"], HOSTILE);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_a_stored_job_does_not_drive_the_terminal_either() {
    let hosts = hosts(1, &answers(vec![], HOSTILE)).await;
    let user = User::of(&hosts);
    let hostile = HOSTILE.replace('\0', "");
    assert_eq!(user.ssh(&["*", "test.echo", &hostile, &format!("a={hostile}")]).await.code, Some(0));
    let (job, _) = user.the_job().await;
    for out in ["nested", "json", "yaml", "raw", "pprint"] {
        for words in [
            "jobs.list_jobs".to_owned(),
            format!("jobs.lookup_jid {}", job.jid),
            format!("jobs.print_job {}", job.jid),
        ] {
            let end = typed(
                &user,
                &format!("run -c {} {words} --no-color --out {out}", user.path("conf").display()),
            )
            .await;
            assert_eq!(end.code, Some(0), "{end:?}");
            assert!(end.stdout.contains("reversed"), "{words}: {end:?}");
            assert!(
                driving(&end.stdout).is_empty(),
                "{words} {out}: {:?} in {:?}",
                driving(&end.stdout),
                end.stdout
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_steps_that_a_host_reports_do_not_drive_the_terminal() {
    use std::time::Duration;
    let step = || Act::Frame(FromThin::Progress(HOSTILE.into()));
    let pause = || Act::Sleep(Duration::from_millis(500));
    let acts = vec![Act::Greet, hello(), step(), pause(), step(), pause(), Act::ReturnTrue];
    let hosts = hosts(1, &Exec::Acts(acts)).await;
    let user = User::of(&hosts);
    let end = typed(&user, &format!("ssh -c {} '*' test.ping", user.path("conf").display())).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.stdout.contains("h00"), "{end:?}");
    // The progress bar moves the cursor; it does none of these.
    for driving in ["\u{1b}]", "\u{7}", "\u{8}", "\u{9b}", "\u{202e}", "\u{1b}[2J"] {
        assert!(!end.stdout.contains(driving), "{driving:?} in {:?}", end.stdout);
    }
}

/// Hosts that put `text` wherever a host can put text.
async fn talkers(text: &str) -> (Vec<FakeHost>, User) {
    let said = text.as_bytes().to_vec();
    let says = |more: Vec<Act>| {
        Exec::Acts([vec![Act::Stdout(said.clone()), Act::Stderr(said.clone())], more].concat())
    };
    let log = Act::Frame(FromThin::Log(text.to_owned()));
    let scripts = [
        Script {
            banner: Some(text.to_owned()),
            exec: says(vec![Act::Exit(1), Act::Close]),
            ..Script::default()
        },
        Script {
            exec: says(vec![Act::Greet, hello(), log, Act::Stderr(said.clone()), Act::ReturnTrue]),
            ..Script::default()
        },
        Script { exec: says(vec![Act::Greet, hello(), Act::Exit(9), Act::Close]), ..Script::default() },
        Script {
            exec: says(vec![Act::Greet, hello(), Act::Frame(FromThin::ReturnPart(said.clone())), Act::Drop]),
            ..Script::default()
        },
        Script { exec: answers(vec![Act::Stdout(said.clone())], text), ..Script::default() },
    ];
    let mut all = Vec::new();
    for script in scripts {
        all.push(FakeHost::start(script).await);
    }
    let user = User::new();
    let entries: String =
        all.iter().enumerate().map(|(at, fake)| entry(&format!("t{at}"), fake, "  sudo: False\n")).collect();
    user.roster(&entries);
    user.knows(&all);
    (all, user)
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_56_no_text_of_a_host_makes_a_line_of_its_own_on_stderr() {
    let forged =
        "quiet\n[CRITICAL] forged line\r[ERROR   ] forged line\u{1b}[2J\u{85}[ERROR   ] forged line\u{2028}x";
    let (_all, user) = talkers(forged).await;
    let end = user.ssh(&["*", "test.ping", "-l", "trace"]).await;
    assert!(end.stderr.contains("forged line"), "it is told, escaped: {end:?}");
    let forged = end
        .stderr
        .lines()
        .any(|line| line.trim_start().starts_with("[CRITICAL]") || line.starts_with("[ERROR   ] forged"));
    assert!(!forged && driving(&end.stderr).is_empty(), "{:?}: {}", driving(&end.stderr), end.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_errors_that_quote_a_host_do_not_drive_the_terminal() {
    let (_all, user) = talkers(HOSTILE).await;
    for out in ["nested", "json", "txt"] {
        let end = on_terminal(&user, &format!("'*' test.ping --no-color --out {out}")).await;
        assert!(driving(&end.stdout).is_empty(), "{out}: {:?} in {:?}", driving(&end.stdout), end.stdout);
        let stderr = std::fs::read_to_string(user.path("stderr")).unwrap();
        assert!(driving(&stderr).is_empty(), "{out}: {:?} in {stderr:?}", driving(&stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_55_our_own_complaints_quote_the_user_harmlessly() {
    let user = User::new();
    user.roster("web1: 10.0.0.1\n");
    for words in [
        vec![HOSTILE_WORD, "test.ping"],
        vec!["-E", "[\u{1b}[2J", "test.ping"],
        vec!["*", "test.ping", "--out", HOSTILE_WORD],
    ] {
        let end = user.ssh(&words).await;
        assert_ne!(end.code, Some(0), "{end:?}");
        assert!(driving(&end.stderr).is_empty(), "{words:?}: {:?}", end.stderr);
    }
}

/// An argument cannot hold a NUL.
const HOSTILE_WORD: &str = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}";
