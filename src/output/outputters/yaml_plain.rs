//! Which plain scalars YAML 1.1, as PyYAML has it, reads as something else than text.

/// Whether `text` without quotes reads back as that very text.
pub fn reads_as_text(text: &str) -> bool {
    !(is_word(text) || is_int(text) || is_float(text) || is_timestamp(text))
}

/// Words of null and bool, the merge key and the value key.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 25] = [
        "", "~", "null", "Null", "NULL", "<<", "=", "yes", "Yes", "YES", "no", "No", "NO", "true", "True",
        "TRUE", "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF",
    ];
    WORDS.contains(&text)
}

fn is_int(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |digits: &str, allowed: fn(u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || allowed(byte))
    };
    if let Some(binary) = digits.strip_prefix("0b") {
        return all(binary, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return all(hex, |byte| byte.is_ascii_hexdigit());
    }
    if let Some(octal) = digits.strip_prefix('0') {
        return octal.is_empty() || all(octal, |byte| matches!(byte, b'0'..=b'7'));
    }
    let (first, sixties) = digits.split_once(':').map_or((digits, None), |(first, rest)| (first, Some(rest)));
    is_number(first) && sixties.is_none_or(|rest| rest.split(':').all(is_sixtieth))
}

/// Digits and underscores, a digit first.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit())
}

/// One part of a number to the base of sixty: `0` to `59`, also `07`.
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [ten, digit] => matches!(ten, b'0'..=b'5') && digit.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = unsigned.split_once('.') else { return false };
    if whole.is_empty() {
        return text.starts_with('.') && is_number(without_exponent(fraction));
    }
    let is_digits = |text: &str| text.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit());
    match whole.split_once(':') {
        Some((first, sixties)) => {
            is_number(first) && sixties.split(':').all(is_sixtieth) && is_digits(fraction)
        }
        None => is_number(whole) && is_digits(without_exponent(fraction)),
    }
}

/// Cuts a whole exponent (`e+5`, the sign is a must) off.
fn without_exponent(text: &str) -> &str {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else { return text };
    let digits = exponent.strip_prefix(['-', '+']).unwrap_or("");
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) { number } else { text }
}

/// `2026-11-21`, or a date and a time with an optional fraction and zone.
fn is_timestamp(text: &str) -> bool {
    let mut scan = Scan(text.as_bytes());
    if !(scan.digits(4, 4) && scan.byte(b"-") && scan.digits(1, 2) && scan.byte(b"-") && scan.digits(1, 2)) {
        return false;
    }
    if scan.0.is_empty() {
        return text.len() == "2026-11-21".len();
    }
    let parted = scan.byte(b"Tt") || scan.blanks();
    let timed =
        scan.digits(1, 2) && scan.byte(b":") && scan.digits(2, 2) && scan.byte(b":") && scan.digits(2, 2);
    if !parted || !timed {
        return false;
    }
    if scan.byte(b".") {
        scan.digits(0, usize::MAX);
    }
    scan.0.is_empty() || scan.zone()
}

/// The rest of a text, eaten from the front.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn byte(&mut self, any_of: &[u8]) -> bool {
        let found = self.0.first().is_some_and(|byte| any_of.contains(byte));
        self.0 = &self.0[usize::from(found)..];
        found
    }

    /// Eats up to `max` digits; false where there are fewer than `min`.
    fn digits(&mut self, min: usize, max: usize) -> bool {
        let count = self.0.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[count..];
        count >= min
    }

    fn blanks(&mut self) -> bool {
        let mut found = false;
        while self.byte(b" \t") {
            found = true;
        }
        found
    }

    /// `Z`, `+1`, `-02:30`, and nothing behind it.
    fn zone(&mut self) -> bool {
        self.blanks();
        let zone = self.byte(b"Z")
            || (self.byte(b"-+") && self.digits(1, 2) && (!self.byte(b":") || self.digits(2, 2)));
        zone && self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_read_as_a_number_or_a_date_is_not_text() {
        let other = [
            "",
            "~",
            "yes",
            "0",
            "-7",
            "0644",
            "0x1F",
            "0b1_0",
            "1_000",
            "12:30:45",
            "1.5",
            "1.",
            "1.0e+5",
            ".5",
            "-.inf",
            ".NaN",
            "1:30.5",
            "2026-11-21",
            "2026-1-2T3:04:05",
            "2026-11-21 03:04:05.5 +01:00",
            "2026-11-21t03:04:05Z",
        ];
        for text in other {
            assert!(!reads_as_text(text), "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_text() {
        let texts = [
            "y",
            "nULL",
            "08",
            "0o17",
            "1e5",
            "1.5e5",
            "-.5",
            "1.2.3",
            "10.0.0.1",
            "_1",
            "0x",
            "1:60",
            "2026-1-2",
            "12-11-21",
            "2026-11-21 ",
            "2026-11-21T03:04",
            "2026-11-21 03:04:05 Z9",
            "-.nan",
            "+",
            ".",
            "._",
        ];
        for text in texts {
            assert!(reads_as_text(text), "{text:?}");
        }
    }
}
