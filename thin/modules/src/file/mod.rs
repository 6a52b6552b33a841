//! `file.*`: what is in the file system, and simple changes of it.
//!
//! Paths come in as users write them (`~` is a home directory) and go out as text, or as bytes where they are
//! not UTF-8. Times are seconds since 1970, modes four octal digits as text.

mod attrs;
pub mod backups;
mod block;
mod comments;
mod content;
pub mod edit;
mod find;
mod line;
mod links;
mod look;
pub mod manage;
pub mod managing;
mod names;
pub mod nodes;
mod owner;
mod patch;
pub mod perms;
pub mod place;
mod replace;
mod search;
mod sed;
pub mod selinux;
pub mod source;
pub mod stat;
mod table;
pub mod template;
mod text;
pub mod tree;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;
    use crate::{Args, call};
    use std::ffi::OsStr;

    #[test]
    fn names_and_contents_that_are_no_text_come_back_byte_by_byte() {
        let dir = std::env::temp_dir().join(format!("file-bytes-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let file = dir.join(OsStr::from_bytes(b"caf\xe9"));
        std::fs::write(&file, b"\xff\x00\n").unwrap();
        let bytes = Value::Bytes(file.as_os_str().as_bytes().to_vec());
        let ask = |fun: &str, args: Args| alone(|ctx| call(ctx, fun, args)).unwrap();
        let found = ask("file.find", Args::of([paths::to_value(&dir)]).with("type", "f"));
        assert_eq!(found, Value::List(vec![bytes.clone()]));
        assert_eq!(ask("file.read", Args::of([bytes.clone()])), Value::Bytes(b"\xff\x00\n".to_vec()));
        assert_eq!(ask("file.stats", Args::of([bytes.clone()])).get("size"), Some(&Value::Int(3)));
        assert_eq!(ask("file.basename", Args::of([bytes])), Value::Bytes(b"caf\xe9".to_vec()));
        let names = ask("file.readdir", Args::of([paths::to_value(&dir)]));
        assert_eq!(names.as_list().unwrap().last(), Some(&Value::Bytes(b"caf\xe9".to_vec())));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_restored_backup_keeps_what_it_replaces() {
        let dir = std::env::temp_dir().join(format!("file-backups-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let file = dir.join("hosts");
        std::fs::write(&file, "old").unwrap();
        alone(|ctx| {
            ctx.opts.insert("cachedir", paths::to_value(dir.join("cache")));
            backups::keep(ctx, &file).unwrap();
            std::fs::write(&file, "new").unwrap();
            let args = || Args::of([paths::to_value(&file)]);
            let restored = call(ctx, "file.restore_backup", args().with("backup_id", 0)).unwrap();
            assert_eq!(restored.get("result"), Some(&Value::Bool(true)), "{restored:?}");
            assert_eq!(std::fs::read(&file).unwrap(), b"old");
            let list = call(ctx, "file.list_backups", args()).unwrap();
            let newest = list.as_map().unwrap().get_value(&Value::Int(0)).unwrap();
            assert_eq!(std::fs::read(newest.get("Location").unwrap().as_str().unwrap()).unwrap(), b"new");
        });
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
