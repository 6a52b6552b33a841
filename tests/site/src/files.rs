//! Small file helpers: whole files and folders with a mode and an owner, and text put into shell words.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::error::{AtPath, Result};

/// Writes a whole file and sets its mode; parent folders are made as needed.
pub(crate) fn put(path: &Path, mode: u32, text: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).at(parent)?;
    }
    fs::write(path, text).at(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).at(path)
}

/// Makes a folder (and its parents) and sets its mode.
pub(crate) fn folder(path: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(path).at(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).at(path)
}

/// Gives `path` to `uid` and to the group of the same number.
pub(crate) fn own(path: &Path, uid: u32) -> Result<()> {
    chown(path, Some(uid), Some(uid)).at(path)
}

/// `absolute` as a path below `root`.
pub(crate) fn below(root: &Path, absolute: &str) -> PathBuf {
    root.join(absolute.trim_start_matches('/'))
}

/// `text` as one word of a POSIX shell.
pub(crate) fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as one word of a POSIX shell.
pub(crate) fn path_word(path: &Path) -> String {
    word(&path.to_string_lossy())
}
