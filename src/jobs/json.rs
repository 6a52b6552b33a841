//! Values as JSON text and back, without loss: the one place where the two meet.
//!
//! Keys that are not text become text as Python's `json` writes them (`true`, `null`, `1`); that is the only thing
//! that does not come back. What JSON has no form for is a map of one marked entry:
//! `{"__bytes__": "base64"}`, `{"__int__": "digits"}` beyond 64 bits, `{"__float__": "nan"}`, and, for stores that
//! take no NUL in text, `{"__text__": "base64"}`. A map that looks like one of these gets a backslash before its key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_wire::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::ser::Formatter;
use std::fmt;
use std::io::{self, Write};

const BYTES: &str = "__bytes__";
const INT: &str = "__int__";
const FLOAT: &str = "__float__";
const TEXT: &str = "__text__";

/// Nesting that is read back. What hosts may send is well below ([`halite_wire::message::DEPTH_MAX`]); damage is not.
const DEPTH_MAX: usize = 2 * halite_wire::message::DEPTH_MAX;

/// The text is not JSON of ours: `why` says what and at which line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not readable as JSON: {why}")]
pub struct JsonError {
    pub why: String,
}

/// `value` as JSON on one line.
pub fn encode(value: &Value) -> String {
    // Writing to memory does not fail, and every kind of value has a form.
    serde_json::to_string(&Json { value, has_nul: true }).unwrap_or_default()
}

/// `value` as Python's `json.dumps` spells it: a blank after each comma and colon, nothing beyond ASCII. For tables
/// that other programs search as text, in whatever character set.
pub fn encode_ascii(value: &Value) -> String {
    encode_with(Json { value, has_nul: true })
}

/// Like [`encode_ascii`], and no text in it has a NUL: PostgreSQL's `jsonb` takes none.
pub fn encode_without_nul(value: &Value) -> String {
    encode_with(Json { value, has_nul: false })
}

fn encode_with(json: Json) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = json.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Ascii));
    String::from_utf8(out).unwrap_or_default()
}

/// Python's spelling.
struct Ascii;

impl Formatter for Ascii {
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }
    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }
    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        if text.is_ascii() {
            return out.write_all(text.as_bytes());
        }
        for c in text.chars() {
            if c.is_ascii() {
                write!(out, "{c}")?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }
}

/// Reads what [`encode`] wrote, and any other JSON.
///
/// # Errors
/// [`JsonError`] where the text is no JSON, nests deeper than 256, or has something after its end.
pub fn decode(text: &str) -> Result<Value, JsonError> {
    let wrong = |error: serde_json::Error| JsonError { why: error.to_string() };
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = Depth(DEPTH_MAX).deserialize(&mut reader).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Json<'a> {
    value: &'a Value,
    /// Whether text may have a NUL in it.
    has_nul: bool,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let json = |value| Json { value, ..*self };
        match self.value {
            Value::Null => out.serialize_unit(),
            Value::Bool(flag) => out.serialize_bool(*flag),
            Value::Int(number) => out.serialize_i64(*number),
            Value::BigInt(digits) => match digits.parse::<u64>() {
                Ok(number) => out.serialize_u64(number),
                Err(_) => marked(out, INT, digits),
            },
            Value::Float(number) if number.is_finite() => out.serialize_f64(*number),
            Value::Float(number) => marked(out, FLOAT, &number.to_string().to_lowercase()),
            Value::Str(text) if !self.has_nul && text.contains('\0') => {
                marked(out, TEXT, &STANDARD.encode(text))
            }
            Value::Str(text) => out.serialize_str(text),
            Value::Bytes(bytes) => marked(out, BYTES, &STANDARD.encode(bytes)),
            Value::List(items) => {
                let mut list = out.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&json(item)))?;
                list.end()
            }
            Value::Map(map) => {
                let mut entries = out.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    let key = key_text(key).map_err(S::Error::custom)?;
                    let key = if map.len() == 1 && is_marker(&key) { format!("\\{key}") } else { key };
                    entries.serialize_entry(&key, &json(value))?;
                }
                entries.end()
            }
        }
    }
}

fn marked<S: Serializer>(out: S, mark: &str, text: &str) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry(mark, text)?;
    map.end()
}

/// Whether a lone key would be taken for a mark, or for an escaped one.
fn is_marker(key: &str) -> bool {
    matches!(key.trim_start_matches('\\'), BYTES | INT | FLOAT | TEXT)
}

/// A key as Python's `json` writes it.
fn key_text(key: &Value) -> Result<String, serde_json::Error> {
    Ok(match key {
        Value::Str(text) => text.clone(),
        Value::BigInt(digits) => digits.to_string(),
        Value::Float(number) if number.is_nan() => "NaN".to_owned(),
        Value::Float(number) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        plain => serde_json::to_string(&Json { value: plain, has_nul: true })?,
    })
}

/// Reads a value that nests at most so deep.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn deeper<E: serde::de::Error>(self) -> Result<Depth, E> {
        self.0.checked_sub(1).map(Depth).ok_or_else(|| E::custom("it nests too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Str(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = input.next_key::<String>()? {
            map.insert(key, input.next_value_seed(inner)?);
        }
        unmarked(map).ok_or_else(|| A::Error::custom("a marked value is not what its mark says"))
    }
}

/// The value a marked map stands for, or the map itself. `None` where the mark lies.
fn unmarked(map: Map) -> Option<Value> {
    let mut entries = map.iter();
    let (Some((Value::Str(key), value)), None) = (entries.next(), entries.next()) else {
        return Some(Value::Map(map));
    };
    match key.as_str() {
        BYTES => STANDARD.decode(value.as_str()?).ok().map(Value::Bytes),
        INT => {
            let digits = value.as_str()?;
            let unsigned = digits.strip_prefix('-').unwrap_or(digits);
            let whole = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
            whole.then(|| Value::BigInt(digits.into()))
        }
        FLOAT => value.as_str()?.parse().ok().map(Value::Float),
        TEXT => String::from_utf8(STANDARD.decode(value.as_str()?).ok()?).ok().map(Value::Str),
        escaped if is_marker(escaped) => Some(Value::Map(Map::from([(&escaped[1..], value.clone())]))),
        _ => Some(Value::Map(map)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![".{0,12}", r"\\{0,2}__(bytes|int|float|text)__", "[a\u{0}ü]{1,3}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<u128>().prop_map(Value::from),
            any::<i128>().prop_map(Value::from),
            any::<f64>().prop_map(|f| Value::Float(if f.is_nan() { f64::NAN } else { f })),
            text.clone().prop_map(Value::Str),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec((text.clone(), inner), 0..3)
                    .prop_map(|kv| Value::Map(kv.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were(value in value()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(value.clone()));
            prop_assert_eq!(decode(&encode_ascii(&value)), Ok(value.clone()));
            prop_assert_eq!(decode(&encode_without_nul(&value)), Ok(value));
        }

        #[test]
        fn what_is_written_is_json(value in value()) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&encode(&value)).is_ok());
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(text in "[\\[\\]{}\":,0-9a-z_\\\\ -]{0,40}|\\PC{0,40}") {
            let _ = decode(&text);
        }
    }

    #[test]
    fn the_spelling_of_python_is_ascii_with_blanks() {
        let map = Map::from([("a", Value::from("ü😀\u{7f}")), ("b", Value::from(vec![1, 2]))]);
        assert_eq!(
            encode_ascii(&map.into()),
            r#"{"a": "\u00fc\ud83d\ude00"#.to_owned() + "\u{7f}\", \"b\": [1, 2]}"
        );
        assert_eq!(encode_without_nul(&"a\0".into()), r#"{"__text__": "YQA="}"#);
    }

    #[test]
    fn keys_become_text_as_in_python() {
        let map = Map::from([
            (Value::Bool(true), 1),
            (Value::Null, 2),
            (Value::Int(-3), 3),
            (Value::Float(1.5), 4),
            (Value::from("k"), 5),
        ]);
        assert_eq!(encode(&map.into()), r#"{"true":1,"null":2,"-3":3,"1.5":4,"k":5}"#);
    }

    #[test]
    fn a_text_nested_too_deep_is_refused() {
        assert!(decode(&"[".repeat(100_000)).unwrap_err().why.contains("too deep"));
        let deepest = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(decode(&deepest).is_ok());
    }
}
