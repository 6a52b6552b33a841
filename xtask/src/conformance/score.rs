//! How near a result is to Salt's.

use super::corpus::Case;
use halite_wire::{Map, Value};
use std::time::Duration;

/// As the corpus's own script has them, and one more for cases that cannot be compiled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Exact,
    BothErr,
    /// Equal but for numbers: a template that asks for the time or a random number.
    Random,
    Unordered,
    Different,
    ExpectedErr,
    ExpectedOk,
    Broken,
}

impl Level {
    pub const ALL: [Level; 8] = [
        Level::Exact,
        Level::BothErr,
        Level::Random,
        Level::Unordered,
        Level::Different,
        Level::ExpectedErr,
        Level::ExpectedOk,
        Level::Broken,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Level::Exact => "exact",
            Level::BothErr => "both err",
            Level::Random => "equal but for random numbers",
            Level::Unordered => "unordered",
            Level::Different => "different",
            Level::ExpectedErr => "expected err, got ok",
            Level::ExpectedOk => "expected ok, got err",
            Level::Broken => "broken",
        }
    }

    pub fn is_equal(self) -> bool {
        matches!(self, Level::Exact | Level::BothErr)
    }
}

/// What became of one case.
pub struct Score {
    pub title: String,
    pub level: Level,
    /// The first difference, for people.
    pub why: String,
    pub took: Duration,
    /// Whether what Salt said speaks of Python code the repository brings along.
    pub needs_python: bool,
}

/// Salt's words where a case failed for want of a function the tree brings along.
const PYTHON: &[&str] = &["#!py", "_modules/"];

impl Score {
    pub fn broken(case: &Case, why: &str) -> Score {
        let (title, why) = (case.title(), why.to_owned());
        Score { title, level: Level::Broken, why, took: Duration::ZERO, needs_python: false }
    }

    pub fn new(case: &Case, wanted: &Value, low: Result<Value, String>, took: Duration) -> Score {
        let wanted = wanted.get("low").cloned().unwrap_or_default();
        let (level, why) = match (wanted.get("ret"), low) {
            (None, Err(_)) => (Level::BothErr, String::new()),
            (None, Ok(_)) => (Level::ExpectedErr, errors(&wanted)),
            (Some(_), Err(why)) => (Level::ExpectedOk, why),
            (Some(wanted), Ok(got)) => compare(wanted, &got),
        };
        let needs_python = PYTHON.iter().any(|word| why.contains(word));
        Score { title: case.title(), level, why, took, needs_python }
    }
}

fn errors(wanted: &Value) -> String {
    let lines = wanted.get("err").and_then(Value::as_list).unwrap_or_default();
    lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

fn compare(wanted: &Value, got: &Value) -> (Level, String) {
    if wanted == got {
        return (Level::Exact, String::new());
    }
    let (wanted, got) = (wanted.as_list().unwrap_or_default(), got.as_list().unwrap_or_default());
    let why = first_difference(wanted, got);
    if without_numbers(wanted) == without_numbers(got) {
        return (Level::Random, why);
    }
    let (mut left, right) = (without_order(wanted), without_order(got));
    let same = left.len() == right.len()
        && right.iter().all(|chunk| match left.iter().position(|other| other == chunk) {
            Some(at) => {
                left.swap_remove(at);
                true
            }
            None => false,
        });
    (if same { Level::Unordered } else { Level::Different }, why)
}

/// All numbers alike, those in texts included.
fn without_numbers(values: &[Value]) -> Vec<Value> {
    fn bare(value: &Value) -> Value {
        match value {
            Value::Int(_) => 0.into(),
            Value::Str(text) => {
                let mut parts = text.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty());
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |whole, part| whole + "0" + part).into()
            }
            Value::List(items) => items.iter().map(bare).collect(),
            Value::Map(map) => {
                map.iter().map(|(key, value)| (key.clone(), bare(value))).collect::<Map>().into()
            }
            other => other.clone(),
        }
    }
    values.iter().map(bare).collect()
}

fn without_order(chunks: &[Value]) -> Vec<Value> {
    let bare = |map: &Map| {
        let mut map = map.clone();
        map.remove("order");
        Value::Map(map)
    };
    chunks.iter().map(|chunk| chunk.as_map().map_or_else(|| chunk.clone(), bare)).collect()
}

fn first_difference(wanted: &[Value], got: &[Value]) -> String {
    let show = |value: Option<&Value>| {
        value.map_or("nothing".to_owned(), |value| serde_json::to_string(value).unwrap_or_default())
    };
    for (at, chunk) in wanted.iter().enumerate() {
        let other = got.get(at);
        if other == Some(chunk) {
            continue;
        }
        let (Some(a), Some(b)) = (chunk.as_map(), other.and_then(Value::as_map)) else {
            return format!("chunk {at}: wanted {}, got {}", show(Some(chunk)), show(other));
        };
        let id = chunk.get("__id__").and_then(Value::as_str).unwrap_or("?");
        for (key, value) in a {
            if b.get_value(key) != Some(value) {
                return format!(
                    "chunk {at} {id}: {} wanted {}, got {}",
                    show(Some(key)),
                    show(Some(value)),
                    show(b.get_value(key))
                );
            }
        }
        let more: Vec<String> =
            b.keys().filter(|key| a.get_value(key).is_none()).map(|key| show(Some(key))).collect();
        return format!("chunk {at} {id}: has more keys: {}", more.join(", "));
    }
    format!("{} chunks wanted, {} got", wanted.len(), got.len())
}
