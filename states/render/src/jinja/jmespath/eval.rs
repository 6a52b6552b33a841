//! Walks the tree of a JMESPath expression over data.

use super::super::fault::{Fault, Outcome};
use super::super::ops;
use super::super::run::Interp;
use super::super::syntax::Comparison;
use super::super::value::{Dict, Val, compare, equal};
use super::functions;
use super::parser::Tree;

pub(super) fn eval(interp: &mut Interp, tree: &Tree, data: &Val) -> Outcome<Val> {
    interp.step()?;
    Ok(match tree {
        Tree::Current => data.clone(),
        Tree::Literal(value) => value.clone(),
        Tree::Field(name) => match data {
            Val::Dict(dict) => dict.borrow().get_str(name).unwrap_or(Val::None),
            _ => Val::None,
        },
        Tree::Index(index) => match data {
            Val::List(_) | Val::Tuple(_) => ops::at(data, *index).unwrap_or(Val::None),
            _ => Val::None,
        },
        Tree::Slice(parts) => match data {
            Val::List(_) | Val::Tuple(_) => ops::slice(data, *parts)?,
            _ => Val::None,
        },
        Tree::Chain(left, right) => {
            let found = eval(interp, left, data)?;
            eval(interp, right, &found)?
        }
        Tree::Each(left, right) => match list_of(eval(interp, left, data)?) {
            Some(items) => each(interp, items, right)?,
            None => Val::None,
        },
        Tree::EachValue(left, right) => match eval(interp, left, data)? {
            Val::Dict(dict) => {
                let values = dict.borrow().values().cloned().collect();
                each(interp, values, right)?
            }
            _ => Val::None,
        },
        Tree::Filter(left, right, condition) => match list_of(eval(interp, left, data)?) {
            Some(items) => filtered(interp, items, right, condition)?,
            None => Val::None,
        },
        Tree::Flatten(left) => match list_of(eval(interp, left, data)?) {
            Some(items) => {
                let flat =
                    items.into_iter().flat_map(|item| list_of(item.clone()).unwrap_or_else(|| vec![item]));
                Val::list(flat.collect())
            }
            None => Val::None,
        },
        Tree::Reference(_) => return Err(Fault::of_type("`&` only stands before an argument of a function")),
        _ => return eval_more(interp, tree, data),
    })
}

fn eval_more(interp: &mut Interp, tree: &Tree, data: &Val) -> Outcome<Val> {
    Ok(match tree {
        Tree::Or(left, right) => match eval(interp, left, data)? {
            found if is_true(&found) => found,
            _ => eval(interp, right, data)?,
        },
        Tree::And(left, right) => match eval(interp, left, data)? {
            found if is_true(&found) => eval(interp, right, data)?,
            found => found,
        },
        Tree::Not(inner) => Val::Bool(!is_true(&eval(interp, inner, data)?)),
        Tree::Compare(kind, left, right) => {
            let (left, right) = (eval(interp, left, data)?, eval(interp, right, data)?);
            compared(*kind, &left, &right)?
        }
        Tree::List(_) | Tree::Hash(_) if matches!(data, Val::None) => Val::None,
        Tree::List(items) => {
            Val::list(items.iter().map(|item| eval(interp, item, data)).collect::<Outcome<_>>()?)
        }
        Tree::Hash(entries) => {
            let mut dict = Dict::default();
            for (key, value) in entries {
                dict.set(key, eval(interp, value, data)?);
            }
            Val::dict(dict)
        }
        Tree::Call(name, args) => return functions::call(interp, name, args, data),
        _ => Val::None,
    })
}

pub(super) fn list_of(value: Val) -> Option<Vec<Val>> {
    match value {
        Val::List(items) => Some(items.borrow().clone()),
        Val::Tuple(items) => Some(items.to_vec()),
        _ => None,
    }
}

/// What `tree` finds in each item; nothing is left out.
fn each(interp: &mut Interp, items: Vec<Val>, tree: &Tree) -> Outcome<Val> {
    let mut found = Vec::new();
    for item in items {
        match eval(interp, tree, &item)? {
            Val::None => {}
            value => found.push(value),
        }
    }
    Ok(Val::list(found))
}

fn filtered(interp: &mut Interp, items: Vec<Val>, right: &Tree, condition: &Tree) -> Outcome<Val> {
    let mut kept = Vec::new();
    for item in items {
        if is_true(&eval(interp, condition, &item)?) {
            kept.push(item);
        }
    }
    each(interp, kept, right)
}

/// Empty text, lists and objects, false and null are false; every number is true.
fn is_true(value: &Val) -> bool {
    match value {
        Val::Bool(flag) => *flag,
        Val::None | Val::Undefined(_) => false,
        other => other.len() != Some(0),
    }
}

/// Numbers only have an order; what cannot be compared is null.
fn compared(kind: Comparison, left: &Val, right: &Val) -> Outcome<Val> {
    let same = || matches!(left, Val::Bool(_)) == matches!(right, Val::Bool(_)) && equal(left, right);
    let order = match (kind, left, right) {
        (Comparison::Equal, ..) => return Ok(Val::Bool(same())),
        (Comparison::NotEqual, ..) => return Ok(Val::Bool(!same())),
        (_, Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => compare(left, right)?,
        _ => return Ok(Val::None),
    };
    Ok(Val::Bool(order.is_some_and(|order| match kind {
        Comparison::Less => order.is_lt(),
        Comparison::LessEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        _ => order.is_ge(),
    })))
}
