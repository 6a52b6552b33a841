//! Digests that sources must have: `source_hash` in, algorithm and digits out.

use super::Request;
use crate::cp::web;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, digest, paths};
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

/// A digest that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub algorithm: String,
    /// Lower-case hex.
    pub digits: String,
}

impl Sum {
    pub fn sha256(digits: &str) -> Sum {
        Sum { algorithm: "sha256".to_owned(), digits: digits.to_owned() }
    }

    /// Whether a file has it.
    ///
    /// # Errors
    /// What reading says.
    pub fn fits(&self, file: &Path) -> io::Result<bool> {
        Ok(digest::of_file(&self.algorithm, file)? == self.digits)
    }
}

impl From<Sum> for Value {
    fn from(sum: Sum) -> Value {
        Map::from([("hash_type", sum.algorithm), ("hsum", sum.digits)]).into()
    }
}

/// What lines of a list of digests are looked for, the best first.
pub struct Search<'a> {
    pub hash_name: Option<&'a str>,
    /// The file on this host.
    pub name: &'a str,
    pub source: &'a str,
}

/// The digest `hash` means: digits, `algorithm=digits`, or a file of such, here or elsewhere.
///
/// # Errors
/// Where it is none of these, or the file names no digest.
pub fn of_source(ctx: &mut Ctx, hash: &str, search: &Search, request: &Request) -> Result<Sum, CallError> {
    let is_url = ["salt://", "file://"].iter().any(|scheme| hash.starts_with(scheme)) || web::serves(hash);
    if !is_url && !hash.starts_with('/') {
        return parse(hash);
    }
    let list = if is_url { fetch(ctx, hash, request)? } else { PathBuf::from(hash) };
    let text = std::fs::read(&list).map_err(super::could_not("read", &list))?;
    let found = find(&String::from_utf8_lossy(&text), search, None);
    found.ok_or_else(|| CallError::Failed(format!("there is no digest in {}", web::without_password(hash))))
}

fn fetch(ctx: &mut Ctx, url: &str, request: &Request) -> Result<PathBuf, CallError> {
    let args =
        Args::of([url]).with("saltenv", request.saltenv.as_str()).with("verify_ssl", request.verify_ssl);
    match call(ctx, "cp.cache_file", args)? {
        Value::Str(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(CallError::Failed(format!("there is no {} with digests", web::without_password(url)))),
    }
}

/// `algorithm=digits`, or digits that tell their algorithm by their number.
fn parse(hash: &str) -> Result<Sum, CallError> {
    let wrong = |why: String| Err(CallError::Failed(format!("'{hash}' is no source_hash: {why}")));
    let (algorithm, digits) = match hash.split_once('=') {
        Some((algorithm, digits)) => (Some(algorithm.trim()), digits.trim()),
        None => (None, hash),
    };
    let by_length = digest::algorithm_by_length(digits.len());
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (algorithm, by_length) {
        _ if !is_hex => {
            wrong("it is neither hexadecimal digits, nor algorithm=digits, nor a file of digests".to_owned())
        }
        (_, None) => {
            wrong(format!("no algorithm gives {} digits; there are {}", digits.len(), digest::names()))
        }
        (Some(named), Some(_)) if !digest::ALGORITHMS.iter().any(|(name, _)| *name == named) => {
            wrong(format!("there is no algorithm '{named}'; there are {}", digest::names()))
        }
        (Some(named), Some(known)) if named != known => {
            wrong(format!("{named} does not give {} digits, {known} does", digits.len()))
        }
        (_, Some(known)) => Ok(Sum { algorithm: known.to_owned(), digits: digits.to_lowercase() }),
    }
}

/// The digest of the best line: one that names `hash_name`, else the file, else the source, else the first of all.
pub fn find(text: &str, search: &Search, algorithm: Option<&str>) -> Option<Sum> {
    let source = search.source.split_once("://").map_or(search.source, |(_, rest)| rest);
    let basename = |path: &str| String::from_utf8_lossy(paths::basename(path.as_bytes())).into_owned();
    let (name, source) =
        (basename(search.name), basename(source.split(['?', '#']).next().unwrap_or_default()));
    let (mut best, mut rank) = (None, usize::MAX);
    for line in text.lines().map(str::trim) {
        let Some(sum) = digest_in(line, algorithm) else { continue };
        let found = [
            search.hash_name.is_some_and(|wanted| names(line, wanted, wanted, &[])),
            !search.name.is_empty() && names(line, search.name, &name, &['\\', '/', '*']),
            !search.source.is_empty() && names(line, search.source, &source, &['\\', '/', '*']),
        ];
        let here = found.iter().position(|hit| *hit).unwrap_or(found.len());
        if here < rank {
            (best, rank) = (Some(sum), here);
        }
    }
    best
}

/// Whether a line ends in a name, or begins with the whole of it, with something between it and the digest.
fn names(line: &str, whole: &str, name: &str, separators: &[char]) -> bool {
    if name.is_empty() {
        return false;
    }
    let is_gap = |c: char| c.is_whitespace() || separators.contains(&c);
    let at_end = line.strip_suffix(name).is_some_and(|before| before.chars().next_back().is_some_and(is_gap));
    let at_start = line.strip_prefix(whole).is_some_and(|after| after.starts_with(char::is_whitespace));
    at_end || at_start
}

/// The first word of a line that has as many hex digits as a digest.
fn digest_in(line: &str, algorithm: Option<&str>) -> Option<Sum> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    let mut digests = words.filter(|word| (32..=128).contains(&word.len()));
    let word = digests.find(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let known = digest::algorithm_by_length(word.len())?;
    let fits = algorithm.is_none_or(|wanted| wanted == known);
    fits.then(|| Sum { algorithm: known.to_owned(), digits: word.to_lowercase() })
}

/// `{hash_type, hsum}` out of a list of digests; null where there is none.
pub fn extract_hash(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let file = PathBuf::from(args.str("hash_fn")?);
    let text = std::fs::read(&file).map_err(super::could_not("read", &file))?;
    let (name, source) = (args.str("file_name")?, args.str("source")?);
    let hash_name = args.opt_str("source_hash_name")?.filter(|name| !name.is_empty());
    let kind = args.str("hash_type")?;
    let known = digest::ALGORITHMS.iter().map(|(name, _)| *name).find(|name| *name == kind);
    let search = Search { hash_name: hash_name.as_deref(), name: &name, source: &source };
    Ok(find(&String::from_utf8_lossy(&text), &search, known).map_or(Value::Null, Value::from))
}

/// `{hash_type, hsum}` that `source_hash` means.
pub fn get_source_sum(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let request = Request::of(args, &args.str("saltenv")?);
    let (name, source) = (args.str("file_name")?, args.str("source")?);
    let search = Search { hash_name: request.source_hash_name.as_deref(), name: &name, source: &source };
    let hash = args.opt_str("source_hash")?.unwrap_or_default();
    of_source(ctx, &hash, &search, &request).map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_the_file_wins_over_the_first() {
        let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(32));
        let list = format!("{a}  other.tgz\n{b} *dist/app.tgz\nMD5 (app.tgz) = {c}\n");
        let search = |hash_name, name, source| Search { hash_name, name, source };
        let digits = |search: Search| find(&list, &search, None).map(|sum| sum.digits);
        assert_eq!(digits(search(None, "/srv/x", "https://h/app.tgz?x=1")), Some(b.clone()));
        assert_eq!(digits(search(Some("other.tgz"), "/srv/app.tgz", "")), Some(a.clone()));
        assert_eq!(digits(search(None, "/srv/x", "https://h/y")), Some(a));
        assert_eq!(find(&list, &search(None, "x", ""), Some("md5")).map(|sum| sum.digits), Some(c));
    }

    #[test]
    fn what_is_no_digest_is_said_to_be_none() {
        let why = |hash: &str| parse(hash).unwrap_err().to_string();
        assert!(why("md5=abc").contains("no algorithm gives 3 digits"));
        assert!(why(&format!("sha1={}", "a".repeat(32))).contains("md5 does"));
        assert!(why("hello there").contains("neither hexadecimal"));
        assert_eq!(parse(&"A".repeat(40)).unwrap().digits, "a".repeat(40));
    }
}
