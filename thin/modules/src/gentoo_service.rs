//! `service.*` of OpenRC: Gentoo, Alpine and their kin.

use crate::registry::{CallError, Function, Module};
use crate::services::{KWARGS, NAME, SIG, succeeds};
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
    Function {
        name: "available",
        params: &[NAME],
        doc: "Whether there is such a service.",
        example: "service.available sshd",
        call: |_, args| Ok(levels()?.contains_key(&args.str("name")?).into()),
    },
    Function {
        name: "disable",
        params: &[NAME, KWARGS],
        doc: "Takes a service out of its runlevels, or of those given as runlevels.",
        example: "service.disable nginx runlevels='[default]'",
        call: disable,
    },
    Function {
        name: "disabled",
        params: &[NAME],
        doc: "Whether a service is in no runlevel.",
        example: "service.disabled nginx",
        call: |_, args| Ok(levels()?.get(&args.str("name")?).is_some_and(BTreeSet::is_empty).into()),
    },
    Function {
        name: "enable",
        params: &[NAME, KWARGS],
        doc: "Puts a service into the default runlevel, or into exactly those given as runlevels.",
        example: "service.enable nginx runlevels='[boot]'",
        call: enable,
    },
    Function {
        name: "enabled",
        params: &[NAME, KWARGS],
        doc: "Whether a service is in a runlevel, or in all given as runlevels.",
        example: "service.enabled nginx",
        call: enabled,
    },
    Function {
        name: "get_all",
        params: &[],
        doc: "All services, each with its runlevels.",
        example: "service.get_all",
        call: |_, _| Ok(dict(levels()?)),
    },
    Function {
        name: "get_disabled",
        params: &[],
        doc: "Names of services in no runlevel.",
        example: "service.get_disabled",
        call: |_, _| {
            let none = levels()?.into_iter().filter(|(_, levels)| levels.is_empty());
            Ok(none.map(|(name, _)| name).collect::<Vec<_>>().into())
        },
    },
    Function {
        name: "get_enabled",
        params: &[],
        doc: "Services in a runlevel, each with its runlevels.",
        example: "service.get_enabled",
        call: |_, _| Ok(dict(levels()?.into_iter().filter(|(_, levels)| !levels.is_empty()).collect())),
    },
    Function {
        name: "missing",
        params: &[NAME],
        doc: "Whether there is no such service.",
        example: "service.missing sshd",
        call: |_, args| Ok((!levels()?.contains_key(&args.str("name")?)).into()),
    },
    Function {
        name: "reload",
        params: &[NAME],
        doc: "Has a service read its configuration again.",
        example: "service.reload nginx",
        call: |ctx, args| act(ctx, args, "reload"),
    },
    Function {
        name: "restart",
        params: &[NAME],
        doc: "Stops and starts a service.",
        example: "service.restart nginx",
        call: |ctx, args| act(ctx, args, "restart"),
    },
    Function {
        name: "start",
        params: &[NAME],
        doc: "Starts a service.",
        example: "service.start nginx",
        call: |ctx, args| act(ctx, args, "start"),
    },
    Function {
        name: "status",
        params: &[NAME, SIG],
        doc: "Whether a service runs; for a pattern, a dict of all services it fits.",
        example: "service.status nginx",
        call: |ctx, args| services::status(ctx, args, |_| Ok(levels()?.into_keys().collect()), runs),
    },
    Function {
        name: "stop",
        params: &[NAME],
        doc: "Stops a service.",
        example: "service.stop nginx",
        call: |ctx, args| act(ctx, args, "stop"),
    },
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
