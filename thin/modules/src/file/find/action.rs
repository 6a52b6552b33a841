//! Actions of `file.find`: a path that passed in, what the user shall see of it out.

use super::Facts;
use super::test::letter;
use crate::file::stat::{group_name, user_name};
use crate::process::Command;
use crate::{digest, paths, shell_words};
use halite_wire::Value;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;

/// What happens to each path.
pub enum Action {
    Print(Vec<String>),
    /// The line as the user wrote it, and its words.
    Exec(String, Vec<String>),
    Delete,
}

impl Action {
    /// Names of facts, apart by commas or blanks; the path where there is none.
    pub fn print(facts: &str) -> Action {
        let facts: Vec<String> =
            facts.split([',', ' ', '\t', '\n']).filter(|fact| !fact.is_empty()).map(str::to_owned).collect();
        Action::Print(if facts.is_empty() { vec!["path".to_owned()] } else { facts })
    }

    /// # Errors
    /// Where a quote is never closed.
    pub fn exec(line: &str) -> Result<Action, String> {
        let words = shell_words::split(line).map_err(|error| error.to_string())?;
        Ok(Action::Exec(line.to_owned(), words))
    }

    /// `None` where there is nothing to say.
    pub fn run(&self, facts: &mut Facts, dry: bool) -> Option<Value> {
        match self {
            Action::Print(wanted) => {
                let mut values: Vec<Value> = wanted.iter().filter_map(|name| fact(name, facts)).collect();
                if values.len() == 1 { values.pop() } else { Some(Value::List(values)) }
            }
            Action::Exec(line, words) => Some(exec(line, words, facts)),
            Action::Delete => delete(facts, dry).then(|| paths::to_value(facts.path)),
        }
    }
}

/// One fact of the path; `None` for names nobody knows.
fn fact(name: &str, facts: &mut Facts) -> Option<Value> {
    let path = facts.path;
    match name {
        "path" => return Some(paths::to_value(path)),
        "name" => return Some(Value::from_bytes(paths::basename(path.as_os_str().as_bytes()).to_vec())),
        _ => {}
    }
    let meta = facts.meta()?;
    Some(match name {
        "size" => Value::from(meta.len()),
        "type" => Value::from(letter(meta.mode()).to_string()),
        "mode" => Value::from(meta.mode() & 0o777),
        "mtime" => Value::from(meta.mtime()),
        "user" => user_name(meta.uid()),
        "group" => group_name(meta.gid()),
        "md5" if meta.is_file() => Value::from(digest::of_file("md5", path).unwrap_or_default()),
        "md5" => Value::from(""),
        _ => return None,
    })
}

/// Runs the words with the path in place of each `{}`. The path never becomes more than one word.
fn exec(line: &str, words: &[String], facts: &Facts) -> Value {
    let path = facts.path.as_os_str().as_bytes();
    let argv = words.iter().map(|word| OsString::from_vec(fill(word.as_bytes(), path)));
    match Command::new(argv).run() {
        Ok(output) => {
            Value::from_bytes([&fill(line.as_bytes(), path), &b":\n"[..], &output.stdout, b"\n"].concat())
        }
        Err(_) => Value::from_bytes([path, b": Failed"].concat()),
    }
}

fn fill(template: &[u8], path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len() + path.len());
    let mut rest = template;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"{}") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(path);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}

/// Whether the path is gone (or would be, on a dry run). Of a link, the link goes.
fn delete(facts: &Facts, dry: bool) -> bool {
    let path = facts.path;
    let Ok(meta) = path.symlink_metadata() else { return false };
    dry || if meta.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.is_ok()
}
