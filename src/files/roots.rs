//! Directories that make up the file server. Nothing above a root is ever opened: the kernel itself is told to stay
//! beneath it (`openat2`).

use halite_wire::message::TreeFile;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Directories inside each other that are walked when all files are listed.
const DEPTH_MAX: usize = 64;

/// One directory, and where in the environment it stands.
#[derive(Clone, Debug)]
pub struct Root {
    pub folder: PathBuf,
    /// The folder of the environment that holds the root's files; empty for its top.
    pub mount: String,
    /// Tags by path below the root, where something better than inode and times is known.
    pub tags: Option<Arc<HashMap<String, u64>>>,
}

impl Root {
    pub fn at(folder: impl Into<PathBuf>) -> Root {
        Root { folder: folder.into(), mount: String::new(), tags: None }
    }

    /// Opens a file of the environment, with its tag. Links are followed as long as they stay beneath the root.
    ///
    /// # Errors
    /// What the kernel says: `NOENT` where it is not there, `XDEV` where a link leads out.
    pub fn open(&self, path: &str) -> Result<(File, u64), rustix::io::Errno> {
        let below = self.below(path).ok_or(rustix::io::Errno::NOENT)?;
        // Not to hang on a FIFO somebody left there.
        let file = self.reach(below, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let data = file.metadata().map_err(|_| rustix::io::Errno::IO)?;
        Ok((file, self.tag(below, &data)))
    }

    /// The path below the root's own directory.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.mount.is_empty() { Some(path) } else { path.strip_prefix(&self.mount)?.strip_prefix('/') }
    }

    fn reach(&self, path: &str, flags: OFlags) -> Result<File, rustix::io::Errno> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.folder, folder, Mode::empty())?;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(folder, path, flags | OFlags::CLOEXEC, Mode::empty(), beneath)?.into())
    }

    fn tag(&self, below: &str, data: &Metadata) -> u64 {
        let known = self.tags.as_ref().and_then(|tags| tags.get(below).copied());
        known.unwrap_or_else(|| tag_of(data))
    }

    /// All files, in no order; folders that hold nothing are named with a slash at their end.
    pub fn files(&self) -> Vec<TreeFile> {
        let mut walk = Walk { root: self, found: Vec::new(), within: Vec::new() };
        walk.folder(&self.folder, "");
        walk.found
    }
}

/// What stays the same as long as nobody writes to the file.
pub(super) fn tag_of(data: &Metadata) -> u64 {
    let facts = [data.dev(), data.ino(), data.size()].map(u64::to_le_bytes);
    let times = [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()].map(i64::to_le_bytes);
    let digest = blake3::hash(&[facts.as_flattened(), times.as_flattened()].concat());
    digest.as_bytes().first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

struct Walk<'r> {
    root: &'r Root,
    found: Vec<TreeFile>,
    /// Device and inode of the folders we are in: a link back to one of them would never end.
    within: Vec<(u64, u64)>,
}

impl Walk<'_> {
    /// Names that are not UTF-8 or hold line ends cannot be asked for and are left out, as are `.git` and the like.
    fn folder(&mut self, folder: &Path, prefix: &str) {
        let Ok(data) = folder.metadata() else { return };
        let us = (data.dev(), data.ino());
        if self.within.contains(&us) || self.within.len() >= DEPTH_MAX {
            return;
        }
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        self.within.push(us);
        let mut is_empty = true;
        for entry in entries.flatten() {
            let name = entry.file_name().into_string().ok();
            let Some(name) = name.filter(|name| !name.contains(['\n', '\0'])) else { continue };
            is_empty = false;
            if !VERSION_CONTROL.contains(&name.as_str()) {
                self.entry(&entry.path(), &format!("{prefix}{name}"));
            }
        }
        self.within.pop();
        if is_empty && !prefix.is_empty() {
            self.add(prefix, 0, 0, 0);
        }
    }

    fn entry(&mut self, place: &Path, path: &str) {
        let Ok(mut data) = place.symlink_metadata() else { return };
        if data.is_symlink() {
            // Only where it leads may be told from here; what is outside does not exist.
            let Ok(target) = self.root.reach(path, OFlags::PATH) else { return };
            let Ok(target) = target.metadata() else { return };
            data = target;
        }
        if data.is_dir() {
            self.folder(place, &format!("{path}/"));
        } else if data.is_file() {
            self.add(path, data.size(), data.mode() & 0o7777, self.root.tag(path, &data));
        }
    }

    fn add(&mut self, path: &str, size: u64, mode: u32, tag: u64) {
        let mount = &self.root.mount;
        let path = if mount.is_empty() { path.to_owned() } else { format!("{mount}/{path}") };
        self.found.push(TreeFile { path, size, mode, tag });
    }
}

/// Folders of version control are no part of a tree.
const VERSION_CONTROL: [&str; 3] = [".git", ".hg", ".svn"];
