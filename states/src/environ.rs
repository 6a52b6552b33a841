//! `environ.setenv`: variables of the executor and of the programs it starts, until the call ends.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{Optional, Required};
use halite_modules::registry::Default::Bool;
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, call, environ};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "environ",
    virtual_name: "environ",
    doc: "Variables of the executor and of the programs it starts.",
    applies: always,
    functions: &[StateFunction {
        name: "setenv",
        params: &[
            Required("name"),
            Required("value"),
            Optional("false_unsets", Bool(false)),
            Optional("clear_all", Bool(false)),
            Optional("update_minion", Bool(false)),
            Optional("permanent", Bool(false)),
        ],
        doc: "Variables have these values until the call ends: one, or a dictionary of them. False empties or unsets one.",
        example: "LANG: {environ.setenv: [{value: C.UTF-8}]}",
        call: setenv,
    }],
};

fn setenv(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let wanted = match args.get("value") {
        Value::Map(several) => several.clone(),
        one @ (Value::Str(_) | Value::Bool(false)) => Map::from([(args.get("name").clone(), one.clone())]),
        _ => return Ok(Look::cannot("a value must be text, False, or a dictionary of these")),
    };
    let unsets = args.bool("false_unsets");
    let mut changes = Map::new();
    let emptied = || if unsets { Value::Null } else { Value::from("") };
    if args.bool("clear_all") {
        let others = environ::variables().into_keys().filter(|name| !wanted.contains_key(name));
        changes.extend(others.map(|name| (name, emptied())));
    }
    for (name, value) in &wanted {
        let current = name.as_str().and_then(environ::variable);
        let differs = match (value, &current) {
            (Value::Bool(false), None) => !unsets,
            (Value::Bool(false), Some(current)) => unsets || !current.is_empty(),
            (value, current) => value.as_str() != Some(current.as_deref().unwrap_or_default()),
        };
        if differs {
            changes
                .insert(name.clone(), if *value == Value::Bool(false) { emptied() } else { value.clone() });
        }
    }
    if changes.is_empty() {
        return Ok(Look::in_sync("the variables have these values"));
    }
    if state.test {
        // Nothing on the host would change.
        return Ok(Look::Done(Applied::done("the variables would have these values", changes)));
    }
    let options = ["false_unsets", "clear_all"].map(|name| (name, args.get(name).clone()));
    Ok(Look::differs("the variables would have these values", changes, move |state| {
        let given = Args { positional: vec![wanted.into()], keywords: Map::from(options) };
        let set = call(state.ctx, "environ.setenv", given)?;
        Ok(match set {
            Value::Map(_) => Applied::done("the variables have these values now", set),
            _ => Applied::failed("a name or value cannot be one of a variable", Map::new()),
        })
    }))
}
