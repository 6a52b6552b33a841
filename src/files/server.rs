//! The files of all environments: which there are, and each one open.

use super::git::GitFs;
use super::pack::Packer;
use super::roots::Root;
use super::snapshot::{Content, Copies};
use halite_wire::Map;
use halite_wire::message::TreeFile;
use indexmap::IndexMap;
use sha2::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// So long a listing counts as new: many hosts ask for it at the same time.
const FRESH: Duration = Duration::from_secs(1);

/// Why a file is refused that was edited in the middle of a job.
const CHANGED: &str = "it changed after the job began; run it again";

/// Where a tree keeps what extends the executor for any call; states ask for the full one anyway.
const CODE_FOLDERS: [&str; 3] = ["_grains", "_modules", "_utils"];

/// The environment that stands for all that are not named.
const ANY_ENVIRONMENT: &str = "__env__";

/// What the `salt://` URLs of this controller's hosts lead to.
#[derive(Default)]
pub struct FileServer {
    roots: IndexMap<String, Vec<PathBuf>>,
    git: Option<GitFs>,
    /// `true`: git comes before the roots.
    git_first: bool,
    /// Whether a listing counts for good.
    is_for_one_job: bool,
    trees: Mutex<HashMap<String, Kept>>,
    /// Hashes of files that did not change since: one file goes to many hosts.
    hashes: Mutex<HashMap<(String, String, u64), String>>,
    /// Whether the roots bring code: looked up once.
    brings_code: OnceLock<bool>,
    pub(super) packer: Packer,
}

#[derive(Clone)]
struct Kept {
    at: Instant,
    tree: Arc<Tree>,
    copies: Arc<Copies>,
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
    pub file: Content,
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

impl NotFound {
    /// The file is there, and no longer the one the job began with.
    pub fn is_changed(&self) -> bool {
        self.why == CHANGED
    }
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

    /// Serves every host what was there when the first one asked.
    pub fn for_one_job(self) -> FileServer {
        FileServer { is_for_one_job: true, ..self }
    }

    /// The digest of each environment's tree that was asked for.
    pub fn digests(&self) -> Map {
        let trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let mut digests: Vec<_> =
            trees.iter().map(|(saltenv, kept)| (saltenv.clone(), kept.tree.digest.clone())).collect();
        digests.sort();
        digests.into_iter().collect()
    }

    /// Whether a tree may bring functions or grains of its own, in Python. A git repository may always.
    pub fn brings_code(&self) -> bool {
        let brings = |root: &PathBuf| CODE_FOLDERS.iter().any(|folder| root.join(folder).is_dir());
        self.git.is_some() || *self.brings_code.get_or_init(|| self.roots.values().flatten().any(brings))
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
        let missing = || self.with_failures("there is no such environment");
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
    /// [`NotFound`], also for paths that would lead out of the root, and for files that changed in the middle of a job
    /// that has no copy of them.
    pub fn find(&self, saltenv: &str, path: &str) -> Result<FoundFile, NotFound> {
        if !self.is_for_one_job {
            return self.find_now(saltenv, path);
        }
        let missing =
            |why: &str| NotFound { path: path.to_owned(), saltenv: saltenv.to_owned(), why: why.to_owned() };
        let Kept { tree, copies, .. } = self.kept(saltenv)?;
        let row = tree.row(path).ok_or_else(|| missing("no root had it when the job began"))?;
        if let Some(copy) = copies.get(path) {
            let file = Content::Copy(Cursor::new(copy));
            return Ok(FoundFile { file, size: row.size, mode: row.mode, tag: row.tag });
        }
        let found = self.find_now(saltenv, path)?;
        if found.tag == row.tag { Ok(found) } else { Err(missing(CHANGED)) }
    }

    fn find_now(&self, saltenv: &str, path: &str) -> Result<FoundFile, NotFound> {
        let missing = |why: String| NotFound { path: path.to_owned(), saltenv: saltenv.to_owned(), why };
        let mut why = None;
        for root in self.roots_of(saltenv).map_err(missing)? {
            match root.open(path) {
                Ok((file, tag)) => return found(file, tag).map_err(|error| missing(error.to_string())),
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
                Err(error) => why = Some(error.to_string()),
            }
        }
        Err(missing(why.unwrap_or_else(|| self.with_failures("no root has it"))))
    }

    /// With the repositories that could have it and cannot be had.
    fn with_failures(&self, why: &str) -> String {
        let failures = self.git.as_ref().map(GitFs::failures).unwrap_or_default();
        [why].into_iter().chain(failures).collect::<Vec<_>>().join("; ")
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
        self.kept(saltenv).map(|kept| kept.tree)
    }

    fn kept(&self, saltenv: &str) -> Result<Kept, NotFound> {
        // Whoever asks meanwhile waits here for the same answer.
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = |kept: &&Kept| self.is_for_one_job || kept.at.elapsed() < FRESH;
        if let Some(kept) = trees.get(saltenv).filter(is_good) {
            return Ok(kept.clone());
        }
        let missing = |why| NotFound { path: String::new(), saltenv: saltenv.to_owned(), why };
        let roots = self.roots_of(saltenv).map_err(missing)?;
        let mut files = files_of(&roots);
        let copies = if self.is_for_one_job { Copies::take(&roots, &mut files) } else { Copies::default() };
        let kept = Kept { at: Instant::now(), tree: Arc::new(Tree::of(files)), copies: Arc::new(copies) };
        trees.insert(saltenv.to_owned(), kept.clone());
        Ok(kept)
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

/// Sorted by path; the first root that has one counts.
fn files_of(roots: &[Root]) -> Vec<TreeFile> {
    let mut files = BTreeMap::new();
    for file in roots.iter().flat_map(Root::files) {
        files.entry(file.path.clone()).or_insert(file);
    }
    files.into_values().collect()
}

impl Tree {
    fn of(files: Vec<TreeFile>) -> Tree {
        let mut hasher = blake3::Hasher::new();
        for file in &files {
            hasher.update(&(file.path.len() as u64).to_le_bytes()).update(file.path.as_bytes());
            hasher.update(&file.tag.to_le_bytes()).update(&file.mode.to_le_bytes());
        }
        Tree { digest: hasher.finalize().to_hex()[..32].to_owned(), files }
    }

    fn row(&self, path: &str) -> Option<&TreeFile> {
        let place = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(place)
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
    Ok(FoundFile { file: Content::File(file), size: data.size(), mode: data.mode() & 0o7777, tag })
}

fn hash(file: &mut Content) -> std::io::Result<String> {
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
