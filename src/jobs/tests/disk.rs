//! A disk that keeps only what it was made to keep: the calls of a process, as strace wrote them down, and what of them
//! may be left when the power goes at any moment.
//!
//! What was not synced is there, is not, or is there in part (whole sectors of 512 bytes); a name is there for sure once
//! its directory was synced. After a sync that failed, what it was to write is gone, as with Linux.

use std::collections::BTreeMap;
use std::path::Path;

const SECTOR: usize = 512;

/// One call that matters, names without their directory.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    Make(String),
    Remove(String),
    Write {
        name: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        name: String,
        len: usize,
    },
    Sync(String),
    FailedSync(String),
    SyncNames,
    /// A line on stdout.
    Said(String),
}

/// Reads what `strace -f -y -xx` wrote of the files in `dir`, in the order in which calls ended.
pub(super) fn events(log: &str, dir: &Path) -> Vec<Event> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut events = Vec::new();
    for line in log.lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(head) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, head);
        } else if call.starts_with("<... ") {
            let (Some(head), Some((_, tail))) = (begun.remove(pid), call.split_once(" resumed>")) else {
                continue;
            };
            events.extend(event(&format!("{head}{tail}"), dir));
        } else {
            events.extend(event(call, dir));
        }
    }
    events
}

fn event(call: &str, dir: &Path) -> Option<Event> {
    let (function, rest) = call.split_once('(')?;
    let (arguments, end) = rest.rsplit_once(" = ")?;
    let failed = end.starts_with('-');
    let texts: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
    assert!(!arguments.contains("\"..."), "strace cut {function} short");
    let below = |hex: &str| Path::new(&text(hex)).strip_prefix(dir).ok()?.to_str().map(str::to_owned);
    let open = |word: &str| below(word.split_once('<')?.1.split_once('>')?.0);
    // Shared memory is no matter of the disk.
    let name = open(arguments).filter(|name| !name.ends_with("-shm"));
    let last =
        |back: usize| arguments.trim_end().trim_end_matches(')').rsplit(", ").nth(back)?.trim().parse().ok();
    match (function, failed) {
        ("write", false) if arguments.starts_with("1<") => {
            text(texts.first()?).strip_prefix("\n@").map(|said| Event::Said(said.trim_end().to_owned()))
        }
        ("pwrite64", false) => Some(Event::Write { name: name?, at: last(0)?, bytes: bytes(texts.first()?) }),
        ("ftruncate", false) => Some(Event::Cut { name: name?, len: last(0)? }),
        ("fsync" | "fdatasync", _) => Some(match (name?.as_str(), failed) {
            ("", false) => Event::SyncNames,
            ("", true) => return None,
            (name, false) => Event::Sync(name.to_owned()),
            (name, true) => Event::FailedSync(name.to_owned()),
        }),
        ("openat", false) if arguments.contains("O_CREAT") => {
            open(end).filter(|name| !name.ends_with("-shm")).map(Event::Make)
        }
        ("unlink", false) => below(texts.first()?).filter(|name| !name.ends_with("-shm")).map(Event::Remove),
        ("write" | "writev" | "rename" | "renameat", false) => {
            assert!(name.is_none(), "{function} is not known to this disk");
            None
        }
        _ => None,
    }
}

/// `\x41\x42` as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    hex.as_bytes().chunks_exact(4).map(|four| digit(four[2]) << 4 | digit(four[3])).collect()
}

fn text(hex: &str) -> String {
    String::from_utf8_lossy(&bytes(hex)).into_owned()
}

/// What becomes of something that was not synced.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Kept,
    Lost,
    /// Each sector by one bit.
    Torn(u64),
}

enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Default)]
struct File {
    safe: Vec<u8>,
    unsafe_yet: Vec<Change>,
}

/// The disk after some events.
#[derive(Default)]
pub(super) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    /// Names made (with their file) and removed since their directory was synced.
    name_changes: Vec<(String, Option<usize>)>,
    /// Whether syncs do nothing.
    lies: bool,
}

impl Disk {
    /// One that does nothing when it is to sync: to see that a loss is noticed.
    pub fn that_lies() -> Disk {
        Disk { lies: true, ..Disk::default() }
    }

    pub fn happen(&mut self, event: &Event) {
        match event {
            Event::Make(name) if !self.names.contains_key(name) => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.names.insert(name.clone(), file);
                self.name_changes.push((name.clone(), Some(file)));
            }
            Event::Remove(name) => {
                self.names.remove(name);
                self.name_changes.push((name.clone(), None));
            }
            Event::Write { name, at, bytes } => self.change(name, Change::Write(*at, bytes.clone())),
            Event::Cut { name, len } => self.change(name, Change::Cut(*len)),
            Event::Sync(name) if !self.lies => {
                let file = &mut self.files[self.names[name]];
                for change in file.unsafe_yet.drain(..) {
                    change.make(&mut file.safe, Fate::Kept);
                }
            }
            Event::FailedSync(name) => self.files[self.names[name]].unsafe_yet.clear(),
            Event::SyncNames if !self.lies => {
                self.safe_names = self.names.clone();
                self.name_changes.clear();
            }
            _ => {}
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        self.files[self.names[name]].unsafe_yet.push(change);
    }

    /// The files that are there when the power comes back, where `fate` decides on each change that was not synced.
    pub fn after_power_cut(&self, mut fate: impl FnMut() -> Fate) -> BTreeMap<String, Vec<u8>> {
        let mut names = self.safe_names.clone();
        for (name, file) in &self.name_changes {
            match (fate(), file) {
                (Fate::Lost, _) => {}
                (_, Some(file)) => drop(names.insert(name.clone(), *file)),
                (_, None) => drop(names.remove(name)),
            }
        }
        let mut content = |file: &File| {
            let mut bytes = file.safe.clone();
            file.unsafe_yet.iter().for_each(|change| change.make(&mut bytes, fate()));
            bytes
        };
        names.into_iter().map(|(name, file)| (name, content(&self.files[file]))).collect()
    }
}

impl Change {
    fn make(&self, file: &mut Vec<u8>, fate: Fate) {
        match (self, fate) {
            (_, Fate::Lost) => {}
            (Change::Cut(len), _) => file.resize(*len, 0),
            (Change::Write(at, bytes), fate) => {
                file.resize(file.len().max(at + bytes.len()), 0);
                for (offset, byte) in bytes.iter().enumerate() {
                    let sector = (at + offset) / SECTOR;
                    if !matches!(fate, Fate::Torn(bits) if bits >> (sector % 64) & 1 == 0) {
                        file[at + offset] = *byte;
                    }
                }
            }
        }
    }
}

#[test]
fn what_strace_wrote_is_read_as_events() {
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (file, dir) = (hex("/d/f"), hex("/d"));
    let log = format!(
        "7 openat(AT_FDCWD<{dir}>, \"{file}\", O_RDWR|O_CREAT, 0600) = 3<{file}>\n\
         7 pwrite64(3<{file}>, \"{}\", 2, 5 <unfinished ...>\n8 fsync(4<{dir}>) = 0\n7 <... pwrite64 resumed>) = 2\n\
         7 fsync(3<{file}>) = -1 EIO (Input/output error) (INJECTED)\n\
         7 write(1<{file}>, \"{}\", 4) = 4\n7 ftruncate(3<{file}>, 1) = 0\n7 unlink(\"{file}\") = 0\n",
        hex("ab"),
        hex("\n@x\n")
    );
    let name = || "f".to_owned();
    let expected = [
        Event::Make(name()),
        Event::SyncNames,
        Event::Write { name: name(), at: 5, bytes: b"ab".to_vec() },
        Event::FailedSync(name()),
        Event::Said("x".to_owned()),
        Event::Cut { name: name(), len: 1 },
        Event::Remove(name()),
    ];
    assert_eq!(events(&log, Path::new("/d")), expected);
}
