//! How Salt lays one dictionary over another.

use crate::CallError;
use halite_wire::{Map, Value};

/// Lays `over` on `dest`, dictionaries entry by entry. Lists are replaced, or with `merge_lists` grow by what they
/// do not hold yet.
pub fn update(dest: &mut Map, over: Map, merge_lists: bool) {
    for (key, value) in over {
        match (dest.get_value_mut(&key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => update(old, new, merge_lists),
            (Some(Value::List(old)), Value::List(new)) if merge_lists => {
                let fresh: Vec<Value> = new.into_iter().fold(Vec::new(), |mut fresh, item| {
                    if !old.contains(&item) && !fresh.contains(&item) {
                        fresh.push(item);
                    }
                    fresh
                });
                old.extend(fresh);
            }
            (Some(old), value) => *old = value,
            (None, value) => {
                dest.insert(key, value);
            }
        }
    }
}

/// `dest` with `over` laid on it, by one of Salt's strategies: `smart`, `recurse`, `overwrite`, `list`,
/// `aggregate`, `none`. Others are `recurse`.
pub fn merge(dest: Map, over: Map, strategy: &str, renderer: &str, merge_lists: bool) -> Map {
    let yamlex = renderer.rsplit('|').next() == Some("yamlex") || renderer.starts_with("yamlex_");
    let mut merged = dest;
    match strategy {
        "list" => return side_by_side(merged, &over),
        "overwrite" | "aggregate" => merged.extend(over),
        "smart" if yamlex => merged.extend(over),
        _ => update(&mut merged, over, merge_lists && strategy != "none"),
    }
    merged
}

/// Entries both have become lists of the two values; those only `over` has are left out.
fn side_by_side(dest: Map, over: &Map) -> Map {
    dest.into_iter()
        .map(|(key, value)| {
            let both = over.get_value(&key).map(|other| Value::List(vec![value.clone(), other.clone()]));
            (key, both.unwrap_or(value))
        })
        .collect()
}

/// A dictionary for [`update`]; `what` names it in the message.
///
/// # Errors
/// It is none.
pub fn dictionary(value: &Value, what: &str) -> Result<Map, CallError> {
    let wrong = || CallError::Failed(format!("{what} must be a dictionary, not {}", value.kind()));
    value.as_map().cloned().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> Map {
        serde_json::from_str::<Value>(text).unwrap().as_map().cloned().unwrap()
    }

    #[test]
    fn strategies_differ_in_what_both_have() {
        let merged = |strategy| {
            let (a, b) = (data(r#"{"a": {"x": 1, "l": [1]}, "c": 1}"#), data(r#"{"a": {"y": 2, "l": [2]}}"#));
            merge(a, b, strategy, "yaml", false)
        };
        assert_eq!(merged("smart"), data(r#"{"a": {"x": 1, "l": [2], "y": 2}, "c": 1}"#));
        assert_eq!(merged("overwrite"), data(r#"{"a": {"y": 2, "l": [2]}, "c": 1}"#));
        assert_eq!(merged("list"), data(r#"{"a": [{"x": 1, "l": [1]}, {"y": 2, "l": [2]}], "c": 1}"#));
    }

    #[test]
    fn lists_grow_by_what_they_lack() {
        let mut dest = data(r#"{"l": [1, 2]}"#);
        update(&mut dest, data(r#"{"l": [2, 3, 3]}"#), true);
        assert_eq!(dest, data(r#"{"l": [1, 2, 3]}"#));
    }
}
