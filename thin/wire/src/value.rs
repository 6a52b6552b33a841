//! The data of Salt: what YAML, JSON and Python agree on, in the order it was written.

use crate::Map;
use std::hash::{Hash, Hasher};

/// One value as Salt's functions take and return it.
///
/// Equality is by kind and content: `Int(1)`, `Float(1.0)` and `Bool(true)` are three different values
/// (Python would call them equal; JSON and YAML keep them apart, and so do returns).
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// An integer outside `i64`, in decimal, with an optional leading `-`.
    BigInt(Box<str>),
    Float(f64),
    Str(String),
    /// Bytes that are not UTF-8. Text never travels in this form.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Map),
}

impl Value {
    pub const NULL: Value = Value::Null;

    /// Text where the bytes are UTF-8, the very bytes where they are not: nothing is lost either way.
    pub fn from_bytes(bytes: Vec<u8>) -> Value {
        String::from_utf8(bytes).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::Str)
    }

    // Asked for every key that is compared: a call would cost more than the answer.
    #[inline(always)]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(text) = self { Some(text) } else { None }
    }

    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Int(number) = self { Some(*number) } else { None }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(flag) = self { Some(*flag) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        if let Value::List(items) = self { Some(items) } else { None }
    }

    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value under `key`, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// Python's truth: false for null, false, zero and everything empty.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            Value::Int(number) => *number != 0,
            Value::BigInt(_) => true,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
        }
    }

    /// The kind in Salt's (Python's) words, for messages: `str`, `int`, `list`, `dict` ...
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "dict",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::BigInt(a), Value::BigInt(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// Text hashes as `str` does, so that a [`Map`] is asked for a `&str` without building a `Value`.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Null => state.write_u8(0),
            Value::Bool(flag) => flag.hash(state),
            Value::Int(number) => number.hash(state),
            Value::BigInt(digits) => digits.hash(state),
            Value::Float(number) => number.to_bits().hash(state),
            Value::Str(text) => text.as_str().hash(state),
            Value::Bytes(bytes) => bytes.hash(state),
            Value::List(items) => items.hash(state),
            Value::Map(map) => map.iter().for_each(|(key, value)| {
                key.hash(state);
                value.hash(state);
            }),
        }
    }
}

macro_rules! from_integers {
    ($($int:ty),*) => { $(impl From<$int> for Value {
        fn from(number: $int) -> Value {
            i64::try_from(number).map_or_else(|_| Value::BigInt(number.to_string().into()), Value::Int)
        }
    })* };
}
from_integers!(i32, i64, u8, u16, u32, u64, usize, i128, u128);

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Bool(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Str(text)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::Map(map)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(maybe: Option<T>) -> Value {
        maybe.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

mod serde_impl {
    use super::Value;
    use crate::Map;
    use crate::pack::{BIG_INT, big_int};
    use serde::de::{self, MapAccess, SeqAccess, Visitor};
    use serde::ser::{SerializeMap, SerializeSeq};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::fmt;

    impl Serialize for Value {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Value::Null => serializer.serialize_unit(),
                Value::Bool(flag) => serializer.serialize_bool(*flag),
                Value::Int(number) => serializer.serialize_i64(*number),
                Value::BigInt(digits) => {
                    let mut map = serializer.serialize_map(Some(1))?;
                    map.serialize_entry(BIG_INT, digits)?;
                    map.end()
                }
                Value::Float(number) => serializer.serialize_f64(*number),
                Value::Str(text) => serializer.serialize_str(text),
                Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
                Value::List(items) => {
                    let mut seq = serializer.serialize_seq(Some(items.len()))?;
                    items.iter().try_for_each(|item| seq.serialize_element(item))?;
                    seq.end()
                }
                Value::Map(entries) => {
                    let mut map = serializer.serialize_map(Some(entries.len()))?;
                    entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                    map.end()
                }
            }
        }
    }

    impl<'de> Deserialize<'de> for Value {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
            deserializer.deserialize_any(AnyValue)
        }
    }

    struct AnyValue;

    impl<'de> Visitor<'de> for AnyValue {
        type Value = Value;

        fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
            out.write_str("a value")
        }
        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }
        fn visit_none<E>(self) -> Result<Value, E> {
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
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
            Ok(Value::Bytes(bytes.to_vec()))
        }
        fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
            Ok(Value::Bytes(bytes))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(Value::List(items))
        }
        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
            let mut map = Map::new();
            while let Some((key, value)) = entries.next_entry::<Value, Value>()? {
                if map.insert(key, value).is_some() {
                    return Err(de::Error::custom("a map has the same key twice"));
                }
            }
            Ok(big_int(&map).unwrap_or(Value::Map(map)))
        }
    }
}
