//! `pkg.uptodate`, `pkg.downloaded` and the patches of advisories.

use super::wanted::{as_pkgs, fulfils, packages};
use super::{changed, has, listed, note_fresh, passed_on};
use crate::{Applied, Look, StateCtx};
use halite_modules::packages::pairs;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

fn with_rest(args: &Bound, order: Args) -> Args {
    passed_on(args)
        .fold(order, |order, (key, value)| order.with(key.as_str().unwrap_or_default(), value.clone()))
}

pub fn uptodate(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let Some(refresh) = args.get("refresh").as_bool() else {
        return Ok(Look::cannot("refresh must be either True or False"));
    };
    let upgrades =
        call(state.ctx, "pkg.list_upgrades", with_rest(args, Args::default().with("refresh", refresh)))?;
    if refresh {
        note_fresh(state.kept);
    }
    let only: Option<Vec<String>> = match args.get("pkgs") {
        pkgs @ Value::List(_) => Some(pairs(state.ctx, pkgs)?.into_iter().map(|(name, _)| name).collect()),
        _ => None,
    };
    let installed = listed(state.ctx, false)?;
    let is_meant = |name: &str| only.as_ref().is_none_or(|only| only.iter().any(|one| one == name));
    let mut expected = Map::new();
    for (name, new) in upgrades.as_map().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if is_meant(name) {
            let old = super::versions(&installed, name).join(",");
            expected.insert(name, Map::from([("new", new.clone()), ("old", old.into())]));
        }
    }
    if expected.is_empty() {
        return Ok(Look::in_sync("all packages are of the newest version"));
    }
    let args = args.clone();
    let comment = format!("{} packages are to be upgraded", expected.len());
    Ok(Look::differs(comment, expected.clone(), move |state| upgrade(state.ctx, &args, &expected, only)))
}

fn upgrade(
    ctx: &mut Ctx,
    args: &Bound,
    expected: &Map,
    only: Option<Vec<String>>,
) -> Result<Applied, CallError> {
    let before = listed(ctx, false)?;
    let order = with_rest(args, Args::default().with("refresh", args.get("refresh").clone()));
    let order = order.with("pkgs", only.clone().map(Value::from).unwrap_or_default());
    let changes = match call(ctx, "pkg.upgrade", order) {
        Ok(told) => told.as_map().cloned().unwrap_or_default(),
        Err(error) => {
            let changes = changed(&before, &listed(ctx, false)?);
            return Ok(Applied::failed(format!("packages cannot be upgraded: {error}"), changes));
        }
    };
    let missing = expected
        .keys()
        .filter_map(Value::as_str)
        .filter(|name| only.is_some() && !changes.contains_key(name));
    let missing: Vec<&str> = missing.collect();
    if missing.is_empty() {
        return Ok(Applied::done("packages were upgraded", changes));
    }
    Ok(Applied::failed(format!("not upgraded: {}", missing.join(", ")), changes))
}

/// Versions of package files in the cache, by name.
fn downloads(ctx: &mut Ctx) -> Result<Map, CallError> {
    Ok(call(ctx, "pkg.list_downloaded", Args::default())?.as_map().cloned().unwrap_or_default())
}

fn in_cache(list: &Map, name: &str) -> Vec<String> {
    let versions = list.get(name).and_then(Value::as_map).into_iter().flatten();
    versions.filter_map(|(version, _)| version.as_str().map(str::to_owned)).collect()
}

pub fn downloaded(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if !has(state.ctx, "pkg.list_downloaded") {
        return Ok(Look::cannot("this package manager keeps no package files"));
    }
    if args.get("pkgs").as_list().is_some_and(<[Value]>::is_empty) {
        return Ok(Look::in_sync("no packages are named"));
    }
    let wanted = packages(state.ctx, args, true)?;
    let targets = missing(state.ctx, args, wanted)?;
    if targets.is_empty() {
        return Ok(Look::in_sync("all packages are downloaded"));
    }
    let args = args.clone();
    let names: Vec<&str> = targets.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Look::differs(format!("to be downloaded: {}", names.join(", ")), Map::new(), move |state| {
        let order =
            with_rest(&args, Args::default().with("downloadonly", true).with("pkgs", as_pkgs(&targets)));
        let changes =
            match call(state.ctx, "pkg.install", order.with("fromrepo", args.get("fromrepo").clone())) {
                Ok(changes) => changes,
                Err(error) => {
                    return Ok(Applied::failed(
                        format!("packages cannot be downloaded: {error}"),
                        Map::new(),
                    ));
                }
            };
        let left = missing(state.ctx, &args, targets)?;
        if left.is_empty() {
            return Ok(Applied::done("all packages were downloaded", changes));
        }
        let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
        Ok(Applied::failed(format!("not downloaded: {}", names.join(", ")), changes))
    }))
}

fn missing(
    ctx: &mut Ctx,
    args: &Bound,
    wanted: super::wanted::Wanted,
) -> Result<super::wanted::Wanted, CallError> {
    let cache = downloads(ctx)?;
    let mut missing = Vec::new();
    for (name, version) in wanted {
        let there = in_cache(&cache, &name);
        let right = match version.as_deref() {
            _ if there.is_empty() => false,
            None => true,
            Some(version) => fulfils(ctx, &there, version, args.get("ignore_epoch").as_bool(), false)?,
        };
        if !right {
            missing.push((name, version));
        }
    }
    Ok(missing)
}

pub fn patches(state: &mut StateCtx<'_, '_>, args: &Bound, download: bool) -> Result<Look, CallError> {
    if !has(state.ctx, "pkg.list_patches") || !has(state.ctx, "pkg.list_installed_patches") {
        return Ok(Look::cannot("this package manager knows no advisories"));
    }
    let ids = match args.get("advisory_ids") {
        Value::Null => vec![args.str("name")?],
        _ => args.texts("advisory_ids")?,
    };
    let known = call(state.ctx, "pkg.list_installed_patches", Args::default())?;
    let targets: Vec<String> =
        ids.into_iter().filter(|id| !known.get(id).is_some_and(Value::is_truthy)).collect();
    if targets.is_empty() {
        return Ok(Look::in_sync("all advisories are installed"));
    }
    let args = args.clone();
    let comment = format!("advisories to be installed: {}", targets.join(", "));
    Ok(Look::differs(comment, Map::new(), move |state| {
        let order =
            with_rest(&args, Args::default().with("advisory_ids", targets).with("downloadonly", download));
        match call(state.ctx, "pkg.install", order) {
            Ok(changes) => Ok(Applied::done("the advisories' packages are there", changes)),
            Err(error) => Ok(Applied::failed(format!("advisories cannot be installed: {error}"), Map::new())),
        }
    }))
}
