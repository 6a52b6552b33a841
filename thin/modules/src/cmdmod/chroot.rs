//! `cmd.run_chroot`: a command under another root directory.

use super::run::{Job, execute};
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rounds of signals for processes left in the root: SIGTERM first, SIGKILL from the fourth.
const ROUNDS: u32 = 6;

pub fn run_chroot(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let root = root(args)?;
    let words = words(args, &root)?;
    let mounts = Mounts::make(&root, &args.texts("binds")?);
    ctx.notes.extend(mounts.failures.iter().cloned());
    let job =
        Job { args, cmd: words.into(), python_shell: Some(false), merge: false, background: args.bool("bg") };
    let ran = execute(ctx, &job);
    if !job.background && !end_processes_in(&root) {
        ctx.notes.push(format!("processes live on in {}; it stays mounted", root.display()));
        mounts.keep();
    }
    Ok(ran?.into_map(args).into())
}

/// The new root, which must be another one: everything that runs under it is ended afterwards.
fn root(args: &Bound) -> Result<PathBuf, CallError> {
    let given = args.str("root")?;
    let failed = |why: String| CallError::failed(format!("cannot use {given} as root: {why}"));
    let root = std::fs::canonicalize(&given).map_err(|error| failed(error.to_string()))?;
    let identity = |path: &Path| path.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    if !root.is_dir() {
        return Err(failed("it is not a directory".to_owned()));
    }
    if identity(&root) == identity(Path::new("/")) {
        return Err(failed("it is the root of this host".to_owned()));
    }
    Ok(root)
}

/// `chroot [--userspec USER:GROUP] ROOT SHELL -c CMD`, with the root's own shell, user and group.
fn words(args: &Bound, root: &Path) -> Result<Vec<String>, CallError> {
    let cmd = match args.get("cmd") {
        Value::List(words) => words.iter().filter_map(as_text).collect::<Vec<_>>().join(" "),
        text => as_text(text).ok_or_else(|| args.wrong("'cmd' must be text or a list"))?,
    };
    let shell = if root.join("bin/bash").is_file() { "/bin/bash" } else { "/bin/sh" };
    let mut words = vec!["chroot".to_owned()];
    if let Some(user) = args.opt_str("runas")? {
        let group = args.opt_str("group")?.unwrap_or_default();
        words.push(format!("--userspec={user}:{group}"));
    }
    words.extend([root.to_string_lossy().into_owned(), shell.to_owned(), "-c".to_owned(), cmd]);
    Ok(words)
}

/// What is mounted below the root, unmounted in reverse when this is dropped.
struct Mounts {
    made: Vec<PathBuf>,
    failures: Vec<String>,
}

impl Mounts {
    fn make(root: &Path, binds: &[String]) -> Mounts {
        let mut mounts = Mounts { made: Vec::new(), failures: Vec::new() };
        for (place, kind) in [("dev", "devtmpfs"), ("proc", "proc"), ("sys", "sysfs")] {
            let target = root.join(place);
            if !is_mount_point(&target) {
                mounts.note(mount(kind, &target, kind, MountFlags::empty(), None), target);
            }
        }
        for bind in binds {
            let target = root.join(bind.trim_start_matches('/'));
            mounts.note(mount_bind(bind, &target), target);
        }
        mounts
    }

    fn note(&mut self, result: rustix::io::Result<()>, target: PathBuf) {
        match result {
            Ok(()) => self.made.push(target),
            Err(error) => self.failures.push(format!("cannot mount {}: {error}", target.display())),
        }
    }

    fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        for target in self.made.iter().rev() {
            let _ = unmount(target, UnmountFlags::DETACH);
        }
    }
}

fn is_mount_point(dir: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|meta| meta.dev()).ok();
    dir.parent().is_some_and(|parent| device(dir) != device(parent))
}

/// Ends the processes whose root is `root` or below it. False where some are left.
fn end_processes_in(root: &Path) -> bool {
    for round in 0..ROUNDS {
        let pids = processes_in(root);
        if pids.is_empty() {
            return true;
        }
        let signal = if round < ROUNDS / 2 { Signal::TERM } else { Signal::KILL };
        for pid in pids {
            let _ = kill_process(pid, signal);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    processes_in(root).is_empty()
}

fn processes_in(root: &Path) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let lives_there =
        |pid: &i32| std::fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|its| its.starts_with(root));
    pids.filter(lives_there).filter_map(Pid::from_raw).collect()
}
