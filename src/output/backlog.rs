//! Text waiting for a slow reader: in memory up to a bound, behind that in an unlinked temporary file.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bound of all text waiting in memory. A reader slower than the run costs this much, then disk; never time.
pub const BACKLOG_BYTES_MAX: usize = 8 << 20;

/// A queue of whole chunks: what went in as one comes out as one, in order.
#[derive(Default)]
pub struct Backlog {
    memory: VecDeque<Vec<u8>>,
    memory_bytes: usize,
    spill: Option<Spill>,
}

impl Backlog {
    /// # Errors
    /// What the file system said, where the bound is reached and the rest cannot be put on disk.
    pub fn push(&mut self, chunk: Vec<u8>) -> io::Result<()> {
        let is_spilling = self.spill.as_ref().is_some_and(|spill| !spill.lengths.is_empty());
        if is_spilling || self.memory_bytes + chunk.len() > BACKLOG_BYTES_MAX {
            let spill = match &mut self.spill {
                Some(spill) => spill,
                none => none.insert(Spill::open()?),
            };
            return spill.push(&chunk);
        }
        self.memory_bytes += chunk.len();
        self.memory.push_back(chunk);
        Ok(())
    }

    /// The oldest chunk with those that follow, until there are `enough` bytes; empty where nothing waits.
    ///
    /// # Errors
    /// Where the temporary file cannot be read.
    pub fn pop_joined(&mut self, enough: usize) -> io::Result<Vec<u8>> {
        let mut joined = Vec::new();
        while joined.len() < enough
            && let Some(chunk) = self.pop()?
        {
            if joined.is_empty() {
                joined = chunk;
            } else {
                joined.extend(chunk);
            }
        }
        Ok(joined)
    }

    /// The oldest chunk.
    ///
    /// # Errors
    /// Where the temporary file cannot be read.
    fn pop(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(chunk) = self.memory.pop_front() {
            self.memory_bytes -= chunk.len();
            return Ok(Some(chunk));
        }
        self.spill.as_mut().map_or(Ok(None), Spill::pop)
    }
}

/// The part on disk. The file has no name from the start, and goes with the process.
struct Spill {
    file: File,
    read: u64,
    written: u64,
    lengths: VecDeque<usize>,
}

impl Spill {
    fn open() -> io::Result<Spill> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(".halite-{}-{}.out", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(Spill { file, read: 0, written: 0, lengths: VecDeque::new() })
    }

    fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all_at(chunk, self.written)?;
        self.written += chunk.len() as u64;
        self.lengths.push_back(chunk.len());
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.lengths.pop_front() else { return Ok(None) };
        let mut chunk = vec![0; length];
        self.file.read_exact_at(&mut chunk, self.read)?;
        self.read += length as u64;
        if self.lengths.is_empty() {
            self.file.set_len(0)?;
            (self.read, self.written) = (0, 0);
        }
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_out_whole_and_in_order_through_memory_and_disk() {
        let mut backlog = Backlog::default();
        let chunk = |n: u8| vec![n; 3 << 20];
        for round in [0, 100] {
            for n in 0..9 {
                backlog.push(chunk(round + n)).unwrap();
            }
            assert!(backlog.memory_bytes <= BACKLOG_BYTES_MAX);
            for n in 0..9 {
                assert!(backlog.pop().unwrap() == Some(chunk(round + n)), "chunk {n} of round {round}");
            }
            assert_eq!(backlog.pop().unwrap(), None);
        }
    }
}
