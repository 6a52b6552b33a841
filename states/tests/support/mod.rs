//! State functions called directly: a file server in a directory, a call with its arguments, result and changes back.

use halite_modules::{Args, Ctx, Link, LinkError, digest};
use halite_states::template::Engines;
use halite_states::{Look, StateCtx, find};
use halite_wire::message::{Answer, Ask, FACTS_ONLY, TreeFile};
use halite_wire::{Jid, Map, Value};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory of its own for one test, gone with it: `srv` is the file server, `cache` the host's cache.
pub struct Room {
    pub dir: PathBuf,
}

/// How a state ended, as users see it.
#[derive(Debug, PartialEq)]
pub struct Ended {
    /// `None` is "would change".
    pub result: Option<bool>,
    pub comment: String,
    pub changes: Map,
}

impl Room {
    pub fn new() -> Room {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("halite-files-{}-{number}", std::process::id()));
        fs::create_dir_all(dir.join("srv")).unwrap();
        Room { dir: dir.canonicalize().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A file below the room.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Looks, and with `test` no more than that.
    pub fn state(&self, name: &str, arguments: Map, test: bool) -> Ended {
        let mut served = Served { root: self.path("srv"), asked: Vec::new() };
        self.state_over(&mut served, name, arguments, test)
    }

    pub fn state_over(&self, served: &mut Served, name: &str, arguments: Map, test: bool) -> Ended {
        let opts = Map::from([("cachedir", self.path("cache").to_str().unwrap())]);
        let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
        let mut ctx = Ctx::new(jid, id, opts, served, &Engines, |_| Map::from([("id", "m1")]));
        let function = find(&mut ctx, name).unwrap();
        let args = Args { positional: Vec::new(), keywords: arguments.clone() };
        let bound = args.bind(name, function.params).unwrap();
        let mut kept = Map::new();
        let mut state = StateCtx { ctx: &mut ctx, low: &arguments, test, kept: &mut kept };
        let map = |changes: Value| changes.as_map().cloned().unwrap_or_default();
        match (function.call)(&mut state, &bound) {
            Err(error) => Ended { result: Some(false), comment: error.to_string(), changes: Map::new() },
            Ok(Look::InSync { comment }) => Ended { result: Some(true), comment, changes: Map::new() },
            Ok(Look::Cannot { comment, changes }) => {
                Ended { result: Some(false), comment, changes: map(changes) }
            }
            Ok(Look::Differs(plan)) if test => {
                Ended { result: None, comment: plan.comment, changes: map(plan.changes) }
            }
            Ok(Look::Done(done)) => {
                Ended { result: done.result, comment: done.comment, changes: map(done.changes) }
            }
            Ok(Look::Differs(plan)) => match (plan.apply)(&mut state) {
                Ok(done) => Ended { result: done.result, comment: done.comment, changes: map(done.changes) },
                Err(error) => Ended { result: Some(false), comment: error.to_string(), changes: Map::new() },
            },
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The file server of a room, and what was asked of it.
pub struct Served {
    pub root: PathBuf,
    pub asked: Vec<Ask>,
}

impl Served {
    fn tree_file(&self, path: String) -> TreeFile {
        let meta = self.root.join(&path).metadata().unwrap();
        TreeFile { size: meta.len(), mode: 0o644, tag: meta.mtime_nsec() as u64, path }
    }
}

impl Link for Served {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        self.asked.push(ask.clone());
        let mut say = |part| on_part(part).map_err(LinkError::Local);
        match ask {
            Ask::File { path, have, .. } => {
                let content = fs::read(self.root.join(&path))
                    .map_err(|error| LinkError::Refused(format!("salt://{path}: {error}")))?;
                let sha256 = digest::of_bytes("sha256", &content).unwrap();
                let is_known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
                say(Answer::File { size: content.len() as u64, sha256, mode: 0o644 })?;
                if is_known { Ok(()) } else { say(Answer::Bytes(content)) }
            }
            Ask::ListFiles { .. } => say(Answer::Paths(listed(&self.root, ""))),
            Ask::Pillar(_) => say(Answer::Value(Map::from([("pillar", Map::new())]).into())),
            Ask::Tree { .. } => {
                let files = listed(&self.root, "").into_iter().map(|path| self.tree_file(path)).collect();
                say(Answer::Tree { digest: "1".to_owned(), files })
            }
            Ask::Files { paths, .. } => paths.iter().enumerate().try_for_each(|(index, path)| {
                let TreeFile { size, mode, tag, .. } = self.tree_file(path.clone());
                say(Answer::FileAt { index: index as u32, size, mode, tag })?;
                say(Answer::Bytes(fs::read(self.root.join(path)).unwrap()))
            }),
            Ask::Push { .. } | Ask::Work { .. } => Err(LinkError::Closed),
        }
    }

    fn progress(&mut self, _: Value) {}

    fn log(&mut self, _: &str) {}
}

fn listed(folder: &Path, prefix: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            paths.extend(listed(&entry.path(), &format!("{path}/")));
        } else {
            paths.push(path);
        }
    }
    paths
}
