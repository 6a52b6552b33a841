//! The first time: cloning, and going to the goal from there.

use super::super::{empty, ended};
use super::goal::{Goal, Kind};
use super::{Report, Wanted};
use crate::{Look, StateCtx};
use halite_modules::{CallError, git};
use halite_wire::Map;
use std::path::Path;

pub fn look(wanted: Wanted, goal: Goal) -> Result<Look, CallError> {
    let (name, target) = (&wanted.name, &wanted.target);
    let mut planned = Map::new();
    if let Ok(mut entries) = std::fs::read_dir(target) {
        if wanted.force_clone {
            planned.insert("forced clone", true);
        } else if entries.next().is_some() {
            return Ok(Look::cannot(format!(
                "{target} has files in it and is no repository; with force_clone they would be removed"
            )));
        }
    }
    planned.insert("new", format!("{name} => {target}"));
    let comment = format!("{} is to be cloned to {target}", git::redacted(name));
    Ok(Look::differs(comment, planned, move |state| {
        let mut report = Report::default();
        let done = clone(state, &wanted, &goal, &mut report);
        Ok(ended(done, report, true))
    }))
}

fn clone(
    state: &mut StateCtx<'_, '_>,
    wanted: &Wanted,
    goal: &Goal,
    report: &mut Report,
) -> Result<(), CallError> {
    if Path::new(&wanted.target).is_dir() && wanted.force_clone {
        empty(&wanted.target)?;
        report.changes.insert("forced clone", true);
    }
    let mut opts: Vec<&str> = Vec::new();
    opts.extend(wanted.mirror.then_some("--mirror").or(wanted.bare.then_some("--bare")));
    if wanted.remote != "origin" {
        opts.extend(["--origin", &wanted.remote]);
    }
    if let Some(depth) = &wanted.depth {
        opts.extend(["--depth", depth, "--branch", &wanted.rev]);
    }
    super::super::clone(state.ctx, &wanted.url, &wanted.target, &opts, &wanted.who)?;
    report.changes.insert("new", format!("{} => {}", wanted.name, wanted.target));
    report.say(format!("{} was cloned to {}", git::redacted(&wanted.name), wanted.target));
    if !wanted.bare && goal.commit.is_some() {
        settle(state, wanted, goal, report)?;
    }
    if wanted.submodules && goal.commit.is_some() {
        super::submodules(state, wanted)?;
    }
    if let Ok(rev) = wanted.tree().parse(state.ctx, "HEAD") {
        report.revision(None, &rev);
    }
    Ok(())
}

/// Takes a fresh clone to the goal.
fn settle(
    state: &mut StateCtx<'_, '_>,
    wanted: &Wanted,
    goal: &Goal,
    report: &mut Report,
) -> Result<(), CallError> {
    let tree = wanted.tree();
    if goal.kind == Kind::Tag && !tree.refs(state.ctx, "tags")?.contains(&wanted.rev) {
        return Err(CallError::failed(format!("the clone has no tag {}", wanted.rev)));
    }
    if let Some(branch) = &wanted.branch
        && !tree.refs(state.ctx, "heads")?.contains(branch)
    {
        tree.said(state.ctx, &["checkout", "-b", branch, goal.start(wanted)])?;
        report.say(format!("branch {branch} was made at {}", goal.shown));
    }
    let (commit, branch) = super::super::position(state.ctx, &tree);
    if branch.is_none() && !goal.has_head {
        return Err(CallError::failed(
            "the remote's HEAD leads nowhere; name a branch to check out with 'branch'",
        ));
    }
    if !goal.is(commit.as_deref()) {
        tree.text(state.ctx, &["reset", "--hard", goal.commit()])?;
        report.say(format!("the branch was set to {}", goal.shown));
    }
    let asked = format!("{}@{{upstream}}", branch.unwrap_or_default());
    let upstream = tree.text(state.ctx, &["rev-parse", "--abbrev-ref", &asked]).ok();
    let branches = tree.refs(state.ctx, "heads")?;
    if let Some((opts, done)) = goal.follow(upstream.as_deref(), wanted.branch.as_deref(), &branches) {
        tree.text(state.ctx, &[vec!["branch".to_owned()], opts].concat())?;
        report.say(done);
    }
    Ok(())
}
