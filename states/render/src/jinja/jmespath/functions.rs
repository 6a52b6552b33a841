//! The functions of JMESPath.

use super::super::fault::{Fault, Outcome};
use super::super::filters::sorted_by_key;
use super::super::json::{self, Style};
use super::super::ops;
use super::super::run::Interp;
use super::super::syntax::Operator;
use super::super::value::{Dict, Val, compare, equal, text};
use super::eval::{eval, list_of};
use super::parser::Tree;
use crate::suggest;
use std::cmp::Ordering;

/// Each function with the number of its arguments, the most of them where they may vary.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("abs", 1, 1),
    ("avg", 1, 1),
    ("ceil", 1, 1),
    ("contains", 2, 2),
    ("ends_with", 2, 2),
    ("floor", 1, 1),
    ("join", 2, 2),
    ("keys", 1, 1),
    ("length", 1, 1),
    ("map", 2, 2),
    ("max", 1, 1),
    ("max_by", 2, 2),
    ("merge", 1, usize::MAX),
    ("min", 1, 1),
    ("min_by", 2, 2),
    ("not_null", 1, usize::MAX),
    ("reverse", 1, 1),
    ("sort", 1, 1),
    ("sort_by", 2, 2),
    ("starts_with", 2, 2),
    ("sum", 1, 1),
    ("to_array", 1, 1),
    ("to_number", 1, 1),
    ("to_string", 1, 1),
    ("type", 1, 1),
    ("values", 1, 1),
];

pub(super) fn call(interp: &mut Interp, name: &str, args: &[Tree], data: &Val) -> Outcome<Val> {
    let Some((_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let fault = Fault::of_type(format!("a query has no function `{name}`"));
        let near = suggest::nearest(name, FUNCTIONS.iter().map(|(name, ..)| *name));
        return Err(near
            .into_iter()
            .fold(fault, |fault, near| fault.hinted(format!("did you mean `{near}`?"))));
    };
    if args.len() < *least || args.len() > *most {
        return Err(Fault::of_type(format!(
            "`{name}` of a query takes {least} arguments, not {}",
            args.len()
        )));
    }
    let (mut values, mut reference) = (Vec::new(), None);
    for arg in args {
        match arg {
            Tree::Reference(tree) => reference = Some(&**tree),
            tree => values.push(eval(interp, tree, data)?),
        }
    }
    match reference {
        Some(tree) if values.len() == 1 => by_reference(interp, name, tree, values.remove(0)),
        Some(_) => Err(refused(name, "an expression")),
        None => plain(interp, name, values),
    }
}

fn refused(name: &str, what: &str) -> Box<Fault> {
    Fault::of_type(format!("`{name}` of a query does not take {what}"))
}

fn items_of(name: &str, value: &Val) -> Outcome<Vec<Val>> {
    list_of(value.clone()).ok_or_else(|| refused(name, &value.kind()))
}

/// `map`, `sort_by`, `min_by` and `max_by`.
fn by_reference(interp: &mut Interp, name: &str, tree: &Tree, list: Val) -> Outcome<Val> {
    let mut keyed = Vec::new();
    for item in items_of(name, &list)? {
        let key = eval(interp, tree, &item)?;
        keyed.push((key, item));
    }
    match name {
        "map" => Ok(Val::list(keyed.into_iter().map(|(key, _)| key).collect())),
        "sort_by" => sorted_by_key(keyed, false).map(Val::list),
        "min_by" => extreme(keyed, Ordering::Less),
        "max_by" => extreme(keyed, Ordering::Greater),
        _ => Err(refused(name, "an expression")),
    }
}

fn extreme(keyed: Vec<(Val, Val)>, wanted: Ordering) -> Outcome<Val> {
    let mut best: Option<(Val, Val)> = None;
    for (key, item) in keyed {
        let better = match &best {
            Some((other, _)) => compare(&key, other)? == Some(wanted),
            None => true,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Val::None, |(_, item)| item))
}

fn plain(interp: &mut Interp, name: &str, mut values: Vec<Val>) -> Outcome<Val> {
    let second = if values.len() > 1 { Some(values[1].clone()) } else { None };
    if matches!(name, "merge" | "not_null") {
        return several(name, values);
    }
    let first = values.remove(0);
    interp.work(first.weight())?;
    let number =
        || first.as_float().filter(|_| !matches!(first, Val::Bool(_))).ok_or_else(|| refused(name, "this"));
    Ok(match name {
        "abs" => match &first {
            Val::Int(number) => Val::Int(number.saturating_abs()),
            _ => Val::Float(number()?.abs()),
        },
        "ceil" => Val::Int(number()?.ceil() as i128),
        "floor" => Val::Int(number()?.floor() as i128),
        "avg" | "sum" | "join" | "max" | "min" | "sort" | "map" | "sort_by" | "min_by" | "max_by" => {
            return of_list(name, &first, second);
        }
        "contains" | "starts_with" | "ends_with" => {
            return found_in(name, &first, &second.unwrap_or(Val::None));
        }
        "keys" | "values" => {
            let Val::Dict(dict) = &first else { return Err(refused(name, &first.kind())) };
            let dict = dict.borrow();
            Val::list(if name == "keys" {
                dict.keys().cloned().collect()
            } else {
                dict.values().cloned().collect()
            })
        }
        "length" => Val::int(first.len().ok_or_else(|| refused(name, &first.kind()))?),
        "reverse" => match &first {
            Val::Str(text) => Val::from(text.chars().rev().collect::<String>()),
            list => Val::list(items_of(name, list)?.into_iter().rev().collect()),
        },
        "to_array" => list_of(first.clone()).map_or_else(|| Val::list(vec![first.clone()]), Val::list),
        "to_number" => to_number(first),
        "to_string" => match &first {
            Val::Str(_) => first,
            other => Val::from(json::write(other, Style { compact: true, ascii: true, ..Style::default() })?),
        },
        _ => Val::from(type_of(&first)),
    })
}

fn several(name: &str, values: Vec<Val>) -> Outcome<Val> {
    if name == "not_null" {
        return Ok(values.into_iter().find(|value| !matches!(value, Val::None)).unwrap_or(Val::None));
    }
    let mut merged = Dict::default();
    for value in &values {
        let Val::Dict(dict) = value else { return Err(refused(name, &value.kind())) };
        merged.update(&dict.borrow());
    }
    Ok(Val::dict(merged))
}

fn of_list(name: &str, first: &Val, second: Option<Val>) -> Outcome<Val> {
    if name == "join" {
        let parts = items_of(name, &second.unwrap_or(Val::None))?;
        let parts: Vec<_> = parts.iter().map(text).collect();
        let joined = parts.join(&*text(first));
        ops::hold_size(joined.len())?;
        return Ok(Val::from(joined));
    }
    let items = items_of(name, first)?;
    let sum = || items.iter().try_fold(Val::Int(0), |sum, item| ops::binary(Operator::Add, &sum, item));
    match name {
        "sum" => sum(),
        "avg" if items.is_empty() => Ok(Val::None),
        "avg" => Ok(Val::Float(sum()?.as_float().unwrap_or(0.0) / items.len() as f64)),
        "sort" => {
            sorted_by_key(items.into_iter().map(|item| (item.clone(), item)).collect(), false).map(Val::list)
        }
        "max" => extreme(items.into_iter().map(|item| (item.clone(), item)).collect(), Ordering::Greater),
        "min" => extreme(items.into_iter().map(|item| (item.clone(), item)).collect(), Ordering::Less),
        _ => Err(refused(name, "arguments without `&`")),
    }
}

fn found_in(name: &str, whole: &Val, part: &Val) -> Outcome<Val> {
    Ok(Val::Bool(match (name, whole, part) {
        ("contains", Val::Str(whole), Val::Str(part)) => whole.contains(&**part),
        ("contains", Val::Str(_), _) => false,
        ("contains", list, item) => items_of(name, list)?.iter().any(|other| equal(other, item)),
        ("starts_with", Val::Str(whole), Val::Str(part)) => whole.starts_with(&**part),
        ("ends_with", Val::Str(whole), Val::Str(part)) => whole.ends_with(&**part),
        _ => return Err(refused(name, &whole.kind())),
    }))
}

fn to_number(value: Val) -> Val {
    match &value {
        Val::Int(_) | Val::Float(_) => value,
        Val::Str(written) => {
            let whole = written.trim().parse().map(Val::Int).ok();
            whole.or_else(|| written.trim().parse().map(Val::Float).ok()).unwrap_or(Val::None)
        }
        _ => Val::None,
    }
}

fn type_of(value: &Val) -> &'static str {
    match value {
        Val::None | Val::Undefined(_) => "null",
        Val::Bool(_) => "boolean",
        Val::Int(_) | Val::Float(_) => "number",
        Val::Str(_) | Val::Bytes(_) => "string",
        Val::List(_) | Val::Tuple(_) => "array",
        Val::Dict(_) | Val::Object(_) => "object",
    }
}
