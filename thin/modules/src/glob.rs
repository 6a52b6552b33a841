//! Paths that match a pattern, with the meaning of Python's `glob`: a pattern in, matches out.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub use halite_pattern::{fnmatch, has_magic};

/// Existing paths that match `pattern`, in order of their bytes. A leading dot must be matched by a dot.
///
/// `**` is the same as `*`. A pattern without signs gives itself where it exists (a broken link does).
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let bytes = pattern.as_os_str().as_bytes();
    if !has_magic(bytes) {
        return if pattern.symlink_metadata().is_ok() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (head, tail) = split(bytes);
    let folders = match head {
        b"" => vec![PathBuf::new()],
        head if has_magic(head) => glob(&path_of(head)),
        head => vec![path_of(head)],
    };
    let mut found: Vec<PathBuf> = folders.iter().flat_map(|folder| within(folder, tail)).collect();
    found.sort();
    found
}

/// Paths right under `folder` whose name matches `pattern`.
fn within(folder: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    if !has_magic(pattern) {
        let path = folder.join(path_of(pattern));
        let exists = if pattern.is_empty() { folder.is_dir() } else { path.symlink_metadata().is_ok() };
        return if exists { vec![path] } else { Vec::new() };
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let wanted = names.filter(|name| {
        let hidden = name.as_bytes().starts_with(b".");
        (!hidden || pattern.starts_with(b".")) && fnmatch(name.as_bytes(), pattern)
    });
    wanted.map(|name| folder.join(name)).collect()
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let cut = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (head, tail) = path.split_at(cut);
    let trimmed = head.iter().rposition(|byte| *byte != b'/').map_or(head, |last| &head[..=last]);
    (trimmed, tail)
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}
