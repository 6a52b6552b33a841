//! The plain ones: `txt`, `raw`, `quiet` and `newline_values_only`.

use super::pprint;
use crate::output::pyrepr;
use crate::output::style::Style;
use halite_wire::Value;

/// `txt`: `host: line` for every line of a text, `host: repr` for anything else.
pub fn render_txt(data: &Value, _style: &Style) -> Option<String> {
    Some(match data {
        Value::Map(map) => map.iter().map(|(key, value)| host_lines(&pyrepr::key_text(key), value)).collect(),
        Value::Str(text) => format!("{text}\n"),
        other => pprint::format(other, 1),
    })
}

fn host_lines(host: &str, value: &Value) -> String {
    match value {
        Value::Str(text) => pyrepr::split_lines(text).map(|line| format!("{host}: {line}\n")).collect(),
        Value::Bytes(bytes) => {
            byte_lines(bytes).map(|line| format!("{host}: {}\n", pyrepr::quote_bytes(line))).collect()
        }
        other => format!("{host}: {}\n", pyrepr::repr(other)),
    }
}

/// Bytes end their lines with `\n`, `\r\n` and `\r` only.
fn byte_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix(b"\r\n").unwrap_or_else(|| tail.get(1..).unwrap_or_default());
        Some(line)
    })
}

/// `raw`: the data as Python would write them in a program.
pub fn render_raw(data: &Value, _style: &Style) -> Option<String> {
    Some(pyrepr::text(data))
}

/// `quiet`: nothing; the exit code tells.
pub fn render_quiet(_data: &Value, _style: &Style) -> Option<String> {
    Some(String::new())
}

/// `newline_values_only`: values without their hosts, one a line; the items of a list apart. Needs a dict.
pub fn render_values(data: &Value, _style: &Style) -> Option<String> {
    let mut lines = Vec::new();
    for value in data.as_map()?.values() {
        match value {
            Value::List(items) => lines.extend(items.iter().map(pyrepr::text)),
            other => lines.push(pyrepr::text(other)),
        }
    }
    Some(lines.join("\n"))
}
