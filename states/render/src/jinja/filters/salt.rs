//! Salt's own filters.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Dict, Val, compare, equal, text};
use super::Filter;
use super::sequence::without_repeats;
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
    ("is_hex", |_, value, _| Ok(Val::Bool(is_hex(&text(&value))))),
    ("is_iter", |_, value, _| Ok(Val::Bool(matches!(value, Val::List(_) | Val::Tuple(_) | Val::Dict(_))))),
    ("is_list", |_, value, _| Ok(Val::Bool(matches!(value, Val::List(_))))),
    ("method_call", method_call),
    ("path_join", path_join),
    ("quote", |_, value, _| Ok(Val::from(shell_quote(&text(&value))))),
    ("sequence", sequence),
    ("set_dict_key_value", set_dict_key_value),
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
    ("zip", zip),
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

/// `data|traverse('a:b:0', default)`.
fn traverse(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let key = args.need_text("key")?;
    let default = args.take("default").unwrap_or(Val::None);
    let delimiter = args.text("delimiter")?.unwrap_or_else(|| ":".into());
    let mut at = value;
    for part in key.split(&*delimiter) {
        let index = match (&at, part.parse()) {
            (Val::List(_) | Val::Tuple(_), Ok(number)) => Val::Int(number),
            (Val::List(_) | Val::Tuple(_) | Val::Dict(_), _) => Val::from(part),
            _ => return Ok(default),
        };
        let found = match &at {
            // A key only; a dict's methods do not count here.
            Val::Dict(dict) => {
                dict.borrow().get(&index).or_else(|| dict.borrow().get(&Val::Int(part.parse().ok()?)))
            }
            list if index.as_int().is_some() => {
                Some(interp.item(list, &index)?).filter(|item| !item.is_undefined())
            }
            list => in_dicts_of(list, &index)?,
        };
        match found {
            Some(next) => at = next,
            None => return Ok(default),
        }
    }
    Ok(at)
}

/// The value under `key` of the first dict in a list that has it.
fn in_dicts_of(list: &Val, key: &Val) -> Outcome<Option<Val>> {
    let of = |item: &Val| if let Val::Dict(dict) = item { dict.borrow().get(key) } else { None };
    Ok(list.items()?.iter().find_map(of))
}

fn shell_quote(word: &str) -> String {
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

fn is_hex(word: &str) -> bool {
    let digits = word.trim_start_matches("0x").trim_start_matches("0X");
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit())
}

fn to_num(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let word = text(&value);
    let word = word.trim();
    let int = word.parse().map(Val::Int).ok();
    Ok(int.or_else(|| word.parse().map(Val::Float).ok()).unwrap_or(value))
}

fn path_join(_: &mut Interp, value: Val, args: Args) -> Outcome<Val> {
    let mut parts = match &value {
        Val::List(_) | Val::Tuple(_) => value.items()?,
        one => vec![one.clone()],
    };
    parts.extend(args.positional);
    let mut path = String::new();
    for part in &parts {
        let part = text(part);
        if part.starts_with('/') {
            path.clear();
        } else if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(&part);
    }
    Ok(Val::from(path))
}

/// Sets the value under a path, dicts on the way are made.
fn set_dict_key_value(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (path, new) = (args.need_text("keys")?, args.need("value")?);
    let delimiter = args.text("delimiter")?.unwrap_or_else(|| ":".into());
    let mut at = value.clone();
    let mut parts = path.split(&*delimiter).peekable();
    while let Some(part) = parts.next() {
        let Val::Dict(dict) = &at else {
            return Err(Fault::of_type(format!("{part:?} cannot be set: a dict is needed")));
        };
        if parts.peek().is_none() {
            dict.borrow_mut().set(part, new.clone());
            break;
        }
        let found = dict.borrow().get_str(part);
        let next = found.unwrap_or_else(|| Val::dict(Dict::default()));
        dict.borrow_mut().set(part, next.clone());
        at = next;
    }
    Ok(value)
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
    let entry = |key: Val, value: Val| {
        let mut dict = Dict::default();
        dict.set("key", key);
        dict.set("value", value);
        Val::dict(dict)
    };
    match &value {
        Val::Dict(dict) => {
            Ok(Val::list(dict.borrow().iter().map(|(k, v)| entry(k.clone(), v.clone())).collect()))
        }
        list => {
            let items = list.items()?.into_iter().enumerate();
            Ok(Val::list(items.map(|(at, item)| entry(Val::int(at), item)).collect()))
        }
    }
}

fn from_entries(interp: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut dict = Dict::default();
    for entry in value.items()? {
        let mut of = |names: [&str; 3]| -> Outcome<Val> {
            for name in names {
                let found = interp.item(&entry, &Val::from(name))?;
                if !found.is_undefined() {
                    return Ok(found);
                }
            }
            Ok(Val::None)
        };
        let (key, value) = (of(["key", "Key", "name"])?, of(["value", "Value", "Value"])?);
        dict.insert(key, value)?;
    }
    Ok(Val::dict(dict))
}

fn zip(_: &mut Interp, value: Val, args: Args) -> Outcome<Val> {
    let mut lists = vec![value.items()?];
    for other in &args.positional {
        lists.push(other.items()?);
    }
    let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
    let row = |at: usize| Val::tuple(lists.iter().map(|list| list[at].clone()).collect());
    Ok(Val::list((0..shortest).map(row).collect()))
}

fn camelcase(word: &str, upper: bool) -> String {
    let mut parts = word.split('_').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or("");
    let capital = |part: &str| super::super::methods::text::capitalize(part);
    let first = if upper { capital(first) } else { first.to_owned() };
    parts.fold(first, |joined, part| joined + &capital(part))
}

fn snake_case(word: &str) -> String {
    let mut out = String::new();
    for (at, c) in word.chars().enumerate() {
        if at > 0 && c.is_uppercase() {
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
            changes
                .insert(key.clone(), change(before.unwrap_or_else(missing), after.unwrap_or_else(missing)))?;
        }
    }
    Ok(Val::dict(changes))
}

fn change(old: Val, new: Val) -> Val {
    let mut dict = Dict::default();
    dict.set("old", old);
    dict.set("new", new);
    Val::dict(dict)
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
