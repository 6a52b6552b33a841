//! Whether a run as a whole went well.

use super::words;
use halite_wire::{Map, Value};

/// Whether no state failed. A failure that an `onfail` handler with `onfail_stop: False` took care of is none, as long
/// as no such handler failed itself. A run without any return went wrong.
pub fn succeeded(returns: &Map, chunks: &[Map]) -> bool {
    let failed = |ret: &Value| ret.get("result") == Some(&Value::Bool(false));
    !returns.is_empty()
        && returns
            .iter()
            .filter(|(_, ret)| failed(ret))
            .all(|(tag, _)| handled(&words(Some(tag)), returns, chunks))
}

fn handled(tag: &str, returns: &Map, chunks: &[Map]) -> bool {
    let mut parts = tag.split("_|-");
    let (state, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let of_handlers = chunks.iter().filter(|low| handles(low, state, id)).filter_map(|low| {
        let ret = returns.get(&super::tag(low))?;
        ret.get("result")?.as_bool()
    });
    let results: Vec<bool> = of_handlers.collect();
    !results.is_empty() && !results.contains(&false)
}

/// Whether this chunk takes care of failures of that one.
fn handles(low: &Map, state: &str, id: &str) -> bool {
    let stops = low.get("onfail_stop").is_none_or(|stop| *stop != Value::Bool(false));
    let handlers = low.get("onfail").and_then(Value::as_list).unwrap_or_default();
    let names = |requisite: &Value| {
        requisite.as_map().is_some_and(|map| {
            map.iter().any(|(key, name)| words(Some(key)) == state && words(Some(name)) == id)
        })
    };
    !stops && low.get_str("__id__") != Some(id) && handlers.iter().any(names)
}
