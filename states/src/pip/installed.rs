//! `pip.installed`.

use super::requirement::Requirement;
use super::{PLACE, passed};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::pip::{normal, pep440};
use halite_modules::{Args, Bound, CallError, Ctx, accounts, call};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

/// Arguments that are those of `pip.install`.
pub const PASSED: [&str; 43] = [
    "requirements",
    "bin_env",
    "use_wheel",
    "no_use_wheel",
    "no_binary",
    "log",
    "proxy",
    "timeout",
    "editable",
    "find_links",
    "index_url",
    "extra_index_url",
    "no_index",
    "mirrors",
    "build",
    "target",
    "download",
    "download_cache",
    "source",
    "upgrade",
    "force_reinstall",
    "ignore_installed",
    "exists_action",
    "no_deps",
    "no_install",
    "no_download",
    "install_options",
    "global_options",
    "user",
    "cwd",
    "pre_releases",
    "cert",
    "allow_all_external",
    "allow_external",
    "allow_unverified",
    "process_dependency_links",
    "env_vars",
    "use_vt",
    "trusted_host",
    "no_cache_dir",
    "cache_dir",
    "extra_args",
    "saltenv",
];

/// Beginnings of lines that say that a file of requirements changed nothing.
const NO_CHANGE: [&str; 7] = [
    "Requirement already satisfied",
    "Requirement already up-to-date",
    "Requirement not upgraded",
    "Collecting",
    "Cloning",
    "Cleaning up...",
    "Looking in indexes",
];

fn text<'v>(ran: &'v Value, key: &str) -> &'v str {
    ran.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What is asked for, and the arguments of the call that installs it.
struct Wanted {
    install: Args,
    place: Args,
    missing: Vec<Requirement>,
}

pub fn installed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (install, place) = calls(args);
    let pkgs = match args.get("pkgs") {
        Value::List(items) => items.iter().filter_map(one).collect(),
        other if other.is_truthy() => return Ok(Look::cannot("pkgs must be a list")),
        _ => vec![args.str("name")?],
    };
    let mut version = place.clone();
    version.keywords.remove("env_vars");
    call(state.ctx, "pip.version", version)?;
    let by_file = args.get("requirements").is_truthy() || args.get("editable").is_truthy();
    let parsed: Result<Vec<_>, _> = pkgs.iter().map(|pkg| Requirement::parse(pkg)).collect();
    let wanted = match parsed {
        Ok(wanted) => wanted,
        Err(_) if by_file => Vec::new(),
        Err(why) => return Ok(Look::cannot(why)),
    };
    if let Some(user) = args.opt_str("user")?.filter(|user| accounts::user(user).is_none()) {
        return Ok(Look::cannot(format!("there is no user {user}")));
    }
    if by_file {
        return Ok(Look::differs("Requirements are to be installed", Map::new(), move |state| {
            process(state.ctx, install)
        }));
    }
    let there = call(state.ctx, "pip.list", place.clone())?.as_map().cloned().unwrap_or_default();
    let mut missing = Vec::new();
    for requirement in wanted {
        if !is_satisfied(state.ctx, args, &requirement, &there)? {
            missing.push(requirement);
        }
    }
    if missing.is_empty() {
        return Ok(Look::in_sync("All packages are there"));
    }
    let names: Vec<_> = missing.iter().map(|requirement| requirement.text.as_str()).collect();
    let comment = format!("To be installed: {}", names.join(", "));
    let wanted = Wanted { install, place, missing };
    Ok(Look::differs(comment, Map::new(), move |state| apply(state.ctx, wanted)))
}

/// One of `pkgs`: text, or a map of name and condition.
fn one(item: &Value) -> Option<String> {
    match item {
        Value::Map(map) => {
            map.iter().next().and_then(|(name, how)| Some(format!("{} {}", as_text(name)?, as_text(how)?)))
        }
        other => as_text(other),
    }
}

/// Arguments of `pip.install` and of the functions that only look.
fn calls(args: &Bound) -> (Args, Args) {
    let bin_env = ["bin_env", "pip_bin"].iter().map(|name| args.get(name)).find(|value| value.is_truthy());
    let bin_env = bin_env.cloned().unwrap_or_default();
    let install = passed(args, &PASSED).with("bin_env", bin_env.clone()).with("disable_version_check", true);
    let place = passed(args, &PLACE).with("bin_env", bin_env).with("env_vars", args.get("env_vars").clone());
    (install, place)
}

/// Whether what is there will do.
fn is_satisfied(ctx: &mut Ctx, args: &Bound, wanted: &Requirement, there: &Map) -> Result<bool, CallError> {
    let Some(name) = &wanted.name else { return Ok(false) };
    let same = |key: &Value| key.as_str().is_some_and(|key| normal(key) == normal(name));
    let found = there.iter().find(|(key, _)| same(key)).and_then(|(_, version)| version.as_str());
    let Some(version) = found.filter(|_| !args.bool("ignore_installed") && !args.bool("force_reinstall"))
    else {
        return Ok(false);
    };
    if !args.bool("upgrade") {
        return Ok(pep440::fulfills(version, &wanted.conditions));
    }
    let names = ["bin_env", "user", "cwd", "index_url", "extra_index_url"];
    let early = |mark: &str| wanted.conditions.iter().any(|(_, version)| version.contains(mark));
    let ask = passed(args, &names)
        .with("pkg", name.clone())
        .with("bin_env", calls(args).1.keywords.remove("bin_env"));
    let ask = ask
        .with("include_alpha", early("a"))
        .with("include_beta", early("b"))
        .with("include_rc", early("rc"));
    let offered = call(ctx, "pip.list_all_versions", ask)?;
    let offered = offered.as_list().unwrap_or_default().iter().rev().filter_map(Value::as_str);
    let best = offered.into_iter().find(|version| pep440::fulfills(version, &wanted.conditions));
    Ok(best.is_none_or(|best| pep440::compare(version, best).is_eq()))
}

/// Installs what files of requirements, or checkouts, say.
fn process(ctx: &mut Ctx, install: Args) -> Result<Applied, CallError> {
    let given = |name: &str| install.keywords.get(name).is_some_and(Value::is_truthy);
    let (file, editable) = (given("requirements"), given("editable"));
    let ran = call(ctx, "pip.install", install)?;
    if ran.get("retcode") != Some(&Value::Int(0)) {
        return Ok(failed("Requirements could not be installed", &ran));
    }
    let mut changes = Map::new();
    let tells = |line: &str| !NO_CHANGE.iter().any(|start| line.trim().starts_with(start));
    if file && text(&ran, "stdout").split('\n').any(tells) {
        changes.insert("requirements", true);
    }
    if editable {
        changes.insert("editable", true);
    }
    let comment =
        if changes.is_empty() { "Requirements were there already" } else { "Requirements were installed" };
    Ok(Applied::done(comment, changes))
}

fn failed(what: &str, ran: &Value) -> Applied {
    let why = [text(ran, "stdout"), text(ran, "stderr"), text(ran, "comment")];
    Applied::failed(format!("{what}: {}", why.join("\n").trim()), Map::new())
}

fn apply(ctx: &mut Ctx, wanted: Wanted) -> Result<Applied, CallError> {
    let pkgs: Vec<String> = wanted.missing.iter().map(|one| one.text.replace(',', ";")).collect();
    let ran = call(ctx, "pip.install", wanted.install.with("pkgs", pkgs.join(",")))?;
    if ran.get("retcode") != Some(&Value::Int(0)) {
        return Ok(failed(&format!("{} could not be installed", pkgs.join(", ")), &ran));
    }
    let untouched: BTreeSet<String> = text(&ran, "stdout").lines().filter_map(already).collect();
    let there = call(ctx, "pip.list", wanted.place)?.as_map().cloned().unwrap_or_default();
    let mut changes = Map::new();
    for requirement in &wanted.missing {
        let Some(name) = &requirement.name else {
            changes.insert(format!("{}==???", requirement.text.replace(',', ";")), "Installed");
            continue;
        };
        let same = |key: &Value| key.as_str().is_some_and(|key| normal(key) == normal(name));
        let version = there.iter().find(|(key, _)| same(key)).and_then(|(_, version)| version.as_str());
        if let Some(version) = version.filter(|_| !untouched.contains(name)) {
            changes.insert(format!("{name}=={version}"), "Installed");
        }
    }
    Ok(Applied::done("All packages are there now", changes))
}

/// The package a line of pip's says was there.
fn already(line: &str) -> Option<String> {
    let starts = ["Requirement already satisfied: ", "Requirement already up-to-date: "];
    let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
    let word = rest.split_whitespace().next()?;
    Some(normal(word.split(['=', '!', '<', '>', '~', '@']).next()?))
}
