//! Files that appear whole or not at all: content in, a finished file under its name out.
//!
//! A file is written under a fresh name in the same directory, created anew (never through something that is
//! there already, so links planted by others lead nowhere), readable by its owner alone until it is done.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Tries to find a free name. One is enough unless somebody guesses 64 random bits.
const TRIES: usize = 4;

/// A file under way. Dropped before [`NewFile::finish`], it leaves nothing.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    done: bool,
}

impl NewFile {
    /// Begins the file that shall become `target`. A link at `target` is replaced, not followed.
    ///
    /// # Errors
    /// What creating a file in that directory says.
    pub fn create(target: &Path) -> io::Result<NewFile> {
        no_planted_links(target.parent().unwrap_or(Path::new("")))?;
        let mut result = Err(io::ErrorKind::AlreadyExists.into());
        for _ in 0..TRIES {
            let temporary = fresh_name(target);
            result = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)
                .map(|file| NewFile { file, temporary, target: target.to_owned(), done: false });
            if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
                break;
            }
        }
        result
    }

    /// Where it is until it is done, for programs that write it themselves.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts the file in its place: owner and mode of what it replaces, else `mode`.
    ///
    /// # Errors
    /// What setting the mode, writing to the disk or renaming says.
    pub fn finish(mut self, mode: u32) -> io::Result<()> {
        let before = std::fs::symlink_metadata(&self.target).ok().filter(|meta| meta.is_file());
        let mode = before.as_ref().map_or(mode, |meta| meta.mode() & 0o7777);
        if let Some(before) = &before {
            let ours = self.file.metadata()?;
            if (before.uid(), before.gid()) != (ours.uid(), ours.gid()) {
                // Only root may give files away; where we may not, the file is ours as any copy would be.
                let _ = fchown(&self.file, Some(before.uid()), Some(before.gid()));
            }
        }
        self.file.set_permissions(Permissions::from_mode(mode))?;
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.target)?;
        self.done = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// A name beside `target` that nobody can foresee.
pub fn fresh_name(target: &Path) -> PathBuf {
    let mut random = [0; 8];
    let filled =
        File::open("/dev/urandom").and_then(|mut source| io::Read::read_exact(&mut source, &mut random));
    if filled.is_err() {
        // No random device (a bare chroot): exclusive creation keeps the name safe even where it can be guessed.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        random = (now.as_nanos() as u64 ^ (u64::from(std::process::id()) << 40)).to_be_bytes();
    }
    let folder = target.parent().unwrap_or(Path::new(""));
    folder.join(format!(".{}.tmp", crate::digest::hex(&random)))
}

/// Refuses a path that goes through a link which another user put into a directory everybody may write to.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] with the link's path.
pub fn no_planted_links(path: &Path) -> io::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    for part in path.ancestors() {
        let Ok(link) = part.symlink_metadata() else { continue };
        let Some(folder) = part.parent().filter(|_| link.is_symlink()) else { continue };
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let folder = here.metadata()?;
        if folder.mode() & 0o002 != 0 && ![us, 0, folder.uid()].contains(&link.uid()) {
            let why = format!("{} is a link another user made in a directory open to all", part.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

/// The file to write where `target` may be a link: what it leads to.
fn behind(target: &Path) -> io::Result<PathBuf> {
    no_planted_links(target)?;
    Ok(if target.is_symlink() { crate::paths::realpath(target) } else { target.to_owned() })
}

/// Replaces the content of `target`. A link is followed, so that the file it leads to changes.
///
/// # Errors
/// As [`NewFile::create`] and [`NewFile::finish`].
pub fn replace(target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = NewFile::create(&behind(target)?)?;
    file.write_all(content)?;
    file.finish(mode)
}

/// Copies one regular file's content to `to`, which appears whole. Mode `0666` less the mask, unless it is there.
///
/// # Errors
/// What reading or writing says.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut file = NewFile::create(&behind(to)?)?;
    io::copy(&mut source, &mut file)?;
    file.finish(default_mode())
}

/// What a new file gets: `0666` less the process's mask.
pub fn default_mode() -> u32 {
    let status = std::fs::read("/proc/self/status").unwrap_or_default();
    let mask = status.split(|byte| *byte == b'\n').find_map(|line| {
        let digits = std::str::from_utf8(line).ok()?.strip_prefix("Umask:")?;
        u32::from_str_radix(digits.trim(), 8).ok()
    });
    0o666 & !mask.unwrap_or(0o022)
}

/// Makes `folder` and what is missing above it, for us alone.
///
/// # Errors
/// What creating says.
pub fn private_folders(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    no_planted_links(folder)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = std::env::temp_dir().join(format!("write-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let target = dir.join("x");
        let mut half = NewFile::create(&target).unwrap();
        half.write_all(b"half").unwrap();
        let names =
            || std::fs::read_dir(&dir).unwrap().flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
        assert_eq!(names().len(), 1);
        assert_eq!(std::fs::metadata(dir.join(&names()[0])).unwrap().mode() & 0o777, 0o600);
        drop(half);
        assert!(names().is_empty());
        replace(&target, b"whole", 0o640).unwrap();
        assert_eq!(
            (std::fs::read(&target).unwrap(), target.metadata().unwrap().mode() & 0o777),
            (b"whole".to_vec(), 0o640)
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn links_planted_by_others_are_not_followed() {
        let dir = std::env::temp_dir().join(format!("planted-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        std::fs::create_dir(dir.join("real")).unwrap();
        std::os::unix::fs::symlink("real", dir.join("link")).unwrap();
        std::fs::set_permissions(&dir, Permissions::from_mode(0o1777)).unwrap();
        assert!(NewFile::create(&dir.join("link/x")).is_ok(), "our own link is followed");
        // Only root can make a link look like another user's.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(dir.join("link"), Some(65_534), Some(65_534)).unwrap();
            let refused = NewFile::create(&dir.join("link/x")).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert!(
                private_folders(&dir.join("link/deeper")).is_err()
                    && replace(&dir.join("link"), b"", 0o600).is_err()
            );
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
