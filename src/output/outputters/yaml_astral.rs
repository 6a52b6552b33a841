//! Characters beyond U+FFFF (emoji, most of all) in YAML: libyaml writes them as `\U0001f44d` in double quotes, the
//! emitter used here writes them as they are.
//!
//! So each travels through the emitter as [`MARK`], which it escapes, and four private characters, which it does
//! not. The escape and the four take ten columns, as `\U0001f44d` does, so lines are folded at the same places.

use halite_wire::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// Not a character at all, and escaped in six columns.
const MARK: char = '\u{fffe}';
const MARK_ESCAPED: &str = "\\uFFFE";

/// The first of 32 private characters, each for five bits.
const DIGITS: u32 = 0xf8e0;

/// Whether the data have such characters, and none that the disguise is made of.
pub fn is_needed(data: &Value) -> bool {
    any_char(data, is_astral) && !any_char(data, |c| c == MARK || digit(c).is_some())
}

fn is_astral(c: char) -> bool {
    c > '\u{ffff}'
}

fn digit(c: char) -> Option<u32> {
    u32::from(c).checked_sub(DIGITS).filter(|digit| *digit < 32)
}

fn any_char(data: &Value, wanted: fn(char) -> bool) -> bool {
    match data {
        Value::Str(text) => text.chars().any(wanted),
        Value::List(items) => items.iter().any(|item| any_char(item, wanted)),
        Value::Map(map) => map.iter().any(|(key, value)| any_char(key, wanted) || any_char(value, wanted)),
        _ => false,
    }
}

/// The text for the emitter.
pub fn disguise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_astral) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_astral(c) {
            let code = u32::from(c) - 0x1_0000;
            let digits =
                [15, 10, 5, 0].map(|shift| char::from_u32(DIGITS + (code >> shift & 31)).unwrap_or(MARK));
            out.push(MARK);
            out.extend(digits);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The emitter's text with the escapes that were meant.
pub fn reveal(text: &str) -> String {
    let mut pieces = text.split(MARK_ESCAPED);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let mut rest = piece.chars();
        let code = rest.by_ref().take(4).try_fold(0, |code, c| Some(code << 5 | digit(c)?));
        match code {
            Some(code) => {
                let _ = write!(out, "\\U{:08X}{}", code + 0x1_0000, rest.as_str());
            }
            None => out.extend([MARK_ESCAPED, piece]),
        }
    }
    out
}
