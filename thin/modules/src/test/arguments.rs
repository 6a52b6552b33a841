//! Arguments, shown as they arrived.

use super::repr;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

fn shown(args: Value, kwargs: impl Into<Value>) -> Result<Value, CallError> {
    Ok(Map::from_iter([("args", args), ("kwargs", kwargs.into())]).into())
}

pub fn arg(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    shown(args.rest().to_vec().into(), args.keywords().clone())
}

pub fn arg_clean(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    shown(args.rest().to_vec().into(), clean(args.keywords()))
}

/// Without the arguments the publisher adds.
pub fn clean(keywords: &Map) -> Map {
    let added = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__"));
    keywords.iter().filter(|(key, _)| !added(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub fn arg_repr(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    shown(repr::tuple(args.rest()).into(), repr::repr(&Value::Map(args.keywords().clone())))
}

pub fn arg_type(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let class = |value: &Value| match value {
        Value::Null => "<class 'NoneType'>".to_owned(),
        other => format!("<class '{}'>", other.kind()),
    };
    let kwargs: Map = args.keywords().iter().map(|(key, value)| (key.clone(), class(value))).collect();
    shown(args.rest().iter().map(class).collect(), kwargs)
}
