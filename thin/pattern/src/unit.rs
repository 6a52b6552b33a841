//! What a text is made of: characters or bytes, their classes and their cases.

use crate::Kind;

/// One piece of a text: a byte, or a character. A byte that is no UTF-8 stands above all characters.
pub(crate) type Unit = u32;

const NO_CHARACTER: Unit = 0x11_0000;

/// The unit at `at` and its length; `None` at the end.
pub(crate) fn unit_at(text: &[u8], at: usize, kind: Kind) -> Option<(Unit, usize)> {
    let first = *text.get(at)?;
    if first < 0x80 || kind == Kind::Bytes {
        return Some((first.into(), 1));
    }
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((NO_CHARACTER + Unit::from(first), 1)),
    };
    let whole = text.get(at..at + len).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match whole.and_then(|text| text.chars().next()) {
        Some(character) => Some((character.into(), len)),
        None => Some((NO_CHARACTER + Unit::from(first), 1)),
    }
}

/// The unit that ends at `at`.
pub(crate) fn unit_before(text: &[u8], at: usize, kind: Kind) -> Option<(Unit, usize)> {
    let last = *text.get(at.checked_sub(1)?)?;
    if last < 0x80 || kind == Kind::Bytes {
        return Some((last.into(), 1));
    }
    // No part of a longer character is one by itself, so the longest that fits is the one.
    (1..=4.min(at)).rev().find_map(|len| unit_at(text, at - len, kind).filter(|(_, found)| *found == len))
}

/// Zeros of the decimal digits above ASCII; nine digits follow each.
const ZEROS: &[Unit] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50,
    0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
    0x1e2f0, 0x1e950, 0x1fbf0,
];

fn is_digit(c: char) -> bool {
    let unit = Unit::from(c);
    c.is_ascii_digit()
        || c.is_numeric()
            && ZEROS
                .partition_point(|zero| *zero <= unit)
                .checked_sub(1)
                .is_some_and(|index| unit - ZEROS[index] < 10)
}

/// Whether `unit` is of the class `d`, `w` or `s`; a capital turns the answer around.
pub(crate) fn in_class(class: char, unit: Unit, kind: Kind) -> bool {
    let c = char::from_u32(unit).filter(|c| kind == Kind::Text || c.is_ascii());
    let inside = c.is_some_and(|c| match class.to_ascii_lowercase() {
        'd' => is_digit(c),
        'w' => c.is_alphanumeric() || c == '_',
        _ if kind == Kind::Text => c.is_whitespace() || ('\x1c'..='\x1f').contains(&c),
        _ => matches!(c, ' ' | '\t'..='\r'),
    });
    inside != class.is_ascii_uppercase()
}

pub(crate) fn is_word(unit: Unit, kind: Kind) -> bool {
    in_class('w', unit, kind)
}

/// The units that are the same where case does not matter: small, capital, and the small one of the capital.
pub(crate) fn cases(unit: Unit, kind: Kind) -> [Unit; 3] {
    let Some(c) = char::from_u32(unit) else { return [unit; 3] };
    if kind == Kind::Bytes || c.is_ascii() {
        let small = u32::from(c.to_ascii_lowercase());
        return [small, c.to_ascii_uppercase().into(), small];
    }
    let small = |c: char| c.to_lowercase().next().unwrap_or(c);
    let capital = match (c.to_uppercase().next(), c.to_uppercase().nth(1)) {
        (Some(capital), None) => capital,
        _ => c,
    };
    [small(c).into(), capital.into(), small(capital).into()]
}

/// One unit for all cases of it.
pub(crate) fn folded(unit: Unit, kind: Kind) -> Unit {
    cases(unit, kind)[2]
}
