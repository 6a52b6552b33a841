//! Conditions of a chunk: `unless`, `onlyif` and `creates` before its call, `check_cmd` after.

use super::slots;
use halite_modules::traverse;
use halite_modules::{Args, CallError, Ctx};
use halite_wire::{Map, Value};
use std::path::Path;

/// Arguments of the chunk that also hold for its conditions' commands.
const COMMAND_ARGUMENTS: [&str; 7] =
    ["cwd", "runas", "env", "prepend_path", "timeout", "success_retcodes", "shell"];

/// Why a chunk does not run, one line for each condition; `None` where it does.
///
/// # Errors
/// A condition that is no call at all: an empty command, a function that does not take these arguments.
pub fn skip(ctx: &mut Ctx, low: &Map) -> Result<Option<Vec<String>>, CallError> {
    let mut lines = Vec::new();
    let mut skipped = false;
    for (key, check) in [("onlyif", onlyif as Check), ("unless", unless), ("creates", creates)] {
        if let Some(condition) = low.get(key) {
            let (skips, line) = check(ctx, low, condition)?;
            skipped |= skips;
            lines.push(line);
        }
    }
    Ok(skipped.then_some(lines))
}

type Check = fn(&mut Ctx, &Map, &Value) -> Result<(bool, String), CallError>;

/// How one entry of a condition ended.
enum Entry {
    Holds(bool),
    /// It is neither a command nor a call.
    Wrong,
    /// A map without `fun`.
    NoFunction,
}

fn each(condition: &Value) -> &[Value] {
    match condition {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// Skips where one entry does not hold.
fn onlyif(ctx: &mut Ctx, low: &Map, condition: &Value) -> Result<(bool, String), CallError> {
    let said = |skips, line: &str| Ok((skips, format!("onlyif {line}")));
    for entry in each(condition) {
        match entry_holds(ctx, low, entry, false)? {
            Entry::Holds(true) => {}
            Entry::Holds(false) => return said(true, "condition is false"),
            Entry::Wrong => return said(false, "is neither a command nor a call; it was ignored"),
            Entry::NoFunction => return said(false, "has no `fun`; it was ignored"),
        }
    }
    said(false, "condition is true")
}

/// Skips where every entry holds.
fn unless(ctx: &mut Ctx, low: &Map, condition: &Value) -> Result<(bool, String), CallError> {
    let said = |skips, line: &str| (skips, format!("unless {line}"));
    let mut skips = said(false, "condition is false");
    for entry in each(condition) {
        skips = match entry_holds(ctx, low, entry, true)? {
            Entry::Holds(true) => said(true, "condition is true"),
            Entry::Holds(false) => return Ok(said(false, "condition is false")),
            Entry::Wrong => said(false, "is neither a command nor a call; it was ignored"),
            Entry::NoFunction => return Ok(said(skips.0, "has no `fun`; it was ignored")),
        };
    }
    Ok(skips)
}

/// `if_broken` stands for a command that could not be started.
fn entry_holds(ctx: &mut Ctx, low: &Map, entry: &Value, if_broken: bool) -> Result<Entry, CallError> {
    match entry {
        Value::Str(command) => {
            let code = retcode(ctx, low, command)?;
            Ok(Entry::Holds(code.map_or(if_broken, |code| code == 0)))
        }
        Value::Map(call) => Ok(call_holds(ctx, call)?.map_or(Entry::NoFunction, Entry::Holds)),
        _ => Ok(Entry::Wrong),
    }
}

/// `None` where the command could not be started.
fn retcode(ctx: &mut Ctx, low: &Map, command: &str) -> Result<Option<i64>, CallError> {
    let without = super::texts(low.get("cmd_opts_exclude"));
    let mut args = Args::of([command]).with("python_shell", true).with("ignore_retcode", true);
    for key in COMMAND_ARGUMENTS.iter().filter(|key| !without.iter().any(|name| name == *key)) {
        if let Some(value) = low.get(key).filter(|value| !value.is_null()) {
            args.keywords.insert(*key, value.clone());
        }
    }
    match halite_modules::call(ctx, "cmd.retcode", args) {
        Ok(code) => Ok(code.as_i64()),
        Err(CallError::Failed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `{fun: m.f, args: [...], get_return: path, KEYWORDS}`; an exit code counts before the value. `None` without `fun`.
fn call_holds(ctx: &mut Ctx, call: &Map) -> Result<Option<bool>, CallError> {
    let mut keywords = call.clone();
    let fun = keywords.remove("fun");
    let Some(fun) = fun.as_ref().and_then(Value::as_str) else { return Ok(None) };
    let path = keywords.remove("get_return");
    let positional = keywords.remove("args").and_then(|args| args.as_list().map(<[Value]>::to_vec));
    slots::fill(ctx, &mut keywords)?;
    ctx.retcode = 0;
    let args = Args { positional: positional.unwrap_or_default(), keywords };
    let mut value = halite_modules::call(ctx, fun, args)?;
    let code = std::mem::take(&mut ctx.retcode);
    if let Some(path) = path.as_ref().and_then(Value::as_str) {
        let whole = Map::from([("x", value)]);
        value = traverse::get(&whole, &format!("x:{path}"), ":").cloned().unwrap_or_default();
    }
    Ok(Some(code == 0 && value.is_truthy()))
}

/// Skips where all these files exist.
fn creates(_: &mut Ctx, _: &Map, condition: &Value) -> Result<(bool, String), CallError> {
    let exists = |path: &Value| path.as_str().is_some_and(|path| Path::new(path).exists());
    Ok(match condition {
        Value::Str(path) if exists(condition) => (true, format!("{path} exists")),
        Value::List(paths) if paths.iter().all(exists) => (true, "All files in creates exist".to_owned()),
        _ => (false, "Files of creates are missing".to_owned()),
    })
}

/// `check_cmd`: whether the state is said to have gone well, whatever it says itself.
pub fn check_cmd(ctx: &mut Ctx, commands: &Value) -> (bool, &'static str) {
    let well = each(commands).iter().all(|command| {
        let args = command.as_str().map(|text| Args::of([text]));
        let args = args.map(|args| args.with("python_shell", true).with("ignore_retcode", true));
        args.and_then(|args| halite_modules::call(ctx, "cmd.retcode", args).ok()) == Some(Value::Int(0))
    });
    let well = well && !each(commands).is_empty();
    (
        well,
        if well {
            "check_cmd determined the state succeeded"
        } else {
            "check_cmd determined the state failed"
        },
    )
}
