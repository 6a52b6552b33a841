//! `file.recurse`: a directory of the file server on this host.
//!
//! The environment's paths are listed once a run, the digests of all its files are asked in one go, and the content only
//! of those that differ.

use super::clean::{self, remove};
use super::{Tree, expanded_text, lay_over, named, no_such_owner, saltenv, shown, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::cp::{Inclusion, Source};
use halite_modules::file::manage::{Content, Wanted, keeps_backups, mode_or_keep};
use halite_modules::file::perms::{Perms, normal_mode};
use halite_modules::file::source::{self, Request};
use halite_modules::file::{template, tree};
use halite_modules::{Args, Bound, CallError, paths};
use halite_wire::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What shall be below `name`.
struct Plan {
    name: PathBuf,
    /// Where each file comes from.
    files: BTreeMap<PathBuf, Source>,
    /// Sorted; with `include_empty` the top comes once more at the end, as `name/.`: Salt reports it under that key.
    folders: Vec<PathBuf>,
    keep: BTreeSet<PathBuf>,
}

pub fn recurse(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    if args.keywords().contains_key("mode") {
        return Ok(Look::cannot(
            "'file.recurse' has no 'mode'; 'file_mode' and 'dir_mode' are for files and directories",
        ));
    }
    let owner = user(args);
    if let Some(look) = no_such_owner(state, &owner, args.get("group")) {
        return Ok(look);
    }
    let name = match named(args)? {
        Ok(name) if name.exists() && !name.is_dir() => {
            return Ok(Look::cannot(format!("{} is there, and no directory", name.display())));
        }
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let env = saltenv(state);
    let plan = match plan(state, args, name, &env) {
        Ok(plan) => plan,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    let tree = Tree {
        user: owner,
        group: args.get("group").clone(),
        dir_mode: normal_mode(args.get("dir_mode")),
        makedirs: true,
        ..Tree::default()
    };
    look(state, args, plan, tree, &env)
}

/// Paths a `file.recurse` with these arguments puts on the host.
///
/// # Errors
/// Where its source cannot be listed.
pub fn paths_of(state: &mut StateCtx, low: &Map) -> Result<BTreeSet<PathBuf>, CallError> {
    let known = super::table::RECURSE.iter().filter_map(|param| param.name());
    let given: Map = known.filter_map(|name| Some((name, low.get(name)?.clone()))).collect();
    let args =
        Args { positional: Vec::new(), keywords: given }.bind("file.recurse", super::table::RECURSE)?;
    let env = low.get_str("__env__").unwrap_or("base").to_owned();
    let name = expanded_text(&args.str("name")?);
    Ok(plan(state, &args, name, &env)?.keep)
}

fn plan(state: &mut StateCtx, args: &Bound, name: PathBuf, env: &str) -> Result<Plan, CallError> {
    let top = source_folder(state, args, env)?;
    let prefix = format!("{}/", top.path);
    let listed = state.ctx.file_list(&top.saltenv).map_err(CallError::Failed)?;
    let below: Vec<&String> = listed.iter().filter(|path| path.starts_with(&prefix)).collect();
    let empty = state.ctx.empty_folders(&top.saltenv);
    let is_ours = |folder: &String| *folder == top.path || folder.starts_with(&prefix);
    if below.is_empty() && !empty.iter().any(is_ours) {
        return Err(CallError::Failed(format!("the file server has no directory {top}")));
    }
    let inclusion = Inclusion::of(args)?;
    let depth = args.opt_int("maxdepth")?.and_then(|depth| usize::try_from(depth).ok());
    let mut plan = Plan { files: BTreeMap::new(), folders: Vec::new(), keep: BTreeSet::new(), name };
    let mut folders = BTreeSet::new();
    for path in &below {
        let relative = &path[prefix.len()..];
        let is_deep = depth.is_some_and(|depth| relative.matches('/').count() > depth);
        let Some(target) = below_of(&plan.name, relative).filter(|_| !is_deep) else { continue };
        if !inclusion.takes(relative)? {
            continue;
        }
        folders.extend(target.parent().map(Path::to_owned));
        plan.keep.insert(target.clone());
        plan.files.insert(target, Source { path: (*path).clone(), saltenv: top.saltenv.clone() });
    }
    let include_empty = args.bool("include_empty");
    let inner = below.iter().filter_map(|path| Some(path[prefix.len()..].rsplit_once('/')?.0));
    let inner = inner.chain(empty.iter().filter_map(|folder| folder.strip_prefix(&prefix)));
    for folder in inner.flat_map(with_parents).filter(|_| include_empty).collect::<BTreeSet<&str>>() {
        let is_deep = depth.is_some_and(|depth| folder.matches('/').count() > depth);
        if let Some(target) = below_of(&plan.name, folder).filter(|_| !is_deep)
            && inclusion.takes(folder)?
        {
            plan.keep.insert(target.clone());
            folders.insert(target);
        }
    }
    plan.folders.extend(folders);
    if include_empty && inclusion.takes(".")? {
        plan.folders.push(plan.name.join("."));
    }
    Ok(plan)
}

/// A relative directory and those it is in.
fn with_parents(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| Some(folder.rsplit_once('/')?.0))
}

/// A path of the file server below a directory of ours; nothing where it would lead out.
fn below_of(name: &Path, relative: &str) -> Option<PathBuf> {
    relative.split('/').all(|part| !["", ".", ".."].contains(&part)).then(|| name.join(relative))
}

/// The directory of the file server that is meant; of several the first that is there.
fn source_folder(state: &mut StateCtx, args: &Bound, env: &str) -> Result<Source, CallError> {
    let texts = match args.get("source") {
        Value::List(sources) => sources.iter().map(as_text).collect::<Option<Vec<_>>>(),
        single => as_text(single).map(|source| vec![source]),
    };
    let texts = texts.ok_or_else(|| args.wrong("'source' must be text or a list of texts"))?;
    let trimmed: Vec<&str> = texts.iter().map(|text| text.trim_end_matches('/')).collect();
    if let Some(other) = trimmed.iter().find(|source| !source.starts_with("salt://")) {
        return Err(
            args.wrong(format!("'{other}' is no directory of the file server; they begin with salt://"))
        );
    }
    let first = match trimmed.as_slice() {
        [single] => (*single).to_owned(),
        _ => source::first_there(state.ctx, &trimmed.iter().copied().collect(), &Value::Null, env, true)?.0,
    };
    Source::parse(&first, env).ok_or_else(|| args.wrong(format!("'{first}' is no URL of the file server")))
}

/// One file to be, and what stands in its way.
struct One {
    wanted: Wanted,
    planned: Map,
    found: Option<halite_modules::file::manage::Found>,
}

fn look(state: &mut StateCtx, args: &Bound, plan: Plan, tree: Tree, env: &str) -> Result<Look, CallError> {
    let clean = args.bool("clean");
    let (ones, mut failures) = files(state, args, &plan, &tree, env)?;
    let mut planned = Map::new();
    for folder in &plan.folders {
        let found = Tree { name: folder.clone(), ..tree.clone() }.differences()?;
        if !found.is_empty() {
            planned.insert(shown(folder), found);
        }
    }
    for one in &ones {
        if !one.planned.is_empty() {
            planned.insert(shown(&one.wanted.name), one.planned.clone());
        }
    }
    let (mut keep, inclusion) = (plan.keep.clone(), Inclusion::of(args)?);
    let mut sweeps = false;
    if clean {
        keep.extend(clean::kept(state, &plan.name)?);
        sweeps = !clean::sweep(&plan.name, &keep, &inclusion, true)?.is_empty();
    }
    let blocked = ones.iter().any(|one| clean && one.wanted.name.is_dir());
    // Where every file is excluded, the directory itself is made all the same, and no change reported.
    let is_made = state.test || plan.name.is_dir();
    if planned.is_empty() && failures.is_empty() && !sweeps && !blocked && is_made {
        return Ok(Look::in_sync(format!("{} is as it should be", plan.name.display())));
    }
    if state.test && !failures.is_empty() {
        return Ok(Look::Cannot { comment: failures.join("\n"), changes: planned.into() });
    }
    let comment = format!("{} would be changed", plan.name.display());
    Ok(Look::differs(comment, planned, move |state| {
        let mut changes = make(state, &plan, &tree, ones, clean, &mut failures)?;
        if clean {
            let removed = clean::sweep(&plan.name, &keep, &inclusion, false)?;
            if !removed.is_empty() {
                changes.insert("removed", Value::List(removed));
            }
        }
        Ok(match failures.is_empty() {
            true => Applied::done(format!("{} was changed", plan.name.display()), changes),
            false => Applied::failed(failures.join("\n"), changes),
        })
    }))
}

/// Looks at every file; what cannot be looked at is told apart.
fn files(
    state: &mut StateCtx,
    args: &Bound,
    plan: &Plan,
    tree: &Tree,
    env: &str,
) -> Result<(Vec<One>, Vec<String>), CallError> {
    let (mut ones, mut failures) = (Vec::new(), Vec::new());
    for (name, source) in &plan.files {
        let one = one(state, args, tree, (name, source), env);
        match one {
            Ok(one) => ones.push(one),
            Err(error) => failures.push(format!("{}: {error}", name.display())),
        }
    }
    Ok((ones, failures))
}

fn one(
    state: &mut StateCtx,
    args: &Bound,
    tree: &Tree,
    (name, source): (&Path, &Source),
    env: &str,
) -> Result<One, CallError> {
    let (mode, keep_mode) = mode_or_keep(args.get("file_mode"));
    let perms = Perms { user: tree.user.clone(), group: tree.group.clone(), mode, ..Perms::default() };
    let mut wanted = Wanted {
        name: name.to_owned(),
        content: Content::Any,
        perms,
        follow: true,
        show_changes: args.keywords().get("show_changes") != Some(&Value::Bool(false)),
        backup: keeps_backups(state.ctx, args.get("backup")),
        makedirs: true,
        dir_mode: tree.dir_mode.clone(),
    };
    if args.get("replace") != &Value::Bool(false) || !name.exists() {
        let url = format!("salt://{}?saltenv={}", source.path, source.saltenv);
        let request = Request { source: url.as_str().into(), saltenv: env.to_owned(), ..Request::default() };
        let chosen = request.choose(state.ctx, &name.to_string_lossy())?;
        if keep_mode {
            wanted.perms.mode = chosen.mode.map(|mode| format!("{mode:04o}"));
        }
        wanted.content = match args.opt_str("template")?.filter(|engine| !engine.is_empty()) {
            None => Content::Source(Box::new(chosen)),
            Some(engine) => {
                let file = chosen.file(state.ctx)?;
                let mut variables = template::variables(args)?;
                let given = [
                    ("name", paths::to_value(name)),
                    ("source", Value::from(url)),
                    ("saltenv", Value::from(env)),
                    ("user", tree.user.clone()),
                    ("mode", wanted.perms.mode.clone().into()),
                ];
                for (key, value) in
                    given.into_iter().filter(|(key, _)| args.get("context").get(key).is_none())
                {
                    variables.insert(key, value);
                }
                Content::Rendered(template::render_file(state.ctx, &engine, &file, &variables)?.into_bytes())
            }
        };
    }
    if name.is_dir() {
        return Ok(One { wanted, planned: Map::new(), found: None });
    }
    let found = wanted.look(state.ctx)?;
    Ok(One { planned: wanted.planned(&found)?, wanted, found: Some(found) })
}

/// Makes directories and files, and says what changed, path by path.
fn make(
    state: &mut StateCtx,
    plan: &Plan,
    tree: &Tree,
    ones: Vec<One>,
    clean: bool,
    failures: &mut Vec<String>,
) -> Result<Map, CallError> {
    let perms = Perms {
        user: tree.user.clone(),
        group: tree.group.clone(),
        mode: tree.dir_mode.clone(),
        ..Perms::default()
    };
    let (user, group) = perms.owner().map_err(CallError::Failed)?;
    let mode = perms.mode_bits().map_err(CallError::Failed)?;
    tree::Perms { user, group, mode }.make(&plan.name)?;
    let mut changes = Map::new();
    for folder in &plan.folders {
        let mut here = Map::new();
        if clean && folder.symlink_metadata().is_ok() && !folder.is_dir() {
            remove(folder)?;
            here.insert("diff", "Replaced file with a directory");
        }
        let tree = Tree { name: folder.clone(), ..tree.clone() };
        let done = tree.differences().and_then(|planned| {
            if planned.is_empty() { Ok(Applied::done("", planned)) } else { tree.make(planned) }
        });
        merge(&mut changes, folder, here, done, failures);
    }
    for one in ones {
        let mut here = Map::new();
        let name = one.wanted.name.clone();
        if name.is_dir() && clean {
            remove(&name)?;
            here.insert("diff", "Replaced directory with a new file");
        }
        let done = if name.is_dir() { Err(CallError::failed("it is a directory")) } else { put(state, one) };
        merge(&mut changes, &name, here, done, failures);
    }
    Ok(changes)
}

fn put(state: &mut StateCtx, one: One) -> Result<Applied, CallError> {
    let found = match one.found {
        Some(found) if one.planned.is_empty() && found.now.is_some() => {
            return Ok(Applied::done("", Map::new()));
        }
        Some(found) => found,
        None => one.wanted.look(state.ctx)?,
    };
    Ok(super::ended("", one.wanted.put(state.ctx, found)?))
}

/// Notes what became of one path.
fn merge(
    changes: &mut Map,
    path: &Path,
    mut here: Map,
    done: Result<Applied, CallError>,
    failures: &mut Vec<String>,
) {
    match done {
        Ok(done) => {
            if done.result != Some(true) {
                failures.push(format!("{}: {}", path.display(), done.comment));
            }
            lay_over(&mut here, done.changes.as_map().cloned().unwrap_or_default());
        }
        Err(error) => failures.push(format!("{}: {error}", path.display())),
    }
    if !here.is_empty() {
        changes.insert(shown(path), here);
    }
}
