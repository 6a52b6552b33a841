//! `gitfs_remotes`: which branch or tag of which repository is part of which environment.

use super::{GitError, Login, Mirror};
use crate::files::roots::Root;
use halite_roster::Glob;
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
    interval: Duration,
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
    references: OnceLock<HashMap<String, String>>,
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
        let seconds = opts.get("gitfs_update_interval").and_then(Value::as_i64);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(UPDATE_INTERVAL_SECS);
        Ok((!remotes.is_empty()).then(|| GitFs { remotes, interval: Duration::from_secs(seconds) }))
    }

    /// All environments the repositories have. What cannot be fetched is told in the log and has none.
    pub fn environments(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.remotes.iter().flat_map(|remote| remote.environments(self.interval)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The roots of one environment; `None` where no repository has it.
    ///
    /// # Errors
    /// A tree cannot be written out.
    pub fn roots(&self, saltenv: &str) -> Result<Option<Vec<Root>>, String> {
        let roots = self.remotes.iter().map(|remote| remote.root(saltenv, self.interval));
        let roots: Result<Vec<Option<Root>>, GitError> = roots.collect();
        let roots: Vec<Root> = roots.map_err(|error| error.to_string())?.into_iter().flatten().collect();
        Ok((!roots.is_empty()).then_some(roots))
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
        let words = |name: &str| {
            let list = option(name).and_then(Value::as_list).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut environments = HashMap::new();
        for options in [opts.get("gitfs_saltenv"), own.get("saltenv")].into_iter().flatten() {
            for (name, options) in &flattened(options) {
                environments.insert(name.as_str().unwrap_or_default().to_owned(), flattened(options));
            }
        }
        let login = Login {
            user: text("user"),
            password: text("password"),
            private_key: Some(text("privkey")).filter(|key| !key.is_empty()).map(PathBuf::from),
            ssl_verify: option("ssl_verify").map(Value::is_truthy),
        };
        let base = text("base");
        Ok(Remote {
            mirror: Mirror::new(&cache.join("gitfs"), &url, login),
            root: text("root"),
            mount: mount(&text("mountpoint")),
            base: if base.is_empty() { "master".to_owned() } else { base },
            environments,
            allowed: words("saltenv_whitelist"),
            forbidden: words("saltenv_blacklist"),
            maps_names: !option("disable_saltenv_mapping").is_some_and(Value::is_truthy),
            fallback: text("fallback"),
            references: OnceLock::new(),
        })
    }

    /// Branches and tags, fetched once a run.
    fn references(&self, interval: Duration) -> &HashMap<String, String> {
        self.references.get_or_init(|| {
            let found = self.mirror.update(interval).and_then(|()| self.mirror.references());
            found.unwrap_or_else(|error| {
                tracing::error!("{error}");
                HashMap::new()
            })
        })
    }

    fn environments(&self, interval: Duration) -> Vec<String> {
        let references = self.references(interval);
        let mapped = references.keys().filter(|_| self.maps_names);
        let mapped = mapped.map(|name| if *name == self.base { "base" } else { name }.to_owned());
        let named =
            self.environments.keys().filter(|name| self.reference(name, references).is_some()).cloned();
        let base = references.contains_key(&self.base).then(|| "base".to_owned());
        mapped.chain(named).chain(base).filter(|name| self.serves(name)).collect()
    }

    fn serves(&self, saltenv: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|glob| Glob::new(glob).is_match(saltenv));
        (self.allowed.is_empty() || names(&self.allowed)) && !names(&self.forbidden)
    }

    /// The commit of an environment.
    fn reference<'r>(&self, saltenv: &str, references: &'r HashMap<String, String>) -> Option<&'r String> {
        let named = self.environments.get(saltenv).and_then(|options| options.get_str("ref"));
        let own = match (named, saltenv) {
            (Some(name), _) => references.get(name),
            (None, "base") => references.get(&self.base),
            (None, name) if self.maps_names && name != self.base => references.get(name),
            _ => None,
        };
        own.or_else(|| references.get(&self.fallback))
    }

    fn root(&self, saltenv: &str, interval: Duration) -> Result<Option<Root>, GitError> {
        let references = self.references(interval);
        let Some(commit) = self.reference(saltenv, references).filter(|_| self.serves(saltenv)) else {
            return Ok(None);
        };
        let checkout = self.mirror.checkout(commit)?;
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
