//! `git.latest`: a clone that follows its remote.

mod clone;
mod goal;
mod local;
mod update;

use super::{Report, keys_of};
use crate::{Look, StateCtx};
use goal::Goal;
use halite_modules::git::{Repo, Who, at, is_worktree, with_login};
use halite_modules::{Bound, CallError};
use halite_wire::Value;
use std::path::Path;

/// What may be done to changes nobody committed, and to commits the remote does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reset {
    No,
    Always,
    /// Only where the remote has something new.
    RemoteChanges,
}

/// The arguments, looked at once.
struct Wanted {
    name: String,
    target: String,
    rev: String,
    branch: Option<String>,
    who: Who,
    /// The address with user and password.
    url: String,
    remote: String,
    depth: Option<String>,
    reset: Reset,
    refspecs: Vec<String>,
    bare: bool,
    mirror: bool,
    update_head: bool,
    force_checkout: bool,
    force_clone: bool,
    force_fetch: bool,
    submodules: bool,
    sync_tags: bool,
}

impl Wanted {
    /// `Err` is what is wrong with the arguments, for the user.
    fn of(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Result<Wanted, String>, CallError> {
        for name in ["remote", "target", "rev"] {
            if !args.get(name).is_truthy() {
                return Ok(Err(format!("the argument '{name}' must not be empty")));
            }
        }
        let reset = match args.get("force_reset") {
            Value::Bool(false) => Reset::No,
            Value::Bool(true) => Reset::Always,
            Value::Str(word) if word == "remote-changes" => Reset::RemoteChanges,
            _ => return Ok(Err("force_reset must be True, False or remote-changes".to_owned())),
        };
        let keys = match keys_of(state.ctx, args)? {
            Ok(keys) => keys,
            Err(why) => return Ok(Err(why)),
        };
        let (name, remote) = (args.str("name")?, args.str("remote")?);
        let (login, password) = (args.opt_str("https_user")?, args.opt_str("https_pass")?);
        let mirror = args.bool("mirror");
        let wanted = Wanted {
            url: match with_login(&name, login.as_deref(), password.as_deref()) {
                Ok(url) => url,
                Err(error) => return Ok(Err(error.to_string())),
            },
            target: args.str("target")?,
            rev: args.str("rev")?,
            branch: args.opt_str("branch")?,
            who: Who { user: args.opt_str("user")?, keys },
            depth: args.opt_str("depth")?,
            reset,
            refspecs: refspecs(args, &remote)?,
            bare: mirror || args.bool("bare"),
            mirror,
            update_head: args.bool("update_head"),
            force_checkout: args.bool("force_checkout"),
            force_clone: args.bool("force_clone"),
            force_fetch: args.bool("force_fetch"),
            submodules: args.bool("submodules"),
            sync_tags: args.bool("sync_tags"),
            name,
            remote,
        };
        Ok(wanted.objection().map_or(Ok(wanted), Err))
    }

    fn objection(&self) -> Option<String> {
        let target = &self.target;
        if !target.starts_with('/') {
            return Some(format!("the target {target} is not an absolute path"));
        }
        if Path::new(target).is_file() {
            return Some(format!("the target {target} is a file"));
        }
        let both = self.bare && self.rev != "HEAD";
        both.then(|| "rev does not go together with bare and mirror".to_owned())
    }

    /// The target for work on this host alone.
    fn tree(&self) -> Repo {
        at(&self.target, &Who { user: self.who.user.clone(), keys: Vec::new() })
    }

    /// The target for work that reaches the remote.
    fn reaching(&self) -> Repo {
        at(&self.target, &self.who)
    }

    fn new_branch<'w>(&'w self, current: Option<&str>) -> Option<&'w str> {
        self.branch.as_deref().filter(|branch| Some(*branch) != current)
    }
}

fn refspecs(args: &Bound, remote: &str) -> Result<Vec<String>, CallError> {
    if !args.bool("fetch_tags") {
        return Ok(Vec::new());
    }
    let (branch, tag) = (args.str("refspec_branch")?, args.str("refspec_tag")?);
    Ok(vec![
        format!("refs/heads/{branch}:refs/remotes/{remote}/{branch}"),
        format!("+refs/tags/{tag}:refs/tags/{tag}"),
    ])
}

pub fn latest(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let wanted = match Wanted::of(state, args)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let goal = match Goal::of(state.ctx, &wanted)? {
        Ok(goal) => goal,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let inside = Path::new(&wanted.target).join(if wanted.bare { "refs" } else { ".git" });
    if inside.is_dir() || is_worktree(state.ctx, &wanted.tree()) {
        update::look(state, wanted, goal)
    } else {
        clone::look(wanted, goal)
    }
}

/// Puts the files of the submodules in place.
fn submodules(state: &mut StateCtx<'_, '_>, wanted: &Wanted) -> Result<(), CallError> {
    let words = ["submodule", "update", "--init", "--recursive"];
    wanted.reaching().text(state.ctx, &words).map(drop)
}

/// The target for commands that may have large files fetched, where git is set up for that.
fn lfs_tree(state: &mut StateCtx<'_, '_>, wanted: &Wanted) -> Repo {
    let words = ["config", "--global", "--get-regexp", r"filter\.lfs\."];
    let has_lfs = wanted.tree().run(state.ctx, &words).is_ok_and(|ran| !ran.stdout.is_empty());
    if has_lfs { wanted.reaching() } else { wanted.tree() }
}
