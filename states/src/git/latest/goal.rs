//! Where a clone shall be: what the remote says of the revision.

use super::Wanted;
use halite_modules::{Args, CallError, Ctx, call};
use halite_wire::Map;

/// What the revision is on the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Branch,
    Tag,
    /// Perhaps the first digits of it alone.
    Commit,
    /// Nothing yet, or a bare clone that follows everything.
    Nothing,
}

/// What the branch shall follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Whatever it follows.
    Leave,
    Unset,
    Set(String),
}

/// Where the clone shall be.
#[derive(Clone, Debug)]
pub struct Goal {
    pub commit: Option<String>,
    pub kind: Kind,
    pub upstream: Upstream,
    /// Whether the remote's HEAD leads to something.
    pub has_head: bool,
    /// The goal as it is shown.
    pub shown: String,
}

impl Goal {
    /// Asks the remote. `Err` is why there is no such goal, for the user.
    pub fn of(ctx: &mut Ctx, wanted: &Wanted) -> Result<Result<Goal, String>, CallError> {
        let args = Args::of([wanted.url.as_str()]).with("user", wanted.who.user.clone());
        let asked = call(ctx, "git.remote_refs", args.with("identity", wanted.who.keys.clone()));
        let refs = match asked {
            Ok(refs) => refs.as_map().cloned().unwrap_or_default(),
            Err(error) => return Ok(Err(format!("the remote cannot be asked: {error}"))),
        };
        let goal = Goal::among(&refs, wanted);
        if wanted.depth.is_some() && !matches!(goal.kind, Kind::Branch | Kind::Tag) {
            return Ok(Err("with depth, rev must be a branch or tag of the remote".to_owned()));
        }
        if goal.commit.is_none() && !wanted.bare && wanted.rev != "HEAD" {
            return Ok(Err(format!("the remote has no revision {}", wanted.rev)));
        }
        Ok(Ok(goal))
    }

    fn among(refs: &Map, wanted: &Wanted) -> Goal {
        let (rev, known) = (&wanted.rev, |name: &str| refs.get_str(name).map(str::to_owned));
        let tag = || known(&format!("refs/tags/{rev}^{{}}")).or_else(|| known(&format!("refs/tags/{rev}")));
        let (commit, kind, upstream) = if wanted.bare {
            (None, Kind::Nothing, Upstream::Unset)
        } else if rev == "HEAD" {
            match known("HEAD") {
                Some(commit) => (Some(commit), Kind::Commit, Upstream::Leave),
                None => (None, Kind::Nothing, Upstream::Unset),
            }
        } else if let Some(commit) = known(&format!("refs/heads/{rev}")) {
            (Some(commit), Kind::Branch, Upstream::Set(format!("{}/{rev}", wanted.remote)))
        } else if let Some(commit) = tag() {
            (Some(commit), Kind::Tag, Upstream::Unset)
        } else if super::super::is_commit(rev) {
            (Some(rev.to_lowercase()), Kind::Commit, Upstream::Unset)
        } else {
            (None, Kind::Nothing, Upstream::Unset)
        };
        let short = commit.as_deref().map_or("nothing", |commit| &commit[..commit.len().min(7)]);
        let shown =
            if rev.to_lowercase().starts_with(short) { short.to_owned() } else { format!("{rev} ({short})") };
        Goal { kind, upstream, has_head: refs.contains_key("HEAD"), shown, commit }
    }

    /// Whether this commit is the goal.
    pub fn is(&self, commit: Option<&str>) -> bool {
        match (commit, self.commit.as_deref()) {
            (Some(commit), Some(goal)) if self.kind == Kind::Commit => commit.starts_with(goal),
            (commit, goal) => commit == goal,
        }
    }

    /// The commit, which there is wherever a branch is to go somewhere.
    pub fn commit(&self) -> &str {
        self.commit.as_deref().unwrap_or_default()
    }

    /// What a new branch starts from.
    pub fn start<'g>(&'g self, wanted: &'g Wanted) -> &'g str {
        match &self.upstream {
            _ if wanted.rev == "HEAD" => self.commit(),
            Upstream::Set(upstream) => upstream,
            _ => &wanted.rev,
        }
    }

    /// Options of `git branch` that make a branch follow what it shall, where it follows `current`; with what that
    /// does, for the user. None where `branch` is new: checking it out does it.
    pub fn follow(
        &self,
        current: Option<&str>,
        branch: Option<&str>,
        branches: &[String],
    ) -> Option<(Vec<String>, String)> {
        match &self.upstream {
            Upstream::Unset if current.is_some() => {
                Some((vec!["--unset-upstream".to_owned()], "the branch follows nothing now".to_owned()))
            }
            Upstream::Set(wanted) if current != Some(wanted) => {
                let is_new = branch.is_some_and(|branch| !branches.iter().any(|known| known == branch));
                let words = vec!["--set-upstream-to".to_owned(), wanted.clone()];
                (!is_new).then(|| (words, format!("the branch follows {wanted} now")))
            }
            _ => None,
        }
    }
}
