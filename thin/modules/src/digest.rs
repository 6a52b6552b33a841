//! Digests by Salt's names (`md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`): bytes in, lower-case hex out.

use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Every algorithm and how many hex digits it gives, shortest first.
pub const ALGORITHMS: &[(&str, usize)] =
    &[("md5", 32), ("sha1", 40), ("sha224", 56), ("sha256", 64), ("sha384", 96), ("sha512", 128)];

const CHUNK_BYTES: usize = 64 * 1024;

/// A digest under way.
pub struct Digest(Box<dyn DynDigest>);

impl Digest {
    /// A fresh one; `None` where no algorithm has this name.
    pub fn new(algorithm: &str) -> Option<Digest> {
        Some(Digest(match algorithm {
            "md5" => Box::new(Md5::default()),
            "sha1" => Box::new(Sha1::default()),
            "sha224" => Box::new(Sha224::default()),
            "sha256" => Box::new(Sha256::default()),
            "sha384" => Box::new(Sha384::default()),
            "sha512" => Box::new(Sha512::default()),
            _ => return None,
        }))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The digest of `bytes`; `None` where no algorithm has this name.
pub fn of_bytes(algorithm: &str, bytes: &[u8]) -> Option<String> {
    let mut digest = Digest::new(algorithm)?;
    digest.update(bytes);
    Some(digest.hex())
}

/// The digest of a file's content, read piece by piece.
///
/// # Errors
/// What opening or reading says; [`io::ErrorKind::Unsupported`] where no algorithm has this name.
pub fn of_file(algorithm: &str, path: &Path) -> io::Result<String> {
    let mut digest = Digest::new(algorithm).ok_or(io::ErrorKind::Unsupported)?;
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(digest.hex()),
            count => digest.update(&chunk[..count]),
        }
    }
}

/// The algorithm whose digests have this many hex digits.
pub fn algorithm_by_length(digits: usize) -> Option<&'static str> {
    ALGORITHMS.iter().find(|(_, length)| *length == digits).map(|(name, _)| *name)
}

/// All names, for messages.
pub fn names() -> String {
    ALGORITHMS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_abc_are_the_published_ones() {
        let of = |name| of_bytes(name, b"abc").unwrap();
        assert_eq!(of("md5"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of("sha1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(of("sha224"), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
        assert_eq!(of("sha256"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(of_bytes("crc32", b"abc"), None);
    }

    #[test]
    fn each_algorithm_is_known_by_the_length_of_its_digests() {
        for (name, digits) in ALGORITHMS {
            assert_eq!(of_bytes(name, b"").unwrap().len(), *digits);
            assert_eq!(algorithm_by_length(*digits), Some(*name));
        }
    }
}
