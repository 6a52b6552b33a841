//! The directory of a ZIP archive: names, kinds and flags, without unpacking anything.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the end of an archive in which its directory's place must be found: the record, and the longest comment.
const TAIL_BYTES: u64 = END_BYTES as u64 + 65_535;
const END_BYTES: usize = 22;

/// Bytes a directory may take: a million entries with names of usual length.
const DIRECTORY_BYTES_MAX: u64 = 128 << 20;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipEntry {
    pub name: String,
    /// Type and permission bits of Unix; 0 where the archive was made elsewhere.
    pub mode: u32,
    pub encrypted: bool,
    /// Bytes when unpacked, as the directory has it.
    pub size: u64,
    /// Bytes in the archive.
    pub packed: u64,
}

/// Why an archive has no directory.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    #[error("{0} is not a ZIP file")]
    NotZip(String),
    #[error("could not read {0}: {1}")]
    Read(String, io::Error),
}

/// All entries, in the archive's order.
///
/// # Errors
/// [`ZipError`].
pub fn entries(path: &Path) -> Result<Vec<ZipEntry>, ZipError> {
    let shown = || path.display().to_string();
    let bytes = File::open(path).and_then(directory).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ZipError::NotZip(shown()),
        _ => ZipError::Read(shown(), error),
    })?;
    parse(&bytes).ok_or_else(|| ZipError::NotZip(shown()))
}

/// The bytes of the central directory.
fn directory(mut file: File) -> io::Result<Vec<u8>> {
    let not_zip = || io::Error::from(io::ErrorKind::InvalidData);
    let size = file.metadata()?.len();
    let start = size.saturating_sub(TAIL_BYTES);
    let tail = piece(&mut file, start, size - start)?;
    let end = memchr::memmem::rfind(&tail, &END).ok_or_else(not_zip)?;
    let locator = end.checked_sub(20).map(|at| &tail[at..end]).filter(|bytes| bytes.starts_with(&LOCATOR_64));
    if let Some(place) = locator.and_then(|locator| u64_at(locator, 8)) {
        let record = piece(&mut file, place, 56)?;
        let is_record = record.starts_with(&END_64);
        let found = u64_at(&record, 48).zip(u64_at(&record, 40)).filter(|_| is_record);
        let (offset, length) = found.ok_or_else(not_zip)?;
        return piece(&mut file, offset, length);
    }
    let record = tail.get(end..end + END_BYTES).ok_or_else(not_zip)?;
    let length = u64::from(u32_at(record, 12).ok_or_else(not_zip)?);
    // Something may stand before the archive, as in those that unpack themselves; so its own offset says nothing.
    let offset = (start + end as u64).checked_sub(length).ok_or_else(not_zip)?;
    piece(&mut file, offset, length)
}

fn piece(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    if length > DIRECTORY_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn parse(mut bytes: &[u8]) -> Option<Vec<ZipEntry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        if !bytes.starts_with(&ENTRY) {
            return None;
        }
        let flags = u16_at(bytes, 8)?;
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(bytes, at).map(usize::from));
        let name_end = 46 + name?;
        let raw = bytes.get(46..name_end)?;
        let further = bytes.get(name_end..name_end + extra?)?;
        let [packed, size] = sizes([u32_at(bytes, 20)?, u32_at(bytes, 24)?], further);
        entries.push(ZipEntry {
            name: String::from_utf8_lossy(raw).into_owned(),
            mode: u32_at(bytes, 38)? >> 16,
            encrypted: flags & 1 != 0,
            size,
            packed,
        });
        bytes = bytes.get(name_end + extra? + comment?..)?;
    }
    Some(entries)
}

/// Packed and unpacked size. What does not fit 32 bits stands in the extra field 1: first the unpacked, then the packed
/// size, each only where its short form is full.
fn sizes([packed, size]: [u32; 2], mut extra: &[u8]) -> [u64; 2] {
    let (mut packed, mut size) = (u64::from(packed), u64::from(size));
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some(field) = extra.get(4..4 + usize::from(length)) else { break };
        if id == 1 {
            let mut at = 0;
            for number in
                [&mut size, &mut packed].into_iter().filter(|number| **number == u64::from(u32::MAX))
            {
                *number = u64_at(field, at).unwrap_or(u64::MAX);
                at += 8;
            }
        }
        extra = &extra[4 + usize::from(length)..];
    }
    [packed, size]
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of one empty file `a`, mode 0600, as zip writes it.
    fn archive() -> Vec<u8> {
        let mut local = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a".to_vec();
        let at = local.len();
        local.extend(
            b"PK\x01\x02\x1e\x03\x0a\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0",
        );
        local.extend((0o100_600_u32 << 16).to_le_bytes());
        local.extend(b"\0\0\0\0a");
        let length = local.len() - at;
        local.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        local.extend((length as u32).to_le_bytes());
        local.extend((at as u32).to_le_bytes());
        local.extend(b"\0\0");
        local
    }

    #[test]
    fn names_modes_and_locks_are_read() {
        let file = std::env::temp_dir().join(format!("zip-{}", std::process::id()));
        let entry = ZipEntry { name: "a".to_owned(), mode: 0o100_600, encrypted: true, size: 0, packed: 0 };
        for before in [&b""[..], b"#!/bin/sh\n"] {
            std::fs::write(&file, [before, &archive()].concat()).unwrap();
            assert_eq!(entries(&file).unwrap(), std::slice::from_ref(&entry));
        }
        for cut in 0..archive().len() {
            std::fs::write(&file, &archive()[..cut]).unwrap();
            assert!(matches!(entries(&file), Err(ZipError::NotZip(_))), "{cut}");
        }
        std::fs::remove_file(&file).unwrap();
    }
}
