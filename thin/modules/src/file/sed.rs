//! `file.sed` and its kin: the host's stream editor, and its imitation.

use super::{edit, path};
use crate::regex::{Kind, Pattern, flags_from_value};
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, paths, shell_words};
use halite_wire::Value;

/// `text` made safe between the slashes of an expression; with `all` the signs of expressions, too.
fn escaped(text: &str, all: bool) -> String {
    let mut text = text.replace('/', r"\/");
    for sign in "^.[$()|*+?{".chars().filter(|_| all) {
        text = text.replace(sign, &format!("\\{sign}"));
    }
    text
}

fn address(args: &Bound, all: bool) -> Result<String, CallError> {
    let limit = escaped(&args.str("limit")?, all);
    Ok(if limit.is_empty() { limit } else { format!("/{limit}/ ") })
}

fn run(ctx: &mut Ctx, fun: &str, command: Vec<Value>) -> Result<Value, CallError> {
    call(ctx, fun, Args::of([Value::List(command)]).with("python_shell", false))
}

pub fn sed(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    if !path.exists() {
        return Ok(false.into());
    }
    let all = args.bool("escape_all");
    let (before, after) = (escaped(&args.str("before")?, all), escaped(&args.str("after")?, all));
    let negated = if args.bool("negate_match") { "!" } else { "" };
    let script = format!("{}{negated}s/{before}/{after}/{}", address(args, all)?, args.str("flags")?);
    let backup = super::replace::backup_suffix(args.get("backup")).unwrap_or_default();
    let options = args.str("options")?;
    let options = shell_words::split(&options).map_err(|error| args.wrong(error.to_string()))?;
    let mut command = vec![Value::from("sed"), Value::from(format!("-i{backup}"))];
    command.extend(options.into_iter().map(Value::from));
    command.extend([Value::from(script), paths::to_value(path)]);
    run(ctx, "cmd.run_all", command)
}

pub fn sed_contains(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    if !path.exists() {
        return Ok(false.into());
    }
    let text = escaped(&args.str("text")?, false);
    let script = format!("{}s/{text}/$/p{}", address(args, false)?, args.str("flags")?);
    let mut command: Vec<Value> = ["sed", "-n", "-r", "-e"].into_iter().map(Value::from).collect();
    command.extend([Value::from(script), paths::to_value(path)]);
    Ok(run(ctx, "cmd.run", command)?.is_truthy().into())
}

/// Changes the whole text at once, or with `limit` what comes after its first match.
pub fn psed(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, old) = edit::load(&path(args, "path")?)?;
    let all = args.bool("escape_all");
    let given = args.str("flags")?;
    let letters: Vec<Value> =
        given.chars().filter(|flag| *flag != 'g').map(|flag| Value::from(flag.to_string())).collect();
    let pattern = |name: &str| -> Result<Pattern, CallError> {
        let source = escaped(&args.str(name)?, all);
        Ok(Pattern::search(&source, flags_from_value(&Value::List(letters.clone()))?, Kind::Text)?)
    };
    let most = if given.contains('g') { usize::MAX } else { 1 };
    let (new, _) = pattern("before")?.replace(&old, &args.str("after")?, most)?;
    if let Some(suffix) = super::replace::backup_suffix(args.get("backup")) {
        edit::keep(&path, &suffix, &old)?;
    }
    edit::store(&path, &new, true)?;
    Ok(Value::Null)
}
