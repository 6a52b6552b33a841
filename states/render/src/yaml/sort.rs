//! The order Python sorts keys in.

use halite_wire::Value;
use std::cmp::Ordering;

/// Sorts `entries` by key where every two keys can be compared; leaves them as they are where not.
pub(super) fn by_key(entries: &mut [(&Value, &Value)]) {
    let comparable =
        entries.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if compare(a, b).is_some()));
    if comparable {
        entries.sort_by(|(a, _), (b, _)| compare(a, b).unwrap_or(Ordering::Equal));
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Int(number) => Some(*number as f64),
        Value::BigInt(digits) => digits.parse().ok(),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
