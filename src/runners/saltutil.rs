//! `saltutil.sync_*`: copies of the modules that the file server has in its `_modules`, `_states` ... folders.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError, RunnerFuture};
use crate::files::FileServer;
use halite_wire::{Map, Value};
use std::io::Read;
use std::path::Path;

pub(super) const RUNNER: Runner = Runner { name: "saltutil", functions: FUNCTIONS };

const PARAMS: &[Param] = &[
    Param("saltenv", Default::Text("base")),
    Param("extmod_whitelist", Default::Null),
    Param("extmod_blacklist", Default::Null),
];

/// Kinds of modules as Salt names them, in the order of its answer: their folder is `salt://_KIND`.
const KINDS: [&str; 24] = [
    "clouds",
    "modules",
    "states",
    "grains",
    "renderers",
    "returners",
    "output",
    "proxymodules",
    "runners",
    "wheel",
    "engines",
    "thorium",
    "queues",
    "pillar",
    "utils",
    "sdb",
    "cache",
    "fileserver",
    "tops",
    "tokens",
    "serializers",
    "executors",
    "wrapper",
    "roster",
];

type Call = for<'a> fn(&'a Context, Bound) -> RunnerFuture<'a>;

const ONE: Call = |context, args| Box::pin(async move { one(context, &args) });

const fn sync(name: &'static str) -> Function {
    let doc =
        "Copies the modules of this kind from the file server, and gives the names of those that changed.";
    Function { name, params: PARAMS, doc, example: name, call: ONE }
}

const FUNCTIONS: &[Function] = &[
    Function {
        name: "saltutil.sync_all",
        params: PARAMS,
        doc: "Copies the modules of all kinds from the file server, and gives the names of those that changed.",
        example: "saltutil.sync_all",
        call: |context, args| Box::pin(async move { all(context, &args) }),
    },
    sync("saltutil.sync_cache"),
    sync("saltutil.sync_clouds"),
    sync("saltutil.sync_eauth_tokens"),
    sync("saltutil.sync_engines"),
    sync("saltutil.sync_executors"),
    sync("saltutil.sync_fileserver"),
    sync("saltutil.sync_grains"),
    sync("saltutil.sync_modules"),
    sync("saltutil.sync_output"),
    sync("saltutil.sync_pillar"),
    sync("saltutil.sync_proxymodules"),
    sync("saltutil.sync_queues"),
    sync("saltutil.sync_renderers"),
    sync("saltutil.sync_returners"),
    sync("saltutil.sync_roster"),
    sync("saltutil.sync_runners"),
    sync("saltutil.sync_sdb"),
    sync("saltutil.sync_serializers"),
    sync("saltutil.sync_states"),
    sync("saltutil.sync_thorium"),
    sync("saltutil.sync_tops"),
    sync("saltutil.sync_utils"),
    sync("saltutil.sync_wheel"),
    sync("saltutil.sync_wrapper"),
];

fn all(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let server = context.house.files().map_err(|why| args.failed(why))?;
    let mut changed = Map::new();
    for kind in KINDS {
        // The two lists of `sync_all` name modules by kind.
        let of_kind = |name: &str| match args.get(name) {
            Value::Map(kinds) => names(kinds.get(kind).unwrap_or(&Value::NULL)),
            other => names(other),
        };
        let lists = (of_kind("extmod_whitelist"), of_kind("extmod_blacklist"));
        changed.insert(kind, synced(context, args, &server, kind, &lists)?);
    }
    Ok(Value::Map(changed).into())
}

fn one(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let kind = match args.fun().strip_prefix("saltutil.sync_").unwrap_or_default() {
        "eauth_tokens" => "tokens",
        kind => kind,
    };
    let server = context.house.files().map_err(|why| args.failed(why))?;
    let lists = (names(args.get("extmod_whitelist")), names(args.get("extmod_blacklist")));
    Ok(synced(context, args, &server, kind, &lists)?.into())
}

fn names(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Str(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Copies what differs into `CACHEDIR/extmods/KIND`; gives `KIND.name` of each copy, sorted.
fn synced(
    context: &Context,
    args: &Bound,
    server: &FileServer,
    kind: &str,
    (only, without): &(Vec<String>, Vec<String>),
) -> Result<Value, RunnerError> {
    let saltenv = args.text("saltenv").unwrap_or_default();
    let folder = context.house.cache_dir().join("extmods").join(kind);
    let mut changed = Vec::new();
    for path in server.list(&saltenv).unwrap_or_default() {
        let Some(name) = path.strip_prefix(&format!("_{kind}/")) else { continue };
        let module = name.rsplit_once('.').map_or(name, |(stem, _)| stem).replace('/', ".");
        if (!only.is_empty() && !only.contains(&module)) || without.contains(&module) {
            continue;
        }
        let copied = copy(server, &saltenv, &path, &folder.join(name));
        if copied.map_err(|error| args.failed(format!("salt://{path}: {error}")))? {
            changed.push(format!("{kind}.{module}"));
        }
    }
    Ok(changed.into_iter().map(Value::from).collect())
}

/// Whether the copy was missing or another.
fn copy(server: &FileServer, saltenv: &str, path: &str, to: &Path) -> std::io::Result<bool> {
    let mut found = server.find(saltenv, path).map_err(std::io::Error::other)?;
    let mut bytes = Vec::new();
    found.file.read_to_end(&mut bytes)?;
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(to, bytes)?;
    Ok(true)
}
