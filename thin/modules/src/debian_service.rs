//! `service.*` on Debian and its kin without systemd: scripts of `/etc/init.d`, started at boot by `update-rc.d`.

use crate::registry::{CallError, Function, Module};
use crate::services::{KWARGS, NAME, SIG, succeeds};
use crate::{Bound, Ctx, services, tools};
use halite_wire::Value;
use std::collections::BTreeSet;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "debian_service",
    virtual_name: "service",
    doc: "Services started by scripts, on Debian and its kin.",
    applies: |grains| grains.get_str("os_family") == Some("Debian") && services::no_systemd(),
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "available",
        params: &[NAME],
        doc: "Whether there is such a service.",
        example: "service.available sshd",
        call: |_, args| Ok(is_available(&args.str("name")?).into()),
    },
    Function {
        name: "disable",
        params: &[NAME, KWARGS],
        doc: "Keeps a service from starting at boot.",
        example: "service.disable nginx",
        call: |ctx, args| succeeds(ctx, &["update-rc.d", &args.str("name")?, "disable"]),
    },
    Function {
        name: "disabled",
        params: &[NAME],
        doc: "Whether a service does not start at boot.",
        example: "service.disabled nginx",
        call: |_, args| {
            let name = args.str("name")?;
            Ok((all().contains(&name) && !enabled().contains(&name)).into())
        },
    },
    Function {
        name: "enable",
        params: &[NAME, KWARGS],
        doc: "Has a service start at boot.",
        example: "service.enable nginx",
        call: enable,
    },
    Function {
        name: "enabled",
        params: &[NAME, KWARGS],
        doc: "Whether a service starts at boot.",
        example: "service.enabled nginx",
        call: |_, args| Ok(enabled().contains(&args.str("name")?).into()),
    },
    Function {
        name: "force_reload",
        params: &[NAME],
        doc: "Has a service read its configuration again, or restarts it where it cannot.",
        example: "service.force_reload nginx",
        call: |ctx, args| act(ctx, args, "force-reload"),
    },
    Function {
        name: "get_all",
        params: &[],
        doc: "Names of all services.",
        example: "service.get_all",
        call: |_, _| Ok(list(all())),
    },
    Function {
        name: "get_disabled",
        params: &[],
        doc: "Names of services that do not start at boot.",
        example: "service.get_disabled",
        call: |_, _| Ok(list(all().difference(&enabled()).cloned().collect())),
    },
    Function {
        name: "get_enabled",
        params: &[],
        doc: "Names of services that start at boot.",
        example: "service.get_enabled",
        call: |_, _| Ok(list(enabled())),
    },
    Function {
        name: "missing",
        params: &[NAME],
        doc: "Whether there is no such service.",
        example: "service.missing sshd",
        call: |_, args| Ok((!is_available(&args.str("name")?)).into()),
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
        call: |ctx, args| services::status(ctx, args, |_| Ok(all().into_iter().collect()), runs),
    },
    Function {
        name: "stop",
        params: &[NAME],
        doc: "Stops a service.",
        example: "service.stop nginx",
        call: |ctx, args| act(ctx, args, "stop"),
    },
];

fn list(names: BTreeSet<String>) -> Value {
    names.into_iter().collect::<Vec<_>>().into()
}

fn all() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/etc/init.d").into_iter().flatten().flatten();
    let mut names: BTreeSet<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "README" && !name.starts_with('.'));
    names.extend(enabled());
    names
}

/// Names of the links that start services: `S01ssh` starts `ssh`.
fn enabled() -> BTreeSet<String> {
    let folders = ["S".to_owned(), services::runlevel("2")].map(|level| format!("/etc/rc{level}.d"));
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let name = |file: &str| {
        let rest = file.strip_prefix('S')?.trim_start_matches(|digit: char| digit.is_ascii_digit());
        (!rest.is_empty()).then(|| rest.to_owned())
    };
    entries.filter_map(|entry| name(&entry.file_name().to_string_lossy())).collect()
}

fn is_available(name: &str) -> bool {
    Path::new("/etc/init.d").join(name).exists() || enabled().contains(name)
}

fn act(ctx: &mut Ctx, args: &Bound, verb: &str) -> Result<Value, CallError> {
    succeeds(ctx, &["service", &args.str("name")?, verb])
}

fn runs(_: &mut Ctx, name: &str) -> Result<bool, CallError> {
    Ok(tools::run(&["service", name, "status"])?.ok())
}

/// Links are made where there are none, and turned to start where they stop.
fn enable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let made = succeeds(ctx, &["update-rc.d", &name, "defaults"])?;
    if made.is_truthy() { succeeds(ctx, &["update-rc.d", &name, "enable"]) } else { Ok(made) }
}
