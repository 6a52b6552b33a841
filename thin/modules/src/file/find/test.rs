//! Tests of `file.find`: one option's value in, yes or no for a path out.

use super::Facts;
use crate::accounts;
use crate::file::search::any_window;
use crate::regex::{Flags, Kind, Pattern, RegexError};
use rustix::fs::FileType;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// One question about a path.
pub enum Test {
    Name(Pattern),
    Kinds(Vec<FileType>),
    Owners(Vec<u32>),
    Groups(Vec<u32>),
    Size { min: u64, max: u64 },
    ChangedSince(i64),
    ChangedBefore(i64),
    Contains(Pattern),
}

/// Why a path could be neither passed nor failed.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Regex(#[from] RegexError),
}

impl Test {
    /// The test of option `key`; `None` where no test has that name.
    ///
    /// # Errors
    /// What is wrong with `value`, in words for the user.
    pub fn new(key: &str, value: &str) -> Result<Option<Test>, String> {
        Ok(Some(match key {
            "name" => Test::Name(name(value, false)?),
            "iname" => Test::Name(name(value, true)?),
            "regex" => Test::Name(pattern(value, false, Pattern::prefix)?),
            "iregex" => Test::Name(pattern(value, true, Pattern::prefix)?),
            "type" => Test::kinds(value)?,
            "owner" | "user" => {
                Test::Owners(ids(value, "user", |name| accounts::user(name).map(|user| user.uid))?)
            }
            "group" => {
                Test::Groups(ids(value, "group", |name| accounts::group(name).map(|group| group.gid))?)
            }
            "size" => size(value)?,
            "mtime" => mtime(value)?,
            "grep" => Test::Contains(pattern(value, false, Pattern::search)?),
            _ => return Ok(None),
        }))
    }

    /// The test for file types, one letter each; commas and blanks between them do not count.
    pub fn kinds(value: &str) -> Result<Test, String> {
        let letters = value.chars().filter(|c| *c != ',' && !c.is_whitespace());
        letters
            .map(|letter| kind(letter).ok_or_else(|| format!("invalid file type \"{letter}\"")))
            .collect::<Result<_, _>>()
            .map(Test::Kinds)
    }

    /// 0 needs the name alone, 1 a look at the inode, 2 the content.
    pub fn cost(&self) -> u8 {
        match self {
            Test::Name(_) => 0,
            Test::Contains(_) => 2,
            _ => 1,
        }
    }

    /// Whether the path, whose last part is `name`, passes. One that is gone does not.
    pub fn passes(&self, name: &[u8], facts: &mut Facts) -> Result<bool, TestError> {
        if let Test::Name(pattern) = self {
            return Ok(pattern.is_match(name)?);
        }
        let path = facts.path;
        let Some(meta) = facts.meta() else { return Ok(false) };
        Ok(match self {
            Test::Name(_) => false,
            Test::Kinds(kinds) => kinds.contains(&FileType::from_raw_mode(meta.mode())),
            Test::Owners(uids) => uids.contains(&meta.uid()),
            Test::Groups(gids) => gids.contains(&meta.gid()),
            Test::Size { min, max } => (*min..=*max).contains(&meta.len()),
            Test::ChangedSince(moment) => meta.mtime() >= *moment,
            Test::ChangedBefore(moment) => meta.mtime() <= *moment,
            Test::Contains(pattern) => {
                meta.is_file() && any_window::<TestError>(path, |window| Ok(pattern.is_match(window)?))?
            }
        })
    }
}

/// The letter of each type, as `find` has them.
const KINDS: [(char, FileType); 7] = [
    ('b', FileType::BlockDevice),
    ('c', FileType::CharacterDevice),
    ('d', FileType::Directory),
    ('f', FileType::RegularFile),
    ('l', FileType::Symlink),
    ('p', FileType::Fifo),
    ('s', FileType::Socket),
];

fn kind(letter: char) -> Option<FileType> {
    KINDS.iter().find(|(known, _)| *known == letter).map(|(_, kind)| *kind)
}

/// The letter of a type, `?` for one nobody knows.
pub fn letter(mode: u32) -> char {
    let wanted = FileType::from_raw_mode(mode);
    KINDS.iter().find(|(_, kind)| *kind == wanted).map_or('?', |(letter, _)| *letter)
}

fn pattern(
    source: &str,
    ignore_case: bool,
    compile: fn(&str, Flags, Kind) -> Result<Pattern, RegexError>,
) -> Result<Pattern, String> {
    let flags = Flags { ignore_case, ..Flags::default() };
    compile(source, flags, Kind::Text).map_err(|_| format!("invalid regular expression: \"{source}\""))
}

/// A name's pattern: `*` for anything, `?` for one sign or none. The rest is a regular expression, as in Salt.
fn name(value: &str, ignore_case: bool) -> Result<Pattern, String> {
    let source = value.replace('.', "\\.").replace('?', ".?").replace('*', ".*") + "$";
    pattern(&source, ignore_case, Pattern::prefix)
}

fn ids(value: &str, kind: &str, look_up: impl Fn(&str) -> Option<u32>) -> Result<Vec<u32>, String> {
    let names = value.split([',', ' ', '\t', '\n']).filter(|name| !name.is_empty());
    names
        .map(|name| {
            name.parse().ok().or_else(|| look_up(name)).ok_or_else(|| format!("no such {kind} \"{name}\""))
        })
        .collect()
}

/// `10k` is 10240 to 11263 bytes, `+10k` that and more, `-10k` that and less.
fn size(value: &str) -> Result<Test, String> {
    let wrong = || format!("invalid size: \"{value}\"");
    let scalar = value.trim();
    let (style, scalar) = match scalar.strip_prefix(['+', '-']) {
        Some(rest) => (scalar.chars().next(), rest),
        None => (None, scalar),
    };
    let unit = |unit: char| "bkmgt".find(unit.to_ascii_lowercase()).map(|power| 1024_u64.pow(power as u32));
    let unit = scalar.chars().last().and_then(unit);
    let number = if unit.is_some() { scalar[..scalar.len() - 1].trim() } else { scalar };
    let unit = unit.unwrap_or(1);
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit).ok_or_else(wrong)?,
        Err(_) => number
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(|number| (number * unit as f64) as u64)
            .ok_or_else(wrong)?,
    };
    Ok(match style {
        Some('-') => Test::Size { min: 0, max: bytes },
        Some(_) => Test::Size { min: bytes, max: u64::MAX },
        None => Test::Size { min: bytes, max: bytes.saturating_add(unit - 1) },
    })
}

/// `3d`, `+1w 2d` (at least that long ago), `-4h` (since then). The time is cut to the smallest unit named.
fn mtime(value: &str) -> Result<Test, String> {
    let wrong = || format!("invalid time interval: '{value}'");
    let text = value.trim();
    let since = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text).trim_start();
    let (mut seconds, mut smallest) = (0.0, None);
    for (letter, unit) in [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let after = rest[digits..].trim_start();
        if !after.starts_with([letter, letter.to_ascii_uppercase()]) {
            continue;
        }
        seconds += rest[..digits].parse::<f64>().map_err(|_| wrong())? * f64::from(unit);
        smallest = Some(unit);
        rest = after[1..].trim_start();
    }
    let unit = smallest.filter(|_| rest.is_empty()).ok_or_else(wrong)?;
    let ago = (seconds / f64::from(unit)) as i64 * i64::from(unit);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    Ok(if since { Test::ChangedSince(now - ago) } else { Test::ChangedBefore(now - ago) })
}
