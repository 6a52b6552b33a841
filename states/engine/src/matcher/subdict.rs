//! Values inside data against `key:inner:pattern`, whatever depth the key ends at.

use crate::text::{fits, text};
use halite_pattern::{Flags, Kind, Pattern};
use halite_wire::{Map, Value, traverse};

/// How a value is held against the pattern. Case never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Glob,
    Regex,
    Exact,
}

/// Whether `expression` finds what it asks for. Keys may hold the delimiter: the deepest reading is tried first.
pub(super) fn matches(data: &Map, expression: &str, delimiter: &str, compare: Compare) -> bool {
    if delimiter.is_empty() {
        return false;
    }
    let parts: Vec<&str> = expression.split(delimiter).collect();
    (1..parts.len()).rev().any(|depth| {
        let key = parts[..depth].join(delimiter);
        if key == "*" {
            return !data.is_empty() && map_has(data, expression, compare);
        }
        let wanted = parts[depth..].join(delimiter);
        traverse::get(data, &key, delimiter).is_some_and(|found| value_has(found, &wanted, compare))
    })
}

fn value_has(found: &Value, wanted: &str, compare: Compare) -> bool {
    match found {
        Value::Map(map) => !map.is_empty() && map_has(map, wanted, compare),
        Value::List(items) => items.iter().any(|item| {
            item.as_map().is_some_and(|map| map_has(map, wanted, compare)) || is(item, wanted, compare)
        }),
        other => is(other, wanted, compare),
    }
}

/// Whether a key fits, or what lies below does; `*:` in front looks one level deeper, under every key.
fn map_has(map: &Map, wanted: &str, compare: Compare) -> bool {
    let (wildcard, wanted) = wanted.strip_prefix("*:").map_or((false, wanted), |rest| (true, rest));
    if wanted == "*" || map.contains_key(wanted) || map.keys().any(|key| is(key, wanted, compare)) {
        return true;
    }
    if matches(map, wanted, traverse::DELIMITER, compare) {
        return true;
    }
    wildcard
        && map.values().any(|value| match value {
            Value::Map(inner) => map_has(inner, wanted, compare),
            Value::List(items) => items.iter().any(|item| is(item, wanted, compare)),
            other => is(other, wanted, compare),
        })
}

fn is(value: &Value, wanted: &str, compare: Compare) -> bool {
    let (value, wanted) = (text(value).to_lowercase(), wanted.to_lowercase());
    match compare {
        Compare::Glob => fits(&value, &wanted),
        Compare::Exact => value == wanted,
        Compare::Regex => Pattern::new(&wanted, Flags::default(), Kind::Text)
            .is_ok_and(|pattern| matches!(pattern.match_start(value.as_bytes()), Ok(Some(_)))),
    }
}
