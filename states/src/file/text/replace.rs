//! `file.replace`, `file.blockreplace` and `file.line`: thin coats over the execution functions.

use super::{absent, diff, forwarded, named, source};
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, call, paths};
use halite_wire::Value;
use std::path::Path;

const REPLACE: [&str; 12] = [
    "pattern",
    "repl",
    "count",
    "flags",
    "append_if_not_found",
    "prepend_if_not_found",
    "not_found_content",
    "backup",
    "show_changes",
    "ignore_if_missing",
    "backslash_literal",
    "encoding",
];

pub fn replace(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    if let Some(why) = absent(&path) {
        let ignored = args.bool("ignore_if_missing") && path.is_absolute();
        return Ok(if ignored { Look::in_sync(unchanged(&path)) } else { Look::cannot(why) });
    }
    edited(state, "file.replace", forwarded(args, &path, &REPLACE), &path)
}

/// Asks the execution function for the changes first, then lets it make them.
fn edited(state: &mut StateCtx, fun: &'static str, args: Args, path: &Path) -> Result<Look, CallError> {
    let changes = call(state.ctx, fun, args.clone().with("dry_run", true))?;
    if !changes.is_truthy() {
        return Ok(Look::in_sync(unchanged(path)));
    }
    let name = path.display().to_string();
    Ok(Look::differs(format!("{name} would be changed"), diff(changes), move |state| {
        let changes = call(state.ctx, fun, args)?;
        Ok(Applied::done(format!("changed {name}"), diff(changes)))
    }))
}

fn unchanged(path: &Path) -> String {
    format!("{} needs no change", path.display())
}

const BLOCK: [&str; 9] = [
    "marker_start",
    "marker_end",
    "append_if_not_found",
    "prepend_if_not_found",
    "backup",
    "show_changes",
    "append_newline",
    "insert_before_match",
    "insert_after_match",
];

pub fn blockreplace(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    if let Some(why) = absent(&path) {
        return Ok(Look::cannot(why));
    }
    let mut content = args.opt_str("content")?.unwrap_or_default();
    for text in accumulated(state, &path.to_string_lossy()) {
        if !content.is_empty() {
            content.push('\n');
        }
        content.push_str(&text);
    }
    content.extend(source::texts(state, args)?);
    edited(state, "file.blockreplace", forwarded(args, &path, &BLOCK).with("content", content), &path)
}

/// Texts that `file.accumulated` gathered for this file: those meant for this very state, else all.
fn accumulated(state: &StateCtx, name: &str) -> Vec<String> {
    let kept = state.kept.get("file");
    let of_file = |part: &str| kept?.get(part)?.get(name)?.as_map();
    let (Some(texts), id) = (of_file("accumulators"), state.low.get("__id__")) else { return Vec::new() };
    let meant = |accumulator: &&Value| {
        let wanting = of_file("deps").and_then(|deps| deps.get_value(accumulator)).and_then(Value::as_list);
        wanting.is_some_and(|ids| ids.iter().any(|wanted| Some(wanted) == id))
    };
    let mut names: Vec<&Value> = texts.keys().filter(meant).collect();
    if names.is_empty() {
        names = texts.keys().collect();
    }
    let lists = names.into_iter().filter_map(|name| texts.get_value(name)?.as_list());
    lists.flatten().filter_map(halite_modules::args::as_text).collect()
}

const LINE: [&str; 10] =
    ["content", "match", "mode", "location", "before", "after", "show_changes", "backup", "quiet", "indent"];

pub fn line(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    if !state.test {
        prepare(state, args, &path)?;
    }
    if let Some(why) = absent(&path) {
        return Ok(Look::cannot(why));
    }
    let wanted = forwarded(args, &path, &LINE);
    let changes = dry(state, |state| call(state.ctx, "file.line", wanted.clone()))?;
    if !changes.is_truthy() {
        return Ok(Look::in_sync(unchanged(&path)));
    }
    let name = path.display().to_string();
    Ok(Look::differs(format!("{name} would be changed"), diff(changes), move |state| {
        let changes = call(state.ctx, "file.line", wanted)?;
        Ok(Applied::done(format!("changed {name}"), diff(changes)))
    }))
}

/// Runs `look` as with `test=True`.
fn dry<T>(state: &mut StateCtx, look: impl FnOnce(&mut StateCtx) -> T) -> T {
    let before = state.ctx.opts.insert("test", true);
    let seen = look(state);
    match before {
        Some(before) => state.ctx.opts.insert("test", before),
        None => state.ctx.opts.remove("test"),
    };
    seen
}

/// Makes the file where `create` says so, and gives it owner and mode. None of this counts as a change.
fn prepare(state: &mut StateCtx, args: &Bound, path: &Path) -> Result<(), CallError> {
    let name = || Args::of([paths::to_value(path)]);
    if args.bool("create") && !path.exists() {
        call(state.ctx, "file.touch", name())?;
    }
    if !path.exists() {
        return Ok(());
    }
    let wanted = |key: &str| args.opt_str(key).map(Option::unwrap_or_default);
    let (user, group, mode) = (wanted("user")?, wanted("group")?, wanted("file_mode")?);
    if !(user.is_empty() && group.is_empty()) {
        call(state.ctx, "file.chown", name().with("user", user).with("group", group))?;
    }
    if !mode.is_empty() {
        call(state.ctx, "file.set_mode", name().with("mode", mode))?;
    }
    Ok(())
}
