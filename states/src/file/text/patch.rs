//! `file.patch`: the host's `patch` program, run without a trace first.

use super::{absent, named};
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, call, paths, process, shell_words, write};
use halite_wire::Value;
use std::path::{Path, PathBuf};

/// Options the state itself needs.
const OURS: [&str; 6] = ["-N", "--forward", "-r", "--reject-file", "-o", "--output"];

pub fn patch(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    if process::which("patch").is_none() {
        return Ok(Look::cannot("the program patch is not on this host; its package is named patch"));
    }
    let path = named(args)?;
    if let Some(why) = absent(&path) {
        return Ok(Look::cannot(why));
    }
    let options = Options::of(args)?;
    let source = source(state, args)?;
    let scratch = Scratch::new()?;
    let job = Job { path, source, options };
    let rejects = match args.opt_str("reject_file")? {
        None => scratch.0.join("rejects"),
        Some(file) => reject_file(args, file)?,
    };
    let output = scratch.0.join("output");
    let tried = job.run(
        state,
        &["-N".into(), "-r".into(), text(&rejects), "-o".into(), text(&output)],
        &job.source,
        false,
    )?;
    if code(&tried) != 0 {
        return job.explain(state, &tried, &rejects);
    }
    Ok(Look::differs(format!("{} would be patched", job.path.display()), tried, move |state| {
        let done = job.run(state, &[], &job.source, false)?;
        let (ok, name) = (code(&done) == 0, job.path.display());
        Ok(if ok {
            Applied::done(format!("patched {name}"), done)
        } else {
            Applied::failed(format!("{name} could not be patched"), done)
        })
    }))
}

/// A directory of our own for what `patch` writes while it tries.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, CallError> {
        let folder = write::fresh_name(&std::env::temp_dir().join("patch"));
        match write::private_folders(&folder) {
            Ok(()) => Ok(Scratch(folder)),
            Err(error) => Err(CallError::failed(format!("cannot make {}: {error}", folder.display()))),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn code(answer: &Value) -> i64 {
    answer.get("retcode").and_then(Value::as_i64).unwrap_or(1)
}

struct Options {
    words: Vec<String>,
    strip: Option<i64>,
}

impl Options {
    fn of(args: &Bound) -> Result<Options, CallError> {
        let given =
            shell_words::split(&args.str("options")?).map_err(|error| args.wrong(error.to_string()))?;
        let (mut words, mut strip) = (Vec::new(), args.opt_int("strip")?);
        let mut given = given.into_iter();
        while let Some(option) = given.next() {
            if OURS.iter().any(|ours| option.starts_with(ours)) {
                return Err(
                    args.wrong(format!("the option {option} cannot be given; the state uses it itself"))
                );
            }
            let number = match option.strip_prefix("-p").or_else(|| option.strip_prefix("--strip=")) {
                Some(number) => Some(number.to_owned()),
                None if option == "--strip" => Some(given.next().unwrap_or_default()),
                None => None,
            };
            match number {
                Some(number) => {
                    let parsed =
                        number.parse().map_err(|_| args.wrong(format!("'{option}' needs a number")))?;
                    strip = Some(parsed);
                }
                None => words.push(option),
            }
        }
        Ok(Options { words, strip })
    }
}

/// The patch as a file of this host.
fn source(state: &mut StateCtx, args: &Bound) -> Result<PathBuf, CallError> {
    if !args.get("template").is_null() {
        return super::source::rendered(state, args, args.get("source").clone());
    }
    let env = args.opt_str("saltenv")?.or_else(|| state.low.get_str("__env__").map(str::to_owned));
    let hash = args.get("source_hash").clone();
    let wanted = Args::of([args.get("source").clone()])
        .with("saltenv", env.unwrap_or_else(|| "base".to_owned()))
        .with("source_hash", hash);
    let cached = call(state.ctx, "cp.cache_file", wanted)?;
    match cached.as_str().filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => Err(CallError::failed(format!("there is no file {}", args.str("source")?))),
    }
}

fn reject_file(args: &Bound, file: String) -> Result<PathBuf, CallError> {
    let path = PathBuf::from(file);
    if path.is_absolute() && path.parent().is_some_and(Path::is_dir) {
        return Ok(path);
    }
    Err(args.wrong(format!("reject_file must be in a directory that is there, not '{}'", path.display())))
}

struct Job {
    path: PathBuf,
    source: PathBuf,
    options: Options,
}

impl Job {
    fn run(
        &self,
        state: &mut StateCtx,
        more: &[String],
        patch: &Path,
        reverse: bool,
    ) -> Result<Value, CallError> {
        let mut options = self.options.words.clone();
        options.extend_from_slice(more);
        if let Some(strip) = self.options.strip.filter(|_| self.path.is_dir() && !reverse) {
            options.push(format!("-p{strip}"));
        }
        let args = Args::of([paths::to_value(&self.path), paths::to_value(patch)])
            .with("options", options)
            .with("dry_run", reverse);
        call(state.ctx, "file.patch", args)
    }

    /// Why it does not fit: most often because it is applied already.
    fn explain(&self, state: &mut StateCtx, tried: &Value, rejects: &Path) -> Result<Look, CallError> {
        let words = |key: &str| tried.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let has_rejects = rejects.metadata().is_ok_and(|meta| meta.len() > 0);
        if !has_rejects || (code(tried) == 2 && !words("stderr").is_empty()) {
            return Ok(Look::cannot(words("stderr")));
        }
        let reversed = self.run(state, &["-R".into(), "-f".into()], rejects, true)?;
        Ok(if code(&reversed) == 0 {
            Look::in_sync(format!("{} is patched already", self.path.display()))
        } else {
            let name = self.path.display();
            Look::cannot(format!("the patch does not fit {name}, nothing was changed:\n{}", words("stdout")))
        })
    }
}
