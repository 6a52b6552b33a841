//! `${a:b:c}` in values: what stands at that place of the merged pillar. With a backslash before it, it stands for
//! itself; so does one that leads nowhere.

use halite_wire::{Map, Value};

/// Where a text stands: keys, then the place in a list or not.
type Path = Vec<Value>;

/// The pillar with its references resolved, in the order of its keys; later ones see what earlier ones became.
pub fn variables(pillar: Map) -> Map {
    let mut paths = Vec::new();
    texts(&pillar, &mut Vec::new(), &mut paths);
    let mut data = pillar;
    for (path, index) in paths {
        let found = match (at(&data, &path), index) {
            (Some(Value::List(items)), Some(index)) => items.get(index),
            (found, _) => found,
        };
        if let Some(Value::Str(text)) = found.cloned() {
            resolve(&text, &mut data);
        }
    }
    data
}

/// All texts in dicts and lists of dicts; of a list, also those that are its items.
fn texts(map: &Map, path: &mut Path, out: &mut Vec<(Path, Option<usize>)>) {
    for (key, value) in map {
        path.push(key.clone());
        match value {
            Value::Map(inner) => texts(inner, path, out),
            Value::Str(_) => out.push((path.clone(), None)),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    match item {
                        Value::Str(_) => out.push((path.clone(), Some(index))),
                        Value::Map(inner) => {
                            path.push(Value::Int(i64::try_from(index).unwrap_or_default()));
                            texts(inner, path, out);
                            path.pop();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
}

fn at<'d>(data: &'d Map, path: &[Value]) -> Option<&'d Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(data.get_value(first)?, |value, step| match value {
        Value::Map(map) => map.get_value(step),
        Value::List(items) => items.get(usize::try_from(step.as_i64()?).ok()?),
        _ => None,
    })
}

/// Resolves the references of one text, wherever it stands in `data`.
fn resolve(text: &str, data: &mut Map) {
    let mut now = text.to_owned();
    for reference in references(text) {
        if let Some(plain) = reference.strip_prefix('\\') {
            // `now` stays as it was: beside a reference, an escaped one keeps its backslash, as in Salt.
            replace(data, &now, &now.replace(reference, plain).into());
            continue;
        }
        let start = reference.find('$').unwrap_or_default();
        let reference = &reference[start..];
        let Some(found) = value_of(data, reference) else { continue };
        let new = match &found {
            Value::Str(found) => Value::from(now.replace(reference, found)),
            // The whole text is the reference: the value itself.
            other if now == reference => other.clone(),
            other => Value::from(now.replace(reference, &halite_render::repr::repr(other))),
        };
        replace(data, &now, &new);
        match new {
            Value::Str(new) => now = new,
            _ => return,
        }
    }
}

/// All `${...}` of a text, each with the character before it, where there is one.
fn references(text: &str) -> Vec<&str> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find("${").map(|at| from + at) {
        let before = text[from..at].chars().next_back().filter(|c| *c != '\n');
        let end = text[at..].find(['}', '\n']).map(|end| at + end);
        match end {
            // Right behind another one it is none: the character before belongs to that.
            Some(end) if text[end..].starts_with('}') && (before.is_some() || at == 0) => {
                found.push(&text[at - before.map_or(0, char::len_utf8)..=end]);
                from = end + 1;
            }
            _ => from = at + 2,
        }
    }
    found
}

/// What `${a:b}` leads to.
fn value_of(data: &Map, reference: &str) -> Option<Value> {
    let path: Path = reference[2..reference.len() - 1].split(':').map(Value::from).collect();
    at(data, &path).cloned()
}

/// Puts `new` wherever the text `old` stands.
fn replace(data: &mut Map, old: &str, new: &Value) {
    for (_, value) in data.iter_mut() {
        match value {
            Value::Map(map) => replace(map, old, new),
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Map(map) => replace(map, old, new),
                        Value::Str(text) if text == old => *item = new.clone(),
                        _ => {}
                    }
                }
            }
            Value::Str(text) if text == old => *value = new.clone(),
            _ => {}
        }
    }
}
