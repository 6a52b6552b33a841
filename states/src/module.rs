//! `module.*`: execution functions as states.

mod legacy;

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{Keywords, Required};
use halite_modules::registry::{always, find};
use halite_modules::{Args, Bound, CallError};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "module",
    virtual_name: "module",
    doc: "Execution functions as states.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "mod_watch",
        params: &[Keywords("kwargs")],
        doc: "Calls the functions where a watched state changed.",
        example: "reload: {module.wait: [{service.reload: [nginx]}, {watch: [file: /etc/nginx]}]}",
        call: run,
    },
    StateFunction {
        name: "run",
        params: &[Keywords("kwargs")],
        doc: "Calls execution functions: each a key with a list of arguments; or one, named by `name`, whose \
              arguments are the other keys (`m_name` for one that is called name).",
        example: "refresh: {module.run: [{test.echo: [hello]}]}",
        call: run,
    },
    StateFunction {
        name: "wait",
        params: &[Required("name"), Keywords("kwargs")],
        doc: "Calls functions only where a watched state changed.",
        example: "reload: {module.wait: [{service.reload: [nginx]}, {watch: [file: /etc/nginx]}]}",
        call: waiting,
    },
    StateFunction {
        name: "watch",
        params: &[Required("name"), Keywords("kwargs")],
        doc: "The same as module.wait.",
        example: "reload: {module.watch: [{service.reload: [nginx]}, {watch: [file: /etc/nginx]}]}",
        call: waiting,
    },
];

/// What is no function's argument.
const NOT_ARGUMENTS: [&str; 3] = ["name", "__reqs__", "sfun"];

fn waiting(_: &mut StateCtx, _: &Bound) -> Result<Look, CallError> {
    Ok(Look::in_sync(""))
}

/// One key without a dot, or none at all, is the old syntax.
fn run(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let given = args.keywords();
    let text = |key: &Value| key.as_str().unwrap_or_default().to_owned();
    let keys: Vec<String> =
        given.keys().map(text).filter(|key| !NOT_ARGUMENTS.contains(&key.as_str())).collect();
    if keys.iter().any(|key| !key.contains('.')) || (keys.is_empty() && !given.is_empty()) {
        return legacy::run(state, args);
    }
    let mut look = several(state, given, keys.clone())?;
    if let Look::Done(applied) = &mut look {
        applied.further.insert("name", keys);
    }
    Ok(look)
}

/// Calls every function; `key:x` is the function `key` once more.
fn several(state: &mut StateCtx, given: &Map, keys: Vec<String>) -> Result<Look, CallError> {
    let functions = keys.iter().map(|key| key.split(':').next().unwrap_or_default().to_owned());
    let functions: Vec<String> = functions.collect();
    let done = |result, comment: String, changes: Map| {
        Look::Done(Applied { result, comment, changes: changes.into(), further: Map::new() })
    };
    if functions.is_empty() {
        return Ok(done(Some(false), "No function is named".to_owned(), Map::new()));
    }
    let missing: Vec<String> = functions
        .iter()
        .filter_map(|fun| find(state.ctx, fun).err())
        .map(|error| error.to_string())
        .collect();
    if !missing.is_empty() {
        return Ok(done(Some(false), missing.join("\n"), Map::new()));
    }
    if state.test {
        return Ok(done(None, format!("{} would be called", functions.join(", ")), Map::new()));
    }
    let (mut failed, mut well, mut changes) = (Vec::new(), Vec::new(), Map::new());
    for (key, fun) in keys.iter().zip(&functions) {
        match call(state, fun, given.get(key)) {
            Ok(value) if went_well(&value) => {
                let said = value.get("comment").and_then(Value::as_str).unwrap_or("done").to_owned();
                well.push(format!("{key}: {said}"));
                changes.insert(key.as_str(), value);
            }
            Ok(value) => {
                let said = value.get("comment").and_then(Value::as_str).unwrap_or("it says no").to_owned();
                failed.push(format!("{key} failed: {said}"));
            }
            Err(error) => failed.push(format!("{key} failed: {error}")),
        }
    }
    let result = failed.is_empty();
    failed.extend(well);
    Ok(done(Some(result), failed.join(", "), changes))
}

/// Maps in the list hold keyword arguments, everything else is positional.
fn call(state: &mut StateCtx, fun: &str, given: Option<&Value>) -> Result<Value, CallError> {
    let mut args = Args::default();
    match given {
        Some(Value::List(items)) => {
            for item in items {
                match item {
                    Value::Map(keywords) => args.keywords.extend(keywords.clone()),
                    other => args.positional.push(other.clone()),
                }
            }
        }
        Some(Value::Map(keywords)) => args.keywords.extend(keywords.clone()),
        None | Some(Value::Null) => {}
        Some(one) => args.positional.push(one.clone()),
    }
    state.ctx.link.flush();
    let value = halite_modules::call(state.ctx, fun, args);
    // The exit code is the state's matter, not the call's.
    state.ctx.retcode = 0;
    value
}

/// False where the value says no: false itself, or a map with `result: false` or an exit code, however deep.
fn went_well(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Map(map) => map.iter().all(|(key, value)| match (key.as_str(), value) {
            (Some("result"), Value::Bool(false)) => false,
            (Some("retcode"), code) => *code == Value::Int(0),
            (_, Value::Map(_)) => went_well(value),
            _ => true,
        }),
        _ => true,
    }
}
