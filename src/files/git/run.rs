//! The program git: run to its end, or as long as it hears from the other side.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often one looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a command that talks to nobody.
///
/// # Errors
/// It cannot be started.
pub fn plain(git: &mut Command) -> io::Result<Output> {
    git.stdin(Stdio::null()).output()
}

/// Runs a command that shows its progress on stderr. Where that stays silent for longer than `stall`, it is ended with
/// all it has started.
///
/// # Errors
/// [`ErrorKind::TimedOut`] for silence; else it cannot be started.
pub fn watched(git: &mut Command, stall: Duration) -> io::Result<Output> {
    // A group of its own: what it starts to reach a server can be ended with it.
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = git.spawn()?;
    let heard = Arc::new(Mutex::new(Instant::now()));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(move || {
            let mut all = Vec::new();
            stdout.map(|mut stdout| stdout.read_to_end(&mut all));
            all
        });
        let said = scope.spawn({
            let heard = heard.clone();
            move || stderr.map_or_else(Vec::new, |stderr| listen(stderr, &heard))
        });
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > stall {
                end(&mut child);
                return Err(ErrorKind::TimedOut.into());
            }
            thread::sleep(LOOK);
        };
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), said.join().unwrap_or_default());
        Ok(Output { status, stdout, stderr })
    })
}

fn listen(mut stderr: ChildStderr, heard: &Mutex<Instant>) -> Vec<u8> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stderr.read(&mut piece) {
        all.extend_from_slice(&piece[..read]);
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
    all
}

fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// What git said of errors, in one line: progress is left out.
pub fn errors(said: &str) -> String {
    let is_progress = |line: &str| line.contains('%') || line.starts_with("remote: Enumerating");
    let lines = said.split(['\n', '\r']).map(str::trim);
    lines.filter(|line| !line.is_empty() && !is_progress(line)).collect::<Vec<_>>().join("; ")
}
