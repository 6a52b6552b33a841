//! Filters on lists and dicts.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::ops;
use super::super::run::Interp;
use super::super::value::{Val, compare, equal, text};
use super::Filter;
use super::select::attribute_of;
use super::text::escaped;
use std::cmp::Ordering;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("batch", batch),
    ("count", length),
    ("dictsort", dictsort),
    ("first", first),
    ("groupby", groupby),
    ("items", items),
    ("join", join),
    ("last", last),
    ("length", length),
    ("list", |_, value, _| value.items().map(Val::list)),
    ("max", |_, value, args| extreme(&value, &args, Ordering::Greater)),
    ("min", |_, value, args| extreme(&value, &args, Ordering::Less)),
    ("reverse", reverse),
    ("slice", slice),
    ("sort", sort),
    ("unique", unique),
    ("xmlattr", xmlattr),
];

/// `items` in order.
///
/// # Errors
/// Items that have no order among each other.
pub(in super::super) fn sorted(items: Vec<Val>, reverse: bool) -> Outcome<Vec<Val>> {
    let keyed = items.into_iter().map(|item| (item.clone(), item)).collect();
    sorted_by_key(keyed, reverse)
}

/// Items in the order of the keys before them.
pub(in super::super) fn sorted_by_key(mut keyed: Vec<(Val, Val)>, reverse: bool) -> Outcome<Vec<Val>> {
    let mut failed = None;
    keyed.sort_by(|(a, _), (b, _)| match compare(a, b) {
        Ok(order) => {
            let order = order.unwrap_or(Ordering::Equal);
            if reverse { order.reverse() } else { order }
        }
        Err(fault) => {
            failed.get_or_insert(fault);
            Ordering::Equal
        }
    });
    match failed {
        Some(fault) => Err(fault),
        None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
    }
}

/// Text in lower case where case does not count.
fn folded(value: Val, case_sensitive: bool) -> Val {
    match value {
        Val::Str(text) if !case_sensitive => Val::from(text.to_lowercase()),
        other => other,
    }
}

fn sort(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (reverse, case_sensitive) = (args.flag("reverse", false)?, args.flag("case_sensitive", false)?);
    let attribute = args.take("attribute").filter(|value| !matches!(value, Val::None));
    let keys = key_paths(attribute);
    let mut keyed = Vec::new();
    for item in value.items()? {
        let mut parts = Vec::new();
        for path in &keys {
            parts.push(folded(attribute_of(interp, &item, path)?, case_sensitive));
        }
        let key = if keys.is_empty() { folded(item.clone(), case_sensitive) } else { Val::tuple(parts) };
        keyed.push((key, item));
    }
    interp.work(keyed.len())?;
    sorted_by_key(keyed, reverse).map(Val::list)
}

/// `a,b` sorts by both.
fn key_paths(attribute: Option<Val>) -> Vec<Val> {
    match attribute {
        Some(Val::Str(names)) => names.split(',').map(Val::from).collect(),
        Some(index) => vec![index],
        None => Vec::new(),
    }
}

fn dictsort(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let Val::Dict(dict) = &value else {
        return Err(Fault::of_type(format!("dictsort takes a dict, not {}", value.kind())));
    };
    let case_sensitive = args.flag("case_sensitive", false)?;
    let by_value = match args.text("by")?.as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(other) => return Err(Fault::of_type(format!("by is \"key\" or \"value\", not {other:?}"))),
    };
    let reverse = args.flag("reverse", false)?;
    let dict = dict.borrow();
    let keyed = dict.iter().map(|(key, value)| {
        let by = if by_value { value } else { key };
        (folded(by.clone(), case_sensitive), Val::tuple(vec![key.clone(), value.clone()]))
    });
    sorted_by_key(keyed.collect(), reverse).map(Val::list)
}

fn first(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let first = value.items()?.into_iter().next();
    Ok(first.unwrap_or_else(|| Val::undefined("there is no first item: the list is empty")))
}

fn last(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let last = value.items()?.pop();
    Ok(last.unwrap_or_else(|| Val::undefined("there is no last item: the list is empty")))
}

fn length(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let kind = value.kind();
    value.len().map(Val::int).ok_or_else(|| Fault::of_type(format!("{kind} has no length")))
}

fn items(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let Val::Dict(dict) = &value else { return Err(Fault::of_type("items takes a dict")) };
    Ok(Val::list(dict.borrow().iter().map(|(k, v)| Val::tuple(vec![k.clone(), v.clone()])).collect()))
}

fn join(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let separator = args.text("d")?.unwrap_or_else(|| "".into());
    let attribute = args.take("attribute");
    let mut joined = String::new();
    for (at, item) in value.items()?.iter().enumerate() {
        let item = match &attribute {
            Some(path) => attribute_of(interp, item, path)?,
            None => item.clone(),
        };
        joined.push_str(if at > 0 { &separator } else { "" });
        joined.push_str(&text(item.defined()?));
        ops::hold_size(joined.len())?;
    }
    Ok(Val::from(joined))
}

fn reverse(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    if let Val::Str(text) = &value {
        return Ok(Val::from(text.chars().rev().collect::<String>()));
    }
    let mut items = value.items()?;
    items.reverse();
    Ok(Val::list(items))
}

fn batch(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let size = usize::try_from(args.int("linecount", 1)?).unwrap_or(0).max(1);
    ops::hold_size(size.saturating_mul(size_of::<Val>()))?;
    let fill = args.take("fill_with");
    let items = value.items()?;
    let batches = items.chunks(size).map(|chunk| {
        let missing = size - chunk.len();
        let filled = fill.iter().cycle().take(if fill.is_some() { missing } else { 0 });
        Val::list(chunk.iter().chain(filled).cloned().collect())
    });
    Ok(Val::list(batches.collect()))
}

/// `slices` columns of items, the longer ones first.
fn slice(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let items = value.items()?;
    let slices = usize::try_from(args.int("slices", 1)?).unwrap_or(0).clamp(1, items.len().max(1));
    let fill = args.take("fill_with");
    let (each, longer) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let columns = (0..slices).map(|at| {
        let mut column: Vec<Val> = rest.by_ref().take(each + usize::from(at < longer)).collect();
        if at >= longer && longer > 0 {
            column.extend(fill.clone());
        }
        Val::list(column)
    });
    Ok(Val::list(columns.collect()))
}

fn groupby(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let (path, default) = (args.need("attribute")?, args.take("default"));
    let case_sensitive = args.flag("case_sensitive", false)?;
    let mut keyed = Vec::new();
    for item in value.items()? {
        let key = attribute_of(interp, &item, &path)?;
        let key = if key.is_undefined() { default.clone().unwrap_or(key) } else { key };
        keyed.push((folded(key.clone(), case_sensitive), Val::tuple(vec![key, item])));
    }
    let mut groups: Vec<(Val, Vec<Val>)> = Vec::new();
    for pair in sorted_by_key(keyed, false)? {
        let Val::Tuple(pair) = pair else { continue };
        match groups.last_mut() {
            Some((key, items))
                if equal(&folded(key.clone(), case_sensitive), &folded(pair[0].clone(), case_sensitive)) =>
            {
                items.push(pair[1].clone());
            }
            _ => groups.push((pair[0].clone(), vec![pair[1].clone()])),
        }
    }
    Ok(Val::list(groups.into_iter().map(|(key, items)| Val::tuple(vec![key, Val::list(items)])).collect()))
}

/// Salt's own `max` and `min`, which know no attributes.
fn extreme(value: &Val, args: &Args, wanted: Ordering) -> Outcome<Val> {
    if !args.positional.is_empty() || !args.named.is_empty() {
        return Err(Fault::of_type("this filter takes no arguments")
            .hinted("pick what to compare before: `|map(attribute='size')|max`"));
    }
    let mut best: Option<Val> = None;
    for item in value.items()? {
        let better = match &best {
            Some(other) => compare(&item, other)? == Some(wanted),
            None => true,
        };
        if better {
            best = Some(item);
        }
    }
    best.ok_or_else(|| Fault::of_type("there is nothing in the list"))
}

fn unique(interp: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    without_repeats(interp, value.items()?).map(Val::list)
}

pub(super) fn without_repeats(interp: &mut Interp, items: Vec<Val>) -> Outcome<Vec<Val>> {
    let mut kept: Vec<Val> = Vec::new();
    for item in items {
        interp.work(kept.len() / 16)?;
        if !kept.iter().any(|other| equal(other, &item)) {
            kept.push(item);
        }
    }
    Ok(kept)
}

fn xmlattr(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let Val::Dict(dict) = &value else { return Err(Fault::of_type("xmlattr takes a dict")) };
    let auto_space = args.flag("autospace", true)?;
    let mut out = String::new();
    for (key, value) in dict.borrow().iter() {
        if matches!(value, Val::None | Val::Undefined(_)) {
            continue;
        }
        let key = text(key);
        if key.contains(|c: char| c.is_whitespace() || "/>=".contains(c)) {
            return Err(Fault::of_type(format!("{key:?} cannot be the name of an attribute")));
        }
        let space = if out.is_empty() && !auto_space { "" } else { " " };
        out.push_str(&format!("{space}{}=\"{}\"", escaped(&key), escaped(&text(value))));
    }
    Ok(Val::from(out))
}
