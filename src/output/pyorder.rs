//! The order Python gives keys of a dict, where it has one.

use super::pyrepr;
use halite_wire::{Map, Value};
use std::cmp::Ordering;

/// The entries as `sorted()` orders their keys; `None` where Python refuses, because the kinds do not compare.
pub fn sorted(map: &Map) -> Option<Vec<(&Value, &Value)>> {
    let mut entries: Vec<_> = map.iter().collect();
    comparable(map.keys()).then(|| {
        entries.sort_by(|(a, _), (b, _)| compare(a, b));
        entries
    })
}

/// The items as `sorted()` orders them, or `None` as above.
pub fn sorted_list(items: &[Value]) -> Option<Vec<&Value>> {
    let mut items: Vec<_> = items.iter().collect();
    comparable(items.iter().copied()).then(|| {
        items.sort_by(|a, b| compare(a, b));
        items
    })
}

fn comparable<'a>(mut values: impl Iterator<Item = &'a Value>) -> bool {
    let Some(first) = values.next().map(rank) else { return true };
    values.all(|value| first != NONE && rank(value) == first)
}

/// The entries ordered by key, keys of different kinds by the name of their kind: always an order.
pub fn sorted_by_kind(map: &Map) -> Vec<(&Value, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| compare(a, b)));
    entries
}

const NONE: u8 = 0;

/// Kinds that compare with each other share a rank; ranks follow the names of Python's types.
fn rank(key: &Value) -> u8 {
    match key {
        Value::Null => NONE,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => 1,
        Value::Bytes(_) => 2,
        Value::Map(_) => 3,
        Value::Str(_) => 4,
        Value::List(_) => 5,
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => compare_lists(a, b),
        _ if rank(a) == 1 && rank(b) == 1 => compare_numbers(a, b),
        _ => rank(a).cmp(&rank(b)).then_with(|| pyrepr::repr(a).cmp(&pyrepr::repr(b))),
    }
}

fn compare_lists(a: &[Value], b: &[Value]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// By the nearest float; the exact digits decide between equal ones, which keeps the order total.
fn compare_numbers(a: &Value, b: &Value) -> Ordering {
    nearest(a).total_cmp(&nearest(b)).then_with(|| {
        let (a, b) = (pyrepr::repr(a), pyrepr::repr(b));
        let by_digits = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
        if a.starts_with('-') { by_digits.reverse() } else { by_digits }
    })
}

fn nearest(number: &Value) -> f64 {
    match number {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Float(number) => *number,
        other => pyrepr::repr(other).parse().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: Vec<Value>) -> Option<Vec<String>> {
        let map: Map = keys.into_iter().map(|key| (key, Value::Null)).collect();
        Some(sorted(&map)?.iter().map(|(key, _)| pyrepr::repr(key)).collect())
    }

    #[test]
    fn numbers_of_all_kinds_compare_by_size() {
        let keys = vec![
            Value::from(10),
            Value::from(1u128 << 70),
            Value::from(1.5),
            Value::from(false),
            Value::from(-3),
        ];
        assert_eq!(order(keys).unwrap(), ["-3", "False", "1.5", "10", "1180591620717411303424"]);
        let close = vec![Value::from(i64::MAX), Value::from(i64::MAX - 1), Value::from(i64::MIN)];
        let sorted = order(close).unwrap();
        assert_eq!(sorted, ["-9223372036854775808", "9223372036854775806", "9223372036854775807"]);
    }

    #[test]
    fn text_and_numbers_do_not_compare() {
        assert_eq!(order(vec![Value::from("a"), Value::from(1)]), None);
        assert_eq!(order(vec![Value::Null]).unwrap(), ["None"]);
    }
}
