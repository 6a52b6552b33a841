//! `git.*`: repositories and git's configuration as they shall be.

mod config;
mod detached;
mod latest;
mod plain;
mod table;

use crate::{Applied, StateModule};
use halite_modules::git::{Repo, Who};
use halite_modules::{Args, Bound, CallError, Ctx, call, tools};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: StateModule = StateModule {
    file: "git",
    virtual_name: "git",
    doc: "Repositories and git's configuration as they shall be.",
    applies: |_| tools::has("git"),
    functions: table::FUNCTIONS,
};

/// What was done so far, told however it ends.
#[derive(Default)]
struct Report {
    changes: Map,
    comments: Vec<String>,
}

impl Report {
    fn say(&mut self, comment: impl Into<String>) {
        self.comments.push(comment.into());
    }

    fn revision(&mut self, old: Option<&str>, new: &str) {
        let rev = Map::from([("old", Value::from(old.map(str::to_owned))), ("new", new.into())]);
        self.changes.insert("revision", rev);
    }
}

/// The end of a state: what went wrong comes first. `keeps` has changes told of a failure, too.
fn ended(done: Result<(), CallError>, report: Report, keeps: bool) -> Applied {
    let said = report.comments.join(", ");
    match done {
        Ok(()) => Applied::done(said, report.changes),
        Err(error) => {
            let before = if said.is_empty() { said } else { format!("; before that: {said}") };
            let changes = if keeps { report.changes } else { Map::new() };
            Applied::failed(format!("{error}{before}"), changes)
        }
    }
}

/// The keys of `identity` as paths on this host; `Err` is for the user.
fn keys_of(ctx: &mut Ctx, args: &Bound) -> Result<Result<Vec<String>, String>, CallError> {
    match args.get("identity") {
        Value::Null | Value::Str(_) | Value::List(_) => {}
        _ => return Ok(Err("identity must be a path or a list of paths".to_owned())),
    }
    let home = || std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let mut keys = Who::of(ctx, args)?.keys;
    for key in &mut keys {
        if let Some(below) = key.strip_prefix("~/") {
            *key = format!("{}/{below}", home());
        }
        if !key.starts_with('/') {
            return Ok(Err(format!("the identity {key} is not an absolute path")));
        }
    }
    Ok(Ok(keys))
}

/// Whether this may be the beginning of a commit's name.
fn is_commit(rev: &str) -> bool {
    rev.len() <= 40 && rev.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Commit and branch of the work tree, where there are.
fn position(ctx: &mut Ctx, tree: &Repo) -> (Option<String>, Option<String>) {
    (tree.parse(ctx, "HEAD").ok(), tree.text(ctx, &["rev-parse", "--abbrev-ref", "HEAD"]).ok())
}

/// Clones to `target`.
fn clone(ctx: &mut Ctx, url: &str, target: &str, opts: &[&str], who: &Who) -> Result<(), CallError> {
    let args = Args::of([target, url]).with("opts", opts.to_vec()).with("user", who.user.clone());
    call(ctx, "git.clone", args.with("identity", who.keys.clone())).map(drop)
}

/// Removes all that is in a folder.
fn empty(folder: &str) -> Result<(), CallError> {
    let failed = |error: std::io::Error| CallError::failed(format!("{folder} cannot be emptied: {error}"));
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        remove(&entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.is_dir() && !path.is_symlink() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    }
}
