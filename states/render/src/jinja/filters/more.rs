//! Salt's filters that turn one form of data into another.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::jmespath;
use super::super::run::Interp;
use super::super::value::{Dict, Val, text, to_wire};
use super::Filter;
use super::salt::number_of;
use crate::yaml::{self, DumpOptions, Flow};
use halite_pattern::{Flags, Kind, Pattern};
use halite_wire::{Map, Value};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("check_whitelist_blacklist", check_lists),
    ("dict_to_sls_yaml_params", sls_params),
    ("human_to_bytes", human_to_bytes),
    ("json_decode_dict", |_, value, _| encoded(&value, true)),
    ("json_decode_list", |_, value, _| encoded(&value, false)),
    ("json_encode_dict", |_, value, _| encoded(&value, true)),
    ("json_encode_list", |_, value, _| encoded(&value, false)),
    ("json_query", |interp, value, mut args| jmespath::search(interp, &args.need_text("expr")?, &value)),
    ("mysql_to_dict", mysql_to_dict),
    ("xml", super::xml::xml),
];

/// Every text in the data as bytes of UTF-8.
fn encoded(value: &Val, is_dict: bool) -> Outcome<Val> {
    match (value, is_dict) {
        (Val::Dict(_), true) | (Val::List(_) | Val::Tuple(_), false) => Ok(as_bytes(value, 0)),
        _ => Err(Fault::of_type(format!("{} is not encoded here", value.kind()))),
    }
}

fn as_bytes(value: &Val, depth: usize) -> Val {
    if depth > crate::limits::YAML_DEPTH_MAX {
        return value.clone();
    }
    let inner = |value: &Val| as_bytes(value, depth + 1);
    match value {
        Val::Str(text) => Val::Bytes(text.as_bytes().into()),
        Val::List(items) => Val::list(items.borrow().iter().map(inner).collect()),
        Val::Tuple(items) => Val::list(items.iter().map(inner).collect()),
        Val::Dict(dict) => Val::dict(dict.borrow().iter().map(|(k, v)| (inner(k), inner(v))).collect()),
        other => other.clone(),
    }
}

/// `2G`, `30 MB`, `64KiB` in bytes; 0 where it is no size.
fn human_to_bytes(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let default_unit = args.text("default_unit")?.unwrap_or_else(|| "B".into());
    let metric = args.flag("handle_metric", false)?;
    let written = text(&value);
    let written = written.trim();
    let split = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let (number, unit) = (&written[..split], written[split..].trim_start());
    let unit = if unit.is_empty() { &default_unit } else { unit }.to_lowercase();
    Ok(bytes_of(number, &unit, metric).unwrap_or(Val::Int(0)))
}

fn bytes_of(number: &str, unit: &str, metric: bool) -> Option<Val> {
    let power = "bkmgtpezy".find(unit.chars().next()?)? as u32;
    let scale = match &unit[1..] {
        "b" if power > 0 && metric => 1000i128.pow(power),
        "" | "b" | "ib" if power > 0 => 1024i128.pow(power),
        "" => 1,
        _ => return None,
    };
    match number.parse::<i128>() {
        Ok(whole) => whole.checked_mul(scale).map(Val::Int),
        Err(_) => number.parse::<f64>().ok().map(|part| Val::Int((part * scale as f64) as i128)),
    }
}

/// Whether the value passes lists of globs and regular expressions.
fn check_lists(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let value = text(&value);
    let mut matched = |name: &str| -> Outcome<Option<bool>> {
        let list = match args.take(name) {
            Some(Val::Str(one)) if !one.is_empty() => vec![Val::Str(one)],
            Some(list) if list.truth()? => list.items()?,
            _ => return Ok(None),
        };
        Ok(Some(list.iter().any(|expression| expression_matches(&value, &text(expression)))))
    };
    let (white, black) = (matched("whitelist")?, matched("blacklist")?);
    Ok(Val::Bool(white.unwrap_or(true) && !black.unwrap_or(false)))
}

fn expression_matches(value: &str, expression: &str) -> bool {
    let matches = |pattern: &str| {
        let compiled = Pattern::new(pattern, Flags::default(), Kind::Text);
        compiled.is_ok_and(|pattern| pattern.match_start(value.as_bytes()).is_ok_and(|found| found.is_some()))
    };
    glob_matches(expression, value) || matches(&format!("(?:{expression})\\Z"))
}

/// Shell patterns: `*`, `?`, `[a-z]`, `[!a]`.
fn glob_matches(glob: &str, value: &str) -> bool {
    let mut pattern = String::from("(?s)");
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        let tail: String = rest.clone().collect();
        match (c, tail.get(1..).and_then(|inner| inner.find(']'))) {
            ('*', _) => pattern.push_str(".*"),
            ('?', _) => pattern.push('.'),
            ('[', Some(end)) => {
                let set: String = rest.by_ref().take(tail[..end + 1].chars().count() + 1).collect();
                let set = set.replace('\\', "\\\\");
                pattern.push('[');
                pattern.push_str(&set.strip_prefix('!').map_or(set.clone(), |inner| format!("^{inner}")));
            }
            (c, _) => pattern.push_str(&halite_pattern::escape(&c.to_string())),
        }
    }
    let compiled = Pattern::new(&(pattern + "\\Z"), Flags::default(), Kind::Text);
    compiled.is_ok_and(|pattern| pattern.match_start(value.as_bytes()).is_ok_and(|found| found.is_some()))
}

/// What the program mysql prints, as a dict of its rows by one column.
fn mysql_to_dict(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let key = args.need("key")?;
    let mut headers: Vec<String> = Vec::new();
    let mut rows = Dict::default();
    for line in value.items()? {
        let line = text(&line);
        if line.is_empty() || line.starts_with('+') {
            continue;
        }
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        if headers.is_empty() {
            headers = cells;
            continue;
        }
        let mut row = Dict::default();
        for (header, cell) in headers.iter().zip(&cells).take(headers.len() - 1).skip(1) {
            row.set(header, number_of(cell));
        }
        let name =
            row.get(&key).ok_or_else(|| Fault::of_type(format!("there is no column {:?}", text(&key))))?;
        rows.insert(name, Val::dict(row))?;
    }
    Ok(Val::dict(rows))
}

/// The entries as a list of single ones, as arguments of a state are written.
fn sls_params(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let flow = if args.flag("flow_style", false)? { Flow::Always } else { Flow::Never };
    let Value::Map(map) = to_wire(&value)? else {
        return Err(Fault::of_type(format!("a dict is expected here, not {}", value.kind())));
    };
    let entries = map.into_iter().map(|(key, value)| Value::Map([(key, value)].into_iter().collect::<Map>()));
    let entries = Value::List(entries.collect());
    let dumped = yaml::dump_with(&entries, DumpOptions { flow, ..DumpOptions::default() });
    Ok(Val::from(dumped.trim()))
}
