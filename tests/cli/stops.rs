//! Signals and closed pipes: a run that is stopped ends soon and keeps the books; one that is not goes on.

use super::kit::{User, answers, entry, finish, hosts, processes_with, signal, unique, until};
use halite_faults::{Act, Exec, FakeHost, Script};
use rustix::process::Signal;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};

const HOSTS: usize = 20;

/// Each of the hosts has one record, and no other host has.
async fn assert_one_record_each(user: &User, hosts: usize) {
    let (job, returns) = user.the_job().await;
    let ids: HashSet<_> = returns.iter().map(|ret| ret.id.clone()).collect();
    assert_eq!((ids.len(), returns.len()), (hosts, hosts), "{returns:?}");
    assert!(job.ended.is_some());
    let listed = user.listed(job.jid).await;
    assert_eq!(listed.as_object().unwrap().len(), hosts, "{listed}");
}

/// Hosts with the thin in place, so that a run of a second or two is well under way.
async fn warm_hosts(count: usize) -> (Vec<FakeHost>, User) {
    let hosts = hosts(count, &Exec::Shell).await;
    let user = User::of(&hosts);
    let warm = user.ssh(&["*", "test.ping", "--no-cache"]).await;
    assert_eq!(warm.code, Some(0), "{warm:?}");
    (hosts, user)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_01_an_interrupted_run_ends_with_a_record_for_each_host_and_no_stray_process() {
    let (hosts, _) = warm_hosts(HOSTS).await;
    for (round, after) in [0, 30, 70, 120, 200, 300, 450, 600, 900, 1300].into_iter().enumerate() {
        let (user, marker) = (User::of(&hosts), unique("halite-int"));
        let sleep = format!("sleep 60; : {marker}");
        let child = user.halite("ssh", &["*", "cmd.run", &sleep, "--max-procs", "4"]).spawn().unwrap();
        let store = user.path("cache/halite/jobs/jobs.sqlite");
        until("the job is begun", || store.exists()).await;
        tokio::time::sleep(Duration::from_millis(after)).await;
        let asked = Instant::now();
        signal(&child, Signal::INT);
        let end = finish(child, asked).await;
        assert_eq!(end.code, Some(130), "round {round}: {end:?}");
        assert!(end.took < Duration::from_secs(7), "round {round}: it took {:?}", end.took);
        assert_one_record_each(&user, HOSTS).await;
        until("no process is left", || processes_with(&marker).is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_01_a_second_interrupt_ends_the_run_at_once_with_all_records() {
    // These hosts never end by themselves: the grace period would be all used.
    let hosts = hosts(6, &Exec::Acts(vec![Act::Greet, super::kit::hello(), Act::Hang])).await;
    let user = User::of(&hosts);
    let child = user.halite("ssh", &["*", "test.ping", "--max-procs", "4"]).spawn().unwrap();
    let begun = || hosts.iter().filter(|fake| fake.connections.load(Ordering::Relaxed) > 0).count();
    until("four hosts are at work", || begun() == 4).await;
    // Logging in takes its time on a busy machine.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let asked = Instant::now();
    signal(&child, Signal::INT);
    tokio::time::sleep(Duration::from_millis(200)).await;
    signal(&child, Signal::INT);
    let end = finish(child, asked).await;
    assert_eq!(end.code, Some(130), "{end:?}");
    assert!(end.took < Duration::from_secs(2), "it took {:?}", end.took);
    assert_one_record_each(&user, 6).await;
    let (_, returns) = user.the_job().await;
    let not_started =
        returns.iter().filter(|ret| ret.full_ret.get_str("reached") == Some("not_started")).count();
    assert_eq!(not_started, 2, "the two that waited: {returns:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_01_a_reader_that_sleeps_cannot_hold_a_run_that_was_interrupted_twice() {
    let hosts = hosts(2, &answers(vec![], "x".repeat(400_000))).await;
    let user = User::of(&hosts);
    // The results fill the pipe, and nobody reads.
    let child = user.halite("ssh", &["*", "test.ping"]).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let asked = Instant::now();
    let mut child = child;
    signal(&child, Signal::INT);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(child.try_wait().unwrap().is_none(), "the first lets it write to the end");
    signal(&child, Signal::INT);
    let status = tokio::time::timeout(Duration::from_secs(5), child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(4), "it took {:?}", asked.elapsed());
    assert_one_record_each(&user, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_02_sigterm_ends_a_run_like_an_interrupt() {
    let (hosts, _) = warm_hosts(4).await;
    let (user, marker) = (User::of(&hosts), unique("halite-term"));
    let sleep = format!("sleep 60; : {marker}");
    let child = user.halite("ssh", &["*", "cmd.run", &sleep]).spawn().unwrap();
    until("it runs everywhere", || {
        processes_with(&marker).lines().filter(|line| line.contains("sleep 60;")).count() >= 4
    })
    .await;
    signal(&child, Signal::TERM);
    let end = finish(child, Instant::now()).await;
    assert_eq!(end.code, Some(143), "{end:?}");
    assert!(end.took < Duration::from_secs(7), "it took {:?}", end.took);
    assert_one_record_each(&user, 4).await;
    until("no process is left", || processes_with(&marker).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_02_a_closed_terminal_and_a_closed_pipe_lose_no_return() {
    let late = answers(vec![Act::Sleep(Duration::from_millis(900))], true);
    let mut all = hosts(1, &answers(vec![], true)).await;
    all.extend(hosts(5, &late).await);
    let user = User::of(&all);
    let mut child = user.halite("ssh", &["*", "test.ping", "--out", "jsonl"]).spawn().unwrap();
    // The first line is read, as by `head -1`; then the pipe closes and the terminal goes.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some_and(|line| line.contains("h00")));
    drop(lines);
    drop(child.stderr.take());
    signal(&child, Signal::HUP);
    let end = finish(child, Instant::now()).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_one_record_each(&user, 6).await;
    let (_, returns) = user.the_job().await;
    assert!(returns.iter().all(|ret| ret.success), "{returns:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_01_an_interrupt_stops_hosts_that_are_not_reached_yet() {
    let silent = FakeHost::start(Script { hang_on_open: true, ..Script::default() }).await;
    let user = User::new();
    user.roster(&entry("slow", &silent, ""));
    user.knows([&silent]);
    let child = user.halite("ssh", &["*", "test.ping"]).spawn().unwrap();
    until("it is connected", || silent.connections.load(Ordering::Relaxed) == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    signal(&child, Signal::INT);
    let end = finish(child, asked).await;
    assert_eq!(end.code, Some(130), "{end:?}");
    assert!(end.took < Duration::from_secs(2), "it took {:?}", end.took);
    let (_, returns) = user.the_job().await;
    assert_eq!(returns[0].full_ret.get_str("reached"), Some("not_started"));
}
