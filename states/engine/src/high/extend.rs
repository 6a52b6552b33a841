//! `extend`: arguments added to states that are declared elsewhere.

use super::exclude;
use super::find::{find_name, states};
use crate::places::Places;
use crate::text::{first, is_internal, text};
use halite_pattern::has_magic;
use halite_wire::{Map, Value};

/// Arguments that grow where they are extended; all others are replaced.
const GROWING: &[&str] = &[
    "listen",
    "onchanges",
    "onchanges_any",
    "onfail",
    "onfail_all",
    "onfail_any",
    "onfail_stop",
    "prereq",
    "prerequired",
    "require",
    "require_any",
    "watch",
    "watch_any",
];

/// Brings every entry of `__extend__` into the ID it means, and says which mean none.
pub(super) fn apply(high: &mut Map, places: &Places, strict: bool) -> Vec<String> {
    let Some(Value::List(extends)) = high.remove("__extend__") else { return Vec::new() };
    let excluded = exclude::sls_names(high);
    let mut errors = Vec::new();
    for (id, body) in extends.into_iter().filter_map(into_map).flatten() {
        let Value::Map(body) = body else { continue };
        let place = || written_at(places, &body, &id, strict);
        match target(&id, &body, high, strict) {
            Err(error) => errors.push(format!("{}: {error}", place())),
            Ok(_) if body.get_str("__sls__").is_some_and(|sls| excluded.iter().any(|gone| gone == sls)) => {}
            Ok(target) => {
                if let Some(Value::Map(states)) = high.get_value_mut(&target)
                    && let Err(error) = extend(states, &body)
                {
                    errors.push(format!("{}: {error}", place()));
                }
            }
        }
    }
    errors
}

fn into_map(value: Value) -> Option<Map> {
    if let Value::Map(map) = value { Some(map) } else { None }
}

/// Where the extension is written: under `extend`, or in the state that says a requisite from the other side.
fn written_at(places: &Places, body: &Map, id: &Value, strict: bool) -> String {
    let said_by =
        states(body).filter_map(|state| body.get(state)?.as_list()).flatten().find_map(|argument| {
            let (_, references) = first(argument.as_map()?)?;
            first(references.as_list()?.first()?.as_map()?).map(|(_, id)| text(id))
        });
    match said_by.filter(|_| strict) {
        Some(said_by) => places.of(body, &said_by, None),
        None => {
            let sls = body.get_str("__sls__").unwrap_or_default();
            places.show(body.get_str("__env__").unwrap_or("base"), sls, "extend", id.as_str())
        }
    }
}

/// The ID that is extended: the one of that name, or the only one with an argument of that value.
fn target(id: &Value, body: &Map, high: &Map, strict: bool) -> Result<Value, String> {
    let shown = text(id);
    let state = states(body).next().ok_or_else(|| format!("{shown:?} is extended by nothing"))?;
    if high.get_value(id).is_some_and(|own| own.get(state).is_some()) {
        return Ok(id.clone());
    }
    let mut found = find_name(id, state, high, strict);
    match found.len() {
        1 => Ok(found.remove(0).0),
        0 => Err(missing(&shown, state, high)),
        many => Err(format!("{many} states mean {shown:?} as {state}, so it cannot be extended; use an ID")),
    }
}

fn missing(id: &str, state: &str, high: &Map) -> String {
    if let Some(Value::Map(body)) = high.get(id) {
        let has: Vec<&str> = states(body).collect();
        return format!("{id:?} has no {state}, but {}", has.join(", "));
    }
    if has_magic(id.as_bytes()) {
        return format!("there is no {state} {id:?}: stars mean nothing here");
    }
    let ids =
        || high.iter().filter_map(|(own, body)| Some((own.as_str()?, body.as_map()?.get(state)?.as_list()?)));
    let has_name = |arguments: &[Value]| {
        let names = arguments.iter().filter_map(|argument| argument.get("names")?.as_list()).flatten();
        names.into_iter().any(|name| name.as_str() == Some(id) || name.get(id).is_some())
    };
    if let Some((own, _)) = ids().find(|(_, arguments)| has_name(arguments)) {
        return format!("{id:?} is but one of the names of {own:?}, so only {own:?} as a whole can be meant");
    }
    match halite_render::suggest::nearest(id, ids().map(|(own, _)| own)) {
        Some(near) => format!("there is no {state} {id:?} among all states; did you mean {near:?}?"),
        None => format!("there is no {state} {id:?} among all states; is the SLS included that declares it?"),
    }
}

fn extend(states: &mut Map, body: &Map) -> Result<(), String> {
    for (state, new) in body.iter().filter(|(state, _)| !is_internal(state)) {
        match (states.get_value_mut(state), new) {
            (None, new) => {
                states.insert(state.clone(), new.clone());
            }
            (Some(Value::List(arguments)), Value::List(new)) => {
                new.iter().try_for_each(|argument| extend_one(arguments, argument))?;
            }
            (Some(old), new) => {
                let odd = if old.as_list().is_none() { old.kind() } else { new.kind() };
                return Err(format!("{} takes a list of arguments, not {odd}", text(state)));
            }
        }
    }
    Ok(())
}

fn extend_one(arguments: &mut Vec<Value>, new: &Value) -> Result<(), String> {
    let mut is_done = false;
    for old in arguments.iter_mut() {
        match (&mut *old, new) {
            (Value::Str(function), Value::Str(other)) => {
                function.clone_from(other);
                is_done = true;
            }
            (Value::Map(own), Value::Map(other)) => {
                let (Some((name, value)), Some((own_name, _))) = (first(other), first(own)) else {
                    return Err("an empty map is no argument".to_owned());
                };
                if name == own_name {
                    let name = text(name).into_owned();
                    if GROWING.contains(&name.as_str()) {
                        grow(own, &name, value)?
                    } else {
                        *old = new.clone()
                    }
                    is_done = true;
                } else if name.as_str() == Some("name") && own_name.as_str() == Some("names") {
                    *old = new.clone();
                }
            }
            _ => {}
        }
    }
    if !is_done {
        arguments.push(new.clone());
    }
    Ok(())
}

/// Puts more references behind those of a requisite.
fn grow(argument: &mut Map, name: &str, more: &Value) -> Result<(), String> {
    let Some(Value::List(references)) = argument.get_mut(name) else {
        return Err(format!("{name} takes a list, so it cannot be extended here"));
    };
    match more {
        Value::List(more) => references.extend(more.iter().cloned()),
        Value::Map(more) => references.extend(more.keys().cloned()),
        Value::Str(more) => references.extend(more.chars().map(|c| Value::from(c.to_string()))),
        other => return Err(format!("{name} takes a list, not {}", other.kind())),
    }
    Ok(())
}
