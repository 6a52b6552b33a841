//! Scripts: fetched, rendered, run from a file of their own, and removed.

use super::run::{Job, Ran, execute};
use super::surroundings;
use crate::args::as_text;
use crate::registry::{CallError, hint};
use crate::shell_words;
use crate::{Args, Bound, Ctx};
use halite_wire::{Map, Value};
use rustix::fs::StatVfsMountFlags;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Removes the script (`$1`) when it has run: nobody waits for what runs in the background.
const RUN_AND_REMOVE: &str = r#"script="$1"; shift; trap 'rm -f -- "$script"' EXIT; "$@""#;

pub fn script(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    match run(ctx, args)? {
        Ok(ran) => Ok(ran.into_map(args).into()),
        Err(why) => Ok(not_fetched(ctx, why)),
    }
}

pub fn script_retcode(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    match run(ctx, args)? {
        Ok(ran) => Ok(ran.code.into()),
        Err(why) => Ok(not_fetched(ctx, why).get("retcode").cloned().unwrap_or_default()),
    }
}

/// Salt's shape of a script that could not be had.
fn not_fetched(ctx: &mut Ctx, why: String) -> Value {
    ctx.notes.push(why);
    ctx.retcode = 1;
    let mut map = Map::new();
    map.insert("pid", 0);
    map.insert("retcode", 1);
    map.insert("stdout", "");
    map.insert("stderr", "");
    map.insert("cache_error", true);
    map.into()
}

/// The inner error says why there is no script.
fn run(ctx: &mut Ctx, args: &Bound) -> Result<Result<Ran, String>, CallError> {
    let source = args.str("source")?;
    let variables = variables(ctx, args)?;
    let text = match fetch(ctx, &source, &surroundings::saltenv(ctx, args)?) {
        Ok(bytes) => rendered(ctx, args, bytes, &variables)?,
        Err(why) => return Ok(Err(why)),
    };
    let extension = Path::new(source.split('?').next().unwrap_or_default()).extension();
    let suffix = extension.map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let file = ScriptFile::create(ctx, args, &text, &suffix, 0o500)?;
    let mut words = if text.starts_with(b"#!") || text.starts_with(b"\x7fELF") {
        Vec::new()
    } else {
        vec![surroundings::shell(args)?.to_string_lossy().into_owned()]
    };
    words.push(file.path());
    words.extend(script_args(args)?);
    if args.bool("bg") {
        let wrapper = ["/bin/sh", "-c", RUN_AND_REMOVE, "script", &file.path()].map(str::to_owned);
        words.splice(0..0, wrapper);
        file.keep();
        return execute(ctx, &job(args, words)).map(Ok);
    }
    execute(ctx, &job(args, words)).map(Ok)
}

pub fn job(args: &Bound, words: Vec<String>) -> Job<'_> {
    let merge = args.bool("redirect_stderr");
    Job { args, cmd: words.into(), python_shell: Some(false), merge, background: args.bool("bg") }
}

/// Keywords no parameter takes are the template's variables, and mistakes where there is no template.
fn variables(ctx: &Ctx, args: &Bound) -> Result<Map, CallError> {
    let own = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("__"));
    let mut variables: Map =
        args.keywords().iter().filter(|(name, _)| !own(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if args.get("template").is_null()
        && let Some(name) = variables.keys().find_map(Value::as_str)
    {
        let names = super::params::SCRIPT.iter().filter_map(|param| param.name()).map(str::to_owned);
        return Err(args.wrong(format!("no argument is named '{name}'.{}", hint(name, names))));
    }
    variables.insert("saltenv", surroundings::saltenv(ctx, args)?);
    Ok(variables)
}

fn rendered(ctx: &mut Ctx, args: &Bound, bytes: Vec<u8>, variables: &Map) -> Result<Vec<u8>, CallError> {
    let Some(engine) = args.opt_str("template")? else { return Ok(bytes) };
    let text = String::from_utf8(bytes)
        .map_err(|_| CallError::failed("the script is no template: it is not UTF-8"))?;
    let renderer = ctx.render;
    renderer.render(ctx, &engine, &text, variables).map(String::into_bytes).map_err(CallError::Failed)
}

/// `args`: text is split into words, a list is taken as it is.
fn script_args(args: &Bound) -> Result<Vec<String>, CallError> {
    let wrong = || args.wrong("'args' must be text or a list of texts");
    match args.get("args") {
        Value::Null => Ok(Vec::new()),
        Value::List(words) => words.iter().map(|word| as_text(word).ok_or_else(wrong)).collect(),
        text => shell_words::split(&as_text(text).ok_or_else(wrong)?)
            .map_err(|error| args.wrong(format!("'args': {error}"))),
    }
}

/// The bytes of whatever `cp.cache_file` can fetch: `salt://`, web addresses, paths of this host.
fn fetch(ctx: &mut Ctx, source: &str, saltenv: &str) -> Result<Vec<u8>, String> {
    let cached =
        crate::call(ctx, "cp.cache_file", Args::of([source, saltenv])).map_err(|error| error.to_string())?;
    let path = cached.as_str().filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| format!("the script {source} cannot be had"))?;
    std::fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))
}

/// A file that only its user can read, gone when this is dropped.
pub struct ScriptFile {
    path: Option<PathBuf>,
}

impl ScriptFile {
    /// Writes `text` to a new file in `cwd`, or in a temporary directory that lets programs run.
    pub fn create(
        ctx: &Ctx,
        args: &Bound,
        text: &[u8],
        suffix: &str,
        mode: u32,
    ) -> Result<ScriptFile, CallError> {
        let dir = args.opt_str("cwd")?.map(PathBuf::from).unwrap_or_else(runnable_dir);
        let path =
            dir.join(format!("__halite.{:016x}{suffix}", RandomState::new().hash_one(std::process::id())));
        let failed = |error: io::Error| {
            CallError::failed(format!("cannot write the script {}: {error}", path.display()))
        };
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let script = ScriptFile { path: Some(path.clone()) };
        file.write_all(text).map_err(failed)?;
        if let Some(user) = surroundings::user(ctx, args)? {
            chown(&path, Some(user.uid), None).map_err(failed)?;
        }
        file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        Ok(script)
    }

    pub fn path(&self) -> String {
        self.path.as_deref().unwrap_or(Path::new("")).to_string_lossy().into_owned()
    }

    /// Leaves the file: somebody else removes it.
    fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for ScriptFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn runnable_dir() -> PathBuf {
    let candidates = [std::env::temp_dir(), "/var/tmp".into(), "/dev/shm".into()];
    let runs = |dir: &PathBuf| {
        rustix::fs::statvfs(dir)
            .is_ok_and(|fs| !fs.f_flag.intersects(StatVfsMountFlags::NOEXEC | StatVfsMountFlags::RDONLY))
    };
    candidates.into_iter().find(runs).unwrap_or_else(std::env::temp_dir)
}
