//! One call alone on a host, where its controller wants that (`--exclusive`).
//!
//! Every call holds a lock on the work directory while it runs: one that many can hold, or alone. The lock goes with its
//! process, however that ends. Calls of other users of the host have another work directory, and another lock.

use halite_modules::proc;
use halite_wire::Value;
use halite_wire::message::Call;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The option that asks for it: milliseconds to wait for the others, 0 for not at all.
const EXCLUSIVE: &str = "__exclusive";

/// How often somebody who waits looks again.
const PAUSE: Duration = Duration::from_millis(50);

/// What looks at calls that run or ends them neither waits for others nor keeps them waiting.
const BESIDE: [&str; 14] = [
    "saltutil.find_job",
    "saltutil.is_running",
    "saltutil.kill_all_jobs",
    "saltutil.kill_job",
    "saltutil.running",
    "saltutil.signal_job",
    "saltutil.term_all_jobs",
    "saltutil.term_job",
    "state.get_pauses",
    "state.pause",
    "state.resume",
    "state.rm_pause",
    "state.running",
    "state.soft_kill",
];

/// The right to run, held until it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "an open file holds its lock")] Option<File>);

/// Takes the turn of `call`; `folder` is the work directory.
///
/// # Errors
/// Who is in the way, in words for the user. Without a lock only a call that wants to be alone is refused.
pub fn take(folder: Option<&Path>, call: &Call) -> Result<Turn, String> {
    let patience = call.opts.get(EXCLUSIVE).and_then(Value::as_i64);
    let patience = patience.map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
    if BESIDE.contains(&call.fun.as_str()) {
        return Ok(Turn(None));
    }
    let locked = folder.ok_or(io::ErrorKind::Unsupported.into()).and_then(|folder| match patience {
        None => lock(folder, FlockOperation::NonBlockingLockShared),
        Some(patience) => wait(folder, patience),
    });
    match (locked, folder) {
        (Ok(file), _) => Ok(Turn(Some(file))),
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(refusal(folder, patience.is_some()))
        }
        (Err(error), _) if patience.is_some() => {
            Err(format!("--exclusive: this host cannot lock its work directory: {error}"))
        }
        // A full disk or a file system without locks must not keep a host from its work.
        (Err(_), _) => Ok(Turn(None)),
    }
}

fn wait(folder: &Path, patience: Duration) -> io::Result<File> {
    let began = Instant::now();
    loop {
        match lock(folder, FlockOperation::NonBlockingLockExclusive) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && began.elapsed() < patience => {
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

/// Locks the directory itself: nothing is left behind.
fn lock(folder: &Path, operation: FlockOperation) -> io::Result<File> {
    let file = File::open(folder)?;
    match flock(&file, operation) {
        Err(Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
        other => other.map(|()| file).map_err(Into::into),
    }
}

fn refusal(folder: &Path, exclusive: bool) -> String {
    let running: Vec<String> = proc::running(folder).iter().map(proc::in_words).collect();
    let who =
        if running.is_empty() { "Another call runs on this host".to_owned() } else { running.join("\n") };
    if exclusive {
        format!("{who}\n--exclusive runs beside nobody: try again, or wait with --exclusive-wait SECONDS")
    } else {
        format!("{who}\nIt runs alone (--exclusive): try again when it is done")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::Map;

    fn call(fun: &str, exclusive: Option<i64>) -> Call {
        Call {
            jid: halite_wire::Jid::from_unix_micros(0),
            id: "m1".parse().unwrap(),
            fun: fun.to_owned(),
            arg: Vec::new(),
            kwarg: Map::new(),
            opts: exclusive.into_iter().map(|wait| (EXCLUSIVE, wait)).collect(),
            timeout_ms: 0,
        }
    }

    #[test]
    fn many_run_beside_each_other_and_one_that_wants_it_alone() {
        let folder = std::env::temp_dir().join(format!("halite-alone-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let try_to = |fun: &str, exclusive| take(Some(&folder), &call(fun, exclusive));
        let ordinary = [try_to("cmd.run", None).unwrap(), try_to("cmd.run", None).unwrap()];
        assert!(try_to("cmd.run", Some(0)).is_err_and(|why| why.contains("beside nobody")));
        drop(ordinary);
        let alone = try_to("cmd.run", Some(0)).unwrap();
        assert!(try_to("cmd.run", None).is_err_and(|why| why.contains("runs alone")));
        let began = Instant::now();
        assert!(try_to("cmd.run", Some(200)).is_err() && began.elapsed() >= Duration::from_millis(200));
        assert!(try_to("saltutil.running", None).is_ok(), "who looks is never in the way");
        drop(alone);
        assert!(try_to("cmd.run", None).is_ok());
        // Nothing is in it.
        std::fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_host_that_cannot_lock_still_works_unless_it_must_be_alone() {
        assert!(take(None, &call("cmd.run", None)).is_ok());
        assert!(take(None, &call("cmd.run", Some(0))).is_err_and(|why| why.contains("cannot lock")));
    }
}
