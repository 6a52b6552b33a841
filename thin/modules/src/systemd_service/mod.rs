//! `service.*` where systemd is the init system.

mod lists;
mod unit;

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::services::{KWARGS, NAME};
use crate::{Bound, Ctx, services, tools};
use halite_wire::{Map, Value};
pub use unit::facts;
use unit::{Unit, must, systemctl};

pub const MODULE: Module = Module {
    file: "systemd_service",
    virtual_name: "service",
    doc: "Services of systemd.",
    applies: |_| !services::no_systemd(),
    functions: FUNCTIONS,
};

const ROOT: Param = Param::Optional("root", Default::Null);
const NO_BLOCK: Param = Param::Optional("no_block", Default::Bool(false));
const UNMASK: Param = Param::Optional("unmask", Default::Bool(false));
const UNMASK_RUNTIME: Param = Param::Optional("unmask_runtime", Default::Bool(false));
const RUNTIME: Param = Param::Optional("runtime", Default::Bool(false));

const FUNCTIONS: &[Function] = &[
    services::AVAILABLE.by(|_, args| Ok(Unit::ask(&args.str("name")?)?.available().into())),
    services::DISABLE.with(&[NAME, NO_BLOCK, ROOT, KWARGS]).by(disable),
    services::DISABLED.with(&[NAME, ROOT]).by(|_, args| Ok((!is_enabled(args)?).into())),
    services::ENABLE.with(&[NAME, NO_BLOCK, UNMASK, UNMASK_RUNTIME, ROOT, KWARGS]).by(enable),
    services::ENABLED.with(&[NAME, ROOT, KWARGS]).by(|_, args| Ok(is_enabled(args)?.into())),
    Function {
        name: "execs",
        params: &[ROOT],
        doc: "The program of each service that starts one.",
        example: "service.execs",
        call: execs,
    },
    services::FORCE_RELOAD
        .with(&[NAME, Param::Optional("no_block", Default::Bool(true)), UNMASK, UNMASK_RUNTIME])
        .by(|_, args| act(args, "force-reload")),
    services::GET_ALL.with(&[ROOT]).by(lists::get_all),
    services::GET_DISABLED.with(&[ROOT]).by(lists::get_disabled),
    services::GET_ENABLED.with(&[ROOT]).by(lists::get_enabled),
    Function {
        name: "get_running",
        params: &[],
        doc: "Names of units that run.",
        example: "service.get_running",
        call: lists::get_running,
    },
    Function {
        name: "get_static",
        params: &[ROOT],
        doc: "Names of units that only others start.",
        example: "service.get_static",
        call: lists::get_static,
    },
    Function {
        name: "mask",
        params: &[NAME, RUNTIME, ROOT],
        doc: "Masks a unit: nothing can start it. With runtime until the next boot.",
        example: "service.mask foo",
        call: mask,
    },
    Function {
        name: "masked",
        params: &[NAME, RUNTIME, ROOT],
        doc: "Whether a unit is masked.",
        example: "service.masked foo",
        call: |_, args| Ok(is_masked(args)?.into()),
    },
    services::MISSING.by(|_, args| Ok((!Unit::ask(&args.str("name")?)?.available()).into())),
    Function {
        name: "offline",
        params: &[],
        doc: "Whether systemd is there but does not run.",
        example: "service.offline",
        call: |_, _| Ok(services::offline().into()),
    },
    services::RELOAD.with(&[NAME, NO_BLOCK, UNMASK, UNMASK_RUNTIME]).by(|_, args| act(args, "reload")),
    services::RESTART
        .with(&[NAME, Param::Optional("no_block", Default::Null), UNMASK, UNMASK_RUNTIME])
        .by(|_, args| act(args, "restart")),
    Function {
        name: "show",
        params: &[NAME, ROOT],
        doc: "All properties of a unit.",
        example: "service.show sshd",
        call: |_, args| Ok(show(&args.str("name")?, args.opt_str("root")?.as_deref())?.into()),
    },
    services::START.with(&[NAME, NO_BLOCK, UNMASK, UNMASK_RUNTIME]).by(|_, args| act(args, "start")),
    services::STATUS.by(status),
    services::STOP.with(&[NAME, Param::Optional("no_block", Default::Null)]).by(stop),
    Function {
        name: "systemctl_reload",
        params: &[],
        doc: "Has systemd read all unit files again.",
        example: "service.systemctl_reload",
        call: |_, _| unit::reload_units().map(|()| true.into()),
    },
    Function {
        name: "unmask",
        params: &[NAME, RUNTIME, ROOT],
        doc: "Takes the mask from a unit.",
        example: "service.unmask foo",
        call: |_, args| {
            unmask(&args.str("name")?, args.bool("runtime"), args.opt_str("root")?.as_deref())?;
            Ok(true.into())
        },
    },
];

/// Unmasks where the arguments say so, and lets systemd see changed files.
fn prepare(args: &Bound, name: &str, root: Option<&str>) -> Result<(), CallError> {
    for (key, runtime) in [("unmask", false), ("unmask_runtime", true)] {
        if args.bool(key) {
            unmask(name, runtime, root)?;
        }
    }
    if services::booted() { Unit::ask(name).map(|_| ()) } else { Ok(()) }
}

fn act(args: &Bound, verb: &str) -> Result<Value, CallError> {
    let name = args.str("name")?;
    prepare(args, &name, None)?;
    must(&[verb], &name, args.bool("no_block"), None)?;
    Ok(true.into())
}

fn stop(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let output = systemctl(&["stop"], &args.str("name")?, args.bool("no_block"), None)?;
    if !output.ok() {
        ctx.notes.push(tools::complaint(&output));
    }
    Ok(output.ok().into())
}

fn status(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if crate::glob::has_magic(name.as_bytes()) {
        return services::status(
            ctx,
            args,
            |_| Ok(lists::all(None)),
            |_, name| Ok(Unit::ask(name)?.active()),
        );
    }
    Ok(Unit::ask(&name)?.active().into())
}

fn is_masked(args: &Bound) -> Result<bool, CallError> {
    Ok(unit::masked(&args.str("name")?, args.bool("runtime"), args.opt_str("root")?.as_deref()))
}

fn mask(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let verb: &[&str] = if args.bool("runtime") { &["mask", "--runtime"] } else { &["mask"] };
    must(verb, &args.str("name")?, false, args.opt_str("root")?.as_deref())?;
    Ok(true.into())
}

fn unmask(name: &str, runtime: bool, root: Option<&str>) -> Result<(), CallError> {
    if !unit::masked(name, runtime, root) {
        return Ok(());
    }
    let verb: &[&str] = if runtime { &["unmask", "--runtime"] } else { &["unmask"] };
    must(verb, name, false, root)
}

fn is_enabled(args: &Bound) -> Result<bool, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    if services::booted() && root.is_none() {
        return unit::facts(&name).map(|facts| facts.enabled);
    }
    let output = systemctl(&["is-enabled"], &name, false, root.as_deref())?;
    Ok(output.ok() || lists::starts_by_script(&name, root.as_deref()))
}

/// A script of `/etc/init.d` is enabled by the tool that makes its links.
fn script_tool(name: &str, root: Option<&str>, on: bool) -> Option<Vec<String>> {
    let argv = match (tools::has("update-rc.d"), tools::has("chkconfig"), on) {
        (true, _, true) => vec!["update-rc.d", "-f", name, "defaults", "99"],
        (true, _, false) => vec!["update-rc.d", "-f", name, "remove"],
        (false, true, on) => vec!["chkconfig", name, if on { "on" } else { "off" }],
        (false, false, _) => return None,
    };
    lists::is_script(name, root).then(|| argv.into_iter().map(str::to_owned).collect())
}

fn enable(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    prepare(args, &name, root.as_deref())?;
    if let Some(argv) = script_tool(&name, root.as_deref(), true) {
        return Ok(tools::run(&argv)?.ok().into());
    }
    must(&["enable"], &name, args.bool("no_block"), root.as_deref())?;
    Ok(true.into())
}

fn disable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    if let Some(argv) = script_tool(&name, root.as_deref(), false) {
        return Ok(tools::run(&argv)?.ok().into());
    }
    let output = systemctl(&["disable"], &name, args.bool("no_block"), root.as_deref())?;
    if !output.ok() {
        ctx.notes.push(tools::complaint(&output));
    }
    Ok(output.ok().into())
}

fn show(name: &str, root: Option<&str>) -> Result<Map, CallError> {
    let output = systemctl(&["show"], name, false, root)?;
    Ok(output.text().lines().filter_map(|line| line.split_once('=')).map(property).collect())
}

/// `{ path=/bin/x ; argv[]=... }` is a dict, lists of units are lists, all else is text.
fn property((key, value): (&str, &str)) -> (String, Value) {
    let value = if value.starts_with('{') {
        let bare = value.replace(['{', '}'], "");
        let parts = bare.split(" ; ").filter_map(|part| part.split_once('='));
        let trimmed =
            parts.map(|(key, value)| (key.trim(), value.split('=').next().unwrap_or_default().trim()));
        trimmed.collect::<Map>().into()
    } else if matches!(key, "Before" | "After" | "Wants") {
        value.split_whitespace().collect::<Vec<_>>().into()
    } else {
        value.into()
    };
    (key.to_owned(), value)
}

fn execs(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let root = args.opt_str("root")?;
    let mut found = Map::new();
    for service in lists::all(root.as_deref()) {
        let facts = show(&service, root.as_deref())?;
        if let Some(path) = facts.get("ExecStart").and_then(|start| start.get("path")) {
            found.insert(service, path.clone());
        }
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_have_the_shape_of_their_text() {
        let (_, start) = property(("ExecStart", "{ path=/bin/x ; argv[]=/bin/x -D ; ignore_errors=no }"));
        assert_eq!(start.get("path"), Some(&"/bin/x".into()));
        assert_eq!(property(("After", "a.target b.target")).1, Value::from(vec!["a.target", "b.target"]));
        assert_eq!(property(("Id", "x=y.service")).1, "x=y.service".into());
    }
}
