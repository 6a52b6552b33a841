//! `state.*`: state trees applied, tried and shown on this host.
//!
//! Every function that runs states goes the same way: [`turn::take`] (one run at a time), [`wanted::Wanted`] (what the
//! caller's keywords mean), the compiler of `halite-engine`, [`crate::run`], and a retcode: 0 all went well, 1 it does not
//! compile, 2 a state failed, 5 the pillar has errors.

mod apply;
mod disabled;
mod packed;
mod pauses;
mod requests;
mod show;
mod single;
mod table;
#[cfg(test)]
mod tests;
mod turn;
mod wanted;

use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Ctx, Module, cache};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "state",
    virtual_name: "state",
    doc: "State trees applied, tried and shown on this host.",
    applies: always,
    functions: table::FUNCTIONS,
};

/// It does not compile, or may not run now.
const NOT_COMPILED: i64 = 1;
/// A state failed.
const FAILED: i64 = 2;
/// The pillar has errors.
const PILLAR_FAILED: i64 = 5;

/// Ends a call with a list of what is wrong.
fn refuse(ctx: &mut Ctx, retcode: i64, errors: Vec<String>) -> Value {
    ctx.retcode = retcode;
    errors.into()
}

/// Text split at commas, numbers as text, lists as they are.
fn split(value: &Value) -> Vec<String> {
    let text = |item: &Value| halite_modules::args::as_text(item);
    match value {
        Value::List(items) => items.iter().filter_map(text).collect(),
        one => text(one)
            .unwrap_or_default()
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
    }
}

/// Only states that failed, would change or did change something (`terse=True`).
fn notable(returns: Map) -> Map {
    let says = |ret: &Value| {
        let truth = |key| ret.get(key).is_some_and(Value::is_truthy);
        !truth("result") || truth("changes")
    };
    returns.into_iter().filter(|(_, ret)| says(ret)).collect()
}

/// `apply` with `test=True`.
fn test(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given =
        table::APPLY.iter().filter_map(halite_modules::Param::name).filter(|name| args.is_given(name));
    let keywords = given.map(|name| (name, args.get(name).clone())).collect();
    let args =
        Args { positional: Vec::new(), keywords }.with("test", true).bind("state.test", table::APPLY)?;
    apply::apply(ctx, &args)
}

/// Files in the cache that end in `.cache.p`.
fn clear_cache(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let files = std::fs::read_dir(cache::dir(ctx)).into_iter().flatten().flatten();
    let compiled = files.filter(|file| file.file_name().to_string_lossy().ends_with(".cache.p"));
    let removed = compiled.filter(|file| std::fs::remove_file(file.path()).is_ok());
    Ok(removed.map(|file| file.file_name().to_string_lossy().into_owned()).collect())
}
