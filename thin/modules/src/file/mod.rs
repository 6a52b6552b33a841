//! `file.*`: what is in the file system, and simple changes of it.
//!
//! Paths come in as users write them (`~` is a home directory) and go out as text, or as bytes where they are
//! not UTF-8. Times are seconds since 1970, modes four octal digits as text.

mod backups;
mod content;
mod find;
mod links;
mod look;
mod names;
mod owner;
mod search;
mod stat;
mod table;
mod text;
mod tree;

use crate::registry::{CallError, Module, always};
use crate::{Bound, paths};
use halite_wire::Value;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub const MODULE: Module = Module {
    file: "file",
    virtual_name: "file",
    doc: "Files, directories, links and devices: their facts, their content, and simple changes.",
    applies: always,
    functions: table::FUNCTIONS,
};

/// The argument's bytes, as they are.
fn bytes(args: &Bound, name: &str) -> Result<Vec<u8>, CallError> {
    match args.get(name) {
        Value::Bytes(bytes) => Ok(bytes.clone()),
        _ => args.str(name).map(String::into_bytes),
    }
}

/// The argument as a path, home directories filled in.
fn path(args: &Bound, name: &str) -> Result<PathBuf, CallError> {
    Ok(paths::from_bytes(&paths::expand_user(&bytes(args, name)?)))
}

/// The same, and it must be absolute.
fn absolute(args: &Bound, name: &str) -> Result<PathBuf, CallError> {
    let path = path(args, name)?;
    if path.is_absolute() {
        return Ok(path);
    }
    Err(args.wrong(format!("'{name}' must be an absolute path, not '{}'", path.display())))
}

/// Turns an I/O error into one that says what was tried, and with which path.
fn could_not(what: &str, path: &Path) -> impl FnOnce(io::Error) -> CallError {
    let (what, path) = (what.to_owned(), path.to_owned());
    move |error| CallError::Failed(format!("could not {what} '{}': {}", path.display(), reason(&error)))
}

/// The system's words without the number in parentheses.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_lowercase()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A digest of a file's content, by Salt's name of the algorithm.
fn digest_of(path: &Path, algorithm: &str) -> Result<String, CallError> {
    crate::digest::of_file(algorithm, path).map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => CallError::Failed(format!(
            "unknown hash type '{algorithm}'; there are {}",
            crate::digest::names()
        )),
        _ => could_not("read", path)(error),
    })
}

/// `0644` and the like of permission bits.
fn octal(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

/// Permission bits of an argument: `644`, `'0644'`, `0o644`. The digits are octal, whatever they look like.
fn mode_bits(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(['0', 'o', 'O']);
    let mode = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, 8) };
    mode.ok().filter(|mode| *mode <= 0o7777)
}

fn name_bytes(path: &Path) -> &[u8] {
    paths::basename(path.as_os_str().as_bytes())
}
