//! Tests: `x is defined`, `n is divisibleby 3`.

use super::args::Args;
use super::fault::{Fault, FaultKind, Outcome};
use super::filters;
use super::run::Interp;
use super::syntax::Comparison;
use super::value::{Object, Val};
use crate::suggest;
use std::rc::Rc;

const NAMES: &[&str] = &[
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "equalto",
    "eq",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "list",
    "lower",
    "lt",
    "mapping",
    "match",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "search",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Whether `value` passes the test `name`.
pub(super) fn apply(interp: &mut Interp, name: &str, value: &Val, mut args: Args) -> Outcome<bool> {
    if let Some(comparison) = comparison(name) {
        return interp.compared(comparison, value, &args.need("other")?);
    }
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => matches!(value, Val::None),
        "boolean" => matches!(value, Val::Bool(_)),
        "true" => matches!(value, Val::Bool(true)),
        "false" => matches!(value, Val::Bool(false)),
        "integer" => matches!(value, Val::Int(_)),
        "float" => matches!(value, Val::Float(_)),
        "number" => matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_)),
        "string" => matches!(value, Val::Str(_)),
        "mapping" => matches!(value, Val::Dict(_)),
        "list" => matches!(value, Val::List(_)),
        "sequence" => value.defined()?.len().is_some(),
        "iterable" => value.defined()?.len().is_some(),
        "callable" => matches!(value, Val::Object(object) if object.is_callable()) || value.is_undefined(),
        "escaped" => false,
        "lower" => value.defined()?.as_str().is_some_and(|text| text.to_lowercase() == text),
        "upper" => value.defined()?.as_str().is_some_and(|text| text.to_uppercase() == text),
        "even" => whole(value)? % 2 == 0,
        "odd" => whole(value)? % 2 != 0,
        "divisibleby" => {
            let by = args.int("num", 0)?;
            whole(value)?.checked_rem(by).ok_or_else(|| Fault::of_type("division by zero"))? == 0
        }
        "sameas" => same(value, &args.need("other")?),
        "filter" => value.as_str().is_some_and(filters::exists),
        "test" => value.as_str().is_some_and(|name| comparison(name).is_some() || NAMES.contains(&name)),
        "match" | "search" => filters::regex_test(interp, name == "match", value, args)?,
        _ => return Err(unknown(name)),
    })
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "eq" | "equalto" | "==" => Comparison::Equal,
        "ne" | "!=" => Comparison::NotEqual,
        "lt" | "lessthan" | "<" => Comparison::Less,
        "le" | "<=" => Comparison::LessEqual,
        "gt" | "greaterthan" | ">" => Comparison::Greater,
        "ge" | ">=" => Comparison::GreaterEqual,
        "in" => Comparison::In,
        _ => return None,
    })
}

fn whole(value: &Val) -> Outcome<i128> {
    let number = value.defined()?.as_int();
    number.ok_or_else(|| Fault::of_type(format!("a number is tested here, not {}", value.kind())))
}

/// Python's `is`: the same object; small values are the same where they are equal and of one kind.
fn same(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::None, Val::None) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) => a == b,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::List(a), Val::List(b)) => Rc::ptr_eq(a, b),
        (Val::Dict(a), Val::Dict(b)) => Rc::ptr_eq(a, b),
        (Val::Object(a), Val::Object(b)) => Rc::<Object>::ptr_eq(a, b),
        _ => false,
    }
}

fn unknown(name: &str) -> Box<Fault> {
    let fault = Fault::new(FaultKind::Syntax, format!("there is no test `{name}`"));
    match suggest::nearest(name, NAMES.iter().copied()) {
        Some(near) => fault.hinted(format!("did you mean `{near}`?")),
        None => fault,
    }
}
