//! `'{} {name:>5}'.format(...)`.

use super::args::Args;
use super::fault::{Fault, Outcome};
use super::ops::hold_size;
use super::percent::Spec;
use super::run::Interp;
use super::value::{Val, repr, text};

impl Interp<'_> {
    pub(super) fn str_format(&mut self, template: &str, args: &Args) -> Outcome<String> {
        let mut out = String::new();
        let mut next = 0;
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
                continue;
            }
            let end = if brace == "{" { field_end(rest) } else { None };
            let Some(end) = end else { return Err(Fault::of_type("a single brace stands in the format")) };
            let shown = self.field(&rest[..end], args, &mut next)?;
            out.push_str(&shown);
            hold_size(out.len())?;
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&mut self, field: &str, args: &Args, next: &mut usize) -> Outcome<String> {
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) =
            name.split_once('!').map_or((name, ""), |(name, conversion)| (name, conversion));
        let value = self.field_value(name, args, next)?;
        let value = match conversion {
            "r" => Val::from(repr(&value)),
            "s" => Val::Str(text(&value)),
            _ => value,
        };
        let spec =
            if spec.contains('{') { self.str_format_nested(spec, args, next)? } else { spec.to_owned() };
        format_value(&value, &spec)
    }

    fn str_format_nested(&mut self, spec: &str, args: &Args, next: &mut usize) -> Outcome<String> {
        let mut out = String::new();
        let mut rest = spec;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            let value = self.field_value(name, args, next)?;
            out.push_str(&text(&value));
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// `0`, `name`, `a.b`, `a[b]`.
    fn field_value(&mut self, name: &str, args: &Args, next: &mut usize) -> Outcome<Val> {
        let head_len = name.find(['.', '[']).unwrap_or(name.len());
        let (head, mut path) = name.split_at(head_len);
        let missing = || Fault::of_type(format!("the format asks for {head:?}, which is not given"));
        let mut value = if head.is_empty() || head.bytes().all(|byte| byte.is_ascii_digit()) {
            let at = head.parse().unwrap_or(*next);
            *next += usize::from(head.is_empty());
            args.positional.get(at).cloned().ok_or_else(missing)?
        } else {
            args.named
                .iter()
                .find(|(given, _)| &**given == head)
                .map(|(_, value)| value.clone())
                .ok_or_else(missing)?
        };
        while !path.is_empty() {
            if let Some(rest) = path.strip_prefix('.') {
                let len = rest.find(['.', '[']).unwrap_or(rest.len());
                value = self.attribute(&value, &rest[..len].into())?;
                path = &rest[len..];
            } else {
                let (key, rest) = path[1..]
                    .split_once(']')
                    .ok_or_else(|| Fault::of_type("a `]` is missing in the format"))?;
                let index = key.parse().map_or_else(|_| Val::from(key), Val::Int);
                value = self.item(&value, &index)?;
                path = rest;
            }
        }
        value.defined()?;
        Ok(value)
    }
}

/// Where the field that begins here ends, nested braces counted.
fn field_end(rest: &str) -> Option<usize> {
    let mut depth = 0;
    rest.char_indices().find_map(|(at, c)| match c {
        '{' => {
            depth += 1;
            None
        }
        '}' if depth == 0 => Some(at),
        '}' => {
            depth -= 1;
            None
        }
        _ => None,
    })
}

/// Python's `format(value, spec)`: `[[fill]align][sign][#][0][width][,][.precision][kind]`.
pub(super) fn format_value(value: &Val, spec: &str) -> Outcome<String> {
    if spec.is_empty() {
        return Ok(text(value).to_string());
    }
    let chars: Vec<char> = spec.chars().collect();
    let mut at = 0;
    let mut built = Spec::default();
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^=".contains(*c));
    if is_align(chars.get(1)) {
        (built.fill, built.align) = (chars[0], Some(chars[1]));
        at = 2;
    } else if is_align(chars.first()) {
        built.align = Some(chars[0]);
        at = 1;
    }
    let mut take = |accepted: &str| {
        let found = chars.get(at).copied().filter(|c| accepted.contains(*c));
        at += usize::from(found.is_some());
        found
    };
    built.sign = take("+- ").unwrap_or('-');
    built.alternate = take("#").is_some();
    built.zero = take("0").is_some();
    let number = |take: &mut dyn FnMut(&str) -> Option<char>| {
        let mut digits = String::new();
        while let Some(digit) = take("0123456789") {
            digits.push(digit);
        }
        digits.parse::<usize>().ok()
    };
    built.width = number(&mut take).unwrap_or(0);
    built.group = take(",_");
    if take(".").is_some() {
        built.precision = number(&mut take);
    }
    let kind = take("sdbcoxXeEfFgGn%");
    if at < chars.len() {
        return Err(Fault::of_type(format!("{spec:?} is no format of {}", value.kind())));
    }
    laid_out(built, value, kind)
}

fn laid_out(mut spec: Spec, value: &Val, kind: Option<char>) -> Outcome<String> {
    match (value, kind) {
        (Val::Int(_), None) => spec.number('d', value),
        (Val::Float(number), None) if spec.precision.is_none() => {
            let shown = crate::repr::float(*number);
            spec.align.get_or_insert('>');
            spec.text(&shown)
        }
        (Val::Float(_), None) => spec.number('g', value),
        (Val::Int(_) | Val::Bool(_) | Val::Float(_), Some(kind)) if kind != 's' => spec.number(kind, value),
        _ => {
            spec.align.get_or_insert('<');
            spec.text(&text(value))
        }
    }
}
