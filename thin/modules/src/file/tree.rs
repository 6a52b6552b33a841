//! Directories and whole trees: `mkdir`, `makedirs`, `rmdir`, `remove`, `copy`, `move`.

use super::{absolute, could_not, mode_bits, path, reason};
use crate::registry::CallError;
use crate::{Bound, Ctx, accounts, paths, write};
use halite_wire::{Map, Value};
use std::fs::{Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Owner and mode of directories to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perms {
    pub user: Option<u32>,
    pub group: Option<u32>,
    pub mode: Option<u32>,
}

impl Perms {
    fn of(args: &Bound) -> Result<Perms, CallError> {
        let unknown = |kind: &str, name: &str| args.wrong(format!("there is no {kind} '{name}'"));
        let number = |name: &str, kind: &str, find: &dyn Fn(&str) -> Option<u32>| match args.opt_str(name)? {
            None => Ok(None),
            Some(name) => {
                name.parse().ok().or_else(|| find(&name)).map(Some).ok_or_else(|| unknown(kind, &name))
            }
        };
        let mode = match args.opt_str("mode")? {
            None => None,
            Some(text) => Some(
                mode_bits(&text).ok_or_else(|| args.wrong(format!("'{text}' is no mode; 0755 is one")))?,
            ),
        };
        Ok(Perms {
            user: number("user", "user", &|name| accounts::user(name).map(|user| user.uid))?,
            group: number("group", "group", &|name| accounts::group(name).map(|group| group.gid))?,
            mode,
        })
    }

    fn apply(&self, path: &Path) -> io::Result<()> {
        if self.user.is_some() || self.group.is_some() {
            std::os::unix::fs::chown(path, self.user, self.group)?;
        }
        self.mode.map_or(Ok(()), |mode| std::fs::set_permissions(path, Permissions::from_mode(mode)))
    }

    /// Makes `folder` and all that is missing above it; only what is new gets the owner and mode.
    ///
    /// # Errors
    /// What creating says.
    pub fn make(&self, folder: &Path) -> Result<(), CallError> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|part| !part.is_dir()).collect();
        for part in missing.into_iter().rev().filter(|part| !part.as_os_str().is_empty()) {
            std::fs::create_dir(part)
                .and_then(|()| self.apply(part))
                .map_err(could_not("make the directory", part))?;
        }
        Ok(())
    }
}

pub fn mkdir(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let folder = normal(&path(args, "dir_path")?);
    Perms::of(args)?.make(&folder)?;
    Ok(Value::Bool(true))
}

fn normal(path: &Path) -> PathBuf {
    paths::from_bytes(&paths::normpath(path.as_os_str().as_bytes()))
}

/// Makes the directories above `path`. A sentence where there is nothing to make, else null.
pub fn makedirs(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let folder = normal(&paths::from_bytes(paths::dirname(path.as_os_str().as_bytes())));
    if folder.is_dir() {
        return Ok(Value::from(format!("Directory '{}' already exists", folder.display())));
    }
    if folder.exists() {
        return Ok(Value::from(format!(
            "The path '{}' already exists and is not a directory",
            folder.display()
        )));
    }
    Perms::of(args)?.make(&folder)?;
    Ok(Value::Null)
}

/// Makes `name` itself and what is missing above it. It must not be there.
pub fn makedirs_perms(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let folder = normal(&path(args, "name")?);
    if folder.symlink_metadata().is_ok() {
        return Err(CallError::Failed(format!("'{}' is there already", folder.display())));
    }
    Perms::of(args)?.make(&folder)?;
    Ok(Value::Null)
}

/// True where something was removed, false where there was nothing.
pub fn remove(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = absolute(args, "path")?;
    let Ok(meta) = path.symlink_metadata() else { return Ok(Value::Bool(false)) };
    remove_any(&path, &meta).map_err(could_not("remove", &path))?;
    Ok(Value::Bool(true))
}

/// A link goes, not what it leads to.
pub fn remove_any(path: &Path, meta: &Metadata) -> io::Result<()> {
    if meta.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
}

pub fn rmdir(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = absolute(args, "path")?;
    if !path.is_dir() {
        return Err(args.wrong(format!("'{}' is not a directory", path.display())));
    }
    let days = args.opt_int("older_than")?.and_then(|days| u64::try_from(days).ok()).unwrap_or(0);
    let mut pruned = Pruned {
        before: (days > 0).then(|| SystemTime::now() - Duration::from_secs(days * 86_400)),
        ..Pruned::default()
    };
    if args.bool("recurse") {
        pruned.below(&path);
    }
    let clean = pruned.errors.is_empty();
    let result = pruned.one(&path) && clean;
    if !args.bool("verbose") {
        return Ok(Value::Bool(result));
    }
    Ok(Value::Map(Map::from([
        ("deleted", Value::List(pruned.deleted)),
        ("errors", Value::List(pruned.errors)),
        ("result", Value::Bool(result)),
    ])))
}

/// Empty directories taken away, and those that would not go.
#[derive(Default)]
struct Pruned {
    before: Option<SystemTime>,
    deleted: Vec<Value>,
    errors: Vec<Value>,
}

impl Pruned {
    fn below(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.below(&entry.path());
                self.one(&entry.path());
            }
        }
    }

    /// Whether the directory is gone or young enough to stay.
    fn one(&mut self, folder: &Path) -> bool {
        let changed = folder.metadata().and_then(|meta| meta.modified());
        if self.before.is_some_and(|before| changed.is_ok_and(|changed| changed >= before)) {
            return true;
        }
        match std::fs::remove_dir(folder) {
            Ok(()) => {
                self.deleted.push(paths::to_value(folder));
                true
            }
            Err(error) => {
                let why = in_pythons_words(&error, folder);
                self.errors.push(Value::from(vec![paths::to_value(folder), Value::from(why)]));
                false
            }
        }
    }
}

/// `[Errno 39] Directory not empty: '/srv/a'`: part of a return that programs read.
fn in_pythons_words(error: &io::Error, path: &Path) -> String {
    let text = error.to_string();
    let words = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    format!("[Errno {}] {words}: '{}'", error.raw_os_error().unwrap_or(0), path.display())
}

pub fn copy(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (from, to) = (absolute(args, "src")?, path(args, "dst")?);
    let meta = from.metadata().map_err(|_| CallError::Failed(format!("there is no '{}'", from.display())))?;
    let failed = |error: io::Error| {
        CallError::Failed(format!(
            "could not copy '{}' to '{}': {}",
            from.display(),
            to.display(),
            reason(&error)
        ))
    };
    if !meta.is_dir() && !to.is_dir() {
        write::copy(&from, &to).map_err(failed)?;
    } else if !args.bool("recurse") {
        return Err(args.wrong("directories are copied, and copied over, with recurse=True only"));
    } else {
        if args.bool("remove_existing") && to.exists() {
            std::fs::remove_dir_all(&to).map_err(failed)?;
        }
        copy_tree(&from, &to).map_err(failed)?;
    }
    let _ = std::os::unix::fs::chown(&to, Some(meta.uid()), Some(meta.gid()));
    std::fs::set_permissions(&to, Permissions::from_mode(meta.mode() & 0o7777)).map_err(failed)?;
    Ok(Value::Bool(true))
}

/// Files over files; what the source does not have stays.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&source, &target)?;
        } else if source.is_file() {
            write::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Renames, or copies and removes where the two are on different file systems.
pub fn move_(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (from, to) = (absolute(args, "src")?, absolute(args, "dst")?);
    let failed = |error: io::Error| {
        CallError::Failed(format!(
            "could not move '{}' to '{}': {}",
            from.display(),
            to.display(),
            reason(&error)
        ))
    };
    if args.bool("disallow_copy_and_unlink") {
        std::fs::rename(&from, &to).map_err(failed)?;
        return Ok(Value::Bool(true));
    }
    let target = if to.is_dir() { to.join(from.file_name().unwrap_or_default()) } else { to.clone() };
    match std::fs::rename(&from, &target) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => across(&from, &target),
        other => other,
    }
    .map_err(failed)?;
    Ok(Value::Map(Map::from([
        ("result", Value::Bool(true)),
        ("comment", Value::from(format!("'{}' moved to '{}'", from.display(), to.display()))),
    ])))
}

fn across(from: &Path, to: &Path) -> io::Result<()> {
    let meta = from.symlink_metadata()?;
    if meta.is_symlink() {
        std::os::unix::fs::symlink(std::fs::read_link(from)?, to)?;
    } else if meta.is_dir() {
        copy_tree(from, to)?;
    } else {
        write::copy(from, to)?;
    }
    if !meta.is_symlink() {
        std::fs::set_permissions(to, meta.permissions())?;
        let _ = std::os::unix::fs::chown(to, Some(meta.uid()), Some(meta.gid()));
    }
    remove_any(from, &meta)
}
