//! Python's itertools: every choice of some items, lists side by side.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::Val;
use super::Filter;
use crate::limits::RANGE_MAX;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("combinations", |interp, value, args| {
        chosen(interp, value, args, |chosen, next, _| chosen.last().is_none_or(|last| *last < next))
    }),
    ("combinations_with_replacement", |interp, value, args| {
        chosen(interp, value, args, |chosen, next, _| chosen.last().is_none_or(|last| *last <= next))
    }),
    ("compress", compress),
    ("permutations", |interp, value, mut args| {
        let all = Val::int(value.items()?.len());
        let size = args.take("r").filter(|size| !matches!(size, Val::None)).unwrap_or(all);
        chosen(interp, value, Args::of(vec![size]), |chosen, next, _| !chosen.contains(&next))
    }),
    ("product", product),
    ("zip", |interp, value, args| side_by_side(interp, value, args, None)),
    ("zip_longest", |interp, value, mut args| {
        let fill = args.named.iter().position(|(name, _)| &**name == "fillvalue");
        let fill = fill.map_or(Val::None, |at| args.named.remove(at).1);
        side_by_side(interp, value, args, Some(fill))
    }),
];

/// Whether the item `next` may follow those chosen, by their places; the last is the count of items.
type MayFollow = fn(&[usize], usize, usize) -> bool;

/// Every way to choose `r` items, in the order of their places.
fn chosen(interp: &mut Interp, value: Val, mut args: Args, may_follow: MayFollow) -> Outcome<Val> {
    let items = value.items()?;
    args.positional.first().or(args.named.first().map(|(_, size)| size)).map(Val::defined).transpose()?;
    let size = args.need("r")?.as_int().and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| Fault::of_type("r is the number of items to choose"))?;
    let mut found = Vec::new();
    let mut places = Vec::new();
    choose(interp, &items, size, may_follow, &mut places, &mut found)?;
    Ok(Val::list(found))
}

fn choose(
    interp: &mut Interp,
    items: &[Val],
    size: usize,
    may_follow: MayFollow,
    places: &mut Vec<usize>,
    found: &mut Vec<Val>,
) -> Outcome<()> {
    if places.len() == size {
        return keep(interp, places.iter().map(|at| items[*at].clone()).collect(), found);
    }
    if places.len() >= crate::limits::SYNTAX_DEPTH_MAX {
        return Err(Fault::limit("too many items are chosen at once"));
    }
    for next in 0..items.len() {
        interp.step()?;
        if may_follow(places, next, items.len()) {
            places.push(next);
            choose(interp, items, size, may_follow, places, found)?;
            places.pop();
        }
    }
    Ok(())
}

fn keep(interp: &mut Interp, row: Vec<Val>, found: &mut Vec<Val>) -> Outcome<()> {
    interp.work(row.len() + 1)?;
    if found.len() >= RANGE_MAX {
        return Err(Fault::limit(format!("there are more than {RANGE_MAX} ways to choose")));
    }
    found.push(Val::tuple(row));
    Ok(())
}

/// One item of each list, in every combination.
fn product(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let repeat =
        args.named.iter().position(|(name, _)| &**name == "repeat").map(|at| args.named.remove(at).1);
    let repeat = repeat.map_or(Some(1), |times| times.as_int());
    let repeat = repeat.and_then(|times| usize::try_from(times).ok()).filter(|times| *times <= RANGE_MAX);
    let repeat = repeat.ok_or_else(|| Fault::of_type("repeat is a number"))?;
    let mut lists = vec![value.items()?];
    for other in &args.positional {
        lists.push(other.items()?);
    }
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for list in lists.iter().cycle().take(lists.len() * repeat) {
        let mut longer = Vec::new();
        for row in &rows {
            interp.work((row.len() + 1) * list.len())?;
            if longer.len() + list.len() > RANGE_MAX {
                return Err(Fault::limit(format!("there are more than {RANGE_MAX} combinations")));
            }
            longer.extend(list.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()));
        }
        rows = longer;
    }
    Ok(Val::list(rows.into_iter().map(Val::tuple).collect()))
}

/// The items whose selector is true.
fn compress(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let selectors = args.need("selectors")?.items()?;
    let mut kept = Vec::new();
    for (item, selector) in value.items()?.into_iter().zip(&selectors) {
        if selector.truth()? {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

/// First items, second items ...: to the end of the shortest list, or of the longest with `fill`.
fn side_by_side(interp: &mut Interp, value: Val, args: Args, fill: Option<Val>) -> Outcome<Val> {
    let mut lists = vec![value.items()?];
    for other in &args.positional {
        lists.push(other.items()?);
    }
    let lengths = lists.iter().map(Vec::len);
    let rows = if fill.is_some() { lengths.max() } else { lengths.min() }.unwrap_or(0);
    interp.work(rows * lists.len())?;
    let cell = |list: &Vec<Val>, at: usize| list.get(at).or(fill.as_ref()).cloned().unwrap_or(Val::None);
    Ok(Val::list((0..rows).map(|at| Val::tuple(lists.iter().map(|list| cell(list, at)).collect())).collect()))
}
