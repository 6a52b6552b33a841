//! What one SLS declares, brought into one form: IDs, `include`, `extend`, `exclude`.

use super::argument_name;
use crate::places::Places;
use crate::text::{split_function, text};
use halite_wire::{Map, Value};

/// The SLS that is being read.
pub(super) struct File<'f> {
    pub saltenv: &'f str,
    pub sls: &'f str,
    pub places: &'f Places,
    /// Whether its states note where they are from; those of a template that is no SLS do not.
    pub signs: bool,
}

impl File<'_> {
    fn place(&self, id: &str, key: Option<&str>) -> String {
        self.places.show(self.saltenv, self.sls, id, key)
    }

    fn refuse_unnamed(&self, id: &Value, body: &Map, errors: &mut Vec<String>) {
        for key in body.keys().filter(|key| key.as_str().is_none()) {
            let place = self.place(&text(id), None);
            errors.push(format!("{place}: {} under {:?} is no name of a state", text(key), text(id)));
        }
    }

    /// Notes in `body` which SLS it is from.
    fn sign(&self, body: &mut Map) {
        if self.signs {
            body.entry_or("__sls__", || self.sls.into());
            body.entry_or("__env__", || self.saltenv.into());
        }
    }
}

/// Puts `items` behind those of the list under `key`, which is made where there is none.
pub(super) fn append(map: &mut Map, key: &str, items: impl IntoIterator<Item = Value>) {
    let mut all = match map.get_mut(key) {
        Some(Value::List(before)) => std::mem::take(before),
        _ => Vec::new(),
    };
    all.extend(items);
    map.insert(key, Value::List(all));
}

pub(super) fn take_includes(state: &mut Map, file: &File, errors: &mut Vec<String>) -> Vec<Value> {
    match state.get("include") {
        None => Vec::new(),
        Some(Value::List(_)) => match state.remove("include") {
            Some(Value::List(items)) => items,
            _ => Vec::new(),
        },
        Some(other) => {
            let place = file.place("include", None);
            errors.push(format!("{place}: include takes a list of SLS, not {}", other.kind()));
            state.remove("include");
            Vec::new()
        }
    }
}

pub(super) fn take_extends(state: &mut Map, file: &File, errors: &mut Vec<String>) {
    let mut extends = match state.remove("extend") {
        None => return,
        Some(Value::Map(extends)) => extends,
        Some(other) => {
            let place = file.place("extend", None);
            errors.push(format!("{place}: extend takes a map of IDs, not {}", other.kind()));
            return;
        }
    };
    for (id, body) in extends.iter_mut() {
        let Value::Map(body) = body else {
            let (place, id) = (file.place("extend", id.as_str()), text(id));
            errors.push(format!("{place}: extend of {id:?} takes a map of states, not {}", body.kind()));
            continue;
        };
        file.sign(body);
        file.refuse_unnamed(id, body, errors);
        for key in keys(body) {
            if let Some((state, function)) = split_function(&key)
                && body.get(&key).is_some_and(|value| value.as_list().is_some())
            {
                split_key(body, &key, state, function);
            }
        }
    }
    append(state, "__extend__", [Value::Map(extends)]);
}

pub(super) fn take_excludes(state: &mut Map, file: &File, errors: &mut Vec<String>) {
    match state.remove("exclude") {
        None => {}
        Some(Value::List(items)) => append(state, "__exclude__", items),
        Some(other) => {
            let place = file.place("exclude", None);
            errors.push(format!("{place}: exclude takes a list, not {}", other.kind()));
        }
    }
}

/// Brings every ID into the long form, `{state: [function, arguments ...]}`, signed with its SLS.
pub(super) fn complete(state: &mut Map, file: &File, errors: &mut Vec<String>) {
    for (id, body) in state.iter_mut() {
        match body {
            Value::Map(body) => complete_body(id, body, file, errors),
            _ if matches!(id.as_str(), Some("__extend__" | "__exclude__")) => {}
            other => match other.as_str().and_then(split_function) {
                Some((state, function)) => {
                    let mut long = Map::new();
                    file.sign(&mut long);
                    long.insert(state, vec![function]);
                    *other = Value::Map(long);
                }
                None => {
                    let place = file.place(&text(id), None);
                    let (id, kind) = (text(id), other.kind());
                    errors.push(format!("{place}: the ID {id:?} takes a map of states, not {kind}"));
                }
            },
        }
    }
}

fn complete_body(id: &Value, body: &mut Map, file: &File, errors: &mut Vec<String>) {
    let mut seen: Vec<String> = Vec::new();
    file.refuse_unnamed(id, body, errors);
    for key in keys(body) {
        if body.get(&key).is_none_or(|value| value.as_list().is_none()) {
            continue;
        }
        match split_function(&key) {
            Some((state, _)) if seen.iter().any(|known| known == state) => {
                let place = file.place(&text(id), Some(&key));
                let id = text(id);
                errors
                    .push(format!("{place}: the ID {id:?} already has a {state}; give this one its own ID"));
            }
            Some((state, function)) => {
                split_key(body, &key, state, function);
                seen.push(state.to_owned());
            }
            None => seen.push(key),
        }
    }
    file.sign(body);
}

/// `file.managed: [...]` as `file: [..., managed]`, now the last key.
fn split_key(body: &mut Map, key: &str, state: &str, function: &str) {
    if let Some(Value::List(mut arguments)) = body.remove(key) {
        arguments.push(function.into());
        body.insert(state, Value::List(arguments));
    }
}

fn keys(body: &Map) -> Vec<String> {
    let keys = body.keys().filter_map(Value::as_str).filter(|key| !key.starts_with('_'));
    keys.map(str::to_owned).collect()
}

/// Gives every state that says no `order` the next number.
pub(super) fn number(state: &mut Map, next: &mut i64) {
    for (_, body) in state.iter_mut() {
        for (key, arguments) in body.as_map_mut().into_iter().flat_map(Map::iter_mut) {
            let Value::List(arguments) = arguments else { continue };
            if key.as_str().is_none_or(|key| key.starts_with('_')) {
                continue;
            }
            if !arguments.iter().any(|item| argument_name(item) == Some("order")) {
                arguments.push(Value::Map(Map::from([("order", *next)])));
                *next += 1;
            }
        }
    }
}
