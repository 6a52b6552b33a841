//! Values as Python's `repr` writes them.

use halite_wire::Value;
use std::fmt::Write;

pub fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(digits) => digits.to_string(),
        Value::Float(number) => float(*number),
        Value::Str(text) => quoted(text),
        Value::Bytes(bytes) => format!("b{}", quoted_bytes(bytes)),
        Value::List(items) => format!("[{}]", joined(items.iter().map(repr))),
        Value::Map(map) => {
            format!(
                "{{{}}}",
                joined(map.iter().map(|(key, value)| format!("{}: {}", repr(key), repr(value))))
            )
        }
    }
}

/// `(1, 'two')`, and `(1,)` for one.
pub fn tuple(items: &[Value]) -> String {
    match items {
        [one] => format!("({},)", repr(one)),
        items => format!("({})", joined(items.iter().map(repr))),
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// Exponents have a sign and two digits: `1e+16`, `1e-05`.
fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let text = if number.is_nan() { "nan".to_owned() } else { format!("{number:?}") };
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
    }
}

/// Single quotes, unless there are some inside and no double ones.
fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn quoted(text: &str) -> String {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 || (0x7f..0xa1).contains(&u32::from(c)) || c == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn quoted_bytes(bytes: &[u8]) -> String {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = String::from(quote);
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::Map;

    #[test]
    fn values_are_written_as_python_writes_them() {
        // Each right side is what python3 prints for the value.
        let cases = [
            (Value::NULL, "None"),
            (Value::from("it's"), "\"it's\""),
            (Value::from("both ' and \""), "'both \\' and \"'"),
            (Value::from("a\n\t\\\u{7f}\u{e4}"), "'a\\n\\t\\\\\\x7f\u{e4}'"),
            (Value::Float(3.0), "3.0"),
            (Value::Float(1e16), "1e+16"),
            (Value::Float(1e-5), "1e-05"),
            (Value::Float(1.5e300), "1.5e+300"),
            (Value::Float(f64::NEG_INFINITY), "-inf"),
            (Value::Bytes(vec![0xff, b'\'', b'a']), "b\"\\xff'a\""),
            (Value::from(vec![Value::from(1), Value::Bool(true)]), "[1, True]"),
            (Value::Map(Map::from_iter([("a", 1)])), "{'a': 1}"),
        ];
        for (value, text) in cases {
            assert_eq!(repr(&value), text);
        }
        assert_eq!(tuple(&[Value::from(1)]), "(1,)");
        assert_eq!(tuple(&[]), "()");
    }
}
