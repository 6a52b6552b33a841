//! Operators and indexing with Python's meaning.

use super::fault::{Fault, Outcome};
use super::percent;
use super::syntax::Operator;
use super::value::Val;
use crate::limits::OBJECT_BYTES_MAX;

/// Refuses texts and lists that grow too large.
pub(super) fn hold_size(bytes: usize) -> Outcome<()> {
    if bytes > OBJECT_BYTES_MAX {
        return Err(Fault::limit(format!("a value grows beyond {} MiB", OBJECT_BYTES_MAX >> 20)));
    }
    Ok(())
}

pub(super) fn binary(operator: Operator, a: &Val, b: &Val) -> Outcome<Val> {
    let (a, b) = (a.defined()?, b.defined()?);
    match (operator, a, b) {
        (Operator::Add, ..) => add(a, b),
        (Operator::Modulo, Val::Str(format), args) => percent::format(format, args).map(Val::from),
        (Operator::Multiply, Val::Str(_) | Val::List(_) | Val::Tuple(_), times) => repeat(a, times),
        (Operator::Multiply, times, Val::Str(_) | Val::List(_) | Val::Tuple(_)) => repeat(b, times),
        _ => arithmetic(operator, a, b),
    }
}

fn add(a: &Val, b: &Val) -> Outcome<Val> {
    match (a, b) {
        (Val::Str(a), Val::Str(b)) => {
            hold_size(a.len() + b.len())?;
            Ok(Val::from(format!("{a}{b}")))
        }
        (Val::List(a), Val::List(b)) => {
            hold_size((a.borrow().len() + b.borrow().len()) * size_of::<Val>())?;
            Ok(Val::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect()))
        }
        (Val::Tuple(a), Val::Tuple(b)) => Ok(Val::tuple(a.iter().chain(b.iter()).cloned().collect())),
        _ => arithmetic(Operator::Add, a, b),
    }
}

fn repeat(value: &Val, times: &Val) -> Outcome<Val> {
    let Some(times) = times.as_int() else { return Err(unsupported(Operator::Multiply, value, times)) };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let repeated = |items: &[Val]| {
        hold_size(items.len().saturating_mul(times).saturating_mul(size_of::<Val>()))?;
        Ok(items.iter().cycle().take(items.len() * times).cloned().collect::<Vec<_>>())
    };
    match value {
        Val::Str(text) => {
            hold_size(text.len().saturating_mul(times))?;
            Ok(Val::from(text.repeat(times)))
        }
        Val::Tuple(items) => repeated(items).map(Val::tuple),
        Val::List(items) => repeated(&items.borrow()).map(Val::list),
        other => Err(Fault::of_type(format!("{} cannot be repeated", other.kind()))),
    }
}

fn arithmetic(operator: Operator, a: &Val, b: &Val) -> Outcome<Val> {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int())
        && let Some(result) = of_ints(operator, x, y)?
    {
        return Ok(result);
    }
    match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) => of_floats(operator, x, y).map(Val::Float),
        _ => Err(unsupported(operator, a, b)),
    }
}

fn unsupported(operator: Operator, a: &Val, b: &Val) -> Box<Fault> {
    let sign = match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::FloorDivide => "//",
        Operator::Modulo => "%",
        Operator::Power => "**",
    };
    let (left, right) = (a.type_name(), b.type_name());
    let fault = Fault::of_type(format!("`{sign}` does not work between {left} and {right}"));
    match (operator, a, b) {
        (Operator::Add, Val::List(_), _) => fault.hinted("a list is joined with a list: `[...] + [...]`"),
        (Operator::Add, Val::Dict(_), Val::Dict(_)) => {
            fault.hinted("`{% do a.update(b) %}` puts the entries of `b` into `a`")
        }
        (Operator::Add, Val::Str(_), _) | (Operator::Add, _, Val::Str(_)) => {
            fault.hinted("join texts with `~`")
        }
        (_, Val::Str(_), _) | (_, _, Val::Str(_)) => fault.hinted("`|int` and `|float` make numbers of text"),
        _ => fault,
    }
}

/// `None` where the result is a float.
fn of_ints(operator: Operator, a: i128, b: i128) -> Outcome<Option<Val>> {
    let divides = matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Modulo);
    if divides && b == 0 {
        return Err(Fault::of_type("division by zero"));
    }
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide => return Ok(None),
        Operator::FloorDivide => {
            a.checked_div(b).map(|q| if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
        }
        Operator::Modulo => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }),
        Operator::Power if b < 0 => return Ok(None),
        Operator::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
    };
    let number = result.ok_or_else(|| Fault::limit("the number is too large"))?;
    Ok(Some(Val::Int(number)))
}

fn of_floats(operator: Operator, a: f64, b: f64) -> Outcome<f64> {
    if b == 0.0 && matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Modulo) {
        return Err(Fault::of_type("division by zero"));
    }
    Ok(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::FloorDivide => (a / b).floor(),
        Operator::Modulo => a - b * (a / b).floor(),
        Operator::Power => a.powf(b),
    })
}

pub(super) fn negative(value: &Val) -> Outcome<Val> {
    match value.defined()? {
        Val::Float(number) => Ok(Val::Float(-number)),
        other => match other.as_int() {
            Some(number) => Ok(Val::Int(number.saturating_neg())),
            None => Err(Fault::of_type(format!("{} has no negative", other.kind()))),
        },
    }
}

pub(super) fn positive(value: &Val) -> Outcome<Val> {
    match value.defined()? {
        Val::Float(number) => Ok(Val::Float(*number)),
        other => other.as_int().map(Val::Int).ok_or_else(|| Fault::of_type("`+` stands before numbers")),
    }
}

/// The item at `index`, from the end where it is negative.
pub(super) fn at(sequence: &Val, index: i128) -> Option<Val> {
    let len = i128::try_from(sequence.len()?).ok()?;
    let index = usize::try_from(if index < 0 { index + len } else { index }).ok()?;
    match sequence {
        Val::Str(text) => text.chars().nth(index).map(|c| Val::from(c.to_string())),
        Val::Bytes(bytes) => bytes.get(index).map(|&byte| Val::Int(byte.into())),
        Val::List(items) => items.borrow().get(index).cloned(),
        Val::Tuple(items) => items.get(index).cloned(),
        _ => None,
    }
}

/// `value[start:stop:step]`.
pub(super) fn slice(value: &Val, [start, stop, step]: [Option<i128>; 3]) -> Outcome<Val> {
    let Some(len) = value.defined()?.len().filter(|_| !matches!(value, Val::Dict(_))) else {
        return Err(Fault::of_type(format!("{} has no slices", value.kind())));
    };
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Fault::of_type("the step of a slice is not 0"));
    }
    let picked = positions(len as i128, start, stop, step);
    match value {
        Val::Str(text) => {
            let chars: Vec<char> = text.chars().collect();
            Ok(Val::from(picked.into_iter().map(|at| chars[at]).collect::<String>()))
        }
        Val::Tuple(items) => Ok(Val::tuple(picked.into_iter().map(|at| items[at].clone()).collect())),
        Val::Bytes(bytes) => Ok(Val::Bytes(picked.into_iter().map(|at| bytes[at]).collect())),
        other => {
            let items = other.items()?;
            Ok(Val::list(picked.into_iter().map(|at| items[at].clone()).collect()))
        }
    }
}

fn positions(len: i128, start: Option<i128>, stop: Option<i128>, step: i128) -> Vec<usize> {
    let (least, most) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp =
        |bound: i128| if bound < 0 { (bound.saturating_add(len)).max(least) } else { bound.min(most) };
    let (first, end) = if step > 0 { (0, len) } else { (len - 1, -1) };
    let (mut at, stop) = (start.map_or(first, clamp), stop.map_or(end, clamp));
    let mut picked = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        picked.push(at as usize);
        at = at.saturating_add(step);
    }
    picked
}
