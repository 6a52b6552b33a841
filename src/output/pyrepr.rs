//! Values and lines as Python has them: half of Salt's outputters print `repr()` and `str()`.
//!
//! What templates need too lives in [`halite_render::repr`]; here is the rest.

pub use halite_render::repr::{is_printable, repr};
use halite_render::repr::{write_bytes, write_escape, write_key, write_str};
use halite_wire::Value;

/// Python's `str(value)`: text as it is, everything else as [`repr`] has it.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// The repr of a dict's key; a list used as one is the tuple it was.
pub fn key(key: &Value) -> String {
    written(|out| write_key(key, out))
}

/// The `str()` of a dict's key.
pub fn key_text(value: &Value) -> String {
    value.as_str().map_or_else(|| key(value), str::to_owned)
}

/// Text between Python's quotes, escaped where Python escapes it.
pub fn quote(text: &str) -> String {
    written(|out| write_str(text, out))
}

/// A bytes literal: `b'\xff'`.
pub fn quote_bytes(bytes: &[u8]) -> String {
    written(|out| write_bytes(bytes, out))
}

/// `\x1b`, `\u202e` or `\U0001f600`.
pub fn escape(c: char) -> String {
    written(|out| write_escape(c, out))
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
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
