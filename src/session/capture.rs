//! What a host sends, kept within bounds.

use super::limits::{CUT_RETURN_BYTES, RETURN_BYTES_IN_MEMORY};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// The beginning of a text, and how long it was in all.
#[derive(Debug)]
pub struct Kept {
    bytes: Vec<u8>,
    max: usize,
    total: u64,
}

impl Kept {
    pub fn new(max: usize) -> Kept {
        Kept { bytes: Vec::new(), max, total: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.max - self.bytes.len();
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn total(&self) -> u64 {
        self.total
    }
}

/// A return as it comes in: in memory while it is small, then in a file without a name, and once it is longer
/// than allowed only its first and last bytes.
#[derive(Debug)]
pub struct Capture {
    limit: u64,
    total: u64,
    memory: Vec<u8>,
    file: Option<File>,
    tail: VecDeque<u8>,
    hasher: blake3::Hasher,
}

impl Capture {
    /// Takes up to `limit` bytes.
    pub fn new(limit: u64) -> Capture {
        Capture {
            limit,
            total: 0,
            memory: Vec::new(),
            file: None,
            tail: VecDeque::new(),
            hasher: blake3::Hasher::new(),
        }
    }

    /// # Errors
    /// The temporary file cannot be made or written.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.total += bytes.len() as u64;
        self.hasher.update(bytes);
        if self.total > self.limit {
            self.keep_tail(bytes);
            return Ok(());
        }
        if self.file.is_none() && self.memory.len() + bytes.len() <= RETURN_BYTES_IN_MEMORY {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = nameless_file()?;
                file.write_all(&self.memory)?;
                self.memory.truncate(CUT_RETURN_BYTES);
                file
            }
        };
        file.write_all(bytes)?;
        self.keep_tail(bytes);
        self.file = Some(file);
        Ok(())
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        self.tail.extend(bytes.get(bytes.len().saturating_sub(CUT_RETURN_BYTES)..).unwrap_or(bytes));
        let excess = self.tail.len().saturating_sub(CUT_RETURN_BYTES);
        self.tail.drain(..excess);
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn is_over(&self) -> bool {
        self.total > self.limit
    }

    /// The first and last bytes, as text for a message.
    pub fn ends(&self, each: usize) -> (String, String) {
        let head = self.memory.get(..each).unwrap_or(&self.memory);
        let tail: Vec<u8> = self.tail.iter().skip(self.tail.len().saturating_sub(each)).copied().collect();
        (String::from_utf8_lossy(head).into_owned(), String::from_utf8_lossy(&tail).into_owned())
    }

    /// Whether this is what the host says it sent.
    pub fn is_whole(&self, total: u64, digest: &[u8; 32]) -> bool {
        self.total == total && self.hasher.finalize().as_bytes() == digest
    }

    /// All bytes.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        let Some(mut file) = self.file else { return Ok(self.memory) };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A file that vanishes with its last handle.
fn nameless_file() -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags};
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, &folder, flags, Mode::RUSR | Mode::WUSR)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: u64, chunks: &[&[u8]]) -> Capture {
        let mut capture = Capture::new(limit);
        chunks.iter().for_each(|chunk| capture.push(chunk).unwrap());
        capture
    }

    #[test]
    fn small_and_large_returns_come_back_as_they_were() {
        let large: Vec<u8> = (0..RETURN_BYTES_IN_MEMORY * 3).map(|n| n.to_le_bytes()[0]).collect();
        for bytes in [&b"small"[..], &large] {
            let capture = filled(1 << 30, &bytes.chunks(1000).collect::<Vec<_>>());
            assert!(capture.is_whole(bytes.len() as u64, blake3::hash(bytes).as_bytes()));
            assert_eq!(capture.into_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn tgt_01_above_the_limit_only_the_ends_are_kept() {
        let mut capture = filled(1000, &[b"HEAD"]);
        for _ in 0..10_000 {
            capture.push(&[b'x'; 1000]).unwrap();
        }
        capture.push(b"TAIL").unwrap();
        assert!(capture.is_over());
        assert!(capture.memory.len() + capture.tail.len() <= RETURN_BYTES_IN_MEMORY);
        let (head, tail) = capture.ends(8);
        assert!(head.starts_with("HEAD") && tail.ends_with("TAIL"), "{head} {tail}");
    }
}
