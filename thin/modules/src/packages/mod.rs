//! What the modules called `pkg` share: targets of a call, lists of packages, and the course of installing and removing.
//!
//! Each package manager is a [`Manager`]: plain functions that list, ask and build command lines. The functions here do
//! the rest, so that arguments and answers are the same everywhere.

mod course;
pub mod ini;
pub mod repos;
pub mod rpm;
mod signatures;
mod table;
mod target;
pub mod version;

pub use signatures::*;
pub use table::MODULE;
pub use target::{Order, pairs};

use crate::process::Output;
use crate::registry::{CallError, Param};
use crate::{Bound, Ctx, glob, tools};
use halite_wire::{Map, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Packages and their versions, sorted. Most have one version; kernels may have several.
pub type Packages = BTreeMap<String, Vec<String>>;

/// Packages, each with one version.
pub type Newest = BTreeMap<String, String>;

/// What the package database says of packages.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub installed: Packages,
    /// Removed, but for their configuration. Debian's alone.
    pub removed: Packages,
    /// Installed, but to be purged. Debian's alone.
    pub purge_desired: Packages,
}

/// A program and its arguments.
pub type CommandLine = Vec<String>;

/// One package manager.
pub struct Manager {
    pub list: fn(&mut Ctx) -> Result<Lists, CallError>,
    /// The newest version each of these could be installed in.
    pub candidates: fn(&mut Ctx, &[String], &Bound) -> Result<Newest, CallError>,
    /// All versions each of these could be installed in, newest first.
    pub available: fn(&mut Ctx, &[String]) -> Result<Packages, CallError>,
    /// Packages a newer version is there for.
    pub upgrades: fn(&mut Ctx, &Bound) -> Result<Newest, CallError>,
    /// Reads the repositories' lists again.
    pub refresh: fn(&mut Ctx, &Bound) -> Result<Value, CallError>,
    /// What must be so before anything is installed.
    pub prepare: fn(&mut Ctx, &Bound) -> Result<(), CallError>,
    /// Command lines that install.
    pub install: fn(&mut Ctx, &Bound, &Order) -> Result<Vec<CommandLine>, CallError>,
    /// The command line that removes these; true is purging.
    pub remove: fn(&Bound, &[String], bool) -> Vec<String>,
    /// The command line that upgrades all, or these.
    pub upgrade: fn(&Bound, &[String]) -> Vec<String>,
    /// Names of packages that nothing needs.
    pub unneeded: fn(&Bound) -> Result<Vec<String>, CallError>,
    /// The command line that removes what nothing needs; `None` where there is none.
    pub autoremove: fn(&Bound) -> Option<Vec<String>>,
    pub compare: fn(&str, &str) -> Ordering,
    /// The name without the host's own architecture.
    pub normalize: fn(&mut Ctx, &str) -> String,
    /// Whether a removed package leaves its configuration, so that purging is something else.
    pub leaves_configuration: bool,
    /// Environment of its programs.
    pub env: &'static [(&'static str, &'static str)],
}

pub const NAMES: Param = Param::Rest("names");
pub const KWARGS: Param = Param::Keywords("kwargs");

/// Whether a keyword argument is true.
pub fn keyword(args: &Bound, key: &str) -> bool {
    args.keywords().get(key).is_some_and(is_true)
}

/// Salt's truth of an argument: the words `true`, `yes`, `on` count, too.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Str(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
        other => other.is_truthy(),
    }
}

/// Text of a keyword argument.
pub fn keyword_text(args: &Bound, key: &str) -> Option<String> {
    args.keywords().get(key).and_then(crate::args::as_text).filter(|text| !text.is_empty())
}

/// The names of a call: texts of `*names`, each split at commas.
pub fn names(args: &Bound) -> Vec<String> {
    let texts = args.rest().iter().filter_map(crate::args::as_text);
    texts.flat_map(|text| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// One answer for one name, a dict for several, empty text for none.
pub fn one_or_all(answers: Vec<(String, Value)>) -> Value {
    match answers.len() {
        0 => "".into(),
        1 => answers.into_iter().next().map(|(_, value)| value).unwrap_or_default(),
        _ => answers.into_iter().collect::<Map>().into(),
    }
}

/// `pkg.list_pkgs`: versions joined by commas, or lists of them.
///
/// # Errors
/// The package database cannot be read.
pub fn list_pkgs(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lists = (manager.list)(ctx)?;
    let mut packages = if args.bool("removed") { lists.removed } else { lists.purge_desired };
    if !args.bool("removed") && !args.bool("purge_desired") {
        packages.extend(lists.installed);
    }
    let as_list = args.bool("versions_as_list");
    let shown =
        |versions: Vec<String>| if as_list { Value::from(versions) } else { versions.join(",").into() };
    Ok(packages.into_iter().map(|(name, versions)| (name, shown(versions))).collect::<Map>().into())
}

/// `pkg.version`: the installed version; a pattern gives a dict.
///
/// # Errors
/// The package database cannot be read.
pub fn installed_version(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let installed = (manager.list)(ctx)?.installed;
    let text = |versions: &Vec<String>| Value::from(versions.join(","));
    let (mut found, mut patterns) = (Vec::new(), false);
    for name in names(args) {
        if name.contains('*') {
            patterns = true;
            let fits = installed.iter().filter(|(known, _)| glob::fnmatch(known.as_bytes(), name.as_bytes()));
            found.extend(fits.map(|(known, versions)| (known.clone(), text(versions))));
        } else {
            let version = installed.get(&name).map_or("".into(), text);
            found.push((name, version));
        }
    }
    Ok(if patterns { found.into_iter().collect::<Map>().into() } else { one_or_all(found) })
}

/// `pkg.version_cmp`: -1, 0 or 1.
///
/// # Errors
/// The versions are no texts.
pub fn version_cmp(manager: &Manager, args: &Bound) -> Result<Value, CallError> {
    let ignore = args.bool("ignore_epoch");
    let version = |key: &str| -> Result<String, CallError> {
        let text = args.str(key)?;
        let bare = text.split_once(':').map(|(_, rest)| rest.to_owned());
        Ok(bare.filter(|_| ignore).unwrap_or(text))
    };
    let order = (manager.compare)(&version("pkg1")?, &version("pkg2")?);
    Ok(Value::Int(match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

/// `pkg.list_upgrades`.
///
/// # Errors
/// The repositories cannot be read.
pub fn list_upgrades(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.bool("refresh") {
        (manager.refresh)(ctx, args)?;
    }
    Ok((manager.upgrades)(ctx, args)?.into_iter().collect::<Map>().into())
}

/// `pkg.list_repo_pkgs`: all versions each package could be installed in.
///
/// # Errors
/// The repositories cannot be read.
pub fn list_repo_pkgs(manager: &Manager, ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let found = (manager.available)(ctx, &names(args))?;
    Ok(found.into_iter().map(|(name, versions)| (name, Value::from(versions))).collect::<Map>().into())
}

/// The version to install where one is asked for: a plain one is itself, of a condition (`>=1.2`) the newest that
/// holds.
///
/// # Errors
/// None holds, or the repositories cannot be read.
pub fn exact(
    manager: &Manager,
    ctx: &mut Ctx,
    name: &str,
    wanted: &str,
    ignore_epoch: bool,
) -> Result<String, CallError> {
    let (sign, version) = version::condition(wanted);
    if sign == "==" {
        return Ok(version.to_owned());
    }
    let available = (manager.available)(ctx, &[name.to_owned()])?.remove(name).unwrap_or_default();
    let holds = |candidate: &&String| version::holds(candidate, sign, version, manager.compare, ignore_epoch);
    available.iter().find(holds).cloned().ok_or_else(|| {
        let all = if available.is_empty() { "none".to_owned() } else { available.join(", ") };
        CallError::failed(format!("no version of {name} is {wanted} (available: {all})"))
    })
}

/// What is other after than before: `{name: {old, new}}`, empty text where there is none.
pub fn changes(before: &Packages, after: &Packages) -> Map {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text =
        |list: &Packages, name: &str| list.get(name).map(|versions| versions.join(",")).unwrap_or_default();
    let both = names.into_iter().map(|name| (name, text(before, name), text(after, name)));
    both.filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| (name.as_str(), pair(&old, &new)))
        .collect()
}

/// One change of a package.
pub fn pair(old: &str, new: &str) -> Map {
    Map::from([("new", new), ("old", old)])
}

/// Runs a package manager's program with its environment.
///
/// # Errors
/// Where it cannot be started.
pub fn run(manager: &Manager, argv: &[String]) -> Result<Output, CallError> {
    let command = tools::command(argv)?;
    tools::finish(manager.env.iter().fold(command, |command, (name, value)| command.env(name, value)))
}
