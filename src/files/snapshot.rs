//! Files as they were when a job first looked: an edit in the middle of it reaches no host.
//!
//! Small files, which SLS and templates are, are read together with the tree. Of what is larger, or beyond the limits,
//! only the tag is known: where it is another one later, the file is refused.

use super::roots::{Root, tag_of};
use halite_wire::message::TreeFile;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// The longest file that is copied.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What the copies of one environment may take in memory.
const ALL_BYTES_MAX: u64 = 16 << 20;

/// Files of one environment that are copied.
const FILES_MAX: usize = 4096;

/// How often a file is read again that changes while it is read.
const TRIES: usize = 5;

/// Contents by path.
#[derive(Debug, Default)]
pub struct Copies(HashMap<String, Arc<[u8]>>);

impl Copies {
    /// Reads the small ones of `files`, and corrects what the list says of those that changed since it was made.
    pub fn take(roots: &[Root], files: &mut [TreeFile]) -> Copies {
        let mut copies = HashMap::new();
        let mut bytes = 0;
        for file in files {
            if copies.len() >= FILES_MAX || bytes + file.size > ALL_BYTES_MAX {
                break;
            }
            if file.size > FILE_BYTES_MAX || file.path.ends_with('/') {
                continue;
            }
            // Trees of commits never change.
            let root = roots.iter().find_map(|root| Some((root, root.open(&file.path).ok()?)));
            if let Some((root, opened)) = root.filter(|(root, _)| root.tags.is_none())
                && let Some(content) = copy(root, opened, file)
            {
                bytes += content.len() as u64;
                copies.insert(file.path.clone(), content);
            }
        }
        Copies(copies)
    }

    pub fn get(&self, path: &str) -> Option<Arc<[u8]>> {
        self.0.get(path).cloned()
    }
}

/// The content of a file that is open, and in `row` what is true of exactly this content.
fn copy(root: &Root, mut opened: (File, u64), row: &mut TreeFile) -> Option<Arc<[u8]>> {
    for _ in 0..TRIES {
        let (file, tag) = &mut opened;
        let before = file.metadata().ok().filter(|data| data.is_file() && data.size() <= FILE_BYTES_MAX)?;
        let mut content = Vec::with_capacity(usize::try_from(before.size()).ok()? + 1);
        (&mut *file).take(FILE_BYTES_MAX + 1).read_to_end(&mut content).ok()?;
        let after = file.metadata().ok()?;
        if tag_of(&after) == *tag && content.len() as u64 == before.size() {
            (row.size, row.mode, row.tag) = (before.size(), before.mode() & 0o7777, *tag);
            return Some(content.into());
        }
        opened = root.open(&row.path).ok()?;
    }
    None
}

/// What a file holds: read from the disk, or kept in memory.
#[derive(Debug)]
pub enum Content {
    File(File),
    Copy(Cursor<Arc<[u8]>>),
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Content::File(file) => file.read(into),
            Content::Copy(bytes) => bytes.read(into),
        }
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Content::File(file) => file.seek(to),
            Content::Copy(bytes) => bytes.seek(to),
        }
    }
}
