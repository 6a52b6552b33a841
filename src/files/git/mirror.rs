//! One repository: its mirror, its branches and tags, and the trees of commits.

use super::run;
use crate::config::private_dir;
use halite_roster::Secret;
use halite_wire::Value;
use percent_encoding::percent_decode_str;
use rustix::fs::FlockOperation;
use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Trees nobody looked at for so long are removed.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A server that says nothing for so long hangs.
const STALL: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });

/// All branches and tags.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// A repository and how it is reached.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Without a login: it stands in messages, and in arguments of git, which anybody can read.
    pub url: String,
    login: Login,
    /// What is fetched, in the words of git.
    refspecs: Vec<String>,
    /// Of this repository alone: `repository/`, `trees/`.
    folder: PathBuf,
}

/// What a server wants to know of us.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// For HTTPS.
    pub user: String,
    pub password: Option<Secret>,
    /// For SSH.
    pub private_key: Option<PathBuf>,
    /// Whether certificates are checked; `None` leaves it to git.
    pub ssl_verify: Option<bool>,
}

/// What a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Branch,
    Tag,
}

impl Kind {
    /// A branch comes before a tag of its name.
    pub const ALL: &[Kind] = &[Kind::Branch, Kind::Tag];

    fn prefix(self) -> &'static str {
        match self {
            Kind::Branch => "refs/heads/",
            Kind::Tag => "refs/tags/",
        }
    }
}

/// A commit's tree on disk.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub folder: PathBuf,
    /// By path: what git says of each file's content.
    pub tags: Arc<HashMap<String, u64>>,
}

/// A repository cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("the program git is needed for {url}: {source}")]
    NoGit { url: String, source: std::io::Error },
    #[error("{url}: git {what} failed: {said}")]
    Failed { url: String, what: String, said: String },
    #[error("{url}: git {what} heard nothing for {}s and was ended", .after.as_secs())]
    Hangs { url: String, what: String, after: Duration },
    #[error("{why} (tried a short while ago)")]
    Before { why: String },
    #[error("{url} cannot be kept in {}: {source}", .folder.display())]
    Kept { url: String, folder: PathBuf, source: std::io::Error },
    #[error("{url} has no branch or tag {reference:?}")]
    NoReference { url: String, reference: String },
}

impl Mirror {
    /// `cache` holds the mirrors of all repositories. Nothing is fetched yet. A login in the URL counts where there is
    /// no other.
    pub fn new(cache: &Path, url: &str, mut login: Login) -> Mirror {
        let (in_url, url) = without_login(url);
        if let Some((user, password)) = in_url.filter(|_| login.user.is_empty()) {
            (login.user, login.password) = (user, Some(password));
        }
        let key = login.private_key.as_deref().unwrap_or(Path::new("")).to_string_lossy();
        let mut hasher = blake3::Hasher::new();
        // Each field with its length: two repositories never share a folder, whatever their names are.
        for field in [url.as_str(), &login.user, &key] {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field.as_bytes());
        }
        let folder = cache.join(&hasher.finalize().to_hex()[..32]);
        let refspecs = REFSPECS.map(str::to_owned).to_vec();
        Mirror { url, login, refspecs, folder }
    }

    /// Fetches what `refspecs` names (a list, or a text with commas); without one, all branches and tags. As for Salt,
    /// branches of the remote are `refs/remotes/origin/`; here that is where branches are looked for.
    ///
    /// # Errors
    /// It is no list of texts of the form `+FROM:TO`.
    pub fn with_refspecs(mut self, refspecs: Option<&Value>) -> Result<Mirror, String> {
        let wrong = || "refspecs takes a list of texts like `+refs/heads/*:refs/remotes/origin/*`".to_owned();
        let given: Vec<&str> = match refspecs {
            None | Some(Value::Null) => return Ok(self),
            Some(Value::Str(words)) => words.split(',').map(str::trim).collect(),
            Some(list) => {
                let items = list.as_list().ok_or_else(wrong)?.iter();
                items.map(|one| one.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?
            }
        };
        if given.iter().any(|spec| spec.split(':').filter(|part| !part.is_empty()).count() != 2) {
            return Err(wrong());
        }
        self.refspecs =
            given.iter().map(|spec| spec.replace(":refs/remotes/origin/", ":refs/heads/")).collect();
        if self.refspecs != REFSPECS {
            // Another selection is another mirror: what one fetches, the other would remove.
            let digest = blake3::hash(self.refspecs.join("\n").as_bytes()).to_hex();
            self.folder = self.folder.with_extension(&digest[..16]);
        }
        Ok(self)
    }

    /// Where all of it is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings the mirror up to date, unless that was done within `interval`. Where the repository cannot be reached,
    /// what is there already serves on, and a warning is logged. It is not tried again within `interval`, either: many
    /// hosts ask one after the other.
    ///
    /// # Errors
    /// There is nothing to serve.
    pub fn update(&self, interval: Duration) -> Result<(), GitError> {
        let kept = |source| GitError::Kept { url: self.url.clone(), folder: self.folder.clone(), source };
        private_dir(&self.folder).map_err(|error| kept(std::io::Error::other(error.to_string())))?;
        let lock = File::create(self.folder.join("lock")).map_err(kept)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| kept(error.into()))?;
        let (mark, failed) = (self.folder.join("updated"), self.folder.join("failed"));
        if !self.repository().exists() {
            let fresh = self.folder.join("repository.new");
            let _ = std::fs::remove_dir_all(&fresh);
            self.git(&["init", "--quiet", "--bare", &fresh.to_string_lossy()], None)?;
            std::fs::rename(&fresh, self.repository()).map_err(kept)?;
        } else if age(&mark).is_some_and(|age| age < interval) {
            return Ok(());
        }
        let fetched = match std::fs::read_to_string(&failed) {
            Ok(why) if age(&failed).is_some_and(|age| age < interval) => Err(GitError::Before { why }),
            _ => self.fetch(),
        };
        let Err(error) = fetched else {
            let _ = std::fs::remove_file(&failed);
            return File::create(&mark).map(drop).map_err(kept);
        };
        if !matches!(error, GitError::Before { .. }) {
            std::fs::write(&failed, error.to_string()).map_err(kept)?;
            if mark.exists() {
                tracing::warn!("{error}; what was fetched before is served");
            }
        }
        if mark.exists() { Ok(()) } else { Err(error) }
    }

    fn fetch(&self) -> Result<(), GitError> {
        // Progress shows that the server is alive.
        let mut fetch = vec!["fetch", "--progress", "--prune", "--no-auto-gc", "--", &self.url];
        fetch.extend(self.refspecs.iter().map(String::as_str));
        self.git(&fetch, None).map(drop)
    }

    /// Commits by the names of branches and tags; `kinds` says which of them count, the first before the others.
    ///
    /// # Errors
    /// Git fails.
    pub fn references(&self, kinds: &[Kind]) -> Result<HashMap<String, String>, GitError> {
        let format = "--format=%(refname) %(objectname) %(*objectname)";
        let listed = self.git(&["for-each-ref", format, "refs/tags", "refs/heads"], None)?;
        let mut found = HashMap::new();
        for prefix in kinds.iter().rev().map(|kind| kind.prefix()) {
            for line in listed.lines() {
                let mut words = line.split_whitespace();
                let (name, own, peeled) = (words.next(), words.next(), words.next());
                if let (Some(name), Some(commit)) =
                    (name.and_then(|n| n.strip_prefix(prefix)), peeled.or(own))
                {
                    found.insert(name.to_owned(), commit.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// Whether `name` is the whole name of a commit that is here.
    pub fn has_commit(&self, name: &str) -> bool {
        let is_name = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_name && self.git(&["cat-file", "-e", &format!("{name}^{{commit}}")], None).is_ok()
    }

    /// The tree of a commit, written out where it is not there yet.
    ///
    /// # Errors
    /// Git fails, or the disk does.
    pub fn checkout(&self, commit: &str) -> Result<Checkout, GitError> {
        let trees = self.folder.join("trees");
        let kept = |source| GitError::Kept { url: self.url.clone(), folder: trees.clone(), source };
        private_dir(&trees).map_err(|error| kept(std::io::Error::other(error.to_string())))?;
        let folder = trees.join(commit);
        if !folder.exists() {
            let fresh = trees.join(format!("{commit}.{}", std::process::id()));
            let index = trees.join(format!("{commit}.{}.index", std::process::id()));
            std::fs::create_dir_all(&fresh).map_err(kept)?;
            let written = self.git(&["read-tree", commit], Some((&fresh, &index))).and_then(|_| {
                self.git(&["checkout-index", "--all", "--force", "--quiet"], Some((&fresh, &index)))
            });
            let _ = std::fs::remove_file(&index);
            written?;
            if std::fs::rename(&fresh, &folder).is_err() {
                // Another run was faster, and has the same.
                let _ = std::fs::remove_dir_all(&fresh);
            }
            remove_unused(&trees);
        }
        let now = SystemTime::now();
        let _ = File::open(&folder).and_then(|folder| folder.set_modified(now));
        let listed = self.git(&["ls-tree", "-r", "-z", "--full-tree", commit], None)?;
        let tags = listed.split('\0').filter_map(tag_of_row).collect();
        Ok(Checkout { folder, tags: Arc::new(tags) })
    }

    fn repository(&self) -> PathBuf {
        self.folder.join("repository")
    }

    fn git(&self, args: &[&str], tree: Option<(&Path, &Path)>) -> Result<String, GitError> {
        let mut git = Command::new("git");
        git.args(["-c", "core.hooksPath=/dev/null", "-c", "credential.helper="]);
        if !self.login.user.is_empty() {
            // The password is for the helper's environment alone: arguments can be read by anybody.
            let helper = "!f() { test \"$1\" = get && echo \"username=$HALITE_USER\" && echo \"password=$HALITE_PASSWORD\"; }; f";
            git.args(["-c", &format!("credential.helper={helper}")]);
            let password = self.login.password.as_ref().map_or("", Secret::expose);
            git.env("HALITE_USER", &self.login.user).env("HALITE_PASSWORD", password);
        }
        if let Some(verify) = self.login.ssl_verify {
            git.args(["-c", &format!("http.sslVerify={verify}")]);
        }
        if args.first() != Some(&"init") {
            git.arg("--git-dir").arg(self.repository());
        }
        if let Some((folder, index)) = tree {
            git.arg("--work-tree").arg(folder).env("GIT_INDEX_FILE", index);
        }
        let ssh = match &self.login.private_key {
            Some(key) => format!(
                "ssh -oBatchMode=yes -oIdentitiesOnly=yes -i '{}'",
                key.display().to_string().replace('\'', "'\\''")
            ),
            None => "ssh -oBatchMode=yes".to_owned(),
        };
        git.env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSH_COMMAND", ssh)
            .env_remove("GIT_DIR")
            .env("LC_ALL", "C");
        git.args(args);
        let what = args.first().copied().unwrap_or_default();
        let ended = if what == "fetch" { run::watched(&mut git, STALL) } else { run::plain(&mut git) };
        match ended {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => {
                let said = run::errors(&String::from_utf8_lossy(&output.stderr));
                Err(GitError::Failed { url: self.url.clone(), what: what.to_owned(), said })
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                Err(GitError::Hangs { url: self.url.clone(), what: what.to_owned(), after: STALL })
            }
            Err(source) => Err(GitError::NoGit { url: self.url.clone(), source }),
        }
    }
}

/// User and password of `https://USER:PASSWORD@HOST/PATH`, and the URL without them.
fn without_login(url: &str) -> (Option<(String, Secret)>, String) {
    let parts = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
    let parts = parts.and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, host) = authority.rsplit_once('@')?;
        Some((login, format!("{scheme}://{host}{path}")))
    });
    let Some((login, bare)) = parts else { return (None, url.to_owned()) };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (Some((decoded(user), Secret::new(decoded(password)))), bare)
}

/// `100644 blob <object>\t<path>`: the path, and the head of the object's name.
fn tag_of_row(row: &str) -> Option<(String, u64)> {
    let (facts, path) = row.split_once('\t')?;
    let object = facts.split(' ').nth(2)?;
    Some((path.to_owned(), u64::from_str_radix(object.get(..16)?, 16).ok()?))
}

fn age(file: &Path) -> Option<Duration> {
    file.metadata().ok()?.modified().ok()?.elapsed().ok()
}

fn remove_unused(trees: &Path) {
    for entry in std::fs::read_dir(trees).into_iter().flatten().flatten() {
        if age(&entry.path()).is_some_and(|age| age > UNUSED) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
