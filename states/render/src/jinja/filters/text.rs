//! Filters on text.

use super::super::args::Args;
use super::super::fault::Outcome;
use super::super::methods::dict::entries;
use super::super::methods::text::{capitalize, center, strip};
use super::super::run::Interp;
use super::super::str_format::format_value;
use super::super::value::{Val, text};
use super::super::{ops, percent};
use super::Filter;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("capitalize", |_, value, _| Ok(Val::from(capitalize(&text(&value))))),
    ("center", center_filter),
    ("e", escape),
    ("escape", escape),
    ("filesizeformat", filesizeformat),
    ("forceescape", escape),
    ("format", format),
    ("indent", indent),
    ("lower", |_, value, _| Ok(Val::from(text(&value).to_lowercase()))),
    ("replace", replace),
    ("safe", |_, value, _| Ok(Val::Str(text(&value)))),
    ("string", |_, value, _| Ok(Val::Str(text(&value)))),
    ("striptags", |_, value, _| Ok(Val::from(without_tags(&text(&value))))),
    ("title", title),
    ("trim", trim),
    ("truncate", truncate),
    ("upper", |_, value, _| Ok(Val::from(text(&value).to_uppercase()))),
    ("urlencode", urlencode),
    ("urlize", super::urlize::urlize),
    ("wordcount", wordcount),
    ("wordwrap", wordwrap),
];

fn center_filter(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let width = usize::try_from(args.int("width", 80)?).unwrap_or(0);
    ops::hold_size(width)?;
    Ok(Val::from(center(&text(&value), width, ' ')))
}

fn escape(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    Ok(Val::from(escaped(&text(&value))))
}

/// Text as it stands in HTML.
pub(super) fn escaped(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('\'', "&#39;").replace('"', "&#34;")
}

/// `'%s'|format(x)`.
fn format(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let values = match args.named.is_empty() {
        true => Val::tuple(args.positional),
        false => Val::dict(args.named_dict()),
    };
    percent::format(&text(&value), &values).map(Val::from)
}

fn indent(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let indent = match args.take("width") {
        Some(Val::Str(indent)) => indent.to_string(),
        Some(width) => " ".repeat(width.as_int().unwrap_or(4).clamp(0, 10_000) as usize),
        None => " ".repeat(4),
    };
    let (first, blank) = (args.flag("first", false)?, args.flag("blank", false)?);
    let mut out = String::new();
    for (at, line) in text(&value).split('\n').enumerate() {
        out.push_str(if at > 0 { "\n" } else { "" });
        let wanted = if at == 0 { first } else { blank || !line.is_empty() };
        out.push_str(if wanted { &indent } else { "" });
        out.push_str(line);
        ops::hold_size(out.len())?;
    }
    Ok(Val::from(out))
}

fn replace(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (value, old, new) = (text(&value), args.need_text("old")?, args.need_text("new")?);
    let most = args.take("count").and_then(|count| count.as_int()).unwrap_or(-1);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let times = value.matches(&*old).count().min(most);
    ops::hold_size(value.len() + times.saturating_mul(new.len()))?;
    Ok(Val::from(value.replacen(&*old, &new, times)))
}

fn without_tags(value: &str) -> String {
    let uncommented = without(&without(value, "<!--", "-->"), "<", ">");
    let joined = uncommented.split_whitespace().collect::<Vec<_>>().join(" ");
    // `&amp;` last, so that `&amp;lt;` becomes `&lt;`.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(joined, |text, (entity, sign)| text.replace(entity, sign))
}

/// The text without what stands between `open` and `close`, and without these.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((_, after)) = after.split_once(close) else { break };
        out.push_str(before);
        rest = after;
    }
    out + rest
}

/// Unlike the method: words are what stands between blanks, dashes and brackets.
fn title(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut starts = true;
    let mut out = String::new();
    for c in text(&value).chars() {
        if starts {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        starts = c.is_whitespace() || "-({[<".contains(c);
    }
    Ok(Val::from(out))
}

fn trim(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    strip(&text(&value), "strip", args.take("chars")).map(Val::from)
}

fn truncate(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let value = text(&value);
    let length = usize::try_from(args.int("length", 255)?).unwrap_or(0);
    let kill_words = args.flag("killwords", false)?;
    let end = args.text("end")?.unwrap_or_else(|| "...".into());
    let leeway = usize::try_from(args.int("leeway", 5)?).unwrap_or(0);
    if value.chars().count() <= length.saturating_add(leeway) {
        return Ok(Val::Str(value));
    }
    let cut: String = value.chars().take(length.saturating_sub(end.chars().count())).collect();
    let cut = if kill_words { &*cut } else { cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words) };
    Ok(Val::from(format!("{cut}{end}")))
}

fn urlencode(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    if !matches!(value, Val::Dict(_) | Val::List(_) | Val::Tuple(_)) {
        return Ok(Val::from(encoded(&text(&value), "/")));
    }
    let pairs = entries(Args::of(vec![value]))?;
    let pair = |(key, value): (&Val, &Val)| format!("{}={}", in_query(key), in_query(value));
    Ok(Val::from(pairs.iter().map(pair).collect::<Vec<_>>().join("&")))
}

/// A space is a plus in what follows the `?` of an address.
fn in_query(value: &Val) -> String {
    encoded(&text(value), "").replace("%20", "+")
}

fn encoded(value: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            byte if safe.as_bytes().contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn wordcount(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let value = text(&value);
    Ok(Val::int(
        value.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count(),
    ))
}

fn wordwrap(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let width = usize::try_from(args.int("width", 79)?).unwrap_or(0).max(1);
    let break_long = args.flag("break_long_words", true)?;
    let separator = args.text("wrapstring")?.unwrap_or_else(|| interp.newline().into());
    let value = text(&value);
    let wrapped: Vec<String> =
        value.lines().map(|line| wrap(line, width, break_long).join(&separator)).collect();
    Ok(Val::from(wrapped.join(&separator)))
}

fn wrap(line: &str, width: usize, break_long: bool) -> Vec<String> {
    let (mut lines, mut current) = (Vec::new(), String::new());
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let room = current.chars().count() + usize::from(!current.is_empty());
        if !current.is_empty() && room + word.len() > width {
            lines.push(std::mem::take(&mut current));
        }
        while break_long && word.len() > width {
            lines.push(word.drain(..width).collect());
        }
        current.push_str(if current.is_empty() { "" } else { " " });
        current.extend(word);
    }
    lines.push(current);
    lines
}

fn filesizeformat(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let bytes = value.as_float().or_else(|| text(&value).parse().ok()).unwrap_or(0.0);
    let binary = args.flag("binary", false)?;
    let (base, units) = match binary {
        true => (1024.0, ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]),
        false => (1000.0, ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]),
    };
    if bytes < base {
        return Ok(Val::from(if bytes == 1.0 {
            "1 Byte".to_owned()
        } else {
            format!("{} Bytes", bytes.trunc())
        }));
    }
    let (mut size, mut unit) = (bytes / base, 0);
    while size >= base && unit + 1 < units.len() {
        size /= base;
        unit += 1;
    }
    format_value(&Val::Float(size), ".1f").map(|size| Val::from(format!("{size} {}", units[unit])))
}
