//! Where a clone is: its commit and branch, what it has of the remote, what nobody committed.

use super::goal::{Goal, Kind};
use super::{Reset, Wanted};
use halite_modules::git::{Repo, remotes};
use halite_modules::{CallError, Ctx};
use halite_wire::Map;
use std::collections::BTreeSet;

/// Where the clone is, and where any way to the goal starts.
pub struct Local {
    pub tree: Repo,
    pub rev: Option<String>,
    pub branch: Option<String>,
    pub branches: Vec<String>,
    pub tags: BTreeSet<String>,
    /// Where the branch that shall be checked out is.
    pub base_rev: Option<String>,
    pub base_branch: Option<String>,
    pub remotes: Map,
    /// Whether there is anything nobody committed.
    pub is_dirty: bool,
}

impl Local {
    pub fn of(ctx: &mut Ctx, wanted: &Wanted, goal: &Goal) -> Result<Local, CallError> {
        let tree = wanted.tree();
        let branches = tree.refs(ctx, "heads")?;
        let tags = tree.refs(ctx, "tags")?.into_iter().collect();
        let (rev, branch) = super::super::position(ctx, &tree);
        let (mut base_rev, mut base_branch) = (rev.clone(), branch.clone());
        if let Some(other) = wanted.new_branch(branch.as_deref()) {
            if branches.iter().any(|known| known == other) {
                base_branch = Some(other.to_owned());
                base_rev = Some(tree.parse(ctx, &format!("{other}^{{commit}}"))?);
            } else {
                base_rev = goal.commit.clone();
            }
        }
        let remotes = remotes(ctx, &tree, false)?;
        let diff = |ctx: &mut Ctx| tree.text(ctx, &["diff", "HEAD"]).is_ok_and(|diff| !diff.is_empty());
        let is_dirty = !wanted.bare && diff(ctx);
        Ok(Local { tree, rev, branch, branches, tags, base_rev, base_branch, remotes, is_dirty })
    }

    /// Whether the goal's commit is here, and the refs that lead to it are what the remote has. `Err` is for the
    /// user: a tag was moved.
    pub fn has(&self, ctx: &mut Ctx, wanted: &Wanted, goal: &Goal) -> Result<bool, String> {
        let Some(commit) = &goal.commit else { return Ok(false) };
        if goal.kind == Kind::Commit && self.base_rev.as_ref().is_some_and(|base| base.starts_with(commit)) {
            return Ok(true);
        }
        let mut parse = |rev: &str| self.tree.parse(ctx, rev).ok();
        if parse(&format!("{commit}^{{commit}}")).is_none() {
            return Ok(false);
        }
        match goal.kind {
            Kind::Branch if !self.remotes.contains_key(&wanted.remote) => Ok(false),
            Kind::Branch => Ok(parse(&format!("{}/{}", wanted.remote, wanted.rev)).as_ref() == Some(commit)),
            Kind::Tag if !self.tags.contains(&wanted.rev) => Ok(false),
            Kind::Tag if parse(&format!("{}^{{commit}}", wanted.rev)).as_ref() == Some(commit) => Ok(true),
            Kind::Tag if wanted.reset == Reset::No => Err(format!(
                "the tag {} is elsewhere on the remote now; with force_reset it would be followed",
                wanted.rev
            )),
            Kind::Tag | Kind::Nothing => Ok(false),
            Kind::Commit => Ok(true),
        }
    }

    /// Whether the goal can be reached by going forward.
    pub fn is_before(&self, ctx: &mut Ctx, goal: &Goal) -> Result<bool, CallError> {
        let Some(base) = &self.base_rev else { return Ok(true) };
        let ran = self.tree.run(ctx, &["merge-base", "--is-ancestor", base, goal.commit()])?;
        Ok(ran.code == 0)
    }

    /// What the branch follows.
    pub fn upstream(&self, ctx: &mut Ctx) -> Option<String> {
        let asked = format!("{}@{{upstream}}", self.base_branch.as_ref()?);
        self.tree.text(ctx, &["rev-parse", "--abbrev-ref", &asked]).ok()
    }

    /// The address things are fetched from.
    pub fn fetch_url(&self, remote: &str) -> Option<&str> {
        self.remotes.get(remote)?.get("fetch")?.as_str()
    }
}
