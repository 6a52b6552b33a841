//! Two maps made one, by the strategies of `pillar_source_merging_strategy`.

use halite_wire::{Map, Value};

/// `above` merged over `below`.
///
/// `smart`, `recurse`, `overwrite`, `none` and names that are none merge maps in maps, and join lists where
/// `merge_lists`; `aggregate` replaces whole keys (no value can say that it aggregates); `list` pairs what both have,
/// and leaves out what only `above` has.
pub fn merge(below: Map, above: Map, strategy: &str, merge_lists: bool) -> Map {
    match strategy {
        "list" => below
            .into_iter()
            .map(|(key, value)| match above.get_value(&key) {
                Some(other) => (key, Value::List(vec![value, other.clone()])),
                None => (key, value),
            })
            .collect(),
        "aggregate" => {
            let mut merged = below;
            merged.extend(above);
            merged
        }
        "overwrite" => {
            let mut merged = below;
            for (key, value) in &above {
                if let Some(own) = merged.get_value_mut(key) {
                    own.clone_from(value);
                }
            }
            recurse(merged, above, merge_lists)
        }
        "smart" | "recurse" => recurse(below, above, merge_lists),
        _ => recurse(below, above, false),
    }
}

fn recurse(mut below: Map, above: Map, merge_lists: bool) -> Map {
    for (key, new) in above {
        match below.get_value_mut(&key) {
            None => {
                below.insert(key, new);
            }
            Some(own) => {
                *own = match (std::mem::take(own), new) {
                    (Value::Map(own), Value::Map(new)) => Value::Map(recurse(own, new, merge_lists)),
                    (Value::List(own), Value::List(new)) if merge_lists => Value::List(join(own, new)),
                    (_, new) => new,
                };
            }
        }
    }
    below
}

/// Items of the second list that are not yet in the first come behind it.
fn join(mut own: Vec<Value>, new: Vec<Value>) -> Vec<Value> {
    for item in new {
        if !own.contains(&item) {
            own.push(item);
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(yaml: &str) -> Map {
        halite_render::yaml::load(yaml).unwrap().to_value().as_map().cloned().unwrap()
    }

    #[test]
    fn strategies_differ_in_what_two_values_of_one_key_become() {
        let (below, above) = ("{a: {x: 1, l: [1, 2]}, b: 1}", "{a: {y: 2, l: [2, 3]}, c: 3}");
        let cases = [
            ("recurse", false, "{a: {x: 1, l: [2, 3], y: 2}, b: 1, c: 3}"),
            ("smart", true, "{a: {x: 1, l: [1, 2, 3], y: 2}, b: 1, c: 3}"),
            ("overwrite", false, "{a: {y: 2, l: [2, 3]}, b: 1, c: 3}"),
            ("aggregate", false, "{a: {y: 2, l: [2, 3]}, b: 1, c: 3}"),
            ("list", false, "{a: [{x: 1, l: [1, 2]}, {y: 2, l: [2, 3]}], b: 1}"),
        ];
        for (strategy, lists, expected) in cases {
            assert_eq!(merge(map(below), map(above), strategy, lists), map(expected), "{strategy}");
        }
    }
}
