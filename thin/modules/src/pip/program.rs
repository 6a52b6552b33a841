//! Which pip, as whom and where: `bin_env`, `user` and their like in, what pip left out.

use crate::args::as_text;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, process, tools};
use halite_wire::{Map, Value};
use std::path::Path;

/// One pip and its surroundings.
#[derive(Clone, Debug)]
pub struct Pip {
    words: Vec<String>,
    surroundings: Args,
}

fn interpreter_in(folder: &Path) -> Option<String> {
    let places = [folder.join("python"), folder.join("bin/python")];
    places.iter().find(|path| process::is_executable(path)).map(|path| path.to_string_lossy().into_owned())
}

/// The words that start pip: of the virtual environment, interpreter or pip `bin_env`, else the host's.
fn words(bin_env: Option<&str>) -> Result<Vec<String>, CallError> {
    let module = |python: String| vec![python, "-m".to_owned(), "pip".to_owned()];
    let Some(bin_env) = bin_env.filter(|path| !path.is_empty()) else {
        let python = ["python3", "python"].into_iter().find(|name| tools::has(name));
        let missing = || CallError::failed("the host has no Python, so no pip");
        return python.map(|python| module(python.to_owned())).ok_or_else(missing);
    };
    let path = Path::new(bin_env);
    if path.is_dir() {
        let missing = || CallError::failed(format!("the virtual environment {bin_env} has no Python"));
        return interpreter_in(path).map(module).ok_or_else(missing);
    }
    if !process::is_executable(path) {
        return Err(CallError::failed(format!("{bin_env} is no pip that can be run")));
    }
    let is_python = path.file_name().is_some_and(|name| name.to_string_lossy().contains("python"));
    Ok(if is_python { module(bin_env.to_owned()) } else { vec![bin_env.to_owned()] })
}

impl Pip {
    /// The pip of the arguments `bin_env`, `user`, `cwd`, `env_vars`, `use_vt`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn of(args: &Bound) -> Result<Pip, CallError> {
        let bin_env = args.opt_str("bin_env")?;
        let mut env = Map::new();
        if let Some(folder) = bin_env.as_deref().filter(|path| Path::new(path).is_dir()) {
            env.insert("VIRTUAL_ENV", folder);
        }
        match args.get("env_vars") {
            Value::Map(vars) => {
                env.extend(vars.iter().filter_map(|(name, value)| Some((as_text(name)?, as_text(value)?))))
            }
            other if other.is_truthy() => return Err(args.wrong("'env_vars' must be a map")),
            _ => {}
        }
        let surroundings = Args::default()
            .with("python_shell", false)
            .with("ignore_retcode", true)
            .with("runas", args.get("user").clone())
            .with("cwd", args.get("cwd").clone())
            .with("use_vt", args.bool("use_vt"))
            .with("env", env);
        Ok(Pip { words: words(bin_env.as_deref())?, surroundings })
    }

    /// Runs pip; the answer is that of `cmd.run_all`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn run(&self, ctx: &mut Ctx, words: &[String]) -> Result<Value, CallError> {
        let mut args = self.surroundings.clone();
        args.positional = vec![self.words.iter().chain(words).cloned().collect()];
        call(ctx, "cmd.run_all", args)
    }

    /// The same in another folder.
    pub fn at(mut self, folder: &str) -> Pip {
        self.surroundings = self.surroundings.with("cwd", folder);
        self
    }

    /// What pip prints.
    ///
    /// # Errors
    /// Where it cannot be started or fails; the text is its own last words.
    pub fn text(&self, ctx: &mut Ctx, words: &[&str]) -> Result<String, CallError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let ran = self.run(ctx, &words)?;
        let text = |key: &str| ran.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match ran.get("retcode").and_then(Value::as_i64) {
            Some(0) => Ok(text("stdout")),
            _ => Err(CallError::failed(format!("pip failed: {}", text("stderr")))),
        }
    }

    /// pip's version.
    ///
    /// # Errors
    /// Where there is no pip.
    pub fn version(&self, ctx: &mut Ctx) -> Result<String, CallError> {
        let said = self.text(ctx, &["--version"])?;
        said.split_whitespace()
            .nth(1)
            .map(str::to_owned)
            .ok_or_else(|| CallError::failed("pip tells no version"))
    }
}
