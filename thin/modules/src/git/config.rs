//! `git.config_*`: values of a repository's configuration, or of the user's.

use super::repo::Repo;
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// git's exit codes of `config --unset`.
const NO_SUCH_SECTION: i64 = 1;
const NONE_OR_MANY: i64 = 5;
const BAD_PATTERN: i64 = 6;

fn scope(global: bool) -> &'static str {
    if global { "--global" } else { "--local" }
}

/// The repository, and whether the user's own file is meant.
fn place(ctx: &mut Ctx, args: &Bound) -> Result<(Repo, bool), CallError> {
    let global = args.bool("global");
    if !global && args.get("cwd").is_null() {
        return Err(args.wrong("'cwd' is needed unless global=True"));
    }
    Ok((Repo::of(ctx, args)?, global))
}

/// All values of `key`; `None` where it has none.
///
/// # Errors
/// Where git cannot be started.
pub fn get_all(
    ctx: &mut Ctx,
    repo: &Repo,
    key: &str,
    global: bool,
) -> Result<Option<Vec<String>>, CallError> {
    let ran = repo.run(ctx, &["config", scope(global), "--get-all", key])?;
    Ok((ran.code != 1).then(|| ran.stdout.lines().map(str::to_owned).collect()))
}

/// Values of all keys the pattern fits, where `value_regex` fits the value.
///
/// # Errors
/// Where git cannot be started.
pub fn get_matching(
    ctx: &mut Ctx,
    repo: &Repo,
    key: &str,
    value_regex: Option<&str>,
    global: bool,
) -> Result<Map, CallError> {
    let mut words = vec!["config", scope(global), "--get-regexp", key];
    words.extend(value_regex);
    let ran = repo.run(ctx, &words)?;
    let mut found = Map::new();
    if ran.code == 1 {
        return Ok(found);
    }
    for (key, value) in ran.stdout.lines().filter_map(|line| line.split_once(char::is_whitespace)) {
        if let Value::List(values) = found.entry_or(key, || Value::List(Vec::new())) {
            values.push(value.trim_start().into());
        }
    }
    Ok(found)
}

pub fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, global) = place(ctx, args)?;
    let Some(mut values) = get_all(ctx, &repo, &args.str("key")?, global)? else { return Ok(Value::Null) };
    Ok(if args.bool("all") { values.into() } else { values.pop().unwrap_or_default().into() })
}

pub fn get_regexp(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, global) = place(ctx, args)?;
    let value_regex = args.opt_str("value_regex")?;
    get_matching(ctx, &repo, &args.str("key")?, value_regex.as_deref(), global).map(Value::from)
}

/// `multivar` as a list: text is cut at commas.
fn many(args: &Bound) -> Result<Vec<String>, CallError> {
    match args.get("multivar") {
        Value::List(items) => Ok(items.iter().filter_map(as_text).collect()),
        _ => Ok(args.str("multivar")?.split(',').map(str::to_owned).collect()),
    }
}

pub fn set(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, global) = place(ctx, args)?;
    let (key, value) = (args.str("key")?, args.opt_str("value")?);
    let values = match (&value, args.get("multivar").is_null()) {
        (Some(_), false) => return Err(args.wrong("only one of 'value' and 'multivar' can be used")),
        (Some(value), true) => vec![value.clone()],
        (None, false) => many(args)?,
        (None, true) => return Err(args.wrong("one of 'value' and 'multivar' is needed")),
    };
    for (index, value) in values.iter().enumerate() {
        let adds = index > 0 || args.bool("add");
        let mut words = vec!["config"];
        words.extend(global.then_some("--global"));
        words.extend([if adds { "--add" } else { "--replace-all" }, &key, value]);
        repo.text(ctx, &words)?;
    }
    get_all(ctx, &repo, &key, global).map(Value::from)
}

pub fn unset(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, global) = place(ctx, args)?;
    let (key, value_regex) = (args.str("key")?, args.opt_str("value_regex")?);
    let action = if args.bool("all") { "--unset-all" } else { "--unset" };
    let mut words = vec!["config", action, scope(global), &key];
    words.extend(value_regex.as_deref());
    let ran = repo.run(ctx, &words)?;
    let why = match ran.code {
        0 => return Ok(Value::Bool(true)),
        NO_SUCH_SECTION => "the section or key is not a valid one".to_owned(),
        NONE_OR_MANY if get_all(ctx, &repo, &key, global)?.is_none() => format!("there is no key {key}"),
        NONE_OR_MANY => format!("{key} has several values that fit"),
        BAD_PATTERN => "value_regex is not a valid expression".to_owned(),
        code => format!("{key} cannot be unset, git ended with code {code}: {}", ran.stderr),
    };
    Err(CallError::failed(why))
}
