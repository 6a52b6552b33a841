//! `grains.*`: grains of its own that a host keeps in a file.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Optional, Required};
use halite_modules::registry::Default::{Bool, Str};
use halite_modules::registry::always;
use halite_modules::traverse::{self, DELIMITER};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "grains",
    virtual_name: "grains",
    doc: "Grains of its own that a host keeps in a file.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const VALUE: Param = Required("value");
const DELIMITER_PARAM: Param = Optional("delimiter", Str(DELIMITER));
const FORCE: Param = Optional("force", Bool(false));

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[NAME, Optional("destructive", Bool(false)), DELIMITER_PARAM, FORCE],
        doc: "A grain is null, or with `destructive` not there at all.",
        example: "rack: {grains.absent: [{destructive: True}]}",
        call: absent,
    },
    StateFunction {
        name: "append",
        params: &[NAME, VALUE, Optional("convert", Bool(false)), DELIMITER_PARAM],
        doc: "A grain that is a list has a value. With `convert` a single value becomes a list.",
        example: "roles: {grains.append: [{value: web}]}",
        call: append,
    },
    StateFunction {
        name: "exists",
        params: &[NAME, DELIMITER_PARAM],
        doc: "Fails where there is no such grain.",
        example: "rack: {grains.exists: []}",
        call: exists,
    },
    StateFunction {
        name: "list_absent",
        params: &[NAME, VALUE, DELIMITER_PARAM],
        doc: "A grain that is a list has none of these values.",
        example: "roles: {grains.list_absent: [{value: web}]}",
        call: list_absent,
    },
    StateFunction {
        name: "list_present",
        params: &[NAME, VALUE, DELIMITER_PARAM],
        doc: "A grain is a list and has these values.",
        example: "roles: {grains.list_present: [{value: web}]}",
        call: list_present,
    },
    StateFunction {
        name: "present",
        params: &[NAME, VALUE, DELIMITER_PARAM, FORCE],
        doc: "A grain has this value. Lists and dictionaries are replaced only with `force`.",
        example: "site:rack: {grains.present: [{value: r12}]}",
        call: present,
    },
];

/// The grain's path with colons, and its value.
fn grain(state: &mut StateCtx, args: &Bound) -> Result<(String, Option<Value>), CallError> {
    let name = args.str("name")?.replace(&args.str("delimiter")?, DELIMITER);
    let value = traverse::get(state.ctx.grains(), &name, DELIMITER).cloned();
    Ok((name, value))
}

fn exists(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, value) = grain(state, args)?;
    Ok(match value {
        Some(_) => Look::in_sync(format!("there is a grain {name}")),
        None => Look::cannot(format!("there is no grain {name}")),
    })
}

/// Calls `grains.set`; `changes` of its answer where none are given.
fn set(state: &mut StateCtx, args: Args, done: &str, changes: Option<Map>) -> Result<Applied, CallError> {
    let answer = call(state.ctx, "grains.set", args)?;
    let part = |key: &str| answer.get(key).cloned().unwrap_or_default();
    Ok(if part("result").is_truthy() {
        Applied::done(done, changes.map_or_else(|| part("changes"), Value::from))
    } else {
        Applied::failed(part("comment").as_str().unwrap_or_default(), part("changes"))
    })
}

fn present(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let ((name, existing), value) = (grain(state, args)?, args.get("value").clone());
    if existing.as_ref() == Some(&value) {
        return Ok(Look::in_sync(format!("the grain {name} has this value")));
    }
    let shown = match existing {
        None => Map::from([("new", Value::from(name.as_str()))]),
        Some(_) => Map::from([("changed", Map::from([(name.as_str(), value.clone())]))]),
    };
    let force = args.bool("force");
    Ok(Look::differs(format!("the grain {name} would be set"), shown, move |state| {
        let given = Args::of([Value::from(name.as_str()), value]).with("force", force);
        set(state, given, &format!("set the grain {name}"), None)
    }))
}

fn absent(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, existing) = grain(state, args)?;
    let Some(existing) = existing else { return Ok(Look::in_sync(format!("there is no grain {name}"))) };
    let (destructive, force) = (args.bool("destructive"), args.bool("force"));
    let changes = match (destructive, existing.is_null()) {
        (true, _) => Map::from([("deleted", name.as_str())]),
        (false, true) => Map::new(),
        (false, false) => Map::from([("grain", Value::from(name.as_str())), ("value", Value::Null)]),
    };
    Ok(Look::differs(format!("the grain {name} would be taken away"), changes.clone(), move |state| {
        let given = Args::of([Value::from(name.as_str()), Value::Null]);
        let given = given.with("destructive", destructive).with("force", force);
        set(state, given, &format!("took the grain {name} away"), Some(changes))
    }))
}

fn no_list(name: &str) -> Look {
    Look::cannot(format!("the grain {name} is no list"))
}

/// The values given: those of a list, or one.
fn values(args: &Bound) -> Vec<Value> {
    match args.get("value") {
        Value::List(several) => several.clone(),
        one => vec![one.clone()],
    }
}

fn list_present(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, existing) = grain(state, args)?;
    let existing = existing.filter(Value::is_truthy).unwrap_or_else(|| "".into());
    let has = match &existing {
        Value::List(has) => has.as_slice(),
        other if other.is_truthy() => return Ok(no_list(&name)),
        _ => &[],
    };
    let missing: Vec<Value> = values(args).into_iter().filter(|value| !has.contains(value)).collect();
    if missing.is_empty() {
        return Ok(Look::in_sync(format!("the grain {name} has these values")));
    }
    let shown = Map::from([("new", existing)]);
    Ok(Look::differs(format!("the grain {name} would get values"), shown, move |state| {
        let given = Args::of([Value::from(name.as_str()), missing.into()]);
        let set = call(state.ctx, "grains.append", given)?;
        Ok(match set {
            Value::Map(_) => {
                Applied::done(format!("the grain {name} has got values"), Map::from([("new", set)]))
            }
            other => Applied::failed(other.as_str().unwrap_or_default(), Map::new()),
        })
    }))
}

fn list_absent(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, existing) = grain(state, args)?;
    let has = match existing.filter(Value::is_truthy) {
        None => return Ok(Look::in_sync(format!("there is no grain {name}"))),
        Some(Value::List(has)) => has,
        Some(_) => return Ok(no_list(&name)),
    };
    let gone: Vec<Value> = values(args).into_iter().filter(|value| has.contains(value)).collect();
    if gone.is_empty() {
        return Ok(Look::in_sync(format!("the grain {name} has none of these values")));
    }
    let changes = Map::from([("deleted", gone.clone())]);
    Ok(Look::differs(format!("the grain {name} would lose values"), changes.clone(), move |state| {
        for value in gone {
            call(state.ctx, "grains.remove", Args::of([Value::from(name.as_str()), value]))?;
        }
        Ok(Applied::done(format!("the grain {name} has lost values"), changes))
    }))
}

fn append(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let ((name, existing), value) = (grain(state, args)?, args.get("value").clone());
    let members = match existing {
        None => return Ok(Look::cannot(format!("there is no grain {name}"))),
        Some(Value::List(members)) if members.contains(&value) => {
            return Ok(Look::in_sync(format!("the grain {name} has this value")));
        }
        Some(Value::List(_)) => None,
        Some(_) if !args.bool("convert") => return Ok(no_list(&name)),
        Some(Value::Null) => Some(vec![value.clone()]),
        Some(single) => Some(vec![single, value.clone()]),
    };
    let changes = Map::from([("added", value.clone())]);
    Ok(Look::differs(format!("the grain {name} would get a value"), changes.clone(), move |state| {
        let name_value = Value::from(name.as_str());
        match members {
            None => call(state.ctx, "grains.append", Args::of([name_value, value]))?,
            Some(members) => call(state.ctx, "grains.setval", Args::of([name_value, members.into()]))?,
        };
        Ok(Applied::done(format!("the grain {name} has got a value"), changes))
    }))
}
