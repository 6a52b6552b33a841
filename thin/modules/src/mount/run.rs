//! `mount.mount`, `umount` and `remount`: the host's own programs.

use super::active::active;
use crate::args::as_text;
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, tools};
use halite_wire::Value;
use std::path::Path;

fn options(args: &Bound) -> Vec<String> {
    match args.get("opts") {
        Value::Null => Vec::new(),
        Value::List(opts) => opts.iter().filter_map(as_text).collect(),
        other => as_text(other).unwrap_or_default().split(',').map(str::to_owned).collect(),
    }
}

/// True, or what the program said of its failure.
fn run(ctx: &mut Ctx, words: Vec<String>, user: &Value) -> Result<Value, CallError> {
    let args = Args::of([Value::from(words)]).with("python_shell", false).with("ignore_retcode", true);
    let ran = call(ctx, "cmd.run_all", args.with("runas", user.clone()))?;
    if ran.get("retcode") == Some(&Value::Int(0)) {
        return Ok(Value::Bool(true));
    }
    let said = ran.get("stderr").and_then(Value::as_str).unwrap_or_default();
    Ok(if said.is_empty() { "it failed without a word".into() } else { said.into() })
}

fn words(args: &Bound, opts: &[String]) -> Result<Vec<String>, CallError> {
    let name = args.str("name")?;
    let mut words = vec!["mount".to_owned()];
    if args.get("device").is_truthy() {
        if !opts.is_empty() {
            words.extend(["-o".to_owned(), opts.join(",")]);
        }
        let fstype = args.opt_str("fstype")?.filter(|fstype| !fstype.is_empty());
        words.extend(fstype.into_iter().flat_map(|fstype| ["-t".to_owned(), fstype]));
        words.push(args.str("device")?);
    }
    words.push(name);
    Ok(words)
}

pub fn mount(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.opt_str("util")?.is_some_and(|util| util != "mount") {
        return Ok(Value::Bool(false));
    }
    let name = args.str("name")?;
    if !Path::new(&name).exists() && args.bool("mkmnt") {
        call(ctx, "file.mkdir", Args::of([name.as_str()]).with("user", args.get("user").clone()))?;
    }
    run(ctx, words(args, &options(args))?, args.get("user"))
}

pub fn remount(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if !active()?.iter().any(|mount| mount.place == name) {
        return mount(ctx, args);
    }
    let mut opts = options(args);
    if !opts.iter().any(|opt| opt == "remount") {
        opts.push("remount".to_owned());
    }
    run(ctx, words(args, &opts)?, args.get("user"))
}

pub fn umount(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if !active()?.iter().any(|mount| mount.place == name) {
        return Ok(format!("{name} does not have anything mounted").into());
    }
    let mut words = vec!["umount".to_owned()];
    words.extend(args.bool("lazy").then(|| "-l".to_owned()));
    words.push(args.opt_str("device")?.filter(|device| !device.is_empty()).unwrap_or(name));
    run(ctx, words, args.get("user"))
}

pub fn is_fuse_exec(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Ok(path) = tools::find(&args.str("cmd")?) else { return Ok(Value::Bool(false)) };
    let linked = tools::run(&["ldd", &path.to_string_lossy()])?;
    Ok(linked.text().contains("libfuse").into())
}
