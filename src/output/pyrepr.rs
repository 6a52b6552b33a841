//! Values as Python writes them: `repr()` and `str()`. Half of Salt's outputters print these.

use halite_wire::{Map, Value};
use std::fmt::Write;

/// Python's `repr(value)`. Dicts keep their order; a list used as a key is written as the tuple it was.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

/// Python's `str(value)`: text as it is, everything else as [`repr`] has it.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// The repr of a dict's key.
pub fn key(key: &Value) -> String {
    key.as_list().map_or_else(|| repr(key), tuple)
}

/// The `str()` of a dict's key.
pub fn key_text(value: &Value) -> String {
    value.as_str().map_or_else(|| key(value), str::to_owned)
}

fn tuple(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(key).collect();
    let comma = if items.len() == 1 { "," } else { "" };
    format!("({}{comma})", items.join(", "))
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => write_quoted(out, text),
        Value::Bytes(bytes) => out.push_str(&quote_bytes(bytes)),
        Value::List(items) => write_list(out, items),
        Value::Map(map) => write_map(out, map),
    }
}

fn write_list(out: &mut String, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_repr(out, item);
    }
    out.push(']');
}

fn write_map(out: &mut String, map: &Map) {
    out.push('{');
    for (index, (name, value)) in map.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        out.push_str(&key(name));
        out.push_str(": ");
        write_repr(out, value);
    }
    out.push('}');
}

/// The shortest digits that read back as the same number; with an exponent below 1e-4 and from 1e16 on.
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = shortest(number);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let digits = mantissa.trim_start_matches('-').len().saturating_sub(1).max(1);
        let decimals = i32::try_from(digits).unwrap_or(0) - 1 - exponent;
        return format!("{number:.*}", usize::try_from(decimals.max(1)).unwrap_or(1));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The fewest digits that read back as `number`. Of two equally near texts the even one, as Python decides.
fn shortest(number: f64) -> String {
    let any = format!("{number:e}");
    let decimals = any.split_once('.').map_or(0, |(_, rest)| rest.split('e').next().map_or(0, str::len));
    let even = format!("{number:.decimals$e}");
    if even.parse() == Ok(number) { even } else { any }
}

/// Text between Python's quotes, escaped where Python escapes it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

fn write_quoted(out: &mut String, text: &str) {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    out.push(quote);
    for c in text.chars() {
        write_escaped(out, c, quote);
    }
    out.push(quote);
}

/// Python takes double quotes only where that saves escapes.
fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn write_escaped(out: &mut String, c: char, quote: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        c if c == quote => out.extend(['\\', c]),
        c if is_printable(c) => out.push(c),
        c => out.push_str(&escape(c)),
    }
}

/// `\x1b`, `\u202e` or `\U0001f600`: the shortest of Python's numeric escapes.
pub fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// Whether Python's `str.isprintable` holds: no control, format, private, unassigned or separator character.
///
/// The table is the standard library's (the one behind `{:?}`), so characters of the newest Unicode count as
/// printable before every Python knows them.
pub fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{a0}' => false,
        c if c.escape_debug().count() == 1 => true,
        // A mark that extends the letter before it is escaped when alone, so it is looked at behind a letter.
        c => String::from_iter(['a', c]).escape_debug().count() == 2,
    }
}

/// A bytes literal: `b'\xff'`.
pub fn quote_bytes(bytes: &[u8]) -> String {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&escape(char::from(*byte))),
        }
    }
    out.push(quote);
    out
}

/// Bytes for people to read: printable ASCII and line ends as they are, `\` doubled, the rest as `\xff`.
pub fn bytes_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' | b'\n' => out.push(char::from(*byte)),
            byte => out.push_str(&escape(char::from(*byte))),
        }
    }
    out
}

/// Python's `str.splitlines()`: many kinds of line ends, and no empty line behind the last one.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    split_lines_keeping_ends(text)
        .map(|line| line.strip_suffix("\r\n").unwrap_or(line).trim_end_matches(is_line_end))
}

/// The same, each line with its end.
pub fn split_lines_keeping_ends(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = rest.find(is_line_end)?;
        let end = if rest[at..].starts_with("\r\n") {
            2
        } else {
            rest[at..].chars().next().map_or(0, char::len_utf8)
        };
        let (line, tail) = rest.split_at(at + end);
        rest = tail;
        Some(line)
    })
    .chain(last_line(text))
}

fn last_line(text: &str) -> Option<&str> {
    let start =
        text.rfind(is_line_end).map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    (start < text.len()).then(|| &text[start..])
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Python's idea of white space (`str.isspace`), which has four control characters more than Unicode's.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases =
            [(0.1, "0.1"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1e-4, "0.0001"), (1e-5, "1e-05")];
        for (number, expected) in cases {
            assert_eq!(float(number), expected);
        }
        assert_eq!([float(-0.0), float(f64::INFINITY), float(f64::NAN)], ["-0.0", "inf", "nan"]);
        assert_eq!(float(-1.5e300), "-1.5e+300");
    }

    #[test]
    fn quotes_are_doubled_only_where_that_saves_escapes() {
        assert_eq!(quote("it's"), "\"it's\"");
        assert_eq!(quote("it's \"so\""), "'it\\'s \"so\"'");
        assert_eq!(quote_bytes(b"it's\xff"), "b\"it's\\xff\"");
    }

    #[test]
    fn marks_are_printable_and_direction_marks_are_not() {
        assert!(is_printable('\u{301}') && is_printable('é') && is_printable('你'));
        assert!(!is_printable('\u{202e}') && !is_printable('\u{a0}') && !is_printable('\u{e000}'));
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        let lines = |text| split_lines(text).collect::<Vec<_>>();
        assert_eq!(lines("a\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("a\u{2028}b\u{85}"), ["a", "b"]);
        assert!(lines("").is_empty());
        assert_eq!(split_lines_keeping_ends("a\r\n\nb").collect::<Vec<_>>(), ["a\r\n", "\n", "b"]);
    }

    #[test]
    fn bytes_for_people_lose_nothing() {
        assert_eq!(bytes_text(b"a\\\n\xc3\xff\x1b"), "a\\\\\n\\xc3\\xff\\x1b");
    }
}
