//! A clone that is there: fetching, and the way from where it is to the goal.

use super::super::ended;
use super::goal::{Goal, Upstream};
use super::local::Local;
use super::{Report, Reset, Wanted};
use crate::{Look, StateCtx};
use halite_modules::git::{Updates, add_remote};
use halite_modules::{Args, CallError, call, git};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

/// The way to the goal.
struct Way {
    wanted: Wanted,
    goal: Goal,
    local: Local,
    /// Whether all that is needed was fetched before.
    has: bool,
    /// Whether it goes forward alone; unknown before the fetch.
    forward: Option<bool>,
    is_there: bool,
}

pub fn look(state: &mut StateCtx<'_, '_>, wanted: Wanted, goal: Goal) -> Result<Look, CallError> {
    let local = Local::of(state.ctx, &wanted, &goal)?;
    let target = wanted.target.clone();
    if !wanted.bare && goal.commit.is_none() && local.rev.is_some() {
        return Ok(Look::cannot(format!("the remote is empty and {target} is not")));
    }
    let is_there = goal.is(local.rev.as_deref());
    if local.is_dirty && is_there {
        if wanted.reset != Reset::Always {
            let hint = "with changes nobody committed, which force_reset would discard";
            return Ok(Look::in_sync(format!("{target} is up to date, {hint}")));
        } else if state.test {
            let comment = format!("changes in {target} nobody committed are to be discarded");
            return Ok(unapplied(comment, Map::from([("forced update", true)])));
        }
    }
    let has = match local.has(state.ctx, &wanted, &goal) {
        Ok(has) => has,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let mut way = Way { wanted, goal, local, has, forward: None, is_there };
    if way.local.is_dirty && way.wanted.reset != Reset::RemoteChanges {
        way.forward = Some(false);
    }
    if way.has {
        if way.stays() {
            return Ok(Look::in_sync(way.stays_why()));
        }
        if way.forward.is_none() {
            way.forward = Some(way.local.is_before(state.ctx, &way.goal)?);
        }
    }
    if way.forward == Some(false) && way.wanted.reset == Reset::No {
        return Ok(Look::cannot(way.not_forward()));
    }
    Ok(if state.test { way.planned() } else { way.apply() })
}

/// A plan that is only looked at.
fn unapplied(comment: String, changes: Map) -> Look {
    Look::differs(comment, changes, |_| Err(CallError::failed("this was a test")))
}

fn set(changes: &mut Map, key: &str, items: &BTreeSet<String>) {
    changes.insert(key, items.iter().cloned().collect::<Vec<_>>());
}

impl Way {
    fn new_branch(&self) -> Option<&str> {
        self.wanted.new_branch(self.local.branch.as_deref())
    }

    /// Whether the branch shall stay where it is, however the remote goes on.
    fn stays(&self) -> bool {
        !self.is_there && !self.wanted.update_head && self.new_branch().is_none()
    }

    fn stays_why(&self) -> String {
        format!("{} is fetched, and the branch stays where it is (update_head=False)", self.goal.shown)
    }

    fn not_forward(&self) -> String {
        let why = if self.local.is_dirty {
            "there are changes nobody committed"
        } else {
            "that would lose commits"
        };
        format!("{} cannot go to {}: {why}; force_reset would", self.wanted.target, self.goal.shown)
    }

    fn has_other_url(&self) -> bool {
        self.goal.commit.is_some()
            && self.local.fetch_url(&self.wanted.remote) != Some(self.wanted.url.as_str())
    }

    /// What `test=True` shows.
    fn planned(self) -> Look {
        let mut changes = Map::new();
        let other_url = self.has_other_url();
        let moves = self.wanted.update_head || (!other_url && self.new_branch().is_some());
        if self.goal.commit.is_some() && !self.is_there && moves {
            let rev = Map::from([("old", self.local.rev.clone()), ("new", self.goal.commit.clone())]);
            changes.insert("revision", rev);
            if other_url && self.forward == Some(false) {
                changes.insert("forced update", true);
            }
        }
        let target = &self.wanted.target;
        if changes.is_empty() {
            return Look::in_sync(format!("{target} is up to date"));
        }
        unapplied(format!("{target} is to go to {}", self.goal.shown), changes)
    }

    fn apply(mut self) -> Look {
        let comment = format!("{} is to go to {}", self.wanted.target, self.goal.shown);
        Look::differs(comment, Map::new(), move |state| {
            let mut report = Report::default();
            let done = self.walk(state, &mut report);
            if report.comments.is_empty() {
                report.say(format!("{} is up to date", self.wanted.target));
            }
            Ok(ended(done, report, true))
        })
    }

    fn walk(&mut self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        if self.has_other_url() {
            self.set_remote(state, report)?;
        }
        if self.goal.commit.is_some() {
            self.go(state, report)?;
            if self.stays() {
                return Ok(());
            }
        } else if self.wanted.bare {
            self.fetch(state, report)?;
        }
        let new = self.local.tree.parse(state.ctx, "HEAD").ok();
        if !self.wanted.bare && !self.goal.is(new.as_deref()) {
            return Err(CallError::failed(format!(
                "{} did not get to {}",
                self.wanted.target, self.goal.shown
            )));
        }
        if let Some(new) = new.filter(|new| self.local.rev.as_ref() != Some(new)) {
            report.revision(self.local.rev.as_deref(), &new);
        }
        Ok(())
    }

    fn set_remote(&self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        let Wanted { name, remote, url, .. } = &self.wanted;
        add_remote(state.ctx, &self.local.tree, remote, url)?;
        report.say(format!("the remote {remote} is {} now", git::redacted(url)));
        if self.local.fetch_url(remote).is_none() {
            report.changes.insert("new", format!("{name} => {remote}"));
        }
        Ok(())
    }

    fn go(&mut self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        let upstream = self.local.upstream(state.ctx);
        let branch = self.wanted.branch.as_deref();
        let follow = self.goal.follow(upstream.as_deref(), branch, &self.local.branches);
        if follow.is_some() && self.local.branch.is_none() {
            return Err(CallError::failed(
                "HEAD leads to a branch that does not exist; name one with 'branch'",
            ));
        }
        self.sync_tags(state, report)?;
        if !self.has {
            self.fetch(state, report)?;
            let asked = format!("{}^{{commit}}", self.goal.commit());
            self.local.tree.parse(state.ctx, &asked)?;
            if self.stays() {
                report.say(self.stays_why());
                return Ok(());
            }
            let forward = self.local.is_before(state.ctx, &self.goal)?;
            self.forward = Some(forward);
            if self.wanted.reset == Reset::No && (!forward || self.local.is_dirty) {
                return Err(CallError::failed(self.not_forward()));
            }
        }
        self.check_out(state, report)?;
        self.clear_way(state, report)?;
        if let Some((opts, done)) = follow {
            self.local.tree.text(state.ctx, &[vec!["branch".to_owned()], opts].concat())?;
            report.say(done);
        }
        self.forward(state, report)?;
        if self.wanted.submodules {
            super::submodules(state, &self.wanted)?;
        }
        Ok(())
    }

    /// Tags the remote has not are removed here; those it has beside ours make a fetch needed.
    fn sync_tags(&mut self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        let args = Args::of([self.wanted.target.as_str(), &self.wanted.remote]).with("opts", "--tags");
        let args = args.with("user", self.wanted.who.user.clone());
        let listed = call(state.ctx, "git.ls_remote", args.with("identity", self.wanted.who.keys.clone()))?;
        let names = listed.as_map().into_iter().flat_map(Map::keys).filter_map(Value::as_str);
        let theirs: BTreeSet<String> =
            names.filter(|name| !name.contains("^{}")).map(|name| name.replace("refs/tags/", "")).collect();
        let ours = &self.local.tags;
        if *ours == theirs {
            return Ok(());
        }
        self.has = false;
        let new: BTreeSet<String> = theirs.difference(ours).cloned().collect();
        if !new.is_empty() {
            set(&mut report.changes, "new_tags", &new);
        }
        let gone: BTreeSet<String> = ours.difference(&theirs).cloned().collect();
        if self.wanted.sync_tags && !gone.is_empty() {
            for tag in &gone {
                self.local.tree.said(state.ctx, &["tag", "-d", tag])?;
            }
            report.say("tags the remote does not have were removed");
            set(&mut report.changes, "deleted_tags", &gone);
        }
        Ok(())
    }

    fn fetch(&self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        let mut words = vec!["fetch"];
        words.extend(self.wanted.force_fetch.then_some("--force"));
        words.push(&self.wanted.remote);
        words.extend(self.wanted.refspecs.iter().map(String::as_str));
        let said = self.wanted.reaching().said(state.ctx, &words)?;
        if !Updates::of(&said).is_empty() {
            report.say(format!("{} was fetched", git::redacted(&self.wanted.name)));
        }
        Ok(())
    }

    fn check_out(&self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        let Some(branch) = self.new_branch() else { return Ok(()) };
        if self.local.is_dirty && !self.wanted.force_checkout {
            let why = "there are changes nobody committed; force_checkout would discard them";
            return Err(CallError::failed(format!("branch {branch} cannot be checked out: {why}")));
        }
        let mut words = vec!["checkout"];
        words.extend(self.wanted.force_checkout.then_some("--force"));
        if self.local.branches.iter().any(|known| known == branch) {
            words.push(branch);
        } else {
            words.extend(["-b", branch, self.goal.start(&self.wanted)]);
        }
        self.local.tree.said(state.ctx, &words)?;
        report.say(format!("branch {branch} was checked out"));
        Ok(())
    }

    /// Discards what is in the way, where that is allowed.
    fn clear_way(&self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        if self.forward == Some(false) {
            let tree = super::lfs_tree(state, &self.wanted);
            tree.text(state.ctx, &["reset", "--hard", self.goal.commit()])?;
            report.changes.insert("forced update", true);
            report.say(format!("the branch was set to {}", self.goal.shown));
        } else if self.local.is_dirty && self.wanted.reset != Reset::No {
            self.local.tree.said(state.ctx, &["checkout", "--", "."])?;
            report.say("changes nobody committed were discarded");
        }
        Ok(())
    }

    fn forward(&self, state: &mut StateCtx<'_, '_>, report: &mut Report) -> Result<(), CallError> {
        if self.forward != Some(true) || self.goal.is(self.local.base_rev.as_deref()) {
            return Ok(());
        }
        let tree = super::lfs_tree(state, &self.wanted);
        if matches!(self.goal.upstream, Upstream::Set(_)) || self.wanted.rev == "HEAD" {
            tree.text(state.ctx, &["symbolic-ref", "--quiet", "HEAD"])
                .map_err(|_| CallError::failed("HEAD is on no branch and cannot go forward"))?;
            tree.text(state.ctx, &["merge", "--ff-only", self.goal.commit()])?;
        } else {
            tree.text(state.ctx, &["reset", "--hard", &self.wanted.rev])?;
        }
        report.say(format!("the branch went forward to {}", self.goal.shown));
        Ok(())
    }
}
