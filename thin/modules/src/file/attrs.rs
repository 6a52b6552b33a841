//! Attributes of `chattr`: letters, with the host's own `lsattr` and `chattr`.

use super::path;
use crate::process::{Command, which};
use crate::registry::CallError;
use crate::{Bound, Ctx, paths};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Letters that can be read and set.
const LETTERS: &str = "aAcCdDeijPsStTu";

/// Letters to add and letters to take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttrChanges {
    pub added: String,
    pub removed: String,
}

impl AttrChanges {
    pub fn any(&self) -> bool {
        !self.added.is_empty() || !self.removed.is_empty()
    }

    /// Has `chattr` do it.
    ///
    /// # Errors
    /// Where the program is not there, or says no.
    pub fn apply(&self, path: &Path) -> Result<(), CallError> {
        for (sign, letters) in [('+', &self.added), ('-', &self.removed)] {
            if !letters.is_empty() {
                let run = Command::new(["chattr"]).arg(format!("{sign}{letters}")).arg(path).run();
                run.map_err(|error| CallError::failed(error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// The letters a path has; `None` where the host has no `lsattr`.
///
/// # Errors
/// Where the program cannot be run.
pub fn letters(path: &Path) -> Result<Option<String>, CallError> {
    if which("lsattr").is_none() {
        return Ok(None);
    }
    let output = Command::new(["lsattr", "-d"]).arg(path).run();
    let output = output.map_err(|error| CallError::failed(error.to_string()))?;
    let text = output.text();
    let word = text.lines().find_map(|line| line.split_whitespace().next()).filter(|_| output.ok());
    Ok(Some(word.unwrap_or_default().chars().filter(|letter| LETTERS.contains(*letter)).collect()))
}

/// What must change so that `path` has exactly `wanted`; `e` (extents) is the file system's own.
///
/// # Errors
/// As [`letters`].
pub fn compare(path: &Path, wanted: &str) -> Result<Option<AttrChanges>, CallError> {
    let Some(now) = letters(path)? else { return Ok(None) };
    let (mut wanted, now) = (BTreeSet::from_iter(wanted.chars()), BTreeSet::from_iter(now.chars()));
    if now.contains(&'e') {
        wanted.insert('e');
    }
    Ok(Some(AttrChanges {
        added: wanted.difference(&now).collect(),
        removed: now.difference(&wanted).collect(),
    }))
}

pub fn lsattr(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    if !path.exists() {
        return Err(args.wrong(format!("there is no '{}'", path.display())));
    }
    let Some(letters) = letters(&path)? else { return Ok(Value::Null) };
    let letters: Vec<String> = letters.chars().map(String::from).collect();
    Ok(Value::Map([(paths::to_value(&path), Value::from(letters))].into_iter().collect()))
}

/// True where `chattr` had nothing to say.
pub fn chattr(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let option = |name: &str| args.keywords().get(name).and_then(crate::args::as_text);
    let sign = match option("operator").as_deref() {
        Some("add") => '+',
        Some("remove") => '-',
        _ => return Err(args.wrong("'operator' must be add or remove")),
    };
    let attributes =
        option("attributes").ok_or_else(|| args.wrong(format!("'attributes' must be some of {LETTERS}")))?;
    let mut command = Command::new(["chattr".to_owned(), format!("{sign}{attributes}")]);
    if let Some(flags) = option("flags") {
        command = command.arg(format!("-{flags}"));
    }
    if let Some(version) = option("version") {
        command = command.arg("-v").arg(version);
    }
    for file in args.rest() {
        command = command.arg(crate::args::as_text(file).ok_or_else(|| args.wrong("a path must be text"))?);
    }
    let output = command.merge_stderr().run().map_err(|error| CallError::failed(error.to_string()))?;
    Ok(Value::Bool(output.ok() && output.stdout.trim_ascii().is_empty()))
}

/// Files that processes have open, by path; with `by_pid` by process.
pub fn open_files(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut found: Vec<(i64, String)> = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok()) else {
            continue;
        };
        let fds =
            std::fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten().map(|fd| fd.path());
        for link in fds.chain([entry.path().join("exe")]) {
            let target =
                std::fs::read_link(link).ok().filter(|target| target.is_absolute() && target.exists());
            found.extend(target.map(|target| (pid, target.to_string_lossy().into_owned())));
        }
    }
    found.sort();
    found.dedup();
    let mut all = Map::new();
    for (pid, path) in found {
        let (key, item) = if args.bool("by_pid") {
            (Value::Int(pid), Value::from(path))
        } else {
            (Value::from(path), Value::Int(pid))
        };
        if let Value::List(items) = all.entry_or(key, || Value::List(Vec::new())) {
            items.push(item);
        }
    }
    Ok(Value::Map(all))
}
