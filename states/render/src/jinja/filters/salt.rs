//! Salt's own filters.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::ops;
use super::super::run::Interp;
use super::super::value::{Dict, Val, compare, equal, from_wire, text};
use super::Filter;
use super::hashes::bytes_of;
use super::sequence::without_repeats;
use crate::yaml;
use std::cmp::Ordering;
use std::rc::Rc;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("compare_dicts", compare_dicts),
    ("compare_lists", compare_lists),
    ("contains_whitespace", |_, value, _| Ok(Val::Bool(text(&value).contains(char::is_whitespace)))),
    ("difference", |interp, value, args| kept(interp, value, args, false)),
    ("exactly_n_true", exactly_n_true),
    ("exactly_one_true", |_, value, _| Ok(Val::Bool(count_true(&value)? == 1))),
    ("flatten", flatten),
    ("from_entries", from_entries),
    ("intersect", |interp, value, args| kept(interp, value, args, true)),
    ("is_hex", |_, value, _| Ok(Val::Bool(value.as_str().is_some_and(is_hex)))),
    ("is_iter", |_, value, _| Ok(Val::Bool(matches!(value, Val::List(_) | Val::Tuple(_) | Val::Dict(_))))),
    ("is_list", |_, value, _| Ok(Val::Bool(matches!(value, Val::List(_))))),
    ("method_call", method_call),
    ("path_join", path_join),
    ("quote", |_, value, _| Ok(Val::from(shell_quote(&String::from_utf8_lossy(&bytes_of(&value)?))))),
    ("sequence", sequence),
    ("skip", |_, _, _| Ok(Val::from(""))),
    ("sorted_ignorecase", sorted_ignorecase),
    ("str_to_num", to_num),
    ("substring_in_list", substring_in_list),
    ("symmetric_difference", symmetric_difference),
    ("to_bool", to_bool),
    ("to_bytes", |_, value, _| Ok(Val::Bytes(text(&value).as_bytes().into()))),
    ("to_camelcase", |_, value, mut args| {
        Ok(Val::from(camelcase(&text(&value), args.flag("uppercamel", false)?)))
    }),
    ("to_entries", to_entries),
    ("to_num", to_num),
    ("to_snake_case", |_, value, _| Ok(Val::from(snake_case(&text(&value))))),
    ("traverse", traverse),
    ("union", union),
];

fn to_bool(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    Ok(Val::Bool(match &value {
        Val::Bool(flag) => *flag,
        Val::Str(text) => matches!(&*text.to_lowercase(), "yes" | "1" | "true"),
        Val::Int(number) => *number > 0,
        Val::List(_) | Val::Dict(_) => value.truth()?,
        _ => false,
    }))
}

/// A list holding the value, unless it is one.
fn sequence(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    Ok(match value {
        Val::List(_) | Val::Tuple(_) | Val::Dict(_) => value,
        single => Val::list(vec![single]),
    })
}

/// `data|traverse('a:b:0', default)`; the keys may be a list, too.
fn traverse(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let key = args.need("key")?;
    let default = args.take("default").unwrap_or(Val::None);
    let delimiter = args.text("delimiter")?.unwrap_or_else(|| ":".into());
    let keys = match &key {
        Val::Str(path) => path.split(&*delimiter).map(Val::from).collect(),
        Val::Int(_) => vec![key],
        list => list.items()?,
    };
    let mut at = value;
    for key in &keys {
        match step_into(&at, key)? {
            Some(next) => at = next,
            None => return Ok(default),
        }
    }
    Ok(at)
}

/// What stands under a key. In a list, dicts that have the key come before an index.
fn step_into(at: &Val, key: &Val) -> Outcome<Option<Val>> {
    let number = key.as_int().or_else(|| key.as_str()?.trim().parse().ok()).map(Val::Int);
    match at {
        Val::List(_) => {
            let key = number.as_ref().unwrap_or(key);
            let of = |item: &Val| if let Val::Dict(dict) = item { dict.borrow().get(key) } else { None };
            let found = at.items()?.iter().find_map(of);
            Ok(found.or_else(|| ops::at(at, key.as_int()?)))
        }
        Val::Dict(dict) => {
            let typed = || key.as_str().map(|word| from_wire(&yaml::scalar(word)));
            Ok(dict.borrow().get(key).or_else(|| dict.borrow().get(&typed()?)))
        }
        Val::Tuple(_) => Ok(number.and_then(|number| ops::at(at, number.as_int()?))),
        _ => Ok(None),
    }
}

pub(super) fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

fn flatten(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let levels = args.take("levels").and_then(|levels| levels.as_int()).unwrap_or(i128::MAX);
    let preserve_nulls = args.flag("preserve_nulls", false)?;
    let mut flat = Vec::new();
    flatten_into(&value, levels, preserve_nulls, &mut flat)?;
    Ok(Val::list(flat))
}

fn flatten_into(list: &Val, levels: i128, nulls: bool, flat: &mut Vec<Val>) -> Outcome<()> {
    for item in list.items()? {
        match &item {
            Val::None if !nulls => {}
            Val::List(inner)
                if levels > 0 && !matches!(list, Val::List(outer) if Rc::ptr_eq(outer, inner)) =>
            {
                flatten_into(&item, levels.min(100) - 1, nulls, flat)?;
            }
            _ => flat.push(item),
        }
    }
    Ok(())
}

fn union(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let mut items = value.items()?;
    items.extend(args.need("other")?.items()?);
    without_repeats(interp, items).map(Val::list)
}

/// What is also in the other list, or what is not.
fn kept(interp: &mut Interp, value: Val, mut args: Args, in_other: bool) -> Outcome<Val> {
    let other = args.need("other")?.items()?;
    let items = value.items()?;
    interp.work(items.len().saturating_mul(other.len()) / 16)?;
    let has = |item: &Val| other.iter().any(|one| equal(one, item));
    let kept = items.into_iter().filter(|item| has(item) == in_other).collect();
    without_repeats(interp, kept).map(Val::list)
}

fn symmetric_difference(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let other = args.need("other")?;
    let only_here = kept(interp, value.clone(), Args::of(vec![other.clone()]), false)?;
    let only_there = kept(interp, other, Args::of(vec![value]), false)?;
    union(interp, only_here, Args::of(vec![only_there]))
}

/// What Python's `int(word, 16)` takes.
fn is_hex(word: &str) -> bool {
    let word = word.trim();
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let digits = digits.strip_prefix("0x").or(digits.strip_prefix("0X")).unwrap_or(digits);
    !digits.is_empty()
        && digits.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_hexdigit()))
}

fn to_num(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    Ok(match &value {
        Val::Str(written) => number_of(written),
        Val::Float(number) => Val::Int(*number as i128),
        Val::Bool(flag) => Val::Int(i128::from(*flag)),
        Val::Int(_) => value,
        other => return Err(Fault::of_type(format!("{} is no number", other.kind()))),
    })
}

/// The number a text stands for, else the text.
pub(super) fn number_of(written: &str) -> Val {
    let plain = written.trim();
    let int = plain.parse().map(Val::Int).ok();
    int.or_else(|| plain.parse().map(Val::Float).ok()).unwrap_or_else(|| Val::from(written))
}

/// The parts below each other, without `.`, `..` and doubled slashes.
fn path_join(_: &mut Interp, value: Val, args: Args) -> Outcome<Val> {
    let mut parts = vec![value];
    parts.extend(args.positional);
    let parts = parts.iter().map(|part| Ok(text(part.defined()?))).collect::<Outcome<Vec<_>>>()?;
    let joined = parts.iter().skip(1).fold(parts[0].to_string(), |path, part| {
        let part = normal(part);
        format!("{}/{}", if path.is_empty() { "." } else { &path }, part.trim_start_matches('/'))
    });
    Ok(Val::from(normal(&joined)))
}

/// The shortest way to write a path.
fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let goes_up = part == ".." && parts.last().is_some_and(|last| *last != "..");
        match part {
            ".." if goes_up => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn method_call(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let name = args.need_text("method")?;
    let method = interp.attribute(&value, &name)?;
    if method.is_undefined() { Ok(Val::None) } else { interp.call(&method, args) }
}

fn sorted_ignorecase(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut items = value.items()?;
    items.sort_by_key(|item| text(item).to_lowercase());
    Ok(Val::list(items))
}

fn substring_in_list(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let wanted = text(&value);
    Ok(Val::Bool(args.need("list")?.items()?.iter().any(|item| text(item).contains(&*wanted))))
}

fn count_true(value: &Val) -> Outcome<usize> {
    value.items()?.iter().map(|item| item.truth().map(usize::from)).sum()
}

fn exactly_n_true(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let wanted = args.int("amount", 1)?;
    Ok(Val::Bool(count_true(&value)? as i128 == wanted))
}

fn to_entries(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let entry = |key: Val, value: Val| dict_of([("key", key), ("value", value)]);
    match &value {
        Val::Dict(dict) => {
            Ok(Val::list(dict.borrow().iter().map(|(k, v)| entry(k.clone(), v.clone())).collect()))
        }
        Val::List(items) => {
            let items = items.borrow();
            Ok(Val::list(
                items.iter().enumerate().map(|(at, item)| entry(Val::int(at), item.clone())).collect(),
            ))
        }
        other => Err(Fault::of_type(format!("a dict or a list is expected here, not {}", other.kind()))),
    }
}

/// Dicts with `key` (or `name`) and `value`, in whatever case, as one dict.
fn from_entries(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut result = Dict::default();
    for entry in value.items()? {
        let Val::Dict(entry) = &entry else {
            return Err(Fault::of_type(format!("an entry is a dict, not {}", entry.kind())));
        };
        let entry = entry.borrow();
        let of = |name: &str| {
            let named = entry.iter().filter(|(key, _)| text(key).eq_ignore_ascii_case(name));
            named.last().map(|(_, value)| value.clone())
        };
        let filled = |name: &str| of(name).filter(|value| value.truth().unwrap_or(false));
        if let Some(key) = filled("key").or_else(|| filled("name")) {
            result.insert(key, of("value").unwrap_or(Val::None))?;
        }
    }
    Ok(Val::dict(result))
}

fn camelcase(word: &str, upper: bool) -> String {
    let capital = |part: &str| super::super::methods::text::capitalize(part);
    let (first, rest) = word.split_once('_').unwrap_or((word, ""));
    let first = if upper { capital(first) } else { first.to_owned() };
    rest.split('_').fold(first, |joined, part| joined + &capital(part))
}

/// An underscore before each capital letter after or before a small one: `HTTPServer` is `http_server`.
fn snake_case(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for (at, c) in letters.iter().enumerate() {
        let after_small = at > 0 && letters[at - 1].is_lowercase();
        let before_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if at > 0 && c.is_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Entries that differ, with both values.
fn compare_dicts(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (Val::Dict(old), Val::Dict(new)) = (&value, &args.need("new")?) else {
        return Err(Fault::of_type("two dicts are compared"));
    };
    let mut changes = Dict::default();
    let (old, new) = (old.borrow(), new.borrow());
    for key in old.keys().chain(new.keys()) {
        let (before, after) = (old.get(key), new.get(key));
        let same = matches!((&before, &after), (Some(a), Some(b)) if equal(a, b));
        if !same {
            let missing = || Val::from("");
            let entry = match (before, after) {
                (Some(old), None) => [("new", missing()), ("old", old)],
                (old, new) => [("old", old.unwrap_or_else(missing)), ("new", new.unwrap_or_else(missing))],
            };
            changes.insert(key.clone(), dict_of(entry))?;
        }
    }
    Ok(Val::dict(changes))
}

fn dict_of(entries: [(&str, Val); 2]) -> Val {
    Val::dict(entries.into_iter().map(|(key, value)| (Val::from(key), value)).collect())
}

/// Items that only one of the lists has.
fn compare_lists(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (old, new) = (value.items()?, args.need("new")?.items()?);
    let only = |these: &[Val], those: &[Val]| -> Vec<Val> {
        let mut kept: Vec<Val> =
            these.iter().filter(|item| !those.iter().any(|other| equal(other, item))).cloned().collect();
        kept.sort_by(|a, b| compare(a, b).ok().flatten().unwrap_or(Ordering::Equal));
        kept
    };
    let (gone, added) = (only(&old, &new), only(&new, &old));
    let mut changes = Dict::default();
    if !added.is_empty() {
        changes.set("new", Val::list(added));
    }
    if !gone.is_empty() {
        changes.set("old", Val::list(gone));
    }
    Ok(Val::dict(changes))
}
