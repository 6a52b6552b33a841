//! `virtualenv.*`: virtual environments of Python, by `virtualenv` or Python's own `venv`.

use crate::registry::Default::{Bool, Null};
use crate::registry::Param::{Keywords, Optional, Required};
use crate::registry::{CallError, Function, Module, always, call};
use crate::{Args, Bound, Ctx, tools};
use halite_wire::Value;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "virtualenv",
    virtual_name: "virtualenv",
    doc: "Virtual environments of Python.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "create",
        params: &[
            Required("path"),
            Optional("venv_bin", Null),
            Optional("system_site_packages", Bool(false)),
            Optional("distribute", Bool(false)),
            Optional("clear", Bool(false)),
            Optional("python", Null),
            Optional("extra_search_dir", Null),
            Optional("never_download", Null),
            Optional("prompt", Null),
            Optional("pip", Bool(false)),
            Optional("symlinks", Null),
            Optional("upgrade", Null),
            Optional("user", Null),
            Optional("use_vt", Bool(false)),
            Optional("saltenv", Null),
            Keywords("kwargs"),
        ],
        doc: "Makes a virtual environment; what the program left, in the shape of cmd.run_all.",
        example: "virtualenv.create /srv/venv",
        call: create,
    },
    Function {
        name: "get_site_packages",
        params: &[Required("venv")],
        doc: "The folder packages of the environment lie in.",
        example: "virtualenv.get_site_packages /srv/venv",
        call: get_site_packages,
    },
];

fn is_python(program: &str) -> bool {
    Path::new(program).file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
}

/// The program that makes environments, as words, and whether it is Python's own `venv`.
fn program(ctx: &Ctx, args: &Bound) -> Result<(Vec<String>, bool), CallError> {
    let python = args.opt_str("python")?.filter(|python| !python.trim().is_empty());
    let configured = || ctx.opts.get_str("venv_bin").map(str::to_owned);
    let found = || if tools::has("virtualenv") { "virtualenv" } else { "venv" }.to_owned();
    let name = args.opt_str("venv_bin")?.or_else(configured).unwrap_or_else(found);
    let module = |python: String| vec![python, "-m".to_owned(), "venv".to_owned()];
    if is_python(&name) && python.is_some() {
        return Err(args.wrong("the interpreter belongs into 'venv_bin' or into 'python', not into both"));
    }
    if name == "venv" || is_python(&name) {
        let interpreter =
            if is_python(&name) { name } else { python.unwrap_or_else(|| "python3".to_owned()) };
        tools::find(&interpreter)?;
        return Ok((module(interpreter), true));
    }
    Ok((vec![name.clone()], name.contains("venv") && !name.contains("virtualenv")))
}

/// Options of `venv` alone, or of `virtualenv` alone.
fn options(args: &Bound, is_venv: bool, by_python: bool) -> Result<Vec<String>, CallError> {
    let mut words = Vec::new();
    let given = |name: &str| !args.get(name).is_null();
    let foreign: &[&str] = match (is_venv, by_python) {
        (true, true) => &["extra_search_dir", "never_download"],
        (true, false) => &["python", "extra_search_dir", "never_download"],
        (false, _) => &["upgrade", "symlinks"],
    };
    if let Some(name) = foreign.iter().find(|name| given(name)) {
        return Err(args.wrong(format!("'{name}' is not for this program")));
    }
    let prompt = args.opt_str("prompt")?.filter(|prompt| !prompt.trim().is_empty());
    if is_venv {
        words.extend(args.bool("upgrade").then(|| "--upgrade".to_owned()));
        words.extend(args.bool("symlinks").then(|| "--symlinks".to_owned()));
        words.extend(prompt.into_iter().flat_map(|prompt| ["--prompt".to_owned(), prompt]));
        return Ok(words);
    }
    if let Some(python) = args.opt_str("python")?.filter(|python| !python.trim().is_empty()) {
        tools::find(&python)?;
        words.push(format!("--python={python}"));
    }
    words.extend(args.texts("extra_search_dir")?.into_iter().map(|dir| format!("--extra-search-dir={dir}")));
    words.extend(args.bool("never_download").then(|| "--never-download".to_owned()));
    words.extend(prompt.map(|prompt| format!("--prompt={prompt}")));
    Ok(words)
}

fn create(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut words, is_venv) = program(ctx, args)?;
    let by_python = words.len() > 1;
    words.extend(options(args, is_venv, by_python)?);
    words.extend(args.bool("clear").then(|| "--clear".to_owned()));
    words.extend(args.bool("system_site_packages").then(|| "--system-site-packages".to_owned()));
    let path = args.str("path")?;
    words.push(path.clone());
    let was_there = Path::new(&path).exists();
    let mut run = Args { positional: vec![words.into()], keywords: args.keywords().clone() };
    for key in ["user", "use_vt"] {
        let name = if key == "user" { "runas" } else { key };
        run = run.with(name, args.get(key).clone());
    }
    let ran = call(ctx, "cmd.run_all", run.with("python_shell", false).with("ignore_retcode", true))?;
    if ran.get("retcode") != Some(&Value::Int(0)) && !was_there {
        // Half an environment would pass for a whole one next time.
        let _ = std::fs::remove_dir_all(&path);
    }
    Ok(ran)
}

fn get_site_packages(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let python = Path::new(&args.str("venv")?).join("bin/python");
    if !python.exists() {
        return Err(CallError::failed(format!(
            "{} is not there, so this is no environment",
            python.display()
        )));
    }
    let code = "import sysconfig; print(sysconfig.get_path('purelib'))";
    Ok(tools::text(&[python.to_string_lossy().as_ref(), "-c", code])?.trim_end().into())
}
