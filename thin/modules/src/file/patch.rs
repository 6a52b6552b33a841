//! `file.patch`: the host's `patch` program.

use crate::args::as_text;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, process, shell_words};
use halite_wire::Value;
use std::path::Path;

/// The shape is that of `cmd.run_all`.
pub fn patch(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let program = process::which("patch").ok_or_else(|| {
        CallError::failed("the program patch is not on this host; its package is named patch")
    })?;
    let original = args.str("originalfile")?;
    let mut command = vec![program.to_string_lossy().into_owned()];
    command.extend(options(args)?);
    let has = |command: &[String], wanted: &[&str]| {
        command.iter().any(|option| wanted.iter().any(|start| option.starts_with(start)))
    };
    if args.bool("dry_run") {
        command.push("--dry-run".to_owned());
    }
    if !command.iter().any(|option| option == "-N" || option == "--forward") {
        // No questions when it does not fit.
        command.push("--forward".to_owned());
    }
    if !has(&command, &["--reject-file"])
        && !command.iter().any(|option| option == "-r" || option.starts_with("-r "))
    {
        command.push("--reject-file=-".to_owned());
    }
    command.extend(["-i".to_owned(), args.str("patchfile")?]);
    if Path::new(&original).is_dir() {
        let strips = has(&command[1..], &["-p", "--strip="]);
        command.extend(["-d".to_owned(), original]);
        command.extend((!strips).then(|| "--strip=0".to_owned()));
    } else {
        command.push(original);
    }
    call(ctx, "cmd.run_all", Args::of([Value::from(command)]).with("python_shell", false))
}

/// `options`: a list, or words of one text.
fn options(args: &Bound) -> Result<Vec<String>, CallError> {
    match args.get("options") {
        Value::List(options) => Ok(options.iter().filter_map(as_text).collect()),
        _ => shell_words::split(&args.str("options")?).map_err(|error| args.wrong(error.to_string())),
    }
}
