//! Filters to and on numbers.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::ops;
use super::super::run::Interp;
use super::super::syntax::Operator;
use super::super::value::{Val, text};
use super::Filter;
use super::select::attribute_of;

pub(super) const FILTERS: &[(&str, Filter)] =
    &[("abs", abs), ("avg", avg), ("float", float), ("int", int), ("round", round), ("sum", sum)];

fn abs(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    match value {
        Val::Float(number) => Ok(Val::Float(number.abs())),
        other => other
            .as_int()
            .map(|n| Val::Int(n.saturating_abs()))
            .ok_or_else(|| Fault::of_type("abs takes a number")),
    }
}

fn avg(interp: &mut Interp, value: Val, args: Args) -> Outcome<Val> {
    if let Some(number) = value.as_float() {
        return Ok(Val::Float(number));
    }
    let count = value.items()?.len();
    let total = sum(interp, value, args)?.as_float().unwrap_or(0.0);
    if count == 0 {
        Err(Fault::of_type("the average of nothing"))
    } else {
        Ok(Val::Float(total / count as f64))
    }
}

fn float(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let default = args.take("default").unwrap_or(Val::Float(0.0));
    let parsed = match &value {
        Val::Str(text) => text.trim().replace('_', "").parse().ok(),
        other => other.as_float(),
    };
    Ok(parsed.map_or(default, Val::Float))
}

fn int(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let default = args.take("default").unwrap_or(Val::Int(0));
    let base = u32::try_from(args.int("base", 10)?).ok().filter(|base| (2..=36).contains(base)).unwrap_or(10);
    let parsed = match &value {
        Val::Str(text) => parse_int(text, base),
        Val::Float(number) if number.is_finite() => Some(number.trunc() as i128),
        other => other.as_int(),
    };
    Ok(parsed.map_or(default, Val::Int))
}

fn parse_int(source: &str, base: u32) -> Option<i128> {
    let trimmed = source.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let prefix = match base {
        16 => "0x",
        8 => "0o",
        2 => "0b",
        _ => "",
    };
    let digits = digits.strip_prefix(prefix).unwrap_or(digits).replace('_', "");
    let whole =
        i128::from_str_radix(&digits, base).ok().filter(|_| digits.starts_with(|c: char| c.is_digit(base)));
    let of_float =
        || trimmed.parse::<f64>().ok().filter(|n| base == 10 && n.is_finite()).map(|n| n.trunc() as i128);
    whole.map(|number| sign * number).or_else(of_float)
}

fn round(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let precision = args.int("precision", 0)?.clamp(-300, 300) as i32;
    let method = args.text("method")?.unwrap_or_else(|| "common".into());
    if let (Some(number), "common", 0..) = (value.as_int(), &*method, precision) {
        return Ok(Val::Int(number));
    }
    if let (Some(number), "common", ..0) = (value.as_int(), &*method, precision) {
        return Ok(Val::Int(round_whole(number, precision.unsigned_abs())));
    }
    let Some(number) = value.as_float() else {
        return Err(Fault::of_type(format!("round takes a number, not {}", text(&value))));
    };
    let scale = 10f64.powi(precision);
    let rounded = match &*method {
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        // Python rounds the decimal number, halves to the even neighbour.
        "common" if precision >= 0 => format!("{number:.*}", precision as usize).parse().unwrap_or(number),
        "common" => (number * scale).round_ties_even() / scale,
        _ => return Err(Fault::of_type("the methods are common, ceil and floor")),
    };
    Ok(Val::Float(rounded))
}

/// The nearest multiple of a power of ten, halves to the even one.
fn round_whole(number: i128, zeros: u32) -> i128 {
    let Some(unit) = 10i128.checked_pow(zeros) else { return 0 };
    let (below, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
    let up = rest > unit / 2 || rest == unit / 2 && below % 2 != 0;
    (below + i128::from(up)).saturating_mul(unit)
}

fn sum(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let attribute = args.take("attribute").filter(|value| !matches!(value, Val::None));
    let mut total = args.take("start").unwrap_or(Val::Int(0));
    for item in value.items()? {
        let item = match &attribute {
            Some(attribute) => attribute_of(interp, &item, attribute)?,
            None => item,
        };
        total = ops::binary(Operator::Add, &total, &item)?;
    }
    Ok(total)
}
