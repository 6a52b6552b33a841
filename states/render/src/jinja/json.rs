//! JSON as Python's `json` reads and writes it.

use super::fault::{Fault, Outcome};
use super::value::{Dict, Val, text};
use crate::limits::YAML_DEPTH_MAX;
use crate::repr;

/// How to write.
#[derive(Clone, Copy, Default)]
pub(super) struct Style {
    pub indent: Option<usize>,
    pub sort_keys: bool,
    /// Escape everything but ASCII.
    pub ascii: bool,
    /// No blanks after `,` and `:`.
    pub compact: bool,
}

pub(super) fn write(value: &Val, style: Style) -> Outcome<String> {
    let mut out = String::new();
    put(value, style, 0, &mut out)?;
    Ok(out)
}

fn put(value: &Val, style: Style, depth: usize, out: &mut String) -> Outcome<()> {
    if depth > YAML_DEPTH_MAX {
        return Err(Fault::limit(format!("the value is nested deeper than {YAML_DEPTH_MAX}")));
    }
    match value.defined()? {
        Val::None => out.push_str("null"),
        Val::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Val::Int(number) => out.push_str(&number.to_string()),
        Val::Float(number) => out.push_str(&float(*number)),
        Val::Str(text) => put_text(text, style.ascii, out),
        Val::List(items) => put_all(&items.borrow(), style, depth, out)?,
        Val::Tuple(items) => put_all(items, style, depth, out)?,
        Val::Dict(dict) => put_dict(&dict.borrow(), style, depth, out)?,
        other => return Err(Fault::of_type(format!("{} cannot be written as JSON", other.kind()))),
    }
    Ok(())
}

fn float(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        number => repr::float(number),
    }
}

fn put_all(items: &[Val], style: Style, depth: usize, out: &mut String) -> Outcome<()> {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        separate(at, style, depth + 1, out);
        put(item, style, depth + 1, out)?;
    }
    close(items.is_empty(), style, depth, out);
    out.push(']');
    Ok(())
}

fn put_dict(dict: &Dict, style: Style, depth: usize, out: &mut String) -> Outcome<()> {
    let key_text = |key: &Val| match key {
        Val::None => "null".to_owned(),
        Val::Bool(flag) => flag.to_string(),
        other => text(other).to_string(),
    };
    let mut entries: Vec<_> = dict.iter().map(|(key, value)| (key_text(key), value)).collect();
    if style.sort_keys {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    out.push('{');
    for (at, (key, value)) in entries.into_iter().enumerate() {
        separate(at, style, depth + 1, out);
        put_text(&key, style.ascii, out);
        out.push_str(if style.compact { ":" } else { ": " });
        put(value, style, depth + 1, out)?;
    }
    close(dict.is_empty(), style, depth, out);
    out.push('}');
    Ok(())
}

fn separate(at: usize, style: Style, depth: usize, out: &mut String) {
    let comma = if style.compact || style.indent.is_some() { "," } else { ", " };
    out.push_str(if at > 0 { comma } else { "" });
    break_line(style, depth, out);
}

fn close(empty: bool, style: Style, depth: usize, out: &mut String) {
    if !empty {
        break_line(style, depth, out);
    }
}

fn break_line(style: Style, depth: usize, out: &mut String) {
    if let Some(indent) = style.indent {
        out.push('\n');
        out.push_str(&" ".repeat(indent.min(YAML_DEPTH_MAX) * depth));
    }
}

fn put_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || ascii && c > '~' => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Why a text is not JSON, and where; both from 1.
#[derive(Debug)]
pub(super) struct Misread {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// The value of a JSON text.
///
/// # Errors
/// What is not JSON, and what is nested too deep.
pub(super) fn read(source: &str) -> Result<Val, Misread> {
    let mut reader = Reader { source, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < source.len() {
        Err(reader.wrong("the end of the text is expected here"))
    } else {
        Ok(value)
    }
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, message: &str) -> Misread {
        let before = &self.source[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Misread { line, column, message: message.to_owned() }
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Val, Misread> {
        if depth > YAML_DEPTH_MAX {
            return Err(self.wrong("lists and objects are nested too deep"));
        }
        const WORDS: &[(&str, Val)] = &[
            ("null", Val::None),
            ("true", Val::Bool(true)),
            ("false", Val::Bool(false)),
            ("NaN", Val::Float(f64::NAN)),
            ("Infinity", Val::Float(f64::INFINITY)),
            ("-Infinity", Val::Float(f64::NEG_INFINITY)),
        ];
        if let Some((_, value)) = WORDS.iter().find(|(word, _)| self.take(word)) {
            return Ok(value.clone());
        }
        if self.take("[") {
            return self.list(depth);
        }
        if self.take("{") {
            return self.object(depth);
        }
        if self.take("\"") { self.text().map(Val::from) } else { self.number() }
    }

    fn list(&mut self, depth: usize) -> Result<Val, Misread> {
        let mut items = Vec::new();
        while !self.take("]") {
            if !items.is_empty() && !self.take(",") {
                return Err(self.wrong("a `,` or `]` is expected here"));
            }
            items.push(self.value(depth + 1)?);
        }
        Ok(Val::list(items))
    }

    fn object(&mut self, depth: usize) -> Result<Val, Misread> {
        let mut dict = Dict::default();
        while !self.take("}") {
            if !dict.is_empty() && !self.take(",") {
                return Err(self.wrong("a `,` or `}` is expected here"));
            }
            if !self.take("\"") {
                return Err(self.wrong("a key in double quotes is expected here"));
            }
            let key = self.text()?;
            if !self.take(":") {
                return Err(self.wrong("a `:` is expected here"));
            }
            let value = self.value(depth + 1)?;
            dict.set(&key, value);
        }
        Ok(Val::dict(dict))
    }

    fn number(&mut self) -> Result<Val, Misread> {
        let rest = self.rest();
        let len = rest.find(|c: char| !"+-.eE0123456789".contains(c)).unwrap_or(rest.len());
        let text = &rest[..len];
        let starts = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        let value = match text.parse() {
            Ok(number) if starts => Val::Int(number),
            _ => match text.parse() {
                Ok(number) if starts => Val::Float(number),
                _ => return Err(self.wrong("a value is expected here")),
            },
        };
        self.at += len;
        Ok(value)
    }

    /// The text after its opening quote.
    fn text(&mut self) -> Result<String, Misread> {
        let mut units: Vec<u16> = Vec::new();
        let mut chars = self.source[self.at..].char_indices();
        let mut buffer = [0; 2];
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(String::from_utf16_lossy(&units));
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('u') => {
                        let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        units.push(
                            u16::from_str_radix(&digits, 16)
                                .map_err(|_| self.wrong("\\u is not followed by four digits"))?,
                        );
                    }
                    Some(c) => units.extend_from_slice(unescaped(c).encode_utf16(&mut buffer)),
                    None => break,
                },
                c => units.extend_from_slice(c.encode_utf16(&mut buffer)),
            }
        }
        Err(self.wrong("the quotes are not closed"))
    }
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    }
}
