//! `pprint`: Python's pretty printer, 80 columns wide, dicts sorted.

use crate::output::style::{Indent, Style};
use crate::output::{pyorder, pyrepr};
use halite_wire::{Map, Value};

const WIDTH: usize = 80;

pub fn render(data: &Value, style: &Style) -> Option<String> {
    let indent = if let Indent::Spaces(spaces) = style.indent { usize::from(spaces) } else { 1 };
    Some(format(data, indent))
}

/// `pprint.pformat(value, indent=indent)`.
pub fn format(value: &Value, indent: usize) -> String {
    let mut page = Page { per_level: indent, out: String::new() };
    page.show(&sorted_copy(value), 0, 0, true);
    page.out
}

/// The value with every dict in the order it is printed.
fn sorted_copy(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(sorted_copy).collect()),
        Value::Map(map) => {
            let entries = pyorder::sorted_by_kind(map).into_iter();
            Value::Map(entries.map(|(key, value)| (key.clone(), sorted_copy(value))).collect())
        }
        scalar => scalar.clone(),
    }
}

struct Page {
    per_level: usize,
    out: String,
}

impl Page {
    /// `indent` columns are taken at the left, and `allowance` closing brackets and commas follow. Broken
    /// text gets brackets only at the `top`; further in, those of the container do.
    fn show(&mut self, value: &Value, indent: usize, allowance: usize, top: bool) {
        let whole = pyrepr::repr(value);
        if fits(&whole, indent, allowance) {
            self.out.push_str(&whole);
            return;
        }
        match value {
            Value::List(items) => self.list(items, indent, allowance + 1),
            Value::Map(map) => self.map(map, indent, allowance + 1),
            Value::Str(text) if !text.is_empty() => {
                let shift = usize::from(top);
                self.pieces(&text_pieces(text, indent + shift, allowance + shift), indent, top);
            }
            Value::Bytes(bytes) if bytes.len() > 4 => {
                let shift = usize::from(top);
                self.byte_pieces(&byte_pieces(bytes, indent + shift, allowance + shift), indent, top);
            }
            _ => self.out.push_str(&whole),
        }
    }

    fn list(&mut self, items: &[Value], indent: usize, allowance: usize) {
        self.open('[');
        let indent = indent + self.per_level;
        for (index, item) in items.iter().enumerate() {
            self.separate(index, indent);
            let is_last = index + 1 == items.len();
            self.show(item, indent, if is_last { allowance } else { 1 }, false);
        }
        self.out.push(']');
    }

    fn map(&mut self, map: &Map, indent: usize, allowance: usize) {
        self.open('{');
        let indent = indent + self.per_level;
        for (index, (key, value)) in map.iter().enumerate() {
            self.separate(index, indent);
            let key = pyrepr::key(key);
            self.out.push_str(&key);
            self.out.push_str(": ");
            let is_last = index + 1 == map.len();
            self.show(value, indent + columns(&key) + 2, if is_last { allowance } else { 1 }, false);
        }
        self.out.push('}');
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.out.extend(std::iter::repeat_n(' ', self.per_level.saturating_sub(1)));
    }

    fn separate(&mut self, index: usize, indent: usize) {
        if index > 0 {
            self.out.push_str(&format!(",\n{:indent$}", ""));
        }
    }

    /// A text in one piece needs no brackets.
    fn pieces(&mut self, pieces: &[String], indent: usize, top: bool) {
        if let [only] = pieces {
            self.out.push_str(only);
        } else {
            self.byte_pieces(pieces, indent, top);
        }
    }

    fn byte_pieces(&mut self, pieces: &[String], indent: usize, top: bool) {
        let indent = indent + usize::from(top);
        let joined = pieces.join(&format!("\n{:indent$}", ""));
        self.out.push_str(&if top { format!("({joined})") } else { joined });
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn fits(text: &str, indent: usize, allowance: usize) -> bool {
    columns(text) + indent + allowance <= WIDTH
}

/// Literals that together make `text`: one per line where it fits, else broken behind spaces.
fn text_pieces(text: &str, indent: usize, allowance: usize) -> Vec<String> {
    let lines: Vec<&str> = pyrepr::split_lines_keeping_ends(text).collect();
    let mut pieces = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let allowance = if index + 1 == lines.len() { allowance } else { 0 };
        let whole = pyrepr::quote(line);
        if fits(&whole, indent, allowance) {
            pieces.push(whole);
        } else {
            break_line(line, indent, allowance, &mut pieces);
        }
    }
    pieces
}

fn break_line(line: &str, indent: usize, allowance: usize, pieces: &mut Vec<String>) {
    let words = words(line);
    let mut current = String::new();
    for (index, word) in words.iter().enumerate() {
        let allowance = if index + 1 == words.len() { allowance } else { 0 };
        let longer = format!("{current}{word}");
        if fits(&pyrepr::quote(&longer), indent, allowance) {
            current = longer;
        } else {
            if !current.is_empty() {
                pieces.push(pyrepr::quote(&current));
            }
            current = (*word).to_owned();
        }
    }
    if !current.is_empty() {
        pieces.push(pyrepr::quote(&current));
    }
}

/// Words, each with the space behind it.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut after_space) = (0, false);
    for (at, c) in line.char_indices() {
        let is_space = pyrepr::is_space(c);
        if after_space && !is_space {
            words.push(&line[start..at]);
            start = at;
        }
        after_space = is_space;
    }
    words.push(&line[start..]);
    words
}

/// Literals of whole groups of four bytes. The allowance counts from the last, unfinished group on only.
fn byte_pieces(bytes: &[u8], indent: usize, allowance: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut current: Vec<u8> = Vec::new();
    for group in bytes.chunks(4) {
        let allowance = if group.len() < 4 { allowance } else { 0 };
        let longer = [&current[..], group].concat();
        if fits(&pyrepr::quote_bytes(&longer), indent, allowance) {
            current = longer;
        } else {
            if !current.is_empty() {
                pieces.push(pyrepr::quote_bytes(&current));
            }
            current = group.to_vec();
        }
    }
    pieces.push(pyrepr::quote_bytes(&current));
    pieces
}
