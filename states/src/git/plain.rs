//! `git.present` and `git.cloned`: a repository is there, whatever is in it.

use super::{clone, remove};
use crate::{Applied, Look, StateCtx};
use halite_modules::git::{Who, at, is_worktree, redacted, with_login};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};
use std::path::Path;

pub fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, bare) = (args.str("name")?, args.bool("bare"));
    let folder = Path::new(&name);
    let who = Who { user: args.opt_str("user")?, keys: Vec::new() };
    let mut forced = false;
    if folder.is_dir() {
        let is_tree = || folder.join(".git").is_dir();
        let is_there = if bare { folder.join("HEAD").is_file() } else { is_tree() };
        if is_there || (!bare && is_worktree(state.ctx, &at(&name, &who))) {
            return Ok(Look::in_sync(format!("{name} is a repository")));
        }
        forced = args.bool("force");
        let failed = |error| CallError::failed(format!("{name}: {error}"));
        if !forced && std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Ok(Look::cannot(format!(
                "{name} has files in it and is no repository; with force they would be removed"
            )));
        }
    }
    let mut changes = Map::from([("new", name.clone())]);
    if forced {
        changes.insert("forced init", true);
    }
    let mut init = Args::of([name.as_str()]);
    for key in ["bare", "template", "separate_git_dir", "shared", "user"] {
        init = init.with(key, args.get(key).clone());
    }
    Ok(Look::differs(format!("a repository is to be made at {name}"), changes.clone(), move |state| {
        if forced {
            let failed = |error| CallError::failed(format!("{name} cannot be removed: {error}"));
            remove(Path::new(&name)).map_err(failed)?;
        }
        call(state.ctx, "git.init", init)?;
        Ok(Applied::done(format!("a repository was made at {name}"), changes))
    }))
}

pub fn cloned(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, target) = (args.str("name")?, args.opt_str("target")?.unwrap_or_default());
    if !target.starts_with('/') {
        return Ok(Look::cannot("the target must be an absolute path"));
    }
    let branch = args.opt_str("branch")?;
    if branch.as_ref().is_some_and(String::is_empty) {
        return Ok(Look::cannot("the branch must not be empty"));
    }
    let who = Who::of(state.ctx, args)?;
    if !Path::new(&target).exists() {
        let (login, password) = (args.opt_str("https_user")?, args.opt_str("https_pass")?);
        let url = with_login(&name, login.as_deref(), password.as_deref())?;
        return Ok(make(name, url, target, branch, who));
    }
    let tree = at(&target, &Who { user: who.user, keys: Vec::new() });
    tree.text(state.ctx, &["status", "--porcelain"])?;
    let Some(branch) = branch else { return Ok(Look::in_sync(format!("{target} is a clone already"))) };
    let current = tree.text(state.ctx, &["rev-parse", "--abbrev-ref", "HEAD"])?;
    if current == branch {
        return Ok(Look::in_sync(format!("{target} is on branch {branch} already")));
    }
    let change = Map::from([("old", current), ("new", branch.clone())]);
    let changes = Map::from([("branch", change)]);
    Ok(Look::differs(format!("branch {branch} is to be checked out"), changes.clone(), move |state| {
        let remote = format!("origin/{branch}");
        let is_known = tree.parse(state.ctx, &branch).is_ok();
        let words =
            if is_known { vec!["checkout", &branch] } else { vec!["checkout", "-b", &branch, &remote] };
        tree.said(state.ctx, &words)?;
        Ok(Applied::done(format!("branch {branch} was checked out"), changes))
    }))
}

fn make(name: String, url: String, target: String, branch: Option<String>, who: Who) -> Look {
    let changes: Value = Map::from([("new", format!("{name} => {target}"))]).into();
    let shown = redacted(&name);
    Look::differs(format!("{shown} is to be cloned to {target}"), changes.clone(), move |state| {
        let opts = branch.as_deref().map_or(Vec::new(), |branch| vec!["--branch", branch]);
        clone(state.ctx, &url, &target, &opts, &who)?;
        Ok(Applied::done(format!("{shown} was cloned to {target}"), changes))
    })
}
