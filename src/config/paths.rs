//! Paths with wildcards, as Python's `glob` finds them.

use halite_roster::Glob;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The paths that fit `pattern`, sorted; names that begin with a dot only where the pattern spells the dot. A pattern
/// without wildcards finds itself, if it is there.
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        found = match component {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                found.iter().flat_map(|dir| inside(dir, &name)).collect()
            }
            other => found.iter().map(|dir| dir.join(other)).collect(),
        };
    }
    found.sort();
    found
}

fn inside(dir: &Path, name: &str) -> Vec<PathBuf> {
    if !name.contains(['*', '?', '[']) {
        let path = dir.join(name);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let glob = Glob::new(name);
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let names = fs::read_dir(here)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let fits = |found: &String| glob.is_match(found) && (!found.starts_with('.') || name.starts_with('.'));
    names.filter(fits).map(|found| dir.join(found)).collect()
}
