//! `exclude`: states taken out of high data, by ID or by the SLS they are from.

use crate::text::{fits, is_internal};
use halite_wire::{Map, Value};

/// Takes out what `__exclude__` names: `name` or `{sls: name}` (globs), or `{id: name}`.
pub(super) fn apply(high: &mut Map) {
    let Some(Value::List(items)) = high.remove("__exclude__") else { return };
    let (mut globs, mut gone) = (Vec::new(), Vec::new());
    for item in &items {
        match item {
            Value::Str(glob) => globs.push(glob.as_str()),
            Value::Map(map) if map.len() == 1 => match (map.get("sls"), map.get("id")) {
                (Some(Value::Str(glob)), _) => globs.push(glob),
                (_, Some(Value::Str(id))) => gone.push(id.clone()),
                _ => {}
            },
            _ => {}
        }
    }
    let states = high.iter().filter(|(id, _)| !is_internal(id));
    for (id, body) in states {
        let sls = body.get("__sls__").and_then(Value::as_str).unwrap_or_default();
        if !sls.is_empty() && globs.iter().any(|glob| fits(sls, glob)) {
            gone.extend(id.as_str().map(str::to_owned));
        }
    }
    if !gone.is_empty() {
        let gone: std::collections::HashSet<String> = gone.into_iter().collect();
        let kept = std::mem::take(high).into_iter();
        *high = kept.filter(|(id, _)| id.as_str().is_none_or(|id| !gone.contains(id))).collect();
    }
}

/// SLS named in `__exclude__`, as written.
pub(super) fn sls_names(high: &Map) -> Vec<String> {
    let items = high.get("__exclude__").and_then(Value::as_list).unwrap_or_default();
    let names = items.iter().filter_map(|item| item.as_str().or_else(|| item.get("sls")?.as_str()));
    names.map(str::to_owned).collect()
}
