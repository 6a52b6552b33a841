//! `json`, one document, and `jsonl`, one line per host.

use crate::output::style::{Indent, Style};
use crate::output::{HostLine, pyorder, pyrepr};
use halite_wire::{Map, Value};

/// Four spaces and the order of the return, unless the indentation says otherwise.
pub fn render(data: &Value, style: &Style) -> Option<String> {
    let (spaces, sorted) = match style.indent {
        Indent::Usual => (Some(4), false),
        Indent::Compact => (None, false),
        Indent::Spaces(spaces) => (Some(usize::from(spaces)), false),
        Indent::Pretty => (Some(4), true),
    };
    let mut writer = Writer { spaces, sorted, out: String::new() };
    writer.value(data, 0);
    Some(writer.out)
}

/// `{"id", "kind", "success", "retcode", "return"}`; `kind` is `ok`, `failed`, or why the host gave no answer.
pub fn render_lines(hosts: &[HostLine], _style: &Style) -> String {
    let lines: Vec<String> = hosts.iter().map(line).collect();
    lines.join("\n")
}

fn line(host: &HostLine) -> String {
    let mut row = Map::new();
    row.insert("id", host.id.as_str());
    row.insert("kind", host.kind);
    row.insert("success", host.kind == "ok");
    row.insert("retcode", host.retcode);
    row.insert("return", host.value.clone());
    let mut writer = Writer { spaces: None, sorted: false, out: String::new() };
    writer.value(&Value::Map(row), 0);
    writer.out
}

/// Python's `json.dumps(ensure_ascii=False)`, but always valid JSON: infinity is a number too large to hold
/// (`1e999`, read back as infinity), not-a-number is null.
struct Writer {
    spaces: Option<usize>,
    sorted: bool,
    out: String,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => self.text(&pyrepr::quote_bytes(bytes)),
            Value::List(items) => self.list(items, depth),
            Value::Map(map) => self.map(map, depth),
            scalar => self.out.push_str(&number_or_word(scalar)),
        }
    }

    fn list(&mut self, items: &[Value], depth: usize) {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.next(index, depth + 1);
            self.value(item, depth + 1);
        }
        self.close(']', items.is_empty(), depth);
    }

    fn map(&mut self, map: &Map, depth: usize) {
        self.out.push('{');
        let sorted = if self.sorted { pyorder::sorted(map) } else { None };
        for (index, (key, value)) in sorted.unwrap_or_else(|| map.iter().collect()).into_iter().enumerate() {
            self.next(index, depth + 1);
            self.text(&key_text(key));
            self.out.push_str(": ");
            self.value(value, depth + 1);
        }
        self.close('}', map.is_empty(), depth);
    }

    /// What stands before the entry number `index`.
    fn next(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push_str(if self.spaces.is_some() { "," } else { ", " });
        }
        self.new_line(depth);
    }

    fn close(&mut self, bracket: char, is_empty: bool, depth: usize) {
        if !is_empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(spaces) = self.spaces {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', spaces * depth));
        }
    }

    /// Python and serde escape the same characters, and both as Python does.
    fn text(&mut self, text: &str) {
        self.out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Keys are text in JSON: words and numbers in JSON's own spelling, other kinds in Python's.
fn key_text(key: &Value) -> String {
    match key {
        Value::Null | Value::Bool(_) | Value::Float(_) => number_or_word(key),
        other => pyrepr::key_text(other),
    }
}

fn number_or_word(scalar: &Value) -> String {
    match scalar {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Float(number) if number.is_nan() => "null".to_owned(),
        Value::Float(number) if number.is_infinite() => {
            if *number > 0.0 { "1e999" } else { "-1e999" }.to_owned()
        }
        other => pyrepr::repr(other),
    }
}
