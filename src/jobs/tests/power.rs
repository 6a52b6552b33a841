//! The power goes, and syncs fail: what was acknowledged is there afterwards, whatever of the rest the disk kept.
//!
//! A real process writes to a real store while strace writes down its calls, and makes syncs fail where it is told to.
//! Those calls are then put on a [`Disk`] that loses what was not synced, cut by cut.

use super::children::{CHILD, DIR, ROLE, every_return_is_there_once, println_seed, random};
use super::disk::{Disk, Event, Fate, events};
use super::*;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// How many cuts: `HALITE_CUTS`, or so many.
fn cuts() -> usize {
    std::env::var("HALITE_CUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(120)
}

/// What a process did that saved so many jobs, with what strace is told to inject; `None` where nobody may trace here.
fn recorded(jobs: usize, inject: Option<&str>) -> Option<Vec<Event>> {
    const CALLS: &str = "trace=write,writev,pwrite64,fsync,fdatasync,ftruncate,unlink,rename,renameat,openat";
    halite_site::ensure_packages(&["strace"], &mut std::io::sink()).unwrap();
    let (dir, log) = (TempDir::new(), TempDir::new());
    let file = log.path().join("calls");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-xx", "-s", "1000000", "-e", CALLS, "-o"]).arg(&file);
    strace.args(inject.map(|inject| format!("--inject={inject}")));
    strace.arg(std::env::current_exe().unwrap()).args(["--exact", CHILD, "--ignored", "--nocapture"]);
    strace.env(ROLE, format!("save {jobs}")).env(DIR, dir.path());
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().unwrap();
    let events = events(&std::fs::read_to_string(&file).ok()?, dir.path());
    (!events.is_empty()).then_some(events)
}

type Acknowledged = BTreeMap<Jid, Vec<String>>;

fn note(acknowledged: &mut Acknowledged, event: &Event) {
    if let Event::Said(line) = event {
        let (jid, id) = line.split_once(' ').unwrap();
        acknowledged.entry(jid.parse().unwrap()).or_default().push(id.to_owned());
    }
}

/// Opens the store as it is after a power cut; every acknowledged return must be there, once and as it was.
async fn keeps(files: BTreeMap<String, Vec<u8>>, acknowledged: &Acknowledged) {
    let dir = TempDir::new();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let store = SqliteStore::open(dir.path()).await.unwrap();
    for (jid, ids) in acknowledged {
        every_return_is_there_once(&store, *jid, ids).await;
    }
}

fn any_fate(seed: &mut u64) -> Fate {
    match random(seed) % 4 {
        0 => Fate::Kept,
        1 => Fate::Lost,
        _ => Fate::Torn(random(seed)),
    }
}

/// Cuts the power `count` times, at moments spread over all events: each moment with everything lost that may be, and
/// with a random part of it.
async fn survives_cuts(events: &[Event], count: usize, mut disk: Disk) {
    let mut seed = u64::from(std::process::id()) | 1 << 40;
    println_seed(seed);
    let mut acknowledged = Acknowledged::new();
    let every = (2 * events.len()).div_ceil(count).max(1) as u64;
    for event in events {
        disk.happen(event);
        note(&mut acknowledged, event);
        if random(&mut seed).is_multiple_of(every) {
            keeps(disk.after_power_cut(|| Fate::Lost), &acknowledged).await;
            keeps(disk.after_power_cut(|| any_fate(&mut seed)), &acknowledged).await;
        }
    }
    keeps(disk.after_power_cut(|| Fate::Lost), &acknowledged).await;
}

#[tokio::test]
async fn ctl_04_writes_that_are_lost_or_torn_take_nothing_acknowledged_with_them() {
    let Some(events) = recorded(3, None) else { return };
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert!(count(|event| matches!(event, Event::Said(_))) > 1000, "the jobs were saved");
    assert!(
        count(|event| matches!(event, Event::Sync(name) if name == FILE_NAME)) > 1,
        "and checkpoints made"
    );
    survives_cuts(&events, cuts(), Disk::default()).await;
}

#[tokio::test]
async fn a_disk_that_only_says_it_synced_is_found_out() {
    let Some(events) = recorded(1, None) else { return };
    let cutting = tokio::spawn(async move {
        survives_cuts(&events, 10, Disk::that_lies()).await;
    });
    assert!(cutting.await.unwrap_err().is_panic(), "losses go unnoticed by these tests");
}

#[tokio::test]
async fn ctl_05_a_sync_that_failed_is_not_tried_again_and_believed() {
    let mut failures = 0;
    for at in ["2", "5", "8", "9", "20", "33", "50", "60..70", "40+"] {
        let inject = format!("fsync,fdatasync:error=EIO:when={at}");
        let Some(events) = recorded(2, Some(&inject)) else { return };
        failures += events.iter().filter(|event| matches!(event, Event::FailedSync(_))).count();
        survives_cuts(&events, (cuts() / 10).max(4), Disk::default()).await;
    }
    assert!(failures >= 9, "only {failures} syncs failed");
}
