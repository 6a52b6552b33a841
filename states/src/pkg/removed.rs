//! `pkg.removed` and `pkg.purged`.

use super::wanted::{Wanted, fulfils, packages};
use super::{changed, listed, passed_on, versions};
use crate::{Applied, Look, StateCtx};
use halite_modules::glob::fnmatch;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

pub fn look(state: &mut StateCtx<'_, '_>, args: &Bound, purge: bool) -> Result<Look, CallError> {
    let wanted = packages(state.ctx, args, args.bool("normalize"))?;
    let targets = targets(state.ctx, args, &wanted, purge)?;
    let word = if purge { "purged" } else { "removed" };
    if targets.is_empty() {
        return Ok(Look::in_sync("none of the packages is installed"));
    }
    let new = if purge { "purged" } else { "removed" };
    let plan: Map =
        targets.iter().map(|name| (name.as_str(), Map::from([("new", new), ("old", "")]))).collect();
    let args = args.clone();
    let comment = format!("to be {word}: {}", targets.join(", "));
    Ok(Look::differs(comment, plan, move |state| take_away(state.ctx, &args, &wanted, targets, purge)))
}

fn targets(ctx: &mut Ctx, args: &Bound, wanted: &Wanted, purge: bool) -> Result<Vec<String>, CallError> {
    let installed = listed(ctx, false)?;
    let mut targets = Vec::new();
    for (name, version) in wanted {
        let current = versions(&installed, name);
        let right = match version {
            _ if current.is_empty() => false,
            None => true,
            Some(version) => fulfils(ctx, &current, version, args.get("ignore_epoch").as_bool(), false)?,
        };
        if right {
            targets.push(name.clone());
        }
    }
    if purge {
        let left = listed(ctx, true)?;
        let rest = wanted
            .iter()
            .map(|(name, _)| name)
            .filter(|name| left.contains_key(name) && !targets.contains(name));
        let rest: Vec<String> = rest.cloned().collect();
        targets.extend(rest);
    }
    targets.sort();
    Ok(targets)
}

fn take_away(
    ctx: &mut Ctx,
    args: &Bound,
    wanted: &Wanted,
    targets: Vec<String>,
    purge: bool,
) -> Result<Applied, CallError> {
    let before = listed(ctx, false)?;
    let mut order =
        Args::default().with("name", args.get("name").clone()).with("pkgs", args.get("pkgs").clone());
    for (key, value) in passed_on(args) {
        order = order.with(key.as_str().unwrap_or_default(), value.clone());
    }
    let (fun, word) = if purge { ("pkg.purge", "purged") } else { ("pkg.remove", "removed") };
    let told = call(ctx, fun, order);
    let after = listed(ctx, false)?;
    let changes = match told {
        Ok(changes) => changes,
        Err(error) => {
            let changes = changed(&before, &after);
            return Ok(Applied::failed(format!("packages cannot be {word}: {error}"), changes));
        }
    };
    let mut left: Vec<&str> = still_there(wanted, &after);
    let kept = if purge { listed(ctx, true)? } else { Map::new() };
    left.extend(still_there(wanted, &kept));
    if left.is_empty() {
        return Ok(Applied::done(format!("{word}: {}", targets.join(", ")), changes));
    }
    Ok(Applied::failed(format!("not {word}: {}", left.join(", ")), changes))
}

fn still_there<'w>(wanted: &'w Wanted, list: &Map) -> Vec<&'w str> {
    let fits = |name: &str| {
        name.contains('*')
            && list.keys().filter_map(Value::as_str).any(|known| fnmatch(known.as_bytes(), name.as_bytes()))
    };
    let there =
        wanted.iter().filter(|(name, version)| list.contains_key(name) && version.is_none() || fits(name));
    there.map(|(name, _)| name.as_str()).collect()
}
