//! Links: `symlink` and `link`.

use super::{absolute, bytes, could_not, path};
use crate::registry::CallError;
use crate::{Bound, Ctx, paths};
use halite_wire::Value;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub fn link(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let source = absolute(args, "src")?;
    let link = paths::from_bytes(&bytes(args, "path")?);
    std::fs::hard_link(&source, &link).map_err(could_not("create the link", &link))?;
    Ok(Value::Bool(true))
}

pub fn symlink(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let target = bytes(args, "src")?;
    let link = absolute(args, "path")?;
    let (force, atomic) = (args.bool("force"), args.bool("atomic"));
    let is_link = link.is_symlink();
    if link
        .read_link()
        .is_ok_and(|now| paths::normpath(now.as_os_str().as_bytes()) == paths::normpath(&target))
    {
        return Ok(Value::Bool(true));
    }
    let exists =
        is_link || if args.bool("follow_symlinks") { link.exists() } else { link.symlink_metadata().is_ok() };
    if exists && !force && !atomic {
        let what = if is_link { "a link to something else" } else { "there, and no link" };
        return Err(CallError::Failed(format!("'{}' is already {what}", link.display())));
    }
    let target = paths::from_bytes(&target);
    if atomic {
        replace(&target, &link)?;
    } else {
        if exists {
            std::fs::remove_file(&link).map_err(could_not("remove", &link))?;
        }
        std::os::unix::fs::symlink(&target, &link).map_err(could_not("create the link", &link))?;
    }
    Ok(Value::Bool(true))
}

/// Makes the link under a name of its own and renames it over whatever is there.
fn replace(target: &Path, link: &Path) -> Result<(), CallError> {
    let failed = |error| could_not("create the link", link)(error);
    let fresh = crate::write::fresh_name(link);
    std::os::unix::fs::symlink(target, &fresh).map_err(failed)?;
    std::fs::rename(&fresh, link).map_err(|error| {
        let _ = std::fs::remove_file(&fresh);
        failed(error)
    })
}

/// Renames; both on one file system.
pub fn rename(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (from, to) = (absolute(args, "src")?, path(args, "dst")?);
    std::fs::rename(&from, &to).map_err(could_not("rename", &from))?;
    Ok(Value::Bool(true))
}
