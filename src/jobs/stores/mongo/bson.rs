//! Values as BSON and back, with keys mangled as Salt's returner mangles them.
//!
//! BSON has no NUL in keys, no integer beyond 64 bits and, in MongoDB, at most a hundred levels. What gets another form
//! for that, or by the mangling, is beside it as JSON text under [`EXACT`], so that nothing is lost; other programs see
//! Salt's documents.

use super::super::super::json;
use halite_wire::{Map, Value};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document};

/// The whole value as JSON, in documents that hold it in another form.
pub(super) const EXACT: &str = "exact";

/// Levels that are documents of their own; what lies deeper is JSON text. MongoDB takes a hundred in all.
const LEVELS_MAX: usize = 80;

/// What becomes of keys.
#[derive(Clone, Copy)]
pub(super) enum Keys {
    /// They stay as they are.
    Plain,
    /// Dots become dashes, in dicts of dicts only: so Salt keeps returns.
    Dashed,
    /// `%`, `\`, `$` and `.` become `%25`, `%5c`, `%24` and `%2e`: so Salt keeps loads.
    Escaped,
}

/// What [`Keys::Escaped`] puts in place of what.
const ESCAPES: [(&str, &str); 4] = [("%", "%25"), ("\\", "%5c"), ("$", "%24"), (".", "%2e")];

const NUL: (&str, &str) = ("\0", "%00");

impl Keys {
    fn of(self, key: &Value) -> String {
        let text = key.as_str().map_or_else(|| json::encode(key), str::to_owned);
        let text = match self {
            Keys::Plain => text,
            Keys::Dashed => text.replace('.', "-"),
            Keys::Escaped => ESCAPES.iter().fold(text, |text, (bare, escaped)| text.replace(bare, escaped)),
        };
        text.replace(NUL.0, NUL.1)
    }

    fn undone(self, key: &str) -> String {
        match self {
            Keys::Plain | Keys::Dashed => key.to_owned(),
            Keys::Escaped => [NUL]
                .iter()
                .chain(ESCAPES.iter().rev())
                .fold(key.to_owned(), |text, (bare, escaped)| text.replace(escaped, bare)),
        }
    }

    /// For what is in a list.
    fn in_lists(self) -> Keys {
        if matches!(self, Keys::Dashed) { Keys::Plain } else { self }
    }
}

/// The map as a document.
pub(super) fn document(map: &Map, keys: Keys) -> Document {
    map.iter().map(|(key, value)| (keys.of(key), at(value, keys, 1))).collect()
}

/// The value as BSON.
pub(super) fn bson(value: &Value, keys: Keys) -> Bson {
    at(value, keys, 1)
}

fn at(value: &Value, keys: Keys, level: usize) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(flag) => Bson::Boolean(*flag),
        Value::Int(number) => Bson::Int64(*number),
        Value::BigInt(digits) => Bson::String(digits.to_string()),
        Value::Float(number) => Bson::Double(*number),
        Value::Str(text) => Bson::String(text.clone()),
        Value::Bytes(bytes) => Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.clone() }),
        Value::List(_) | Value::Map(_) if level > LEVELS_MAX => Bson::String(json::encode(value)),
        Value::List(items) => {
            Bson::Array(items.iter().map(|item| at(item, keys.in_lists(), level + 1)).collect())
        }
        Value::Map(map) => {
            let entry = |(key, value)| (keys.of(key), at(value, keys, level + 1));
            Bson::Document(map.iter().map(entry).collect())
        }
    }
}

/// The document as a map. Kinds that only other programs write become text.
pub(super) fn map(document: &Document, keys: Keys) -> Map {
    document.iter().map(|(key, value)| (Value::Str(keys.undone(key)), of_bson(value, keys))).collect()
}

fn of_bson(bson: &Bson, keys: Keys) -> Value {
    match bson {
        Bson::Null | Bson::Undefined => Value::Null,
        Bson::Boolean(flag) => Value::Bool(*flag),
        Bson::Int32(number) => Value::Int((*number).into()),
        Bson::Int64(number) => Value::Int(*number),
        Bson::Double(number) => Value::Float(*number),
        Bson::String(text) => Value::Str(text.clone()),
        Bson::Binary(binary) => Value::from_bytes(binary.bytes.clone()),
        Bson::Array(items) => items.iter().map(|item| of_bson(item, keys)).collect(),
        Bson::Document(document) => Value::Map(map(document, keys)),
        other => Value::Str(other.to_string()),
    }
}

/// JSON of `map`, where its document does not give it back.
pub(super) fn exact(map: &Map, found: &Map) -> Option<String> {
    (map != found).then(|| json::encode(&Value::Map(map.clone())))
}
