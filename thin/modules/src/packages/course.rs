//! The course of installing, removing and upgrading: look, run, look again, tell what changed.

use super::{Manager, Order, Packages, changes, is_true, names, one_or_all, run};
use crate::registry::CallError;
use crate::{Bound, Ctx, glob, tools};
use halite_wire::{Map, Value};

/// Runs the command lines and tells what they changed.
fn carry_out(
    manager: &Manager,
    ctx: &mut Ctx,
    before: &Packages,
    lines: &[Vec<String>],
) -> Result<Map, CallError> {
    let mut errors = Vec::new();
    for argv in lines {
        let output = run(manager, argv)?;
        if !output.ok() {
            errors.push(tools::complaint(&output));
        }
    }
    if errors.is_empty() {
        return Ok(changes(before, &(manager.list)(ctx)?.installed));
    }
    Err(CallError::failed(errors.join("\n")))
}

/// `pkg.install`.
///
/// # Errors
/// The arguments contradict each other, or the package manager fails; what it did until then is done.
pub fn install(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    (manager.prepare)(ctx, args)?;
    let order = Order::read(manager, ctx, args)?;
    if is_true(args.get("refresh")) && order.files.is_empty() {
        (manager.refresh)(ctx, args)?;
    }
    let before = (manager.list)(ctx)?.installed;
    let lines = (manager.install)(ctx, args, &order)?;
    let mut changed = carry_out(manager, ctx, &before, &lines)?;
    if is_true(args.get("reinstall")) {
        for (name, _) in order.wanted.iter().filter(|(name, _)| before.contains_key(name)) {
            let version = before.get(name).map(|versions| versions.join(",")).unwrap_or_default();
            changed.entry_or(name.as_str(), || super::pair(&version, &version).into());
        }
    }
    Ok(changed.into())
}

fn take_away(manager: &Manager, ctx: &mut Ctx, args: &Bound, purge: bool) -> Result<Value, CallError> {
    let lists = (manager.list)(ctx)?;
    let asked = match args.get("pkgs") {
        pkgs if pkgs.is_truthy() => super::pairs(ctx, pkgs)?.into_iter().map(|(name, _)| name).collect(),
        _ => args.texts("name")?,
    };
    let asked: Vec<String> = asked.iter().map(|name| (manager.normalize)(ctx, name)).collect();
    let mut known: Vec<&String> = lists.installed.keys().collect();
    if purge {
        known.extend(lists.removed.keys());
    }
    let fits = |known: &&&String| {
        asked.iter().any(|name| {
            *name == ***known || name.contains('*') && glob::fnmatch(known.as_bytes(), name.as_bytes())
        })
    };
    let targets: Vec<String> = known.iter().filter(fits).map(|name| (**name).clone()).collect();
    if targets.is_empty() {
        return Ok(Map::new().into());
    }
    let gone = carry_out(manager, ctx, &lists.installed, &[(manager.remove)(args, &targets, purge)])?;
    if !purge || !manager.leaves_configuration {
        return Ok(gone.into());
    }
    let removed = changes(&lists.removed, &(manager.list)(ctx)?.removed);
    Ok(Map::from([("removed", removed), ("installed", gone)]).into())
}

/// `pkg.remove`.
///
/// # Errors
/// The package manager fails.
pub fn remove(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    take_away(manager, ctx, args, false)
}

/// `pkg.purge`, where a package manager tells removing and purging apart.
///
/// # Errors
/// The package manager fails.
pub fn purge(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    take_away(manager, ctx, args, true)
}

/// `pkg.upgrade`.
///
/// # Errors
/// The package manager fails.
pub fn upgrade(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.bool("refresh") {
        (manager.refresh)(ctx, args)?;
    }
    let before = (manager.list)(ctx)?.installed;
    let named = match args.keywords().get("pkgs") {
        Some(pkgs) if pkgs.is_truthy() => super::pairs(ctx, &pkgs.clone())?,
        _ => Vec::new(),
    };
    let named: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
    let argv = (manager.upgrade)(args, &named);
    carry_out(manager, ctx, &before, &[argv]).map(Value::from)
}

/// `pkg.autoremove`.
///
/// # Errors
/// The package manager fails, or has no such thing.
pub fn autoremove(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.bool("list_only") {
        return (manager.unneeded)(args).map(Value::from);
    }
    let argv = (manager.autoremove)(args);
    let argv =
        argv.ok_or_else(|| CallError::failed("this package manager knows no packages that nothing needs"))?;
    let before = (manager.list)(ctx)?.installed;
    carry_out(manager, ctx, &before, &[argv]).map(Value::from)
}

/// `pkg.latest_version`: the version an installation would bring; empty where there is none newer.
///
/// # Errors
/// The repositories cannot be read.
pub fn latest_version(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.keywords().get("refresh").is_none_or(is_true) {
        (manager.refresh)(ctx, args)?;
    }
    let names = names(args);
    let show_installed = super::keyword(args, "show_installed");
    let installed = (manager.list)(ctx)?.installed;
    let candidates =
        if names.is_empty() { Default::default() } else { (manager.candidates)(ctx, &names, args)? };
    let newest = |name: &String| -> String {
        let Some(candidate) = candidates.get(name) else { return String::new() };
        let versions = installed.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_newer = versions.iter().all(|version| (manager.compare)(version, candidate).is_lt());
        if is_newer || show_installed { candidate.clone() } else { String::new() }
    };
    let answers = names.iter().map(|name| (name.clone(), Value::from(newest(name)))).collect();
    Ok(one_or_all(answers))
}
