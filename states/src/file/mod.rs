//! `file.*`: files, directories, links and devices as they should be.
//!
//! Paths come in as users write them (`~` is a home directory). What a file shall hold and who shall own it is looked
//! at and made so by [`halite_modules::file`]; here are Salt's arguments, and Salt's `changes`.

mod accumulate;
mod cached;
mod clean;
mod contents;
mod decode;
mod directory;
mod links;
mod managed;
mod moving;
mod nodes;
mod presence;
mod recurse;
mod retention;
mod serialize;
mod sweeping;
mod table;
mod text;

pub use directory::Tree;

use crate::{Applied, Look, StateCtx, StateModule};
use halite_modules::args::as_text;
use halite_modules::file::perms::Checked;
use halite_modules::registry::always;
use halite_modules::{Bound, CallError, accounts, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// Files as a whole: their content, owner, mode and place.
pub const MODULE: StateModule = StateModule {
    file: "file",
    virtual_name: "file",
    doc: "Files, directories, links and devices as they should be.",
    applies: always,
    functions: table::WHOLE,
};

/// The text inside files.
pub const TEXT_MODULE: StateModule = StateModule {
    file: "file/text",
    virtual_name: "file",
    doc: "Lines and blocks inside files as they should be.",
    applies: always,
    functions: text::TEXT,
};

/// A path of an argument, home directories filled in.
fn expanded(args: &Bound, name: &str) -> Result<PathBuf, CallError> {
    args.str(name).map(|text| expanded_text(&text))
}

/// `name` as a path that is absolute; else what to say of it.
fn named(args: &Bound) -> Result<Result<PathBuf, Look>, CallError> {
    let path = expanded(args, "name")?;
    Ok(match path.is_absolute() {
        true => Ok(path),
        false if path.as_os_str().is_empty() => Err(Look::cannot("the name of the file is empty")),
        false => Err(Look::cannot(format!("'{}' is not an absolute path", path.display()))),
    })
}

/// The environment the state comes from.
fn saltenv(state: &StateCtx) -> String {
    let env = state.low.get_str("__env__").or_else(|| state.ctx.opts.get_str("saltenv"));
    env.filter(|env| !env.is_empty()).unwrap_or("base").to_owned()
}

/// `user`, or `owner` as some write it.
fn user(args: &Bound) -> Value {
    let user = args.get("user");
    if user.is_truthy() { user.clone() } else { args.keywords().get("owner").unwrap_or(user).clone() }
}

/// What is wrong with a user and a group. A test run goes on: both may be made by states that only would run.
fn no_such_owner(state: &StateCtx, user: &Value, group: &Value) -> Option<Look> {
    if state.test {
        return None;
    }
    let missing = |value: &Value, kind: &str, is_there: &dyn Fn(&str) -> bool| {
        let name = value.as_str().filter(|name| !name.is_empty() && !is_there(name))?;
        Some(format!("there is no {kind} {name}"))
    };
    let found = [
        missing(user, "user", &|name| accounts::user(name).is_some()),
        missing(group, "group", &|name| accounts::group(name).is_some()),
    ];
    let why: Vec<String> = found.into_iter().flatten().collect();
    (!why.is_empty()).then(|| Look::cannot(why.join(", ")))
}

/// The user we run as, and the group of a user: owners of links and copies where nobody says otherwise.
fn default_owner(user: Value, group: Value) -> (Value, Value) {
    let user = if user.is_null() { our_name() } else { user };
    let group = if group.is_null() { group_of(&user) } else { group };
    (user, group)
}

fn our_name() -> Value {
    halite_modules::file::stat::user_name(rustix::process::geteuid().as_raw())
}

fn group_of(user: &Value) -> Value {
    let known = match user {
        Value::Int(uid) => u32::try_from(*uid).ok().and_then(accounts::user_by_uid),
        other => as_text(other).and_then(|name| accounts::user(&name)),
    };
    halite_modules::file::stat::group_name(known.map_or(0, |user| user.gid))
}

/// How it ended, from what was changed and what could not be.
fn ended(comment: impl Into<String>, checked: Checked) -> Applied {
    match checked.failures.is_empty() {
        true => Applied::done(comment, checked.changes),
        false => Applied::failed(checked.failures.join("; "), checked.changes),
    }
}

/// Lays the entries of one map over those of another.
fn lay_over(map: &mut Map, more: Map) {
    more.into_iter().for_each(|(key, value)| drop(map.insert(key, value)));
}

/// A path as the key or value of `changes`.
fn shown(path: &Path) -> Value {
    paths::to_value(path)
}

/// A text as a path, home directories filled in.
fn expanded_text(text: &str) -> PathBuf {
    paths::from_bytes(&paths::expand_user(text.as_bytes()))
}
