//! `pkg.installed`: what is missing is installed.

use super::wanted::{Wanted, as_pkgs, fulfils, normal, packages, words};
use super::{changed, has, hold, listed, note_fresh, passed_on, versions, wants_refresh};
use crate::{Applied, Look, StateCtx};
use halite_modules::packages::pairs;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

/// What is to be done.
struct Targets {
    /// All packages of the state.
    desired: Wanted,
    install: Wanted,
    reinstall: Wanted,
    /// Marked to be purged though they are wanted.
    unpurge: Vec<String>,
    from_files: bool,
}

impl Targets {
    fn is_empty(&self) -> bool {
        self.install.is_empty() && self.reinstall.is_empty() && self.unpurge.is_empty()
    }

    fn names(list: &Wanted) -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).collect()
    }
}

pub fn installed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if args.get("pkgs").as_list().is_some_and(<[Value]>::is_empty) {
        return Ok(Look::in_sync("no packages are named"));
    }
    if args.get("pkgs").is_truthy() && args.get("sources").is_truthy() {
        return Ok(Look::cannot("only one of pkgs and sources can be used"));
    }
    if args.get("pkg_verify").is_truthy() && !has(state.ctx, "pkg.verify") {
        return Ok(Look::cannot("this package manager cannot verify installed files"));
    }
    let targets = find(state, args)?;
    let held = args.keywords().get("hold").map(Value::is_truthy);
    if targets.is_empty() {
        let names = Targets::names(&targets.desired);
        let comment = format!("installed already: {}", words(&targets.desired, &names));
        return match held.filter(|_| has(state.ctx, "pkg.hold")) {
            None => Ok(Look::in_sync(comment)),
            Some(hold) => hold::also(state, names, hold, comment),
        };
    }
    let args = args.clone();
    let refresh = wants_refresh(state, &args);
    let (comment, changes) =
        if state.test { planned(state.ctx, &targets)? } else { (String::new(), Map::new()) };
    Ok(Look::differs(comment, changes, move |state| install(state, &args, targets, refresh)))
}

fn find(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Targets, CallError> {
    let ctx = &mut *state.ctx;
    let from_files = args.get("sources").is_truthy();
    let mut desired = if from_files { sources(ctx, args)? } else { packages(ctx, args, false)? };
    let installed = listed(ctx, false)?;
    latest_words(ctx, args, &installed, &mut desired)?;
    let purging = Args::default().with("versions_as_list", true).with("purge_desired", true);
    let purging = call(ctx, "pkg.list_pkgs", purging)?;
    let unpurge = desired
        .iter()
        .filter(|(name, _)| purging.get(name).is_some())
        .map(|(name, _)| name.clone())
        .collect();
    let mut targets =
        Targets { desired: Vec::new(), install: Vec::new(), reinstall: Vec::new(), unpurge, from_files };
    for (name, version) in &desired {
        let mut current = versions(&installed, name);
        if current.is_empty() && has(ctx, "pkg.normalize_name") {
            current = versions(&installed, &normal(ctx, name)?);
        }
        let entry = (name.clone(), version.clone());
        if current.is_empty() {
            targets.install.push(entry);
        } else if args.bool("reinstall") {
            targets.reinstall.push(entry);
        } else if !is_right(ctx, args, &current, version.as_deref(), from_files)? {
            targets.install.push(entry);
        }
    }
    targets.desired = desired;
    Ok(targets)
}

fn sources(ctx: &mut Ctx, args: &Bound) -> Result<Wanted, CallError> {
    let mut wanted = pairs(ctx, args.get("sources"))?;
    if args.bool("normalize") && has(ctx, "pkg.normalize_name") {
        for (name, _) in &mut wanted {
            *name = normal(ctx, name)?;
        }
    }
    Ok(wanted)
}

/// `latest` as a version is the newest there is, else the one that is installed.
fn latest_words(ctx: &mut Ctx, args: &Bound, installed: &Map, desired: &mut Wanted) -> Result<(), CallError> {
    for (name, version) in desired.iter_mut().filter(|(_, version)| version.as_deref() == Some("latest")) {
        let refresh = args.bool("refresh");
        let newest = call(ctx, "pkg.latest_version", Args::of([name.as_str()]).with("refresh", refresh))?;
        let newest = newest.as_str().filter(|newest| !newest.is_empty()).map(str::to_owned);
        *version = newest.or_else(|| versions(installed, name).pop());
    }
    Ok(())
}

fn is_right(
    ctx: &mut Ctx,
    args: &Bound,
    current: &[String],
    version: Option<&str>,
    from_files: bool,
) -> Result<bool, CallError> {
    let Some(version) = version else { return Ok(true) };
    let ignore_epoch = args.get("ignore_epoch").as_bool();
    if !from_files {
        return fulfils(ctx, current, version, ignore_epoch, args.bool("allow_updates"));
    }
    if !has(ctx, "lowpkg.bin_pkg_info") {
        return Ok(true);
    }
    let path = if version.contains("://") {
        call(ctx, "cp.cache_file", Args::of([version]))?.as_str().unwrap_or_default().to_owned()
    } else {
        version.to_owned()
    };
    let info = call(ctx, "lowpkg.bin_pkg_info", Args::of([path]))?;
    match info.get("version").and_then(Value::as_str) {
        Some(version) => fulfils(ctx, current, version, ignore_epoch, args.bool("allow_updates")),
        None => Ok(true),
    }
}

/// What `test=True` shows.
fn planned(ctx: &mut Ctx, targets: &Targets) -> Result<(String, Map), CallError> {
    let mut changes = Map::new();
    let plain = || Map::from([("new", "installed"), ("old", "")]);
    for (name, new) in newest(ctx, targets)? {
        changes.insert(name, Map::from([("new", new), ("old", String::new())]));
    }
    for name in &targets.unpurge {
        changes.insert(name.as_str(), plain());
    }
    for (name, _) in &targets.reinstall {
        let shown = if targets.from_files {
            name.clone()
        } else {
            words(&targets.reinstall, std::slice::from_ref(name))
        };
        changes.insert(shown, plain());
    }
    let kinds = [
        ("installed or updated", Targets::names(&targets.install)),
        ("kept from being purged", targets.unpurge.clone()),
        ("installed again", Targets::names(&targets.reinstall)),
    ];
    let some = kinds.iter().filter(|(_, names)| !names.is_empty());
    let comment = some
        .map(|(what, names)| format!("to be {what}: {}", names.join(", ")))
        .collect::<Vec<_>>()
        .join("\n");
    Ok((comment, changes))
}

/// The version each target would come in; `installed` where it cannot be told.
fn newest(ctx: &mut Ctx, targets: &Targets) -> Result<Vec<(String, String)>, CallError> {
    let unknown = "installed".to_owned();
    if targets.from_files {
        return Ok(targets.install.iter().map(|(name, _)| (name.clone(), unknown.clone())).collect());
    }
    let any: Vec<&str> = targets
        .install
        .iter()
        .filter(|(_, version)| version.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let told =
        if any.is_empty() { Value::Null } else { call(ctx, "pkg.latest_version", Args::of(any.clone()))? };
    let version = |name: &str| match &told {
        Value::Str(version) => version.clone(),
        Value::Map(versions) => versions.get_str(name).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let mut found = Vec::new();
    for (name, wanted) in &targets.install {
        let new = match wanted {
            None => version(name),
            Some(wanted) => offered(ctx, name, wanted)?,
        };
        found.push((name.clone(), if new.is_empty() { unknown.clone() } else { new }));
    }
    Ok(found)
}

/// The version itself where a repository has it; conditions are not resolved here.
fn offered(ctx: &mut Ctx, name: &str, wanted: &str) -> Result<String, CallError> {
    if wanted.starts_with(['<', '>', '=', '!']) || !has(ctx, "pkg.list_repo_pkgs") {
        return Ok(String::new());
    }
    let told = call(ctx, "pkg.list_repo_pkgs", Args::of([format!("{name}={wanted}")]))?;
    let first = told.get(name).and_then(Value::as_list).and_then(<[Value]>::first);
    Ok(first.and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn install(
    state: &mut StateCtx<'_, '_>,
    args: &Bound,
    targets: Targets,
    refresh: bool,
) -> Result<Applied, CallError> {
    let before = listed(state.ctx, false)?;
    let mut comments = Vec::new();
    let mut changes = Map::new();
    if !targets.install.is_empty() || !targets.reinstall.is_empty() {
        match call(state.ctx, "pkg.install", order(args, &targets, refresh)) {
            Ok(told) => changes = told.as_map().cloned().unwrap_or_default(),
            Err(error) => {
                let changes = changed(&before, &listed(state.ctx, false)?);
                return Ok(Applied::failed(format!("packages cannot be installed: {error}"), changes));
            }
        }
        if refresh {
            note_fresh(state.kept);
        }
    }
    if !targets.unpurge.is_empty() {
        let selection = Map::from([("install", targets.unpurge.clone())]);
        let told = call(state.ctx, "pkg.set_selections", Args::default().with("selection", selection))?;
        changes.insert("purge_desired", told);
    }
    let failed = failures(state.ctx, args, &targets, &changes)?;
    let mut result = failed.is_empty();
    if result {
        let names = Targets::names(&targets.install);
        comments.push(format!("installed or updated: {}", words(&targets.desired, &names)));
    } else {
        comments.push(format!("not installed or updated: {}", words(&targets.desired, &failed)));
    }
    if let Some(hold) =
        args.keywords().get("hold").map(Value::is_truthy).filter(|_| has(state.ctx, "pkg.hold"))
    {
        result &=
            hold::after(state.ctx, &Targets::names(&targets.desired), hold, &mut changes, &mut comments)?;
    }
    Ok(Applied { result: Some(result), ..Applied::done(comments.join("\n"), changes) })
}

fn order(args: &Bound, targets: &Targets, refresh: bool) -> Args {
    let mut order = Args::default();
    for (key, value) in passed_on(args) {
        order = order.with(key.as_str().unwrap_or_default(), value.clone());
    }
    for key in ["fromrepo", "skip_verify", "normalize", "update_holds"] {
        order = order.with(key, args.get(key).clone());
    }
    let both: Wanted = targets.install.iter().chain(&targets.reinstall).cloned().collect();
    let order = order.with(if targets.from_files { "sources" } else { "pkgs" }, as_pkgs(&both));
    order
        .with("ignore_epoch", args.get("ignore_epoch").is_truthy())
        .with("refresh", refresh)
        .with("reinstall", !targets.reinstall.is_empty())
        .with("split_arch", false)
}

/// Targets that are not as wanted after all.
fn failures(ctx: &mut Ctx, args: &Bound, targets: &Targets, changes: &Map) -> Result<Vec<String>, CallError> {
    let mut failed = Vec::new();
    if targets.from_files {
        let missing = targets.install.iter().filter(|(name, _)| !changes.contains_key(name));
        return Ok(missing.map(|(name, _)| name.clone()).collect());
    }
    let now = listed(ctx, false)?;
    for (name, version) in &targets.install {
        let mut current = versions(&now, name);
        if current.is_empty() && has(ctx, "pkg.normalize_name") {
            current = versions(&now, &normal(ctx, name)?);
        }
        let ignore = args.get("ignore_epoch").as_bool();
        let right = match version.as_deref() {
            _ if current.is_empty() => false,
            None | Some("latest") => true,
            Some(version) => fulfils(ctx, &current, version, ignore, false)?,
        };
        if !right {
            failed.push(name.clone());
        }
    }
    let again = targets.reinstall.iter().filter(|(name, _)| !changes.contains_key(name));
    failed.extend(again.map(|(name, _)| name.clone()));
    Ok(failed)
}
