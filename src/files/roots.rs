//! Directories on the controller that make up the file server.

use rustix::fs::{Mode, OFlags, ResolveFlags};
use sha2::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Directories below a root that are walked when all files are listed.
const LIST_DEPTH_MAX: usize = 64;

/// The roots of each environment, in their order of precedence.
#[derive(Debug, Default)]
pub struct FileRoots {
    roots: HashMap<String, Vec<PathBuf>>,
    /// Hashes of files that did not change since: one file goes to many hosts.
    hashes: Mutex<HashMap<Stamp, String>>,
}

/// Device, inode, size and time of change: a file with the same ones has the same content.
type Stamp = (u64, u64, u64, i64, i64);

/// A file that is open and known by its hash.
#[derive(Debug)]
pub struct FoundFile {
    pub file: File,
    pub size: u64,
    /// In hex.
    pub sha256: String,
    /// Permission bits.
    pub mode: u32,
}

/// There is no such file or environment, or it may not be served.
#[derive(Debug, thiserror::Error)]
#[error("salt://{path} is not there in environment {saltenv}: {why}")]
pub struct NotFound {
    pub path: String,
    pub saltenv: String,
    pub why: String,
}

impl FileRoots {
    pub fn new(roots: impl IntoIterator<Item = (String, Vec<PathBuf>)>) -> FileRoots {
        FileRoots { roots: roots.into_iter().collect(), hashes: Mutex::default() }
    }

    /// Opens `path` (below `salt://`) in the first root of `saltenv` that has it.
    ///
    /// # Errors
    /// [`NotFound`], also for paths that would lead out of the root.
    pub fn find(&self, saltenv: &str, path: &str) -> Result<FoundFile, NotFound> {
        let missing = |why: String| NotFound { path: path.to_owned(), saltenv: saltenv.to_owned(), why };
        let roots =
            self.roots.get(saltenv).ok_or_else(|| missing("there is no such environment".to_owned()))?;
        let mut why = "no root has it".to_owned();
        for root in roots {
            match open_beneath(root, path) {
                Ok(file) => return self.identify(file).map_err(|error| missing(error.to_string())),
                Err(rustix::io::Errno::NOENT) => {}
                Err(error) => why = error.to_string(),
            }
        }
        Err(missing(why))
    }

    fn identify(&self, mut file: File) -> std::io::Result<FoundFile> {
        let data = file.metadata()?;
        if !data.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        let stamp = (data.dev(), data.ino(), data.size(), data.ctime(), data.ctime_nsec());
        let known = self.hashes.lock().unwrap_or_else(PoisonError::into_inner).get(&stamp).cloned();
        let sha256 = match known {
            Some(sha256) => sha256,
            None => {
                let sha256 = hash(&mut file)?;
                self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(stamp, sha256.clone());
                sha256
            }
        };
        Ok(FoundFile { file, size: data.size(), sha256, mode: data.mode() & 0o7777 })
    }

    /// All paths of `saltenv`, sorted, each once.
    ///
    /// # Errors
    /// [`NotFound`] where there is no such environment.
    pub fn list(&self, saltenv: &str) -> Result<Vec<String>, NotFound> {
        let roots = self.roots.get(saltenv).ok_or_else(|| NotFound {
            path: String::new(),
            saltenv: saltenv.to_owned(),
            why: "there is no such environment".to_owned(),
        })?;
        let mut paths = Vec::new();
        for root in roots {
            walk(root, "", LIST_DEPTH_MAX, &mut paths);
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

/// Opens a file below `root` without ever leaving it. Links are followed as long as they stay beneath.
fn open_beneath(root: &Path, path: &str) -> Result<File, rustix::io::Errno> {
    let folder = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    // Not to hang on a FIFO somebody left there.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(folder, path, flags, Mode::empty(), beneath)?.into())
}

fn hash(file: &mut File) -> std::io::Result<String> {
    let mut hasher = sha2::Sha256::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
    }
    file.rewind()?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn walk(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                walk(&entry.path(), &format!("{path}/"), depth - 1, paths)
            }
            Ok(kind) if kind.is_file() => paths.push(path),
            Ok(kind) if kind.is_symlink() && entry.path().is_file() => paths.push(path),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_beneath_a_root_is_found() {
        let folder = std::env::temp_dir().join(format!("halite-roots-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("root/sub")).unwrap();
        std::fs::write(folder.join("secret"), "x").unwrap();
        std::fs::write(folder.join("root/sub/ok"), "content").unwrap();
        let _ = std::os::unix::fs::symlink(folder.join("secret"), folder.join("root/out"));
        let _ = std::os::unix::fs::symlink("sub/ok", folder.join("root/inside"));
        let files = FileRoots::new([("base".to_owned(), vec![folder.join("root")])]);
        for path in ["../secret", "/etc/passwd", "sub/../../secret", "out", "sub", "", "nothing", "sub/ok/x"]
        {
            assert!(files.find("base", path).is_err(), "{path} was found");
        }
        assert!(files.find("../base", "sub/ok").is_err());
        assert_eq!(files.find("base", "sub/ok").unwrap().size, 7);
        assert_eq!(files.find("base", "inside").unwrap().size, 7);
        assert_eq!(files.list("base").unwrap(), ["inside", "out", "sub/ok"]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
