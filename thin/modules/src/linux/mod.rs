//! The host as Linux itself tells it: `/proc`, `/sys`, `/etc` and netlink, read without running programs.
//!
//! Parsers take text, readers take a [`Root`], so both run on made-up hosts too.

pub mod clock;
pub mod interfaces;
pub mod names;
pub mod neighbours;
mod netlink;
pub mod routes;
pub mod sockets;

use std::io::Read;
use std::path::{Path, PathBuf};

/// Most bytes read of one file: `/proc/cpuinfo` of a machine with 4,096 processors has about 6 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Where `/` is: the real one, or a directory with the files of a made-up host.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Root {
        Root(PathBuf::from("/"))
    }
}

impl Root {
    /// A host whose `/` is `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> Root {
        Root(directory.into())
    }

    /// The place of an absolute path.
    pub fn path(&self, absolute: impl AsRef<Path>) -> PathBuf {
        let absolute = absolute.as_ref();
        self.0.join(absolute.strip_prefix("/").unwrap_or(absolute))
    }

    /// The content of a file, cut at 16 MiB; `None` where it cannot be read.
    pub fn bytes(&self, absolute: &str) -> Option<Vec<u8>> {
        let file = std::fs::File::open(self.path(absolute)).ok()?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The content of a file as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, absolute: &str) -> Option<String> {
        self.bytes(absolute).map(|bytes| {
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        })
    }

    /// The content of a file without the white space around it.
    pub fn line(&self, absolute: &str) -> Option<String> {
        self.text(absolute).map(|text| text.trim().to_owned())
    }

    pub fn exists(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    pub fn is_dir(&self, absolute: &str) -> bool {
        self.path(absolute).is_dir()
    }

    pub fn is_file(&self, absolute: &str) -> bool {
        self.path(absolute).is_file()
    }

    /// The names in a directory, sorted; none where it cannot be read.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(directory)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
