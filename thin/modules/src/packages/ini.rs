//! Files of `[section]` and `key=value` lines, as yum and zypper keep repositories: read, and changed in place.

use crate::registry::CallError;
use crate::write::NewFile;
use halite_wire::{Map, Value};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file and its lines.
#[derive(Clone, Debug)]
pub struct IniFile {
    pub path: PathBuf,
    lines: Vec<String>,
}

impl IniFile {
    /// Reads the file; one that is not there has no lines.
    pub fn read(path: &Path) -> IniFile {
        let text = std::fs::read(path).unwrap_or_default();
        let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        IniFile { path: path.to_owned(), lines }
    }

    /// All `*.repo` files of a folder.
    pub fn folder(folder: &Path) -> Vec<IniFile> {
        crate::glob::glob(&folder.join("*.repo")).iter().map(|path| IniFile::read(path)).collect()
    }

    /// Sections in their order, each with its keys. A line that begins with a blank goes on the one before.
    pub fn sections(&self) -> Vec<(String, Map)> {
        let mut found: Vec<(String, Map)> = Vec::new();
        let mut key = String::new();
        for line in &self.lines {
            let bare = line.trim();
            if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                found.push((name.to_owned(), Map::new()));
                continue;
            }
            let Some((_, section)) = found.last_mut() else { continue };
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(Value::Str(text)) = section.get_mut(&key) {
                    *text += &format!("\n{bare}");
                }
            } else if let Some((name, value)) = bare.split_once('=') {
                name.trim().clone_into(&mut key);
                section.insert(key.as_str(), value.trim());
            }
        }
        found
    }

    pub fn has(&self, section: &str) -> bool {
        self.range(section).is_some()
    }

    /// Lines of the section, its head first.
    fn range(&self, section: &str) -> Option<std::ops::Range<usize>> {
        let head = format!("[{section}]");
        let start = self.lines.iter().position(|line| line.trim() == head)?;
        let rest = &self.lines[start + 1..];
        let end = rest.iter().position(|line| line.trim_start().starts_with('[')).unwrap_or(rest.len());
        Some(start..start + 1 + end)
    }

    /// Makes the section hold exactly these keys.
    pub fn set(&mut self, section: &str, keys: &Map) {
        let mut lines = vec![format!("[{section}]")];
        for (key, value) in keys {
            let text = crate::args::as_text(value).unwrap_or_default().replace('\n', "\n ");
            lines.push(format!("{}={text}", key.as_str().unwrap_or_default()));
        }
        match self.range(section) {
            Some(range) => drop(self.lines.splice(range, lines)),
            None => self.lines.extend(lines),
        }
    }

    /// Takes the section away.
    pub fn remove(&mut self, section: &str) {
        if let Some(range) = self.range(section) {
            self.lines.drain(range);
        }
    }

    /// Writes the file; one without sections is removed. True where it was.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self) -> Result<bool, CallError> {
        let failed = |error: std::io::Error| {
            CallError::failed(format!("cannot write {}: {error}", self.path.display()))
        };
        if self.sections().is_empty() {
            return std::fs::remove_file(&self.path).map(|()| true).map_err(failed);
        }
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let mut file = NewFile::create(&self.path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.finish(0o644)).map_err(failed)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_and_changed_in_place() {
        let lines = "# top\n[a]\nname=A\nbaseurl=http://x\n http://y\n[b]\nname = B\n"
            .lines()
            .map(str::to_owned)
            .collect();
        let mut file = IniFile { path: PathBuf::new(), lines };
        let sections = file.sections();
        assert_eq!(sections[0].1.get_str("baseurl"), Some("http://x\nhttp://y"));
        assert_eq!(sections[1].1.get_str("name"), Some("B"));
        file.set("a", &Map::from([("name", "C")]));
        file.remove("b");
        assert_eq!(file.lines, ["# top", "[a]", "name=C"]);
        assert!(file.has("a") && !file.has("b"));
    }
}
