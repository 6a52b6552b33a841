//! `git.detached`: a commit in the work tree, on no branch.

use super::{Report, clone, empty, ended, is_commit, keys_of, position};
use crate::{Look, StateCtx};
use halite_modules::git::{Repo, Updates, Who, add_remote, at, is_worktree, redacted, remotes, with_login};
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::{Map, Value};
use std::path::Path;

/// The arguments, looked at once.
struct Wanted {
    name: String,
    rev: String,
    target: String,
    remote: String,
    url: String,
    who: Who,
    force_clone: bool,
    force_checkout: bool,
    fetch: bool,
    hard_reset: bool,
    submodules: bool,
}

/// What there is.
struct Found {
    /// Whether the target is a repository.
    is_there: bool,
    commit: Option<String>,
    /// Whether the wanted commit needs no fetch.
    has_commit: bool,
    has_remote: bool,
}

fn wanted(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Result<Wanted, String>, CallError> {
    for name in ["rev", "target"] {
        if !args.get(name).is_truthy() {
            return Ok(Err(format!("the argument '{name}' must not be empty")));
        }
    }
    let (name, rev, target) = (args.str("name")?, args.str("rev")?, args.str("target")?);
    if !target.starts_with('/') {
        return Ok(Err(format!("the target {target} is not an absolute path")));
    }
    if Path::new(&target).is_file() {
        return Ok(Err(format!("the target {target} is a file")));
    }
    let keys = match keys_of(state.ctx, args)? {
        Ok(keys) => keys,
        Err(why) => return Ok(Err(why)),
    };
    let (login, password) = (args.opt_str("https_user")?, args.opt_str("https_pass")?);
    let url = match with_login(&name, login.as_deref(), password.as_deref()) {
        Ok(url) => url,
        Err(error) => return Ok(Err(error.to_string())),
    };
    Ok(Ok(Wanted {
        rev: if is_commit(&rev) { rev.to_lowercase() } else { rev },
        remote: args.str("remote")?,
        who: Who { user: args.opt_str("user")?, keys },
        force_clone: args.bool("force_clone"),
        force_checkout: args.bool("force_checkout"),
        fetch: args.bool("fetch_remote"),
        hard_reset: args.bool("hard_reset"),
        submodules: args.bool("submodules"),
        name,
        target,
        url,
    }))
}

impl Wanted {
    fn tree(&self) -> Repo {
        at(&self.target, &Who { user: self.who.user.clone(), keys: Vec::new() })
    }

    fn find(&self, ctx: &mut Ctx) -> Result<Found, CallError> {
        let tree = self.tree();
        let is_there = Path::new(&self.target).join(".git").is_dir() || is_worktree(ctx, &tree);
        if !is_there {
            return Ok(Found { is_there, commit: None, has_commit: false, has_remote: true });
        }
        let (commit, _) = position(ctx, &tree);
        let hash = is_commit(&self.rev);
        let has_commit = hash && tree.text(ctx, &["describe", "--always", &self.rev]).is_ok();
        let has_remote = hash || {
            let urls = remotes(ctx, &tree, false)?;
            let url = urls.get(&self.remote).and_then(|urls| urls.get("fetch")).and_then(Value::as_str);
            url.is_some_and(|url| url.contains(&self.name))
        };
        Ok(Found { is_there, commit, has_commit, has_remote })
    }

    /// The commit the revision is.
    fn commit(&self, ctx: &mut Ctx) -> Result<String, CallError> {
        let tree = self.tree();
        if is_commit(&self.rev) {
            tree.text(ctx, &["describe", "--always", &self.rev])?;
            return Ok(self.rev.clone());
        }
        let listed = tree.text(ctx, &["ls-remote", &self.target])?;
        let refs: Map =
            listed.lines().filter_map(|line| line.split_once('\t')).map(|(c, r)| (r, c)).collect();
        let names = [format!("refs/remotes/{}/{}", self.remote, self.rev), format!("refs/tags/{}", self.rev)];
        let found = names.iter().find_map(|name| refs.get_str(name));
        found
            .map(str::to_owned)
            .ok_or_else(|| CallError::failed(format!("there is no revision {}", self.rev)))
    }
}

pub fn detached(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let wanted = match wanted(state, args)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let found = wanted.find(state.ctx)?;
    let has_files = std::fs::read_dir(&wanted.target).is_ok_and(|mut entries| entries.next().is_some());
    if !found.is_there && has_files && !wanted.force_clone {
        let why = "has files in it and is no repository; with force_clone they would be removed";
        return Ok(Look::cannot(format!("{} {why}", wanted.target)));
    }
    let mut planned = Map::new();
    // What a fetch brings cannot be foreseen, and with a reset Salt foresees nothing either.
    let foresees = found.is_there && found.has_remote && (found.has_commit || !wanted.fetch);
    if state.test && foresees && !wanted.hard_reset {
        let commit = wanted.commit(state.ctx)?;
        if found.commit.as_ref() == Some(&commit) {
            return Ok(Look::in_sync(format!("{} is at {commit} already", wanted.target)));
        }
        planned.insert("HEAD", Map::from([("old", found.commit.clone()), ("new", Some(commit))]));
    }
    let comment = format!("{} is to be at {}", wanted.target, wanted.rev);
    Ok(Look::differs(comment, planned, move |state| {
        let mut report = Report::default();
        let done = go(state, &wanted, &found, &mut report);
        Ok(ended(done, report, true))
    }))
}

fn go(
    state: &mut StateCtx<'_, '_>,
    wanted: &Wanted,
    found: &Found,
    report: &mut Report,
) -> Result<(), CallError> {
    let (ctx, tree) = (&mut *state.ctx, wanted.tree());
    if !found.is_there {
        make(ctx, wanted, report)?;
    } else if !found.has_remote {
        add_remote(ctx, &tree, &wanted.remote, &wanted.url)?;
        report.say(format!("the remote {} is {} now", wanted.remote, redacted(&wanted.url)));
    }
    if wanted.fetch && !found.has_commit {
        let branches = format!("refs/heads/*:refs/remotes/{}/*", wanted.remote);
        let words = ["fetch", "--force", &wanted.remote, &branches, "+refs/tags/*:refs/tags/*"];
        let said = at(&wanted.target, &wanted.who).said(ctx, &words)?;
        if !Updates::of(&said).is_empty() {
            report.say(format!("the remote {} was fetched", wanted.remote));
        }
    }
    let commit = wanted.commit(ctx)?;
    if wanted.hard_reset {
        tree.text(ctx, &["reset", "--hard", "HEAD"])?;
        report.say("changes nobody committed were discarded");
    }
    if found.commit.as_ref() == Some(&commit) {
        report.say(format!("{} is at {commit} already", wanted.target));
    } else {
        let mut words = vec!["checkout"];
        words.extend(wanted.force_checkout.then_some("--force"));
        words.push(&commit);
        tree.said(ctx, &words)?;
        report.say(format!("{commit} was checked out"));
        let new = tree.parse(ctx, "HEAD").ok();
        report.changes.insert("HEAD", Map::from([("old", found.commit.clone()), ("new", new)]));
    }
    if wanted.submodules {
        let words = ["submodule", "update", "--init", "--recursive"];
        at(&wanted.target, &wanted.who).text(ctx, &words)?;
        report.say("submodules were updated");
    }
    Ok(())
}

fn make(ctx: &mut Ctx, wanted: &Wanted, report: &mut Report) -> Result<(), CallError> {
    if Path::new(&wanted.target).is_dir() && wanted.force_clone {
        empty(&wanted.target)?;
        report.changes.insert("forced clone", true);
    }
    let mut opts = vec!["--no-checkout"];
    if wanted.remote != "origin" {
        opts.extend(["--origin", &wanted.remote]);
    }
    clone(ctx, &wanted.url, &wanted.target, &opts, &wanted.who)?;
    report.say(format!("{} was cloned to {}", redacted(&wanted.name), wanted.target));
    Ok(())
}
