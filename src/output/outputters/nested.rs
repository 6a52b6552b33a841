//! `nested`: Salt's default. Four columns per level, keys sorted, a rule of dashes above every inner dict.

use crate::output::pyrepr;
use crate::output::style::{Color, Style};
use crate::output::{pyorder, sanitize};
use halite_wire::{Map, Value};
use std::borrow::Cow;

pub fn render(data: &Value, style: &Style) -> Option<String> {
    Some(render_at(data, style, 0))
}

/// The same, moved in by `indent` columns, without white space at its end.
pub fn render_at(data: &Value, style: &Style, indent: usize) -> String {
    let mut page = Page { style, lines: Vec::new() };
    page.show(data, indent, "");
    let mut text = page.lines.join("\n");
    text.truncate(text.trim_end_matches(pyrepr::is_space).len());
    text
}

struct Page<'a> {
    style: &'a Style,
    lines: Vec<String>,
}

impl Page<'_> {
    /// `prefix` stands before the first line of a scalar; later lines are moved in as far.
    fn show(&mut self, value: &Value, indent: usize, prefix: &str) {
        match value {
            Value::Str(text) => self.show_text(text, indent, prefix),
            Value::Bytes(bytes) => self.show_text(&pyrepr::bytes_text(bytes), indent, prefix),
            Value::List(items) => self.show_list(items, indent),
            Value::Map(map) => self.show_map(map, indent, prefix),
            scalar => self.line(indent, Color::LightYellow, &format!("{prefix}{}", pyrepr::repr(scalar)), ""),
        }
    }

    fn line(&mut self, indent: usize, color: Color, text: &str, suffix: &str) {
        let (start, end) = (self.style.start(color), self.style.end());
        self.lines.push(format!("{:indent$}{start}{text}{end}{suffix}", ""));
    }

    fn show_text(&mut self, text: &str, indent: usize, prefix: &str) {
        let rest = " ".repeat(prefix.len());
        for (index, line) in pyrepr::split_lines(text).enumerate() {
            let prefix = if index == 0 { prefix } else { &rest };
            self.line(indent, Color::Green, &format!("{prefix}{}", sanitize::hide_escapes(line)), "");
        }
    }

    fn show_list(&mut self, items: &[Value], indent: usize) {
        for item in items {
            if matches!(item, Value::List(_) | Value::Map(_)) {
                self.line(indent, Color::Green, "|_", "");
                self.show(item, indent + 2, "");
            } else {
                self.show(item, indent, "- ");
            }
        }
    }

    fn show_map(&mut self, map: &Map, indent: usize, prefix: &str) {
        if indent > 0 {
            self.line(indent, Color::Cyan, "----------", "");
        }
        for (key, value) in ordered(map) {
            self.line(indent, Color::Cyan, &format!("{prefix}{key}"), ":");
            self.show(value, indent + 4, "");
        }
    }
}

/// Keys in Python's order; keys that do not compare, by their text.
fn ordered(map: &Map) -> Vec<(Cow<'_, str>, &Value)> {
    if let Some(entries) = pyorder::sorted(map) {
        return entries.into_iter().map(|(key, value)| (name(key), value)).collect();
    }
    let mut entries: Vec<_> = map.iter().map(|(key, value)| (name(key), value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

fn name(key: &Value) -> Cow<'_, str> {
    key.as_str().map_or_else(|| Cow::Owned(pyrepr::key_text(key)), Cow::Borrowed)
}
