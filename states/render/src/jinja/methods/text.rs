//! Methods of text.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::ops::hold_size;
use super::super::run::Interp;
use super::super::value::{Val, text};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

pub(super) fn call(interp: &mut Interp, this: &str, name: &str, mut args: Args) -> Outcome<Val> {
    match name {
        "format" => interp.str_format(this, &args).map(Val::from),
        "format_map" => {
            let named = super::dict::entries(args)?;
            let named = named.iter().map(|(key, value)| (text(key), value.clone())).collect();
            interp.str_format(this, &Args { positional: Vec::new(), named }).map(Val::from)
        }
        "encode" => Ok(Val::Bytes(this.as_bytes().into())),
        "join" => join(this, &args.need("iterable")?),
        "split" | "rsplit" => split(this, name == "rsplit", args),
        "splitlines" => Ok(splitlines(this, args.flag("keepends", false)?)),
        "partition" | "rpartition" => partition(this, name == "rpartition", &args.need_text("sep")?),
        "strip" | "lstrip" | "rstrip" => Ok(Val::from(strip(this, name, args.take("chars"))?)),
        "startswith" | "endswith" => affixed(this, name == "startswith", &args.need("prefix")?),
        "removeprefix" => {
            let prefix = args.need_text("prefix")?;
            Ok(Val::from(this.strip_prefix(&*prefix).unwrap_or(this)))
        }
        "removesuffix" => {
            let suffix = args.need_text("suffix")?;
            Ok(Val::from(this.strip_suffix(&*suffix).unwrap_or(this)))
        }
        "replace" => replace(this, args),
        "find" | "rfind" | "index" | "rindex" => find(this, name, args),
        "count" => Ok(Val::int(count(this, &args.need_text("sub")?))),
        "center" | "ljust" | "rjust" | "zfill" => padded(this, name, args),
        "expandtabs" => {
            Ok(Val::from(this.replace('\t', &" ".repeat(args.int("tabsize", 8)?.clamp(0, 100) as usize))))
        }
        _ if name.starts_with("is") => Ok(Val::Bool(is(this, name))),
        _ => Ok(Val::from(cased(this, name))),
    }
}

fn join(separator: &str, items: &Val) -> Outcome<Val> {
    let mut joined = String::new();
    for (at, item) in items.items()?.iter().enumerate() {
        let Val::Str(part) = item else {
            let kind = item.kind();
            return Err(Fault::of_type(format!("item {at} is {kind}, not text"))
                .hinted("the filter `join` takes every kind"));
        };
        joined.push_str(if at > 0 { separator } else { "" });
        joined.push_str(part);
        hold_size(joined.len())?;
    }
    Ok(Val::from(joined))
}

fn split(this: &str, from_right: bool, mut args: Args) -> Outcome<Val> {
    let separator = args.take("sep").filter(|value| !matches!(value, Val::None));
    let most = usize::try_from(args.int("maxsplit", -1)?).unwrap_or(usize::MAX);
    let separator: Option<Rc<str>> = separator.as_ref().map(text);
    if separator.as_deref() == Some("") {
        return Err(Fault::of_type("the separator is empty"));
    }
    let limit = most.saturating_add(1);
    let mut parts: Vec<Val> = match (&separator, from_right) {
        (Some(separator), false) => this.splitn(limit, &**separator).map(Val::from).collect(),
        (Some(separator), true) => this.rsplitn(limit, &**separator).map(Val::from).collect(),
        (None, from_right) => split_blanks(this, from_right, most),
    };
    if from_right {
        parts.reverse();
    }
    Ok(Val::list(parts))
}

/// Parts between runs of blanks; from the right, the last part comes first.
fn split_blanks(this: &str, from_right: bool, most: usize) -> Vec<Val> {
    let mut rest = if from_right { this.trim_end() } else { this.trim_start() };
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if parts.len() == most {
            parts.push(Val::from(rest));
            break;
        }
        let (part, tail) = match from_right {
            false => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            true => rest.rsplit_once(char::is_whitespace).map_or((rest, ""), |(head, part)| (part, head)),
        };
        parts.push(Val::from(part));
        rest = if from_right { tail.trim_end() } else { tail.trim_start() };
    }
    parts
}

fn splitlines(this: &str, keep_ends: bool) -> Val {
    let is_break = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let (mut lines, mut rest) = (Vec::new(), this);
    while !rest.is_empty() {
        let end = rest.find(is_break).unwrap_or(rest.len());
        let ending = match &rest[end..] {
            tail if tail.starts_with("\r\n") => 2,
            tail => tail.chars().next().map_or(0, char::len_utf8),
        };
        lines.push(Val::from(&rest[..if keep_ends { end + ending } else { end }]));
        rest = &rest[end + ending..];
    }
    Val::list(lines)
}

fn partition(this: &str, from_right: bool, separator: &str) -> Outcome<Val> {
    if separator.is_empty() {
        return Err(Fault::of_type("the separator is empty"));
    }
    let found = if from_right { this.rsplit_once(separator) } else { this.split_once(separator) };
    let parts = match found {
        Some((head, tail)) => [head, separator, tail],
        None if from_right => ["", "", this],
        None => [this, "", ""],
    };
    Ok(Val::tuple(parts.into_iter().map(Val::from).collect()))
}

/// `strip`, `lstrip` or `rstrip` of blanks, or of the characters given.
pub(in super::super) fn strip(this: &str, name: &str, chars: Option<Val>) -> Outcome<String> {
    let chars: Option<Rc<str>> = chars.filter(|value| !matches!(value, Val::None)).as_ref().map(text);
    let drops = |c: char| chars.as_ref().map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
    Ok(match name {
        "lstrip" => this.trim_start_matches(drops),
        "rstrip" => this.trim_end_matches(drops),
        _ => this.trim_matches(drops),
    }
    .to_owned())
}

fn affixed(this: &str, at_start: bool, affix: &Val) -> Outcome<Val> {
    let has = |affix: &str| if at_start { this.starts_with(affix) } else { this.ends_with(affix) };
    match affix {
        Val::Str(affix) => Ok(Val::Bool(has(affix))),
        Val::Tuple(several) => Ok(Val::Bool(several.iter().any(|affix| has(&text(affix))))),
        other => Err(Fault::of_type(format!("text or a tuple is expected here, not {}", other.kind()))),
    }
}

fn replace(this: &str, mut args: Args) -> Outcome<Val> {
    let (old, new) = (args.need_text("old")?, args.need_text("new")?);
    let most = usize::try_from(args.int("count", -1)?).unwrap_or(usize::MAX);
    let times = this.matches(&*old).count().min(most);
    hold_size(this.len() + times.saturating_mul(new.len()))?;
    Ok(Val::from(this.replacen(&*old, &new, times)))
}

fn find(this: &str, name: &str, mut args: Args) -> Outcome<Val> {
    let wanted = args.need_text("sub")?;
    let skipped = usize::try_from(args.int("start", 0)?).unwrap_or(0);
    let from: usize = this.chars().take(skipped).map(char::len_utf8).sum();
    let found = match name.starts_with('r') {
        true => this[from..].rfind(&*wanted),
        false => this[from..].find(&*wanted),
    };
    match found {
        Some(at) => Ok(Val::int(this[..from + at].chars().count())),
        None if name.ends_with("find") => Ok(Val::Int(-1)),
        None => Err(Fault::of_type("the text is not found")),
    }
}

fn count(this: &str, wanted: &str) -> usize {
    if wanted.is_empty() { this.chars().count() + 1 } else { this.matches(wanted).count() }
}

fn padded(this: &str, name: &str, mut args: Args) -> Outcome<Val> {
    let width = usize::try_from(args.int("width", 0)?).unwrap_or(0);
    hold_size(width)?;
    let fill = args.text("fillchar")?.and_then(|fill| fill.chars().next()).unwrap_or(' ');
    let missing = width.saturating_sub(this.chars().count());
    let fills = |count: usize| fill.to_string().repeat(count);
    Ok(Val::from(match name {
        "ljust" => format!("{this}{}", fills(missing)),
        "rjust" => format!("{}{this}", fills(missing)),
        "center" => center(this, width, fill),
        _ => {
            let (sign, digits) = this.split_at(usize::from(this.starts_with(['+', '-'])));
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
    }))
}

/// Python puts the odd blank left where the width is odd.
pub(in super::super) fn center(this: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(this.chars().count());
    let left = missing / 2 + (missing & width & 1);
    let fills = |count: usize| fill.to_string().repeat(count);
    format!("{}{this}{}", fills(left), fills(missing - left))
}

fn is(this: &str, name: &str) -> bool {
    let all = |accepts: fn(char) -> bool| !this.is_empty() && this.chars().all(accepts);
    let some_case = this.chars().any(char::is_alphabetic);
    match name {
        "isdigit" | "isdecimal" => all(|c| c.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => this.is_ascii(),
        "isprintable" => this.chars().all(crate::repr::is_printable),
        "islower" => some_case && !this.chars().any(char::is_uppercase),
        "isupper" => some_case && !this.chars().any(char::is_lowercase),
        "istitle" => some_case && title(this) == this,
        _ => all(|c| c == '_' || c.is_alphanumeric()) && !this.starts_with(|c: char| c.is_numeric()),
    }
}

fn cased(this: &str, name: &str) -> String {
    match name {
        "upper" => this.to_uppercase(),
        "capitalize" => capitalize(this),
        "title" => title(this),
        "swapcase" => {
            let swap = |c: char| {
                if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() }
            };
            this.chars().map(swap).collect()
        }
        _ => this.to_lowercase(),
    }
}

pub(in super::super) fn capitalize(this: &str) -> String {
    let mut chars = this.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect()
    })
}

fn title(this: &str) -> String {
    let mut in_word = false;
    let mut out = String::new();
    for c in this.chars() {
        if in_word {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        in_word = c.is_alphabetic();
    }
    out
}
