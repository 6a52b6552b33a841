//! One run of states at a time on a host: a lock in the work directory, and what happens to those who come second.

use super::wanted::Stop;
use super::{NOT_COMPILED, refuse};
use halite_modules::{Bound, CallError, Ctx, proc};
use halite_wire::{Map, Value};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Option under which a run inside a run finds that the turn is its own already.
const OURS: &str = "__state_turn";

/// What the caller's `queue` says.
enum Queue {
    /// Who comes second is refused.
    No,
    Wait,
    /// Wait where fewer than so many are before us.
    AtMost(usize),
}

/// Runs `work` when it is our turn. `concurrent=True` does not ask whose turn it is.
///
/// # Errors
/// Those of `work`; [`Stop::Answer`] names the runs that are in the way.
pub fn take(
    ctx: &mut Ctx,
    args: &Bound,
    work: impl FnOnce(&mut Ctx) -> Result<Value, Stop>,
) -> Result<Value, Stop> {
    let nested = ctx.opts.contains_key(OURS);
    let Some(folder) = folder(ctx).filter(|_| !nested && !args.bool("concurrent")) else { return work(ctx) };
    let file = open(&folder).map_err(|error| {
        CallError::failed(format!("cannot open the lock in {}: {error}", folder.display()))
    })?;
    let queue = queue(ctx, args);
    let before_us = running(ctx).len();
    let waits = match queue {
        Queue::No => false,
        Queue::Wait => true,
        Queue::AtMost(most) => most == 0 || before_us < most,
    };
    let operation =
        if waits { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    match flock(&file, operation) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut conflict: Vec<String> = running(ctx).iter().map(proc::in_words).collect();
            if conflict.is_empty() {
                conflict.push("another run of states holds the lock of this host".to_owned());
            }
            return Err(Stop::Answer(refuse(ctx, NOT_COMPILED, conflict)));
        }
        // A file system that cannot lock must not keep a host from its states.
        Err(_) => {}
    }
    ctx.opts.insert(OURS, true);
    let answer = work(ctx);
    ctx.opts.remove(OURS);
    answer
}

fn folder(ctx: &Ctx) -> Option<PathBuf> {
    ctx.opts.get_str("__thin_dir").map(PathBuf::from)
}

fn open(folder: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("state.lock"))
}

fn queue(ctx: &Ctx, args: &Bound) -> Queue {
    let wanted = match args.get("queue") {
        Value::Null => ctx.opts.get("state_queue").cloned().unwrap_or_default(),
        given => given.clone(),
    };
    match wanted {
        Value::Int(most) => Queue::AtMost(usize::try_from(most).unwrap_or(0)),
        flag if flag.is_truthy() => Queue::Wait,
        _ => Queue::No,
    }
}

/// Other calls of `state.*` that run here.
pub fn running(ctx: &Ctx) -> Vec<Map> {
    let mut jobs = folder(ctx).map(|folder| proc::running(&folder)).unwrap_or_default();
    jobs.retain(|job| job.get_str("fun").is_some_and(|fun| fun.starts_with("state.")));
    jobs
}
