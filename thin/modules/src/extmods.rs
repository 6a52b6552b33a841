//! Python that a tree brings along (`_modules`, `_states`, `_grains`, `_utils` ...): its files, kept on this host as Salt
//! keeps them, and the interface of whoever runs it.
//!
//! [`sync`] brings the files of one kind below `extmods/` of the cache and says which are new; [`Custom`] is handed in
//! with the renderer, because running them takes an interpreter of the host.

use crate::{Args, Bound, CallError, Ctx, cache, write};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// Runs functions of the tree.
pub trait Custom: Sync {
    /// Whether the tree has the function `fun` of this kind.
    fn has(&self, ctx: &mut Ctx, kind: Kind, fun: &str) -> bool;

    /// Calls it.
    ///
    /// # Errors
    /// It fails, or nothing on this host can run it; the text names the file.
    fn call(&self, ctx: &mut Ctx, kind: Kind, fun: &str, args: Args) -> Result<Value, CallError>;

    /// Why the tree's file of that name has no such function; `None` where there is no such file.
    fn why_not(&self, ctx: &mut Ctx, kind: Kind, fun: &str) -> Option<String>;

    /// What the tree's grains say; `core` is what is known without them.
    ///
    /// # Errors
    /// As [`Custom::call`].
    fn grains(&self, ctx: &mut Ctx, core: &Map) -> Result<Map, CallError>;
}

/// Functions of a tree that are called by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Modules,
    States,
}

impl Kind {
    /// The folder, without its underscore.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Modules => "modules",
            Kind::States => "states",
        }
    }
}

/// Where files of one kind are kept: `extension_modules` of the options, else below the cache.
pub fn folder(ctx: &Ctx, kind: &str) -> PathBuf {
    let named = ctx.opts.get_str("extension_modules").filter(|folder| !folder.is_empty());
    named.map_or_else(|| cache::dir(ctx).join("extmods"), PathBuf::from).join(kind)
}

/// The environments such files are taken from: `base` and the one of the call.
pub fn environments(ctx: &Ctx) -> Vec<String> {
    let own = ctx.opts.get_str("saltenv").filter(|saltenv| !saltenv.is_empty() && *saltenv != "base");
    std::iter::once("base").chain(own).map(str::to_owned).collect()
}

/// Python files of one kind in an environment: paths below their folder.
///
/// # Errors
/// The controller refuses.
pub fn files(ctx: &mut Ctx, kind: &str, saltenv: &str) -> Result<Vec<String>, String> {
    let prefix = format!("_{kind}/");
    let all = ctx.file_list(saltenv)?;
    let below = all.range(prefix.clone()..).take_while(|path| path.starts_with(&prefix));
    Ok(below.filter(|path| path.ends_with(".py")).map(|path| path[prefix.len()..].to_owned()).collect())
}

/// Brings the files of one kind to this host and removes those that are gone; names (`modules.pulse`) of new and
/// changed ones.
///
/// # Errors
/// The controller refuses, or they cannot be written.
pub fn sync(ctx: &mut Ctx, kind: &str, environments: &[String]) -> Result<Vec<String>, String> {
    sync_some(ctx, kind, environments, &|_| true)
}

fn sync_some(
    ctx: &mut Ctx,
    kind: &str,
    environments: &[String],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, String> {
    let folder = folder(ctx, kind);
    let (mut wanted, mut changed) = (Vec::new(), Vec::new());
    for saltenv in environments {
        for path in files(ctx, kind, saltenv)?.into_iter().filter(|path| is_wanted(&name_of(path))) {
            let Some(place) = cache::below(&folder, &path) else { continue };
            let Some(text) = ctx.file_text(saltenv, &format!("_{kind}/{path}"))? else { continue };
            if std::fs::read(&place).ok().as_deref() != Some(text.as_bytes()) {
                put(&place, &text).map_err(|error| format!("{}: {error}", place.display()))?;
                changed.push(format!("{kind}.{}", name_of(&path)));
            }
            wanted.push(place);
        }
    }
    remove_others(&folder, &wanted);
    Ok(changed)
}

/// What `saltutil.sync_all` lists, in Salt's order.
const KINDS: [&str; 20] = [
    "tops",
    "clouds",
    "beacons",
    "modules",
    "states",
    "sdb",
    "grains",
    "renderers",
    "returners",
    "output",
    "utils",
    "log_handlers",
    "executors",
    "proxymodules",
    "engines",
    "thorium",
    "serializers",
    "matchers",
    "pillar",
    "wrapper",
];

/// `saltutil.sync_KIND`: [`sync`] of the environments and names the arguments choose.
pub(crate) fn synced(ctx: &mut Ctx, args: &Bound, kind: &str) -> Result<Value, CallError> {
    let environments = listed(args.get("saltenv"), kind).unwrap_or_else(|| environments(ctx));
    let (only, but) =
        (listed(args.get("extmod_whitelist"), kind), listed(args.get("extmod_blacklist"), kind));
    let wanted = |name: &str| {
        only.as_ref().is_none_or(|only| only.iter().any(|one| one == name))
            && but.as_ref().is_none_or(|but| !but.iter().any(|one| one == name))
    };
    let changed = sync_some(ctx, kind, &environments, &wanted).map_err(CallError::failed)?;
    if kind == "grains" && !changed.is_empty() {
        ctx.forget_grains();
    }
    Ok(changed.into_iter().map(Value::from).collect())
}

/// `saltutil.sync_all`.
pub(crate) fn synced_all(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let synced: Result<Map, CallError> =
        KINDS.iter().map(|kind| Ok((Value::from(*kind), synced(ctx, args, kind)?))).collect();
    synced.map(Value::from)
}

/// Names of files of a kind: `a,b`, a list, or either under the kind's name. `None` where nothing is said of it.
fn listed(names: &Value, kind: &str) -> Option<Vec<String>> {
    match names {
        Value::Str(names) => Some(names.split(',').map(|name| name.trim().to_owned()).collect()),
        Value::List(names) => Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::Map(kinds) => kinds.get(kind).and_then(|names| listed(names, kind)),
        _ => None,
    }
}

/// `net/pulse.py` is `net.pulse`.
fn name_of(path: &str) -> String {
    path.trim_end_matches(".py").replace('/', ".")
}

fn put(place: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = place.parent() {
        write::private_folders(folder)?;
    }
    write::replace(place, text.as_bytes(), 0o600)
}

/// What the tree no longer has goes, and folders that are empty then.
fn remove_others(folder: &Path, wanted: &[PathBuf]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_others(&path, wanted);
            let _ = std::fs::remove_dir(&path);
        } else if !wanted.contains(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Whether the tree stands in for a module of ours: it has a file of that name, and is known by now. Nothing is asked.
pub fn overrides(ctx: &Ctx, kind: Kind, module: &str) -> bool {
    environments(ctx).iter().any(|saltenv| {
        let known = ctx.known_files(saltenv);
        known.is_some_and(|files| files.contains(&format!("_{}/{module}.py", kind.folder())))
    })
}
