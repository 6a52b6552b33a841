//! The configuration as written: the main file, the files it includes, and how they are laid over each other.
//!
//! As in Salt: `master.d/*.conf` wins over the main file key by key, and what `include` names wins over both; files
//! of one such group are merged deeply, lists too.

use super::paths;
use halite_render::yaml::{self, Mark, Node, NodeKind};
use halite_roster::{Problem, read, read_text};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// One top-level key.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub name: String,
    /// Of the key.
    pub mark: Mark,
    pub value: Node,
    pub file: Rc<Path>,
}

/// Reads files, keeping all that is wrong and asking `check` about every setting where it stands.
pub(super) struct Reader<'a> {
    pub check: &'a mut dyn FnMut(&Setting),
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    /// The files being read, outermost first.
    open: Vec<PathBuf>,
}

const DEFAULT_INCLUDE: &str = "master.d/*.conf";

impl<'a> Reader<'a> {
    pub fn new(check: &'a mut dyn FnMut(&Setting)) -> Reader<'a> {
        Reader { check, problems: Vec::new(), warnings: Vec::new(), open: Vec::new() }
    }

    /// The main file with all it includes. A file that is not there is an empty one.
    pub fn master(&mut self, file: &Path) -> Vec<Setting> {
        let mut settings = if file.is_file() { self.file(file) } else { Vec::new() };
        let patterns =
            |settings: &[Setting], name| settings.iter().find(|s: &&Setting| s.name == name).map(words);
        let usual = patterns(&settings, "default_include").unwrap_or_else(|| vec![DEFAULT_INCLUDE.into()]);
        let asked = patterns(&settings, "include").unwrap_or_default();
        self.open.push(file.to_owned());
        let included = self.include(&usual, file, false);
        lay_over(&mut settings, included);
        let included = self.include(&asked, file, true);
        lay_over(&mut settings, included);
        self.open.pop();
        settings
    }

    /// The section `program` of a Saltfile; other sections are for other commands.
    pub fn saltfile(&mut self, file: &Path, program: &str) -> Vec<Setting> {
        match self.document(file) {
            Some(document) => {
                document.get(program).map(|section| self.settings(section, file)).unwrap_or_default()
            }
            None => Vec::new(),
        }
    }

    /// The settings of one file alone, or none where it is not a dict.
    fn file(&mut self, file: &Path) -> Vec<Setting> {
        self.document(file).map(|document| self.settings(&document, file)).unwrap_or_default()
    }

    fn document(&mut self, file: &Path) -> Option<Node> {
        let parse = |text: String| yaml::load(&text).map_err(|error| Problem::of_yaml(file, &error, &text));
        read_text(file).and_then(parse).map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The settings in the dict `document`.
    fn settings(&mut self, document: &Node, file: &Path) -> Vec<Setting> {
        let file: Rc<Path> = file.into();
        let Some(entries) = document.as_map() else {
            if document.as_scalar().is_some_and(halite_wire::Value::is_null) {
                return Vec::new();
            }
            let what = format!("must be a dict of keys and values, not {}", read::describe(document));
            return self.refuse(Problem::new(&file, document.mark, what));
        };
        let mut settings = Vec::new();
        for (key, value) in entries {
            let Some(name) = key.as_str() else {
                let what = format!("a key must be a str, not {}", read::describe(key));
                self.problems.push(Problem::new(&file, key.mark, what));
                continue;
            };
            let setting =
                Setting { name: name.to_owned(), mark: key.mark, value: value.clone(), file: file.clone() };
            (self.check)(&setting);
            settings.push(setting);
        }
        settings
    }

    fn include(&mut self, patterns: &[String], from: &Path, is_asked_for: bool) -> Vec<Setting> {
        let mut merged = Vec::new();
        for pattern in patterns {
            let path = from.parent().unwrap_or(Path::new("")).join(read::expand_home(pattern));
            let found = paths::glob(&path);
            if found.is_empty() && is_asked_for {
                let what = format!("`include` names {}, and no file is there", path.display());
                self.warnings.push(Problem::of_file(from, what));
            }
            for file in found {
                let settings = self.included(&file, from);
                merge(&mut merged, settings);
            }
        }
        merged
    }

    fn included(&mut self, file: &Path, from: &Path) -> Vec<Setting> {
        if self.open.iter().any(|open| open == file) {
            return self.refuse(Problem::of_file(
                from,
                format!("`include` goes in a circle, by {}", file.display()),
            ));
        }
        let mut settings = self.file(file);
        let asked = settings.iter().find(|setting| setting.name == "include").map(words).unwrap_or_default();
        self.open.push(file.to_owned());
        let included = self.include(&asked, file, true);
        self.open.pop();
        lay_over(&mut settings, included);
        settings
    }

    fn refuse(&mut self, problem: Problem) -> Vec<Setting> {
        self.problems.push(problem);
        Vec::new()
    }
}

/// What is wrong with them is told by the check.
fn words(setting: &Setting) -> Vec<String> {
    read::words(&setting.value).unwrap_or_default()
}

/// `upper` replaces whole keys of `lower`.
pub(super) fn lay_over(lower: &mut Vec<Setting>, upper: Vec<Setting>) {
    for setting in upper {
        match lower.iter_mut().find(|known| known.name == setting.name) {
            Some(known) => *known = setting,
            None => lower.push(setting),
        }
    }
}

/// `upper` is merged into `lower`: dicts by key, lists by what is new, anything else is replaced.
fn merge(lower: &mut Vec<Setting>, upper: Vec<Setting>) {
    for setting in upper {
        match lower.iter_mut().find(|known| known.name == setting.name) {
            Some(known) => merge_node(&mut known.value, setting.value),
            None => lower.push(setting),
        }
    }
}

fn merge_node(lower: &mut Node, upper: Node) {
    match (&mut lower.kind, upper.kind) {
        (NodeKind::Map(entries), NodeKind::Map(more)) => {
            for (key, value) in more {
                match entries.iter_mut().find(|(known, _)| known.kind == key.kind) {
                    Some((_, known)) => merge_node(known, value),
                    None => entries.push((key, value)),
                }
            }
        }
        (NodeKind::List(items), NodeKind::List(more)) => {
            let fresh = more
                .into_iter()
                .filter(|item| !items.iter().any(|known| known.to_value() == item.to_value()));
            let fresh: Vec<Node> = fresh.collect();
            items.extend(fresh);
        }
        (_, kind) => *lower = Node { kind, mark: upper.mark },
    }
}
