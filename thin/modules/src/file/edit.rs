//! A text file that is edited: read whole, compared, kept as a backup, written back.

use super::content::is_text;
use super::could_not;
use crate::registry::CallError;
use crate::{diff, paths, write};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The content of the text file that `path` leads to, and where that is.
///
/// # Errors
/// There is no such file, it cannot be read, or it is binary.
pub fn load(path: &Path) -> Result<(PathBuf, Vec<u8>), CallError> {
    let path = paths::realpath(path);
    if !path.exists() {
        return Err(CallError::failed(format!("there is no file '{}'", path.display())));
    }
    let content = std::fs::read(&path).map_err(could_not("read", &path))?;
    if !is_text(&content) {
        let why = format!("'{}' is a binary file; only text can be edited", path.display());
        return Err(CallError::failed(why));
    }
    Ok((path, content))
}

/// The unified diff of two contents, with empty names; empty where they are equal.
pub fn differences(old: &[u8], new: &[u8]) -> String {
    diff::unified(&lines(old), &lines(new), ("", ""))
}

/// Lines with their ends. Bytes that are not UTF-8 are read as Latin-1.
pub fn lines(content: &[u8]) -> Vec<String> {
    diff::split_lines(&decoded(content))
}

fn decoded(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => content.iter().copied().map(char::from).collect(),
    }
}

/// Writes the new content of a file that is there. Owner and mode stay.
///
/// The file is replaced in one step, unless it must stay the same inode: because it has other names (and
/// `preserve_inode` says they shall see the change), or because something is mounted on it.
///
/// # Errors
/// What writing says.
pub fn store(path: &Path, content: &[u8], preserve_inode: bool) -> Result<(), CallError> {
    let has_other_names = || path.metadata().is_ok_and(|meta| meta.nlink() > 1);
    let stored = if preserve_inode && has_other_names() {
        over(path, content)
    } else {
        match write::replace(path, content, write::default_mode()) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => over(path, content),
            other => other,
        }
    };
    stored.map_err(could_not("write", path))
}

fn over(path: &Path, content: &[u8]) -> io::Result<()> {
    write::no_planted_links(path)?;
    std::fs::write(path, content)
}

/// Keeps `content`, which `path` had, beside it under its name and `suffix`, with its owner and mode.
///
/// # Errors
/// What writing says.
pub fn keep(path: &Path, suffix: &str, content: &[u8]) -> Result<(), CallError> {
    let mut name = OsString::from(path);
    name.push(suffix);
    let backup = PathBuf::from(name);
    let write = || -> io::Result<()> {
        let meta = path.metadata()?;
        let mut file = write::NewFile::create(&backup)?;
        file.write_all(content)?;
        // Only root may give files away; where we may not, the copy is ours.
        let _ = std::os::unix::fs::chown(file.path(), Some(meta.uid()), Some(meta.gid()));
        // What was there under this name must not lend the copy a wider mode.
        match std::fs::remove_file(&backup) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => file.finish(meta.permissions().mode() & 0o7777),
        }
    };
    write().map_err(could_not("keep a copy as", &backup))
}
