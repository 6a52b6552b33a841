//! What apt does: candidates, upgrades, and the command lines that install and remove.

use super::dpkg;
use crate::packages::version::debian;
use crate::packages::{Manager, Order, exact, is_true, keyword, keyword_text, run};
use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub const APT: Manager = Manager {
    list: dpkg::list,
    candidates,
    prepare: super::keys::preseed,
    available: dpkg::available,
    upgrades,
    refresh,
    install,
    remove: |_, names, purge| {
        let mut argv = words(&["apt-get", "-q", "-y", if purge { "purge" } else { "remove" }]);
        argv.extend(names.iter().cloned());
        argv
    },
    upgrade,
    unneeded,
    autoremove: |args| {
        let mut argv = words(&["apt-get", "--assume-yes"]);
        argv.extend(args.bool("purge").then(|| "--purge".to_owned()));
        argv.push("autoremove".to_owned());
        Some(argv)
    },
    compare: debian,
    normalize,
    leaves_configuration: true,
    env: &[
        ("APT_LISTBUGS_FRONTEND", "none"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ],
};

/// How long another apt may hold the lock.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// `bash:amd64` is `bash` on amd64.
pub fn normalize(ctx: &mut Ctx, name: &str) -> String {
    let own = ctx.grains().get_str("osarch").unwrap_or_default();
    match name.rsplit_once(':') {
        Some((bare, arch)) if [own, "all", "any"].contains(&arch) => bare.to_owned(),
        _ => name.to_owned(),
    }
}

fn candidates(_: &mut Ctx, names: &[String], args: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let mut argv = words(&["apt-cache", "-q", "policy"]);
    argv.extend(names.iter().cloned());
    if let Some(release) = keyword_text(args, "fromrepo") {
        argv.extend(["-o".to_owned(), format!("APT::Default-Release={release}")]);
    }
    let found = policy(&tools::run(&argv)?.text());
    let by_name = |name: &String| {
        let foreign = format!("{name}:");
        let version = found
            .get(name)
            .or_else(|| found.iter().find(|(key, _)| key.starts_with(&foreign)).map(|(_, v)| v));
        Some((name.clone(), version?.clone()))
    };
    Ok(names.iter().filter_map(by_name).collect())
}

/// Reads the candidates of `apt-cache policy`.
fn policy(text: &str) -> BTreeMap<String, String> {
    let (mut found, mut name) = (BTreeMap::new(), "");
    for line in text.lines() {
        if let Some(package) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            name = package;
        } else if let Some(version) = line.trim().strip_prefix("Candidate:") {
            let version = version.trim();
            if version != "(none)" {
                found.insert(name.to_owned(), version.to_owned());
            }
        }
    }
    found
}

fn upgrades(ctx: &mut Ctx, args: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let dist = args.get("dist_upgrade").is_truthy();
    let mut argv = words(&["apt-get", "--just-print", if dist { "dist-upgrade" } else { "upgrade" }]);
    if let Some(release) = keyword_text(args, "fromrepo") {
        argv.extend(["-o".to_owned(), format!("APT::Default-Release={release}")]);
    }
    let output = run(&APT, &argv)?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    let text = output.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("Conf ")?.split_once(" ("));
    let version = |rest: &str| rest.split(' ').next().unwrap_or_default().to_owned();
    let found = lines.map(|(name, rest)| (name.to_owned(), version(rest)));
    Ok(found.map(|(name, version)| (normalize(ctx, &name), version)).collect())
}

/// `pkg.refresh_db`: by repository, whether its list is new (true), as it was (null) or not to be had (false).
fn refresh(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let named =
        |key: &str| Some(args.get(key)).filter(|value| !value.is_null()).or_else(|| args.keywords().get(key));
    let valid =
        named("cache_valid_time").and_then(Value::as_i64).and_then(|seconds| u64::try_from(seconds).ok());
    if valid.is_some_and(is_fresh) {
        return Ok(Map::new().into());
    }
    let output = run(&APT, &words(&["apt-get", "-q", "update"]))?;
    if !output.ok() {
        return Err(CallError::failed(tools::complaint(&output)));
    }
    let told = lists_told(&output.text());
    let failed: Vec<&str> = told
        .iter()
        .filter(|(_, is)| **is == Value::Bool(false))
        .filter_map(|(name, _)| name.as_str())
        .collect();
    if !failed.is_empty() && named("failhard").is_some_and(is_true) {
        return Err(CallError::failed(format!("repositories that cannot be read: {}", failed.join(", "))));
    }
    Ok(told.into())
}

fn is_fresh(seconds: u64) -> bool {
    let changed = std::fs::metadata("/var/lib/apt/lists").and_then(|meta| meta.modified());
    let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    seconds > 0 && age.is_some_and(|age| age < Duration::from_secs(seconds))
}

fn lists_told(text: &str) -> Map {
    let mut told = Map::new();
    for line in text.lines() {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        let name = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        let bare =
            name.rsplit_once(" [").filter(|(_, size)| size.ends_with("B]")).map(|(name, _)| name.to_owned());
        match word.split(':').next() {
            Some("Get") => drop(told.insert(bare.unwrap_or(name), true)),
            Some("Hit") => drop(told.insert(name, Value::Null)),
            Some("Ign" | "Err") => drop(told.insert(name, false)),
            _ => {}
        }
    }
    told
}

/// Options of `apt-get` common to installing and upgrading.
fn options(args: &Bound) -> Vec<String> {
    let mut argv = words(&["apt-get", "-q", "-y", "-o", LOCK_TIMEOUT]);
    let conf: &[&str] = if keyword(args, "force_conf_new") {
        &["--force-confnew"]
    } else {
        &["--force-confold", "--force-confdef"]
    };
    argv.extend(conf.iter().flat_map(|option| ["-o".to_owned(), format!("DPkg::Options::={option}")]));
    argv.extend(keyword(args, "force_yes").then(|| "--force-yes".to_owned()));
    argv
}

fn install(ctx: &mut Ctx, args: &Bound, order: &Order) -> Result<Vec<Vec<String>>, CallError> {
    let mut prefix = options(args);
    if let Some(recommends) = args.keywords().get("install_recommends") {
        let option = if recommends.is_truthy() { "--install-recommends" } else { "--no-install-recommends" };
        prefix.push(option.to_owned());
    }
    let flags = [
        (keyword(args, "only_upgrade"), "--only-upgrade"),
        (args.bool("skip_verify"), "--allow-unauthenticated"),
        (args.bool("downloadonly"), "--download-only"),
        (args.bool("reinstall"), "--reinstall"),
    ];
    prefix.extend(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| (*flag).to_owned()));
    let release = args.opt_str("fromrepo")?.or_else(|| keyword_text(args, "repo"));
    if let Some(release) = release.filter(|_| order.files.is_empty()) {
        prefix.extend(["-t".to_owned(), release]);
    }
    let mut targets = order.files.clone();
    let mut lowers = false;
    let installed = dpkg::list(ctx)?.installed;
    for (name, version) in &order.wanted {
        let Some(version) = version else {
            targets.push(name.clone());
            continue;
        };
        let version = exact(&APT, ctx, name, version, args.bool("ignore_epoch"))?;
        let current = installed.get(name).and_then(|versions| versions.last());
        lowers |= current.is_some_and(|current| debian(&version, current).is_lt());
        targets.push(format!("{name}={version}"));
    }
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    // A held package that is asked for by name is changed all the same, and is held again afterwards.
    let held = dpkg::held()?;
    let held: Vec<&String> =
        order.wanted.iter().map(|(name, _)| name).filter(|name| held.contains(name)).collect();
    prefix.extend((!held.is_empty()).then(|| "--allow-change-held-packages".to_owned()));
    prefix.extend(lowers.then(|| "--allow-downgrades".to_owned()));
    prefix.push("install".to_owned());
    prefix.extend(targets);
    let mut lines = vec![prefix];
    if !held.is_empty() {
        lines.push(
            ["apt-mark", "hold"]
                .into_iter()
                .chain(held.into_iter().map(String::as_str))
                .map(str::to_owned)
                .collect(),
        );
    }
    Ok(lines)
}

fn upgrade(args: &Bound, names: &[String]) -> Vec<String> {
    let mut argv = options(args);
    let flags = [
        (keyword(args, "skip_verify"), "--allow-unauthenticated"),
        (keyword(args, "download_only") || keyword(args, "downloadonly"), "--download-only"),
        (keyword(args, "allow_downgrades"), "--allow-downgrades"),
    ];
    argv.extend(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| (*flag).to_owned()));
    if names.is_empty() {
        argv.push(if args.bool("dist_upgrade") { "dist-upgrade" } else { "upgrade" }.to_owned());
    } else {
        argv.extend(words(&["--only-upgrade", "install"]));
        argv.extend(names.iter().cloned());
    }
    argv
}

/// Names of packages that nothing needs.
fn unneeded(args: &Bound) -> Result<Vec<String>, CallError> {
    let mut argv = words(&["apt-get", "--assume-no"]);
    argv.extend(args.bool("purge").then(|| "--purge".to_owned()));
    argv.push("autoremove".to_owned());
    let text = run(&APT, &argv)?.text();
    let mut lines =
        text.lines().skip_while(|line| !line.contains("The following packages will be REMOVED:")).skip(1);
    let listed = lines.by_ref().take_while(|line| line.starts_with(' '));
    let mut names: Vec<String> = listed.flat_map(str::split_whitespace).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// `pkg.show`: what apt's lists say of packages, by name and version.
pub fn show(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if keyword(args, "refresh") {
        refresh(ctx, args)?;
    }
    let names = crate::packages::names(args);
    let mut found = Map::new();
    if names.is_empty() {
        return Ok(found.into());
    }
    let wanted: Option<Vec<String>> = match args.keywords().get("filter") {
        Some(Value::List(items)) => Some(items.iter().filter_map(crate::args::as_text).collect()),
        Some(Value::Str(text)) => Some(text.split(',').map(|key| key.trim().to_owned()).collect()),
        _ => None,
    };
    let shows = |key: &str| {
        wanted.as_ref().is_none_or(|keys| keys.iter().any(|wanted| wanted.eq_ignore_ascii_case(key)))
    };
    let mut argv = words(&["apt-cache", "show"]);
    argv.extend(names);
    for stanza in tools::run(&argv)?.text().split("\n\n") {
        let mut facts: Map = stanza
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let (name, version) = (facts.remove("Package"), facts.remove("Version"));
        let (Some(name), Some(version)) = (name, version) else { continue };
        let facts: Map = facts.into_iter().filter(|(key, _)| key.as_str().is_some_and(shows)).collect();
        if let Some(versions) = found.entry_or(name, || Map::new().into()).as_map_mut() {
            versions.insert(version, facts);
        }
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_read_from_the_policy() {
        let text = "bash:\n  Installed: 5.2-1\n  Candidate: 5.2-2\n  Version table:\n     5.2-2 500\nno:\n  Installed: (none)\n  Candidate: (none)\n";
        assert_eq!(policy(text), BTreeMap::from([("bash".to_owned(), "5.2-2".to_owned())]));
    }

    #[test]
    fn an_update_tells_of_each_list() {
        let text = "Get:1 file:/repo ./ InRelease [1,204 B]\nHit:2 http://deb x\nIgn:3 http://y z\nReading package lists...\n";
        let told = lists_told(text);
        assert_eq!(told.get("file:/repo ./ InRelease"), Some(&true.into()));
        assert_eq!(told.get("http://deb x"), Some(&Value::Null));
        assert_eq!((told.get("http://y z"), told.len()), (Some(&false.into()), 3));
    }
}
