//! `service.*` on the older kin of Red Hat: scripts of `/etc/init.d`, started at boot by `chkconfig`.

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::services::{KWARGS, NAME, SIG, succeeds};
use crate::{Bound, Ctx, services, tools};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "rh_service",
    virtual_name: "service",
    doc: "Services started by scripts, on older kin of Red Hat.",
    applies,
    functions: FUNCTIONS,
};

fn applies(grains: &Map) -> bool {
    let kin = matches!(grains.get_str("os_family"), Some("RedHat" | "Suse"));
    kin && services::no_systemd() && tools::has("chkconfig")
}

const LIMIT: Param = Param::Optional("limit", Default::Str(""));

const FUNCTIONS: &[Function] = &[
    Function {
        name: "available",
        params: &[NAME, LIMIT],
        doc: "Whether there is such a service.",
        example: "service.available sshd",
        call: |_, args| Ok(is_available(&args.str("name")?)?.into()),
    },
    Function {
        name: "delete",
        params: &[NAME, KWARGS],
        doc: "Takes a service out of the hands of chkconfig.",
        example: "service.delete nginx",
        call: |ctx, args| {
            let name = args.str("name")?;
            if is_known(&name)? { succeeds(ctx, &["chkconfig", "--del", &name]) } else { Ok(false.into()) }
        },
    },
    Function {
        name: "disable",
        params: &[NAME, KWARGS],
        doc: "Keeps a service from starting at boot.",
        example: "service.disable nginx",
        call: |ctx, args| set(ctx, args, "off"),
    },
    Function {
        name: "disabled",
        params: &[NAME],
        doc: "Whether a service does not start at boot.",
        example: "service.disabled nginx",
        call: |_, args| Ok((!starts(&args.str("name")?)?).into()),
    },
    Function {
        name: "enable",
        params: &[NAME, KWARGS],
        doc: "Has a service start at boot.",
        example: "service.enable nginx",
        call: |ctx, args| set(ctx, args, "on"),
    },
    Function {
        name: "enabled",
        params: &[NAME, KWARGS],
        doc: "Whether a service starts at boot.",
        example: "service.enabled nginx",
        call: |_, args| Ok(starts(&args.str("name")?)?.into()),
    },
    Function {
        name: "get_all",
        params: &[LIMIT],
        doc: "Names of all services.",
        example: "service.get_all",
        call: |_, _| Ok(all()?.into()),
    },
    Function {
        name: "get_disabled",
        params: &[LIMIT],
        doc: "Names of services that do not start at boot.",
        example: "service.get_disabled",
        call: |_, _| that_start(false),
    },
    Function {
        name: "get_enabled",
        params: &[LIMIT],
        doc: "Names of services that start at boot.",
        example: "service.get_enabled",
        call: |_, _| that_start(true),
    },
    Function {
        name: "missing",
        params: &[NAME, LIMIT],
        doc: "Whether there is no such service.",
        example: "service.missing sshd",
        call: |_, args| Ok((!is_available(&args.str("name")?)?).into()),
    },
    Function {
        name: "reload",
        params: &[NAME],
        doc: "Has a service read its configuration again.",
        example: "service.reload nginx",
        call: |ctx, args| act(ctx, args, "reload"),
    },
    Function {
        name: "restart",
        params: &[NAME],
        doc: "Stops and starts a service.",
        example: "service.restart nginx",
        call: |ctx, args| act(ctx, args, "restart"),
    },
    Function {
        name: "start",
        params: &[NAME],
        doc: "Starts a service.",
        example: "service.start nginx",
        call: |ctx, args| act(ctx, args, "start"),
    },
    Function {
        name: "status",
        params: &[NAME, SIG],
        doc: "Whether a service runs; for a pattern, a dict of all services it fits.",
        example: "service.status nginx",
        call: |ctx, args| {
            services::status(
                ctx,
                args,
                |_| all(),
                |_, name| Ok(tools::run(&["service", name, "status"])?.ok()),
            )
        },
    },
    Function {
        name: "stop",
        params: &[NAME],
        doc: "Stops a service.",
        example: "service.stop nginx",
        call: |ctx, args| act(ctx, args, "stop"),
    },
];

fn is_script(name: &str) -> bool {
    crate::process::is_executable(&Path::new("/etc/init.d").join(name))
}

fn is_known(name: &str) -> Result<bool, CallError> {
    Ok(tools::run(&["chkconfig", "--list", name])?.ok())
}

fn is_available(name: &str) -> Result<bool, CallError> {
    Ok(is_script(name) || is_known(name)?)
}

fn all() -> Result<Vec<String>, CallError> {
    let text = tools::run(&["chkconfig", "--list"])?.text();
    let rows = text.lines().map(|line| line.split_whitespace());
    let named = rows
        .filter_map(|mut row| Some((row.next()?, row.next()?)))
        .filter(|(_, first)| first.starts_with("0:"));
    let mut names: Vec<String> =
        named.map(|(name, _)| name.to_owned()).filter(|name| is_script(name)).collect();
    names.sort();
    Ok(names)
}

/// By `chkconfig`'s word (`3:on`), or by a link it does not know of.
fn starts(name: &str) -> Result<bool, CallError> {
    let level = services::runlevel("3");
    let on = format!("{level}:on");
    let told = tools::run(&["chkconfig", "--list", name])?;
    let text = if told.ok() { told.text() } else { String::new() };
    let mut rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listed =
        rows.any(|row| row == [name, "on"] || row.first() == Some(&name) && row.contains(&on.as_str()));
    let mut links = std::fs::read_dir(format!("/etc/rc.d/rc{level}.d")).into_iter().flatten().flatten();
    Ok(listed || links.any(|link| services::is_start_link(&link.file_name().to_string_lossy(), name)))
}

fn that_start(wanted: bool) -> Result<Value, CallError> {
    let mut found = Vec::new();
    for name in all()? {
        if starts(&name)? == wanted {
            found.push(name);
        }
    }
    Ok(found.into())
}

fn set(ctx: &mut Ctx, args: &Bound, word: &str) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if !is_known(&name)? && !succeeds(ctx, &["chkconfig", "--add", &name])?.is_truthy() {
        return Ok(false.into());
    }
    succeeds(ctx, &["chkconfig", &name, word])
}

fn act(ctx: &mut Ctx, args: &Bound, verb: &str) -> Result<Value, CallError> {
    succeeds(ctx, &["service", &args.str("name")?, verb])
}
