//! Text of hosts made harmless for a terminal: what would drive it, hide or reorder text is shown escaped.
//!
//! Used at one place for results ([`super::render`]) and at one for stderr ([`super::Stderr`]).

use super::pyrepr;
use halite_wire::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write;

/// Combining marks in one run that real scripts need; the rest of a longer run only floods the screen.
const MARKS_MAX: usize = 8;

/// Columns between tab stops.
const TAB_COLUMNS: usize = 8;

/// Makes `text` harmless, line by line: `\n` and `\r\n` stay line ends, tabs become spaces, control, direction and
/// invisible characters are shown as `\x1b` or `\u202e`, and marks past the eighth in a row are only counted.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| is_plain(c) || c == '\n') {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> =
        text.split('\n').map(|line| clean_line(line.strip_suffix('\r').unwrap_or(line))).collect();
    Cow::Owned(lines.join("\n"))
}

/// Makes `text` harmless and one line: line ends are shown as `\n` too.
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(clean_line(&text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")))
}

/// Sanitizes every text in `value`, and the keys to one line each.
pub fn sanitize_value(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(sanitize(text).into_owned()),
        Value::List(items) => Value::List(items.iter().map(sanitize_value).collect()),
        Value::Map(map) => Value::Map(sanitize_map(map)),
        other => other.clone(),
    }
}

/// Entries whose keys become the same text stay apart: a later one gets a mark, as nothing may be lost.
fn sanitize_map(map: &Map) -> Map {
    let mut clean = Map::new();
    for (key, value) in map {
        let mut name = match key {
            Value::Str(text) => Value::Str(sanitize_line(text).into_owned()),
            Value::List(_) | Value::Map(_) => Value::Str(sanitize_line(&pyrepr::key_text(key)).into_owned()),
            other => other.clone(),
        };
        while clean.get_value(&name).is_some() {
            name = Value::Str(format!("{}'", pyrepr::text(&name)));
        }
        clean.insert(name, sanitize_value(value));
    }
    clean
}

/// Makes JSON text harmless without changing what it says: unsafe characters only stand inside strings there, and
/// get their `\u` escape.
pub fn sanitize_json(json: &str) -> Cow<'_, str> {
    if is_safe(json) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let mut marks = 0;
    for c in json.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if c == '\n' || (!is_unsafe(c) && marks <= MARKS_MAX) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(out)
}

/// Salt's own habit on every output: ESC becomes `?`.
pub fn hide_escapes(text: &str) -> Cow<'_, str> {
    if text.contains('\x1b') { Cow::Owned(text.replace('\x1b', "?")) } else { Cow::Borrowed(text) }
}

/// Whether a terminal may be given `text` as it is.
pub fn is_safe(text: &str) -> bool {
    let mut marks = 0;
    text.chars().all(|c| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        c == '\n' || (!is_unsafe(c) && marks <= MARKS_MAX)
    })
}

fn clean_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut columns, mut marks) = (0, 0);
    for c in line.chars() {
        if is_mark(c) {
            marks += 1;
            if marks <= MARKS_MAX {
                out.push(c);
            }
            continue;
        }
        close_marks(&mut out, &mut marks);
        let start = out.len();
        push_clean(&mut out, c, columns);
        columns += out[start..].chars().count();
    }
    close_marks(&mut out, &mut marks);
    out
}

fn push_clean(out: &mut String, c: char, columns: usize) {
    match c {
        '\t' => out.extend(std::iter::repeat_n(' ', TAB_COLUMNS - columns % TAB_COLUMNS)),
        c if is_unsafe(c) => out.push_str(&pyrepr::escape(c)),
        c => out.push(c),
    }
}

fn close_marks(out: &mut String, marks: &mut usize) {
    if *marks > MARKS_MAX {
        let _ = write!(out, "(+{} marks)", *marks - MARKS_MAX);
    }
    *marks = 0;
}

/// The quick way out: neither unsafe nor part of a run.
fn is_plain(c: char) -> bool {
    !is_unsafe(c) && !is_mark(c)
}

/// Controls (C0, DEL, C1), direction marks and overrides, invisible characters, and line ends of other worlds.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters without a width of their own: combining marks, variation selectors, joiners.
fn is_mark(c: char) -> bool {
    c >= '\u{300}'
        && (matches!(c, '\u{200c}' | '\u{200d}') || (pyrepr::is_printable(c) && c.escape_debug().count() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_shown() {
        let hostile = "\x1b]0;x\x07\x1b[2J a\rb \u{8}\u{9b}31m \u{202e}x \u{200b}";
        assert_eq!(sanitize(hostile), "\\x1b]0;x\\x07\\x1b[2J a\\x0db \\x08\\x9b31m \\u202ex \\u200b");
        assert_eq!(sanitize_line("ok\n[INFO    ] fake\r\n"), "ok\\n[INFO    ] fake\\r\\n");
    }

    #[test]
    fn honest_text_stays_as_it_is() {
        for text in
            ["", "a\nb\n", "naïve 你好 שלום 👍🏽", "e\u{301}", "क्षि", "👨\u{200d}👩\u{200d}👧", "C:\\temp"]
        {
            assert_eq!(sanitize(text), text);
        }
        assert_eq!(sanitize("a\r\nb\r\n"), "a\nb\n");
        assert_eq!(sanitize("a\tb\n12345678\tc"), "a       b\n12345678        c");
    }

    #[test]
    fn a_million_marks_become_eight_and_a_number() {
        let zalgo = format!("a{}b", "\u{301}".repeat(1_000_000));
        assert_eq!(sanitize(&zalgo), format!("a{}(+999992 marks)b", "\u{301}".repeat(8)));
    }

    #[test]
    fn json_says_the_same_after_it() {
        let json = "\"\u{9b}\u{202e}\u{e0001}\u{7f}\"";
        assert_eq!(sanitize_json(json), "\"\\u009b\\u202e\\udb40\\udc01\\u007f\"");
        assert_eq!(
            serde_json::from_str::<String>(&sanitize_json(json)).unwrap(),
            "\u{9b}\u{202e}\u{e0001}\u{7f}"
        );
    }

    #[test]
    fn keys_that_look_alike_afterwards_stay_apart() {
        let map: Map = [("a\x07", 1), ("a\\x07", 2)].into_iter().collect();
        assert_eq!(sanitize_map(&map).len(), 2);
    }
}
