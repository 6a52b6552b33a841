//! `clean: True`: what lies in a directory though no state put it there.

use super::recurse;
use crate::StateCtx;
use halite_modules::cp::Inclusion;
use halite_modules::{CallError, paths};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One directory of a walk: its path, directories in it (links to some among them), everything else in it.
pub type Level = (PathBuf, Vec<PathBuf>, Vec<PathBuf>);

/// The directory and those below it, from the top, at most `depth` levels; links are not followed.
pub fn walk(top: &Path, depth: Option<i64>) -> Vec<Level> {
    let mut levels = Vec::new();
    let mut todo = vec![(top.to_owned(), 0)];
    while let Some((folder, at)) = todo.pop() {
        if depth.is_some_and(|depth| at >= depth) {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        let (folders, files): (Vec<_>, Vec<_>) = names.into_iter().partition(|path| path.is_dir());
        todo.extend(
            folders.iter().rev().filter(|path| !path.is_symlink()).map(|path| (path.clone(), at + 1)),
        );
        levels.push((folder, folders, files));
    }
    levels
}

/// Paths that states this one requires put below `top`.
///
/// # Errors
/// Where the files of a `file.recurse` cannot be listed.
pub fn kept(state: &mut StateCtx, top: &Path) -> Result<BTreeSet<PathBuf>, CallError> {
    let required = required_files(state.low);
    let mut keep = BTreeSet::new();
    for low in state.kept.get("lowstate").and_then(Value::as_list).unwrap_or_default().to_vec() {
        let named =
            ["name", "__id__"].iter().any(|key| low.get(key).is_some_and(|name| required.contains(name)));
        let Some(name) = low.get("name").and_then(Value::as_str).filter(|_| named) else { continue };
        let path = paths::from_bytes(&paths::expand_user(name.as_bytes()));
        if !path.is_dir() {
            keep.insert(path);
        } else if paths::abspath(&path).starts_with(paths::abspath(top)) {
            match low.as_map().filter(|low| low.get_str("fun") == Some("recurse")) {
                Some(low) => keep.extend(recurse::paths_of(state, low)?),
                None => {
                    for (folder, folders, files) in walk(&path, None) {
                        keep.insert(folder);
                        keep.extend(folders.into_iter().chain(files));
                    }
                }
            }
        }
    }
    Ok(keep)
}

/// Names and ids of the states of `file` that a state requires.
fn required_files(low: &Map) -> Vec<Value> {
    let required = low.get("require").and_then(Value::as_list).unwrap_or_default();
    required.iter().filter_map(|item| item.get("file").cloned()).collect()
}

/// What would be called removed, path by path.
///
/// # Errors
/// Where a pattern does not compile.
pub fn planned(top: &Path, keep: &BTreeSet<PathBuf>, inclusion: &Inclusion) -> Result<Map, CallError> {
    let mut changes = Map::new();
    for (_, folders, files) in walk(top, None) {
        for path in folders.into_iter().chain(files) {
            if !keep.contains(&path) && takes(inclusion, top, &path)? {
                let removed = Map::from([("removed", "Removed due to clean")]);
                changes.insert(paths::to_value(path), removed);
            }
        }
    }
    Ok(changes)
}

/// Removes what is not kept, and says what. Directories above what is kept stay. With `dry` only says it.
///
/// # Errors
/// What removing says.
pub fn sweep(
    top: &Path,
    keep: &BTreeSet<PathBuf>,
    inclusion: &Inclusion,
    dry: bool,
) -> Result<Vec<Value>, CallError> {
    let kept: BTreeSet<&Path> = keep
        .iter()
        .filter(|path| path.is_absolute())
        .flat_map(|path| path.ancestors())
        .chain([top])
        .collect();
    let mut removed = Vec::new();
    let mut todo = vec![top.to_owned()];
    while let Some(folder) = todo.pop() {
        for (_, folders, files) in walk(&folder, Some(1)) {
            for path in folders.into_iter().chain(files) {
                let goes = !kept.contains(path.as_path()) && takes(inclusion, top, &path)?;
                if goes {
                    removed.push(paths::to_value(&path));
                    if !dry {
                        remove(&path)?;
                    }
                }
                if path.is_dir() && !path.is_symlink() {
                    todo.push(path);
                }
            }
        }
    }
    Ok(removed)
}

fn takes(inclusion: &Inclusion, top: &Path, path: &Path) -> Result<bool, CallError> {
    inclusion.takes(&path.strip_prefix(top).unwrap_or(path).to_string_lossy())
}

/// Removes a file, a link, or a directory with all that is in it.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> Result<(), CallError> {
    let failed = |error| CallError::Failed(format!("could not remove '{}': {error}", path.display()));
    let meta = path.symlink_metadata().map_err(failed)?;
    halite_modules::file::tree::remove_any(path, &meta).map_err(failed)
}
