//! Filters that apply others to each item: `map`, `select`, `rejectattr` ...

use super::super::args::Args;
use super::super::fault::Outcome;
use super::super::run::Interp;
use super::super::tests;
use super::super::value::{Val, text};
use super::Filter;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("attr", attr),
    ("map", map),
    ("reject", |interp, value, args| chosen(interp, value, args, false, false)),
    ("rejectattr", |interp, value, args| chosen(interp, value, args, true, false)),
    ("select", |interp, value, args| chosen(interp, value, args, false, true)),
    ("selectattr", |interp, value, args| chosen(interp, value, args, true, true)),
];

/// `item.a.b` for `a.b`; a part of digits is an index.
pub(super) fn attribute_of(interp: &mut Interp, item: &Val, path: &Val) -> Outcome<Val> {
    if path.as_int().is_some() {
        return interp.item(item, path);
    }
    let mut value = item.clone();
    for part in text(path).split('.') {
        let index = match part.parse() {
            Ok(number) if part.starts_with(|c: char| c.is_ascii_digit()) => Val::Int(number),
            _ => Val::from(part),
        };
        value = interp.item(&value, &index)?;
    }
    Ok(value)
}

/// Python's attributes are methods here; items are not looked at.
fn attr(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let name = args.need_text("name")?;
    match &value {
        Val::Dict(_) if !super::super::methods::has(&value, &name) => {
            Ok(Val::undefined(format!("'dict object' has no attribute '{name}'")))
        }
        _ => interp.attribute(&value, &name),
    }
}

fn map(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let items = value.items()?;
    let mut mapped = Vec::with_capacity(items.len());
    if args.positional.is_empty() {
        let (path, default) = (args.need("attribute")?, args.take("default"));
        for item in items {
            let found = attribute_of(interp, &item, &path)?;
            mapped.push(if found.is_undefined() { default.clone().unwrap_or(found) } else { found });
        }
    } else {
        let name = args.need_text("name")?;
        for item in items {
            interp.step()?;
            let args = Args { positional: args.positional.clone(), named: args.named.clone() };
            mapped.push(super::apply(interp, &name, item, args)?);
        }
    }
    Ok(Val::list(mapped))
}

/// The items (or those with an attribute) that pass a test, or that do not.
fn chosen(interp: &mut Interp, value: Val, mut args: Args, by_attribute: bool, wanted: bool) -> Outcome<Val> {
    let attribute = if by_attribute { Some(args.need("attribute")?) } else { None };
    let test = args.text("test")?;
    let mut kept = Vec::new();
    for item in value.items()? {
        interp.step()?;
        let tested = match &attribute {
            Some(path) => attribute_of(interp, &item, path)?,
            None => item.clone(),
        };
        let passes = match &test {
            None => tested.truth()?,
            Some(test) => {
                let args = Args { positional: args.positional.clone(), named: args.named.clone() };
                tests::apply(interp, test, &tested, args)?
            }
        };
        if passes == wanted {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}
