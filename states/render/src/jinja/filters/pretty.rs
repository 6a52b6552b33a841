//! Python's `pprint`: keys in order, one entry a line where a line would be too long.

use super::super::value::{Val, compare, repr};
use crate::limits::YAML_DEPTH_MAX;
use std::cmp::Ordering;

const WIDTH: usize = 80;

pub(super) fn pretty(value: &Val) -> String {
    let mut out = String::new();
    write(value, 0, 0, 0, &mut out);
    out
}

/// Writes `value`, which begins at column `indent` and has `after` signs behind it on its last line.
fn write(value: &Val, indent: usize, after: usize, depth: usize, out: &mut String) {
    let line = in_one_line(value, depth);
    let fits = line.chars().count() + indent + after <= WIDTH;
    let (open, close, entries) = match value {
        Val::Dict(_) => ("{", "}", entries(value)),
        Val::List(items) => ("[", "]", items.borrow().iter().map(|item| (None, item.clone())).collect()),
        Val::Tuple(items) => ("(", ")", items.iter().map(|item| (None, item.clone())).collect()),
        _ => return out.push_str(&line),
    };
    if fits || entries.is_empty() || depth > YAML_DEPTH_MAX {
        return out.push_str(&line);
    }
    out.push_str(open);
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push_str(&format!(",\n{}", " ".repeat(indent + 1)));
        }
        let key = key.as_ref().map_or(String::new(), |key| format!("{}: ", repr(key)));
        out.push_str(&key);
        let behind = if at + 1 == entries.len() { after + 1 } else { 1 };
        write(value, indent + 1 + key.chars().count(), behind, depth + 1, out);
    }
    out.push_str(close);
}

/// Keys and values, by the order of the keys.
fn entries(dict: &Val) -> Vec<(Option<Val>, Val)> {
    let Val::Dict(dict) = dict else { return Vec::new() };
    let mut entries: Vec<_> =
        dict.borrow().iter().map(|(key, value)| (Some(key.clone()), value.clone())).collect();
    entries.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) => compare(a, b).ok().flatten().unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    });
    entries
}

fn in_one_line(value: &Val, depth: usize) -> String {
    if depth > YAML_DEPTH_MAX {
        return "...".to_owned();
    }
    let inner = |value: &Val| in_one_line(value, depth + 1);
    match value {
        Val::Dict(_) => {
            let shown: Vec<String> = entries(value)
                .iter()
                .map(|(key, value)| format!("{}: {}", key.as_ref().map_or(String::new(), repr), inner(value)))
                .collect();
            format!("{{{}}}", shown.join(", "))
        }
        Val::List(items) => {
            let shown: Vec<String> = items.borrow().iter().map(inner).collect();
            format!("[{}]", shown.join(", "))
        }
        Val::Tuple(items) if items.len() > 1 => {
            let shown: Vec<String> = items.iter().map(inner).collect();
            format!("({})", shown.join(", "))
        }
        other => repr(other),
    }
}
