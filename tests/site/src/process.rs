//! Processes by pid *and* start time, so that a recycled pid is never mistaken for one of ours.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Result, SiteError};

/// A process that was seen running: pid and start time (clock ticks since boot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Process id as this process sees it.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`.
    pub start: u64,
}

impl Started {
    /// The process now running under `pid`, if any.
    pub fn of(pid: u32) -> Option<Self> {
        let start = stat_field(pid, 19)?.parse().ok()?;
        Some(Self { pid, start })
    }

    /// This process and everything below it, parents first.
    pub fn tree(self) -> Vec<Self> {
        if self.is_alive() { tree(self.pid) } else { Vec::new() }
    }

    /// Still the same process, and not merely a zombie waiting to be collected.
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self) && stat_field(self.pid, 0).is_some_and(|state| state != "Z")
    }

    /// Sends `signal` if it is still the same process.
    pub fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // It may have ended between the look and the signal: nothing is left to do then.
            let _ = kill_process(pid, signal);
        }
    }

    /// Ends the process (SIGKILL).
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Freezes the process (SIGSTOP); a server stopped like this accepts and never speaks.
    pub fn freeze(self) {
        self.signal(Signal::STOP);
        // A busy machine stops one thread after the other, and the last may still answer.
        wait_until(Duration::from_secs(10), || !self.is_alive() || self.is_frozen());
    }

    /// Whether every thread is stopped.
    fn is_frozen(self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        let state = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).ok();
        tasks
            .filter_map(state)
            .all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn thaw(self) {
        self.signal(Signal::CONT);
    }

    /// Waits until it is gone; `false` when it still runs after `limit`.
    pub fn wait_gone(self, limit: Duration) -> bool {
        wait_until(limit, || !self.is_alive())
    }
}

/// Polls `done` every few milliseconds, at most for `limit`.
pub(crate) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The `n`th field of `/proc/PID/stat` behind the program name; 0 is the state, 19 the start time.
fn stat_field(pid: u32, n: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(n).map(str::to_owned)
}

/// The direct children of `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// `pid` and everything below it, parents first.
pub(crate) fn tree(pid: u32) -> Vec<Started> {
    let mut found: Vec<Started> = Started::of(pid).into_iter().collect();
    let mut next = 0;
    while next < found.len() {
        let below = children(found[next].pid);
        found.extend(below.into_iter().filter_map(Started::of));
        next += 1;
    }
    found
}

/// Kills a process and all its descendants and waits until they are gone (at most 5 s each).
pub(crate) fn kill_tree(root: Started) {
    if !root.is_alive() {
        return;
    }
    let all = tree(root.pid);
    all.iter().for_each(|process| process.kill());
    for process in all {
        process.wait_gone(Duration::from_secs(5));
    }
}

/// Runs a helper to its end and returns its stdout.
///
/// # Errors
/// [`SiteError::Program`] when it cannot start or exits with another code than 0, with what it said on stderr.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |said: String| SiteError::Program { program: program.clone(), said };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))))
    }
}

/// The last lines of a log file; empty when there is none.
pub(crate) fn log_tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let from = text.len().saturating_sub(600);
    String::from_utf8_lossy(&text[from..]).trim().to_owned()
}
