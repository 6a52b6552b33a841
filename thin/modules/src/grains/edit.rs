//! The functions of `grains` that change the grains file. The grains are gathered anew after each.

use super::static_file;
use crate::registry::CallError;
use crate::traverse;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

pub fn setvals(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let grains = args.get("grains").as_map().ok_or_else(|| args.wrong("grains must be a dictionary"))?;
    store(ctx, grains.clone(), args.bool("destructive"))
}

pub fn setval(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let grains = Map::from([(args.get("key").clone(), args.get("val").clone())]);
    store(ctx, grains, args.bool("destructive"))
}

/// Puts `grains` into the file, or takes out those that are null where `destructive`. Returns `grains`.
fn store(ctx: &mut Ctx, grains: Map, destructive: bool) -> Result<Value, CallError> {
    let failed = |error: static_file::StaticFileError| CallError::failed(error.to_string());
    // Such a key could be written, and nothing could read the file any more.
    if let Some(key) = grains.keys().find(|key| matches!(key, Value::List(_) | Value::Map(_))) {
        return Err(CallError::failed(format!("a {} cannot name a grain", key.kind())));
    }
    let mut kept = static_file::read(ctx).map_err(failed)?;
    for (key, value) in &grains {
        if destructive && value.is_null() {
            kept = kept.into_iter().filter(|(other, _)| other != key).collect();
        } else {
            kept.insert(key.clone(), value.clone());
        }
    }
    static_file::write(ctx, &kept).map_err(failed)?;
    ctx.forget_grains();
    Ok(Value::Map(grains))
}

fn existing(ctx: &mut Ctx, key: &str, delimiter: &str) -> Option<Value> {
    traverse::get(ctx.grains(), key, delimiter).cloned()
}

pub fn append(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter, added) = (args.str("key")?, args.str("delimiter")?, args.get("val"));
    let mut members = match existing(ctx, &key, &delimiter) {
        None => Vec::new(),
        Some(Value::List(members)) => members,
        Some(Value::Null) if args.bool("convert") => Vec::new(),
        Some(single) if args.bool("convert") => vec![single],
        Some(_) => return Ok(format!("The grain {key} is not a list").into()),
    };
    if members.contains(added) {
        return Ok(format!("The list {key} has that value already").into());
    }
    match added {
        Value::List(several) => members.extend(several.iter().cloned()),
        single => members.push(single.clone()),
    }
    store_list(ctx, &key, &delimiter, members)
}

pub fn remove(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter) = (args.str("key")?, args.str("delimiter")?);
    let mut members = match existing(ctx, &key, &delimiter) {
        None => Vec::new(),
        Some(Value::List(members)) => members,
        Some(_) => return Ok(format!("The grain {key} is not a list").into()),
    };
    let Some(at) = members.iter().position(|member| member == args.get("val")) else {
        return Ok(format!("The list {key} has no such value").into());
    };
    members.remove(at);
    store_list(ctx, &key, &delimiter, members)
}

/// Stores a list at a path: the top grain goes into the file with everything it has.
fn store_list(ctx: &mut Ctx, path: &str, delimiter: &str, members: Vec<Value>) -> Result<Value, CallError> {
    let (mut path, mut value) = (path.to_owned(), Value::List(members));
    while let Some((parent, last)) = split_last(&path, delimiter) {
        let mut around = existing(ctx, &parent, delimiter).unwrap_or_else(|| Value::Map(Map::new()));
        if let Value::Map(map) = &mut around {
            map.insert(last, value);
        }
        (path, value) = (parent, around);
    }
    store(ctx, Map::from([(path, value)]), false)
}

fn split_last(path: &str, delimiter: &str) -> Option<(String, String)> {
    let at = path.rfind(delimiter).filter(|_| !delimiter.is_empty())?;
    Some((path.get(..at)?.to_owned(), path.get(at + delimiter.len()..)?.to_owned()))
}

/// What `set` shall do.
struct Setting {
    key: String,
    value: Value,
    force: bool,
    destructive: bool,
    delimiter: String,
}

pub fn set(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let setting = Setting {
        key: args.str("key")?,
        value: args.get("val").clone(),
        force: args.bool("force"),
        destructive: args.bool("destructive"),
        delimiter: args.str("delimiter")?,
    };
    put(ctx, setting)
}

pub fn delval(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (force, destructive) = (args.bool("force"), args.bool("destructive"));
    let delimiter = traverse::DELIMITER.to_owned();
    put(ctx, Setting { key: args.str("key")?, value: Value::Null, force, destructive, delimiter })
}

pub fn delkey(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (force, delimiter) = (args.bool("force"), traverse::DELIMITER.to_owned());
    put(ctx, Setting { key: args.str("key")?, value: Value::Null, force, destructive: true, delimiter })
}

/// Answers `{comment, changes, result}`.
fn put(ctx: &mut Ctx, setting: Setting) -> Result<Value, CallError> {
    let Setting { key, value, force, destructive, delimiter } = setting;
    let old = existing(ctx, &key, &delimiter);
    let removes = value.is_null() && destructive;
    if old.as_ref() == Some(&value) && !removes {
        return Ok(answer("The grain has this value already", Map::new(), true));
    }
    let is_nested = |value: &Value| matches!(value, Value::Map(_) | Value::List(_));
    if let Some(old) = old.filter(|old| !old.is_null() && !force) {
        if is_nested(&old) {
            return Ok(answer(
                &format!("The grain '{key}' is a list or dictionary: replacing it needs force=True"),
                Map::new(),
                false,
            ));
        }
        if is_nested(&value) {
            return Ok(answer(
                &format!(
                    "The grain '{key}' has a single value: replacing it by a list or dictionary needs force=True"
                ),
                Map::new(),
                false,
            ));
        }
    }
    let (mut path, mut value) = (key, value);
    while let Some((parent, last)) = split_last(&path, &delimiter) {
        let around = existing(ctx, &parent, &delimiter).unwrap_or_else(|| Value::Map(Map::new()));
        value = match within(around, &last, value, destructive, force) {
            Ok(around) => around,
            Err(other) => {
                let other = crate::args::as_text(&other).unwrap_or_default();
                let comment =
                    format!("The grain '{parent}' is '{other}', not '{last}': replacing it needs force=True");
                return Ok(answer(&comment, Map::new(), false));
            }
        };
        path = parent;
    }
    let changes = store(ctx, Map::from([(path, value)]), destructive)?;
    Ok(answer("", if let Value::Map(changes) = changes { changes } else { Map::new() }, true))
}

/// `around` with `value` under `key`; a list gets (or has) a dictionary with that key, a single value equal to the key
/// becomes one.
fn within(
    mut around: Value,
    key: &str,
    value: Value,
    destructive: bool,
    force: bool,
) -> Result<Value, Value> {
    match &mut around {
        Value::Map(map) if value.is_null() && destructive => {
            map.remove(key);
        }
        Value::Map(map) => {
            map.insert(key, value);
        }
        Value::List(items) => put_in_list(items, key, &value),
        single if force || single.as_str() == Some(key) => around = Value::Map(Map::from([(key, value)])),
        _ => return Err(around),
    }
    Ok(around)
}

fn put_in_list(items: &mut Vec<Value>, key: &str, value: &Value) {
    let mut found = false;
    for item in items.iter_mut() {
        match item {
            Value::Str(text) if text == key => *item = Value::Map(Map::from([(key, value.clone())])),
            Value::Map(map) if map.contains_key(key) => {
                map.insert(key, value.clone());
            }
            _ => continue,
        }
        found = true;
    }
    if !found {
        items.push(Value::Map(Map::from([(key, value.clone())])));
    }
}

fn answer(comment: &str, changes: Map, result: bool) -> Value {
    Value::Map(Map::from([
        ("comment", Value::from(comment)),
        ("changes", Value::Map(changes)),
        ("result", Value::Bool(result)),
    ]))
}

pub fn get_or_set_hash(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, delimiter) = (args.str("name")?, traverse::DELIMITER);
    if let Some(known) = existing(ctx, &name, delimiter).filter(|value| !value.is_null()) {
        return Ok(known);
    }
    let length =
        usize::try_from(args.int("length")?).map_err(|_| args.wrong("length must not be negative"))?;
    let letters: Vec<char> = args.str("chars")?.chars().collect();
    let text =
        crate::mod_random::text_of(&letters, length).map_err(|error| CallError::failed(error.to_string()))?;
    let made = Value::from(text);
    let setting = Setting {
        key: name,
        value: made.clone(),
        force: false,
        destructive: false,
        delimiter: delimiter.to_owned(),
    };
    let put = put(ctx, setting)?;
    if put.get("result").is_some_and(Value::is_truthy) {
        Ok(made)
    } else {
        Err(CallError::failed(put.get("comment").and_then(Value::as_str).unwrap_or_default()))
    }
}
