//! Archives byte by byte: those that no honest program writes.

use std::io::Write;
use std::process::{Command, Stdio};

/// One entry of a tar or ZIP archive.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// As tar has it: `0` file, `1` hard link, `2` symbolic link, `3` `4` devices, `5` directory, `6` pipe.
    kind: u8,
    target: String,
    data: Vec<u8>,
    mode: u32,
    owner: (u64, u64),
    /// What the header says instead of the length of the data.
    claimed: Option<u64>,
    spoilt: bool,
    deflated: bool,
}

impl Entry {
    fn of(name: &str, kind: u8) -> Entry {
        Entry {
            name: name.to_owned(),
            kind,
            target: String::new(),
            data: Vec::new(),
            mode: 0o644,
            owner: (0, 0),
            claimed: None,
            spoilt: false,
            deflated: false,
        }
    }

    pub fn file(name: &str, data: &[u8]) -> Entry {
        Entry { data: data.to_vec(), ..Entry::of(name, b'0') }
    }

    pub fn directory(name: &str) -> Entry {
        Entry::of(name, b'5').mode(0o755)
    }

    pub fn link(name: &str, target: &str) -> Entry {
        Entry { target: target.to_owned(), ..Entry::of(name, b'2') }
    }

    pub fn hard(name: &str, target: &str) -> Entry {
        Entry { target: target.to_owned(), ..Entry::of(name, b'1') }
    }

    pub fn special(name: &str, kind: u8) -> Entry {
        Entry::of(name, kind)
    }

    /// GNU's entry before one whose name is too long.
    pub fn long_name(name: &[u8]) -> Entry {
        Entry { data: name.to_vec(), ..Entry::of("././@LongLink", b'L') }
    }

    pub fn mode(self, mode: u32) -> Entry {
        Entry { mode, ..self }
    }

    pub fn owner(self, uid: u64, gid: u64) -> Entry {
        Entry { owner: (uid, gid), ..self }
    }

    /// The size its header tells.
    pub fn size(self, size: u64) -> Entry {
        Entry { claimed: Some(size), ..self }
    }

    pub fn claims(self, size: u64) -> Entry {
        self.size(size)
    }

    pub fn spoilt(self) -> Entry {
        Entry { spoilt: true, ..self }
    }

    pub fn deflated(self) -> Entry {
        Entry { deflated: true, ..self }
    }

    fn header(&self) -> [u8; 512] {
        let mut header = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name.as_bytes()[..self.name.len().min(100)]);
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, format!("{:07o}\0{:07o}\0", self.owner.0, self.owner.1).as_bytes());
        let size = self.claimed.unwrap_or(self.data.len() as u64);
        if size < 1 << 33 {
            put(124, format!("{size:011o}\0").as_bytes());
        } else {
            // Too long for digits: binary, as GNU has it.
            put(124, &[&[0x80, 0, 0, 0][..], &size.to_be_bytes()].concat());
        }
        put(136, b"00000000000\0        ");
        put(156, &[self.kind]);
        put(157, &self.target.as_bytes()[..self.target.len().min(100)]);
        put(257, b"ustar\x0000");
        put(329, b"0000001\x000000001\0");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let sum = if self.spoilt { sum + 1 } else { sum };
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }
}

/// A PAX header for the entry after it.
pub fn pax(records: &[(&str, &str)]) -> Entry {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let digits = (rest.len() + 1).to_string().len();
        let length = rest.len() + digits;
        let length = if length.to_string().len() > digits { length + 1 } else { length };
        format!("{length}{rest}")
    };
    let data: String = records.iter().map(record).collect();
    Entry { data: data.into_bytes(), ..Entry::of("PaxHeader", b'x') }
}

pub fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        archive.extend(entry.header());
        archive.extend(&entry.data);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// The raw DEFLATE stream and the checksum that gzip makes of some bytes.
fn deflate(bytes: &[u8]) -> (Vec<u8>, u32) {
    let mut child =
        Command::new("gzip").arg("-9nc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feed = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let packed = child.wait_with_output().unwrap().stdout;
    feed.join().unwrap();
    let trailer = packed.len() - 8;
    let crc = u32::from_le_bytes(packed[trailer..trailer + 4].try_into().unwrap());
    (packed[10..trailer].to_vec(), crc)
}

/// What both headers of an entry share, and its bytes in the archive.
fn zip_parts(entry: &Entry) -> (Vec<u8>, Vec<u8>, u32) {
    let data = if entry.kind == b'2' { entry.target.as_bytes() } else { &entry.data };
    let (stream, crc) = deflate(data);
    let (method, stored) = if entry.deflated { (8_u16, stream) } else { (0, data.to_vec()) };
    let size = entry.claimed.map_or(data.len() as u32, |size| size as u32);
    let mut shared = b"\x14\0\0\0".to_vec();
    shared.extend(method.to_le_bytes());
    shared.extend([0; 4]);
    for number in [crc, stored.len() as u32, size] {
        shared.extend(number.to_le_bytes());
    }
    let kind = match entry.kind {
        b'2' => 0o120_000,
        b'5' => 0o040_000,
        b'6' => 0o010_000,
        _ => 0o100_000,
    };
    (shared, stored, (kind | entry.mode) << 16)
}

fn local(name: &str, shared: &[u8]) -> Vec<u8> {
    let length = (name.len() as u16).to_le_bytes();
    [&b"PK\x03\x04"[..], shared, &length, &[0, 0], name.as_bytes()].concat()
}

fn central(name: &str, shared: &[u8], mode: u32, at: usize) -> Vec<u8> {
    let length = (name.len() as u16).to_le_bytes();
    let place = (at as u32).to_le_bytes();
    let head = [&b"PK\x01\x02\x14\x03"[..], shared, &length, &[0; 8], &mode.to_le_bytes(), &place].concat();
    [&head, name.as_bytes()].concat()
}

fn ended(mut archive: Vec<u8>, directory: &[u8], count: usize) -> Vec<u8> {
    let at = archive.len() as u32;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(count as u16).to_le_bytes(), (count as u16).to_le_bytes()].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let (shared, stored, mode) = zip_parts(entry);
        directory.extend(central(&entry.name, &shared, mode, archive.len()));
        archive.extend(local(&entry.name, &shared));
        archive.extend(stored);
    }
    ended(archive, &directory, entries.len())
}

/// An archive in which all of `names` are the same bytes.
pub fn overlapping(entry: &Entry, names: &[String]) -> Vec<u8> {
    let (shared, stored, mode) = zip_parts(entry);
    let directory: Vec<u8> = names.iter().flat_map(|name| central(name, &shared, mode, 0)).collect();
    let archive = [local(&names[0], &shared), stored].concat();
    ended(archive, &directory, names.len())
}
