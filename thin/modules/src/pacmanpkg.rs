//! `pkg.*` on Arch: pacman. What all package managers can is in `packages`.

use crate::packages::version::rpm as compare;
use crate::packages::{self, Lists, Manager, Order, Packages, keyword, names, one_or_all, run};
use crate::registry::{CallError, Function, Module};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;

pub const MODULE: Module = Module {
    file: "pacmanpkg",
    virtual_name: "pkg",
    doc: "Packages of Arch.",
    applies: |grains| grains.get_str("os_family") == Some("Arch"),
    functions: FUNCTIONS,
};

pub const PACMAN: Manager = Manager {
    list,
    candidates,
    available,
    upgrades,
    refresh,
    prepare: |_, _| Ok(()),
    install,
    remove: |_, names, purge| {
        line(&[if purge { "-Rsc" } else { "-R" }, "--noprogressbar", "--noconfirm"], names)
    },
    upgrade: |_, names| {
        line(&[if names.is_empty() { "-Su" } else { "-S" }, "--noprogressbar", "--noconfirm"], names)
    },
    unneeded: |_| Ok(tools::run(&["pacman", "-Qdtq"])?.text().lines().map(str::to_owned).collect()),
    autoremove: |_| {
        let names = tools::run(&["pacman", "-Qdtq"]).map(|output| output.text()).unwrap_or_default();
        let names: Vec<String> = names.lines().map(str::to_owned).collect();
        Some(if names.is_empty() { line(&["-Q"], &[]) } else { line(&["-Rs", "--noconfirm"], &names) })
    },
    compare,
    normalize: |_, name| name.to_owned(),
    leaves_configuration: false,
    env: &[],
};

const FUNCTIONS: &[Function] = &[
    packages::FILE_LIST.by(file_list),
    packages::GROUP_DIFF.by(group_diff),
    packages::GROUP_INFO.by(|_, args| {
        let name = args.str("name")?;
        Ok(Map::from([("group", Value::from(name.as_str())), ("default", members(&name)?.into())]).into())
    }),
    packages::OWNER.by(owner),
];

fn line(words: &[&str], names: &[String]) -> Vec<String> {
    let all = std::iter::once(&"pacman").chain(words).map(|word| (*word).to_owned());
    all.chain(names.iter().cloned()).collect()
}

/// Read from the names of pacman's own database, `NAME-VERSION-RELEASE`, which takes no process.
fn list(_: &mut Ctx) -> Result<Lists, CallError> {
    let entries = std::fs::read_dir("/var/lib/pacman/local")
        .map_err(|error| CallError::failed(format!("pacman's database cannot be read: {error}")))?;
    let mut installed = Packages::new();
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        if let Some((name, version)) = split(&entry.file_name().to_string_lossy()) {
            installed.entry(name).or_default().push(version);
        }
    }
    Ok(Lists { installed, ..Lists::default() })
}

fn split(entry: &str) -> Option<(String, String)> {
    let mut parts = entry.rsplitn(3, '-');
    let (release, version, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some((name.to_owned(), format!("{version}-{release}")))
}

/// Rows of `name version`.
fn rows(text: &str) -> BTreeMap<String, String> {
    let rows = text.lines().map(str::split_whitespace);
    rows.filter_map(|mut row| Some((row.next()?.to_owned(), row.next()?.to_owned()))).collect()
}

fn candidates(_: &mut Ctx, names: &[String], _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let mut found = BTreeMap::new();
    // One name that is not to be had would hide all others.
    for name in names {
        let argv = line(&["-Sddp", "--print-format", "%n %v"], std::slice::from_ref(name));
        let output = run(&PACMAN, &argv)?;
        if output.ok() {
            found.extend(rows(&output.text()).into_iter().filter(|(known, _)| known == name));
        }
    }
    Ok(found)
}

/// `repository name version [installed]`: a repository has one version of each.
fn available(_: &mut Ctx, names: &[String]) -> Result<Packages, CallError> {
    let text = run(&PACMAN, &line(&["-Sl"], &[]))?.text();
    let mut found = Packages::new();
    for row in text.lines().map(|row| row.split_whitespace().collect::<Vec<_>>()) {
        if let [_, name, version, ..] = row.as_slice()
            && (names.is_empty() || names.iter().any(|wanted| wanted == name))
        {
            found.entry((*name).to_owned()).or_default().push((*version).to_owned());
        }
    }
    Ok(found)
}

fn upgrades(_: &mut Ctx, _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    Ok(rows(&run(&PACMAN, &line(&["-S", "-p", "-u", "--print-format", "%n %v"], &[]))?.text()))
}

fn refresh(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let output = run(&PACMAN, &line(&["-Sy"], &[]))?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    let mut told = Map::new();
    for line in
        output.text().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("::"))
    {
        let name = line.split_whitespace().next().unwrap_or_default();
        told.insert(name, !line.contains("is up to date"));
    }
    Ok(told.into())
}

fn install(ctx: &mut Ctx, args: &Bound, order: &Order) -> Result<Vec<Vec<String>>, CallError> {
    let quiet = ["--noprogressbar", "--noconfirm"];
    if !order.files.is_empty() {
        return Ok(vec![line(&["-U", quiet[0], quiet[1]], &order.files)]);
    }
    let mut targets = Vec::new();
    for (name, version) in &order.wanted {
        if let Some(wanted) = version {
            has_version(ctx, name, wanted)?;
        }
        let from = args.opt_str("fromrepo")?.map(|repo| format!("{repo}/")).unwrap_or_default();
        targets.push(format!("{from}{name}"));
    }
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = vec![if keyword(args, "sysupgrade") { "-Su" } else { "-S" }, quiet[0], quiet[1]];
    words.extend((!args.bool("reinstall")).then_some("--needed"));
    words.extend(args.bool("downloadonly").then_some("-w"));
    Ok(vec![line(&words, &targets)])
}

/// A repository has one version; another cannot be asked for.
fn has_version(ctx: &mut Ctx, name: &str, wanted: &str) -> Result<(), CallError> {
    let (sign, version) = crate::packages::version::condition(wanted);
    let known = available(ctx, &[name.to_owned()])?.remove(name).unwrap_or_default();
    let fits = |candidate: &String| crate::packages::version::holds(candidate, sign, version, compare, false);
    if known.iter().any(fits) {
        return Ok(());
    }
    Err(CallError::failed(format!("no version of {name} is {wanted} (available: {})", known.join(", "))))
}

fn file_list(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names(args) {
        let output = tools::run(&["pacman", "-Qlq", &name])?;
        if output.ok() {
            files.extend(output.text().lines().map(str::to_owned))
        } else {
            errors.push(tools::complaint(&output))
        }
    }
    Ok(Map::from([("errors", errors), ("files", files)]).into())
}

fn owner(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut answers = Vec::new();
    for path in args.rest().iter().filter_map(crate::args::as_text) {
        let output = tools::run(&["pacman", "-Qqo", &path])?;
        answers
            .push((path, if output.ok() { output.text().trim().to_owned() } else { String::new() }.into()));
    }
    Ok(one_or_all(answers))
}

fn members(group: &str) -> Result<Vec<String>, CallError> {
    let text = tools::text(&["pacman", "-Sgg", group])?;
    Ok(text.lines().filter_map(|row| row.split_whitespace().nth(1)).map(str::to_owned).collect())
}

/// pacman's groups have one kind of members; they are those a group usually has.
fn group_diff(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let installed = list(ctx)?.installed;
    let (there, missing): (Vec<String>, Vec<String>) =
        members(&args.str("name")?)?.into_iter().partition(|name| installed.contains_key(name));
    let part = |there: Vec<String>, missing: Vec<String>| {
        Map::from([("installed", there), ("not installed", missing)])
    };
    let none = || part(Vec::new(), Vec::new());
    let default = part(there, missing);
    Ok(Map::from([
        ("mandatory", none()),
        ("optional", none()),
        ("default", default),
        ("conditional", none()),
    ])
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_database_are_names_and_versions() {
        assert_eq!(split("gcc-libs-12.2.0-1"), Some(("gcc-libs".to_owned(), "12.2.0-1".to_owned())));
        assert_eq!(split("ALPM_DB_VERSION"), None);
        assert_eq!(rows("bash 5.2-1\nzsh 5.9-1\n")["zsh"], "5.9-1");
    }
}
