//! Stored and running jobs as a user looks at them, runs them again, and ends them.

use super::kit::{Ended, User, answers, ended, entry, hosts, signal, until};
use halite_faults::{Act, Exec, FakeHost};
use halite_wire::Jid;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Three hosts that answer, one of them otherwise, and one that is not there.
async fn mixed_fleet() -> (Vec<FakeHost>, User) {
    let mut all = hosts(2, &answers(vec![], "one\ntwo\nthree")).await;
    all.extend(hosts(1, &answers(vec![], "one\n2\nthree")).await);
    let user = User::of(&all);
    let entries: String =
        all.iter().enumerate().map(|(at, fake)| entry(&format!("h{at:02}"), fake, "")).collect();
    user.roster(&format!("{entries}gone:\n  host: 127.0.0.1\n  port: 1\n  user: tester\n"));
    (all, user)
}

impl User {
    pub(super) async fn jobs(&self, words: &[&str]) -> Ended {
        ended(self.halite("jobs", words)).await
    }

    async fn the_jid(&self) -> Jid {
        let listed = self.jobs(&["--out", "json", "--out-indent", "-1"]).await;
        let jobs: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        jobs[0]["jid"].as_str().unwrap().parse().unwrap()
    }
}

/// A job on all hosts whose controller is killed once a host has answered.
async fn cut_off_after_an_answer(user: &User, options: &[&str]) {
    let mut child = user.halite("ssh", &[&["*", "test.ping"], options].concat()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while user.returns_so_far().await == 0 {
        assert!(Instant::now() < deadline, "the first host never answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(&child, Signal::KILL);
    child.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_shown_grouped_compared_and_exported() {
    let (_hosts, user) = mixed_fleet().await;
    let empty = user.jobs(&[]).await;
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""), "{empty:?}");
    let run = user.ssh(&["*", "cmd.run", "cat /etc/motd", "cwd=/"]).await;
    assert_eq!(run.code, Some(69), "{run:?}");
    let jid = user.the_jid().await;

    let list = user.jobs(&[]).await;
    assert_eq!(list.code, Some(0), "{list:?}");
    let line = list.stdout.lines().nth(1).unwrap();
    assert!(list.stdout.starts_with("JID "), "{list:?}");
    assert!(line.starts_with(jid.as_str()) && line.ends_with("cmd.run 'cat /etc/motd' cwd=/"), "{line}");
    assert!(!list.stdout.contains('\x1b'), "a pipe gets no colours: {list:?}");

    let shown = user.jobs(&["last"]).await;
    assert!(shown.stdout.contains("result  3 ok, 1 gave no answer"), "{shown:?}");
    assert!(shown.stdout.contains("h00:\n    one\n    two\n    three\n"), "{shown:?}");
    let failed = user.jobs(&["show", jid.as_str(), "--failed"]).await;
    assert!(failed.stdout.contains("gone: 127.0.0.1:1: cannot be reached"), "{failed:?}");
    assert!(!failed.stdout.contains("h00:"), "{failed:?}");

    let grouped = user.jobs(&["show", "last", "--group"]).await;
    assert!(grouped.stdout.contains("2 hosts (ok): h0"), "{grouped:?}");
    assert!(
        grouped.stdout.contains("1 host (ok): h02\n      one\n    - two\n    + 2\n      three\n"),
        "{grouped:?}"
    );

    let again = user.ssh(&["h0*", "cmd.run", "other"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let diff = user.jobs(&["diff", jid.as_str(), "last"]).await;
    assert!(diff.stdout.contains("3 hosts the same: "), "{diff:?}");
    assert!(diff.stdout.contains("1 host only in the first: gone"), "{diff:?}");

    let csv = user.jobs(&["export", jid.as_str(), "--format", "csv", "--host", "h02"]).await;
    let wanted = format!("{jid},h02,cmd.run,ok,0,true,false,\"\"\"one\\n2\\nthree\"\"\"\r\n");
    assert!(csv.stdout.ends_with(&wanted), "{csv:?}");
    let junit = user.jobs(&["export", jid.as_str(), "--format", "junit"]).await;
    assert!(junit.stdout.contains("tests=\"4\" failures=\"0\" errors=\"1\""), "{junit:?}");
    let lines = user.jobs(&["export", jid.as_str()]).await;
    let ids: Vec<_> = lines
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids.len(), 4, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_searched_by_function_target_time_and_result() {
    let (_hosts, user) = mixed_fleet().await;
    user.ssh(&["h0*", "test.ping"]).await;
    user.ssh(&["*", "cmd.run", "x"]).await;
    let count = async |words: &[&str]| user.jobs(words).await.stdout.lines().skip(1).count();
    assert_eq!(count(&[]).await, 2);
    assert_eq!(count(&["--failed"]).await, 1);
    assert_eq!(count(&["--function", "test.*"]).await, 1);
    assert_eq!(count(&["--target", "h0[*]"]).await, 1);
    assert_eq!(count(&["--since", "1h"]).await, 2);
    assert_eq!(count(&["--until", "1h"]).await, 0);
    assert_eq!(count(&["-n", "1"]).await, 1);
    let wrong = user.jobs(&["--since", "soonish"]).await;
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    assert!(wrong.stderr.contains("2h"), "{wrong:?}");
    let none = user.jobs(&["show", "20010101000000000000"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    let typo = user.jobs(&["shwo", "last"]).await;
    assert!(typo.code == Some(64) && typo.stderr.contains("show"), "{typo:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_again_on_all_hosts_or_where_it_failed() {
    let (_hosts, user) = mixed_fleet().await;
    user.ssh(&["*", "cmd.run", "a b", "cwd=/", "--metadata", "{team: web}"]).await;
    let first = user.the_jid().await;
    let again = ended(user.halite("rerun", &[first.as_str(), "--out", "json", "--static"])).await;
    assert_eq!(again.code, Some(69), "{again:?}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&again.stdout).unwrap().as_object().unwrap().len(),
        4
    );
    let (second, failed) = (user.the_jid().await, ended(user.halite("rerun", &["last", "--failed"])).await);
    assert_eq!(failed.code, Some(69), "{failed:?}");
    assert!(!failed.stdout.contains("h00"), "{failed:?}");
    let store = user.store().await;
    let loads: Vec<_> = halite::jobs::JobStore::list(&store).await.unwrap();
    let call = |at: usize| loads[at].load.get("arg").cloned();
    assert!(call(0) == call(1) && call(1) == call(2) && call(0).is_some(), "{loads:?}");
    let metadata = |at: usize, key: &str| {
        loads[at].load.get("metadata").and_then(|map| map.get(key)?.as_str().map(str::to_owned))
    };
    assert_eq!(metadata(0, "team").as_deref(), Some("web"));
    assert_eq!(metadata(1, "reruns").as_deref(), Some(first.as_str()));
    assert_eq!(metadata(2, "reruns").as_deref(), Some(second.as_str()));
    let found = user.run(&["jobs.list_jobs", "search_metadata={'team': 'web'}", "--out", "json"]).await;
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), [first.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_cut_off_is_resumed_where_it_was_not_finished() {
    let mut all = hosts(1, &answers(vec![], "done")).await;
    all.extend(hosts(2, &answers(vec![Act::Sleep(Duration::from_secs(3))], "late")).await);
    let user = User::of(&all);
    cut_off_after_an_answer(&user, &["--max-procs", "1"]).await;
    let list = user.jobs(&[]).await;
    assert!(list.stdout.contains("cut off"), "{list:?}");
    let careful = ended(user.halite("resume", &["last"])).await;
    assert!(careful.stderr.contains("--may-have-run"), "{careful:?}");
    assert!(careful.stdout.is_empty() && careful.code == Some(2), "{careful:?}");
    let resumed =
        ended(user.halite("resume", &["last", "--may-have-run", "--out", "json", "--static"])).await;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let hosts: serde_json::Value = serde_json::from_str(&resumed.stdout).unwrap();
    assert_eq!(hosts, serde_json::json!({"h01": "late", "h02": "late"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asynchronous_job_gives_its_id_at_once_and_is_followed_from_elsewhere() {
    let all = hosts(3, &answers(vec![Act::Sleep(Duration::from_secs(2))], "slow answer")).await;
    let user = User::of(&all);
    let began = user.ssh(&["*", "test.ping", "--async"]).await;
    assert_eq!(began.code, Some(0), "{began:?}");
    let jid: Jid =
        began.stdout.trim_end().strip_prefix("Executed command with job ID: ").unwrap().parse().unwrap();
    assert!(user.store().await.path().exists());
    let active = user.run(&["jobs.active", "--out", "json"]).await;
    assert!(active.stdout.contains(jid.as_str()), "it runs: {active:?}");
    let followed = user.jobs(&["follow"]).await;
    assert_eq!(followed.code, Some(0), "{followed:?}");
    assert_eq!(followed.stdout.matches("slow answer").count(), 3, "{followed:?}");
    assert!(followed.stdout.contains(&format!("job {jid} done in ")), "{followed:?}");
    let log = user.path(&format!("cache/halite/async/{jid}.log"));
    until("the log is whole", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.matches("slow answer").count() == 3)
    })
    .await;
    let wrong = user.ssh(&["nobody", "test.ping", "--async"]).await;
    assert_eq!(wrong.code, Some(2), "what is wrong is said at once: {wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_stopped_from_another_terminal() {
    let all = hosts(2, &answers(vec![Act::Sleep(Duration::from_secs(60))], true)).await;
    let user = User::of(&all);
    let began = user.ssh(&["*", "test.ping", "--async"]).await;
    assert_eq!(began.code, Some(0), "{began:?}");
    let stopped = user.jobs(&["stop", "last"]).await;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    let followed = user.jobs(&["follow", "last"]).await;
    assert_eq!(followed.code, Some(69), "{followed:?}");
    assert!(followed.took < Duration::from_secs(20), "{followed:?}");
    let again = user.jobs(&["stop", "last"]).await;
    assert_eq!(again.code, Some(2), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_hosts_is_seen_and_killed_from_another_terminal() {
    let all = hosts(1, &Exec::Shell).await;
    let user = User::of(&all);
    let sleeping = user.ssh(&["*", "cmd.run", "sleep 50", "--async"]).await;
    assert_eq!(sleeping.code, Some(0), "{sleeping:?}");
    let jid = user.the_jid().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let running = user.ssh(&["*", "saltutil.running", "--out", "json", "--no-cache"]).await;
        if running.stdout.contains(jid.as_str()) && running.stdout.contains("cmd.run") {
            break;
        }
        assert!(Instant::now() < deadline, "it is never seen: {running:?}");
    }
    let found = user.ssh(&["*", "saltutil.find_job", jid.as_str(), "--out", "json", "--no-cache"]).await;
    assert!(found.stdout.contains("\"fun\": \"cmd.run\""), "{found:?}");
    let killed = user.ssh(&["*", "saltutil.kill_job", jid.as_str(), "--no-cache"]).await;
    assert_eq!(killed.code, Some(0), "{killed:?}");
    let followed = user.jobs(&["follow", jid.as_str()]).await;
    assert!(followed.took < Duration::from_secs(30) && followed.code != Some(0), "{followed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_small_job_that_was_cut_off_the_hosts_that_had_not_begun_are_known() {
    let mut all = hosts(1, &answers(vec![], "done")).await;
    all.extend(hosts(19, &answers(vec![Act::Sleep(Duration::from_secs(3))], "late")).await);
    let user = User::of(&all);
    cut_off_after_an_answer(&user, &["--max-procs", "2", "--timeout", "9"]).await;
    let resumed = ended(user.halite("resume", &["last", "--out", "json", "--static"])).await;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let hosts: serde_json::Value = serde_json::from_str(&resumed.stdout).unwrap();
    assert!((10..19).contains(&hosts.as_object().unwrap().len()), "{hosts}");
    assert!(resumed.stderr.contains("run with --timeout"), "{resumed:?}");
    for words in [&["last", "-L"][..], &["last", "--raw"], &["last", "-H"]] {
        let refused = ended(user.halite("rerun", words)).await;
        assert!(refused.code == Some(64) && refused.stderr.contains("those of the job"), "{refused:?}");
    }
}
