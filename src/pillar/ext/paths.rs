//! Files that a pattern names.

use halite_roster::Glob;
use std::path::{Path, PathBuf};

/// The files `line` names below a folder, sorted; none where there are none. Each part of it may be a shell glob, which
/// finds no hidden files.
pub fn expanded(folder: &Path, line: &str) -> Vec<PathBuf> {
    let path = folder.join(line);
    if !line.contains(['*', '?', '[']) {
        return if path.is_file() { vec![path] } else { Vec::new() };
    }
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        let name = part.as_os_str().to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let glob = Glob::new(&name);
        let mut next = Vec::new();
        for above in found {
            let entries = std::fs::read_dir(&above).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            next.extend(
                names
                    .filter(|name| !name.starts_with('.') && glob.is_match(name))
                    .map(|name| above.join(name)),
            );
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}
