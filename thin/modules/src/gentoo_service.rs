//! `service.*` of OpenRC: Gentoo, Alpine and their kin.

use crate::registry::{CallError, Function, Module};
use crate::services::{NAME, succeeds};
use crate::{Bound, Ctx, services, tools};
use halite_wire::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "gentoo_service",
    virtual_name: "service",
    doc: "Services of OpenRC.",
    applies,
    functions: FUNCTIONS,
};

/// Debian with OpenRC keeps its own tools.
fn applies(grains: &Map) -> bool {
    let named = matches!(grains.get_str("os"), Some("Gentoo" | "Alpine"));
    let found = grains.get_str("os_family") != Some("Debian") && Path::new("/run/openrc").exists();
    (named || found) && !services::booted()
}

const FUNCTIONS: &[Function] = &[
    services::AVAILABLE.by(|_, args| Ok(levels()?.contains_key(&args.str("name")?).into())),
    services::DISABLE
        .doc("Takes a service out of its runlevels, or of those given as runlevels.")
        .by(disable),
    services::DISABLED
        .by(|_, args| Ok(levels()?.get(&args.str("name")?).is_some_and(BTreeSet::is_empty).into())),
    services::ENABLE
        .doc("Puts a service into the default runlevel, or into exactly those given as runlevels.")
        .by(enable),
    services::ENABLED.by(enabled),
    services::GET_ALL.doc("All services, each with its runlevels.").by(|_, _| Ok(dict(levels()?))),
    services::GET_DISABLED.by(|_, _| {
        let none = levels()?.into_iter().filter(|(_, levels)| levels.is_empty());
        Ok(none.map(|(name, _)| name).collect::<Vec<_>>().into())
    }),
    services::GET_ENABLED
        .doc("Services in a runlevel, each with its runlevels.")
        .by(|_, _| Ok(dict(levels()?.into_iter().filter(|(_, levels)| !levels.is_empty()).collect()))),
    services::MISSING.by(|_, args| Ok((!levels()?.contains_key(&args.str("name")?)).into())),
    services::RELOAD.by(|ctx, args| act(ctx, args, "reload")),
    services::RESTART.by(|ctx, args| act(ctx, args, "restart")),
    services::START.by(|ctx, args| act(ctx, args, "start")),
    services::STATUS
        .by(|ctx, args| services::status(ctx, args, |_| Ok(levels()?.into_keys().collect()), runs)),
    services::STOP.by(|ctx, args| act(ctx, args, "stop")),
    Function {
        name: "zap",
        params: &[NAME],
        doc: "Has OpenRC take a service for stopped, whatever it does.",
        example: "service.zap nginx",
        call: |ctx, args| act(ctx, args, "zap"),
    },
];

/// Every service and the runlevels it is in.
fn levels() -> Result<BTreeMap<String, BTreeSet<String>>, CallError> {
    let text = tools::text(&["rc-update", "-v", "show"])?;
    let rows = text.lines().filter_map(|line| line.split_once('|'));
    let words = |levels: &str| levels.split_whitespace().map(str::to_owned).collect();
    Ok(rows.map(|(name, levels)| (name.trim().to_owned(), words(levels))).collect())
}

fn dict(levels: BTreeMap<String, BTreeSet<String>>) -> Value {
    levels.into_iter().map(|(name, levels)| (name, Vec::from_iter(levels))).collect::<Map>().into()
}

/// The runlevels of the call; `None` where it names none.
fn requested(args: &Bound) -> Option<BTreeSet<String>> {
    match args.keywords().get("runlevels")? {
        Value::List(items) => Some(items.iter().filter_map(crate::args::as_text).collect()),
        one => crate::args::as_text(one).map(|one| BTreeSet::from([one])),
    }
}

fn update(ctx: &mut Ctx, verb: &str, name: &str, levels: &BTreeSet<String>) -> Result<bool, CallError> {
    let mut argv = vec!["rc-update", verb, name];
    argv.extend(levels.iter().map(String::as_str));
    Ok(succeeds(ctx, &argv)?.is_truthy())
}

fn enable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let Some(wanted) = requested(args) else {
        return update(ctx, "add", &name, &BTreeSet::new()).map(Value::from);
    };
    let current = levels()?.remove(&name).unwrap_or_default();
    let surplus: BTreeSet<String> = current.difference(&wanted).cloned().collect();
    let missing: BTreeSet<String> = wanted.difference(&current).cloned().collect();
    let mut done = true;
    for (verb, levels) in [("delete", surplus), ("add", missing)] {
        done = done && (levels.is_empty() || update(ctx, verb, &name, &levels)?);
    }
    Ok(done.into())
}

fn disable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let Some(wanted) = requested(args) else {
        return update(ctx, "delete", &name, &BTreeSet::new()).map(Value::from);
    };
    let current = levels()?.remove(&name).unwrap_or_default();
    let levels: BTreeSet<String> = current.intersection(&wanted).cloned().collect();
    Ok((levels.is_empty() || update(ctx, "delete", &name, &levels)?).into())
}

fn enabled(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let current = levels()?.remove(&args.str("name")?).unwrap_or_default();
    let all = requested(args).is_none_or(|wanted| wanted.is_subset(&current));
    Ok((!current.is_empty() && all).into())
}

fn act(ctx: &mut Ctx, args: &Bound, verb: &str) -> Result<Value, CallError> {
    succeeds(ctx, &[&format!("/etc/init.d/{}", args.str("name")?), verb])
}

fn runs(_: &mut Ctx, name: &str) -> Result<bool, CallError> {
    Ok(tools::run(&[&format!("/etc/init.d/{name}"), "status"])?.ok())
}
