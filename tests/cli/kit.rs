//! The `halite` program as a user meets it: a home, a configuration, a roster and a cache of its own.

use crate::kit::{Scratch, client_key};
use halite::jobs::{Job, JobStore, SqliteStore, StoredReturn};
use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::message::{FromThin, Hello, Return};
use halite_wire::{Jid, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// No command of these tests takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// A user with nothing but a key.
pub struct User {
    pub scratch: Scratch,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl User {
    pub fn new() -> User {
        let scratch = Scratch::new();
        for folder in ["home/.ssh", "conf", "tmp"] {
            std::fs::create_dir_all(scratch.path(folder)).unwrap();
        }
        let (cache, pki) = (scratch.path("cache"), scratch.path("pki"));
        let master = format!("cachedir: {}\npki_dir: {}\n", cache.display(), pki.display());
        std::fs::write(scratch.path("conf/master"), master).unwrap();
        User { scratch }
    }

    /// A user who knows these hosts, as `h00`, `h01` and so on.
    pub fn of(hosts: &[FakeHost]) -> User {
        let user = User::new();
        let entries: String =
            hosts.iter().enumerate().map(|(at, fake)| entry(&format!("h{at:02}"), fake, "")).collect();
        user.roster(&entries);
        user.knows(hosts);
        user
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    pub fn roster(&self, text: &str) {
        std::fs::write(self.path("conf/roster"), text).unwrap();
    }

    /// Puts the keys of these hosts into `~/.ssh/known_hosts`.
    pub fn knows<'a>(&self, hosts: impl IntoIterator<Item = &'a FakeHost>) {
        let lines: String = hosts.into_iter().fold(String::new(), |mut lines, fake| {
            let _ = writeln!(lines, "[127.0.0.1]:{} {}", fake.addr.port(), fake.key);
            lines
        });
        std::fs::write(self.path("home/.ssh/known_hosts"), lines).unwrap();
    }

    /// A program in this user's surroundings, with nothing on its stdin.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("USER", "tester");
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(&self.scratch.0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// `halite COMMAND -c conf WORDS`.
    pub fn halite(&self, command: &str, words: &[&str]) -> Command {
        let mut halite = self.program(env!("CARGO_BIN_EXE_halite"));
        halite.arg(command).arg("-c").arg(self.path("conf")).args(words);
        halite
    }

    pub async fn ssh(&self, words: &[&str]) -> Ended {
        ended(self.halite("ssh", words)).await
    }

    pub async fn run(&self, words: &[&str]) -> Ended {
        ended(self.halite("run", words)).await
    }

    /// The job store, read as the program reads it.
    pub async fn store(&self) -> SqliteStore {
        SqliteStore::open_to_read(&self.path("cache/halite/jobs")).await.unwrap().expect("there is a store")
    }

    /// The only job, and its returns.
    pub async fn the_job(&self) -> (Job, Vec<StoredReturn>) {
        let store = self.store().await;
        let mut jobs = store.list().await.unwrap();
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        let job = jobs.remove(0);
        let returns = store.returns(job.jid).await.unwrap();
        (job, returns)
    }

    /// Returns in the store, of all jobs.
    pub async fn returns_so_far(&self) -> usize {
        let Ok(Some(store)) = SqliteStore::open_to_read(&self.path("cache/halite/jobs")).await else {
            return 0;
        };
        let mut count = 0;
        for job in store.list().await.unwrap() {
            count += store.returns(job.jid).await.unwrap().len();
        }
        count
    }

    /// What `halite run jobs.list_job` says of the results.
    pub async fn listed(&self, jid: Jid) -> serde_json::Value {
        let listed = self.run(&["jobs.list_job", jid.as_str(), "--out", "json"]).await;
        assert_eq!(listed.code, Some(0), "{listed:?}");
        serde_json::from_str::<serde_json::Value>(&listed.stdout).unwrap()["Result"].clone()
    }
}

/// A roster entry with the thin in the host's own home; `more` is further lines, each indented by two.
pub fn entry(id: &str, fake: &FakeHost, more: &str) -> String {
    format!(
        "{id}:\n  host: 127.0.0.1\n  port: {}\n  user: tester\n  priv: {}\n  thin_dir: {}\n{more}",
        fake.addr.port(),
        client_key().display(),
        fake.home.join("thin").display()
    )
}

/// Runs a command to its end.
pub async fn ended(mut command: Command) -> Ended {
    finish(command.spawn().unwrap(), Instant::now()).await
}

/// Waits for the end of a child that began at `began`.
pub async fn finish(child: Child, began: Instant) -> Ended {
    let output =
        tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command hangs").unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        took: began.elapsed(),
    }
}

pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()));
    let _ = rustix::process::kill_process(pid.expect("the child has ended"), signal);
}

/// Waits until `is_so`, for a few seconds at most.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: never");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// As many hosts that run what they are told, or follow the same script.
pub async fn hosts(count: usize, exec: &Exec) -> Vec<FakeHost> {
    let mut hosts = Vec::new();
    for _ in 0..count {
        hosts.push(FakeHost::start(Script { exec: exec.clone(), ..Script::default() }).await);
    }
    hosts
}

pub fn hello() -> Act {
    Act::Frame(FromThin::Hello(Hello { protocol: 1, pid: 1 }))
}

/// The scripted answer of a thin that returns `value`, after `before`.
pub fn answers(before: Vec<Act>, value: impl Into<Value>) -> Exec {
    let answer = Return { value: value.into(), retcode: 0, success: true, out: None, notes: Vec::new() };
    let bytes = answer.encode().unwrap();
    let end = FromThin::End { total: bytes.len() as u64, digest: *blake3::hash(&bytes).as_bytes() };
    let last = [Act::Greet, hello(), Act::Frame(FromThin::ReturnPart(bytes)), Act::Frame(end)];
    Exec::Acts([before, last.to_vec()].concat())
}

/// Processes whose command line has `marker`.
pub fn processes_with(marker: &str) -> String {
    let found = std::process::Command::new("pgrep").args(["-f", "-a", marker]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).into_owned()
}

/// A text that stands nowhere else.
pub fn unique(what: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{what}-{}-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed),
        Jid::from_unix_micros(now())
    )
}

fn now() -> u64 {
    halite::jobs::system_clock()()
}

/// All files below a folder.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return vec![root.to_owned()] };
    entries.flatten().flat_map(|entry| files_below(&entry.path())).collect()
}
