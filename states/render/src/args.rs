//! Words of a command line as arguments of a function, as Salt takes them.

use crate::yaml;
use halite_wire::{Map, Value};

/// Digits of a job id; a number as long is taken for one and stays text.
const JID_LEN: usize = 20;

/// Sorts `words` into positional and keyword arguments, each typed by [`yaml::scalar`].
///
/// `name=value` is a keyword argument where `name` is a Python name (dots and dashes allowed) and no second `=`
/// follows; the values of those in `no_parse` stay text. The last of several with one name counts.
pub fn parse_input(words: &[String], no_parse: &[String]) -> (Vec<Value>, Map) {
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    for word in words {
        match split_kwarg(word) {
            Some((name, value)) if no_parse.iter().any(|raw| raw == name) => kwargs.insert(name, value),
            Some((name, value)) => kwargs.insert(name, yaml::scalar(value)),
            None => {
                args.push(positional(word));
                None
            }
        };
    }
    (args, kwargs)
}

/// The two sides of `name=value`. A value of several lines is no keyword argument.
pub fn split_kwarg(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let value = value.strip_suffix('\n').unwrap_or(value);
    let starts = name.starts_with(|c: char| c == '_' || c.is_alphabetic());
    let is_name = starts && name.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
    (is_name && !value.starts_with('=') && !value.contains('\n')).then_some((name, value))
}

fn positional(word: &str) -> Value {
    match yaml::scalar(word) {
        Value::BigInt(digits) if digits.len() == JID_LEN => Value::Str(digits.into()),
        Value::Int(number) if number.to_string().len() == JID_LEN => Value::Str(number.to_string()),
        value => value,
    }
}
