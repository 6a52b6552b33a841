//! `--async`: the job goes on in a process of its own when the command has come back.
//!
//! The command starts itself again and waits until that process says on its stdout which job it runs, or ends because
//! something was wrong. What it prints from then on goes to a log file.

use super::setup::Refusal;
use super::{complain, exit, say};
use crate::config::{private_dir, private_file};
use halite_wire::Jid;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Tells a process that it is the one in the background: the id of the process that started it.
const STARTED_BY: &str = "HALITE_STARTED_BY";

/// Whether this process is the one that goes on in the background.
pub(super) fn is_child() -> bool {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().to_string());
    parent.is_some() && std::env::var(STARTED_BY).ok() == parent
}

/// Starts this command again in the background and says which job it runs, in Salt's words. Returns the exit code.
pub(super) fn main() -> u8 {
    match start() {
        Ok(Ok(jid)) => say(&format!("Executed command with job ID: {jid}")),
        Ok(Err(code)) => code,
        Err(no) => complain(&no.message, no.code),
    }
}

/// Starts this command again in the background. Gives the job it runs, or its exit code where it runs none.
///
/// # Errors
/// No process can be had.
fn start() -> Result<Result<Jid, u8>, Refusal> {
    let failed =
        |error: std::io::Error| Refusal::new(exit::BUG, format!("cannot go to the background: {error}"));
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_else(|| OsString::from("halite"));
    let mut child = Command::new(std::env::current_exe().map_err(failed)?);
    child.arg0(name).args(args).env(STARTED_BY, std::process::id().to_string());
    let mut child = child.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut told = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut told);
    }
    match told.trim_end().parse() {
        Ok(jid) => Ok(Ok(jid)),
        Err(_) => {
            let code = child.wait().map_err(failed)?.code();
            Ok(Err(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::BUG)))
        }
    }
}

/// Lets go of the terminal and of the command that waits, and tells that one the job. Logs older than `keep` go.
///
/// # Errors
/// There is no place for the log.
pub(super) fn detach(jid: Jid, folder: &Path, keep: Option<Duration>) -> Result<(), Refusal> {
    let failed = |why: String| Refusal::new(exit::CONFIG, format!("no log for the background: {why}"));
    private_dir(folder).map_err(|error| failed(error.to_string()))?;
    drop_old(folder, keep.unwrap_or_default());
    let path = log_path(folder, jid);
    let log = private_file(&path).map_err(|error| failed(error.to_string()))?;
    let refused = |error: std::io::Error| failed(format!("{}: {error}", path.display()));
    let mut stdout = std::io::stdout();
    // Whoever waited may be gone; the job goes on all the same.
    let _ = writeln!(stdout, "{jid}").and_then(|()| stdout.flush());
    // Where we lead a group already, nothing of the terminal reaches us anyway.
    let _ = rustix::process::setsid();
    rustix::stdio::dup2_stdout(&log).map_err(|errno| refused(errno.into()))?;
    rustix::stdio::dup2_stderr(&log).map_err(|errno| refused(errno.into()))
}

/// Where what a job in the background prints can be read.
pub(super) fn log_path(folder: &Path, jid: Jid) -> PathBuf {
    folder.join(format!("{jid}.log"))
}

/// Logs of jobs that are not kept any more. Zero keeps all.
fn drop_old(folder: &Path, keep: Duration) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|_| !keep.is_zero()) {
        let age = entry.metadata().and_then(|meta| meta.modified());
        let age = age.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        if age.is_some_and(|age| age > keep) && entry.path().extension().is_some_and(|kind| kind == "log") {
            let _ = fs::remove_file(entry.path());
        }
    }
}
