//! The corpus: cases, grains, and what Salt answered.

use crate::ui::{Failure, Outcome};
use halite_wire::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// One SLS of one repository, for one set of grains and one pillar.
#[derive(Clone, Debug)]
pub struct Case {
    pub repo: String,
    pub sls: String,
    pub os: String,
    pub file_root: String,
    pub variant: String,
    pub pillar: Pillar,
    /// The file of expectations, and which of its cases.
    pub expected: String,
    pub case: usize,
}

/// Where a case's pillar comes from.
#[derive(Clone, Debug)]
pub enum Pillar {
    /// Files of the repository, each for every host.
    Files(Vec<String>),
    /// A directory with a top file of its own.
    Root(String),
}

impl Case {
    /// Repository, system, variant and SLS, in the order of the corpus's own script.
    pub fn title(&self) -> String {
        [self.repo.as_str(), &self.os, &self.variant, &self.sls].join("\t")
    }
}

/// Everything cases have in common.
pub struct Corpus {
    base: PathBuf,
    repos: PathBuf,
    pub cases: Vec<Case>,
    grains: Map,
    listed: Mutex<HashMap<PathBuf, Arc<Vec<String>>>>,
}

fn json(path: &Path) -> Outcome<Value> {
    let text = std::fs::read(path).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    serde_json::from_slice(&text).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

impl Corpus {
    /// # Errors
    /// Files that are not there or not as they should be.
    pub fn read(base: &Path, repos: &Path) -> Outcome<Corpus> {
        let manifest = json(&base.join("manifest.json"))?;
        let wrong = || Failure("manifest.json: a case lacks one of its keys".to_owned());
        let cases = manifest.as_list().unwrap_or_default().iter();
        let cases = cases.map(|entry| case(entry).ok_or_else(wrong)).collect::<Outcome<Vec<_>>>()?;
        let grains = json(&base.join("grains.json"))?.as_map().cloned().unwrap_or_default();
        let (base, repos) = (base.to_owned(), repos.to_owned());
        Ok(Corpus { base, repos, cases, grains, listed: Mutex::default() })
    }

    /// The cases of a file of expectations.
    pub fn expected(&self, file: &str) -> Outcome<Vec<Value>> {
        let value = json(&self.base.join(file))?;
        Ok(value.get("cases").and_then(Value::as_list).unwrap_or_default().to_vec())
    }

    pub fn grains(&self, os: &str) -> Map {
        self.grains.get(os).and_then(Value::as_map).cloned().unwrap_or_default()
    }

    /// The checkout of a repository: `owner__name` or `name`.
    ///
    /// # Errors
    /// It is not there.
    pub fn checkout(&self, repo: &str) -> Result<PathBuf, String> {
        let name = repo.rsplit('/').next().unwrap_or(repo);
        let places = [self.repos.join(repo.replace('/', "__")), self.repos.join(name)];
        let found = places.into_iter().find(|place| place.is_dir());
        found.ok_or_else(|| format!("{repo} is not checked out below {}", self.repos.display()))
    }

    /// All files below a directory, looked up once.
    pub fn list(&self, root: &Path) -> Arc<Vec<String>> {
        let known = self.listed.lock().ok().and_then(|listed| listed.get(root).cloned());
        known.unwrap_or_else(|| {
            let mut files = Vec::new();
            walk(root, "", &mut files);
            let files = Arc::new(files);
            if let Ok(mut listed) = self.listed.lock() {
                listed.insert(root.to_owned(), files.clone());
            }
            files
        })
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let is_link_to_folder = entry.path().is_symlink() && entry.path().is_dir();
        match entry.path().is_dir() {
            _ if is_link_to_folder => {}
            true => walk(&entry.path(), &format!("{path}/"), files),
            false => files.push(path),
        }
    }
}

fn case(entry: &Value) -> Option<Case> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let pillar = match entry.get("pillar")? {
        Value::List(files) => {
            Pillar::Files(files.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        other => Pillar::Root(other.get("root")?.as_str()?.to_owned()),
    };
    Some(Case {
        repo: text("repo")?,
        sls: text("sls")?,
        os: text("os")?,
        file_root: text("file_root").unwrap_or_default(),
        variant: text("variant")?,
        pillar,
        expected: text("expected")?,
        case: usize::try_from(entry.get("case")?.as_i64()?).ok()?,
    })
}

/// A case as the corpus's own script reads it.
pub fn written(case: &Case, low: &Result<Value, String>) -> Value {
    let low = match low {
        Ok(chunks) => Map::from([("ret", chunks.clone())]),
        Err(why) => Map::from([("err", Value::from(vec![why.as_str()]))]),
    };
    let mut entry = Map::from([("variant", case.variant.as_str()), ("sls", case.sls.as_str())]);
    entry.insert("low", low);
    entry.into()
}

/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, cases: Vec<Value>) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let text = serde_json::to_vec(&Map::from([("cases", cases)]))?;
    std::fs::write(path, text)
}
