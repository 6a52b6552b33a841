//! `state_compress_ids`: states of one ID, SLS, function and result become one.

use super::super::super::pyrepr;
use halite_wire::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// In the name of a state that stands for several.
const MARK: &str = "_|-state_compressed_";

/// The hosts with their states compressed; as they are where one of them is no state.
pub fn by_id(hosts: Cow<'_, Map>) -> Cow<'_, Map> {
    let compressed: Option<Map> = hosts
        .iter()
        .map(|(host, states)| Some((host.clone(), Value::Map(of_host(states.as_map()?)?))))
        .collect();
    compressed.map_or(hosts, Cow::Owned)
}

/// How many states stand behind this tag.
pub fn copies(tag: &str) -> usize {
    let id = if tag.contains(MARK) { tag.split("_|-").nth(1) } else { None };
    let count = id.and_then(|id| id.strip_suffix(')')?.rsplit_once('('));
    count.and_then(|(_, digits)| digits.parse().ok()).unwrap_or(1)
}

fn of_host(states: &Map) -> Option<Map> {
    let groups: Option<Vec<[String; 4]>> =
        states.iter().map(|(tag, info)| group(tag.as_str()?, info.as_map()?)).collect();
    let groups = groups?;
    let mut counts: HashMap<String, usize> = HashMap::new();
    groups.iter().for_each(|group| *counts.entry(group.join("_")).or_default() += 1);
    let mut compressed = Map::new();
    for ((tag, info), group) in states.iter().zip(&groups) {
        let count = counts.get(&group.join("_")).copied().unwrap_or(1);
        if count == 1 {
            compressed.insert(tag.clone(), info.clone());
            continue;
        }
        let [_, id, sls, result] = group;
        let mut parts: Vec<String> = tag.as_str()?.split("_|-").map(str::to_owned).collect();
        *parts.get_mut(2)? = format!("state_compressed_{sls}_{id}_{result}");
        *parts.get_mut(1)? = format!("{id} ({count})");
        let tag = parts.join("_|-");
        let joint = match compressed.get(&tag) {
            None => info.clone(),
            Some(first) => Value::Map(joined(first.as_map()?, info.as_map()?)?),
        };
        compressed.insert(tag, joint);
    }
    Some(compressed)
}

/// What states have in common that become one: module, ID, SLS, result.
fn group(tag: &str, info: &Map) -> Option<[String; 4]> {
    let text = |key| info.get(key).map(pyrepr::text);
    Some([tag.split("_|-").next()?.to_owned(), text("__id__")?, text("__sls__")?, text("result")?])
}

/// The earliest start, the sum of the durations, and the changes by name.
fn joined(first: &Map, second: &Map) -> Option<Map> {
    let mut joint = first.clone();
    let number = |map: &Map| map.get("__run_num__").and_then(Value::as_i64);
    joint.insert("__run_num__", number(first)?.min(number(second)?));
    joint.insert("duration", sum(first.get("duration")?, second.get("duration")?)?);
    let (a, b) = (first.get_str("start_time")?, second.get_str("start_time")?);
    joint.insert("start_time", a.min(b));
    let truthy = |map: &'_ Map| map.get("changes").filter(|changes| changes.is_truthy()).cloned();
    let Some(changes) = truthy(second) else { return Some(joint) };
    let mut all = match truthy(first) {
        None => Map::new(),
        Some(earlier) => match earlier.as_map().and_then(|map| map.get("compressed changes")) {
            Some(named) => named.as_map()?.clone(),
            None => Map::from([(first.get("name")?.clone(), earlier)]),
        },
    };
    all.insert(second.get("name")?.clone(), changes);
    joint.insert("changes", Map::from([("compressed changes", all)]));
    Some(joint)
}

/// Two durations, rounded to three digits.
fn sum(a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.checked_add(*b)?)),
        _ => {
            let float = |value: &Value| match value {
                Value::Int(whole) => Some(*whole as f64),
                Value::Float(number) => Some(*number),
                _ => None,
            };
            format!("{:.3}", float(a)? + float(b)?).parse().ok().map(Value::Float)
        }
    }
}
