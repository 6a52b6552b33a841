//! Equality and order as Python has them.

use super::super::fault::{Fault, Outcome};
use super::Val;
use std::cmp::Ordering;
use std::rc::Rc;

/// `a == b`. Undefined values equal nothing; the caller refuses them first.
pub(in super::super) fn equal(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::None, Val::None) => true,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::List(a), Val::List(b)) => Rc::ptr_eq(a, b) || all_equal(&a.borrow(), &b.borrow()),
        (Val::Tuple(a), Val::Tuple(b)) => all_equal(a, b),
        (Val::Dict(a), Val::Dict(b)) => {
            if Rc::ptr_eq(a, b) {
                return true;
            }
            let (a, b) = (a.borrow(), b.borrow());
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, &other)))
        }
        (Val::Object(a), Val::Object(b)) => Rc::ptr_eq(a, b),
        _ => match (a.as_int(), b.as_int()) {
            (Some(a), Some(b)) => a == b,
            _ => matches!((a.as_float(), b.as_float()), (Some(a), Some(b)) if a == b),
        },
    }
}

fn all_equal(a: &[Val], b: &[Val]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

/// The order of `a` and `b`; `None` where one is not a number (NaN).
///
/// # Errors
/// Values of different kinds, and kinds without an order.
pub(in super::super) fn compare(a: &Val, b: &Val) -> Outcome<Option<Ordering>> {
    match (a.defined()?, b.defined()?) {
        (Val::Str(a), Val::Str(b)) => Ok(Some(a.cmp(b))),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Val::List(a), Val::List(b)) => compare_lists(&a.borrow(), &b.borrow()),
        (Val::Tuple(a), Val::Tuple(b)) => compare_lists(a, b),
        _ => match (a.as_int(), b.as_int()) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(&b))),
            _ => match (a.as_float(), b.as_float()) {
                (Some(a), Some(b)) => Ok(a.partial_cmp(&b)),
                _ => {
                    let (a, b) = (a.kind(), b.kind());
                    Err(Fault::of_type(format!("{a} and {b} have no order"))
                        .hinted("compare values of one kind: `|int` and `|string` convert"))
                }
            },
        },
    }
}

fn compare_lists(a: &[Val], b: &[Val]) -> Outcome<Option<Ordering>> {
    for (a, b) in a.iter().zip(b) {
        if !equal(a, b) {
            return compare(a, b);
        }
    }
    Ok(Some(a.len().cmp(&b.len())))
}
