//! What may lie where the store is: its directory and its three files, seen before the database opens them.
//!
//! The files are looked at, never opened: closing a descriptor of ours would drop the locks that the database
//! holds on the same file in this process. The database itself opens them without following links.

use super::StoreError;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PRIVATE_DIR: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// Makes `dir` where it is missing, for its owner alone.
pub(crate) fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(dir);
    made.map_err(|error| cannot_open(dir, error))
}

/// Refuses anything but a plain file of ours at `path` and at the two files beside it; closes them to others.
/// Returns whether the store exists.
pub(crate) fn check(path: &Path) -> Result<bool, StoreError> {
    for suffix in ["-wal", "-shm"] {
        check_one(&beside(path, suffix))?;
    }
    check_one(path)
}

fn check_one(path: &Path) -> Result<bool, StoreError> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cannot_open(path, error)),
    };
    let refuse = |what: &str| Err(StoreError::NotAStore { path: path.to_owned(), what: what.to_owned() });
    let kind = meta.file_type();
    if kind.is_symlink() {
        return refuse("it is a symbolic link");
    }
    if kind.is_dir() {
        return refuse("it is a directory");
    }
    if !kind.is_file() {
        return refuse("it is a pipe, a socket or a device");
    }
    let me = rustix::process::geteuid();
    if meta.uid() != me.as_raw() && !me.is_root() {
        return refuse("it belongs to another user");
    }
    if meta.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE))
            .map_err(|e| cannot_open(path, e))?;
    }
    Ok(true)
}

/// The path of a file beside `path`: same name, with `suffix`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A lock on the directory, held while one process makes the store. Freed when dropped, or with the process.
pub(super) struct DirLock(File);

impl DirLock {
    /// # Errors
    /// [`StoreError::Busy`] where another process holds it for longer than `patience`.
    pub(super) async fn take(dir: &Path, patience: Duration) -> Result<DirLock, StoreError> {
        let file = File::open(dir).map_err(|error| cannot_open(dir, error))?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(DirLock(file)),
                Err(TryLockError::Error(error)) => return Err(cannot_open(dir, error)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path: dir.to_owned() }),
            }
        }
    }

    /// Makes an empty file for the database, durable in the directory. One that exists is left alone.
    pub(super) fn make_file(&self, path: &Path) -> Result<(), StoreError> {
        if make_private_file(path)? {
            self.0.sync_all().map_err(|error| cannot_open(path, error))?;
        }
        Ok(())
    }
}

/// Makes an empty file for its owner alone; false where something is there already.
pub(crate) fn make_private_file(path: &Path) -> Result<bool, StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path);
    match made {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot_open(path, error)),
    }
}

fn cannot_open(path: &Path, error: std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path: path.to_owned() },
        ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path: path.to_owned() },
        _ => StoreError::Open { path: path.to_owned(), why: error.to_string() },
    }
}
