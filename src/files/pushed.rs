//! Files that hosts give to the controller (`cp.push`), each host below a folder of its own, `ID/files/`.
//!
//! What a host sends is not trusted: names stay beneath its folder, sizes and numbers are limited for each host over all
//! its runs, and a file appears under its name only when it is whole. Nothing is taken unless `file_recv` is on.

use crate::config::private_dir;
use halite_wire::message::Answer;
use halite_wire::{Map, MinionId, Value};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest name of a file below its host's folder, and of one part of it, in bytes.
const NAME_BYTES_MAX: usize = 1024;
const PART_BYTES_MAX: usize = 255;

/// Salt's `file_recv_max_size`, in MiB.
const FILE_MIB_MAX: u64 = 100;

/// So many of the largest files may be kept of one host, in bytes.
const LARGEST_FILES_MAX: u64 = 10;

/// So many files may be kept of one host.
const FILES_MAX: u64 = 10_000;

/// What an earlier run left unfinished is removed after this time.
const UNFINISHED: Duration = Duration::from_secs(24 * 3600);

/// Keeps what hosts push.
pub struct Pushed {
    folder: PathBuf,
    limits: Option<Limits>,
    hosts: Mutex<HashMap<MinionId, Arc<Mutex<Host>>>>,
}

/// What may be kept of one host.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub file_bytes: u64,
    pub bytes: u64,
    pub files: u64,
}

/// One host's files.
#[derive(Default)]
struct Host {
    files: u64,
    bytes: u64,
    /// The file whose pieces are coming.
    open: Option<Open>,
}

struct Open {
    name: String,
    fresh: PathBuf,
    file: File,
    bytes: u64,
    /// Size of the file that had the name before.
    replaces: Option<u64>,
}

/// A piece that is not taken, and why.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("file_recv is not True in the controller's configuration")]
    Off,
    #[error("{0:?} is no name beneath a folder")]
    Name(String),
    #[error("the name has {0} bytes, more than can be kept")]
    Long(usize),
    #[error("the file has more than {0} bytes (file_recv_max_size)")]
    Large(u64),
    #[error("the controller keeps {0} of this host already, and no more")]
    Quota(String),
    #[error("its pieces came out of order")]
    Order,
    #[error("the controller cannot keep it: {0}")]
    Disk(#[from] io::Error),
}

impl Pushed {
    /// Reads `file_recv` and `file_recv_max_size`; files go below `folder`.
    pub fn read(opts: &Map, folder: PathBuf) -> Pushed {
        let mib = opts.get("file_recv_max_size").and_then(Value::as_i64);
        let mib = mib.and_then(|mib| u64::try_from(mib).ok()).unwrap_or(FILE_MIB_MAX);
        let file_bytes = mib.saturating_mul(1 << 20);
        let limits =
            Limits { file_bytes, bytes: file_bytes.saturating_mul(LARGEST_FILES_MAX), files: FILES_MAX };
        let is_on = opts.get("file_recv").is_some_and(Value::is_truthy);
        Pushed::new(folder, is_on.then_some(limits))
    }

    /// `None` takes nothing.
    pub fn new(folder: PathBuf, limits: Option<Limits>) -> Pushed {
        Pushed { folder, limits, hosts: Mutex::default() }
    }

    /// The answer to a piece of a file.
    pub fn answer(&self, minion: &MinionId, name: &str, offset: u64, bytes: &[u8], last: bool) -> Answer {
        match self.take(minion, name, offset, bytes, last) {
            Ok(()) => Answer::Same,
            Err(error) => Answer::Refused(error.to_string()),
        }
    }

    fn take(
        &self,
        minion: &MinionId,
        name: &str,
        offset: u64,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), PushError> {
        let limits = self.limits.ok_or(PushError::Off)?;
        let name = beneath(name)?;
        let folder = self.folder.join(minion.as_str());
        let host = self.host(minion, &folder)?;
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        if offset == 0 {
            host.open = None;
            let replaces = fs::metadata(folder.join("files").join(name)).ok().map(|meta| meta.len());
            host.has_room(limits, 0, replaces)?;
            host.open = Some(Open::new(name, &folder.join("unfinished"), replaces)?);
        }
        // An error below ends the file: its further pieces find none that is open.
        let open = host.open.take().filter(|open| open.name == name && open.bytes == offset);
        let mut open = open.ok_or(PushError::Order)?;
        open.bytes += bytes.len() as u64;
        if open.bytes > limits.file_bytes {
            return Err(PushError::Large(limits.file_bytes));
        }
        host.has_room(limits, open.bytes, open.replaces)?;
        open.file.write_all(bytes)?;
        if last {
            return host.keep(open, &folder.join("files"));
        }
        host.open = Some(open);
        Ok(())
    }

    /// What is known of a host; what it has here already is counted when it is first heard of.
    fn host(&self, minion: &MinionId, folder: &Path) -> io::Result<Arc<Mutex<Host>>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(minion) {
            return Ok(host.clone());
        }
        for folder in [&folder.join("files"), &folder.join("unfinished")] {
            private_dir(folder).map_err(|error| io::Error::other(error.to_string()))?;
        }
        remove_unfinished(&folder.join("unfinished"));
        let mut host = Host::default();
        host.count(&folder.join("files"));
        Ok(hosts.entry(minion.clone()).or_insert(Arc::new(Mutex::new(host))).clone())
    }
}

impl Host {
    fn count(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => self.count(&entry.path()),
                Ok(meta) => {
                    self.files += 1;
                    self.bytes += meta.len();
                }
                Err(_) => {}
            }
        }
    }

    /// Whether a file of this size may be kept, in place of the one it replaces.
    fn has_room(&self, limits: Limits, bytes: u64, replaces: Option<u64>) -> Result<(), PushError> {
        if self.files >= limits.files && replaces.is_none() {
            return Err(PushError::Quota(format!("{} files", self.files)));
        }
        if self.bytes.saturating_sub(replaces.unwrap_or(0)) + bytes > limits.bytes {
            return Err(PushError::Quota(format!("{} bytes", self.bytes)));
        }
        Ok(())
    }

    /// A whole file gets its name; one that had it before is replaced.
    fn keep(&mut self, open: Open, files: &Path) -> Result<(), PushError> {
        let place = files.join(&open.name);
        if let Some(above) = place.parent() {
            fs::create_dir_all(above)?;
        }
        fs::rename(&open.fresh, &place)?;
        self.files += u64::from(open.replaces.is_none());
        self.bytes = self.bytes.saturating_sub(open.replaces.unwrap_or(0)) + open.bytes;
        Ok(())
    }
}

impl Open {
    fn new(name: &str, folder: &Path, replaces: Option<u64>) -> io::Result<Open> {
        use std::os::unix::fs::OpenOptionsExt;
        let fresh = folder.join(crate::session::random_nonce().to_hex());
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        Ok(Open { name: name.to_owned(), fresh, file, bytes: 0, replaces })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // It is not there any more where it has its name.
        let _ = fs::remove_file(&self.fresh);
    }
}

/// The name, where it is one beneath a folder: neither absolute nor with steps back, each part a name for the disk.
fn beneath(name: &str) -> Result<&str, PushError> {
    let parts = Path::new(name).components();
    if name.len() > NAME_BYTES_MAX || name.split('/').any(|part| part.len() > PART_BYTES_MAX) {
        return Err(PushError::Long(name.len()));
    }
    let is_plain = parts.clone().all(|part| matches!(part, Component::Normal(_)));
    // What `Path` passes over would make two names of one file.
    let is_itself = parts.collect::<PathBuf>().to_str() == Some(name);
    if name.is_empty() || !is_plain || !is_itself || name.chars().any(char::is_control) {
        return Err(PushError::Name(name.to_owned()));
    }
    Ok(name)
}

fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
        if modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > UNFINISHED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Room(PathBuf);

    impl Room {
        fn new() -> Room {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("halite-pushed-{}-{number}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("canary"), "alive").unwrap();
            Room(path)
        }

        fn pushed(&self, files: u64, bytes: u64) -> Pushed {
            let limits = Limits { file_bytes: 1000, bytes, files };
            Pushed::new(self.0.join("minions"), Some(limits))
        }

        /// All files but the canary, below the folder for minions.
        fn files(&self) -> Vec<String> {
            let (mut folders, mut files) = (vec![self.0.clone()], Vec::new());
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap().flatten() {
                    let path = entry.path();
                    if path.is_dir() { folders.push(path) } else { files.push(path) }
                }
            }
            let below = |path: &PathBuf| path.strip_prefix(&self.0).unwrap().display().to_string();
            let mut files: Vec<String> = files.iter().map(below).filter(|name| name != "canary").collect();
            files.sort();
            files
        }
    }

    impl Drop for Room {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn id(name: &str) -> MinionId {
        name.parse().unwrap()
    }

    #[test]
    fn sec_13_what_hosts_push_stays_beneath_their_own_folder() {
        let room = Room::new();
        let pushed = room.pushed(100, 100_000);
        let long = "x".repeat(4096);
        let deep = vec!["d"; 2048].join("/");
        let names = [
            "",
            "/",
            ".",
            "..",
            "../../x",
            "/etc/passwd",
            "a/../../x",
            "a/..",
            "a//b",
            "./a",
            "a/",
            "a\0b",
            "a\nb",
        ];
        for name in names.into_iter().chain([long.as_str(), deep.as_str(), &"y".repeat(256)]) {
            let refused = pushed.answer(&id("m1"), name, 0, b"evil", true);
            assert!(matches!(refused, Answer::Refused(_)), "{name:?} is taken");
        }
        assert_eq!(room.files(), Vec::<String>::new());
        for (host, name) in [("m1", "etc/fstab"), ("m2", "etc/fstab"), ("m1", "..%2f..%2fx"), ("m1", "...")] {
            assert_eq!(pushed.answer(&id(host), name, 0, b"good", true), Answer::Same, "{name}");
        }
        let below = ["m1/files/..%2f..%2fx", "m1/files/...", "m1/files/etc/fstab", "m2/files/etc/fstab"];
        assert_eq!(room.files(), below.map(|name| format!("minions/{name}")));
        // A file is no folder, and a folder no file.
        for name in ["etc", "etc/fstab/x"] {
            assert!(matches!(pushed.answer(&id("m1"), name, 0, b"", true), Answer::Refused(_)), "{name}");
        }
        assert_eq!(fs::read_to_string(room.0.join("canary")).unwrap(), "alive");
    }

    #[test]
    fn sec_13_each_host_has_a_quota_that_outlives_the_run() {
        let room = Room::new();
        let pushed = room.pushed(5, 2500);
        let names = (0..1_000_000).map(|number| format!("f{number}"));
        let taken =
            names.filter(|name| pushed.answer(&id("m1"), name, 0, b"x", true) == Answer::Same).count();
        assert_eq!((taken, room.files().len()), (5, 5));
        assert_eq!(pushed.answer(&id("m2"), "f", 0, b"x", true), Answer::Same, "another host has its own");
        let pushed = room.pushed(5, 2500);
        assert!(
            matches!(pushed.answer(&id("m1"), "g", 0, b"x", true), Answer::Refused(_)),
            "the next run knows"
        );
        let large = |name: &str| pushed.answer(&id("m3"), name, 0, &[0; 900], true);
        assert!(["a", "b", "a"].map(large).iter().all(|answer| *answer == Answer::Same));
        assert!(matches!(large("c"), Answer::Refused(why) if why.contains("1800 bytes")));
        assert!(matches!(pushed.answer(&id("m4"), "a", 0, &[0; 1001], true), Answer::Refused(_)));
    }

    #[test]
    fn files_appear_whole_and_in_order() {
        let room = Room::new();
        let pushed = room.pushed(9, 9999);
        let push =
            |offset, bytes: &str, last| pushed.answer(&id("m1"), "a/b", offset, bytes.as_bytes(), last);
        assert_eq!(push(0, "one ", false), Answer::Same);
        assert!(matches!(push(5, "two", true), Answer::Refused(_)), "a piece is missing");
        assert!(matches!(push(4, "two", true), Answer::Refused(_)), "the file ended with that");
        assert_eq!(room.files(), Vec::<String>::new());
        assert_eq!([push(0, "one ", false), push(4, "two", true)], [Answer::Same, Answer::Same]);
        assert_eq!(fs::read_to_string(room.0.join("minions/m1/files/a/b")).unwrap(), "one two");
        let off = Pushed::read(&Map::new(), room.0.join("minions"));
        assert!(
            matches!(off.answer(&id("m1"), "c", 0, b"", true), Answer::Refused(why) if why.contains("file_recv"))
        );
    }
}
