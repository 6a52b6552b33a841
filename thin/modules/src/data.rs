//! `data.*`: values this host keeps for itself between calls, in the file `datastore` of its cache directory.
//!
//! The file is one MessagePack map, as Salt writes it. It is for its owner's eyes alone and replaced as a whole; calls
//! that change it take turns.

use crate::registry::Default::Null;
use crate::registry::Param::{Optional, Required, Rest};
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx, cache, write};
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Map, Value};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "data",
    virtual_name: "data",
    doc: "Values this host keeps for itself.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "cas",
        params: &[Required("key"), Required("value"), Required("old_value")],
        doc: "Puts a value under a key if it has the old value; whether it had.",
        example: "data.cas leader web2 web1",
        call: |ctx, args| {
            let (key, old) = (args.get("key"), args.get("old_value"));
            change(ctx, |store| {
                let fits = store.get_value(key) == Some(old);
                if fits {
                    store.insert(key.clone(), args.get("value").clone());
                }
                fits.into()
            })
        },
    },
    Function {
        name: "clear",
        params: &[],
        doc: "Forgets all values.",
        example: "data.clear",
        call: |ctx, _| change(ctx, |store| std::mem::take(store).is_empty().into()).map(|_| true.into()),
    },
    Function {
        name: "dump",
        params: &[Required("new_data")],
        doc: "Keeps these values in place of all others; False where they are no dict.",
        example: "data.dump '{eggs: spam}'",
        call: dump,
    },
    Function {
        name: "get",
        params: &[Required("key"), Optional("default", Null)],
        doc: "The value of a key, or a list of the values of several.",
        example: "data.get '[eggs, bacon]'",
        call: get,
    },
    Function {
        name: "getval",
        params: &[Required("key")],
        doc: "The value of a key.",
        example: "data.getval eggs",
        call: |ctx, args| Ok(load(ctx)?.get_value(args.get("key")).cloned().unwrap_or_default()),
    },
    Function {
        name: "getvals",
        params: &[Rest("keys")],
        doc: "The values of several keys, as far as they are there.",
        example: "data.getvals eggs bacon",
        call: |ctx, args| {
            let store = load(ctx)?;
            Ok(args.rest().iter().filter_map(|key| store.get_value(key).cloned()).collect())
        },
    },
    Function {
        name: "has_key",
        params: &[Required("key")],
        doc: "Whether a key has a value.",
        example: "data.has_key eggs",
        call: |ctx, args| Ok(load(ctx)?.get_value(args.get("key")).is_some().into()),
    },
    Function {
        name: "items",
        params: &[],
        doc: "All keys and their values.",
        example: "data.items",
        call: |ctx, _| Ok(load(ctx)?.into()),
    },
    Function {
        name: "keys",
        params: &[],
        doc: "All keys.",
        example: "data.keys",
        call: |ctx, _| Ok(load(ctx)?.keys().cloned().collect()),
    },
    Function {
        name: "load",
        params: &[],
        doc: "All keys and their values.",
        example: "data.load",
        call: |ctx, _| Ok(load(ctx)?.into()),
    },
    Function {
        name: "pop",
        params: &[Required("key"), Optional("default", Null)],
        doc: "Forgets a key; the value it had.",
        example: "data.pop eggs nothing",
        call: |ctx, args| {
            let key = args.get("key");
            change(ctx, |store| {
                let value = store.get_value(key).unwrap_or(args.get("default")).clone();
                *store = std::mem::take(store).into_iter().filter(|(known, _)| known != key).collect();
                value
            })
        },
    },
    Function {
        name: "update",
        params: &[Required("key"), Required("value")],
        doc: "Puts a value under a key.",
        example: "data.update eggs spam",
        call: |ctx, args| {
            change(ctx, |store| {
                store.insert(args.get("key").clone(), args.get("value").clone());
                true.into()
            })
        },
    },
    Function {
        name: "values",
        params: &[],
        doc: "All values.",
        example: "data.values",
        call: |ctx, _| Ok(load(ctx)?.into_iter().map(|(_, value)| value).collect()),
    },
];

fn file(ctx: &Ctx) -> PathBuf {
    cache::dir(ctx).join("datastore")
}

fn failed(path: &std::path::Path, why: impl std::fmt::Display) -> CallError {
    CallError::Failed(format!("{}: {why}", path.display()))
}

/// What is kept; nothing where there is no file yet.
fn load(ctx: &Ctx) -> Result<Map, CallError> {
    let file = file(ctx);
    let bytes = match std::fs::read(&file) {
        Ok(bytes) if !bytes.is_empty() => bytes,
        Ok(_) => return Ok(Map::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(failed(&file, error)),
    };
    match decode_value(&bytes) {
        Ok(Value::Map(store)) => Ok(store),
        Ok(_) => Err(failed(&file, "it holds no dict; data.clear makes an empty one")),
        Err(error) => Err(failed(&file, error)),
    }
}

/// Loads, changes and writes while no other call does the same.
fn change(ctx: &Ctx, change: impl FnOnce(&mut Map) -> Value) -> Result<Value, CallError> {
    let (file, folder) = (file(ctx), cache::dir(ctx));
    cache::make_folder(&folder).map_err(|error| failed(&folder, error))?;
    let lock = File::open(&folder).map_err(|error| failed(&folder, error))?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(&folder, error))?;
    let before = load(ctx)?;
    let mut store = before.clone();
    let answer = change(&mut store);
    if store != before {
        let bytes = encode_value(&store.into()).map_err(|error| failed(&file, error))?;
        write::replace(&file, &bytes, 0o600).map_err(|error| failed(&file, error))?;
    }
    Ok(answer)
}

fn dump(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let read = match args.get("new_data") {
        Value::Str(text) => ctx.render.load_yaml(text).map_err(CallError::Failed)?,
        other => other.clone(),
    };
    let Value::Map(data) = read else { return Ok(false.into()) };
    change(ctx, |store| {
        *store = data;
        true.into()
    })
}

/// A list of keys gives the values that are there; with a default, one for each.
fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (store, default) = (load(ctx)?, args.get("default"));
    let value = |key: &Value| store.get_value(key).or(Some(default).filter(|default| !default.is_null()));
    Ok(match args.get("key") {
        Value::List(keys) => keys.iter().filter_map(|key| value(key).cloned()).collect(),
        key => value(key).cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;
    use crate::{Args, call};

    #[test]
    fn what_is_kept_is_there_in_the_next_call_and_changes_only_where_it_fits() {
        let dir = std::env::temp_dir().join(format!("halite-data-{}", std::process::id()));
        let ask = |fun: &str, args: Args| {
            alone(|ctx| {
                ctx.opts.insert("cachedir", dir.to_string_lossy().into_owned());
                call(ctx, fun, args).unwrap()
            })
        };
        assert_eq!(ask("data.load", Args::default()), Map::new().into());
        assert_eq!(ask("data.update", Args::of(["a", "b"])), true.into());
        assert_eq!(ask("data.cas", Args::of(["a", "c", "x"])), false.into());
        assert_eq!(ask("data.cas", Args::of(["a", "c", "b"])), true.into());
        let keys = || Value::from(vec!["a", "nothing"]);
        assert_eq!(ask("data.get", Args::of([keys()])), Value::from(vec!["c"]));
        assert_eq!(ask("data.get", Args::of([keys(), "d".into()])), Value::from(vec!["c", "d"]));
        assert_eq!(ask("data.has_key", Args::of(["nothing"])), false.into());
        assert_eq!(ask("data.pop", Args::of(["a"])), "c".into());
        assert_eq!(ask("data.dump", Args::of([Value::from(Map::from([("x", 1)]))])), true.into());
        assert_eq!(ask("data.values", Args::default()), vec![Value::from(1)].into());
        assert_eq!(ask("data.clear", Args::default()), true.into());
        assert_eq!(ask("data.keys", Args::default()), Value::List(Vec::new()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
