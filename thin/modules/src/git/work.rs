//! Work in one repository: `git.checkout`, `git.status`, `git.merge_base` and their like.

use super::repo::{Repo, Who, options};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::path::Path;

type Answer = Result<Value, CallError>;

/// `git [git_opts] NAME... [opts]`.
fn begin(args: &Bound, names: &[&str]) -> Result<Vec<String>, CallError> {
    let mut words = options(args, "git_opts")?;
    words.extend(names.iter().map(|name| (*name).to_owned()));
    words.extend(options(args, "opts")?);
    Ok(words)
}

/// The argument as a word, where it is given and not empty.
fn word(args: &Bound, name: &str) -> Result<Option<String>, CallError> {
    Ok(args.opt_str(name)?.filter(|word| !word.is_empty()))
}

fn flags<'f>(args: &Bound, flags: &[(&str, &'f str)]) -> Vec<&'f str> {
    flags.iter().filter(|(name, _)| args.bool(name)).map(|(_, flag)| *flag).collect()
}

fn text(ctx: &mut Ctx, args: &Bound, words: &[String]) -> Answer {
    Repo::of(ctx, args)?.text(ctx, words).map(Value::from)
}

fn said(ctx: &mut Ctx, args: &Bound, words: &[String]) -> Answer {
    Repo::of(ctx, args)?.said(ctx, words).map(Value::from)
}

fn done(ctx: &mut Ctx, args: &Bound, words: &[String]) -> Answer {
    Repo::of(ctx, args)?.text(ctx, words).map(|_| Value::Bool(true))
}

pub fn add(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["add", "--verbose"])?;
    words.extend(["--".to_owned(), args.str("filename")?]);
    text(ctx, args, &words)
}

pub fn archive(ctx: &mut Ctx, args: &Bound) -> Answer {
    let repo = Repo::of(ctx, args)?;
    let mut words = begin(args, &["archive"])?;
    let folder =
        || Path::new(repo.path()).file_name().unwrap_or_default().to_string_lossy().into_owned() + "/";
    let prefix = args.opt_str("prefix")?.unwrap_or_else(folder);
    if !prefix.is_empty() {
        words.extend(["--prefix".to_owned(), prefix]);
    }
    if let Some(format) = word(args, "format")? {
        words.extend(["--format".to_owned(), format]);
    }
    words.extend(["--output".to_owned(), args.str("output")?, args.str("rev")?]);
    repo.text(ctx, &words).map(|_| Value::Bool(true))
}

pub fn branch(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["branch"])?;
    words.extend(args.opt_str("name")?);
    done(ctx, args, &words)
}

pub fn checkout(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = options(args, "git_opts")?;
    words.push("checkout".to_owned());
    words.extend(args.bool("force").then(|| "--force".to_owned()));
    let opts = options(args, "opts")?;
    let makes_branch = opts.iter().any(|word| word == "-b" || word == "-B");
    words.extend(opts);
    match args.opt_str("rev")? {
        None if !makes_branch => return Err(args.wrong("'rev' is needed unless -b or -B is in opts")),
        rev => words.extend(rev),
    }
    said(ctx, args, &words)
}

pub fn commit(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = options(args, "git_opts")?;
    words.extend(["commit".to_owned(), "-m".to_owned(), args.str("message")?]);
    words.extend(options(args, "opts")?);
    if let Some(file) = word(args, "filename")? {
        words.extend(["--".to_owned(), file]);
    }
    text(ctx, args, &words)
}

pub fn current_branch(ctx: &mut Ctx, args: &Bound) -> Answer {
    let repo = Repo::of(ctx, args)?;
    repo.text(ctx, &["rev-parse", "--abbrev-ref", "HEAD"]).map(Value::from)
}

pub fn describe(ctx: &mut Ctx, args: &Bound) -> Answer {
    let rev = args.str("rev")?;
    Repo::of(ctx, args)?.text(ctx, &["describe", "--always", &rev]).map(Value::from)
}

pub fn diff(ctx: &mut Ctx, args: &Bound) -> Answer {
    let (no_index, cached) = (args.bool("no_index"), args.bool("cached"));
    if no_index && cached {
        return Err(args.wrong("'no_index' and 'cached' do not go together"));
    }
    let mut words = begin(args, &["diff"])?;
    words.extend(no_index.then(|| "--no-index".to_owned()));
    words.extend(cached.then(|| "--cached".to_owned()));
    let items = [word(args, "item1")?, word(args, "item2")?];
    let taken = if no_index { 0 } else { 2 - usize::from(cached) };
    words.extend(items.into_iter().take(taken).flatten());
    let paths = args.texts("paths")?;
    if !paths.is_empty() {
        words.push("--".to_owned());
        words.extend(paths);
    }
    if !no_index {
        return said(ctx, args, &words);
    }
    // Files that differ are exit code 1 here, not a failure.
    Repo::of(ctx, args)?.run(ctx, &words).map(|ran| ran.stdout.into())
}

pub fn discard_local_changes(ctx: &mut Ctx, args: &Bound) -> Answer {
    said(ctx, args, &["checkout".to_owned(), "--".to_owned(), args.str("path")?])
}

pub fn init(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut repo = Repo::of(ctx, args)?;
    let mut words = options(args, "git_opts")?;
    words.push("init".to_owned());
    words.extend(args.bool("bare").then(|| "--bare".to_owned()));
    if let Some(template) = args.opt_str("template")? {
        words.push(format!("--template={template}"));
    }
    if let Some(folder) = args.opt_str("separate_git_dir")? {
        words.push(format!("--separate-git-dir={folder}"));
    }
    match args.get("shared") {
        Value::Null => {}
        Value::Int(mode) => words.push(format!("--shared=0{mode}")),
        _ => words.push(format!("--shared={}", args.str("shared")?.to_lowercase())),
    }
    words.extend(options(args, "opts")?);
    words.extend(repo.path.take());
    repo.text(ctx, &words).map(Value::from)
}

/// Whether this is a tree that `git worktree` made: `.git` is a file that leads elsewhere.
///
/// # Errors
/// Where git cannot be started for other reasons than the folder.
pub fn is_worktree(ctx: &mut Ctx, repo: &Repo) -> bool {
    let Ok(top) = repo.text(ctx, &["rev-parse", "--show-toplevel"]) else { return false };
    let leads = std::fs::read_to_string(Path::new(&top).join(".git")).unwrap_or_default();
    leads
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("gitdir:"))
        .is_some_and(|to| to.trim().starts_with('/'))
}

pub fn is_worktree_call(ctx: &mut Ctx, args: &Bound) -> Answer {
    let repo = Repo::of(ctx, args)?;
    Ok(is_worktree(ctx, &repo).into())
}

pub fn list_branches(ctx: &mut Ctx, args: &Bound) -> Answer {
    let kind = if args.bool("remote") { "remotes" } else { "heads" };
    Repo::of(ctx, args)?.refs(ctx, kind).map(Value::from)
}

pub fn list_tags(ctx: &mut Ctx, args: &Bound) -> Answer {
    Repo::of(ctx, args)?.refs(ctx, "tags").map(Value::from)
}

pub fn merge(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["merge"])?;
    words.extend(word(args, "rev")?);
    text(ctx, args, &words)
}

pub fn merge_base(ctx: &mut Ctx, args: &Bound) -> Answer {
    let kinds = [
        ("octopus", "--octopus"),
        ("is_ancestor", "--is-ancestor"),
        ("independent", "--independent"),
        ("fork_point", "--fork-point"),
    ];
    let chosen: Vec<_> = kinds.iter().filter(|(name, _)| args.get(name).is_truthy()).collect();
    let mut refs = args.texts("refs")?;
    if chosen.len() > 1 {
        return Err(args.wrong("only one of octopus, independent, is_ancestor and fork_point can be used"));
    }
    let ancestor = args.bool("is_ancestor");
    if ancestor && refs.len() != 2 {
        return Err(args.wrong("is_ancestor needs two refs"));
    }
    let mut words = begin(args, &["merge-base"])?;
    words.extend(args.bool("all").then(|| "--all".to_owned()));
    words.extend(chosen.iter().map(|(_, flag)| (*flag).to_owned()));
    if let Some(point) = word(args, "fork_point")? {
        words.push(point);
        refs = if refs.is_empty() { vec!["HEAD".to_owned()] } else { refs };
    }
    words.extend(refs);
    let repo = Repo::of(ctx, args)?;
    if ancestor {
        return Ok((repo.run(ctx, &words)?.code == 0).into());
    }
    let bases = repo.text(ctx, &words)?;
    let mut bases = bases.lines();
    Ok(if args.bool("all") { bases.collect() } else { bases.next().map(str::to_owned).into() })
}

pub fn merge_tree(ctx: &mut Ctx, args: &Bound) -> Answer {
    let (ours, theirs) = (args.str("ref1")?, args.str("ref2")?);
    let repo = Repo::of(ctx, args)?;
    let base = match word(args, "base")? {
        Some(base) => base,
        None => repo.text(ctx, &["merge-base", &ours, &theirs])?,
    };
    repo.text(ctx, &["merge-tree", &base, &ours, &theirs]).map(Value::from)
}

pub fn pull(ctx: &mut Ctx, args: &Bound) -> Answer {
    text(ctx, args, &begin(args, &["pull"])?)
}

pub fn push(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["push"])?;
    words.extend([word(args, "remote")?, word(args, "ref")?].into_iter().flatten());
    text(ctx, args, &words)
}

pub fn rebase(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["rebase"])?;
    if words.iter().any(|word| word == "-i" || word == "--interactive") {
        return Err(args.wrong("an interactive rebase has nobody to talk to"));
    }
    words.extend(options(args, "rev")?);
    text(ctx, args, &words)
}

pub fn reset(ctx: &mut Ctx, args: &Bound) -> Answer {
    text(ctx, args, &begin(args, &["reset"])?)
}

pub fn rev_parse(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["rev-parse"])?;
    words.extend(args.opt_str("rev")?);
    text(ctx, args, &words)
}

pub fn revision(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = vec!["rev-parse".to_owned()];
    words.extend(args.bool("short").then(|| "--short".to_owned()));
    words.push(args.str("rev")?);
    text(ctx, args, &words)
}

pub fn rm(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["rm"])?;
    words.extend(["--".to_owned(), args.str("filename")?]);
    text(ctx, args, &words)
}

pub fn stash(ctx: &mut Ctx, args: &Bound) -> Answer {
    let action = args.str("action")?;
    text(ctx, args, &begin(args, &["stash", &action])?)
}

pub fn status(ctx: &mut Ctx, args: &Bound) -> Answer {
    let listed = Repo::of(ctx, args)?.text(ctx, &["status", "-z", "--porcelain"])?;
    let mut found = Map::new();
    for (state, name) in listed.split('\0').filter_map(|line| line.trim_start().split_once(' ')) {
        let state = match state {
            "M" => "modified",
            "A" => "new",
            "D" => "deleted",
            "??" => "untracked",
            other => other,
        };
        if let Value::List(names) = found.entry_or(state, || Value::List(Vec::new())) {
            names.push(name.trim_start().into());
        }
    }
    Ok(found.into())
}

pub fn submodule(ctx: &mut Ctx, args: &Bound) -> Answer {
    let command = args.str("command")?;
    text(ctx, args, &begin(args, &["submodule", &command])?)
}

pub fn symbolic_ref(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = begin(args, &["symbolic-ref"])?;
    let value = word(args, "value")?;
    if value.is_some() && words.iter().any(|word| word == "-d" || word == "--delete") {
        return Err(args.wrong("a ref that is deleted cannot be given a value"));
    }
    words.push(args.str("ref")?);
    words.extend(value);
    text(ctx, args, &words)
}

pub fn tag(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = options(args, "git_opts")?;
    words.push("tag".to_owned());
    let mut opts = options(args, "opts")?;
    opts.retain(|word| word != "-a" && word != "--annotate");
    if opts.iter().any(|word| word == "-m" || word.contains("--message")) {
        return Err(args.wrong("the tag's message belongs into 'message'"));
    }
    if let Some(message) = args.opt_str("message")? {
        words.extend(["-a".to_owned(), "-m".to_owned(), message]);
    }
    let deletes = opts.iter().any(|word| word == "-d" || word == "--delete");
    words.extend(opts);
    words.push(args.str("name")?);
    if !deletes {
        words.push(args.str("ref")?);
    }
    said(ctx, args, &words)
}

pub fn version(ctx: &mut Ctx, args: &Bound) -> Answer {
    let version = super::version(ctx)?;
    if !args.bool("versioninfo") {
        return Ok(version.into());
    }
    let part = |part: &str| part.parse().map_or_else(|_| Value::from(part), Value::Int);
    Ok(version.split('.').map(part).collect())
}

pub fn worktree_add(ctx: &mut Ctx, args: &Bound) -> Answer {
    let (path, branch, detach) = (args.str("worktree_path")?, word(args, "branch")?, args.bool("detach"));
    if branch.is_some() && detach {
        return Err(args.wrong("only one of 'branch' and 'detach' can be used"));
    }
    let mut words = options(args, "git_opts")?;
    words.extend(["worktree".to_owned(), "add".to_owned()]);
    if detach {
        words.push("--detach".to_owned());
    } else {
        let named = || Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let flag = if args.bool("reset_branch") { "-B" } else { "-b" };
        words.extend([flag.to_owned(), branch.unwrap_or_else(named)]);
        words.extend(args.bool("force").then(|| "--force".to_owned()));
    }
    words.extend(options(args, "opts")?);
    words.push(path);
    words.extend(word(args, "ref")?);
    said(ctx, args, &words)
}

pub fn worktree_prune(ctx: &mut Ctx, args: &Bound) -> Answer {
    let mut words = options(args, "git_opts")?;
    words.extend(["worktree".to_owned(), "prune".to_owned()]);
    let flags = flags(args, &[("dry_run", "--dry-run"), ("verbose", "--verbose")]);
    words.extend(flags.into_iter().map(str::to_owned));
    if let Some(expire) = word(args, "expire")? {
        words.extend(["--expire".to_owned(), expire]);
    }
    words.extend(options(args, "opts")?);
    said(ctx, args, &words)
}

pub fn worktree_rm(ctx: &mut Ctx, args: &Bound) -> Answer {
    let who = Who { user: args.opt_str("user")?, keys: Vec::new() };
    let repo = super::at(&args.str("cwd")?, &who);
    if !is_worktree(ctx, &repo) {
        return Err(CallError::failed(format!("{} is no worktree of git", repo.path())));
    }
    let failed = |error| CallError::failed(format!("{} cannot be removed: {error}", repo.path()));
    std::fs::remove_dir_all(repo.path()).map_err(failed)?;
    Ok(Value::Bool(true))
}
