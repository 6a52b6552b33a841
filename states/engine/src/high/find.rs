//! Which IDs a reference means: by ID, by a `name` among the arguments, or by SLS.

use crate::text::{first, is_internal};
use halite_wire::{Map, Value};

/// IDs that `{state: name}` refers to, each with its state. Where `strict`, an ID counts only if it has the state.
///
/// A name that is no ID is looked for among the arguments: any one of a state of this kind with that very value.
pub(super) fn find_name(name: &Value, state: &str, high: &Map, strict: bool) -> Vec<(Value, String)> {
    let own = high.get_value(name);
    if own.is_some_and(|body| !strict || body.get(state).is_some()) {
        return vec![(name.clone(), state.to_owned())];
    }
    let bodies = high.iter().filter_map(|(id, body)| Some((id, body.as_map()?)));
    if state == "sls" {
        let of_sls = bodies.filter(|(_, body)| body.get("__sls__") == Some(name));
        let first_key =
            |body: &Map| first(body).and_then(|(key, _)| key.as_str()).unwrap_or_default().to_owned();
        return of_sls.map(|(id, body)| (id.clone(), first_key(body))).collect();
    }
    let mut found = Vec::new();
    for (id, body) in bodies {
        for argument in body.get(state).and_then(Value::as_list).unwrap_or_default() {
            let single = argument.as_map().filter(|map| map.len() == 1).and_then(first);
            if single.is_some_and(|(_, value)| value == name) {
                found.push((id.clone(), state.to_owned()));
            }
        }
    }
    found
}

/// All states of an SLS, as ID and state.
pub(super) fn find_sls(sls: &Value, high: &Map) -> Vec<(Value, String)> {
    let bodies = high.iter().filter_map(|(id, body)| Some((id, body.as_map()?)));
    let of_sls = bodies.filter(|(_, body)| body.get("__sls__") == Some(sls));
    of_sls.flat_map(|(id, body)| states(body).map(|state| (id.clone(), state.to_owned()))).collect()
}

/// Names of the states under an ID.
pub(super) fn states(body: &Map) -> impl Iterator<Item = &str> {
    body.keys().filter(|key| !is_internal(key)).filter_map(Value::as_str)
}

/// What a bare name in a requisite means: the ID's first state, or the state that has it as its `name`.
pub(super) fn find_bare(name: &Value, high: &Map) -> Option<(Value, String)> {
    if let Some(body) = high.get_value(name) {
        let state = states(body.as_map()?).next()?.to_owned();
        return Some((name.clone(), state));
    }
    high.iter().filter_map(|(id, body)| Some((id, body.as_map()?))).find_map(|(id, body)| {
        let mut states = states(body);
        let state = states.find(|state| {
            let arguments = body.get(state).and_then(Value::as_list).unwrap_or_default();
            arguments.iter().any(|argument| argument.get("name") == Some(name))
        })?;
        Some((id.clone(), state.to_owned()))
    })
}
