//! High data into low chunks, one for every state function that is to run, in the order they run in.

use crate::Options;
use crate::high::High;
use crate::text::{first, is_internal, text};
use halite_wire::{Map, Value};
use std::cmp::Ordering;

/// The chunks that `state.apply` runs: extensions, requisites from the other side and exclusions are worked in.
///
/// A chunk has `state`, `fun`, `name`, `__id__`, `__sls__`, `__env__`, `order`, `__sls_included_from__` where it came
/// by an include, and its arguments.
///
/// # Errors
/// Everything that is wrong with the tree, one line each.
pub fn low(mut high: High, options: &Options) -> Result<Vec<Map>, Vec<String>> {
    if !high.errors.is_empty() {
        return Err(high.errors);
    }
    high.reconcile(options)?;
    chunks(high)
}

/// The chunks as `state.show_low_sls` shows them: what an SLS says, before states have any effect on one another.
///
/// # Errors
/// As [`low()`].
pub fn low_of_sls(mut high: High) -> Result<Vec<Map>, Vec<String>> {
    let mut errors = std::mem::take(&mut high.errors);
    errors.extend(high.verify());
    if errors.is_empty() { chunks(high) } else { Err(errors) }
}

fn chunks(high: High) -> Result<Vec<Map>, Vec<String>> {
    let (mut chunks, mut errors) = (Vec::new(), Vec::new());
    for (id, body) in high.data.into_iter().filter(|(id, _)| !is_internal(id)) {
        let Value::Map(body) = body else { continue };
        let mut own = Map::from([("__id__", id.clone())]);
        let mut states = Vec::new();
        for (key, value) in body {
            match (is_internal(&key), value) {
                (false, Value::List(arguments)) => states.push((key, arguments)),
                (true, value)
                    if matches!(key.as_str(), Some("__sls__" | "__env__" | "__sls_included_from__")) =>
                {
                    own.insert(key, value);
                }
                _ => {}
            }
        }
        for (state, arguments) in states {
            if let Err(error) = expand(&own, &id, &state, arguments, &mut chunks) {
                errors.push(format!("{}: {error}", high.places.of(&own, &text(&id), state.as_str())));
            }
        }
    }
    if errors.is_empty() { Ok(order(chunks)) } else { Err(errors) }
}

/// One chunk, or one for each of `names`. `own` is what all states of the ID have.
fn expand(
    own: &Map,
    id: &Value,
    state: &Value,
    arguments: Vec<Value>,
    chunks: &mut Vec<Map>,
) -> Result<(), String> {
    let mut chunk = own.clone();
    chunk.insert("state", state.clone());
    chunk.insert("name", id.clone());
    let (mut functions, mut names) = (Vec::new(), Vec::new());
    for argument in arguments {
        match argument {
            Value::Str(function) if !functions.contains(&function) => functions.push(function),
            Value::Map(argument) => {
                for (key, value) in argument {
                    match key.as_str() {
                        Some("names") => names_of(value, &mut names)?,
                        Some("state") => {}
                        Some("name") if value.as_str().is_none() => {
                            chunk.insert("name", id.clone());
                        }
                        _ => {
                            chunk.insert(key, value);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    // There is one function, or none where the state is called like a requisite.
    if let Some(function) = functions.into_iter().next() {
        chunk.insert("fun", function);
        if names.is_empty() { chunks.push(chunk) } else { chunks.extend(named(&chunk, &names)?) }
    }
    Ok(())
}

fn names_of(value: Value, names: &mut Vec<Value>) -> Result<(), String> {
    let new: Vec<Value> = match value {
        Value::List(items) => items,
        Value::Map(map) => map.into_iter().map(|(name, _)| name).collect(),
        Value::Str(text) => text.chars().map(|c| Value::from(c.to_string())).collect(),
        other => return Err(format!("names takes a list, not {}", other.kind())),
    };
    for name in new {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(())
}

/// A chunk for each name, with the arguments a name has of its own.
fn named(chunk: &Map, names: &[Value]) -> Result<Vec<Map>, String> {
    let mut all = Vec::with_capacity(names.len());
    for (at, entry) in names.iter().enumerate() {
        let mut live = chunk.clone();
        match entry {
            Value::Map(entry) => {
                let (name, overrides) = first(entry).ok_or("names has an empty map in its list")?;
                live.insert("name", name.clone());
                for argument in overrides.as_list().ok_or_else(|| wrong_overrides(name, overrides))? {
                    let argument = argument.as_map().ok_or_else(|| wrong_overrides(name, argument))?;
                    live.extend(argument.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            name => {
                live.insert("name", name.clone());
            }
        }
        live.insert("name_order", at + 1);
        all.push(live);
    }
    Ok(all)
}

fn wrong_overrides(name: &Value, found: &Value) -> String {
    format!("the name {:?} takes a list of arguments of its own, not {}", text(name), found.kind())
}

/// What `last` and negative orders are counted from, above all others.
const LAST: i64 = 1_000_000;

/// Turns every `order` into a number and sorts by it, then by state, name and function.
fn order(mut chunks: Vec<Map>) -> Vec<Map> {
    let mut cap = 1;
    for own in chunks.iter().filter_map(|chunk| integer(chunk.get("order")?)) {
        if own > cap - 1 && own > 0 {
            cap = own.saturating_add(100);
        }
    }
    for chunk in &mut chunks {
        number(chunk, cap);
    }
    let mut keyed: Vec<(f64, String, Map)> = chunks
        .into_iter()
        .map(|chunk| {
            let shown = |key: &str| chunk.get(key).map_or("".into(), text);
            let label = format!("{}{}{}", shown("state"), shown("name"), shown("fun"));
            (float(chunk.get("order")), label, chunk)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, _, chunk)| chunk).collect()
}

fn number(chunk: &mut Map, cap: i64) {
    let mut order = match chunk.get("order") {
        None => {
            chunk.insert("order", cap);
            return;
        }
        Some(own @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => own.clone(),
        Some(Value::Str(word)) if word == "last" => Value::Int(cap.saturating_add(LAST)),
        Some(Value::Str(word)) if word == "first" => Value::Int(0),
        Some(_) => Value::Int(cap),
    };
    if let Some(among) = chunk.remove("name_order") {
        order = Value::Float(float(Some(&order)) + float(Some(&among)) / 10000.0);
    }
    if float(Some(&order)) < 0.0 {
        order = match order {
            Value::Int(own) => Value::Int(cap.saturating_add(LAST).saturating_add(own)),
            own => Value::Float(float(Some(&cap.saturating_add(LAST).into())) + float(Some(&own))),
        };
    }
    chunk.insert("order", order);
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    }
}

fn float(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Float(number)) => *number,
        Some(other) => integer(other).map_or(0.0, |number| number as f64),
        None => 0.0,
    }
}
