//! `fileserver.*`: what `salt://` holds. Trees are read when they are asked for, so there is little to update or clear.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use crate::files::FileServer;
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const RUNNER: Runner = Runner { name: "fileserver", functions: FUNCTIONS };

const SALTENV: Param = Param("saltenv", Default::Text("base"));
const BACKEND: Param = Param("backend", Default::Null);
const REMOTE: Param = Param("remote", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "fileserver.clear_cache",
        params: &[BACKEND],
        doc: "Forgets what is kept of other servers: the mirrors of git. Roots are read afresh each time.",
        example: "fileserver.clear_cache",
        call: |context, args| Box::pin(async move { clear_cache(context, &args) }),
    },
    Function {
        name: "fileserver.clear_file_list_cache",
        params: &[Param("saltenv", Default::Null), BACKEND],
        doc: "Forgets lists of files. None are kept from one command to the next.",
        example: "fileserver.clear_file_list_cache",
        call: |_, _| Box::pin(async { Ok(Value::Map(Map::new()).into()) }),
    },
    Function {
        name: "fileserver.clear_lock",
        params: &[BACKEND, REMOTE],
        doc: "Removes locks. A lock ends with the process that holds it, so there is never one left.",
        example: "fileserver.clear_lock",
        call: |_, _| Box::pin(async { Ok(Value::from("No locks were removed").into()) }),
    },
    Function {
        name: "fileserver.dir_list",
        params: &[SALTENV, BACKEND],
        doc: "The folders of an environment.",
        example: "fileserver.dir_list saltenv=base",
        call: |context, args| Box::pin(async move { listed(context, &args, folders) }),
    },
    Function {
        name: "fileserver.empty_dir_list",
        params: &[SALTENV, BACKEND],
        doc: "The folders of an environment that hold nothing.",
        example: "fileserver.empty_dir_list",
        call: |context, args| Box::pin(async move { listed(context, &args, empty_folders) }),
    },
    Function {
        name: "fileserver.envs",
        params: &[BACKEND, Param("sources", Default::Bool(false))],
        doc: "The environments there are; with `sources=True` the backends they come from.",
        example: "fileserver.envs",
        call: |context, args| Box::pin(async move { envs(context, &args) }),
    },
    Function {
        name: "fileserver.file_list",
        params: &[SALTENV, BACKEND],
        doc: "The files of an environment.",
        example: "fileserver.file_list saltenv=base",
        call: |context, args| Box::pin(async move { listed(context, &args, files) }),
    },
    Function {
        name: "fileserver.lock",
        params: &[BACKEND, REMOTE],
        doc: "Holds updates back. There is no process whose updates could be held back.",
        example: "fileserver.lock",
        call: |_, _| Box::pin(async { Ok(Value::from("No locks were set").into()) }),
    },
    Function {
        name: "fileserver.symlink_list",
        params: &[SALTENV, BACKEND],
        doc: "The symbolic links among the files of an environment, and what they point to.",
        example: "fileserver.symlink_list",
        call: |context, args| Box::pin(async move { symlinks(context, &args) }),
    },
    Function {
        name: "fileserver.update",
        params: &[BACKEND, Param("kwargs", Default::Keywords)],
        doc: "Fetches from other servers what is due.",
        example: "fileserver.update",
        call: |context, args| Box::pin(async move { update(context, &args) }),
    },
];

fn server(context: &Context, args: &Bound) -> Result<Arc<FileServer>, RunnerError> {
    context.house.files().map_err(|why| args.failed(why))
}

/// The backends that serve, and of them those the caller asked for. A name with a dash in front is left out.
fn backends(context: &Context, args: &Bound) -> Vec<String> {
    let known: Vec<String> = match context.house.opts().get("fileserver_backend").and_then(Value::as_list) {
        Some(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec!["roots".to_owned()],
    };
    let wanted = args.list("backend");
    let is_wanted = |name: &String| {
        let named = wanted.contains(name);
        let refused = wanted.contains(&format!("-{name}"));
        wanted.is_empty() || named || (!refused && wanted.iter().all(|name| name.starts_with('-')))
    };
    known.into_iter().filter(is_wanted).collect()
}

fn envs(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let backends = backends(context, args);
    if args.is_true("sources") {
        return Ok(backends.into_iter().map(Value::from).collect::<Value>().into());
    }
    let names = if backends.is_empty() { Vec::new() } else { server(context, args)?.environments() };
    Ok(names.into_iter().map(Value::from).collect::<Value>().into())
}

/// Paths of an environment: files, and folders that hold nothing with a slash at their end.
fn listed(
    context: &Context,
    args: &Bound,
    pick: fn(&[String]) -> Vec<String>,
) -> Result<Answer, RunnerError> {
    Ok(pick(&paths(context, args)?).into_iter().map(Value::from).collect::<Value>().into())
}

fn paths(context: &Context, args: &Bound) -> Result<Vec<String>, RunnerError> {
    let saltenv = args.text("saltenv").unwrap_or_default();
    if backends(context, args).is_empty() {
        return Ok(Vec::new());
    }
    // An environment that is not there has no files.
    let Ok(tree) = server(context, args)?.tree(&saltenv) else { return Ok(Vec::new()) };
    Ok(tree.files.iter().map(|file| file.path.clone()).collect())
}

fn files(paths: &[String]) -> Vec<String> {
    paths.iter().filter(|path| !path.ends_with('/')).cloned().collect()
}

fn empty_folders(paths: &[String]) -> Vec<String> {
    paths.iter().filter_map(|path| path.strip_suffix('/')).map(str::to_owned).collect()
}

fn folders(paths: &[String]) -> Vec<String> {
    let mut all = BTreeSet::new();
    for path in paths {
        all.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
    }
    all.into_iter().collect()
}

/// Links are followed when files are served; what they are is seen in the roots themselves.
fn symlinks(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let saltenv = args.text("saltenv").unwrap_or_default();
    let roots = context.house.opts().get("file_roots").and_then(|roots| roots.get(&saltenv)?.as_list());
    let roots: Vec<PathBuf> =
        roots.unwrap_or_default().iter().filter_map(Value::as_str).map(PathBuf::from).collect();
    let target = |path: &String| {
        let places = roots.iter().map(|root| root.join(path));
        places.filter_map(|place| std::fs::read_link(place).ok()).next()
    };
    let links = paths(context, args)?;
    let links = links.iter().filter_map(|path| Some((path.clone(), target(path)?)));
    let map: Map = links.map(|(path, target)| (path, target.to_string_lossy().into_owned())).collect();
    Ok(Value::Map(map).into())
}

fn clear_cache(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let has_git = backends(context, args).iter().any(|name| name == "git" || name == "gitfs");
    let mirrors = context.house.cache_dir().join("gitfs");
    if !has_git || !mirrors.exists() {
        return Ok(Value::from("No cache was cleared").into());
    }
    let (outcome, said) = match std::fs::remove_dir_all(&mirrors) {
        Ok(()) => ("cleared", "the mirrors of git were removed".to_owned()),
        Err(error) => ("errors", format!("{}: {error}", mirrors.display())),
    };
    Ok(Value::Map(Map::from([(outcome, vec![said])])).into())
}

fn update(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let server = server(context, args)?;
    for saltenv in server.environments() {
        server.tree(&saltenv).map_err(|error| args.failed(error.to_string()))?;
    }
    Ok(Value::Bool(true).into())
}
