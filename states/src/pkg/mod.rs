//! `pkg.*`: packages as they shall be.

mod group;
mod hold;
mod installed;
mod latest;
mod removed;
mod upgrade;
mod wanted;

use crate::{Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::{self, Default, always};
use halite_modules::{Args, Bound, CallError, Ctx, Param, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "pkg",
    virtual_name: "pkg",
    doc: "Packages as they shall be.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Param::Required("name");
const KWARGS: Param = Param::Keywords("kwargs");
const VERSION: Param = Param::Optional("version", Default::Null);
const REFRESH: Param = Param::Optional("refresh", Default::Null);
const FROMREPO: Param = Param::Optional("fromrepo", Default::Null);
const SKIP_VERIFY: Param = Param::Optional("skip_verify", Default::Bool(false));
const PKGS: Param = Param::Optional("pkgs", Default::Null);
const NORMALIZE: Param = Param::Optional("normalize", Default::Bool(true));
const IGNORE_EPOCH: Param = Param::Optional("ignore_epoch", Default::Null);

const REMOVED: &[Param] = &[NAME, VERSION, PKGS, NORMALIZE, IGNORE_EPOCH, KWARGS];

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "downloaded",
        params: &[NAME, VERSION, PKGS, FROMREPO, IGNORE_EPOCH, KWARGS],
        doc: "The files of packages are in the package manager's cache.",
        example: "zsh: {pkg.downloaded: [{version: 5.0.5}]}",
        call: upgrade::downloaded,
    },
    StateFunction {
        name: "group_installed",
        params: &[
            NAME,
            Param::Optional("skip", Default::Null),
            Param::Optional("include", Default::Null),
            KWARGS,
        ],
        doc: "A group of packages is installed: those it must and those it usually has.",
        example: "Load Balancer: {pkg.group_installed: [{skip: [piranha]}]}",
        call: group::group_installed,
    },
    StateFunction {
        name: "held",
        params: &[NAME, VERSION, PKGS, Param::Optional("replace", Default::Bool(false)), KWARGS],
        doc: "Packages are neither upgraded nor removed. With replace, all others are again.",
        example: "zlib: {pkg.held: []}",
        call: hold::held,
    },
    StateFunction {
        name: "installed",
        params: &[
            NAME,
            VERSION,
            REFRESH,
            FROMREPO,
            SKIP_VERIFY,
            Param::Optional("skip_suggestions", Default::Bool(false)),
            PKGS,
            Param::Optional("sources", Default::Null),
            Param::Optional("allow_updates", Default::Bool(false)),
            Param::Optional("pkg_verify", Default::Bool(false)),
            NORMALIZE,
            IGNORE_EPOCH,
            Param::Optional("reinstall", Default::Bool(false)),
            Param::Optional("update_holds", Default::Bool(false)),
            KWARGS,
        ],
        doc: "Packages are installed, in this version where one is given.",
        example: "mypkgs: {pkg.installed: [{pkgs: [foo, bar: 1.2.3, baz: '>= 2']}]}",
        call: installed::installed,
    },
    StateFunction {
        name: "latest",
        params: &[
            NAME,
            REFRESH,
            FROMREPO,
            SKIP_VERIFY,
            PKGS,
            Param::Optional("watch_flags", Default::Bool(true)),
            KWARGS,
        ],
        doc: "Packages are installed in the newest version there is.",
        example: "mypkgs: {pkg.latest: [{pkgs: [foo, bar]}]}",
        call: latest::latest,
    },
    StateFunction {
        name: "mod_watch",
        params: &[NAME, KWARGS],
        doc: "What a changed requisite does to packages: the state's own function runs again.",
        example: "vim: {pkg.installed: [{watch: [{file: /etc/apt/preferences}]}]}",
        call: mod_watch,
    },
    StateFunction {
        name: "patch_downloaded",
        params: &[NAME, Param::Optional("advisory_ids", Default::Null), KWARGS],
        doc: "The packages of an advisory are in the package manager's cache.",
        example: "issues: {pkg.patch_downloaded: [{advisory_ids: [SUSE-2013-1]}]}",
        call: |state, args| upgrade::patches(state, args, true),
    },
    StateFunction {
        name: "patch_installed",
        params: &[
            NAME,
            Param::Optional("advisory_ids", Default::Null),
            Param::Optional("downloadonly", Default::Null),
            KWARGS,
        ],
        doc: "The packages of an advisory are installed.",
        example: "issues: {pkg.patch_installed: [{advisory_ids: [SUSE-2013-1]}]}",
        call: |state, args| upgrade::patches(state, args, args.get("downloadonly").is_truthy()),
    },
    StateFunction {
        name: "purged",
        params: REMOVED,
        doc: "Packages are not installed, and their configuration is gone.",
        example: "mypkgs: {pkg.purged: [{pkgs: [foo, bar]}]}",
        call: |state, args| removed::look(state, args, true),
    },
    StateFunction {
        name: "removed",
        params: REMOVED,
        doc: "Packages are not installed.",
        example: "mypkgs: {pkg.removed: [{pkgs: [foo, bar]}]}",
        call: |state, args| removed::look(state, args, false),
    },
    StateFunction {
        name: "unheld",
        params: &[NAME, VERSION, PKGS, Param::Optional("all", Default::Bool(false)), KWARGS],
        doc: "Packages may be upgraded and removed.",
        example: "zlib: {pkg.unheld: []}",
        call: hold::unheld,
    },
    StateFunction {
        name: "uptodate",
        params: &[NAME, Param::Optional("refresh", Default::Bool(false)), PKGS, KWARGS],
        doc: "All packages, or these, are of the newest version there is.",
        example: "everything: {pkg.uptodate: [{refresh: true}]}",
        call: upgrade::uptodate,
    },
];

/// Name of this module's memory of a run.
const KEPT: &str = "pkg";

/// Whether the repositories' lists are to be read again: when the state says so, else once in a run.
fn wants_refresh(state: &StateCtx<'_, '_>, args: &Bound) -> bool {
    let fresh = state.kept.get(KEPT).and_then(|kept| kept.get("fresh")).is_some();
    args.bool("refresh") || *args.get("refresh") != Value::Bool(false) && !fresh
}

/// Notes that the lists are fresh for the rest of the run.
pub fn note_fresh(kept: &mut Map) {
    if let Some(kept) = kept.entry_or(KEPT, || Map::new().into()).as_map_mut() {
        kept.insert("fresh", true);
    }
}

fn has(ctx: &mut Ctx, fun: &str) -> bool {
    registry::find(ctx, fun).is_ok()
}

/// Versions of packages by name: `installed`, or with `removed` those that left their configuration.
fn listed(ctx: &mut Ctx, removed: bool) -> Result<Map, CallError> {
    let args = Args::default().with("versions_as_list", true).with("removed", removed);
    Ok(call(ctx, "pkg.list_pkgs", args)?.as_map().cloned().unwrap_or_default())
}

fn versions(list: &Map, name: &str) -> Vec<String> {
    let versions = list.get(name).and_then(Value::as_list).unwrap_or_default();
    versions.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What is other after than before, in the shape of `pkg.install`.
fn changed(before: &Map, after: &Map) -> Map {
    let text = |list: &Map, name: &str| versions(list, name).join(",");
    let names: std::collections::BTreeSet<&str> =
        before.keys().chain(after.keys()).filter_map(Value::as_str).collect();
    let both = names.into_iter().map(|name| (name, text(before, name), text(after, name)));
    both.filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| (name, Map::from([("new", new), ("old", old)])))
        .collect()
}

/// The keyword arguments that go on to the package manager: Salt's own begin with `__`.
fn passed_on(args: &Bound) -> impl Iterator<Item = (&Value, &Value)> {
    args.keywords()
        .iter()
        .filter(|(key, _)| key.as_str().is_some_and(|key| !key.starts_with("__") && key != "hold"))
}

/// The watching function runs once more.
fn mod_watch(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let sfun = args.keywords().get_str("sfun").unwrap_or_default().to_owned();
    let function = FUNCTIONS.iter().find(|function| function.name == sfun);
    let watching = ["installed", "latest", "removed", "purged"];
    let Some(function) = function.filter(|function| watching.contains(&function.name)) else {
        return Ok(Look::cannot(format!("pkg.{sfun} does nothing where a watched state changes")));
    };
    let mut given = Args::of([args.str("name")?]);
    given.keywords = args.keywords().clone();
    given.keywords.remove("sfun");
    let bound = given.bind(&format!("pkg.{sfun}"), function.params)?;
    (function.call)(state, &bound)
}
