//! What would be run, without running it: `show_sls`, `show_lowstate`, `show_top` and the like.

use super::apply::sls_high;
use super::wanted::{Stop, Wanted, answer, compiled};
use super::{split, turn};
use crate::compile::Tree;
use halite_engine::{High, Source};
use halite_modules::{Bound, CallError, Ctx, proc};
use halite_wire::{Map, Value};

/// High data of SLS.
pub fn sls(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    answer(show_sls(ctx, args))
}

fn show_sls(ctx: &mut Ctx, args: &Bound) -> Result<Value, Stop> {
    let wanted = Wanted::of(ctx, args)?;
    let high = sls_high(ctx, &wanted, &split(args.get("mods")));
    let mut errors = high.errors.clone();
    errors.extend(high.verify());
    compiled(ctx, if errors.is_empty() { Ok(()) } else { Err(errors) })?;
    Ok(high.data.into())
}

/// Low chunks of SLS.
pub fn low_sls(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    answer(show_low_sls(ctx, args).map(Value::from))
}

fn show_low_sls(ctx: &mut Ctx, args: &Bound) -> Result<Vec<Map>, Stop> {
    let wanted = Wanted::of(ctx, args)?;
    let high = sls_high(ctx, &wanted, &split(args.get("mods")));
    compiled(ctx, halite_engine::low_of_sls(high))
}

pub fn sls_exists(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let shown = sls(ctx, args)?;
    ctx.retcode = 0;
    Ok(shown.as_map().is_some().into())
}

/// Whether all these IDs are in these SLS.
pub fn id_exists(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ids = split(args.get("ids"));
    let chunks = match show_low_sls(ctx, args) {
        Ok(chunks) => chunks,
        Err(stop) => return answer(Err(stop)),
    };
    let exists = |id: &String| chunks.iter().any(|low| low.get_str("__id__") == Some(id));
    Ok(ids.iter().all(exists).into())
}

fn high(ctx: &mut Ctx, args: &Bound) -> Result<(Wanted, High), Stop> {
    let wanted = Wanted::of(ctx, args)?;
    let high = halite_engine::highstate(&mut Tree { ctx }, &wanted.minion(), &wanted.options);
    Ok((wanted, high))
}

pub fn highstate(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let shown = high(ctx, args).and_then(|(_, high)| {
        let result = if high.errors.is_empty() { Ok(high.data.into()) } else { Err(high.errors) };
        compiled(ctx, result)
    });
    answer(shown)
}

fn lows(ctx: &mut Ctx, args: &Bound) -> Result<Vec<Map>, Stop> {
    let (wanted, high) = high(ctx, args)?;
    compiled(ctx, halite_engine::low(high, &wanted.options))
}

pub fn lowstate(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    answer(lows(ctx, args).map(Value::from))
}

/// The SLS of a highstate, in the order they are run in.
pub fn states(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let names = lows(ctx, args).map(|chunks| {
        let mut names: Vec<Value> = Vec::new();
        for name in chunks.iter().filter_map(|low| low.get("__sls__")) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.into()
    });
    answer(names)
}

/// What the top files assign to the host.
pub fn top(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    answer(matches(ctx, args).map(Value::from))
}

fn matches(ctx: &mut Ctx, args: &Bound) -> Result<Map, Stop> {
    let wanted = Wanted::of(ctx, args)?;
    let matches = halite_engine::top(&mut Tree { ctx }, &wanted.minion(), &wanted.options);
    Ok(compiled(ctx, matches)?.into_iter().collect())
}

/// By environment, the SLS the top files assign and those they do not.
pub fn usage(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    answer(matches(ctx, args).and_then(|matches| {
        let mut tree = Tree { ctx };
        let mut usage = Map::new();
        for saltenv in tree.environments() {
            let all = tree.sls_names(&saltenv).map_err(CallError::Failed)?;
            let wanted = split(matches.get(&saltenv).unwrap_or(&Value::List(Vec::new())));
            let (used, unused): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| wanted.contains(name));
            let counts = [("count_all", used.len() + unused.len()), ("count_used", used.len())];
            let mut entry = Map::from([("used", used), ("unused", unused.clone())]);
            entry.extend(counts);
            entry.insert("count_unused", unused.len());
            usage.insert(saltenv, entry);
        }
        Ok(usage.into())
    }))
}

/// One line for each run of states that is under way.
pub fn running(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.bool("concurrent") {
        return Ok(Value::List(Vec::new()));
    }
    Ok(turn::running(ctx).iter().map(proc::in_words).collect())
}
