//! Paths as text: `basename`, `dirname`, `join`, `normpath`, `pardir`. Nothing here looks at the file system.

use super::bytes;
use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx, paths};
use halite_wire::Value;

pub fn basename(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from_bytes(paths::basename(&bytes(args, "path")?).to_vec()))
}

pub fn dirname(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from_bytes(paths::dirname(&bytes(args, "path")?).to_vec()))
}

pub fn normpath(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Value::from_bytes(paths::normpath(&bytes(args, "path")?)))
}

pub fn pardir(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Value::from(".."))
}

pub fn join(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut parts = args.rest().iter().map(|part| match part {
        Value::Bytes(bytes) => Some(bytes.clone()),
        other => as_text(other).map(String::into_bytes),
    });
    let first = parts.next().ok_or_else(|| args.wrong("needs at least one part of a path"))?;
    let whole = parts.fold(first, |whole, part| Some(paths::join(&whole?, &part?)));
    whole.map(Value::from_bytes).ok_or_else(|| args.wrong("parts of a path must be text"))
}
