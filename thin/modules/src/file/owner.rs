//! Owners and modes: `chown`, `chgrp`, `lchown`, `set_mode`, and names of users and groups for numbers.

use super::stat::{group_name, user_name};
use super::{could_not, mode_bits, octal, path};
use crate::registry::CallError;
use crate::{Bound, Ctx, accounts};
use halite_wire::Value;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

pub fn uid_to_user(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let uid = args.int("uid")?;
    Ok(u32::try_from(uid).map_or_else(|_| Value::Int(uid), user_name))
}

pub fn gid_to_group(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let gid = match args.get("gid") {
        Value::Str(text) => match text.trim().parse() {
            Ok(gid) => gid,
            Err(_) => {
                return Ok(
                    accounts::group(text).map_or_else(|| Value::from(""), |group| Value::from(group.name))
                );
            }
        },
        _ => args.int("gid")?,
    };
    Ok(u32::try_from(gid).map_or_else(|_| Value::Int(gid), group_name))
}

/// The caller's own number where no user is given; empty text where there is no such user.
pub fn user_to_uid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(match args.get("user") {
        Value::Int(uid) => Value::Int(*uid),
        Value::Null => Value::from(rustix::process::geteuid().as_raw()),
        _ => accounts::user(&args.str("user")?).map_or_else(|| Value::from(""), |user| Value::from(user.uid)),
    })
}

pub fn group_to_gid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(match args.get("group") {
        Value::Int(gid) => Value::Int(*gid),
        Value::Null => Value::from(""),
        _ => accounts::group(&args.str("group")?)
            .map_or_else(|| Value::from(""), |group| Value::from(group.gid)),
    })
}

/// A user or group of an argument: a number, or a name to look up. Null and empty change nothing.
enum Wanted {
    Keep,
    Number(u32),
    Unknown,
}

fn wanted(args: &Bound, name: &str, look_up: impl Fn(&str) -> Option<u32>) -> Result<Wanted, CallError> {
    Ok(match args.get(name) {
        Value::Null => Wanted::Keep,
        Value::Int(-1) => Wanted::Keep,
        Value::Int(number) => u32::try_from(*number).map_or(Wanted::Unknown, Wanted::Number),
        _ => match args.str(name)? {
            empty if empty.is_empty() => Wanted::Keep,
            known => look_up(&known).map_or(Wanted::Unknown, Wanted::Number),
        },
    })
}

impl Wanted {
    fn number(&self) -> Option<u32> {
        if let Wanted::Number(number) = self { Some(*number) } else { None }
    }
}

fn wanted_user(args: &Bound) -> Result<Wanted, CallError> {
    wanted(args, "user", |name| accounts::user(name).map(|user| user.uid))
}

fn wanted_group(args: &Bound) -> Result<Wanted, CallError> {
    wanted(args, "group", |name| accounts::group(name).map(|group| group.gid))
}

/// What cannot be done is told in the value, one line each, as Salt does; null where all went well.
fn complaints(user: &Wanted, group: &Wanted) -> String {
    let user = if matches!(user, Wanted::Unknown) { "User does not exist\n" } else { "" };
    let group = if matches!(group, Wanted::Unknown) { "Group does not exist\n" } else { "" };
    format!("{user}{group}")
}

pub fn chown(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(args, wanted_user(args)?, wanted_group(args)?)
}

pub fn chgrp(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(args, Wanted::Keep, wanted_group(args)?)
}

fn change(args: &Bound, user: Wanted, group: Wanted) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let complaints = complaints(&user, &group);
    if path.symlink_metadata().is_err() {
        return Ok(Value::from(format!("{complaints}File not found")));
    }
    if !complaints.is_empty() {
        return Ok(Value::from(complaints));
    }
    let change = if path.exists() { std::os::unix::fs::chown } else { std::os::unix::fs::lchown };
    change(&path, user.number(), group.number()).map_err(could_not("change the owner of", &path))?;
    Ok(Value::Null)
}

pub fn lchown(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, user, group) = (path(args, "path")?, wanted_user(args)?, wanted_group(args)?);
    let complaints = complaints(&user, &group);
    if !complaints.is_empty() {
        return Ok(Value::from(complaints));
    }
    std::os::unix::fs::lchown(&path, user.number(), group.number())
        .map_err(could_not("change the owner of", &path))?;
    Ok(Value::Null)
}

/// The mode it has then; a sentence where the mode is none.
pub fn set_mode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, text) = (path(args, "path")?, args.str("mode")?);
    if !path.exists() {
        return Err(CallError::Failed(format!("there is no '{}'", path.display())));
    }
    let Some(mode) = mode_bits(&text) else { return Ok(Value::from(format!("Invalid Mode {text}"))) };
    std::fs::set_permissions(&path, Permissions::from_mode(mode))
        .map_err(could_not("change the mode of", &path))?;
    path.metadata().map(|meta| Value::from(octal(meta.mode()))).map_err(could_not("look at", &path))
}
