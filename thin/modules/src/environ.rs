//! `environ.*`: the environment of the executor and of the programs it starts.
//!
//! A process with threads must not change its own environment, so changes are kept beside it: every function here
//! and every program started for the call sees them, until the call ends.

use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub const MODULE: Module = Module {
    file: "environ",
    virtual_name: "environ",
    doc: "The environment of the executor and of the programs it starts.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "get",
        params: &[Param::Required("key"), Param::Optional("default", Default::Str(""))],
        doc: "The value of a variable, or the default.",
        example: "environ.get HOME",
        call: get,
    },
    Function {
        name: "has_value",
        params: &[Param::Required("key"), Param::Optional("value", Default::Null)],
        doc: "Whether a variable is set, to this value where one is given.",
        example: "environ.has_value HOME /root",
        call: has_value,
    },
    Function {
        name: "item",
        params: &[Param::Required("keys"), Param::Optional("default", Default::Str(""))],
        doc: "The values of one variable or a list of them.",
        example: "environ.item '[HOME, PATH]'",
        call: item,
    },
    Function { name: "items", params: &[], doc: "All variables.", example: "environ.items", call: items },
    Function {
        name: "setenv",
        params: &[
            Param::Required("environ"),
            Param::Optional("false_unsets", Default::Bool(false)),
            Param::Optional("clear_all", Default::Bool(false)),
            Param::Optional("update_minion", Default::Bool(false)),
            Param::Optional("permanent", Default::Bool(false)),
        ],
        doc: "Sets several variables for this call. With clear_all, all others are emptied or unset.",
        example: "environ.setenv '{foo: bar}'",
        call: setenv,
    },
    Function {
        name: "setval",
        params: &[
            Param::Required("key"),
            Param::Required("val"),
            Param::Optional("false_unsets", Default::Bool(false)),
            Param::Optional("permanent", Default::Bool(false)),
        ],
        doc: "Sets a variable for this call. False empties it, or unsets it with false_unsets.",
        example: "environ.setval foo bar",
        call: setval,
    },
];

/// Variables changed by this call; `None` is unset.
static CHANGES: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());

fn changed() -> MutexGuard<'static, BTreeMap<String, Option<String>>> {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What programs must find changed in our environment: name and new value, or none where it is unset.
pub fn changes() -> Vec<(OsString, Option<OsString>)> {
    changed().iter().map(|(name, value)| (name.into(), value.clone().map(OsString::from))).collect()
}

/// The value of a variable as this call sees it.
pub fn variable(name: &str) -> Option<String> {
    let change = changed().get(name).cloned();
    change.unwrap_or_else(|| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// All variables as this call sees them, sorted by name.
pub fn variables() -> BTreeMap<String, String> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let mut all: BTreeMap<_, _> =
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    for (name, value) in changed().iter() {
        match value {
            Some(value) => all.insert(name.clone(), value.clone()),
            None => all.remove(name),
        };
    }
    all
}

fn get(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(key) = args.get("key").as_str() else { return Ok(false.into()) };
    Ok(variable(key).map_or_else(|| args.get("default").clone(), Value::from))
}

fn has_value(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let current = args.get("key").as_str().and_then(variable);
    let wanted = args.get("value");
    Ok(current.is_some_and(|current| wanted.is_null() || wanted.as_str() == Some(&current)).into())
}

fn item(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let keys = match args.get("keys") {
        Value::List(keys) => keys.clone(),
        key @ Value::Str(_) => vec![key.clone()],
        _ => Vec::new(),
    };
    let value = |key: &Value| {
        key.as_str().and_then(variable).map_or_else(|| args.get("default").clone(), Value::from)
    };
    Ok(Value::Map(keys.iter().map(|key| (key.clone(), value(key))).collect()))
}

fn items(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::Map(variables().into_iter().collect()))
}

/// Salt's answer: the new value, null where it was unset, false where the value cannot be one.
fn assign(name: &str, value: &Value, false_unsets: bool) -> Value {
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    let new = match value {
        Value::Bool(false) if false_unsets => None,
        Value::Bool(false) => Some(String::new()),
        Value::Str(text) if !text.contains('\0') => Some(text.clone()),
        _ => return false.into(),
    };
    if !is_name {
        return false.into();
    }
    changed().insert(name.to_owned(), new.clone());
    new.into()
}

fn setval(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(key) = args.get("key").as_str() else { return Ok(false.into()) };
    Ok(assign(key, args.get("val"), args.bool("false_unsets")))
}

fn setenv(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(wanted) = args.get("environ").as_map() else { return Ok(false.into()) };
    let false_unsets = args.bool("false_unsets");
    let mut result = Map::new();
    if args.bool("clear_all") {
        for name in variables().into_keys().filter(|name| !wanted.contains_key(name)) {
            let answer = assign(&name, &Value::Bool(false), false_unsets);
            result.insert(name, answer);
        }
    }
    for (name, value) in wanted {
        let (Some(key), Value::Str(_) | Value::Bool(false)) = (name.as_str(), value) else {
            return Ok(false.into());
        };
        result.insert(key, assign(key, value, false_unsets));
    }
    Ok(result.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn a_variable_is_set_seen_emptied_and_unset() {
        let name = "HALITE_TEST_SETVAL";
        assert_eq!(ok("environ.setval", Args::of([name, "one"])), "one".into());
        assert_eq!(ok("environ.get", Args::of([name])), "one".into());
        assert_eq!(ok("environ.has_value", Args::of([name, "one"])), true.into());
        assert_eq!(ok("environ.has_value", Args::of([name, "two"])), false.into());
        assert!(changes().contains(&(name.into(), Some("one".into()))));
        assert_eq!(ok("environ.setval", Args::of([name.into(), Value::Bool(false)])), "".into());
        assert_eq!(ok("environ.has_value", Args::of([name])), true.into());
        let unset = Args::of([name.into(), Value::Bool(false)]).with("false_unsets", true);
        assert_eq!(ok("environ.setval", unset), Value::Null);
        assert_eq!(ok("environ.has_value", Args::of([name])), false.into());
        assert_eq!(ok("environ.setval", Args::of([name.into(), Value::Int(1)])), false.into());
    }

    #[test]
    fn several_variables_are_asked_at_once() {
        let asked = Args::of([Value::from(vec!["PATH", "HALITE_TEST_NONE"])]).with("default", "-");
        let answer = ok("environ.item", asked);
        assert_eq!(answer.get("HALITE_TEST_NONE"), Some(&"-".into()));
        assert_eq!(answer.get("PATH"), ok("environ.items", Args::default()).get("PATH"));
    }
}
