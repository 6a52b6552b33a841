//! `pkg.*` on SUSE's kin: zypper and rpm. What all package managers can is in `packages`.

use crate::packages::version::rpm as compare;
use crate::packages::{self, Manager, Order, Packages, keyword, pairs, repos, rpm, run};
use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "zypperpkg",
    virtual_name: "pkg",
    doc: "Packages of SUSE's kin.",
    applies: |grains| grains.get_str("os_family") == Some("Suse"),
    functions: FUNCTIONS,
};

pub const ZYPPER: Manager = Manager {
    list: rpm::list,
    candidates,
    available,
    upgrades,
    refresh,
    prepare: |_, _| Ok(()),
    install,
    remove: |_, names, _| line(&["remove"], names),
    upgrade: |args, names| {
        let verb = if args.bool("dist_upgrade") { "dist-upgrade" } else { "update" };
        line(&[verb, "--auto-agree-with-licenses"], names)
    },
    unneeded: |_| Err(CallError::failed("zypper lists no packages that nothing needs")),
    autoremove: |_| None,
    compare,
    normalize: rpm::normalize,
    leaves_configuration: false,
    env: &[],
};

const FUNCTIONS: &[Function] = &[
    packages::DEL_REPO.by(|_, args| Ok(repos::remove(&folders(), &args.str("repo")?)?.into())),
    packages::FILE_LIST.by(rpm::file_list),
    packages::GET_REPO.by(|_, args| Ok(repos::get(&folders(), &args.str("repo")?).into())),
    packages::HOLD.by(|ctx, args| set_lock(ctx, args, true)),
    packages::INFO_INSTALLED.by(rpm::info_installed),
    Function {
        name: "list_locks",
        params: &[Param::Optional("root", Default::Null)],
        doc: "Locked packages.",
        example: "pkg.list_locks",
        call: |_, _| Ok(locks().into()),
    },
    packages::LIST_REPOS.by(|_, _| Ok(repos::list(&folders()).into())),
    packages::MOD_REPO.by(|_, args| Ok(repos::change(&folders(), &args.str("repo")?, args)?.into())),
    packages::OWNER.by(rpm::owner),
    packages::PARSE_ARCH.by(rpm::parse_arch),
    packages::UNHOLD.by(|ctx, args| set_lock(ctx, args, false)),
    packages::VERIFY.by(rpm::verify),
];

fn folders() -> Vec<PathBuf> {
    repos::folders(&["/etc/zypp/repos.d"])
}

fn line(words: &[&str], names: &[String]) -> Vec<String> {
    let all = ["zypper", "--non-interactive"].iter().chain(words).map(|word| (*word).to_owned());
    all.chain(names.iter().cloned()).collect()
}

/// Attributes of the tags called `tag` in zypper's XML.
fn tags(text: &str, tag: &str) -> Vec<BTreeMap<String, String>> {
    let open = format!("<{tag} ");
    let attributes = |body: &str| {
        let body = body.split('>').next().unwrap_or_default();
        let mut rest = body;
        let mut found = BTreeMap::new();
        while let Some((key, after)) = rest.split_once("=\"") {
            let Some((value, next)) = after.split_once('"') else { break };
            found.insert(
                key.trim().to_owned(),
                value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
            );
            rest = next;
        }
        found
    };
    text.split(&open).skip(1).map(attributes).collect()
}

fn available(ctx: &mut Ctx, names: &[String]) -> Result<Packages, CallError> {
    let own = ctx.grains().get_str("osarch").unwrap_or_default().to_owned();
    let argv = line(
        &["--xmlout", "--no-refresh", "search", "--match-exact", "--details", "--type", "package"],
        names,
    );
    let mut found = Packages::new();
    for solvable in tags(&run(&ZYPPER, &argv)?.text(), "solvable") {
        let of = |key: &str| solvable.get(key).cloned().unwrap_or_default();
        let versions = found.entry(rpm::with_arch(&of("name"), &of("arch"), &own)).or_default();
        if !versions.contains(&of("edition")) {
            versions.push(of("edition"));
        }
    }
    found.values_mut().for_each(|versions| versions.sort_by(|a, b| compare(b, a)));
    Ok(found)
}

fn candidates(ctx: &mut Ctx, names: &[String], _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let newest = available(ctx, names)?.into_iter();
    Ok(newest.filter_map(|(name, versions)| Some((name, versions.into_iter().next()?))).collect())
}

fn upgrades(_: &mut Ctx, _: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let text = run(&ZYPPER, &line(&["--xmlout", "list-updates"], &[]))?.text();
    let updates = tags(&text, "update").into_iter();
    Ok(updates.filter_map(|mut update| Some((update.remove("name")?, update.remove("edition")?))).collect())
}

/// By repository, whether its lists are there.
fn refresh(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let output = run(&ZYPPER, &line(&["refresh", "--force"], &[]))?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    let mut told = Map::new();
    for line in output.text().lines().filter(|line| line.starts_with("Repository ")) {
        if let Some(name) = line.split(['\'', '"']).nth(1) {
            told.insert(name, !line.contains("error"));
        }
    }
    Ok(told.into())
}

fn install(ctx: &mut Ctx, args: &Bound, order: &Order) -> Result<Vec<Vec<String>>, CallError> {
    let mut targets = order.files.clone();
    for (name, version) in &order.wanted {
        targets.push(match version {
            None => name.clone(),
            Some(version) => {
                format!("{name}={}", packages::exact(&ZYPPER, ctx, name, version, args.bool("ignore_epoch"))?)
            }
        });
    }
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = Vec::new();
    words.extend(args.bool("skip_verify").then_some("--no-gpg-checks"));
    words.extend(["install", "--auto-agree-with-licenses", "--oldpackage", "--name"]);
    words.extend(args.bool("downloadonly").then_some("--download-only"));
    words.extend(args.bool("reinstall").then_some("--force"));
    if let Some(recommends) = args.keywords().get("install_recommends") {
        words.push(if recommends.is_truthy() { "--recommends" } else { "--no-recommends" });
    }
    words.extend(keyword(args, "no_recommends").then_some("--no-recommends"));
    words.retain(|word| order.files.is_empty() || *word != "--name");
    let from = args.opt_str("fromrepo")?;
    words.extend(from.iter().flat_map(|repo| ["--from", repo.as_str()]));
    Ok(vec![line(&words, &targets)])
}

/// `/etc/zypp/locks`: stanzas of `key: value`.
fn locks() -> Map {
    parse_locks(&std::fs::read_to_string("/etc/zypp/locks").unwrap_or_default())
}

fn parse_locks(text: &str) -> Map {
    let mut found = Map::new();
    for stanza in text.split("\n\n") {
        let pairs =
            stanza.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
        let mut facts: Map = pairs.map(|(key, value)| (key.trim(), value.trim())).collect();
        if let Some(name) = facts.remove("solvable_name") {
            found.insert(name, facts);
        }
    }
    found
}

fn set_lock(ctx: &mut Ctx, args: &Bound, lock: bool) -> Result<Value, CallError> {
    let targets: Vec<String> = match args.get("pkgs") {
        Value::Map(map) => map.keys().filter_map(crate::args::as_text).collect(),
        pkgs if pkgs.is_truthy() => pairs(ctx, pkgs)?.into_iter().map(|(name, _)| name).collect(),
        _ => args.texts("name")?,
    };
    let known = locks();
    let test = ctx.opts.get("test").is_some_and(Value::is_truthy);
    let (old, new, word) = if lock { ("", "hold", "held") } else { ("hold", "", "not held") };
    let mut answers = Map::new();
    for name in targets {
        let (result, changes) = if known.contains_key(&name) == lock {
            (Value::Bool(true), Map::new())
        } else if test {
            (Value::Null, Map::new())
        } else {
            let verb = if lock { "addlock" } else { "removelock" };
            let done = run(&ZYPPER, &line(&[verb], std::slice::from_ref(&name)))?.ok();
            (done.into(), if done { Map::from([("new", new), ("old", old)]) } else { Map::new() })
        };
        let comment = format!("package {name} is {}{word}", if result.is_null() { "to be " } else { "" });
        let answer = Map::from([
            ("name", Value::from(name.as_str())),
            ("changes", changes.into()),
            ("result", result),
            ("comment", comment.into()),
        ]);
        answers.insert(name, answer);
    }
    Ok(answers.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_locks_are_read() {
        let text = "<update-list>\n<update kind=\"package\" name=\"bash\" edition=\"5.1-2\" arch=\"x86_64\">\n</update>";
        let found = tags(text, "update");
        assert_eq!(found[0]["name"], "bash");
        assert_eq!(found[0]["edition"], "5.1-2");
        let locks = parse_locks("type: package\nmatch_type: glob\nsolvable_name: vim\n\n");
        assert_eq!(locks.get("vim").unwrap().get("type"), Some(&"package".into()));
    }
}
