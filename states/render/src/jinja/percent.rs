//! `'%s and %05.2f' % (a, b)`: Python's printf.

use super::fault::{Fault, Outcome};
use super::ops::hold_size;
use super::value::{Val, repr, text};
use std::iter::Peekable;
use std::str::Chars;

pub(super) fn format(template: &str, args: &Val) -> Outcome<String> {
    let mut values = match args {
        Val::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    }
    .into_iter();
    let mut used_mapping = false;
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let value = match mapping_key(&mut chars) {
            Some(key) => {
                used_mapping = true;
                of_mapping(args, &key)
            }
            None => values.next().ok_or_else(|| Fault::of_type("there are fewer values than % places")),
        };
        out.push_str(&conversion(&mut chars, value, &mut values)?);
        hold_size(out.len())?;
    }
    if values.len() > 0 && !used_mapping && !matches!(args, Val::Dict(_)) {
        return Err(Fault::of_type("there are more values than % places"));
    }
    Ok(out)
}

fn mapping_key(chars: &mut Peekable<Chars>) -> Option<String> {
    chars.next_if_eq(&'(')?;
    Some(chars.by_ref().take_while(|&c| c != ')').collect())
}

fn of_mapping(args: &Val, key: &str) -> Outcome<Val> {
    let Val::Dict(dict) = args else { return Err(Fault::of_type("a dict is needed for %(name)s")) };
    dict.borrow().get_str(key).ok_or_else(|| Fault::of_type(format!("there is no key {key:?} for %({key})")))
}

/// One place after its `%`: flags, width, precision, kind.
fn conversion(
    chars: &mut Peekable<Chars>,
    value: Outcome<Val>,
    values: &mut std::vec::IntoIter<Val>,
) -> Outcome<String> {
    let mut spec = Spec::default();
    while let Some(flag) = chars.next_if(|c| "-+ 0#".contains(*c)) {
        match flag {
            '-' => spec.align = Some('<'),
            '0' => spec.zero = true,
            '#' => spec.alternate = true,
            sign => spec.sign = if spec.sign == '+' { '+' } else { sign },
        }
    }
    let mut value = value;
    let mut star = |chars: &mut Peekable<Chars>| -> Outcome<Option<usize>> {
        if chars.next_if_eq(&'*').is_none() {
            return Ok(digits(chars));
        }
        let next = values.next().ok_or_else(|| Fault::of_type("there are fewer values than % places"))?;
        let width = std::mem::replace(&mut value, Ok(next))?;
        Ok(width.as_int().and_then(|width| usize::try_from(width).ok()))
    };
    spec.width = star(chars)?.unwrap_or(0);
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(star(chars)?.unwrap_or(0));
    }
    while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
    let kind = chars.next().ok_or_else(|| Fault::of_type("the text ends after a %"))?;
    let value = value?;
    let value = value.defined()?;
    match kind {
        's' => spec.text(&text(value)),
        'r' | 'a' => spec.text(&repr(value)),
        'c' => spec.text(&text(value)),
        'd' | 'i' | 'u' => spec.number('d', &whole(value)?),
        'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => spec.number(kind, value),
        other => Err(Fault::of_type(format!("%{other} is no kind of place"))),
    }
}

/// `%d` takes floats, too.
fn whole(value: &Val) -> Outcome<Val> {
    match value {
        Val::Float(number) => Ok(Val::Int(number.trunc() as i128)),
        other if other.as_int().is_some() => Ok(other.clone()),
        other => Err(Fault::of_type(format!("%d takes a number, not {}", other.kind()))),
    }
}

fn digits(chars: &mut Peekable<Chars>) -> Option<usize> {
    let mut text = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        text.push(digit);
    }
    text.parse().ok()
}

/// How one value is laid out, for `%` and for `format()`.
pub(super) struct Spec {
    pub fill: char,
    pub align: Option<char>,
    /// `+`, a space, or `-` for none.
    pub sign: char,
    pub alternate: bool,
    pub zero: bool,
    pub width: usize,
    pub group: Option<char>,
    pub precision: Option<usize>,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            zero: false,
            width: 0,
            group: None,
            precision: None,
        }
    }
}

impl Spec {
    pub fn text(&self, text: &str) -> Outcome<String> {
        let cut: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        self.padded(
            "",
            &cut,
            if self.group.is_some() || self.fill != ' ' || self.align.is_some() { '<' } else { '\0' },
        )
    }

    pub fn number(&self, kind: char, value: &Val) -> Outcome<String> {
        let (negative, digits) = self.digits(kind, value)?;
        let prefix = match kind {
            'x' | 'X' if self.alternate => "0x",
            'o' if self.alternate => "0o",
            'b' if self.alternate => "0b",
            _ => "",
        };
        let prefix = if kind == 'X' { prefix.to_uppercase() } else { prefix.to_owned() };
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        };
        self.padded(&format!("{sign}{prefix}"), &digits, '>')
    }

    /// Digits without sign.
    fn digits(&self, kind: char, value: &Val) -> Outcome<(bool, String)> {
        if let ('d' | 'x' | 'X' | 'o' | 'b' | 'n', Some(number)) = (kind, value.as_int()) {
            let size = number.unsigned_abs();
            let digits = match kind {
                'x' => format!("{size:x}"),
                'X' => format!("{size:X}"),
                'o' => format!("{size:o}"),
                'b' => format!("{size:b}"),
                _ => self.grouped(&size.to_string()),
            };
            let least = self.precision.unwrap_or(0);
            hold_size(least)?;
            return Ok((number < 0, format!("{digits:0>least$}")));
        }
        let number = match value {
            Val::Str(_) | Val::None => None,
            value => value.as_float(),
        };
        let Some(number) = number else {
            return Err(Fault::of_type(format!("a number is needed here, not {}", value.kind())));
        };
        hold_size(self.precision.unwrap_or(0))?;
        Ok((number < 0.0, self.float(kind, number.abs())))
    }

    fn float(&self, kind: char, number: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        let text = match kind.to_ascii_lowercase() {
            'f' => format!("{number:.precision$}"),
            'e' => exponent(number, precision),
            '%' => format!("{:.precision$}%", number * 100.0),
            _ => general(number, precision.max(1)),
        };
        let text = match text.split_once('.') {
            Some((whole, fraction)) => format!("{}.{fraction}", self.grouped(whole)),
            None if kind == 'f' => self.grouped(&text),
            None => text,
        };
        if kind.is_ascii_uppercase() { text.to_uppercase() } else { text }
    }

    fn grouped(&self, digits: &str) -> String {
        let Some(separator) = self.group else { return digits.to_owned() };
        let mut out = String::new();
        for (at, c) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(c);
        }
        out
    }

    /// `default` is where values of this kind stand: `<`, `>`, or `\0` for printf's right side.
    fn padded(&self, sign: &str, body: &str, default: char) -> Outcome<String> {
        hold_size(self.width)?;
        let missing = self.width.saturating_sub(sign.chars().count() + body.chars().count());
        let fill = |count: usize, c: char| c.to_string().repeat(count);
        let is_number = default == '>';
        if self.zero && self.align.is_none() && is_number {
            return Ok(format!("{sign}{}{body}", fill(missing, '0')));
        }
        let align = self.align.unwrap_or(if default == '\0' { '>' } else { default });
        Ok(match align {
            '<' => format!("{sign}{body}{}", fill(missing, self.fill)),
            '^' => format!(
                "{}{sign}{body}{}",
                fill(missing / 2, self.fill),
                fill(missing - missing / 2, self.fill)
            ),
            '=' => format!("{sign}{}{body}", fill(missing, self.fill)),
            _ => format!("{}{sign}{body}", fill(missing, self.fill)),
        })
    }
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `%g`: the shorter of both forms, without zeros at the end.
fn general(number: f64, precision: usize) -> String {
    let scientific = exponent(number, precision - 1);
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if power < -4 || power >= precision as i32 {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), power.abs());
    }
    let decimals = usize::try_from(precision as i32 - 1 - power).unwrap_or(0);
    trim(&format!("{number:.decimals$}"))
}
