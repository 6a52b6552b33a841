//! Memory of many sessions at once: a thousand simulated hosts, each of which holds its session open for a while.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::field::Field;
use super::measure;
use crate::place::{self, cargo};
use crate::ui::{Failure, Outcome, run, say};

/// Hosts of each measurement, rising; the first one is what a session is counted against.
const HOSTS: [usize; 2] = [1, 1000];

/// How long each session is held open: longer than all of them take to open.
pub const OPEN_SECONDS: u32 = 8;

/// One measurement.
pub struct Simulated {
    pub hosts: usize,
    pub peak_bytes: u64,
    /// Every host answered.
    pub good: bool,
}

/// Runs a ping on each number of simulated hosts.
///
/// # Errors
/// When the simulated fleet cannot be built or started.
pub fn measure(field: &Field<'_>) -> Outcome<Vec<Simulated>> {
    run(cargo().args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "halite-faults",
        "--bin",
        "fake-fleet",
    ]))?;
    HOSTS.iter().map(|hosts| one(field, *hosts)).collect()
}

fn one(field: &Field<'_>, hosts: usize) -> Outcome<Simulated> {
    let folder = field.file("simulated");
    fs::create_dir_all(&folder)?;
    let mut fleet = start(&folder, hosts)?;
    fs::write(folder.join("master"), config(&folder, &field.fleet.key()))?;
    let found = ping(&folder, hosts);
    // The fleet serves until its stdin closes.
    drop(fleet.stdin.take());
    fleet.wait()?;
    let found = found?;
    say(&format!("simulated      N={hosts:<4} {} MiB at most", found.peak_bytes >> 20));
    Ok(found)
}

fn start(folder: &Path, hosts: usize) -> Outcome<Child> {
    let program = place::target().join("release/fake-fleet");
    let mut fleet = Command::new(program)
        .args([hosts.to_string(), OPEN_SECONDS.to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    let stdout = fleet.stdout.take().ok_or_else(|| Failure("the simulated fleet has no stdout".into()))?;
    BufReader::new(stdout).read_line(&mut ready)?;
    if ready.trim() == "ready" {
        Ok(fleet)
    } else {
        Err(Failure("the simulated fleet does not start".into()))
    }
}

fn config(folder: &Path, key: &Path) -> String {
    let here = folder.display();
    format!(
        "root_dir: {here}/root\ncachedir: {here}/root/cache\npki_dir: {here}/root/pki\nlog_file: {here}/root/log\n\
         roster_file: {here}/roster\nroster_defaults:\n  user: root\n  priv: {}\n",
        key.display()
    )
}

fn ping(folder: &Path, hosts: usize) -> Outcome<Simulated> {
    let answers = folder.join("answers");
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "120"]).arg(place::halite()).args(["ssh", "-c"]).arg(folder);
    command.args(["--no-host-keys", "--max-procs", &hosts.to_string(), "--out-file"]).arg(&answers);
    command.args(["--out", "txt", "*", "test.ping"]);
    let (peak_bytes, _) = measure::peak(&mut command)?;
    let said = fs::read_to_string(&answers)?;
    fs::remove_file(&answers)?;
    Ok(Simulated { hosts, peak_bytes, good: said.matches("True").count() == hosts })
}
