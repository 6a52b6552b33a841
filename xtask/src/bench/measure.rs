//! Measuring one run: wall time, CPU of the controller's side, bytes to the hosts, peak memory, round trips.
//!
//! CPU comes from a control group that this process joins, so everything it starts is counted, daemons too; the
//! hosts were started before and are not. Without control groups it comes from the times of children that were
//! waited for, in steps of 10 ms.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use halite_site::{DelayProxy, Fleet, HostState, Started};

use super::field::Field;
use super::states::STATES;
use super::tools::{Case, Line, Tool};
use crate::ui::{Failure, Outcome, say};

/// Latency of the line on which round trips are counted.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The machine is at rest when its processors idle for this share of [`LOOK`].
const REST: f64 = 0.9;
const LOOK: Duration = Duration::from_millis(250);
/// Looks before a run is begun on a machine that never rests.
const LOOKS: usize = 40;

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Seconds from start to exit.
    pub wall: f64,
    /// CPU seconds of the controller's side, user and system.
    pub cpu: f64,
    /// Bytes sent to the hosts.
    pub sent: u64,
    /// Every host gave the expected answer.
    pub good: bool,
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, cpu, sent, good } = self;
        write!(
            out,
            "{wall:.3} s, CPU {cpu:.3} s, sent {} KiB{}",
            sent / 1024,
            if *good { "" } else { ", NOT ALL GOOD" }
        )
    }
}

/// Round trips of one tool through the delay proxy.
#[derive(Clone, Debug)]
pub struct Trips {
    pub tool: &'static str,
    pub wall: f64,
    pub connections: usize,
    pub turns: u32,
}

/// Peak of proportional memory over all processes of one tool.
#[derive(Clone, Debug)]
pub struct Memory {
    pub tool: &'static str,
    pub hosts: usize,
    pub peak_bytes: u64,
    pub processes: usize,
}

/// Waits until what the run before has left (files to be written, processes that end) costs nothing any more.
fn settle() {
    let _ = Command::new("sync").status();
    for _ in 0..LOOKS {
        let (idle, all) = ticks();
        thread::sleep(LOOK);
        let (idle, all) = (ticks().0 - idle, ticks().1 - all);
        if idle >= all * REST {
            return;
        }
    }
}

/// Ticks of all processors since the start of the machine: those idle, and all (`/proc/stat`, see proc(5)).
fn ticks() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (ticks.get(3).copied().unwrap_or_default(), ticks.iter().take(8).sum())
}

/// Where CPU time is read.
enum Clock {
    /// `cpuacct.usage` of a version 1 group, nanoseconds.
    V1(PathBuf),
    /// `cpu.stat` of a version 2 group, microseconds.
    V2(PathBuf),
    /// `cutime + cstime` of this process, hundredths of a second.
    Children,
}

/// Measures runs on one fleet.
pub struct Meter<'a> {
    fleet: &'a Fleet,
    clock: Clock,
}

impl<'a> Meter<'a> {
    /// Joins a control group if the machine has them.
    ///
    /// # Errors
    /// None at present: what cannot be joined is done without.
    pub fn new(fleet: &'a Fleet) -> Outcome<Self> {
        let name = format!("halite-bench-{}", process::id());
        let v1 = Path::new("/sys/fs/cgroup/cpuacct").join(&name);
        let v2 = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(|root| Path::new(root).join(&name));
        let clock = if join(&v1, "cpuacct.usage") {
            Clock::V1(v1)
        } else {
            v2.into_iter().find(|group| join(group, "cpu.stat")).map_or(Clock::Children, Clock::V2)
        };
        Ok(Self { fleet, clock })
    }

    /// CPU seconds so far.
    fn cpu(&self) -> f64 {
        let number = |text: String| text.trim().parse::<f64>().unwrap_or(0.0);
        match &self.clock {
            Clock::V1(group) => {
                number(fs::read_to_string(group.join("cpuacct.usage")).unwrap_or_default()) / 1e9
            }
            Clock::V2(group) => {
                let stat = fs::read_to_string(group.join("cpu.stat")).unwrap_or_default();
                let usage = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
                number(usage.unwrap_or("0").to_owned()) / 1e6
            }
            Clock::Children => {
                let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
                let fields: Vec<&str> =
                    stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
                [13, 14].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum::<f64>() / 100.0
            }
        }
    }

    /// One measured run; `None` when the tool does not do this case.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sample(
        &self,
        field: &Field<'_>,
        tool: &Tool,
        case: Case,
        hosts: usize,
    ) -> Outcome<Option<Sample>> {
        settle();
        let (cpu, sent) = (self.cpu(), self.sent());
        let began = Instant::now();
        let Some(output) = field.run_once(tool, case, hosts)? else { return Ok(None) };
        let wall = began.elapsed().as_secs_f64();
        let good = is_good(tool, case, &output, hosts);
        if !good {
            say(&format!("  {} said: {}", tool.name, end_of(&output)));
        }
        Ok(Some(Sample { wall, cpu: self.cpu() - cpu, sent: self.sent() - sent, good }))
    }

    fn sent(&self) -> u64 {
        self.fleet.traffic().map_or(0, |(to_hosts, _)| to_hosts)
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        let (Clock::V1(group) | Clock::V2(group)) = &self.clock else { return };
        end_others(group);
        // A group can be removed only when nobody is in it: this process moves to the root first.
        if let Some(root) = group.parent() {
            let _ = fs::write(root.join("cgroup.procs"), process::id().to_string());
        }
        // Processes that have just ended still count until their parents have collected them.
        for _ in 0..50 {
            if fs::remove_dir(group).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ends what the tools have left running: everything in the group was started by this run (ControlPersist masters).
fn end_others(group: &Path) {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let others = members.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != process::id());
    for other in others.filter_map(Started::of) {
        other.kill();
        other.wait_gone(Duration::from_secs(1));
    }
}

/// Makes the group and joins it; `false` when the machine has no such thing or does not let us.
fn join(group: &Path, counter: &str) -> bool {
    let joined = fs::create_dir(group).is_ok()
        && group.join(counter).exists()
        && fs::write(group.join("cgroup.procs"), process::id().to_string()).is_ok();
    if !joined {
        let _ = fs::remove_dir(group);
    }
    joined
}

fn is_good(tool: &Tool, case: Case, output: &Output, hosts: usize) -> bool {
    let said = String::from_utf8_lossy(&output.stdout);
    let counted = match case {
        Case::Ping | Case::FirstContact if tool.answer.is_empty() => true,
        Case::Ping | Case::FirstContact => said.matches(tool.answer).count() == hosts,
        // What a tool says of a copied file differs; its exit code does not.
        Case::Copy => tool.answer != "pong" || said.matches("pong").count() == hosts,
        // Only Salt's words are counted; the others' exit codes tell.
        Case::States | Case::StatesAgain => {
            let all = format!("Succeeded: {STATES}");
            tool.answer != "True" || said.matches(&all).count() == hosts
        }
        Case::Compile => said.matches("Succeeded: 1\n").count() == hosts,
    };
    output.status.success() && counted
}

fn end_of(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().rev().take(3).collect();
    format!("{} ({})", lines.into_iter().rev().collect::<Vec<_>>().join(" / "), output.status)
}

/// One warm host behind a line of 50 ms: how often each tool waits for an answer.
///
/// # Errors
/// When the proxy or a tool cannot be started.
pub fn round_trips(field: &Field<'_>, tools: &[Tool]) -> Outcome<Vec<Trips>> {
    tools.iter().filter_map(|tool| trips(field, tool, Case::Ping).transpose()).collect()
}

/// How often a tool waits in a case; `None` when it does not do it.
///
/// # Errors
/// When the proxy or the tool cannot be started.
pub fn trips(field: &Field<'_>, tool: &Tool, case: Case) -> Outcome<Option<Trips>> {
    let Some(line) = (tool.line)(field, case, 1) else { return Ok(None) };
    let proxy = proxy(field, ROUND_TRIP)?;
    let host = &field.fleet.hosts()[0];
    let far = HostState { address: "127.0.0.1".into(), port: proxy.address().port(), ..host.clone() };
    let own = behind_proxy(field, &far)?;
    // The same command line, with the folder of the host behind the proxy in place of the direct one.
    let swap = |word: std::ffi::OsString| {
        let text = word.to_string_lossy().into_owned();
        let text = text.replace(&*field.config(1).to_string_lossy(), &own.to_string_lossy());
        text.replace(&*field.file("ssh_config").to_string_lossy(), &own.join("ssh_config").to_string_lossy())
            .into()
    };
    let line = line.into_iter().map(swap).collect();
    let (wall, connections, turns) = second_run(field, &line, &proxy)?;
    let (tool, label) = (tool.name, case.label());
    say(&format!("round trips    {tool:<14} {label}: {turns} in {connections} connections, {wall:.3} s"));
    Ok(Some(Trips { tool, wall, connections, turns }))
}

/// A proxy before the first host, whose line takes `round_trip` from a call to its answer.
///
/// # Errors
/// When it cannot be started.
pub fn proxy(field: &Field<'_>, round_trip: Duration) -> Outcome<DelayProxy> {
    let host = &field.fleet.hosts()[0];
    let target = format!("{}:{}", host.address, host.port).parse();
    let target = target.map_err(|_| Failure(format!("no address: {}", host.address)))?;
    Ok(DelayProxy::start(field.fleet, target, round_trip)?)
}

/// Runs a line twice, the first time to warm up; wall time, new connections and turns of the second.
fn second_run(field: &Field<'_>, line: &Line, proxy: &DelayProxy) -> Outcome<(f64, usize, u32)> {
    let turns = || proxy.flows().iter().map(|flow| flow.turns).sum::<u32>();
    field.command(line).output()?;
    let (before, connections) = (turns(), proxy.flows().len());
    let began = Instant::now();
    field.command(line).output()?;
    Ok((began.elapsed().as_secs_f64(), proxy.flows().len() - connections, turns() - before))
}

/// Configuration for one host that is reached through the proxy.
fn behind_proxy(field: &Field<'_>, far: &HostState) -> Outcome<PathBuf> {
    let dir = field.file("far");
    field.write_config(&dir, std::slice::from_ref(far), &dir.join("ssh_config_kex"))?;
    for name in ["ssh_config", "ssh_config_kex"] {
        let text = fs::read_to_string(field.file(name))?;
        let own = format!(
            "Host 127.0.0.1\n  Port {}\n  UserKnownHostsFile {}/known_hosts\n",
            far.port,
            dir.display()
        );
        fs::write(dir.join(name), own + &text)?;
    }
    Ok(dir)
}

/// Peak memory of each tool on `hosts` warm hosts. Sampling disturbs, so these runs are not timed.
///
/// # Errors
/// When a tool cannot be started.
pub fn memory(field: &Field<'_>, tools: &[Tool], hosts: usize) -> Outcome<Vec<Memory>> {
    let mut peaks = Vec::new();
    for tool in tools {
        let Some(line) = (tool.line)(field, Case::Ping, hosts) else { continue };
        field.run_once(tool, Case::Ping, hosts)?;
        let (peak_bytes, processes) = peak(&mut field.command(&line))?;
        say(&format!("memory         {:<14} {} MiB, {processes} processes", tool.name, peak_bytes >> 20));
        peaks.push(Memory { tool: tool.name, hosts, peak_bytes, processes });
    }
    Ok(peaks)
}

/// Runs a command to its end: the peak of its tree's proportional memory in bytes, and of its processes.
///
/// # Errors
/// When it cannot be started.
pub fn peak(command: &mut Command) -> Outcome<(u64, usize)> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (mut peak_bytes, mut processes) = (0, 0);
    while child.try_wait()?.is_none() {
        let tree = Started::of(child.id()).map(Started::tree).unwrap_or_default();
        peak_bytes = peak_bytes.max(tree.iter().map(|process| pss(process.pid)).sum());
        processes = processes.max(tree.len());
        thread::sleep(Duration::from_millis(5));
    }
    Ok((peak_bytes, processes))
}

/// Proportional memory of a process in bytes.
fn pss(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
