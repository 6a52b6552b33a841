//! A repository and as whom it is used: words for `git` in, its output or a plain error out.

use super::remote::redacted;
use crate::args::as_text;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, accounts, shell_words};
use halite_wire::{Map, Value};
use std::path::Path;

/// Whom git runs as, and the ssh keys it may try.
#[derive(Clone, Debug, Default)]
pub struct Who {
    pub user: Option<String>,
    /// Paths on the host; one after the other until one is let in. Empty: git's own ways.
    pub keys: Vec<String>,
}

/// A directory git works in.
#[derive(Clone, Debug)]
pub struct Repo {
    /// `None` is the user's home.
    pub path: Option<String>,
    pub who: Who,
}

/// What git left. The texts have no line end at their end.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
}

/// ssh with one key and nothing that would wait for somebody to type.
const SSH: &str = "ssh -oStrictHostKeyChecking=no -oPasswordAuthentication=no -oKbdInteractiveAuthentication=no -i \"$GIT_IDENTITY\"";

/// The repository at `path`, relative to the user's home.
pub fn at(path: &str, who: &Who) -> Repo {
    Repo { path: Some(expand(path, who.user.as_deref())), who: who.clone() }
}

fn expand(path: &str, user: Option<&str>) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let of_user = user.and_then(accounts::user).map(|user| user.home);
    let home = of_user.or_else(|| std::env::var("HOME").ok()).unwrap_or_else(|| "/root".to_owned());
    Path::new(&home).join(path).to_string_lossy().into_owned()
}

impl Who {
    /// From the arguments `user` and `identity`.
    ///
    /// # Errors
    /// Arguments of the wrong kind, a key on the file server that cannot be had.
    pub fn of(ctx: &mut Ctx, args: &Bound) -> Result<Who, CallError> {
        let keys = match args.get("identity") {
            Value::Null => Vec::new(),
            Value::Str(path) => vec![path.clone()],
            _ => args.texts("identity")?,
        };
        let keys: Result<_, _> = keys.into_iter().map(|key| local_key(ctx, key)).collect();
        Ok(Who { user: args.opt_str("user")?, keys: keys? })
    }
}

fn local_key(ctx: &mut Ctx, key: String) -> Result<String, CallError> {
    if !key.starts_with("salt://") {
        return Ok(key);
    }
    let cached = call(ctx, "cp.cache_file", Args::of([key.as_str()]))?;
    cached.as_str().map(str::to_owned).ok_or_else(|| CallError::failed(format!("there is no key {key}")))
}

impl Repo {
    /// The repository of the argument `cwd`.
    ///
    /// # Errors
    /// As [`Who::of`].
    pub fn of(ctx: &mut Ctx, args: &Bound) -> Result<Repo, CallError> {
        let who = Who::of(ctx, args)?;
        let path = args.opt_str("cwd")?.map(|path| expand(&path, who.user.as_deref()));
        Ok(Repo { path, who })
    }

    /// The path as text; empty where there is none.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    /// Runs git to its end, whatever comes of it.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn run(&self, ctx: &mut Ctx, words: &[impl AsRef<str>]) -> Result<Ran, CallError> {
        self.run_with(ctx, words, false)
    }

    /// What git prints.
    ///
    /// # Errors
    /// Where it cannot be started or fails; the text is its own last words.
    pub fn text(&self, ctx: &mut Ctx, words: &[impl AsRef<str>]) -> Result<String, CallError> {
        checked(words, self.run(ctx, words)?)
    }

    /// The same with what it says on standard error, where git reports what it does.
    ///
    /// # Errors
    /// As [`Repo::text`].
    pub fn said(&self, ctx: &mut Ctx, words: &[impl AsRef<str>]) -> Result<String, CallError> {
        checked(words, self.run_with(ctx, words, true)?)
    }

    /// The commit `rev` stands for.
    ///
    /// # Errors
    /// As [`Repo::text`].
    pub fn parse(&self, ctx: &mut Ctx, rev: &str) -> Result<String, CallError> {
        self.text(ctx, &["rev-parse", rev])
    }

    /// Names of refs below `refs/KIND/`.
    ///
    /// # Errors
    /// As [`Repo::text`].
    pub fn refs(&self, ctx: &mut Ctx, kind: &str) -> Result<Vec<String>, CallError> {
        let below = format!("refs/{kind}/");
        let listed = self.text(ctx, &["for-each-ref", "--format", "%(refname:short)", &below])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    fn run_with(&self, ctx: &mut Ctx, words: &[impl AsRef<str>], merge: bool) -> Result<Ran, CallError> {
        if self.who.keys.is_empty() {
            return self.run_once(ctx, words, merge, Map::new());
        }
        let mut last = None;
        let mut missing = Vec::new();
        for key in &self.who.keys {
            if !Path::new(key).is_file() {
                missing.push(key.as_str());
                continue;
            }
            let env = Map::from([("GIT_IDENTITY", key.as_str()), ("GIT_SSH_COMMAND", SSH)]);
            let ran = self.run_once(ctx, words, merge, env)?;
            if ran.code == 0 {
                return Ok(ran);
            }
            last = Some(ran);
        }
        last.ok_or_else(|| CallError::failed(format!("there is no key at {}", missing.join(", "))))
    }

    fn run_once(
        &self,
        ctx: &mut Ctx,
        words: &[impl AsRef<str>],
        merge: bool,
        env: Map,
    ) -> Result<Ran, CallError> {
        let argv: Value = std::iter::once("git").chain(words.iter().map(AsRef::as_ref)).collect();
        let retcode = ctx.retcode;
        let args = Args::of([argv]).with("python_shell", false).with("ignore_retcode", true);
        let args = args.with("cwd", self.path.clone()).with("runas", self.who.user.clone());
        let ran = call(ctx, "cmd.run_all", args.with("env", env).with("redirect_stderr", merge))?;
        ctx.retcode = retcode;
        let text = |key: &str| ran.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = ran.get("retcode").and_then(Value::as_i64).unwrap_or(-1);
        Ok(Ran { code, stdout: text("stdout"), stderr: text("stderr") })
    }
}

fn checked(words: &[impl AsRef<str>], ran: Ran) -> Result<String, CallError> {
    if ran.code == 0 {
        return Ok(ran.stdout);
    }
    let what = words.iter().map(AsRef::as_ref).find(|word| !word.starts_with('-')).unwrap_or_default();
    let why = if ran.stderr.is_empty() { &ran.stdout } else { &ran.stderr };
    Err(CallError::failed(format!("git {what} failed: {}", redacted(why))))
}

/// git's version as numbers and words: `2.47.3`.
///
/// # Errors
/// Where there is no git.
pub fn version(ctx: &mut Ctx) -> Result<String, CallError> {
    let said = Repo { path: None, who: Who::default() }.text(ctx, &["--version"])?;
    let plain = said.split(" (").next().unwrap_or_default();
    Ok(plain.split_whitespace().last().unwrap_or("unknown").to_owned())
}

/// Options as words: a list as it is, text as a shell would cut it, a `--` at its end dropped.
///
/// # Errors
/// A quote nobody closes.
pub fn options(args: &Bound, name: &str) -> Result<Vec<String>, CallError> {
    let mut words = match args.get(name) {
        Value::Null => Vec::new(),
        Value::List(items) => return Ok(items.iter().filter_map(as_text).collect()),
        Value::Str(line) => shell_words::split(line).map_err(|error| args.wrong(error.to_string()))?,
        other => as_text(other).into_iter().collect(),
    };
    words.pop_if(|word| word == "--");
    Ok(words)
}
