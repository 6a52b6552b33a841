//! `pkg.*` on Alpine: apk. What all package managers can is in `packages`.

use crate::packages::version::apk as compare;
use crate::packages::{self, Lists, Manager, Order, Packages, names, one_or_all, run};
use crate::registry::{CallError, Function, Module};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;

pub const MODULE: Module = Module {
    file: "apkpkg",
    virtual_name: "pkg",
    doc: "Packages of Alpine.",
    applies: |grains| grains.get_str("os_family") == Some("Alpine"),
    functions: FUNCTIONS,
};

pub const APK: Manager = Manager {
    list,
    candidates,
    available,
    upgrades,
    refresh,
    prepare: |_, _| Ok(()),
    install,
    remove: |_, names, purge| line(if purge { &["del", "--purge"] } else { &["del"] }, names),
    upgrade: |_, names| line(&["upgrade"], names),
    unneeded: |_| Err(CallError::failed("apk keeps no packages that nothing needs")),
    autoremove: |_| None,
    compare,
    normalize: |_, name| name.to_owned(),
    leaves_configuration: false,
    env: &[],
};

const DATABASES: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

const FUNCTIONS: &[Function] = &[packages::FILE_LIST.by(file_list), packages::OWNER.by(owner)];

fn line(words: &[&str], names: &[String]) -> Vec<String> {
    let all = std::iter::once(&"apk").chain(words).map(|word| (*word).to_owned());
    all.chain(names.iter().cloned()).collect()
}

/// Read from apk's own database, which takes no process.
fn list(_: &mut Ctx) -> Result<Lists, CallError> {
    let text = DATABASES.iter().find_map(|path| std::fs::read(path).ok());
    let text = text.ok_or_else(|| CallError::failed("apk has no database on this host"))?;
    Ok(Lists { installed: parse(&String::from_utf8_lossy(&text)), ..Lists::default() })
}

/// Stanzas with `P:name` and `V:version`.
fn parse(text: &str) -> Packages {
    let mut found = Packages::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(package) = line.strip_prefix("P:") {
            name = package;
        } else if let Some(version) = line.strip_prefix("V:") {
            found.entry(name.to_owned()).or_default().push(version.to_owned());
        }
    }
    found
}

/// `name-1.2-r3` is a name and a version.
fn split(package: &str) -> Option<(&str, &str)> {
    let mut dashes = package.rmatch_indices('-').map(|(at, _)| at);
    let at = dashes.find(|at| package[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?;
    Some((&package[..at], &package[at + 1..]))
}

/// Reads `apk policy`: a head for each package, a line for each version, newest last.
fn policy(text: &str) -> Packages {
    let mut found = Packages::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(package) = line.strip_suffix(" policy:") {
            package.clone_into(&mut name);
        } else if let Some(version) =
            line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')).filter(|l| !l.starts_with(' '))
        {
            found.entry(name.clone()).or_default().push(version.to_owned());
        }
    }
    found.values_mut().for_each(|versions| versions.sort_by(|a, b| compare(b, a)));
    found
}

fn available(_: &mut Ctx, names: &[String]) -> Result<Packages, CallError> {
    Ok(policy(&run(&APK, &line(&["policy"], names))?.text()))
}

fn candidates(ctx: &mut Ctx, names: &[String], _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let newest = available(ctx, names)?.into_iter();
    Ok(newest.filter_map(|(name, versions)| Some((name, versions.into_iter().next()?))).collect())
}

/// `(1/2) Upgrading busybox (1.35.0-r17 -> 1.35.0-r18)`.
fn simulated(text: &str) -> BTreeMap<String, String> {
    let rows = text.lines().filter_map(|line| line.split_once(" Upgrading ")?.1.split_once(" ("));
    let new = |rest: &str| rest.split_once("-> ").map(|(_, new)| new.trim_end_matches(')').to_owned());
    rows.filter_map(|(name, rest)| Some((name.to_owned(), new(rest)?))).collect()
}

fn upgrades(_: &mut Ctx, _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    Ok(simulated(&run(&APK, &line(&["upgrade", "-s"], &[]))?.text()))
}

fn refresh(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let output = run(&APK, &line(&["update"], &[]))?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    let mut told = Map::new();
    for line in output.text().lines() {
        match line.split_once(' ') {
            Some(("fetch", address)) => drop(told.insert(address.trim(), true)),
            Some(("ERROR:", rest)) => drop(told.insert(rest.split(':').next().unwrap_or(rest).trim(), false)),
            _ => {}
        }
    }
    Ok(told.into())
}

fn install(ctx: &mut Ctx, args: &Bound, order: &Order) -> Result<Vec<Vec<String>>, CallError> {
    let mut targets = order.files.clone();
    for (name, version) in &order.wanted {
        targets.push(match version {
            None => name.clone(),
            Some(version) => format!("{name}={}", packages::exact(&APK, ctx, name, version, false)?),
        });
    }
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = vec!["add"];
    words.extend((args.bool("skip_verify") || !order.files.is_empty()).then_some("--allow-untrusted"));
    words.extend(args.bool("downloadonly").then_some("--simulate"));
    let from = args.opt_str("fromrepo")?;
    words.extend(from.iter().flat_map(|repo| ["--repository", repo.as_str()]));
    let mut lines = vec![line(&words, &targets)];
    if args.bool("reinstall") {
        let names: Vec<String> = order.wanted.iter().map(|(name, _)| name.clone()).collect();
        lines = vec![line(&["fix", "--reinstall"], &names)];
    }
    Ok(lines)
}

fn file_list(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names(args) {
        let output = tools::run(&["apk", "info", "-L", &name])?;
        if output.ok() {
            let text = output.text();
            let paths = text.lines().filter(|line| !line.is_empty() && !line.ends_with("contains:"));
            files.extend(paths.map(|path| format!("/{}", path.trim_start_matches('/'))));
        } else {
            errors.push(tools::complaint(&output));
        }
    }
    Ok(Map::from([("errors", errors), ("files", files)]).into())
}

fn owner(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut answers = Vec::new();
    for path in args.rest().iter().filter_map(crate::args::as_text) {
        let output = tools::run(&["apk", "info", "-W", &path])?;
        let text = output.text();
        let package = text.split_whitespace().last().filter(|_| output.ok()).unwrap_or_default();
        answers.push((path, split(package).map_or(package, |(name, _)| name).into()));
    }
    Ok(one_or_all(answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apk_says_is_read() {
        assert_eq!(parse("C:Q1x\nP:musl\nV:1.2.3-r4\n\nP:zlib\nV:1.2-r0\n")["musl"], ["1.2.3-r4"]);
        let text = "busybox policy:\n  1.35.0-r9:\n    lib/apk/db/installed\n  1.35.0-r17:\n    http://x\n";
        assert_eq!(policy(text)["busybox"], ["1.35.0-r17", "1.35.0-r9"]);
        assert_eq!(simulated("(1/1) Upgrading musl (1.2.3-r4 -> 1.2.3-r5)\nOK: 5 MiB")["musl"], "1.2.3-r5");
        assert_eq!(split("py3-six-1.16.0-r1"), Some(("py3-six", "1.16.0-r1")));
    }
}
