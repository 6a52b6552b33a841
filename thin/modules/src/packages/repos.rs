//! Repositories kept in `*.repo` files, by yum and by zypper.

use super::ini::IniFile;
use super::is_true;
use crate::Bound;
use crate::registry::CallError;
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// Arguments that are not keys of a repository.
const NOT_KEYS: [&str; 14] = [
    "repo",
    "file",
    "basedir",
    "saltenv",
    "refresh",
    "refresh_db",
    "clean_file",
    "gpgautoimport",
    "comments",
    "key_url",
    "allow_insecure_key",
    "keyid",
    "keyserver",
    "test",
];

fn files(folders: &[PathBuf]) -> Vec<IniFile> {
    folders.iter().flat_map(|folder| IniFile::folder(folder)).collect()
}

/// All repositories by their id, each with its file.
pub fn list(folders: &[PathBuf]) -> Map {
    let mut found = Map::new();
    for file in files(folders) {
        for (id, mut keys) in file.sections() {
            keys.insert("file", file.path.to_string_lossy().into_owned());
            found.insert(id, keys);
        }
    }
    found
}

/// One repository; empty where there is none of that id.
pub fn get(folders: &[PathBuf], id: &str) -> Map {
    list(folders).get(id).and_then(Value::as_map).cloned().unwrap_or_default()
}

/// Takes a repository out of its file, and the file where nothing else is in it.
///
/// # Errors
/// The file cannot be written.
pub fn remove(folders: &[PathBuf], id: &str) -> Result<String, CallError> {
    let Some(mut file) = files(folders).into_iter().find(|file| file.has(id)) else {
        return Ok(format!("there is no repository {id}"));
    };
    file.remove(id);
    let path = file.path.display().to_string();
    Ok(if file.save()? {
        format!("{path} was removed with {id}")
    } else {
        format!("{id} was removed from {path}")
    })
}

/// Puts a repository into its file, or changes it there. Keys given as empty text are taken away.
///
/// # Errors
/// It has no address, or the file cannot be written.
pub fn change(folders: &[PathBuf], id: &str, args: &Bound) -> Result<Map, CallError> {
    let known = files(folders).into_iter().find(|file| file.has(id));
    let place = args.keywords().get_str("file").map(PathBuf::from);
    let folder = args.keywords().get_str("basedir").map(PathBuf::from).or_else(|| folders.first().cloned());
    let mut file = known.unwrap_or_else(|| {
        let path = place.unwrap_or_else(|| folder.unwrap_or_default().join(format!("{id}.repo")));
        IniFile::read(&path)
    });
    let mut keys =
        file.sections().into_iter().find(|(known, _)| known == id).map(|(_, keys)| keys).unwrap_or_default();
    for (key, value) in args.keywords() {
        let Some(key) = key.as_str().filter(|key| !key.starts_with("__") && !NOT_KEYS.contains(key)) else {
            continue;
        };
        match as_written(value) {
            text if text.is_empty() => drop(keys.remove(key)),
            text => drop(keys.insert(key, text)),
        }
        // One address takes the place of the other kinds.
        for other in ["baseurl", "mirrorlist", "metalink"]
            .into_iter()
            .filter(|_| ["baseurl", "mirrorlist", "metalink"].contains(&key))
        {
            if other != key && !args.keywords().contains_key(other) {
                keys.remove(other);
            }
        }
    }
    if !["baseurl", "mirrorlist", "metalink"].iter().any(|key| keys.contains_key(key)) {
        return Err(CallError::failed(format!(
            "repository {id} needs one of baseurl, mirrorlist and metalink"
        )));
    }
    keys.entry_or("name", || id.into());
    file.set(id, &keys);
    file.save()?;
    Ok(Map::from([(file.path.to_string_lossy().into_owned(), Map::from([(id, keys)]))]))
}

/// Truth is written as 1 and 0, lists one entry a line.
fn as_written(value: &Value) -> String {
    match value {
        Value::Bool(_) => if is_true(value) { "1" } else { "0" }.to_owned(),
        Value::List(items) => items.iter().filter_map(crate::args::as_text).collect::<Vec<_>>().join("\n"),
        other => crate::args::as_text(other).unwrap_or_default(),
    }
}

/// The folders that exist, else the first.
pub fn folders(known: &[&str]) -> Vec<PathBuf> {
    let there: Vec<PathBuf> = known.iter().map(PathBuf::from).filter(|folder| Path::is_dir(folder)).collect();
    if there.is_empty() { known.iter().take(1).map(PathBuf::from).collect() } else { there }
}
