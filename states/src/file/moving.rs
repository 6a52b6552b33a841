//! `file.copy` and `file.rename`.

use super::{clean, default_owner, expanded, links, named, no_such_owner, shown, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::file::manage::dir_mode_for;
use halite_modules::file::perms::{Facts, Perms, normal_mode};
use halite_modules::file::stat::{group_name, user_name};
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

/// `changes` of a path that comes from another.
fn from_there(name: &Path, source: &Path) -> Map {
    [(shown(name), shown(source))].into_iter().collect()
}

pub fn copy(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let mut name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let source = expanded(args, "source")?;
    let Ok(facts) = Facts::of(&source, true) else {
        return Ok(Look::cannot(format!("there is no {}", source.display())));
    };
    let preserve = args.bool("preserve");
    let (user, group) = match preserve {
        true => (user_name(facts.uid), group_name(facts.gid)),
        false => default_owner(user(args), args.get("group").clone()),
    };
    if let Some(look) = no_such_owner(state, &user, &group) {
        return Ok(look);
    }
    let mode = normal_mode(args.get("mode")).filter(|_| !preserve).or(Some(format!("{:04o}", facts.mode)));
    let perms = Perms { user, group, mode, ..Perms::default() };
    if name.is_dir() && args.bool("subdir") {
        name.push(source.file_name().unwrap_or_default());
    }
    let is_there = name.symlink_metadata().is_ok();
    if is_there && !args.bool("force") {
        return Ok(Look::in_sync(format!("{} is there, and is not overwritten", name.display())));
    }
    let (makedirs, dir_mode) = (args.bool("makedirs"), normal_mode(args.get("dir_mode")));
    Ok(Look::differs(
        format!("{} would be copied to {}", source.display(), name.display()),
        Map::new(),
        move |_| {
            if is_there {
                clean::remove(&name)?;
            }
            let above = dir_mode.or_else(|| perms.mode.as_deref().and_then(dir_mode_for));
            links::make_folder(&name, makedirs, &Perms { mode: above, ..perms.clone() })?;
            copied(&source, &name, &perms, preserve)
        },
    ))
}

/// `changes` are the copy, and what of owner and mode it did not have by itself.
fn copied(source: &Path, name: &Path, perms: &Perms, preserve: bool) -> Result<Applied, CallError> {
    let failed = |error: io::Error| {
        CallError::Failed(format!("could not copy {} to {}: {error}", source.display(), name.display()))
    };
    let mut changes = from_there(name, source);
    if source.is_dir() {
        copy_folder(source, name).map_err(failed)?;
        let owner = Perms { mode: None, ..perms.clone() };
        for (_, folders, files) in clean::walk(name, None) {
            for path in folders.into_iter().chain(files) {
                owner.check(&path, false, false)?;
            }
        }
    } else {
        let mut draft_mode = Facts::of(source, true).map_err(failed)?.mode;
        draft_mode &= 0o777;
        let place = halite_modules::file::place::Place::find(name, true).map_err(failed)?;
        let mut draft = place.create().map_err(failed)?;
        io::copy(&mut std::fs::File::open(source).map_err(failed)?, draft.file()).map_err(failed)?;
        draft.finish((None, None), draft_mode).map_err(failed)?;
    }
    if preserve {
        return Ok(Applied::done(format!("{} was copied", source.display()), changes));
    }
    let checked = perms.check(name, false, false)?;
    super::lay_over(&mut changes, checked.changes);
    Ok(match checked.failures.is_empty() {
        true => Applied::done(format!("{} was copied", source.display()), changes),
        false => Applied::failed(checked.failures.join("; "), changes),
    })
}

/// A directory with all that is in it; links stay links, modes stay.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            std::fs::copy(&source, &target)?;
        }
    }
    std::fs::set_permissions(to, from.metadata()?.permissions())
}

pub fn rename(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, source) = (variables(expanded(args, "name")?), variables(expanded(args, "source")?));
    if !name.is_absolute() {
        return Ok(Look::cannot(format!("'{}' is not an absolute path", name.display())));
    }
    if source.symlink_metadata().is_err() {
        return Ok(Look::in_sync(format!("{} is not there, so it was moved already", source.display())));
    }
    let is_there = name.symlink_metadata().is_ok();
    if is_there && !args.bool("force") {
        return Ok(Look::in_sync(format!("{} is there, and is not overwritten", name.display())));
    }
    let makedirs = args.bool("makedirs");
    Ok(Look::differs(
        format!("{} would be moved to {}", source.display(), name.display()),
        Map::new(),
        move |state| {
            if is_there {
                clean::remove(&name)?;
            }
            links::make_folder(&name, makedirs, &Perms::default())?;
            moved(state, &source, &name)
        },
    ))
}

fn variables(path: PathBuf) -> PathBuf {
    paths::from_bytes(&paths::expand_vars(path.as_os_str().as_encoded_bytes()))
}

fn moved(state: &mut StateCtx, source: &Path, name: &Path) -> Result<Applied, CallError> {
    let from = paths::abspath(source);
    call(state.ctx, "file.move", Args::of([paths::to_value(from), paths::to_value(name)]))?;
    let source: Value = shown(source);
    let changes: Map = [(shown(name), source)].into_iter().collect();
    Ok(Applied::done(format!("moved to {}", name.display()), changes))
}
