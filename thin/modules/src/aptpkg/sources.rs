//! apt's lists of sources: `/etc/apt/sources.list` and `sources.list.d/*.list`, read line by line, written back as they were
//! but for what changes.

use crate::registry::CallError;
use crate::write::NewFile;
use halite_wire::{Map, Value};
use std::io::Write;
use std::path::{Path, PathBuf};

pub const MAIN_FILE: &str = "/etc/apt/sources.list";
pub const FOLDER: &str = "/etc/apt/sources.list.d";

/// One line that names a repository: `[#]deb [options] uri dist comps... #comment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub disabled: bool,
    pub kind: String,
    /// `key=value` in the order of the line.
    pub options: Vec<(String, String)>,
    pub uri: String,
    pub dist: String,
    pub comps: Vec<String>,
    pub comment: String,
}

impl Source {
    /// Reads a line; `None` where it names no repository.
    pub fn parse(line: &str) -> Option<Source> {
        let line = line.trim();
        let disabled = line.starts_with('#');
        let line = line.strip_prefix('#').unwrap_or(line);
        let (line, comment) = line.split_once('#').unwrap_or((line, ""));
        let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
        if !matches!(kind, "deb" | "deb-src" | "rpm" | "rpm-src") {
            return None;
        }
        let rest = rest.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']')?,
            None => ("", rest),
        };
        let mut words = cdrom_words(rest).into_iter();
        let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(Source {
            disabled,
            kind: kind.to_owned(),
            options: options.split_whitespace().filter_map(pair).collect(),
            uri: words.next()?,
            dist: words.next()?,
            comps: words.collect(),
            comment: comment.to_owned(),
        })
    }

    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Sets an option, or takes it away where it is empty.
    pub fn set_option(&mut self, key: &str, value: &str) {
        match self.options.iter().position(|(known, _)| known == key) {
            Some(at) if value.is_empty() => drop(self.options.remove(at)),
            Some(at) => value.clone_into(&mut self.options[at].1),
            None if value.is_empty() => {}
            None => self.options.push((key.to_owned(), value.to_owned())),
        }
    }

    pub fn architectures(&self) -> Vec<String> {
        let arch = self.option("arch").unwrap_or_default();
        arch.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect()
    }

    pub fn signed_by(&self) -> &str {
        self.option("signed-by").unwrap_or_default()
    }

    /// Whether both are the same repository, whatever their components.
    pub fn is_same(&self, other: &Source) -> bool {
        let uri = |source: &Source| source.uri.trim_end_matches('/').to_owned();
        self.kind == other.kind && uri(self) == uri(other) && self.dist == other.dist
    }

    pub fn shares_component(&self, other: &Source) -> bool {
        self.comps.iter().any(|comp| other.comps.contains(comp))
    }

    /// The line as it stands in a file.
    pub fn line(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.disabled.then(|| "#".to_owned()));
        words.push(self.kind.clone());
        if !self.options.is_empty() {
            let options: Vec<String> =
                self.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
            words.push(format!("[{}]", options.join(" ")));
        }
        words.extend([self.uri.clone(), self.dist.clone()]);
        words.extend(self.comps.iter().cloned());
        words.extend((!self.comment.is_empty()).then(|| format!("#{}", self.comment)));
        words.join(" ")
    }

    /// The shape `pkg.get_repo` gives.
    pub fn facts(&self, file: &Path, line: &str) -> Map {
        Map::from([
            ("file", Value::from(file.to_string_lossy().into_owned())),
            ("comps", self.comps.clone().into()),
            ("disabled", self.disabled.into()),
            ("dist", self.dist.as_str().into()),
            ("type", self.kind.as_str().into()),
            ("uri", self.uri.as_str().into()),
            ("line", line.trim().into()),
            ("architectures", self.architectures().into()),
            ("signedby", self.signed_by().into()),
        ])
    }
}

/// A disc's name may have blanks: `cdrom:[Debian 12]/` is one word.
fn cdrom_words(rest: &str) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match rest.find("cdrom:").and_then(|start| rest[start..].rfind("]/").map(|end| (start, start + end + 2)))
    {
        Some((start, end)) => {
            let mut all = words(&rest[..start]);
            all.push(rest[start..end].to_owned());
            all.extend(words(&rest[end..]));
            all
        }
        None => words(rest),
    }
}

/// One file and its lines.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: PathBuf,
    pub lines: Vec<String>,
}

/// All files, the main one first.
pub fn read() -> Vec<SourceFile> {
    let mut paths = vec![PathBuf::from(MAIN_FILE)];
    paths.extend(crate::glob::glob(&Path::new(FOLDER).join("*.list")));
    paths.into_iter().filter_map(|path| load(&path)).collect()
}

fn load(path: &Path) -> Option<SourceFile> {
    let bytes = std::fs::read(path).ok()?;
    let lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    Some(SourceFile { path: path.to_owned(), lines })
}

/// Writes the file; an empty one below `sources.list.d` is removed.
///
/// # Errors
/// It cannot be written.
pub fn save(file: &SourceFile) -> Result<(), CallError> {
    let failed =
        |error: std::io::Error| CallError::failed(format!("cannot write {}: {error}", file.path.display()));
    if let Some(folder) = file.path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let text: String = file.lines.iter().map(|line| format!("{line}\n")).collect();
    let mut new = NewFile::create(&file.path).map_err(failed)?;
    new.write_all(text.as_bytes()).and_then(|()| new.finish(0o644)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_written() {
        let line = "deb [arch=amd64,i386 signed-by=/etc/apt/keyrings/x.gpg] http://x/debian stable main contrib #note";
        let source = Source::parse(line).unwrap();
        assert_eq!(source.architectures(), ["amd64", "i386"]);
        assert_eq!(source.signed_by(), "/etc/apt/keyrings/x.gpg");
        assert_eq!((source.comps.len(), source.comment.as_str()), (2, "note"));
        assert_eq!(source.line(), line);
        let off = Source::parse("# deb http://x stable main").unwrap();
        assert!(off.disabled);
        assert_eq!(off.line(), "# deb http://x stable main");
        assert_eq!(Source::parse("# a comment about deb"), None);
        assert_eq!(Source::parse("deb http://x"), None);
    }

    #[test]
    fn a_disc_is_one_word() {
        let source = Source::parse("deb cdrom:[Debian 12 _Bookworm_]/ bookworm main").unwrap();
        assert_eq!(
            (source.uri.as_str(), source.dist.as_str()),
            ("cdrom:[Debian 12 _Bookworm_]/", "bookworm")
        );
    }
}
