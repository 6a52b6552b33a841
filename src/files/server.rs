//! The files of all environments: which there are, and each one open.

use super::git::GitFs;
use super::pack::Packer;
use super::roots::Root;
use halite_wire::message::TreeFile;
use indexmap::IndexMap;
use sha2::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So long a listing counts as new: many hosts ask for it at the same time.
const FRESH: Duration = Duration::from_secs(1);

/// The environment that stands for all that are not named.
const ANY_ENVIRONMENT: &str = "__env__";

/// What the `salt://` URLs of this controller's hosts lead to.
#[derive(Default)]
pub struct FileServer {
    roots: IndexMap<String, Vec<PathBuf>>,
    git: Option<GitFs>,
    /// `true`: git comes before the roots.
    git_first: bool,
    trees: Mutex<HashMap<String, Kept>>,
    /// Hashes of files that did not change since: one file goes to many hosts.
    hashes: Mutex<HashMap<(String, String, u64), String>>,
    pub(super) packer: Packer,
}

struct Kept {
    at: Instant,
    tree: Arc<Tree>,
}

/// All files of an environment.
#[derive(Debug)]
pub struct Tree {
    /// Another one whenever anything in the tree is.
    pub digest: String,
    /// Sorted by path. Folders that hold nothing end in a slash.
    pub files: Vec<TreeFile>,
}

/// A file that is open.
#[derive(Debug)]
pub struct FoundFile {
    pub file: File,
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    pub tag: u64,
}

/// There is no such file or environment, or it may not be served.
#[derive(Debug, thiserror::Error)]
#[error("salt://{path} is not there in environment {saltenv}: {why}")]
pub struct NotFound {
    pub path: String,
    pub saltenv: String,
    pub why: String,
}

impl FileServer {
    /// `roots` are the directories of each environment, in their order of precedence.
    pub fn new(roots: impl IntoIterator<Item = (String, Vec<PathBuf>)>) -> FileServer {
        FileServer { roots: roots.into_iter().collect(), ..FileServer::default() }
    }

    /// Adds the branches and tags of git repositories; `first` has them win over the roots.
    pub fn with_git(self, git: GitFs, first: bool) -> FileServer {
        FileServer { git: Some(git), git_first: first, ..self }
    }

    /// The environments there are, `base` first.
    pub fn environments(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.roots.keys().filter(|name| *name != ANY_ENVIRONMENT).cloned().collect();
        names.extend(self.git.iter().flat_map(GitFs::environments));
        names.retain(|name| name != "base");
        names.sort();
        names.dedup();
        names.insert(0, "base".to_owned());
        names
    }

    /// The roots of an environment; the first one that has a file counts.
    fn roots_of(&self, saltenv: &str) -> Result<Vec<Root>, String> {
        let missing = || "there is no such environment".to_owned();
        if !is_environment(saltenv) {
            return Err(missing());
        }
        let folders = match (self.roots.get(saltenv), self.roots.get(ANY_ENVIRONMENT)) {
            (Some(folders), _) => Some(folders.clone()),
            (None, Some(any)) => Some(any.iter().map(|folder| with_name(folder, saltenv)).collect()),
            (None, None) => None,
        };
        let from_git = self.git.as_ref().and_then(|git| git.roots(saltenv).transpose()).transpose()?;
        if folders.is_none() && from_git.is_none() && saltenv != "base" {
            return Err(missing());
        }
        let folders = folders.into_iter().flatten().map(Root::at);
        let from_git = from_git.into_iter().flatten();
        Ok(if self.git_first { from_git.chain(folders).collect() } else { folders.chain(from_git).collect() })
    }

    /// Opens `path` (below `salt://`) in the first root of `saltenv` that has it.
    ///
    /// # Errors
    /// [`NotFound`], also for paths that would lead out of the root.
    pub fn find(&self, saltenv: &str, path: &str) -> Result<FoundFile, NotFound> {
        let missing = |why: String| NotFound { path: path.to_owned(), saltenv: saltenv.to_owned(), why };
        let mut why = "no root has it".to_owned();
        for root in self.roots_of(saltenv).map_err(missing)? {
            match root.open(path) {
                Ok((file, tag)) => return found(file, tag).map_err(|error| missing(error.to_string())),
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
                Err(error) => why = error.to_string(),
            }
        }
        Err(missing(why))
    }

    /// The SHA-256 of a file that was found, in hex.
    ///
    /// # Errors
    /// What reading it says.
    pub fn sha256(&self, saltenv: &str, path: &str, found: &mut FoundFile) -> std::io::Result<String> {
        let key = (saltenv.to_owned(), path.to_owned(), found.tag);
        let known = self.hashes.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(sha256) = known {
            return Ok(sha256);
        }
        let sha256 = hash(&mut found.file)?;
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sha256.clone());
        Ok(sha256)
    }

    /// All files of `saltenv`.
    ///
    /// # Errors
    /// [`NotFound`] where there is no such environment.
    pub fn tree(&self, saltenv: &str) -> Result<Arc<Tree>, NotFound> {
        // Whoever asks meanwhile waits here for the same answer.
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = trees.get(saltenv).filter(|kept| kept.at.elapsed() < FRESH) {
            return Ok(kept.tree.clone());
        }
        let missing = |why| NotFound { path: String::new(), saltenv: saltenv.to_owned(), why };
        let tree = Arc::new(Tree::of(&self.roots_of(saltenv).map_err(missing)?));
        trees.insert(saltenv.to_owned(), Kept { at: Instant::now(), tree: tree.clone() });
        Ok(tree)
    }

    /// All paths of `saltenv`, sorted, each once.
    ///
    /// # Errors
    /// [`NotFound`] where there is no such environment.
    pub fn list(&self, saltenv: &str) -> Result<Vec<String>, NotFound> {
        let tree = self.tree(saltenv)?;
        let paths = tree.files.iter().map(|file| file.path.as_str());
        Ok(paths.filter(|path| !path.ends_with('/')).map(str::to_owned).collect())
    }
}

impl Tree {
    fn of(roots: &[Root]) -> Tree {
        let mut files = BTreeMap::new();
        for file in roots.iter().flat_map(Root::files) {
            files.entry(file.path.clone()).or_insert(file);
        }
        let files: Vec<TreeFile> = files.into_values().collect();
        let mut hasher = blake3::Hasher::new();
        for file in &files {
            hasher.update(&(file.path.len() as u64).to_le_bytes()).update(file.path.as_bytes());
            hasher.update(&file.tag.to_le_bytes()).update(&file.mode.to_le_bytes());
        }
        Tree { digest: hasher.finalize().to_hex()[..32].to_owned(), files }
    }
}

/// Whether a text may name an environment: plain words, with slashes between them at most.
pub fn is_environment(name: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= 255
        && name.split('/').all(is_plain)
        && !name.contains(|c: char| c.is_control() || c == '\\')
}

fn with_name(folder: &std::path::Path, saltenv: &str) -> PathBuf {
    PathBuf::from(folder.to_string_lossy().replace(ANY_ENVIRONMENT, saltenv))
}

fn found(file: File, tag: u64) -> std::io::Result<FoundFile> {
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    Ok(FoundFile { file, size: data.size(), mode: data.mode() & 0o7777, tag })
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
