//! One word of a command line as a value: Salt reads it as YAML, but never loses what was typed.

use halite_wire::Value;

/// What `text`, an argument on a command line, means: `5` is a number, `[a, b]` a list, `a: b` stays text.
///
/// Whatever is not YAML, or is YAML that would drop a part of the text (comments, dates, `1_000`), is the text itself.
pub fn scalar(text: &str) -> Value {
    if stays_text(text) {
        return Value::from(text);
    }
    if text == "None" {
        return Value::Null;
    }
    let Ok(node) = super::load(text) else { return Value::from(text) };
    let value = node.to_value();
    let keeps_text = match &value {
        // `#` begins a comment, so anything that is not data would lose what stands behind it.
        Value::Str(_) | Value::Null if text.contains('#') => true,
        Value::List(_) if text.starts_with("!!set") => true,
        _ if text.contains('#') => false,
        Value::Map(_) => !text.starts_with('{'),
        Value::List(_) => !text.starts_with('['),
        Value::Str(inner) => inner.is_empty() && matches!(text, "|" | "!") || text.starts_with("!!binary"),
        Value::Null => text == "!",
        Value::Bytes(_) => true,
        _ => false,
    };
    if keeps_text { Value::from(text) } else { value }
}

fn stays_text(text: &str) -> bool {
    let trimmed = text.trim();
    let digits_and_bars = text.contains('_') && trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    matches!(trimmed, "" | "---" | "...") || digits_and_bars || text.contains(['\t', '\r', '\n'])
}
