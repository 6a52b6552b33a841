//! Values deep inside data, by a path like `interfaces:eth0:0`.

use crate::{Map, Value};

/// What stands between the steps of a path where the caller says nothing.
pub const DELIMITER: &str = ":";

/// What lies at `path` in `data`, as Salt finds it: a name picks from a map, and from the first map in a list
/// that has it; a number picks from a list. An empty delimiter makes the path one name.
pub fn get<'a>(data: &'a Map, path: &str, delimiter: &str) -> Option<&'a Value> {
    let (first, rest) = match path.split_once(delimiter) {
        Some((first, rest)) if !delimiter.is_empty() => (first, Some(rest)),
        _ => (path, None),
    };
    let found = from_map(data, first)?;
    rest.map_or(Some(found), |rest| rest.split(delimiter).try_fold(found, step))
}

fn from_map<'a>(map: &'a Map, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| map.get_value(&typed(name)?))
}

/// What YAML makes of a name that is no text: keys may be numbers and booleans.
fn typed(name: &str) -> Option<Value> {
    match name {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(Value::Bool(false)),
        number => number.parse().ok().map(Value::Int),
    }
}

fn step<'a>(data: &'a Value, name: &str) -> Option<&'a Value> {
    match data {
        Value::Map(map) => from_map(map, name),
        Value::List(items) => match name.parse::<i64>() {
            Err(_) => items.iter().find_map(|item| item.get(name)),
            Ok(number) => {
                let by_key = items.iter().find_map(|item| item.as_map()?.get_value(&Value::Int(number)));
                by_key.or_else(|| items.get(index(number, items.len())?))
            }
        },
        _ => None,
    }
}

/// Python's index: negative numbers count from the end.
fn index(number: i64, len: usize) -> Option<usize> {
    let number = if number < 0 { number.checked_add(i64::try_from(len).ok()?)? } else { number };
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_maps_and_lists() {
        let inner = Value::Map(Map::from_iter([("name", "eth0")]));
        let data = Map::from_iter([("a", Value::from(vec![Value::from(7), inner.clone()])), ("a:b", inner)]);
        assert_eq!(get(&data, "a:0", ":"), Some(&Value::Int(7)));
        assert_eq!(get(&data, "a:-2", ":"), Some(&Value::Int(7)));
        assert_eq!(get(&data, "a:name", ":"), Some(&Value::from("eth0")));
        assert_eq!(get(&data, "a:b|name", "|"), Some(&Value::from("eth0")));
        assert_eq!(get(&data, "a:9", ":"), None);
        assert_eq!(get(&data, "a:0:x", ":"), None);
    }
}
