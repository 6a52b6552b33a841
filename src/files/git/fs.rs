//! `gitfs_remotes`: which branch or tag of which repository is part of which environment.

use super::{GitError, Kind, Login, Mirror};
use crate::files::roots::Root;
use halite_roster::{Glob, Secret};
use halite_wire::{Map, Value};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// So long a mirror is new enough (`gitfs_update_interval`).
const UPDATE_INTERVAL_SECS: u64 = 60;

/// All repositories, in their order of precedence.
#[derive(Default)]
pub struct GitFs {
    remotes: Vec<Remote>,
}

/// One repository of the file server.
pub struct Remote {
    mirror: Mirror,
    /// The folder of the repository that is served.
    root: String,
    /// The folder of the environment it is put in.
    mount: String,
    /// The branch or tag that is environment `base`.
    base: String,
    /// Of single environments: another branch or tag, another root, another mount.
    environments: HashMap<String, Map>,
    /// Branches and tags that are environments; empty stands for all.
    allowed: Vec<String>,
    forbidden: Vec<String>,
    /// Whether branches and tags are environments by their own names.
    maps_names: bool,
    /// The branch or tag for environments that are none of this repository's.
    fallback: String,
    /// The branch or tag that is every environment.
    all: String,
    kinds: Kinds,
    /// So long its mirror is new enough.
    interval: Duration,
    /// Commits by branch and tag, or why there are none.
    references: OnceLock<Result<HashMap<String, String>, String>>,
}

/// What may be an environment (`ref_types`), in the order of precedence.
struct Kinds {
    named: Vec<Kind>,
    /// Commits by their own names.
    commits: bool,
}

impl Kinds {
    fn read(words: &[String]) -> Result<Kinds, String> {
        if words.is_empty() {
            return Ok(Kinds { named: Kind::ALL.to_vec(), commits: true });
        }
        let mut kinds = Kinds { named: Vec::new(), commits: false };
        for word in words {
            match word.to_lowercase().as_str() {
                "branch" => kinds.named.push(Kind::Branch),
                "tag" => kinds.named.push(Kind::Tag),
                "sha" => kinds.commits = true,
                other => return Err(format!("ref_types: {other:?} is none of branch, tag and sha")),
            }
        }
        Ok(kinds)
    }
}

impl GitFs {
    /// Reads the `gitfs_*` keys. `None` where there are no remotes.
    ///
    /// # Errors
    /// What is wrong with them, as one line.
    pub fn read(opts: &Map, cache: &Path) -> Result<Option<GitFs>, String> {
        let remotes = opts.get("gitfs_remotes").and_then(Value::as_list).unwrap_or_default();
        let remotes: Result<Vec<Remote>, String> =
            remotes.iter().map(|entry| Remote::read(entry, opts, cache)).collect();
        let remotes = remotes?;
        Ok((!remotes.is_empty()).then_some(GitFs { remotes }))
    }

    /// All environments the repositories have. What cannot be fetched is told in the log and has none.
    pub fn environments(&self) -> Vec<String> {
        let mut names: Vec<String> = self.remotes.iter().flat_map(Remote::environments).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The roots of one environment; `None` where no repository has it.
    ///
    /// # Errors
    /// A tree cannot be written out.
    pub fn roots(&self, saltenv: &str) -> Result<Option<Vec<Root>>, String> {
        let roots = self.remotes.iter().map(|remote| remote.root(saltenv));
        let roots: Result<Vec<Option<Root>>, GitError> = roots.collect();
        let roots: Vec<Root> = roots.map_err(|error| error.to_string())?.into_iter().flatten().collect();
        Ok((!roots.is_empty()).then_some(roots))
    }

    /// Why some repositories have nothing at all, one text each.
    pub fn failures(&self) -> Vec<&str> {
        self.remotes.iter().filter_map(|remote| remote.fetched().as_ref().err()).map(String::as_str).collect()
    }
}

impl Remote {
    /// An entry of `gitfs_remotes`: a URL, or a URL with a list of options.
    fn read(entry: &Value, opts: &Map, cache: &Path) -> Result<Remote, String> {
        let (url, own) = match entry {
            Value::Str(url) => (url.clone(), Map::new()),
            Value::Map(map) => match map.iter().next() {
                Some((Value::Str(url), options)) => (url.clone(), flattened(options)),
                _ => return Err("an entry of gitfs_remotes has no URL".to_owned()),
            },
            _ => return Err("an entry of gitfs_remotes is neither a URL nor a dict".to_owned()),
        };
        let option = |name: &str| own.get(name).or_else(|| opts.get(&format!("gitfs_{name}")));
        let text = |name: &str| option(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let words = |name: &str| match option(name) {
            Some(Value::Str(words)) => words.split(',').map(|word| word.trim().to_owned()).collect(),
            other => {
                let list = other.and_then(Value::as_list).unwrap_or_default();
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<String>>()
            }
        };
        let seconds = option("update_interval").and_then(Value::as_i64);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(UPDATE_INTERVAL_SECS);
        let mut environments = HashMap::new();
        for options in [opts.get("gitfs_saltenv"), own.get("saltenv")].into_iter().flatten() {
            for (name, options) in &flattened(options) {
                environments.insert(name.as_str().unwrap_or_default().to_owned(), flattened(options));
            }
        }
        let login = Login {
            user: text("user"),
            password: Some(Secret::new(text("password"))),
            private_key: Some(text("privkey")).filter(|key| !key.is_empty()).map(PathBuf::from),
            ssl_verify: option("ssl_verify").map(Value::is_truthy),
        };
        let base = text("base");
        Ok(Remote {
            mirror: Mirror::new(&cache.join("gitfs"), &url, login).with_refspecs(option("refspecs"))?,
            root: text("root"),
            mount: mount(&text("mountpoint")),
            base: if base.is_empty() { "master".to_owned() } else { base },
            environments,
            allowed: words("saltenv_whitelist"),
            forbidden: words("saltenv_blacklist"),
            maps_names: !option("disable_saltenv_mapping").is_some_and(Value::is_truthy),
            fallback: text("fallback"),
            all: text("all_saltenvs"),
            kinds: Kinds::read(&words("ref_types"))?,
            interval: Duration::from_secs(seconds),
            references: OnceLock::new(),
        })
    }

    /// Branches and tags, fetched once a run; what cannot be is told in the log.
    fn fetched(&self) -> &Result<HashMap<String, String>, String> {
        self.references.get_or_init(|| {
            let updated = self.mirror.update(self.interval);
            updated.and_then(|()| self.mirror.references(&self.kinds.named)).map_err(|error| {
                tracing::error!("{error}");
                error.to_string()
            })
        })
    }

    fn environments(&self) -> Vec<String> {
        let Ok(references) = self.fetched() else { return Vec::new() };
        let mapped = references.keys().filter(|_| self.maps_names);
        let mapped = mapped.map(|name| if *name == self.base { "base" } else { name }.to_owned());
        let named = self.environments.keys().filter(|name| self.commit(name).is_some()).cloned();
        let base = self.commit("base").map(|_| "base".to_owned());
        mapped.chain(named).chain(base).filter(|name| self.serves(name)).collect()
    }

    fn serves(&self, saltenv: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|glob| Glob::new(glob).is_match(saltenv));
        (self.allowed.is_empty() || names(&self.allowed)) && !names(&self.forbidden)
    }

    /// The commit of an environment.
    fn commit(&self, saltenv: &str) -> Option<String> {
        let named = self.environments.get(saltenv).and_then(|options| options.get_str("ref"));
        let own = match (named, saltenv) {
            _ if !self.all.is_empty() => Some(self.all.as_str()),
            (Some(name), _) => Some(name),
            (None, "base") => Some(self.base.as_str()),
            (None, name) if self.maps_names && name != self.base => Some(name),
            _ => None,
        };
        own.into_iter().chain([self.fallback.as_str()]).find_map(|name| self.commit_of(name))
    }

    /// The commit of a branch, of a tag, or by its own name.
    fn commit_of(&self, name: &str) -> Option<String> {
        let known = self.fetched().as_ref().ok()?.get(name).cloned();
        known.or_else(|| (self.kinds.commits && self.mirror.has_commit(name)).then(|| name.to_owned()))
    }

    fn root(&self, saltenv: &str) -> Result<Option<Root>, GitError> {
        let Some(commit) = self.commit(saltenv).filter(|_| self.serves(saltenv)) else { return Ok(None) };
        let checkout = self.mirror.checkout(&commit)?;
        let own = self.environments.get(saltenv);
        let root = own.and_then(|own| own.get_str("root")).unwrap_or(&self.root);
        let mount = own.and_then(|own| own.get_str("mountpoint")).map_or_else(|| self.mount.clone(), mount);
        let root = root.trim_matches('/');
        let is_plain = Path::new(root).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain {
            return Ok(None);
        }
        let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
        let below = checkout
            .tags
            .iter()
            .filter_map(|(path, tag)| Some((path.strip_prefix(&prefix)?.to_owned(), *tag)));
        Ok(Some(Root {
            folder: checkout.folder.join(root),
            mount,
            tags: Some(std::sync::Arc::new(below.collect())),
        }))
    }
}

/// `salt://some/folder` and `some/folder/` are `some/folder`.
fn mount(text: &str) -> String {
    text.strip_prefix("salt://").unwrap_or(text).trim_matches('/').to_owned()
}

/// A dict, or a list of dicts as one.
fn flattened(options: &Value) -> Map {
    match options {
        Value::Map(map) => map.clone(),
        Value::List(items) => items.iter().filter_map(Value::as_map).flat_map(|map| map.clone()).collect(),
        _ => Map::new(),
    }
}
