//! The functions of `file` that manage one file: `manage_file`, `check_managed`, `check_perms` and their kin.

use super::{Content, Wanted, keeps_backups, mode_or_keep};
use crate::args::as_text;
use crate::file::perms::{Checked, Perms};
use crate::file::selinux::Label;
use crate::file::source::Request;
use crate::file::{path, template};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// Arguments as they describe one file.
fn wanted(ctx: &mut Ctx, args: &Bound) -> Result<Wanted, CallError> {
    let (mode, keep_mode) = mode_or_keep(args.get("mode"));
    let keep_mode = keep_mode || args.bool("keep_mode");
    let label: Map =
        ["seuser", "serole", "setype", "serange"].map(|part| (part, args.get(part).clone())).into();
    let mut perms = Perms { mode, label: Label::of(&label.into()), ..Perms::of(args) };
    let content = content(ctx, args)?;
    if let Content::Source(chosen) = &content
        && keep_mode
    {
        perms.mode = chosen.mode.map(crate::file::octal).or(perms.mode);
    }
    Ok(Wanted {
        name: path(args, "name")?,
        content,
        perms,
        follow: args.get("follow_symlinks") != &Value::Bool(false),
        show_changes: args.get("show_changes") != &Value::Bool(false),
        backup: keeps_backups(ctx, args.get("backup")),
        makedirs: args.bool("makedirs"),
        dir_mode: as_text(args.get("dir_mode")),
    })
}

fn content(ctx: &mut Ctx, args: &Bound) -> Result<Content, CallError> {
    match args.get("contents") {
        Value::Null => {}
        Value::Bytes(bytes) => return Ok(Content::Bytes(bytes.clone())),
        _ => return Ok(Content::Bytes(args.str("contents")?.into_bytes())),
    }
    let mut request = Request::of(args, &args.opt_str("saltenv")?.unwrap_or_else(|| "base".to_owned()));
    // What was fetched already is the source; its template has been rendered.
    if let Some(fetched) = as_text(args.get("sfn")).filter(|path| !path.is_empty()) {
        request = Request { source: fetched.into(), ..Request::default() };
    }
    if !request.source.is_truthy() {
        return Ok(Content::Any);
    }
    let chosen = request.choose(ctx, &args.str("name")?)?;
    match args.opt_str("template")?.filter(|engine| !engine.is_empty() && args.get("sfn").is_null()) {
        Some(engine) => {
            let (file, variables) = (chosen.file(ctx)?, template::variables(args)?);
            Ok(Content::Rendered(template::render_file(ctx, &engine, &file, &variables)?.into_bytes()))
        }
        None => Ok(Content::Source(Box::new(chosen))),
    }
}

/// `{name, changes, comment, result}` after the file was made so.
pub fn manage_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let done = wanted(ctx, args).and_then(|wanted| {
        let found = wanted.look(ctx)?;
        wanted.put(ctx, found)
    });
    let name = args.get("name").clone();
    Ok(match done {
        Ok(checked) => outcome(name, checked),
        Err(error) => outcome(name, Checked { failures: vec![error.to_string()], ..Checked::default() }),
    })
}

fn outcome(name: Value, checked: Checked) -> Value {
    let comment = match (checked.failures.is_empty(), checked.changes.is_empty()) {
        (false, _) => checked.failures.join("; "),
        (true, true) => "the file is as it should be".to_owned(),
        (true, false) => "the file was changed".to_owned(),
    };
    Value::Map(Map::from([
        ("name", name),
        ("changes", checked.changes.into()),
        ("comment", comment.into()),
        ("result", checked.failures.is_empty().into()),
    ]))
}

/// What would change.
pub fn check_managed_changes(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = match wanted(ctx, args) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Value::List(vec![Value::Bool(false), error.to_string().into()])),
    };
    let found = wanted.look(ctx)?;
    wanted.planned(&found).map(Value::Map)
}

/// `[None, what would change]`, `[True, sentence]` or `[False, why it cannot be told]`.
pub fn check_managed(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let changes = check_managed_changes(ctx, args)?;
    let Value::Map(changes) = changes else { return Ok(changes) };
    if changes.is_empty() {
        return Ok(Value::List(vec![Value::Bool(true), "the file is as it should be".into()]));
    }
    let lines = changes.iter().map(|(key, value)| {
        format!("{}: {}\n", as_text(key).unwrap_or_default(), as_text(value).unwrap_or_default())
    });
    let said = format!("these would change:\n\n{}", lines.collect::<String>());
    Ok(Value::List(vec![Value::Null, said.into()]))
}

/// `[{name, changes, comment, result}, {luser, lgroup, lmode}]` after owner and mode were made so.
pub fn check_perms(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "name")?;
    let follow = args.bool("follow_symlinks");
    let now = crate::file::perms::Facts::of(&path, follow)
        .map_err(|_| CallError::Failed(format!("there is no '{}'", path.display())))?;
    let checked = Perms::of(args).check(&path, follow, false)?;
    let before = Map::from([
        ("luser", crate::file::stat::user_name(now.uid)),
        ("lgroup", crate::file::stat::group_name(now.gid)),
        ("lmode", crate::file::octal(now.mode).into()),
    ]);
    Ok(Value::List(vec![outcome(args.get("name").clone(), checked), before.into()]))
}
