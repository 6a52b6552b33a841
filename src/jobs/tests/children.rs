//! Stores shared by processes, and processes that die: the tests start this very binary again as their children.

use super::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

pub(super) const ROLE: &str = "HALITE_TEST_ROLE";
pub(super) const DIR: &str = "HALITE_TEST_DIR";

pub(super) const CHILD: &str = "jobs::tests::children::a_child_does_what_its_parent_says";

fn child(role: &str, dir: &Path) -> Child {
    child_through(Command::new(std::env::current_exe().unwrap()), role, dir)
}

fn child_through(mut command: Command, role: &str, dir: &Path) -> Child {
    command.args(["--exact", CHILD, "--ignored", "--nocapture"]);
    command.env(ROLE, role).env(DIR, dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[tokio::test]
#[ignore = "started by the other tests of this file"]
async fn a_child_does_what_its_parent_says() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else { return };
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("write", _) => write_until_killed(Path::new(&dir)).await,
        ("save", jobs) => save_what_can_be(Path::new(&dir), jobs.parse().unwrap()).await,
        ("begin", count) => begin_many(Path::new(&dir), count.parse().unwrap()).await,
        ("fill", _) => fill_the_disk(Path::new(&dir)).await,
        ("skew", micros) => begin_by_a_wrong_clock(Path::new(&dir), micros.parse().unwrap()).await,
        other => panic!("no such role: {other:?}"),
    }
}

/// One line on the real stdout, at once and whole.
fn say(line: String) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What children said, without the noise of the test harness. A line cut off by death was never said.
fn said(out: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    let mut out = BufReader::new(out);
    let mut line = String::new();
    while out.read_line(&mut line).unwrap_or(0) > 0 {
        if let Some(words) = line.strip_prefix('@').and_then(|words| words.strip_suffix('\n')) {
            lines.push(words.to_owned());
        }
        line.clear();
    }
    lines
}

/// The value host `id` of job `jid` returns: long enough to cross pages, different for each.
fn payload(jid: Jid, id: &str) -> Value {
    Value::Str(format!("{jid} {id} ").repeat(40))
}

const HOSTS: usize = 400;

async fn write_until_killed(dir: &Path) {
    let store = SqliteStore::open(dir).await.unwrap();
    loop {
        assert_eq!(save_job(&store).await, HOSTS, "all are acknowledged");
    }
}

/// Saves jobs on a disk that may fail, goes on after trouble as a run does, and closes the store.
async fn save_what_can_be(dir: &Path, jobs: usize) {
    let store = SqliteStore::open(dir).await.unwrap();
    for _ in 0..jobs {
        save_job(&store).await;
    }
    store.close().await;
}

/// One job with a return of each host, and how many of them were acknowledged.
async fn save_job(store: &SqliteStore) -> usize {
    let targets = ids((0..HOSTS).map(|n| format!("host{n}")));
    let jid = begin(store, &targets).await;
    say(format!("{jid} begun"));
    let (to_store, records) = mpsc::channel(8);
    let (kept, mut acknowledged) = mpsc::channel::<Kept>(8);
    let run = request("test.ping");
    let saving = save_as_they_come(store, jid, &run, records, kept);
    let feeding = async {
        for id in &targets {
            to_store.send(Arc::new(record(id.as_str(), payload(jid, id.as_str())))).await.unwrap();
        }
        drop(to_store);
    };
    let listening = async {
        let mut count = 0;
        while let Some(kept) = acknowledged.recv().await {
            if kept.cached {
                say(format!("{jid} {}", kept.record.minion));
                count += 1;
            }
        }
        count
    };
    let (_, (), count) = tokio::join!(saving, feeding, listening);
    let _ = store.finish(jid).await;
    count
}

/// A small generator, so that a seed repeats a run.
pub(super) fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// How often a writer is killed: `HALITE_KILLS`, or 100 times.
fn kills() -> usize {
    std::env::var("HALITE_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(100)
}

#[tokio::test]
async fn ctl_03_after_random_kills_every_acknowledged_return_is_there_once() {
    let dir = TempDir::new();
    let mut seed = u64::from(std::process::id()) | 1 << 40;
    println_seed(seed);
    let mut acknowledged = BTreeMap::<Jid, Vec<String>>::new();
    for _ in 0..kills() {
        let mut writer = child("write", dir.path());
        std::thread::sleep(Duration::from_micros(random(&mut seed) % 60_000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in said(writer.stdout.take().unwrap()) {
            let (jid, id) = line.split_once(' ').unwrap();
            acknowledged.entry(jid.parse().unwrap()).or_default().push(id.to_owned());
        }
        let start = Instant::now();
        let store = SqliteStore::open(dir.path()).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "opening took {:?}", start.elapsed());
        if let Some((jid, ids)) = acknowledged.last_key_value() {
            every_return_is_there_once(&store, *jid, ids).await;
        }
    }
    let total: usize = acknowledged.values().map(Vec::len).sum();
    assert!(total > 1000, "only {total} acknowledged: the children died before they did anything");
    let store = SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap();
    for (jid, ids) in &acknowledged {
        every_return_is_there_once(&store, *jid, ids).await;
    }
    let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["jobs.sqlite", "jobs.sqlite-shm", "jobs.sqlite-wal"], "no temporary files are left");
}

pub(super) fn println_seed(seed: u64) {
    let _ = writeln!(std::io::stderr(), "seed {seed}");
}

pub(super) async fn every_return_is_there_once(store: &SqliteStore, jid: Jid, acknowledged: &[String]) {
    let job = store.load(jid).await.unwrap().expect("a job that began is there");
    assert_ne!(job.state(), RunState::Running, "its process is dead");
    assert_eq!(store.targets(jid).await.unwrap().len(), HOSTS);
    let mut found = BTreeMap::new();
    for ret in store.returns(jid).await.unwrap() {
        assert_eq!(ret, stored(jid, &record(ret.id.as_str(), payload(jid, ret.id.as_str()))));
        assert!(found.insert(ret.id.to_string(), ()).is_none(), "{} is there twice", ret.id);
    }
    for id in acknowledged.iter().filter(|id| *id != "begun") {
        assert!(found.contains_key(id), "{jid} {id} was acknowledged and is lost");
    }
}

async fn begin_many(dir: &Path, count: usize) {
    for _ in 0..count {
        let store = SqliteStore::open(dir).await.unwrap();
        let jid = begin(&store, &ids(["a", "b"])).await;
        let returns = [stored(jid, &record("a", jid.as_str())), stored(jid, &record("b", jid.as_str()))];
        store.save_returns(&returns).await.unwrap();
        store.finish(jid).await.unwrap();
        say(jid.to_string());
    }
}

#[tokio::test]
async fn ctl_07_twenty_processes_share_one_store() {
    let dir = TempDir::new();
    let children: Vec<_> = (0..20).map(|_| child("begin 15", dir.path())).collect();
    let mut jids = Vec::new();
    for mut child in children {
        let own = said(child.stdout.take().unwrap());
        assert!(child.wait().unwrap().success(), "a process was locked out");
        assert!(own.is_sorted() && own.len() == 15, "{own:?}");
        jids.extend(own);
    }
    let total = jids.len();
    jids.sort();
    jids.dedup();
    assert_eq!((jids.len(), total), (300, 300), "an id was given twice");
    let store = SqliteStore::open_to_read(dir.path()).await.unwrap().unwrap();
    assert_eq!(store.list().await.unwrap().len(), 300);
    for jid in jids {
        let jid: Jid = jid.parse().unwrap();
        let returns = store.returns(jid).await.unwrap();
        assert!(returns.len() == 2 && returns.iter().all(|ret| ret.value().as_str() == Some(jid.as_str())));
    }
}

/// Saves until nothing fits any more, and says what was kept and what the trouble was.
async fn fill_the_disk(dir: &Path) {
    let store = match SqliteStore::open(dir).await {
        Ok(store) => store,
        Err(error) => return say(format!("refused: {error}. {}", error.hint())),
    };
    let (request, targets) = (request("test.ping"), ids(["a"]));
    let jid =
        match store.begin(NewJob { request: &request, targets: &targets, admitted: 1, wanted: None }).await {
            Ok(jid) => jid,
            Err(error) => return say(format!("refused: {error}. {}", error.hint())),
        };
    let mut saved = 0;
    let error = loop {
        let id = format!("host{saved}");
        match store.save_returns(&[stored(jid, &record(&id, payload(jid, &id)))]).await {
            Ok(()) => saved += 1,
            Err(error) => break error,
        }
    };
    store.close().await;
    let reader = SqliteStore::open_to_read(dir).await.unwrap().unwrap();
    assert_eq!(reader.returns(jid).await.unwrap().len(), saved);
    assert_eq!(reader.targets(jid).await.unwrap(), targets);
    say(format!("ended: {error}"));
}

/// Runs [`fill_the_disk`] on a file system of its own; `None` where this user may not mount one.
fn fill(options: &str) -> Option<Vec<String>> {
    const MOUNT: &str = "mount -t tmpfs -o size=$SIZE tmpfs \"$HALITE_TEST_DIR\" || exit 9
        [ -z \"$THEN\" ] || mount -o remount,$THEN \"$HALITE_TEST_DIR\" || exit 9; exec \"$0\" \"$@\"";
    let dir = TempDir::new();
    let mut shell = Command::new("unshare");
    shell.args(["-rm", "sh", "-c", MOUNT]).arg(std::env::current_exe().unwrap());
    let (size, then) = options.split_once(',').unwrap_or((options, ""));
    shell.env("SIZE", size).env("THEN", then);
    let mut child = child_through(shell, "fill", dir.path());
    let lines = said(child.stdout.take().unwrap());
    let code = child.wait().unwrap();
    // 1: no new namespaces here; 9: no mounts.
    if matches!(code.code(), Some(1 | 9)) && lines.is_empty() {
        return None;
    }
    assert!(code.success(), "size {options}: {code:?}, {lines:?}");
    Some(lines)
}

#[test]
fn ctl_06_a_full_or_read_only_disk_is_told_and_loses_nothing_acknowledged() {
    for size in ["4k", "16k", "40k", "64k", "100k", "128k", "256k", "1m", "4m"] {
        let Some(lines) = fill(size) else { return };
        assert!(lines.len() == 1 && lines[0].contains("jobs.sqlite"), "size {size}: {lines:?}");
        assert!(lines[0].contains("no space is left"), "size {size}: {lines:?}");
    }
    let lines = fill("1m,ro").unwrap();
    assert!(lines[0].starts_with("refused: ") && lines[0].contains("cachedir"), "{lines:?}");
}

#[test]
fn sec_35_the_store_is_for_its_owner_alone_whatever_the_umask() {
    let dir = TempDir::new();
    let cache = dir.path().join("cache/jobs");
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let mut child = child_through(shell, "write", &cache);
    let mut first = [0; 40];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    while !cache.join("jobs.sqlite-wal").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let open = Command::new("find").arg(dir.path().join("cache")).args(["-perm", "/077"]).output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(String::from_utf8_lossy(&open.stdout), "", "open to others");
}

/// A process whose clock is wrong by `micros`, and jumps by it after each job.
async fn begin_by_a_wrong_clock(dir: &Path, micros: i64) {
    let jumps = AtomicU32::new(0);
    let right = system_clock();
    let clock: Clock = Box::new(move || {
        let jumps = i64::from(jumps.fetch_add(1, Ordering::Relaxed) % 3);
        right().saturating_add_signed(micros.saturating_mul(jumps))
    });
    let store = SqliteStore::open_with_clock(dir, clock).await.unwrap();
    for _ in 0..100 {
        say(begin(&store, &[]).await.to_string());
    }
}

#[tokio::test]
async fn ctl_09_ids_rise_in_four_processes_with_four_wrong_clocks() {
    let dir = TempDir::new();
    let hour = 3_600_000_000_i64;
    let clocks = [-hour, hour * 24 * 365 * 10, i64::MIN / 8, 1];
    let children: Vec<_> = clocks.map(|skew| child(&format!("skew {skew}"), dir.path())).into();
    let mut all = Vec::new();
    for mut child in children {
        let own = said(child.stdout.take().unwrap());
        assert!(child.wait().unwrap().success());
        assert!(own.len() == 100 && own.windows(2).all(|pair| pair[0] < pair[1]), "not rising: {own:?}");
        all.extend(own);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 400, "an id was given twice");
}

mod clock {
    use super::super::super::sqlite::next_micros;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ctl_09_the_next_moment_is_later_than_the_last_whatever_the_clock_shows(
            shown in prop::collection::vec(prop_oneof![0..5_u64, any::<u64>().prop_map(|t| t >> 8)], 1..4000),
        ) {
            let mut last = 0;
            for now in shown {
                let next = next_micros(now, last);
                prop_assert!(next > last && next >= now);
                last = next;
            }
        }
    }
}
