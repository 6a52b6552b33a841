//! Between the template's values and those that travel.

use super::super::fault::{Fault, Outcome};
use super::super::variables::{Level, Shared};
use super::object::Object;
use super::{Dict, Val};
use crate::limits::YAML_DEPTH_MAX;
use halite_wire::{Map, Value};

pub(in super::super) fn from_wire(value: &Value) -> Val {
    match value {
        Value::Null => Val::None,
        Value::Bool(flag) => Val::Bool(*flag),
        Value::Int(number) => Val::Int((*number).into()),
        Value::BigInt(digits) => digits.parse().map_or_else(|_| Val::from(&**digits), Val::Int),
        Value::Float(number) => Val::Float(*number),
        Value::Str(text) => Val::from(text.as_str()),
        Value::Bytes(bytes) => Val::Bytes(bytes.as_slice().into()),
        Value::List(items) => Val::list(items.iter().map(from_wire).collect()),
        Value::Map(map) => {
            Val::dict(map.iter().map(|(key, value)| (from_wire(key), from_wire(value))).collect::<Dict>())
        }
    }
}

/// The topmost level of a shared value; dicts inside of it stay shared until they are looked at.
pub(in super::super) fn from_shared(shared: &Shared) -> Val {
    match &*shared.0 {
        Level::Leaf(value) => from_wire(value),
        Level::List(items) => Val::list(items.iter().map(from_shared).collect()),
        Level::Map(entries) => {
            let mut dict = Dict::default();
            entries.iter().for_each(|(key, value)| dict.share(from_wire(key), value.clone()));
            Val::dict(dict)
        }
    }
}

/// Tuples travel as lists.
///
/// # Errors
/// What is undefined or no data (macros, loops), and what contains itself.
pub(in super::super) fn to_wire(value: &Val) -> Outcome<Value> {
    wire_at(value, 0)
}

fn wire_at(value: &Val, depth: usize) -> Outcome<Value> {
    if depth > YAML_DEPTH_MAX {
        return Err(Fault::limit(format!("the value is nested deeper than {YAML_DEPTH_MAX}")));
    }
    let list = |items: &[Val]| items.iter().map(|item| wire_at(item, depth + 1)).collect::<Outcome<Vec<_>>>();
    Ok(match value.defined()? {
        Val::Undefined(_) | Val::None => Value::Null,
        Val::Bool(flag) => Value::Bool(*flag),
        Val::Int(number) => Value::from(*number),
        Val::Float(number) => Value::Float(*number),
        Val::Str(text) => Value::from(&**text),
        Val::Bytes(bytes) => Value::from_bytes(bytes.to_vec()),
        Val::List(items) => Value::List(list(&items.borrow())?),
        Val::Tuple(items) => Value::List(list(items)?),
        Val::Dict(dict) => dict_at(&dict.borrow(), depth)?,
        Val::Object(object) => match &**object {
            Object::Namespace(dict) => dict_at(&dict.borrow(), depth)?,
            other => return Err(Fault::of_type(format!("a {} is no data", other.type_name()))),
        },
    })
}

fn dict_at(dict: &Dict, depth: usize) -> Outcome<Value> {
    let mut map = Map::new();
    for (key, value) in dict.iter() {
        map.insert(wire_at(key, depth + 1)?, wire_at(value, depth + 1)?);
    }
    Ok(Value::Map(map))
}
