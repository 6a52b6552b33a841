//! File name patterns with the meaning of Python's `fnmatch` and `glob`: a pattern in, matches out.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Whether `text` as a whole matches `pattern` (`*`, `?`, `[abc]`, `[!a-z]`). Case counts; `*` crosses `/`.
///
/// A `?` takes one character, or one byte where `text` is not UTF-8. An unclosed `[` stands for itself.
pub fn fnmatch(text: &[u8], pattern: &[u8]) -> bool {
    let pattern = tokens(&chars(pattern));
    let text = chars(text);
    // The usual two-finger walk: on a misfit go back to the last star and let it take one character more.
    let (mut at, mut token, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(token) {
            Some(Token::Star) => {
                star = Some((token, at));
                token += 1;
            }
            Some(one) if one.takes(text[at]) => {
                at += 1;
                token += 1;
            }
            _ => {
                let Some((star_token, star_at)) = star else { return false };
                star = Some((star_token, star_at + 1));
                (token, at) = (star_token + 1, star_at + 1);
            }
        }
    }
    pattern[token..].iter().all(|rest| matches!(rest, Token::Star))
}

/// Whether `pattern` has any sign that makes it more than a name.
pub fn has_magic(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Existing paths that match `pattern`, in order of their bytes. A leading dot must be matched by a dot.
///
/// `**` is the same as `*`. A pattern without signs gives itself where it exists (a broken link does).
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let bytes = pattern.as_os_str().as_bytes();
    if !has_magic(bytes) {
        return if pattern.symlink_metadata().is_ok() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (head, tail) = split(bytes);
    let folders = match head {
        b"" => vec![PathBuf::new()],
        head if has_magic(head) => glob(&path_of(head)),
        head => vec![path_of(head)],
    };
    let mut found: Vec<PathBuf> = folders.iter().flat_map(|folder| within(folder, tail)).collect();
    found.sort();
    found
}

/// Paths right under `folder` whose name matches `pattern`.
fn within(folder: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    if !has_magic(pattern) {
        let path = folder.join(path_of(pattern));
        let exists = if pattern.is_empty() { folder.is_dir() } else { path.symlink_metadata().is_ok() };
        return if exists { vec![path] } else { Vec::new() };
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let wanted = names.filter(|name| {
        let hidden = name.as_bytes().starts_with(b".");
        (!hidden || pattern.starts_with(b".")) && fnmatch(name.as_bytes(), pattern)
    });
    wanted.map(|name| folder.join(name)).collect()
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let cut = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (head, tail) = path.split_at(cut);
    let trimmed = head.iter().rposition(|byte| *byte != b'/').map_or(head, |last| &head[..=last]);
    (trimmed, tail)
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// Characters of UTF-8 text, bytes (as the characters of the same number) of anything else.
fn chars(bytes: &[u8]) -> Vec<char> {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), |text| text.chars().collect())
}

enum Token {
    Star,
    Any,
    Exact(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Star => false,
            Token::Any => true,
            Token::Exact(exact) => *exact == c,
            Token::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(pattern: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        at += 1;
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => match set(&pattern[at..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Token::Exact('['),
            },
            other => Token::Exact(other),
        });
    }
    tokens
}

/// The set that begins after a `[`, and how many characters it takes up to its `]`.
fn set(rest: &[char]) -> Option<(Token, usize)> {
    let negated = rest.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` right at the start is a member.
    let end = start + 1 + rest.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let members = &rest[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < members.len() {
        if members.len() - at >= 3 && members[at + 1] == '-' {
            ranges.push((members[at], members[at + 2]));
            at += 3;
        } else {
            ranges.push((members[at], members[at]));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_python_means_by_them() {
        let yes = [("", ""), ("abc", "a*"), ("abc", "*c"), ("a/b", "a*b"), ("äöü", "???"), ("x", "[!a-c]")];
        let also = [
            ("b", "[a-c]"),
            ("]", "[]]"),
            ("[", "["),
            ("-", "[a-]"),
            ("web1", "web[0-9]"),
            ("aXbXc", "a*X*c"),
        ];
        for (text, pattern) in yes.into_iter().chain(also) {
            assert!(fnmatch(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
        for (text, pattern) in [("", "?"), ("abc", "ab"), ("b", "[!a-c]"), ("ABC", "abc"), ("ab", "a")] {
            assert!(!fnmatch(text.as_bytes(), pattern.as_bytes()), "{text:?} {pattern:?}");
        }
        assert!(fnmatch(b"\xff\xfe", b"??"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!fnmatch("a".repeat(5000).as_bytes(), format!("{}b", "a*".repeat(50)).as_bytes()));
    }
}
