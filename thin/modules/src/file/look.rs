//! Is it there, where does it lead, what is in it: `file_exists`, `readlink`, `readdir` and their like.

use super::{absolute, bytes, could_not, path};
use crate::registry::CallError;
use crate::{Bound, Ctx, glob, paths};
use halite_wire::{Map, Value};
use std::os::unix::fs::MetadataExt;

pub fn file_exists(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::Bool(path(args, "path")?.is_file()))
}

pub fn directory_exists(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::Bool(path(args, "path")?.is_dir()))
}

pub fn path_exists_glob(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::Bool(!glob::glob(&path(args, "path")?).is_empty()))
}

pub fn is_link(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::Bool(path(args, "path")?.is_symlink()))
}

/// An empty dict where there is nothing, as Salt has it.
pub fn is_hardlink(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let meta = absolute(args, "path")?.symlink_metadata();
    Ok(meta.map_or_else(|_| Value::Map(Map::new()), |meta| Value::Bool(meta.nlink() > 1)))
}

pub fn readdir(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let folder = absolute(args, "path")?;
    if !folder.is_dir() {
        return Err(args.wrong(format!("'{}' is not a directory", folder.display())));
    }
    let entries = std::fs::read_dir(&folder).map_err(could_not("list", &folder))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    Ok([".", ".."].into_iter().map(Value::from).chain(names.into_iter().map(paths::to_value)).collect())
}

pub fn readlink(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let link = paths::from_bytes(&paths::expand_vars(&paths::expand_user(&bytes(args, "path")?)));
    if !link.is_absolute() {
        return Err(args.wrong(format!("'path' must be an absolute path, not '{}'", link.display())));
    }
    if !link.is_symlink() {
        return Err(args.wrong(format!("'{}' is not a symbolic link", link.display())));
    }
    if args.bool("canonicalize") {
        return Ok(paths::to_value(paths::realpath(&link)));
    }
    link.read_link().map(paths::to_value).map_err(could_not("read the link", &link))
}
