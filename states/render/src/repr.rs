//! Values as Python prints them: what templates put into files, and what Salt's raw output shows.

use halite_wire::Value;
use std::fmt::Write;

/// Python's `repr(value)`: `{'a': [1, None, True]}`.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out);
    out
}

fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => write_str(text, out),
        Value::Bytes(bytes) => write_bytes(bytes, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_repr(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_key(key, out);
                out.push_str(": ");
                write_repr(value, out);
            }
            out.push('}');
        }
    }
}

/// Appends the repr of a dict's key: a list can only have been a tuple.
pub fn write_key(key: &Value, out: &mut String) {
    let Value::List(items) = key else { return write_repr(key, out) };
    out.push('(');
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        write_key(item, out);
    }
    out.push_str(if items.len() == 1 { ",)" } else { ")" });
}

/// `repr` and `str` of a float: the shortest digits that mean it, `1e+16` from 16 digits on.
pub fn float(number: f64) -> String {
    if !number.is_finite() {
        let name = if number.is_nan() { "nan" } else { "inf" };
        return format!("{}{name}", if number == f64::NEG_INFINITY { "-" } else { "" });
    }
    let scientific = shortest(number);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let decimals = i32::try_from(decimals(&scientific)).unwrap_or(0) - exponent;
        return format!("{number:.*}", usize::try_from(decimals).unwrap_or(0).max(1));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The fewest digits that read back as `number`. Of two equally near texts the even one, as Python decides.
fn shortest(number: f64) -> String {
    let any = format!("{number:e}");
    let even = format!("{number:.*e}", decimals(&any));
    if even.parse() == Ok(number) { even } else { any }
}

/// Digits between the point and the exponent.
fn decimals(scientific: &str) -> usize {
    scientific.split_once('.').map_or(0, |(_, rest)| rest.split('e').next().map_or(0, str::len))
}

/// Appends `repr(text)`: in single quotes, unless the text holds one and no double quote.
pub fn write_str(text: &str, out: &mut String) {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => write_escape(c, out),
        }
    }
    out.push(quote);
}

/// Appends `repr(bytes)`: `b'a\xff'`.
pub fn write_bytes(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.extend(['b', quote]);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ if char::from(byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => write_escape(char::from(byte), out),
        }
    }
    out.push(quote);
}

fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

/// Appends `\x1b`, `\u202e` or `\U0001f600`: the shortest of Python's numeric escapes.
pub fn write_escape(c: char, out: &mut String) {
    let _ = match u32::from(c) {
        code @ ..=0xff => write!(out, "\\x{code:02x}"),
        code @ ..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

/// Python's `str.isprintable`: neither control, format, private, unassigned nor a separator other than space.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The same categories decide what `escape_debug` leaves alone; a letter in front keeps combining marks whole.
    let mut buffer = [b'a'; 5];
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..len]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::Map;

    #[test]
    fn floats_print_as_python_prints_them() {
        let cases = [
            (1.0, "1.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e20, "1e+20"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (196_296_634_874_972.63, "196296634874972.62"),
            (5e-324, "5e-324"),
            (-0.0, "-0.0"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (number, text) in cases {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn text_prints_as_python_prints_it() {
        let cases = [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\nb\t\\", "'a\\nb\\t\\\\'"),
            ("\u{7}\u{a0}\u{2028}\u{1F600}\u{E000}", "'\\x07\\xa0\\u2028\u{1F600}\\ue000'"),
            ("e\u{301}\u{fc}", "'e\u{301}\u{fc}'"),
        ];
        for (text, shown) in cases {
            assert_eq!(repr(&Value::from(text)), shown);
        }
    }

    #[test]
    fn collections_print_as_python_prints_them() {
        let map = Map::from([("a", Value::from(vec![Value::Null, Value::Bool(true)]))]);
        assert_eq!(repr(&Value::Map(map)), "{'a': [None, True]}");
        let pairs = Map::from([(Value::from(vec![1, 2]), 0), (Value::from(vec!["x"]), 1)]);
        assert_eq!(repr(&Value::Map(pairs)), "{(1, 2): 0, ('x',): 1}");
        assert_eq!(repr(&Value::Bytes(vec![b'a', 0xff, b'\''])), "b\"a\\xff'\"");
    }
}
