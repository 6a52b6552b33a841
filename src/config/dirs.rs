//! Directories and files that are nobody else's business.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, fstat, openat, statat};
use rustix::io::Errno;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Why a place cannot hold what must stay private.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    #[error("{} is a symbolic link; remove it, or name the place it points to", .0.display())]
    Link(PathBuf),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} belongs to the user {owner}, not to us ({us}); choose another place or change its owner", path.display())]
    Foreign { path: PathBuf, owner: u32, us: u32 },
    #[error("{} cannot be used: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes sure that `path` is a directory of ours that nobody else can enter: makes it and its parents where they are
/// missing (mode 0700), takes rights of others away where it exists. Everything is checked and changed through one
/// open descriptor, so that nobody can swap the directory in between.
///
/// # Errors
/// A symbolic link, something that is no directory, a directory of another user, and what the system refuses.
pub fn private_dir(path: &Path) -> Result<(), DirError> {
    let failed = |source: io::Error| DirError::Io { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(failed(error)),
    })?;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let dir = openat(CWD, path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP | Errno::NOTDIR if is_link(path) => DirError::Link(path.to_owned()),
        Errno::NOTDIR => DirError::NotADirectory(path.to_owned()),
        errno => failed(errno.into()),
    })?;
    make_private(&dir, path, DIR_MODE)
}

/// Opens `path` to read and write, for us alone: made with mode 0600 where it is missing, closed to others where it
/// exists. Its directory is the caller's concern.
///
/// # Errors
/// As [`private_dir`], for a file.
pub fn private_file(path: &Path) -> Result<File, DirError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::from_raw_mode(FILE_MODE)).map_err(|errno| match errno {
        Errno::LOOP => DirError::Link(path.to_owned()),
        Errno::ISDIR | Errno::NXIO => DirError::NotAFile(path.to_owned()),
        errno => DirError::Io { path: path.to_owned(), source: errno.into() },
    })?;
    let file = File::from(file);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return Err(DirError::NotAFile(path.to_owned()));
    }
    let fd = OwnedFd::from(file);
    make_private(&fd, path, FILE_MODE)?;
    Ok(File::from(fd))
}

fn make_private(fd: &OwnedFd, path: &Path, mode: u32) -> Result<(), DirError> {
    let failed = |errno: Errno| DirError::Io { path: path.to_owned(), source: errno.into() };
    let stat = fstat(fd).map_err(failed)?;
    let us = rustix::process::geteuid().as_raw();
    if stat.st_uid != us {
        return Err(DirError::Foreign { path: path.to_owned(), owner: stat.st_uid, us });
    }
    if stat.st_mode & 0o7777 != mode {
        fchmod(fd, Mode::from_raw_mode(mode)).map_err(failed)?;
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
}
