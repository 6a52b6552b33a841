//! Which type a plain scalar has by how it is written: YAML 1.1 as PyYAML reads it.

use super::tag::Tag;

/// The tag of the plain scalar `text`. Dates are text in Salt, so they have no tag of their own.
pub(super) fn plain(text: &str) -> Tag {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tag::Null,
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False"
        | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Tag::Bool,
        "<<" => Tag::Merge,
        "=" => Tag::Value,
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => Tag::Str,
        _ if is_int(text) => Tag::Int,
        _ if is_float(text) => Tag::Float,
        _ => Tag::Str,
    }
}

fn is_int(text: &str) -> bool {
    let digits = without_sign(text);
    if let Some(binary) = digits.strip_prefix("0b") {
        return all(binary, |b| matches!(b, b'0' | b'1' | b'_'));
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return all(hex, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    if let Some(octal) = digits.strip_prefix('0') {
        return octal.is_empty() || all(octal, |b| matches!(b, b'0'..=b'7' | b'_'));
    }
    let (head, sixtieths) = digits.split_once(':').map_or((digits, None), |(h, t)| (h, Some(t)));
    is_number(head) && sixtieths.is_none_or(|tail| tail.split(':').all(is_sixtieth))
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = without_sign(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, rest)) = unsigned.split_once('.') else { return false };
    if let Some((head, sixtieths)) = whole.split_once(':') {
        return is_number(head) && sixtieths.split(':').all(is_sixtieth) && rest.bytes().all(is_digit_or_bar);
    }
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let mantissa = match whole {
        // A sign is not taken before a bare point: `+.5` is text.
        "" => unsigned.len() == text.len() && is_number(fraction),
        _ => is_number(whole) && fraction.bytes().all(is_digit_or_bar),
    };
    mantissa && exponent.is_none_or(is_exponent)
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn all(text: &str, accepts: fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(accepts)
}

fn is_digit_or_bar(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// Digits and `_`, a digit first.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(is_digit_or_bar)
}

/// One part after a `:` in `190:20:30`.
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => matches!(ten, b'0'..=b'5') && one.is_ascii_digit(),
        _ => false,
    }
}

/// The sign is not optional: `1e3` and `1.5e3` are text.
fn is_exponent(text: &str) -> bool {
    text.strip_prefix(['+', '-']).is_some_and(|digits| all(digits, |b| b.is_ascii_digit()))
}

/// Text the loader takes as text and the writer quotes all the same: dates, and `!`, `&`, `*` alone.
pub(super) fn only_the_writer_quotes(text: &str) -> bool {
    matches!(text, "!" | "&" | "*") || is_date(text) || is_timestamp(text).is_some()
}

/// `2001-12-14`.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

/// `2001-12-14t21:59:43.10-05:00`, with one or two digits where people write one.
fn is_timestamp(text: &str) -> Option<()> {
    let rest = digits(text, 4, 4)?.strip_prefix('-')?;
    let rest = digits(digits(rest, 1, 2)?.strip_prefix('-')?, 1, 2)?;
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => Some(rest.trim_start_matches([' ', '\t'])).filter(|time| time.len() < rest.len())?,
    };
    let rest = digits(rest, 1, 2)?.strip_prefix(':')?;
    let rest = digits(digits(rest, 2, 2)?.strip_prefix(':')?, 2, 2)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    match rest.trim_start_matches([' ', '\t']) {
        "" => rest.is_empty().then_some(()),
        "Z" => Some(()),
        zone => {
            let zone = digits(zone.strip_prefix(['+', '-'])?, 1, 2)?;
            let zone = zone.strip_prefix(':').map_or(Some(zone), |minutes| digits(minutes, 2, 2))?;
            zone.is_empty().then_some(())
        }
    }
}

/// `text` after `least` to `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Option<&str> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least { None } else { text.get(count..) }
}
