//! A name in a directory that is held open: nobody who swaps directories or plants links under a path on its way
//! can lead us elsewhere between looking and writing.
//!
//! Links are followed once, when a [`Place`] is found. Those of other users are followed only to what is theirs:
//! whoever owns a directory can put a link to `/etc/shadow` into it, and must gain nothing by that.

use crate::write;
use rustix::fs::{self, AtFlags, Mode, OFlags, Stat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Links followed in one path before it counts as a circle (Linux: 40).
const LINKS_MAX: usize = 40;

/// Tries to find a free name. One is enough unless somebody guesses 64 random bits.
const TRIES: usize = 4;

/// A name in a directory that is held open. What the name stands for is never followed.
#[derive(Debug)]
pub struct Place {
    folder: OwnedFd,
    name: OsString,
    path: PathBuf,
}

impl Place {
    /// The place `path` names: links in its directories are followed, and one at its end where `follow` says so.
    ///
    /// # Errors
    /// Where its directory is not there, or a link of another user leads to what is not that user's.
    pub fn find(path: &Path, follow: bool) -> io::Result<Place> {
        let real = resolve(path, follow)?;
        let name = real.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        Ok(Place { folder: open_folder(real.parent().unwrap_or(Path::new("/")))?, name, path: real })
    }

    /// Its path, with every link that was followed replaced by what it leads to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there; `None` where nothing is.
    ///
    /// # Errors
    /// What looking says.
    pub fn stat(&self) -> io::Result<Option<Stat>> {
        match fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens what is there for reading; a link is refused, and a pipe nobody writes to is not waited for.
    ///
    /// # Errors
    /// What opening says.
    pub fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(fs::openat(&self.folder, &self.name, flags, Mode::empty())?.into())
    }

    /// Begins a file that shall stand here: under another name, for us alone until it is done.
    ///
    /// # Errors
    /// What creating says.
    pub fn create(&self) -> io::Result<Draft<'_>> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut result = Err(rustix::io::Errno::EXIST);
        for _ in 0..TRIES {
            let name = write::fresh_name(Path::new(&self.name)).into_os_string();
            result =
                fs::openat(&self.folder, &name, flags, Mode::from_raw_mode(0o600)).map(|file| (name, file));
            if !matches!(result, Err(rustix::io::Errno::EXIST)) {
                break;
            }
        }
        let (name, file) = result?;
        Ok(Draft { place: self, name, file: file.into(), done: false })
    }

    /// Gives what is there an owner and a mode. A link gets the owner itself, and no mode.
    ///
    /// # Errors
    /// What the system says.
    pub fn set(&self, owner: (Option<u32>, Option<u32>), mode: Option<u32>) -> io::Result<()> {
        if owner != (None, None) {
            let (user, group) = ids(owner);
            fs::chownat(&self.folder, &self.name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        let Some(mode) = mode.map(Mode::from_raw_mode) else { return Ok(()) };
        match self.open() {
            Ok(file) => Ok(fs::fchmod(file, mode)?),
            // Not ours to read, or a device: by its name, which is no link as far as we saw.
            Err(_) if self.stat()?.is_some_and(|stat| !is_link(&stat)) => {
                Ok(fs::chmodat(&self.folder, &self.name, mode, AtFlags::empty())?)
            }
            Err(error) => Err(error),
        }
    }
}

/// A file under way to its [`Place`]. Dropped before [`Draft::finish`], it leaves nothing.
#[derive(Debug)]
pub struct Draft<'p> {
    place: &'p Place,
    name: OsString,
    file: File,
    done: bool,
}

impl Draft<'_> {
    /// Where its content goes.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts it in its place with owner and mode, whatever was there.
    ///
    /// # Errors
    /// What the system says; then nothing has changed.
    pub fn finish(mut self, owner: (Option<u32>, Option<u32>), mode: u32) -> io::Result<()> {
        if owner != (None, None) {
            let (user, group) = ids(owner);
            fs::fchown(&self.file, user, group)?;
        }
        fs::fchmod(&self.file, Mode::from_raw_mode(mode))?;
        self.file.sync_all()?;
        let folder = &self.place.folder;
        fs::renameat(folder, &self.name, folder, &self.place.name)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::unlinkat(&self.place.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Whether this is a symbolic link.
pub fn is_link(stat: &Stat) -> bool {
    fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::Symlink
}

fn ids((user, group): (Option<u32>, Option<u32>)) -> (Option<fs::Uid>, Option<fs::Gid>) {
    (user.map(fs::Uid::from_raw), group.map(fs::Gid::from_raw))
}

/// Opens a directory step by step, following nothing.
fn open_folder(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut open = fs::open("/", flags, Mode::empty())?;
    for part in folder.components() {
        if let Component::Normal(name) = part {
            open = fs::openat(&open, name, flags, Mode::empty())?;
        }
    }
    Ok(open)
}

/// The path without links. What does not exist stays as it is written.
fn resolve(path: &Path, follow: bool) -> io::Result<PathBuf> {
    write::no_planted_links(path)?;
    let us = rustix::process::geteuid().as_raw();
    let absolute = crate::paths::abspath(path);
    let mut todo = parts_reversed(&absolute);
    let (mut real, mut owners, mut links) = (PathBuf::from("/"), Vec::new(), 0);
    while let Some(part) = todo.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let target = if todo.is_empty() && !follow { None } else { std::fs::read_link(&next).ok() };
        let Some(target) = target else {
            real = next;
            continue;
        };
        links += 1;
        if links > LINKS_MAX {
            return Err(io::Error::other(format!("{} leads in a circle", path.display())));
        }
        let owner = std::os::unix::fs::MetadataExt::uid(&next.symlink_metadata()?);
        if ![0, us].contains(&owner) {
            owners.push((owner, next));
        }
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        todo.extend(parts_reversed(&target));
    }
    theirs(&real, follow, &owners)?;
    Ok(real)
}

/// Refuses links of other users to what is not theirs.
fn theirs(real: &Path, follow: bool, owners: &[(u32, PathBuf)]) -> io::Result<()> {
    let reached =
        if follow && real.symlink_metadata().is_ok() { real } else { real.parent().unwrap_or(real) };
    for (owner, link) in owners {
        let meta = reached.symlink_metadata()?;
        if std::os::unix::fs::MetadataExt::uid(&meta) != *owner {
            let why = format!("{} is a link of another user to what is not theirs", link.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

fn parts_reversed(path: &Path) -> Vec<OsString> {
    let parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/').rev();
    parts
        .filter(|part| !part.is_empty() && *part != b".")
        .map(|part| OsStr::from_bytes(part).to_owned())
        .collect()
}
