//! `aliases.*`: mail aliases, kept in `/etc/aliases`.

use crate::args::as_text;
use crate::registry::{CallError, Function, Module, Param, always, call};
use crate::{Args, Bound, Ctx, tools, write};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub const MODULE: Module = Module {
    file: "aliases",
    virtual_name: "aliases",
    doc: "Mail aliases.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "get_target",
        params: &[Param::Required("alias")],
        doc: "Where mail for an alias goes; empty where there is none.",
        example: "aliases.get_target postmaster",
        call: |ctx, args| Ok(target(ctx, &args.str("alias")?)?.unwrap_or_default().into()),
    },
    Function {
        name: "has_target",
        params: &[Param::Required("alias"), Param::Required("target")],
        doc: "Whether mail for an alias goes to this target.",
        example: "aliases.has_target postmaster root",
        call: has_target,
    },
    Function {
        name: "list_aliases",
        params: &[],
        doc: "All aliases and their targets.",
        example: "aliases.list_aliases",
        call: |ctx, _| {
            let text = read(&file(ctx)?)?;
            Ok(text
                .lines()
                .filter_map(entry)
                .map(|(alias, target, _)| (alias, target))
                .collect::<Map>()
                .into())
        },
    },
    Function {
        name: "rm_alias",
        params: &[Param::Required("alias")],
        doc: "Removes an alias.",
        example: "aliases.rm_alias webmaster",
        call: rm_alias,
    },
    Function {
        name: "set_target",
        params: &[Param::Required("alias"), Param::Required("target")],
        doc: "Has mail for an alias go to this target.",
        example: "aliases.set_target postmaster root",
        call: set_target,
    },
];

fn file(ctx: &mut Ctx) -> Result<PathBuf, CallError> {
    let configured = call(ctx, "config.option", Args::of(["aliases.file"]))?;
    let path = configured.as_str().filter(|path| !path.is_empty()).unwrap_or("/etc/aliases");
    Ok(std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path)))
}

fn read(file: &Path) -> Result<String, CallError> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(|error| CallError::failed(format!("{}: {error}", file.display()))),
    }
}

/// Alias, target and comment of a line.
fn entry(line: &str) -> Option<(&str, &str, &str)> {
    let (alias, rest) = line.split_once(':')?;
    let is_name = !alias.is_empty() && !alias.starts_with(['#', ' ', '\t']) && !alias.contains('#');
    let end = rest.find('#').unwrap_or(rest.len());
    let target = rest[..end].trim();
    (is_name && !target.is_empty()).then(|| (alias.trim_end(), target, &rest[rest[..end].trim_end().len()..]))
}

fn target(ctx: &mut Ctx, alias: &str) -> Result<Option<String>, CallError> {
    let text = read(&file(ctx)?)?;
    Ok(text
        .lines()
        .filter_map(entry)
        .rfind(|(name, ..)| *name == alias)
        .map(|(_, target, _)| target.to_owned()))
}

fn wanted(args: &Bound) -> Result<String, CallError> {
    let target = match args.get("target") {
        Value::List(items) => items.iter().filter_map(as_text).collect::<Vec<_>>().join(", "),
        _ => args.str("target")?,
    };
    if target.is_empty() { Err(args.wrong("'target' must not be empty")) } else { Ok(target) }
}

fn has_target(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = wanted(args)?;
    Ok((target(ctx, &args.str("alias")?)? == Some(wanted)).into())
}

fn store(file: &Path, lines: Vec<String>) -> Result<Value, CallError> {
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    let failed = |error| CallError::failed(format!("{}: {error}", file.display()));
    write::replace(file, text.as_bytes(), 0o644).map_err(failed)?;
    if tools::has("newaliases") {
        tools::run(&["newaliases"])?;
    }
    Ok(Value::Bool(true))
}

fn set_target(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (alias, wanted) = (args.str("alias")?, wanted(args)?);
    if alias.is_empty() {
        return Err(args.wrong("'alias' must not be empty"));
    }
    if target(ctx, &alias)?.as_ref() == Some(&wanted) {
        return Ok(Value::Bool(true));
    }
    let file = file(ctx)?;
    let mut lines = Vec::new();
    let mut is_set = false;
    for line in read(&file)?.lines() {
        match entry(line).filter(|(name, ..)| *name == alias) {
            Some(_) if is_set => {}
            Some((_, _, comment)) => {
                lines.push(format!("{alias}: {wanted}{comment}"));
                is_set = true;
            }
            None => lines.push(line.to_owned()),
        }
    }
    if !is_set {
        lines.push(format!("{alias}: {wanted}"));
    }
    store(&file, lines)
}

fn rm_alias(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let alias = args.str("alias")?;
    if target(ctx, &alias)?.is_none() {
        return Ok(Value::Bool(true));
    }
    let file = file(ctx)?;
    let stays = |line: &&str| entry(line).is_none_or(|(name, ..)| name != alias);
    store(&file, read(&file)?.lines().filter(stays).map(str::to_owned).collect())
}
