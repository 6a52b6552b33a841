//! Facts of one path: `stats`, `lstat`, and single ones of them.

use super::{absolute, could_not, digest_of, is_absent, octal, path};
use crate::registry::CallError;
use crate::{Bound, Ctx, accounts, paths};
use halite_wire::{Map, Value};
use rustix::fs::{Access, FileType};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub fn stats(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let follow = args.bool("follow_symlinks");
    let meta = metadata(&path, follow)?;
    let mut facts = Map::from([
        ("inode", Value::from(meta.ino())),
        ("uid", Value::from(meta.uid())),
        ("gid", Value::from(meta.gid())),
        ("group", group_name(meta.gid())),
        ("user", user_name(meta.uid())),
        ("atime", seconds(meta.atime(), meta.atime_nsec())),
        ("mtime", seconds(meta.mtime(), meta.mtime_nsec())),
        ("ctime", seconds(meta.ctime(), meta.ctime_nsec())),
        ("size", Value::from(meta.size())),
        ("mode", Value::from(octal(meta.mode()))),
    ]);
    if let Some(algorithm) = args.opt_str("hash_type")?.filter(|name| !name.is_empty()) {
        facts.insert("sum", digest_of(&path, &algorithm)?);
    }
    facts.insert("type", type_name(meta.mode()));
    let target = if follow { paths::realpath(&path) } else { paths::abspath(&path) };
    facts.insert("target", paths::to_value(target));
    Ok(Value::Map(facts))
}

/// What the path is; of a link what it leads to, and the link itself where it leads nowhere.
fn metadata(path: &Path, follow: bool) -> Result<Metadata, CallError> {
    let followed = if follow { path.metadata().ok() } else { None };
    let absent = |_| CallError::Failed(format!("there is no '{}'", path.display()));
    followed.map_or_else(|| path.symlink_metadata().map_err(absent), Ok)
}

/// Seconds as Python's floats count them.
fn seconds(whole: i64, nanos: i64) -> Value {
    Value::Float(whole as f64 + 1e-9 * nanos as f64)
}

fn type_name(mode: u32) -> &'static str {
    match FileType::from_raw_mode(mode) {
        FileType::Directory => "dir",
        FileType::CharacterDevice => "char",
        FileType::BlockDevice => "block",
        FileType::Symlink => "link",
        FileType::Fifo => "pipe",
        FileType::Socket => "socket",
        FileType::RegularFile | FileType::Unknown => "file",
    }
}

/// The user's name, or the number where no user has it.
pub fn user_name(uid: u32) -> Value {
    accounts::user_by_uid(uid).map_or_else(|| Value::from(uid), |user| Value::from(user.name))
}

/// The group's name, or the number where no group has it.
pub fn group_name(gid: u32) -> Value {
    accounts::group_by_gid(gid).map_or_else(|| Value::from(gid), |group| Value::from(group.name))
}

pub fn lstat(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Ok(meta) = absolute(args, "path")?.symlink_metadata() else { return Ok(Value::Map(Map::new())) };
    Ok(Value::Map(Map::from([
        ("st_atime", seconds(meta.atime(), meta.atime_nsec())),
        ("st_ctime", seconds(meta.ctime(), meta.ctime_nsec())),
        ("st_gid", Value::from(meta.gid())),
        ("st_mode", Value::from(meta.mode())),
        ("st_mtime", seconds(meta.mtime(), meta.mtime_nsec())),
        ("st_nlink", Value::from(meta.nlink())),
        ("st_size", Value::from(meta.size())),
        ("st_uid", Value::from(meta.uid())),
    ])))
}

fn of_path(args: &Bound) -> Result<Metadata, CallError> {
    metadata(&path(args, "path")?, args.bool("follow_symlinks"))
}

pub fn get_mode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from(octal(of_path(args)?.mode())))
}

pub fn get_uid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from(of_path(args)?.uid()))
}

pub fn get_gid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from(of_path(args)?.gid()))
}

pub fn get_user(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(user_name(of_path(args)?.uid()))
}

pub fn get_group(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(group_name(of_path(args)?.gid()))
}

pub fn access(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = absolute(args, "path")?;
    let mode = args.str("mode")?;
    let access = match mode.as_str() {
        "f" | "0" => Access::EXISTS,
        "x" | "1" => Access::EXEC_OK,
        "w" | "2" => Access::WRITE_OK,
        "r" | "4" => Access::READ_OK,
        _ => return Err(args.wrong(format!("'mode' must be f, r, w or x, not '{mode}'"))),
    };
    Ok(Value::Bool(rustix::fs::access(&path, access).is_ok()))
}

/// Whether the path, links followed, is of this kind. Absent is no; other errors are errors.
fn is_type(args: &Bound, name: &str, wanted: FileType) -> Result<Value, CallError> {
    let path = path(args, name)?;
    match path.metadata() {
        Ok(meta) => Ok(Value::Bool(FileType::from_raw_mode(meta.mode()) == wanted)),
        Err(error) if is_absent(&error) => Ok(Value::Bool(false)),
        Err(error) => Err(could_not("look at", &path)(error)),
    }
}

pub fn is_blkdev(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    is_type(args, "name", FileType::BlockDevice)
}

pub fn is_chrdev(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    is_type(args, "name", FileType::CharacterDevice)
}

pub fn is_fifo(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    is_type(args, "name", FileType::Fifo)
}

pub fn get_devmm(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "name")?;
    let device = match path.metadata() {
        Ok(meta) => {
            matches!(FileType::from_raw_mode(meta.mode()), FileType::BlockDevice | FileType::CharacterDevice)
                .then(|| meta.rdev())
                .unwrap_or(0)
        }
        Err(error) if is_absent(&error) => 0,
        Err(error) => return Err(could_not("look at", &path)(error)),
    };
    Ok(Value::from(vec![rustix::fs::major(device), rustix::fs::minor(device)]))
}

pub fn get_selinux_context(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = paths::from_bytes(&super::bytes(args, "path")?);
    let mut label = [0; 4096];
    Ok(match rustix::fs::lgetxattr(&path, "security.selinux", &mut label) {
        Ok(length) if length > 0 => {
            Value::from_bytes(label[..length].strip_suffix(&[0]).unwrap_or(&label[..length]).to_vec())
        }
        _ => Value::from(format!("No selinux context information is available for {}", path.display())),
    })
}

pub fn statvfs(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = absolute(args, "path")?;
    let stat = rustix::fs::statvfs(&path)
        .map_err(|errno| could_not("look at the file system of", &path)(errno.into()))?;
    Ok(Value::Map(Map::from([
        ("f_bavail", stat.f_bavail),
        ("f_bfree", stat.f_bfree),
        ("f_blocks", stat.f_blocks),
        ("f_bsize", stat.f_bsize),
        ("f_favail", stat.f_favail),
        ("f_ffree", stat.f_ffree),
        ("f_files", stat.f_files),
        ("f_flag", stat.f_flag.bits()),
        ("f_frsize", stat.f_frsize),
        ("f_namemax", stat.f_namemax),
    ])))
}

/// Bytes of all files below, each inode counted once; links to files count what they lead to.
pub fn diskusage(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let top = paths::from_bytes(&super::bytes(args, "path")?);
    if let Some(meta) = top.metadata().ok().filter(Metadata::is_file) {
        return Ok(Value::from(meta.len()));
    }
    let mut seen = std::collections::HashSet::new();
    let mut total: u64 = 0;
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.path().metadata() else { continue };
            if meta.is_dir() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                }
            } else if seen.insert((meta.dev(), meta.ino())) {
                total = total.saturating_add(meta.len());
            }
        }
    }
    Ok(Value::from(total))
}
