//! The controller's files as one call sees them. A list of all files is asked once a call, and comes only where it is
//! another than last time; content comes only where the cache does not have it.
//!
//! Whoever reads a state tree (SLS, templates they import) goes through [`Ctx::file_text`] and [`Ctx::file_list`],
//! whoever wants a file on disk through [`Ctx::cached_file`]; how files travel and where they are kept is known
//! here and in [`crate::cache`] alone. Controllers that have no trees are asked file by file.

mod fetch;
mod limit;
#[cfg(test)]
mod tests;
mod tree;

use crate::{Ctx, LinkError, cache, digest, write};
use fetch::Arrivals;
use halite_wire::message::{Answer, Ask, PillarAsk};
use halite_wire::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
pub use tree::{Row, Tree};

/// Files fetched along with one of the same folder: so many, so large each, and all together.
const ALONG_MAX: usize = 200;
const ALONG_BYTES_MAX: u64 = 64 << 10;
const ALONG_ALL_BYTES_MAX: u64 = 1 << 20;

/// Files up to this are fetched where their hash is asked for: it costs no more than to ask for the hash alone.
const HASHED_HERE_BYTES_MAX: u64 = 256 << 10;

/// What was asked already. Keys of texts are environment and path.
#[derive(Default)]
pub struct Files {
    texts: HashMap<(String, String), Option<Rc<str>>>,
    lists: HashMap<String, Rc<BTreeSet<String>>>,
    /// `None`: the controller has no trees.
    trees: HashMap<String, Option<Kept>>,
}

/// A tree, and where it is to be kept for the next call.
struct Kept {
    tree: Tree,
    place: PathBuf,
    /// Of the environment's cached files.
    folder: PathBuf,
    is_new: bool,
}

impl Ctx<'_> {
    /// Asks for pillar and tree in one go: what every run of states needs first.
    pub fn prefetch(&mut self, saltenv: &str) {
        if self.has_pillar() || self.files.trees.contains_key(saltenv) {
            return;
        }
        let pillar = PillarAsk { grains: self.grains().clone(), ..self.pillar_wanted.clone() };
        let before = self.stored_tree(saltenv);
        let have = Some(before.digest.clone()).filter(|digest| !digest.is_empty());
        let asks = vec![Ask::Pillar(pillar), Ask::Tree { saltenv: saltenv.to_owned(), have }];
        let (mut answer, mut parts) = (Map::new(), Vec::new());
        let ends = self.link.ask_all(asks, &mut |index, part| {
            match (index, part) {
                (0, Answer::Value(Value::Map(map))) => answer = map,
                (0, _) => {}
                (_, part) => parts.push(part),
            }
            Ok(())
        });
        if let Some(Ok(())) = ends.first() {
            let pillar = self.take_pillar(answer);
            self.set_pillar(Some(pillar));
        }
        let is_known = ends.get(1).is_some_and(Result::is_ok);
        let had_grains = before.brings_grains();
        self.take_tree(saltenv, before, is_known.then_some(parts));
        let has_grains = self.tree(saltenv).is_some_and(|kept| kept.tree.brings_grains());
        if has_grains && !had_grains {
            // They are new to this host: its grains are others now, and so may its pillar be.
            self.forget_grains();
            self.set_pillar(None);
        }
    }

    /// The environment's tree; `None` where the controller has none to show.
    fn tree(&mut self, saltenv: &str) -> Option<&mut Kept> {
        if !self.files.trees.contains_key(saltenv) {
            let before = self.stored_tree(saltenv);
            let have = Some(before.digest.clone()).filter(|digest| !digest.is_empty());
            let mut parts = Vec::new();
            let asked = self.link.ask(Ask::Tree { saltenv: saltenv.to_owned(), have }, &mut |part| {
                parts.push(part);
                Ok(())
            });
            self.take_tree(saltenv, before, asked.is_ok().then_some(parts));
        }
        self.files.trees.get_mut(saltenv).and_then(Option::as_mut)
    }

    fn take_tree(&mut self, saltenv: &str, before: Tree, parts: Option<Vec<Answer>>) {
        let folder = cache::dir(self);
        let name = cache::environment(saltenv);
        let is_tree = |part: &Answer| matches!(part, Answer::Tree { .. } | Answer::Same);
        let kept = parts.filter(|parts| !parts.is_empty() && parts.iter().all(is_tree)).map(|parts| {
            let mut kept = Kept {
                place: folder.join("trees").join(&name),
                folder: folder.join("files").join(&name),
                tree: Tree::default(),
                is_new: false,
            };
            kept.take(before, parts);
            kept
        });
        self.files.trees.insert(saltenv.to_owned(), kept);
    }

    /// What an earlier call knew.
    fn stored_tree(&self, saltenv: &str) -> Tree {
        let place = cache::dir(self).join("trees").join(cache::environment(saltenv));
        std::fs::read_to_string(place).ok().and_then(|text| Tree::parse(&text)).unwrap_or_default()
    }

    /// What is known of a file without fetching it; `None` where there is no such file, or no tree.
    pub fn file_row(&mut self, saltenv: &str, path: &str) -> Option<Row> {
        self.tree(saltenv)?.tree.rows.get(path).cloned()
    }

    /// Whether the controller has trees for us at all.
    pub fn has_tree(&mut self, saltenv: &str) -> bool {
        self.tree(saltenv).is_some()
    }

    /// The file in the cache, as new as the controller has it; `None` where there is no such file, or no tree.
    ///
    /// # Errors
    /// The disk refuses, or the line broke off.
    pub fn cached_file(&mut self, saltenv: &str, path: &str) -> Result<Option<PathBuf>, String> {
        let Some(kept) = self.tree(saltenv) else { return Ok(None) };
        let Some(row) = kept.tree.rows.get(path) else { return Ok(None) };
        let Some(place) = cache::below(&kept.folder, path) else { return Ok(None) };
        if row.is_at(&place) {
            return Ok(Some(place));
        }
        let wanted = kept.with_neighbours(path);
        self.fetch(saltenv, &wanted)?;
        Ok(self.file_row(saltenv, path).filter(|row| row.is_at(&place)).map(|_| place))
    }

    fn fetch(&mut self, saltenv: &str, paths: &[String]) -> Result<(), String> {
        let Some(kept) = self.tree(saltenv) else { return Ok(()) };
        let places: Option<Vec<PathBuf>> =
            paths.iter().map(|path| cache::below(&kept.folder, path)).collect();
        let Some(places) = places else { return Ok(()) };
        let mut arrivals = Arrivals::new(places);
        let ask = Ask::Files { saltenv: saltenv.to_owned(), paths: paths.to_vec() };
        let asked = self.link.ask(ask, &mut |part| arrivals.take(part));
        if let Some(kept) = self.tree(saltenv) {
            kept.is_new = true;
            for (index, row) in arrivals.done {
                kept.tree.rows.insert(paths[index].clone(), row);
            }
        }
        asked.map_err(|error| format!("could not fetch salt://{} (saltenv {saltenv}): {error}", paths[0]))
    }

    /// The SHA-256 of a file and its mode; `None` where there is no such file, or no tree.
    ///
    /// # Errors
    /// As [`Ctx::cached_file`].
    pub fn file_sha256(&mut self, saltenv: &str, path: &str) -> Result<Option<(String, u32)>, String> {
        let Some(row) = self.file_row(saltenv, path) else { return Ok(None) };
        if let Some(sha256) = row.sha256 {
            return Ok(Some((sha256, row.mode)));
        }
        if row.size > HASHED_HERE_BYTES_MAX && row.copy.is_none() {
            return Ok(None);
        }
        let Some(place) = self.cached_file(saltenv, path)? else { return Ok(None) };
        let sha256 =
            digest::of_file("sha256", &place).map_err(|error| format!("{}: {error}", place.display()))?;
        self.note_sha256(saltenv, path, &sha256);
        Ok(self.file_row(saltenv, path).map(|row| (sha256, row.mode)))
    }

    /// Remembers a hash for as long as the file has its tag.
    pub fn note_sha256(&mut self, saltenv: &str, path: &str, sha256: &str) {
        if let Some(kept) = self.tree(saltenv)
            && let Some(row) = kept.tree.rows.get_mut(path)
        {
            row.sha256 = Some(sha256.to_owned());
            kept.is_new = true;
        }
    }

    /// The text of a file of the file server; `None` where there is no such file, or no controller.
    ///
    /// # Errors
    /// The file is not UTF-8, or broke off on its way.
    pub fn file_text(&mut self, saltenv: &str, path: &str) -> Result<Option<Rc<str>>, String> {
        let key = (saltenv.to_owned(), path.to_owned());
        if let Some(known) = self.files.texts.get(&key) {
            return Ok(known.clone());
        }
        let bytes = if self.has_tree(saltenv) {
            let place = self.cached_file(saltenv, path)?;
            let read = place
                .map(|place| std::fs::read(&place).map_err(|error| format!("{}: {error}", place.display())));
            read.transpose()?
        } else {
            self.ask_bytes(saltenv, path)?
        };
        let text = match bytes.map(String::from_utf8).transpose() {
            Ok(text) => text.map(Rc::from),
            Err(_) => return Err(format!("salt://{path} is not UTF-8 text")),
        };
        self.files.texts.insert(key, text.clone());
        Ok(text)
    }

    fn ask_bytes(&mut self, saltenv: &str, path: &str) -> Result<Option<Vec<u8>>, String> {
        let ask = Ask::File { path: path.to_owned(), saltenv: saltenv.to_owned(), have: None };
        let mut content = Vec::new();
        let asked = self.link.ask(ask, &mut |part| {
            match part {
                Answer::Bytes(bytes) => content.extend_from_slice(&bytes),
                Answer::Packed { size, bytes } => content.extend(cache::unpacked(&bytes, size)?),
                _ => {}
            }
            Ok(())
        });
        match asked {
            Ok(()) => Ok(Some(content)),
            // The controller says no where there is no such file.
            Err(LinkError::Refused(_) | LinkError::Closed) => Ok(None),
            Err(LinkError::Local(why)) => Err(why),
        }
    }

    /// All paths of an environment; none where there is no controller.
    ///
    /// # Errors
    /// The controller refuses, as for an environment that does not exist.
    pub fn file_list(&mut self, saltenv: &str) -> Result<Rc<BTreeSet<String>>, String> {
        if let Some(known) = self.files.lists.get(saltenv) {
            return Ok(known.clone());
        }
        let paths = match self.tree(saltenv) {
            Some(kept) => kept.tree.rows.keys().filter(|path| !path.ends_with('/')).cloned().collect(),
            None => self.ask_list(saltenv)?,
        };
        let paths = Rc::new(paths);
        self.files.lists.insert(saltenv.to_owned(), paths.clone());
        Ok(paths)
    }

    /// Whether the tree brings grains along, as far as this host knew when it last saw it; asked for where it never did.
    pub fn may_bring_grains(&mut self, saltenv: &str) -> bool {
        let known = self.files.trees.contains_key(saltenv) || self.files.lists.contains_key(saltenv);
        let before = self.stored_tree(saltenv);
        known || before.digest.is_empty() || before.brings_grains()
    }

    /// The files of an environment as far as they are known; nothing is asked.
    pub(crate) fn known_files(&self, saltenv: &str) -> Option<KnownFiles<'_>> {
        let tree = self.files.trees.get(saltenv).and_then(Option::as_ref).map(|kept| &kept.tree);
        let list = self.files.lists.get(saltenv);
        (tree.is_some() || list.is_some()).then_some(KnownFiles { tree, list: list.map(Rc::as_ref) })
    }

    fn ask_list(&mut self, saltenv: &str) -> Result<BTreeSet<String>, String> {
        let mut paths = BTreeSet::new();
        let asked = self.link.ask(Ask::ListFiles { saltenv: saltenv.to_owned() }, &mut |part| {
            if let Answer::Paths(some) = part {
                paths.extend(some);
            }
            Ok(())
        });
        match asked {
            Ok(()) | Err(LinkError::Closed) => Ok(paths),
            Err(LinkError::Refused(why) | LinkError::Local(why)) => Err(why),
        }
    }

    /// Folders of an environment that hold nothing, sorted; none where there is no tree.
    pub fn empty_folders(&mut self, saltenv: &str) -> Vec<String> {
        let Some(kept) = self.tree(saltenv) else { return Vec::new() };
        kept.tree.rows.keys().filter_map(|path| path.strip_suffix('/')).map(str::to_owned).collect()
    }

    /// The environments of the file server, `base` first; those the options name.
    pub fn environments(&self) -> Vec<String> {
        let roots = self.opts.get("file_roots").and_then(|roots| roots.as_map());
        let named = roots.into_iter().flat_map(|roots| roots.keys().filter_map(|env| env.as_str()));
        let further = named.filter(|env| *env != "base").map(str::to_owned);
        std::iter::once("base".to_owned()).chain(further).collect()
    }
}

/// What a call knows of an environment without asking.
pub(crate) struct KnownFiles<'k> {
    tree: Option<&'k Tree>,
    list: Option<&'k BTreeSet<String>>,
}

impl KnownFiles<'_> {
    pub fn contains(&self, path: &str) -> bool {
        self.tree.is_some_and(|tree| tree.rows.contains_key(path))
            || self.list.is_some_and(|list| list.contains(path))
    }
}

impl Kept {
    /// What the controller answered to `before`.
    fn take(&mut self, before: Tree, parts: Vec<Answer>) {
        if matches!(parts[..], [Answer::Same]) {
            self.tree = before;
            return;
        }
        for part in parts {
            let Answer::Tree { digest, files } = part else { continue };
            self.tree.digest = digest;
            for file in files {
                let row = Row { size: file.size, mode: file.mode, tag: file.tag, ..Row::default() };
                // Names that would lead out of the tree are none.
                if cache::below(Path::new("/"), &file.path).is_some() && !file.path.contains('\n') {
                    self.tree.rows.insert(file.path, row);
                }
            }
        }
        self.tree.inherit(&before);
        for path in before.rows.keys().filter(|path| !self.tree.rows.contains_key(*path)) {
            if let Some(place) = cache::below(&self.folder, path) {
                let _ = std::fs::remove_file(place);
            }
        }
        self.is_new = true;
    }

    /// A path, and small files of its folder that are not here yet: who needs one of them mostly needs the others.
    fn with_neighbours(&self, path: &str) -> Vec<String> {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        let is_beside =
            |other: &str| other != path && other.starts_with(folder) && !other[folder.len()..].contains('/');
        let mut all = vec![path.to_owned()];
        let mut bytes = 0;
        for (other, row) in
            self.tree.rows.range(folder.to_owned()..).take_while(|(other, _)| other.starts_with(folder))
        {
            if !is_beside(other) || row.copy.is_some() || row.size > ALONG_BYTES_MAX {
                continue;
            }
            bytes += row.size;
            if bytes > ALONG_ALL_BYTES_MAX || all.len() > ALONG_MAX {
                break;
            }
            all.push(other.clone());
        }
        all
    }

    /// Keeps the tree for the next call. What cannot be kept is asked for again.
    fn store(&mut self) {
        limit::hold(&mut self.tree, &self.folder, limit::BYTES_MAX);
        let folder = self.place.parent().unwrap_or(Path::new("/"));
        let text = self.tree.text();
        let _ = cache::make_folder(folder).and_then(|()| write::replace(&self.place, text.as_bytes(), 0o600));
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.trees.values_mut().flatten().filter(|kept| kept.is_new).for_each(Kept::store);
    }
}
