//! What the job store holds after a process was killed, and when many processes write to it at once.

use super::kit::{User, answers, finish, hosts};
use halite::jobs::{JobStore, RunState};
use halite_faults::{Act, FakeHost};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

const KILLS: usize = 100;
const HOSTS: usize = 20;

/// Hosts with an answer of their own each; the later ones take longer.
async fn answering_hosts(count: usize) -> Vec<FakeHost> {
    let mut all = Vec::new();
    for at in 0..count {
        let wait = vec![Act::Sleep(Duration::from_millis(at as u64 * 7))];
        let value = format!("host {at} says: é \u{1b}[31m \"\\ \t 0.1 {}", "x".repeat(at * 31));
        all.extend(hosts(1, &answers(wait, value)).await);
    }
    all
}

/// Starts a run and kills it after a while; the lines it printed in full until then, and its job id.
async fn killed_run(user: &User, jid: &str, after: Duration) -> Vec<String> {
    let words = ["*", "test.ping", "--out", "jsonl", "--jid", jid];
    let mut child = user.halite("ssh", &words).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let (sender, mut printed) = mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_segment().await {
            let _ = sender.send(line);
        }
    });
    tokio::time::sleep(after).await;
    let _ = child.start_kill();
    child.wait().await.unwrap();
    reading.await.unwrap();
    let mut all = Vec::new();
    while let Ok(line) = printed.try_recv() {
        all.push(String::from_utf8(line).unwrap());
    }
    // The last one may be cut.
    all.retain(|line| line.ends_with('}'));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_03_what_was_printed_before_a_kill_is_stored_and_nothing_is_stored_twice() {
    let hosts = answering_hosts(HOSTS).await;
    let user = User::of(&hosts);
    let whole = user.ssh(&["*", "test.ping", "--no-cache"]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    // Kills fall anywhere between the start and a moment after the end, whenever that is on a busy machine.
    let mut span = u64::try_from(whole.took.as_micros()).unwrap();
    let mut acknowledged = BTreeMap::new();
    let (mut cut, mut seed) = (0, 88_172_645_463_325_252_u64);
    for round in 0..KILLS {
        // xorshift: the same times in every test run, and no pattern in them.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let jid = format!("202601010000000000{round:02}");
        let lines = killed_run(&user, &jid, Duration::from_micros(seed % span)).await;
        cut += usize::from(lines.len() < HOSTS);
        span = match lines.len() {
            0 => span + span / 20,
            HOSTS => span - span / 10,
            _ => span,
        };
        acknowledged.insert(jid, lines);
    }
    assert!(cut > KILLS / 10, "only {cut} runs were cut off");
    let printed: usize = acknowledged.values().map(Vec::len).sum();
    assert!(printed > KILLS, "only {printed} lines were printed in all");

    let began = Instant::now();
    let store = user.store().await;
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?} to open", began.elapsed());
    for (jid, lines) in &acknowledged {
        let returns = store.returns(jid.parse().unwrap()).await.unwrap();
        let ids: HashSet<_> = returns.iter().map(|ret| &ret.id).collect();
        assert_eq!(ids.len(), returns.len(), "{jid}: a host is there twice");
        for line in lines {
            let shown: serde_json::Value = serde_json::from_str(line).unwrap();
            let stored = returns.iter().find(|ret| ret.id.as_str() == shown["id"]);
            let stored = stored.unwrap_or_else(|| panic!("{jid}: was shown and is lost: {line}"));
            assert_eq!(
                stored.value().as_str().map(str::as_bytes),
                shown["return"].as_str().map(str::as_bytes)
            );
            assert_eq!(stored.full_ret.get_str("outcome"), shown["kind"].as_str());
        }
    }
    assert_cut_jobs_are_told(&user).await;
}

/// Jobs without an end are interrupted, and each of their hosts is accounted for.
async fn assert_cut_jobs_are_told(user: &User) {
    let store = user.store().await;
    let jobs = store.list().await.unwrap();
    let interrupted: Vec<_> = jobs.iter().filter(|job| job.state() == RunState::Interrupted).collect();
    assert!(!interrupted.is_empty());
    assert!(jobs.iter().all(|job| job.state() != RunState::Running));
    for job in [interrupted[0], interrupted[interrupted.len() - 1]] {
        let listed = user.listed(job.jid).await;
        assert_eq!(listed.as_object().unwrap().len(), HOSTS, "{listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctl_07_twenty_processes_on_one_store_mix_nothing_up() {
    const PROCESSES: usize = 20;
    const JOBS: usize = 4;
    let hosts = hosts(4, &answers(vec![], true)).await;
    let user = User::of(&hosts);
    for _ in 0..JOBS {
        let start = || user.halite("ssh", &["*", "test.ping", "--out", "jsonl"]).spawn().unwrap();
        let children: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
        for child in children {
            let end = finish(child, Instant::now()).await;
            assert_eq!((end.code, end.stdout.lines().count()), (Some(0), hosts.len()), "{end:?}");
        }
    }
    let store = user.store().await;
    let jobs = store.list().await.unwrap();
    let jids: HashSet<_> = jobs.iter().map(|job| job.jid).collect();
    assert_eq!((jids.len(), jobs.len()), (PROCESSES * JOBS, PROCESSES * JOBS));
    for job in jobs {
        assert_eq!(job.state(), RunState::Ended);
        assert_eq!(store.returns(job.jid).await.unwrap().len(), hosts.len());
    }
}
