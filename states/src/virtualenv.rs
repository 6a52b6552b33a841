//! `virtualenv.managed`: a virtual environment of Python and the packages in it.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::registry::Default::{Bool, Null};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: StateModule = StateModule {
    file: "virtualenv",
    virtual_name: "virtualenv",
    doc: "Virtual environments of Python as they shall be.",
    applies: always,
    functions: &[
        StateFunction {
            name: "manage",
            params: PARAMS,
            doc: "The same as virtualenv.managed.",
            example: "/srv/venv: {virtualenv.manage: [{requirements: /srv/requirements.txt}]}",
            call: managed,
        },
        StateFunction {
            name: "managed",
            params: PARAMS,
            doc: "The virtual environment is there, with these packages.",
            example: "/srv/venv: {virtualenv.managed: [{requirements: /srv/requirements.txt}]}",
            call: managed,
        },
    ],
};

const PARAMS: &[Param] = &[
    Required("name"),
    Optional("venv_bin", Null),
    Optional("requirements", Null),
    Optional("system_site_packages", Bool(false)),
    Optional("distribute", Bool(false)),
    Optional("use_wheel", Bool(false)),
    Optional("clear", Bool(false)),
    Optional("python", Null),
    Optional("extra_search_dir", Null),
    Optional("never_download", Null),
    Optional("prompt", Null),
    Optional("user", Null),
    Optional("cwd", Null),
    Optional("index_url", Null),
    Optional("extra_index_url", Null),
    Optional("pre_releases", Bool(false)),
    Optional("no_deps", Bool(false)),
    Optional("pip_download", Null),
    Optional("pip_download_cache", Null),
    Optional("pip_exists_action", Null),
    Optional("pip_ignore_installed", Bool(false)),
    Optional("proxy", Null),
    Optional("use_vt", Bool(false)),
    Optional("env_vars", Null),
    Optional("no_use_wheel", Bool(false)),
    Optional("pip_upgrade", Bool(false)),
    Optional("pip_pkgs", Null),
    Optional("pip_no_cache_dir", Bool(false)),
    Optional("pip_cache_dir", Null),
    Optional("process_dependency_links", Bool(false)),
    Optional("no_binary", Null),
    Keywords("kwargs"),
];

/// Arguments of the state and what they are called in `pip.install`.
const PIP: [(&str, &str); 20] = [
    ("process_dependency_links", "process_dependency_links"),
    ("use_wheel", "use_wheel"),
    ("no_use_wheel", "no_use_wheel"),
    ("no_binary", "no_binary"),
    ("user", "user"),
    ("cwd", "cwd"),
    ("index_url", "index_url"),
    ("extra_index_url", "extra_index_url"),
    ("pip_download", "download"),
    ("pip_download_cache", "download_cache"),
    ("pre_releases", "pre_releases"),
    ("pip_exists_action", "exists_action"),
    ("pip_ignore_installed", "ignore_installed"),
    ("pip_upgrade", "upgrade"),
    ("no_deps", "no_deps"),
    ("proxy", "proxy"),
    ("use_vt", "use_vt"),
    ("env_vars", "env_vars"),
    ("pip_no_cache_dir", "no_cache_dir"),
    ("pip_cache_dir", "cache_dir"),
];

/// Arguments that are those of `virtualenv.create`.
const CREATE: [&str; 10] = [
    "venv_bin",
    "system_site_packages",
    "distribute",
    "clear",
    "python",
    "extra_search_dir",
    "never_download",
    "prompt",
    "user",
    "use_vt",
];

fn managed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let requirements = match args.get("requirements") {
        Value::Str(url) if url.starts_with("salt://") => {
            match call(state.ctx, "cp.cache_file", Args::of([url.as_str()])) {
                Ok(path) if path.is_truthy() => path,
                _ => {
                    return Ok(Look::cannot(format!(
                        "the requirements file {url} is not on the file server"
                    )));
                }
            }
        }
        other => other.clone(),
    };
    let python = Path::new(&name).join("bin/python");
    let (is_there, clears) = (python.exists(), args.bool("clear"));
    if state.test && is_there && !clears {
        return Ok(Look::in_sync(format!("{name} is there already")));
    }
    let mut planned = Map::new();
    if is_there && clears {
        let packages = call(state.ctx, "pip.freeze", Args::default().with("bin_env", name.as_str()))?;
        planned.insert("cleared_packages", packages);
        planned.insert("old", version(state.ctx, &python)?);
    }
    let what = if is_there { "cleared" } else { "made" };
    let bound = args.clone();
    Ok(Look::differs(format!("{name} is to be {what}"), planned.clone(), move |state| {
        let mut changes = planned;
        let mut said = Vec::new();
        if !is_there || clears {
            if let Err(why) = create(state.ctx, &bound, &name)? {
                return Ok(Applied::failed(why, changes));
            }
            changes.insert("new", version(state.ctx, &python)?);
            said.push(format!("{name} was {what}"));
        }
        let filled = if requirements.is_truthy() || bound.get("pip_pkgs").is_truthy() {
            fill(state.ctx, &bound, &name, requirements, &mut changes)?
        } else {
            Ok(())
        };
        if said.is_empty() {
            said.push(format!("{name} is there"));
        }
        said.extend(filled.clone().err());
        let comment = said.join(", ");
        Ok(if filled.is_ok() { Applied::done(comment, changes) } else { Applied::failed(comment, changes) })
    }))
}

/// What `python -V` says where old ones say it; nothing with those of today, as in Salt.
fn version(ctx: &mut Ctx, python: &Path) -> Result<String, CallError> {
    let command = format!("{} -V", python.display());
    let said = call(ctx, "cmd.run_stderr", Args::of([command]).with("ignore_retcode", true))?;
    Ok(said.as_str().unwrap_or_default().trim_matches('\n').to_owned())
}

/// `Err` is what the program said of its failure.
fn create(ctx: &mut Ctx, args: &Bound, name: &str) -> Result<Result<(), String>, CallError> {
    let mut create = Args { positional: vec![name.into()], keywords: args.keywords().clone() };
    for key in CREATE {
        create = create.with(key, args.get(key).clone());
    }
    let ran = call(ctx, "virtualenv.create", create)?;
    Ok(outcome(&ran))
}

fn outcome(ran: &Value) -> Result<(), String> {
    if ran.get("retcode") == Some(&Value::Int(0)) {
        return Ok(());
    }
    let said =
        ["stdout", "stderr", "comment"].map(|key| ran.get(key).and_then(Value::as_str).unwrap_or_default());
    Err(said.join("\n").trim().to_owned())
}

/// Installs the packages, and tells which came and went.
fn fill(
    ctx: &mut Ctx,
    args: &Bound,
    name: &str,
    requirements: Value,
    changes: &mut Map,
) -> Result<Result<(), String>, CallError> {
    let freeze = |ctx: &mut Ctx| -> Result<Vec<Value>, CallError> {
        let asked = Args::default().with("bin_env", name).with("user", args.get("user").clone());
        Ok(call(ctx, "pip.freeze", asked)?.as_list().unwrap_or_default().to_vec())
    };
    let before = freeze(ctx)?;
    let mut install = Args::default().with("bin_env", name).with("pkgs", args.get("pip_pkgs").clone());
    for (ours, theirs) in PIP {
        install = install.with(theirs, args.get(ours).clone());
    }
    let ran = call(ctx, "pip.install", install.with("requirements", requirements))?;
    let after = freeze(ctx)?;
    let only = |some: &[Value], others: &[Value]| -> Value {
        let found: Vec<Value> = some.iter().filter(|item| !others.contains(item)).cloned().collect();
        if found.is_empty() { "".into() } else { found.into() }
    };
    let (new, old) = (only(&after, &before), only(&before, &after));
    if new.is_truthy() || old.is_truthy() {
        changes.insert("packages", Map::from([("new", new), ("old", old)]));
    }
    Ok(outcome(&ran))
}
