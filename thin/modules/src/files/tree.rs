//! One environment as the controller listed it, and what of it lies in the cache. Kept as a text file beside the cached
//! files: the digest, then one line for each file.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The first word of the text file; another one for another form.
const FORM: &str = "tree1";

/// The files of an environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The controller's name for this very state of the environment.
    pub digest: String,
    pub rows: BTreeMap<String, Row>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    pub tag: u64,
    /// The copy in the cache, as it was when it was written.
    pub copy: Option<Stamp>,
    /// Of the content with this tag, in hex.
    pub sha256: Option<String>,
}

/// What changes when somebody writes to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub inode: u64,
    pub size: u64,
    pub changed_ns: i128,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Stamp {
        let changed_ns = i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec());
        Stamp { inode: meta.ino(), size: meta.size(), changed_ns }
    }

    fn is_of(&self, file: &Path) -> bool {
        file.symlink_metadata().is_ok_and(|meta| meta.is_file() && Stamp::of(&meta) == *self)
    }
}

impl Row {
    /// Whether `place` still has what was fetched.
    pub fn is_at(&self, place: &Path) -> bool {
        self.copy.is_some_and(|stamp| stamp.is_of(place))
    }
}

impl Tree {
    /// Whether there are `_grains` among the files.
    pub fn brings_grains(&self) -> bool {
        self.rows.range("_grains/".to_owned()..).next().is_some_and(|(path, _)| path.starts_with("_grains/"))
    }

    /// Reads what [`Tree::text`] wrote; nothing where that is not what it is.
    pub fn parse(text: &str) -> Option<Tree> {
        let mut lines = text.lines();
        let digest = lines.next()?.strip_prefix(FORM)?.trim().to_owned();
        let rows = lines.map(row).collect::<Option<_>>()?;
        Some(Tree { digest, rows })
    }

    pub fn text(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("{FORM} {}\n", self.digest);
        for (path, row) in &self.rows {
            let _ = write!(text, "{:x} {} {:o} ", row.tag, row.size, row.mode);
            let _ = match row.copy {
                Some(copy) => write!(text, "{} {} {} ", copy.inode, copy.size, copy.changed_ns),
                None => write!(text, "- - - "),
            };
            let _ = writeln!(text, "{} {path}", row.sha256.as_deref().unwrap_or("-"));
        }
        text
    }

    /// Takes over what is known of files that are the same as in `before`.
    pub fn inherit(&mut self, before: &Tree) {
        for (path, row) in &mut self.rows {
            if let Some(old) = before.rows.get(path).filter(|old| (old.tag, old.size) == (row.tag, row.size))
            {
                row.copy = old.copy;
                row.sha256.clone_from(&old.sha256);
            }
        }
    }
}

fn row(line: &str) -> Option<(String, Row)> {
    let words: Vec<&str> = line.splitn(8, ' ').collect();
    let [tag, size, mode, inode, length, changed, sha256, path] = words[..] else { return None };
    let copy = match inode {
        "-" => None,
        inode => Some(Stamp {
            inode: inode.parse().ok()?,
            size: length.parse().ok()?,
            changed_ns: changed.parse().ok()?,
        }),
    };
    let row = Row {
        size: size.parse().ok()?,
        mode: u32::from_str_radix(mode, 8).ok()?,
        tag: u64::from_str_radix(tag, 16).ok()?,
        copy,
        sha256: Some(sha256).filter(|sha256| *sha256 != "-").map(str::to_owned),
    };
    Some((path.to_owned(), row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_as_it_was_written() {
        let copy = Some(Stamp { inode: 7, size: 3, changed_ns: 1_700_000_000_123_456_789 });
        let plain = Row { size: 3, mode: 0o640, tag: u64::MAX, ..Row::default() };
        let kept = Row { copy, sha256: Some("ab".to_owned()), ..plain.clone() };
        let rows = [("with blanks  in it".to_owned(), plain), ("ä/b".to_owned(), kept)];
        let tree = Tree { digest: "d1".to_owned(), rows: rows.into() };
        assert_eq!(Tree::parse(&tree.text()), Some(tree.clone()));
        for broken in ["", "tree0 x\n", "tree1 x\nnothing\n", "tree1 x\nzz 1 644 - - - - a\n"] {
            assert_eq!(Tree::parse(broken), None, "{broken:?}");
        }
    }
}
