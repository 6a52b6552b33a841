//! What is in an archive, by kind.

use super::{guard, program, zip};
use crate::process::{Command, Output, STDOUT_BYTES_MAX};
use crate::registry::CallError;
use crate::shell_words;
use halite_wire::{Map, Value};
use rustix::fs::FileType;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// Names in an archive; those of directories end in a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// All, in the archive's order, directories without slash where the format has none.
    pub names: Vec<String>,
    pub dirs: Vec<String>,
    pub files: Vec<String>,
    pub links: Vec<String>,
    /// What else is known of each, in the archive's order.
    pub members: Vec<Member>,
}

/// One entry as the archive describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Without slashes at its end.
    pub name: String,
    pub kind: Kind,
    /// Bytes when unpacked; 0 where that is not known.
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    /// Where it leads; empty where the listing does not say.
    Symlink(String),
    /// The entry of the same archive, or the path, that it is another name of.
    HardLink(String),
    /// A device, a FIFO, a socket.
    Special,
}

/// The format a name's ending tells.
pub fn guess_format(name: &str) -> Option<&'static str> {
    const TAR: [&str; 10] =
        [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz"];
    let name = name.to_lowercase();
    if TAR.iter().any(|ending| name.ends_with(ending)) {
        return Some("tar");
    }
    [(".zip", "zip"), (".rar", "rar")]
        .into_iter()
        .find_map(|(ending, format)| name.ends_with(ending).then_some(format))
}

/// Lists a file of this host. `decompress` is a command that writes a tar archive to its output; `strip` takes that many
/// directories off each name.
///
/// # Errors
/// Where it is no such archive, or the program for it is not there.
pub fn listing(
    file: &Path,
    format: &str,
    decompress: Option<&str>,
    strip: usize,
) -> Result<Listing, CallError> {
    let mut listed = match format {
        "tar" => tar(file, decompress)?,
        "zip" => zipped(file)?,
        "rar" => rar(file)?,
        other => {
            return Err(CallError::Failed(format!(
                "there is no format '{other}'; there are tar, zip and rar"
            )));
        }
    };
    for names in [&mut listed.dirs, &mut listed.files, &mut listed.links] {
        if strip > 0 {
            *names = names.iter().filter_map(|name| stripped(name, strip)).collect();
        }
        names.sort();
    }
    Ok(listed)
}

fn stripped(name: &str, strip: usize) -> Option<String> {
    name.splitn(strip + 1, '/').nth(strip).filter(|rest| !rest.is_empty()).map(str::to_owned)
}

impl Listing {
    /// All names, sorted.
    pub fn plain(&self) -> Vec<String> {
        let mut all = [self.dirs.as_slice(), &self.files, &self.links].concat();
        all.sort();
        all
    }

    /// Directories at the top, the one all names share among them.
    pub fn top_level_dirs(&self) -> Vec<String> {
        let mut tops: Vec<String> =
            self.dirs.iter().filter(|dir| dir.matches('/').count() == 1).cloned().collect();
        let all = self.plain();
        let shared = match (all.first(), all.last()) {
            (Some(first), Some(last)) => first
                .chars()
                .zip(last.chars())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect::<String>(),
            _ => String::new(),
        };
        if let Some((top, _)) = shared.split_once('/') {
            let top = format!("{top}/");
            if !tops.contains(&top) {
                tops.push(top);
            }
        }
        tops
    }

    pub fn top_level_files(&self) -> Vec<String> {
        at_top(&self.files)
    }

    pub fn top_level_links(&self) -> Vec<String> {
        at_top(&self.links)
    }

    /// As Salt tells it with `verbose`.
    pub fn verbose(&self) -> Map {
        Map::from([
            ("dirs", Value::from(self.dirs.clone())),
            ("files", self.files.clone().into()),
            ("links", self.links.clone().into()),
            ("top_level_dirs", self.top_level_dirs().into()),
            ("top_level_files", self.top_level_files().into()),
            ("top_level_links", self.top_level_links().into()),
        ])
    }
}

fn at_top(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| !name.contains('/')).cloned().collect()
}

/// Two lists of tar: names alone, and lines that begin with the kind.
fn tar(file: &Path, decompress: Option<&str>) -> Result<Listing, CallError> {
    program(&["tar"])?;
    let (names, kinds) = (tar_lines(file, decompress, "-t")?, tar_lines(file, decompress, "-tv")?);
    let mut listed = Listing::default();
    for (name, line) in names.lines().zip(kinds.lines()) {
        let bare = if name.len() > 1 { name.trim_end_matches('/') } else { name };
        listed.names.push(bare.to_owned());
        let member = member(bare, name, line);
        match &member.kind {
            Kind::Directory => listed.dirs.push(format!("{bare}/")),
            Kind::Symlink(_) => listed.links.push(bare.to_owned()),
            Kind::File | Kind::HardLink(_) | Kind::Special => listed.files.push(bare.to_owned()),
        }
        listed.members.push(member);
    }
    Ok(listed)
}

/// A line of tar's long list: `-rw-r--r-- 0/0 17 2026-01-02 03:04 NAME`, behind links ` -> TARGET` or ` link to TARGET`.
/// BusyBox shows hard links as files with an arrow.
fn member(bare: &str, name: &str, line: &str) -> Member {
    let target = |arrow: &str| {
        let (_, behind) = line.rsplit_once(&format!(" {name}{arrow}")).unwrap_or_default();
        behind.to_owned()
    };
    let kind = match line.chars().next() {
        Some('d') => Kind::Directory,
        Some('l') => Kind::Symlink(target(" -> ")),
        Some('h') => Kind::HardLink(target(" link to ")),
        Some('b' | 'c' | 'p' | 's') => Kind::Special,
        _ if line.contains(&format!(" {name} -> ")) => Kind::HardLink(target(" -> ")),
        _ => Kind::File,
    };
    let size = line.split_whitespace().nth(2).and_then(|size| size.parse().ok()).unwrap_or(0);
    Member { name: bare.to_owned(), kind, size }
}

fn tar_lines(file: &Path, decompress: Option<&str>, mode: &str) -> Result<String, CallError> {
    // Owners as numbers: a name with blanks in it would move the columns. `P`: names as they are.
    let letters = match busybox_letter(file)? {
        None => format!("{mode}P"),
        Some(letter) if decompress.is_none() => format!("{mode}{letter}"),
        Some(_) => mode.to_owned(),
    };
    let list = |archive: &Path| {
        let list = guard::modest(Command::new(["tar", letters.as_str(), "--numeric-owner", "-f"]));
        list.arg(archive).c_locale()
    };
    let output = match decompress.filter(|command| !command.trim().is_empty()) {
        None => list(file).run(),
        Some(words) => {
            let words = shell_words::split(words).map_err(|error| CallError::Failed(error.to_string()))?;
            let unpacked =
                words.into_iter().fold(Command::new(Vec::<String>::new()), Command::arg).arg(file).run();
            let unpacked = unpacked.map_err(|error| CallError::failed(error.to_string()))?;
            succeeded(file, &unpacked)?;
            list(Path::new("-")).stdin(unpacked.stdout).run()
        }
    };
    let output = output.map_err(|error| CallError::failed(error.to_string()))?;
    succeeded(file, &output)?;
    Ok(output.text())
}

/// What BusyBox's tar has to be told of an archive (other ones look for themselves): `z`, `j` or `J`, or nothing.
///
/// # Errors
/// The archive cannot be read, or tar does not start.
pub fn busybox_letter(file: &Path) -> Result<Option<&'static str>, CallError> {
    let failed =
        |error: std::io::Error| CallError::Failed(format!("could not read {}: {error}", file.display()));
    let help = Command::new(["tar", "--help"]).run().map_err(|error| CallError::failed(error.to_string()))?;
    if ![&help.stdout, &help.stderr].into_iter().any(|said| said.starts_with(b"BusyBox")) {
        return Ok(None);
    }
    let mut start = Vec::new();
    std::fs::File::open(file).and_then(|file| file.take(6).read_to_end(&mut start)).map_err(failed)?;
    let known = [(&b"\x1f\x8b"[..], "z"), (b"BZh", "j"), (b"\xfd7zXZ\0", "J")];
    Ok(Some(known.iter().find(|(magic, _)| start.starts_with(magic)).map_or("", |(_, letter)| letter)))
}

fn succeeded(file: &Path, output: &Output) -> Result<(), CallError> {
    if output.stdout.len() >= STDOUT_BYTES_MAX {
        return Err(CallError::Failed(format!("{} holds more entries than can be listed", file.display())));
    }
    if output.ok() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CallError::Failed(format!("could not list {}: {}", file.display(), said.trim())))
}

fn zipped(file: &Path) -> Result<Listing, CallError> {
    let entries = zip::entries(file).map_err(|error| CallError::Failed(error.to_string()))?;
    let (mut dirs, mut files, mut links) = (BTreeSet::new(), Vec::new(), Vec::new());
    let names = entries.iter().map(|entry| entry.name.clone()).collect();
    let members = entries.iter().map(zip_member).collect();
    for entry in entries {
        let folder = entry.name.rfind('/').map(|slash| entry.name[..=slash].to_owned());
        match FileType::from_raw_mode(entry.mode) {
            FileType::Symlink => links.push(entry.name),
            FileType::Directory => drop(dirs.insert(entry.name)),
            _ => {
                dirs.extend(folder);
                files.push(entry.name);
            }
        }
    }
    files.retain(|name| !dirs.contains(name));
    Ok(Listing { names, dirs: dirs.into_iter().collect(), files, links, members })
}

/// Where a link leads stands in its content, which nobody has unpacked yet.
fn zip_member(entry: &zip::ZipEntry) -> Member {
    let kind = match FileType::from_raw_mode(entry.mode) {
        FileType::Symlink => Kind::Symlink(String::new()),
        FileType::Directory => Kind::Directory,
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Fifo | FileType::Socket => {
            Kind::Special
        }
        _ if entry.name.ends_with('/') => Kind::Directory,
        _ => Kind::File,
    };
    Member { name: entry.name.trim_end_matches('/').to_owned(), kind, size: entry.size }
}

/// `rar lt` writes `Name:` and `Type:` lines.
fn rar(file: &Path) -> Result<Listing, CallError> {
    let program = program(&["rar", "unrar"])?;
    let output = Command::new([program, "lt"]).arg(file).c_locale().run();
    let output = output.map_err(|error| CallError::failed(error.to_string()))?;
    succeeded(file, &output)?;
    let mut listed = Listing::default();
    let mut name = String::new();
    for line in output.text().lines() {
        match line.trim().split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
            Some(("Name", value)) => value.clone_into(&mut name),
            Some(("Type", "Directory")) => listed.dirs.push(format!("{name}/")),
            Some(("Type", _)) => listed.files.push(name.clone()),
            _ => {}
        }
    }
    listed.names = listed.plain();
    let member = |name: &String| Member { name: name.clone(), kind: Kind::File, size: 0 };
    listed.members = listed.files.iter().map(member).collect();
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_directory_is_at_the_top_even_where_the_archive_does_not_name_it() {
        let listed = Listing { files: vec!["app/a".into(), "app/b/c".into()], ..Listing::default() };
        assert_eq!(listed.top_level_dirs(), ["app/"]);
        let apart = Listing { files: vec!["a/x".into(), "b".into()], ..Listing::default() };
        assert_eq!((apart.top_level_dirs(), apart.top_level_files()), (vec![], vec!["b".to_owned()]));
    }

    #[test]
    fn endings_tell_formats() {
        assert_eq!(guess_format("x/App-1.0.TAR.GZ"), Some("tar"));
        assert_eq!(guess_format("a.zip"), Some("zip"));
        assert_eq!(guess_format("tar"), None);
    }
}
