//! Integers and floats of YAML 1.1 from their text.

use halite_wire::Value;

/// Longest text of an integer; Python reads no longer one either.
const DIGITS_MAX: usize = 4300;

/// The integer written as `text`: `_` ignored, `0x`, `0b`, `190:20:30`. Zeros in front are dropped (Salt), but
/// after a sign they mean octal (PyYAML): `0644` is 644 and `-0644` is -420. `None` where it is no integer.
pub(super) fn int(text: &str) -> Option<Value> {
    if text.len() > DIGITS_MAX {
        return None;
    }
    let trimmed = without_zeros(text).replace('_', "");
    let (negative, digits) = signed(&trimmed);
    let value = if let Some(binary) = digits.strip_prefix("0b") {
        in_base(binary, 2)
    } else if let Some(hex) = digits.strip_prefix("0x") {
        in_base(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        in_base(digits, 8)
    } else if digits.contains(':') {
        sexagesimal(digits)
    } else {
        in_base(digits, 10)
    };
    value.map(|digits| to_value(negative, &digits))
}

/// The float written as `text`. `None` where it is none.
pub(super) fn float(text: &str) -> Option<f64> {
    let lower = text.replace('_', "").to_lowercase();
    let (negative, unsigned) = signed(&lower);
    let value = match unsigned {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if unsigned.contains(':') => {
            unsigned.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))?
        }
        _ => unsigned.parse().ok()?,
    };
    Some(if negative { -value } else { value })
}

/// What Salt reads of an integer: `0644` is 644.
pub(super) fn without_zeros(text: &str) -> &str {
    if !text.starts_with('0') || text.starts_with("0b") || text.starts_with("0x") {
        return text;
    }
    match text.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

fn signed(text: &str) -> (bool, &str) {
    (text.starts_with('-'), text.strip_prefix(['+', '-']).unwrap_or(text))
}

fn sexagesimal(text: &str) -> Option<Vec<u8>> {
    text.split(':').try_fold(vec![0], |mut sum, part| {
        let part = part.parse::<u32>().ok()?;
        multiply_add(&mut sum, 60, part);
        Some(sum)
    })
}

/// Decimal digits, least first.
fn in_base(text: &str, base: u32) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    if base == 10 {
        return text.bytes().rev().map(|byte| byte.is_ascii_digit().then(|| byte - b'0')).collect();
    }
    text.chars().try_fold(vec![0], |mut number, c| {
        multiply_add(&mut number, base, c.to_digit(base)?);
        Some(number)
    })
}

/// `digits * factor + carry`, in place.
fn multiply_add(digits: &mut Vec<u8>, factor: u32, mut carry: u32) {
    for digit in digits.iter_mut() {
        let sum = u64::from(*digit) * u64::from(factor) + u64::from(carry);
        *digit = (sum % 10) as u8;
        carry = (sum / 10) as u32;
    }
    while carry > 0 {
        digits.push((carry % 10) as u8);
        carry /= 10;
    }
}

fn to_value(negative: bool, digits: &[u8]) -> Value {
    let mut text = String::from(if negative { "-" } else { "" });
    let top = digits.iter().rposition(|&digit| digit != 0).unwrap_or(0);
    text.extend(digits.iter().take(top + 1).rev().map(|&digit| char::from(b'0' + digit)));
    text.parse::<i64>().map_or_else(|_| Value::BigInt(text.into()), Value::Int)
}
