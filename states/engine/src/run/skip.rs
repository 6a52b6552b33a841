//! Returns of chunks that were not called.

use super::{tag, words};
use halite_wire::{Map, Value};

/// Puts `__sls__` and `__id__` of the chunk, and its name where there is none, into a return.
pub fn sign(low: &Map, ret: &mut Map) {
    for key in ["__sls__", "__id__"] {
        ret.insert(key, low.get(key).cloned().unwrap_or_default());
    }
    if !ret.contains_key("name") {
        ret.insert("name", low.get("name").cloned().unwrap_or_default());
    }
}

fn unasked(low: &Map, result: Option<bool>, comment: String) -> Map {
    let mut ret = Map::new();
    ret.insert("changes", Map::new());
    ret.insert("result", result);
    ret.insert("comment", comment);
    sign(low, &mut ret);
    ret
}

/// A condition of the chunk does not hold, and that is fine.
pub fn skipped(low: &Map, comment: &str) -> Map {
    let mut ret = unasked(low, Some(true), comment.to_owned());
    ret.insert("__state_ran__", false);
    ret
}

/// A `prereq` found nothing that would change.
pub fn nothing_ahead(low: &Map) -> Map {
    unasked(low, Some(true), "Not run: nothing it prepares for would change".to_owned())
}

/// `failed` are `sls.id`, each once.
pub fn failed_requisites(low: &Map, failed: &[String]) -> Map {
    unasked(low, Some(false), format!("One or more requisites failed: {}", failed.join(", ")))
}

/// `missing` are kind of requisite and `module: name`.
pub fn missing_requisites(low: &Map, missing: &[(&str, String)]) -> Map {
    let lines: Vec<String> = missing.iter().map(|(kind, what)| format!("    {kind}: {what}")).collect();
    unasked(low, Some(false), format!("No state answers to these requisites:\n{}\n", lines.join("\n")))
}

/// `with` is the state on the other end of the circle.
pub fn circle(low: &Map, with: &Map) -> Map {
    let (this, other) = (words(low.get("__id__")), words(with.get("__id__")));
    let comment = if this == other {
        format!("Recursive requisite: {this} waits for itself")
    } else {
        format!("Recursive requisite: {this} and {other} wait for each other")
    };
    unasked(low, Some(false), comment)
}

pub fn disabled(low: &Map, pattern: &str) -> Map {
    let fun = format!("{}.{}", words(low.get("state")), words(low.get("fun")));
    let comment = format!(
        "The state function \"{fun}\" is disabled by \"{pattern}\"; state.enable {pattern} brings it back"
    );
    unasked(low, Some(false), comment)
}

/// Stands for a call that goes on beside the others.
pub fn started(low: &Map) -> Map {
    unasked(low, None, "Started beside the others".to_owned())
}

/// One entry of `sub_state_run`: `{low, changes, result, comment}`, signed by the state that ran it.
pub fn part(low: &Map, part: &Value) -> Option<(String, Map)> {
    let its_low = part.get("low")?.as_map()?;
    let mut ret = Map::from([("name", its_low.get("name").cloned().unwrap_or_default())]);
    for key in ["changes", "result", "comment", "duration", "start_time"] {
        if let Some(value) = part.get(key) {
            ret.insert(key, value.clone());
        }
    }
    ret.entry_or("comment", || "".into());
    ret.insert("__state_ran__", true);
    sign(low, &mut ret);
    Some((tag(its_low), ret))
}
