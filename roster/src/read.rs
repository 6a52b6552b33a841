//! Typed reading of YAML nodes: a value, or what it must be and what it is instead.

use crate::Secret;
use halite_render::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, Value};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Why a value does not fit: a fragment that follows the name of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Mismatch {
    what: String,
    /// Where inside the value, if it is more than a scalar.
    pub mark: Option<Mark>,
}

pub type Read<T> = Result<T, Mismatch>;

impl Mismatch {
    pub fn new(what: impl Into<String>) -> Mismatch {
        Mismatch { what: what.into(), mark: None }
    }

    /// `must be EXPECTED, not FOUND`.
    pub fn expected(expected: &str, found: &Node) -> Mismatch {
        Mismatch::new(format!("must be {expected}, not {}", describe(found)))
    }

    pub fn with_cure(self, cure: &str) -> Mismatch {
        Mismatch { what: format!("{}; {cure}", self.what), ..self }
    }

    /// Sets the place, unless an inner reader knew it better.
    pub fn at(self, mark: Mark) -> Mismatch {
        Mismatch { mark: self.mark.or(Some(mark)), ..self }
    }
}

/// Longest text shown of a wrong value, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// The node in Salt's words, its text escaped and cut: `the str "22 "`, `the int 70000`, `a dict`, `None`.
pub fn describe(node: &Node) -> String {
    match &node.kind {
        NodeKind::List(_) => "a list".into(),
        NodeKind::Map(_) => "a dict".into(),
        NodeKind::Scalar(Value::Null) => "None".into(),
        NodeKind::Scalar(Value::Bool(true)) => "the bool True".into(),
        NodeKind::Scalar(Value::Bool(false)) => "the bool False".into(),
        NodeKind::Scalar(Value::Int(number)) => format!("the int {number}"),
        NodeKind::Scalar(Value::BigInt(digits)) => format!("the int {}", cut(digits)),
        NodeKind::Scalar(Value::Float(number)) => format!("the float {number:?}"),
        NodeKind::Scalar(Value::Str(text)) => format!("the str {:?}", cut(text)),
        NodeKind::Scalar(other) => format!("a {}", other.kind()),
    }
}

/// `text`, or its first characters and `...`.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text as it stands.
pub fn text(node: &Node) -> Read<String> {
    let Some(text) = node.as_str() else {
        let wrong = Mismatch::expected("a str", node);
        let is_plain = node.as_scalar().is_some_and(|value| !value.is_null());
        return Err(if is_plain { wrong.with_cure("write it in quotes") } else { wrong });
    };
    if text.starts_with("sdb://") {
        return Err(Mismatch::new("is an sdb:// URI, which is not supported yet; write the value itself"));
    }
    Ok(text.to_owned())
}

/// Text with something in it and no control characters.
pub fn word(node: &Node) -> Read<String> {
    let text = text(node)?;
    if text.is_empty() {
        return Err(Mismatch::new("is empty"));
    }
    if text.contains(char::is_control) {
        return Err(Mismatch::new(format!("has a control character: {:?}", cut(&text))));
    }
    Ok(text)
}

/// A password: text, or a whole number (its digits). Empty and null mean none, and are the empty secret.
/// Never shown in a message.
pub fn secret(node: &Node) -> Read<Secret> {
    match node.as_scalar() {
        Some(Value::Null) => Ok(Secret::new(String::new())),
        Some(Value::Str(text)) if text.starts_with("sdb://") => self::text(node).map(Secret::new),
        Some(Value::Str(text)) if text.contains(['\0', '\n', '\r']) => {
            Err(Mismatch::new("has a line break or a NUL in it; no host can be told such a password"))
        }
        Some(Value::Str(text)) => Ok(Secret::new(text.clone())),
        Some(Value::Int(number)) => Ok(Secret::new(number.to_string())),
        _ => Err(Mismatch::new("must be a str; write it in quotes")),
    }
}

/// `True` or `False`; text and numbers are refused, as their truth would be a guess.
pub fn boolean(node: &Node) -> Read<bool> {
    match node.as_scalar() {
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::Str(_) | Value::Int(_)) => {
            Err(Mismatch::expected("a bool", node).with_cure("write True or False, without quotes"))
        }
        _ => Err(Mismatch::expected("a bool", node)),
    }
}

/// A whole number, or a text of digits only.
pub fn integer(node: &Node, allowed: RangeInclusive<i64>) -> Read<i64> {
    let number = match node.as_scalar() {
        Some(Value::Int(number)) => Some(*number),
        Some(Value::Str(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    number.filter(|number| allowed.contains(number)).ok_or_else(|| {
        Mismatch::expected(&format!("a whole number from {} to {}", allowed.start(), allowed.end()), node)
    })
}

/// A port, 1 to 65535.
pub fn port(node: &Node) -> Read<u16> {
    integer(node, 1..=65535)?.try_into().map_err(|_| Mismatch::expected("a port", node))
}

/// Longest duration taken, in seconds: about three years.
const SECONDS_MAX: f64 = 1e8;

/// Seconds, whole or not, more than 0.
pub fn seconds(node: &Node) -> Read<Duration> {
    let number = match node.as_scalar() {
        Some(Value::Int(number)) => number.to_string().parse().ok(),
        Some(Value::Float(number)) => Some(*number),
        Some(Value::Str(text)) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            text.parse::<f64>().ok()
        }
        _ => None,
    };
    number
        .filter(|seconds| *seconds > 0.0 && *seconds <= SECONDS_MAX)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| Mismatch::expected("a number of seconds above 0", node))
}

/// A path of this machine; `~` in front is the home directory.
pub fn path(node: &Node) -> Read<PathBuf> {
    Ok(expand_home(&word(node)?))
}

/// `~` and `~/x` by `HOME`; anything else as it stands.
pub fn expand_home(text: &str) -> PathBuf {
    let in_home = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (in_home, std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(text),
    }
}

/// A dict, or null for an empty one.
pub fn dict(node: &Node) -> Read<Map> {
    match node.to_value() {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(Mismatch::expected("a dict", node)),
    }
}

/// A list of words; one word alone is split at commas, as Salt's options are.
pub fn words(node: &Node) -> Read<Vec<String>> {
    match &node.kind {
        NodeKind::List(items) => {
            items.iter().map(|item| word(item).map_err(|wrong| wrong.at(item.mark))).collect()
        }
        NodeKind::Scalar(Value::Null) => Ok(Vec::new()),
        NodeKind::Scalar(Value::Str(_)) => Ok(word(node)?
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()),
        NodeKind::Scalar(_) | NodeKind::Map(_) => Err(Mismatch::expected("a list of str", node)),
    }
}

/// One of a closed set of words.
pub fn one_of(node: &Node, allowed: &[&str]) -> Read<String> {
    let word = word(node)?;
    if allowed.contains(&word.as_str()) {
        return Ok(word);
    }
    let cure = crate::did_you_mean(&word, allowed.iter().copied());
    Err(Mismatch::new(format!("must be one of {}, not {:?}{cure}", allowed.join(", "), cut(&word))))
}
