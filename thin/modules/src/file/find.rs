//! `file.find`: walks a tree, tests each path, and does something with those that pass.
//!
//! Tests and actions come in as keyword arguments; what the actions give comes out, sorted.

mod action;
mod test;

use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx, glob, paths};
use action::Action;
use halite_wire::{Map, Value};
use std::cmp::Ordering;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use test::Test;

/// Every option there is, for messages.
const OPTIONS: &str = "name, iname, regex, iregex, type, owner, group, size, mtime, grep, mindepth, maxdepth, \
                       print, exec, delete, test";

/// What the user wants of each path.
#[derive(Default)]
struct Finder {
    tests: Vec<Test>,
    actions: Vec<Action>,
    mindepth: i64,
    maxdepth: Option<i64>,
    /// Say what would be deleted, and delete nothing.
    dry: bool,
    found: Vec<Value>,
    /// Directories and files that could not be looked into.
    unreadable: Vec<String>,
}

pub fn find(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let top = super::path(args, "path")?;
    let mut options = args.keywords().clone();
    let words: Vec<&str> = args.rest().iter().filter_map(Value::as_str).collect();
    if words.contains(&"delete") {
        options.insert("delete", "f");
    } else if words.contains(&"print") {
        options.insert("print", "path");
    }
    let mut finder = match Finder::new(&options) {
        Ok(finder) => finder,
        // A wrong expression is told in the value, as in Salt.
        Err(why) => return Ok(Value::from(format!("error: {why}"))),
    };
    for start in glob::glob(&top) {
        finder.start(&start)?;
    }
    ctx.notes.extend(finder.unreadable);
    finder.found.sort_by(order);
    Ok(Value::List(finder.found))
}

impl Finder {
    fn new(options: &Map) -> Result<Finder, String> {
        let mut finder = Finder::default();
        for (key, value) in options {
            let key = key.as_str().unwrap_or_default();
            match key {
                "mindepth" => finder.mindepth = depth(key, value)?,
                "maxdepth" => finder.maxdepth = Some(depth(key, value)?),
                "test" => finder.dry = value.is_truthy(),
                key if key.starts_with('_') => {}
                key => finder.option(key, value)?,
            }
        }
        if finder.actions.is_empty() {
            finder.actions.push(Action::print(""));
        }
        // Cheap tests first: names before facts, facts before contents.
        finder.tests.sort_by_key(Test::cost);
        Ok(finder)
    }

    fn option(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let text = as_text(value)
            .filter(|_| value.is_truthy())
            .ok_or_else(|| format!("missing value for \"{key}\" option"))?;
        match key {
            "print" => self.actions.push(Action::print(&text)),
            "exec" => self.actions.push(Action::exec(&text)?),
            "delete" => {
                let kinds = if text.contains('a') { "bcdpfls" } else { &text };
                self.tests.push(Test::kinds(kinds)?);
                self.actions.push(Action::Delete);
            }
            _ => {
                let test = Test::new(key, &text)?;
                self.tests
                    .push(test.ok_or_else(|| format!("invalid option \"{key}\"; there are {OPTIONS}"))?);
            }
        }
        Ok(())
    }

    /// The start itself is at depth 0, what is in it at depth 1.
    fn start(&mut self, start: &Path) -> Result<(), CallError> {
        if self.mindepth < 1 {
            let (_, name) = paths::split(start.as_os_str().as_bytes());
            self.visit(start, name)?;
        }
        let mut folders = vec![(start.to_owned(), 1)];
        while let Some((folder, depth)) = folders.pop() {
            if self.maxdepth.is_none_or(|maxdepth| depth <= maxdepth) {
                self.folder(&folder, depth, &mut folders)?;
            }
        }
        Ok(())
    }

    fn folder(
        &mut self,
        folder: &Path,
        depth: i64,
        folders: &mut Vec<(PathBuf, i64)>,
    ) -> Result<(), CallError> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                if !super::is_absent(&error) {
                    self.unreadable.push(format!(
                        "could not list {}: {}",
                        folder.display(),
                        super::reason(&error)
                    ));
                }
                return Ok(());
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((path.clone(), depth + 1));
            }
            if depth >= self.mindepth {
                self.visit(&path, entry.file_name().as_bytes())?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, path: &Path, name: &[u8]) -> Result<(), CallError> {
        let mut facts = Facts { path, known: None };
        for test in &self.tests {
            match test.passes(name, &mut facts) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(test::TestError::Read(error)) => {
                    self.unreadable.push(format!(
                        "could not read {}: {}",
                        path.display(),
                        super::reason(&error)
                    ));
                    return Ok(());
                }
                Err(test::TestError::Regex(error)) => return Err(error.into()),
            }
        }
        for action in &self.actions {
            self.found.extend(action.run(&mut facts, self.dry));
        }
        Ok(())
    }
}

fn depth(key: &str, value: &Value) -> Result<i64, String> {
    let number = as_text(value).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("invalid value for \"{key}\" option: a whole number is needed"))
}

/// Facts of one path, looked up when first needed.
struct Facts<'a> {
    path: &'a Path,
    known: Option<Option<Metadata>>,
}

impl Facts<'_> {
    /// Of a link what it leads to; the link itself where it leads nowhere. `None` where the path is gone.
    fn meta(&mut self) -> Option<&Metadata> {
        let look = || self.path.metadata().or_else(|_| self.path.symlink_metadata()).ok();
        self.known.get_or_insert_with(look).as_ref()
    }
}

/// Lists item by item, texts and bytes by bytes, numbers by size, as far as Python compares them at all.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|found| found.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (a, b) => raw(a).cmp(raw(b)),
    }
}

fn raw(value: &Value) -> &[u8] {
    match value {
        Value::Str(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => b"",
    }
}
