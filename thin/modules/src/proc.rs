//! Calls under way on this host: each keeps a file as long as it runs, and others read them.
//!
//! The files lie in `proc/` of the work directory, mode 0600, one for each call, named `JID.PID`. A file whose
//! process is gone, or whose pid now belongs to another process, is removed by whoever reads it next.

use crate::accounts;
use halite_wire::message::{Call, decode_value, encode_value};
use halite_wire::{Jid, Map, Value};
use rustix::process::Pid;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file above this is none of ours.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// When the process began, in clock ticks after boot: with the pid it names one process for ever.
const START: &str = "start";

/// A call's file; removed when this is dropped.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
}

impl Entry {
    /// Says in `dir`, the work directory, that process `pid` runs `call`.
    ///
    /// # Errors
    /// What creating the directory or the file says. A call can do without.
    pub fn create(dir: &Path, call: &Call, pid: u32) -> io::Result<Entry> {
        let dir = dir.join("proc");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let bytes = encode_value(&describe(call, pid).into()).map_err(io::Error::other)?;
        // Readers remove what is not whole, so it gets its name when it is.
        let draft = Entry { path: dir.join(format!("new.{pid}")) };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.path)?;
        file.write_all(&bytes)?;
        let entry = Entry { path: dir.join(format!("{}.{pid}", call.jid)) };
        std::fs::rename(&draft.path, &entry.path)?;
        Ok(entry)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Salt's shape, and the moment the process began.
fn describe(call: &Call, pid: u32) -> Map {
    let published = |key: &str, default: &str| call.kwarg.get(key).cloned().unwrap_or_else(|| default.into());
    let mut arg = call.arg.clone();
    let own = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__pub_"));
    let mut keywords: Map = call
        .kwarg
        .iter()
        .filter(|(key, _)| !own(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !keywords.is_empty() {
        keywords.insert("__kwarg__", true);
        arg.push(keywords.into());
    }
    let user = accounts::user_by_uid(rustix::process::geteuid().as_raw()).map(|user| user.name);
    let mut entry = Map::new();
    entry.insert("jid", call.jid.to_string());
    entry.insert("pid", pid);
    entry.insert("fun", call.fun.clone());
    entry.insert("arg", arg);
    entry.insert("tgt", published("__pub_tgt", &call.id.to_string()));
    entry.insert("tgt_type", published("__pub_tgt_type", "glob"));
    entry.insert("ret", published("__pub_ret", ""));
    entry.insert("user", published("__pub_user", user.as_deref().unwrap_or_default()));
    entry.insert(START, start_of(pid));
    entry
}

/// Calls under way, but for that of this very process; in order of their jids.
pub fn running(dir: &Path) -> Vec<Map> {
    let Ok(entries) = std::fs::read_dir(dir.join("proc")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_ours(path)).collect();
    paths.sort();
    paths.iter().filter_map(|path| read(path)).collect()
}

/// One line about a call that runs.
pub fn in_words(job: &Map) -> String {
    let text = |key| job.get(key).and_then(crate::args::as_text).unwrap_or_default();
    let jid = text("jid");
    let part = |from: usize, to: usize| jid.get(from..to).unwrap_or_default();
    format!(
        "The function \"{}\" is running as PID {} and was started at {}-{}-{} {}:{}:{} UTC with jid {jid}",
        text("fun"),
        text("pid"),
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    )
}

/// Only names we make: `JID.PID`.
fn is_ours(path: &Path) -> bool {
    let parts = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split_once('.'));
    parts.is_some_and(|(jid, pid)| jid.parse::<Jid>().is_ok() && pid.parse::<u32>().is_ok())
}

fn read(path: &Path) -> Option<Map> {
    let Some(mut entry) = load(path).filter(lives) else {
        let _ = std::fs::remove_file(path);
        return None;
    };
    entry.remove(START);
    (pid_of(&entry)? != std::process::id()).then_some(entry)
}

fn load(path: &Path) -> Option<Map> {
    let no_follow = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path).ok()?;
    let mut bytes = Vec::new();
    file.metadata().ok().filter(|meta| meta.is_file() && meta.len() <= FILE_BYTES_MAX)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    match decode_value(&bytes) {
        Ok(Value::Map(entry)) => Some(entry),
        _ => None,
    }
}

/// The pid in an entry.
pub fn pid_of(entry: &Map) -> Option<u32> {
    entry.get("pid").and_then(Value::as_i64).and_then(|pid| u32::try_from(pid).ok())
}

/// Whether the process of an entry is still there, and is still that process.
fn lives(entry: &Map) -> bool {
    let Some(pid) = pid_of(entry) else { return false };
    match (entry.get(START), start_of(pid)) {
        (Some(Value::Int(then)), Some(now)) => *then == now,
        // Without /proc the pid alone must do.
        _ if !Path::new("/proc/self/stat").exists() => i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)),
        _ => false,
    }
}

/// Fields of `/proc/PID/stat` after the name, which may hold blanks and parentheses itself.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn start_of(pid: u32) -> Option<i64> {
    stat(pid)?.get(19)?.parse().ok()
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// All processes `pid` has started, and those they have started; children before their parents.
pub fn descendants(pid: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let family: Vec<(u32, u32)> = pids.filter_map(|pid| Some((parent_of(pid)?, pid))).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = family.iter().filter(|(its, child)| *its == parent && !found.contains(child));
        let children: Vec<u32> = children.map(|(_, child)| *child).collect();
        found.extend(children);
        next += 1;
    }
    found.into_iter().skip(1).rev().collect()
}
