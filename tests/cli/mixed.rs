//! Good hosts among bad ones: their results come as if they were alone.

use super::kit::{User, answers, finish, hello, hosts, until};
use halite_faults::{Act, Exec, FakeHost, Script};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};

const GOOD: usize = 17;

/// What the user gives to calls, and to each phase before them.
const LIMIT: Duration = Duration::from_secs(5);

async fn bag() -> Vec<FakeHost> {
    let mut all = hosts(GOOD, &answers(vec![], true)).await;
    let endless = vec![b'n'; 32 << 10];
    let noise = Act::Stdout(vec![b'x'; 60_000]);
    let bad = [
        answers(vec![noise.clone(), Act::Stderr(vec![b'y'; 60_000])], true),
        Exec::Acts(vec![Act::FloodStdout(endless.clone())]),
        Exec::Acts(vec![Act::Greet, hello(), Act::FloodStderr(endless)]),
        Exec::Acts(vec![Act::Greet, hello(), Act::Hang]),
        Exec::Acts(vec![Act::Hang]),
    ];
    for exec in bad {
        all.push(FakeHost::start(Script { exec, ..Script::default() }).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_05_hung_flooding_and_noisy_hosts_delay_nobody_else() {
    let all = bag().await;
    let user = User::of(&all);
    // The bad ones have their turn first, and all have it at once.
    let roster = std::fs::read_to_string(user.path("conf/roster")).unwrap();
    let mut entries: Vec<&str> = roster.split_inclusive("/thin\n").collect();
    entries.reverse();
    user.roster(&entries.concat());
    let began = Instant::now();
    let mut child = user
        .halite("ssh", &["*", "test.ping", "--timeout", "5", "--connect-timeout", "5", "--out", "jsonl"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut shown = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let kind = row["kind"].as_str().unwrap().to_owned();
        shown.push((row["id"].as_str().unwrap().to_owned(), kind, began.elapsed()));
    }
    let end = finish(child, began).await;
    assert_eq!(end.code, Some(69), "{end:?}");
    assert!(end.took < LIMIT + Duration::from_secs(2), "it took {:?}", end.took);
    let of = |id: usize| shown.iter().find(|(name, _, _)| *name == format!("h{id:02}")).unwrap();
    let good: Vec<_> = shown.iter().filter(|(_, kind, _)| kind == "ok").collect();
    assert_eq!(good.len(), GOOD + 1, "the noisy one is good: {shown:?}");
    assert!(good.iter().all(|(_, _, at)| *at < LIMIT), "before any deadline: {good:?}");
    for (id, kind) in
        [(GOOD + 1, "unsupported"), (GOOD + 2, "output_limit"), (GOOD + 3, "timeout"), (GOOD + 4, "timeout")]
    {
        assert_eq!(of(id).1, kind, "{shown:?}");
    }
    let (job, returns) = user.the_job().await;
    assert_eq!(returns.len(), all.len());
    assert!(job.ended.is_some());
    let reached = |id: usize| {
        let of = returns.iter().find(|ret| ret.id.as_str() == format!("h{id:02}")).unwrap();
        of.full_ret.get_str("reached").unwrap().to_owned()
    };
    assert_eq!(reached(GOOD + 3), "may_have_run");
    assert_eq!(reached(GOOD), "ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_28_an_answer_without_end_is_cut_at_its_limit_and_costs_no_memory() {
    use halite_wire::message::FromThin;
    // 96 MiB of parts, where 64 MiB are the limit; the frames are numbered, so each is sent once.
    let part = Act::Frame(FromThin::ReturnPart(vec![0xaa; 256 << 10]));
    let acts = [vec![Act::Greet, hello()], vec![part; 384], vec![Act::Hang]].concat();
    let hosts = hosts(1, &Exec::Acts(acts)).await;
    let user = User::of(&hosts);
    let child = user.halite("ssh", &["*", "test.ping", "--out", "jsonl"]).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let peak = std::sync::atomic::AtomicU64::new(0);
    until("it ends", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak.fetch_max(kib, std::sync::atomic::Ordering::Relaxed);
        kib == 0
    })
    .await;
    let end = finish(child, Instant::now()).await;
    assert!(end.stdout.contains("\"output_limit\""), "{end:?}");
    let peak = peak.into_inner() / 1024;
    assert!(peak < 60, "{peak} MiB for an answer of 64 MiB");
}
