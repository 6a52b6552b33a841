//! `file.absent`, `file.exists`, `file.missing` and `file.touch`.

use super::{clean, expanded, links, named, shown};
use crate::{Applied, Look, StateCtx};
use halite_modules::file::perms::Perms;
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::Map;
use std::path::Path;

pub fn absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    if name == Path::new("/") {
        return Ok(Look::cannot("/ cannot be absent"));
    }
    // What is neither file nor link nor directory (a device, a pipe) stays, as in Salt.
    if !name.is_file() && !name.is_symlink() && !name.is_dir() {
        return Ok(Look::in_sync(format!("{} is not there", name.display())));
    }
    let changes = Map::from([("removed", shown(&name))]);
    Ok(Look::differs(format!("{} would be removed", name.display()), changes.clone(), move |_| {
        clean::remove(&name)?;
        Ok(Applied::done(format!("{} was removed", name.display()), changes))
    }))
}

pub fn exists(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    is_there(args, true)
}

pub fn missing(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    is_there(args, false)
}

fn is_there(args: &Bound, wanted: bool) -> Result<Look, CallError> {
    let name = expanded(args, "name")?;
    if name.as_os_str().is_empty() {
        return Ok(Look::cannot("the name of the file is empty"));
    }
    let said = format!("{} {}", name.display(), if name.exists() { "is there" } else { "is not there" });
    Ok(if name.exists() == wanted { Look::in_sync(said) } else { Look::cannot(said) })
}

pub fn touch(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let (atime, mtime) = (args.get("atime").clone(), args.get("mtime").clone());
    let is_new = !name.exists();
    let key = if is_new { "new" } else { "touched" };
    let changes = Map::from([(key, shown(&name))]);
    let makedirs = args.bool("makedirs");
    // A test run finds nothing to do for a file without wished times, and names it all the same, as Salt does.
    if state.test && !is_new && atime.is_null() && mtime.is_null() {
        let said = Map::from([("new", shown(&name))]);
        return Ok(Look::Done(Applied::done(format!("{} is there", name.display()), said)));
    }
    Ok(Look::differs(format!("{} would be touched", name.display()), changes.clone(), move |state| {
        links::make_folder(&name, makedirs, &Perms::default())?;
        let args = Args::of([paths::to_value(&name)]).with("atime", atime).with("mtime", mtime);
        call(state.ctx, "file.touch", args)?;
        Ok(Applied::done(format!("{} was touched", name.display()), changes))
    }))
}
