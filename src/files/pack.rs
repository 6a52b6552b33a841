//! Parts of files made smaller for the way, once for all hosts.

use flate2::{Compression, write::DeflateEncoder};
use halite_wire::message::Answer;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Files beyond this go as they are: packing them for each host anew costs more than it saves.
pub const FILE_BYTES_MAX: u64 = 4 << 20;

/// Parts below this are not worth it.
const PART_BYTES_MIN: usize = 512;

/// What packed parts may take in memory.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// Packs parts, and keeps them.
#[derive(Default)]
pub struct Packer(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    parts: HashMap<Part, Option<Arc<[u8]>>>,
    bytes: usize,
}

/// A piece of a file as it was: environment, path and tag of the file, and where the piece begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    pub saltenv: String,
    pub path: String,
    pub tag: u64,
    pub offset: u64,
}

impl Packer {
    /// The part as it travels: packed where that saves an eighth or more.
    pub fn answer(&self, part: Part, bytes: Vec<u8>) -> Answer {
        if bytes.len() < PART_BYTES_MIN {
            return Answer::Bytes(bytes);
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).parts.get(&part).cloned();
        let packed = known.unwrap_or_else(|| self.keep(part, &bytes));
        match (packed, u32::try_from(bytes.len())) {
            (Some(packed), Ok(size)) => Answer::Packed { size, bytes: packed.to_vec() },
            _ => Answer::Bytes(bytes),
        }
    }

    fn keep(&self, part: Part, bytes: &[u8]) -> Option<Arc<[u8]>> {
        let packed =
            deflate(bytes).filter(|packed| packed.len() < bytes.len() / 8 * 7).map(Arc::<[u8]>::from);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes > KEPT_BYTES_MAX {
            *kept = Kept::default();
        }
        kept.bytes += packed.as_ref().map_or(0, |packed| packed.len());
        kept.parts.insert(part, packed.clone());
        packed
    }
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(4));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
