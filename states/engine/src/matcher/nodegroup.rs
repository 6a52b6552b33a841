//! Node groups as the words of a compound target.

use crate::text::text;
use halite_wire::{Map, Value};

const OPERATORS: [&str; 5] = ["and", "or", "not", "(", ")"];

/// The words a group stands for, groups inside it included. Nothing where there is no such group.
///
/// A group of plain names is a list of hosts, one with signs of a regular expression and no operator is one.
pub(super) fn expand(group: &str, groups: &Map) -> Vec<String> {
    let Some(words) = words_of(group, groups) else { return Vec::new() };
    let mut inside = vec![group.to_owned()];
    let (expanded, nested) = inner(&words, groups, &mut inside);
    if nested { expanded } else { joined(&words).unwrap_or(words) }
}

/// The words in parentheses with groups replaced, and whether there was one.
fn inner(words: &[String], groups: &Map, inside: &mut Vec<String>) -> (Vec<String>, bool) {
    let (mut found, mut nested) = (Vec::new(), false);
    for word in words {
        match word.strip_prefix("N@").filter(|name| !name.is_empty()) {
            Some(name) => {
                nested = true;
                found.extend(nest(name, groups, inside));
            }
            None => found.push(word.clone()),
        }
    }
    if !found.is_empty() {
        found.insert(0, "(".to_owned());
        found.push(")".to_owned());
    }
    (found, nested)
}

/// A group within another; one that holds itself is nothing.
fn nest(name: &str, groups: &Map, inside: &mut Vec<String>) -> Vec<String> {
    if inside.iter().any(|outer| outer == name) {
        return Vec::new();
    }
    let Some(words) = words_of(name, groups) else { return Vec::new() };
    inside.push(name.to_owned());
    let (expanded, _) = inner(&words, groups, inside);
    inside.pop();
    joined(&words).unwrap_or(expanded)
}

fn words_of(group: &str, groups: &Map) -> Option<Vec<String>> {
    match groups.get(group)? {
        Value::Str(expression) => Some(super::words(expression)),
        Value::List(words) => Some(words.iter().map(|word| text(word).into_owned()).collect()),
        _ => None,
    }
}

/// `L@a,b` or `E@a.b` where the words are no compound target.
fn joined(words: &[String]) -> Option<Vec<String>> {
    let is_compound = |word: &String| {
        let mut letters = word.chars();
        let typed = letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.next() == Some('@');
        OPERATORS.contains(&word.as_str()) || word.contains('*') || typed
    };
    if words.iter().any(is_compound) {
        return None;
    }
    let regex = words.iter().any(|word| word.contains(['(', '[', '{', '\\', '?', '}', ']', ')']));
    Some(vec![format!("{}@{}", if regex { 'E' } else { 'L' }, words.join(","))])
}
