//! `alternatives.*`: which of several programs a name means, by the host's `update-alternatives`.

use crate::registry::Param::{self, Required};
use crate::registry::{CallError, Function, Module};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "alternatives",
    virtual_name: "alternatives",
    doc: "Which of several programs a name means.",
    applies: |_: &Map| Path::new(LINKS).is_dir(),
    functions: FUNCTIONS,
};

const LINKS: &str = "/etc/alternatives";
const NAME: Param = Required("name");
const PATH: Param = Required("path");

const FUNCTIONS: &[Function] = &[
    Function {
        name: "auto",
        params: &[NAME],
        doc: "Leaves the choice to the priorities; what the program said.",
        example: "alternatives.auto editor",
        call: auto,
    },
    Function {
        name: "check_exists",
        params: &[NAME, PATH],
        doc: "Whether a path is among the choices of a name.",
        example: "alternatives.check_exists editor /usr/bin/vim",
        call: check_exists,
    },
    Function {
        name: "check_installed",
        params: &[NAME, PATH],
        doc: "Whether a name means this path now.",
        example: "alternatives.check_installed editor /usr/bin/vim",
        call: check_installed,
    },
    Function {
        name: "display",
        params: &[NAME],
        doc: "What the program says about a name.",
        example: "alternatives.display editor",
        call: display,
    },
    Function {
        name: "install",
        params: &[NAME, Required("link"), PATH, Required("priority")],
        doc: "Adds a path to the choices of a name; what the program said.",
        example: "alternatives.install editor /usr/bin/editor /usr/bin/vim 50",
        call: install,
    },
    Function {
        name: "remove",
        params: &[NAME, PATH],
        doc: "Takes a path from the choices of a name; what the program said.",
        example: "alternatives.remove editor /usr/bin/vim",
        call: remove,
    },
    Function {
        name: "set",
        params: &[NAME, PATH],
        doc: "Chooses a path by hand; what the program said.",
        example: "alternatives.set editor /usr/bin/vim",
        call: set,
    },
    Function {
        name: "show_current",
        params: &[NAME],
        doc: "The path a name means now, or False.",
        example: "alternatives.show_current editor",
        call: show_current,
    },
    Function {
        name: "show_link",
        params: &[NAME],
        doc: "The link that is switched between the choices of a name, or False.",
        example: "alternatives.show_link editor",
        call: show_link,
    },
];

/// Runs the program: what it printed, or else its complaint.
fn run(argv: &[&str]) -> Result<Result<String, String>, CallError> {
    let program = if tools::has("update-alternatives") { "update-alternatives" } else { "alternatives" };
    let output = tools::run(&[&[program], argv].concat())?;
    Ok(if output.ok() {
        Ok(output.text().trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    })
}

fn said(argv: &[&str]) -> Result<Value, CallError> {
    run(argv).map(|answer| answer.unwrap_or_else(|complaint| complaint).into())
}

/// Whether `path` is among the choices of `name`.
///
/// # Errors
/// The program cannot be run.
pub fn exists(name: &str, path: &str) -> Result<bool, CallError> {
    let listed = run(&["--display", name])?.unwrap_or_default();
    Ok(listed.lines().any(|line| line.split(" - ").next() == Some(path)))
}

/// Whether the choice is left to the priorities.
///
/// # Errors
/// The program cannot be run.
pub fn is_auto(name: &str) -> Result<bool, CallError> {
    let listed = run(&["--display", name])?.unwrap_or_default();
    Ok(listed.lines().next().is_some_and(|first| first.ends_with(" auto mode")))
}

/// The path `name` means now.
pub fn current(name: &str) -> Option<String> {
    let target = std::fs::read_link(Path::new(LINKS).join(name)).ok()?;
    Some(target.to_string_lossy().into_owned())
}

fn auto(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    said(&["--auto", &args.str("name")?])
}

fn display(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    said(&["--display", &args.str("name")?])
}

fn install(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (link, name, path) = (args.str("link")?, args.str("name")?, args.str("path")?);
    said(&["--install", &link, &name, &path, &args.str("priority")?])
}

fn remove(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    said(&["--remove", &args.str("name")?, &args.str("path")?])
}

fn set(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    said(&["--set", &args.str("name")?, &args.str("path")?])
}

fn check_exists(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    exists(&args.str("name")?, &args.str("path")?).map(Value::from)
}

fn check_installed(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok((current(&args.str("name")?) == Some(args.str("path")?)).into())
}

fn show_current(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(current(&args.str("name")?).map_or(Value::Bool(false), Value::from))
}

fn show_link(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let said = run(&["--query", &args.str("name")?])?.unwrap_or_default();
    let link = said.lines().find_map(|line| line.strip_prefix("Link:"));
    Ok(link.map_or(Value::Bool(false), |link| link.trim().into()))
}
