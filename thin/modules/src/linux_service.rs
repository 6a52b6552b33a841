//! `service.*` where nothing but scripts of `/etc/init.d` (`/etc/rc.d` on Arch) is known to start services.

use crate::registry::{CallError, Function, Module};
use crate::services::{NAME, SIG, succeeds};
use crate::{Args, Bound, Ctx, call, services};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub const MODULE: Module = Module {
    file: "linux_service",
    virtual_name: "service",
    doc: "Services started by scripts, on hosts with no other means.",
    applies,
    functions: FUNCTIONS,
};

/// Systems whose services another module knows.
const OTHERS: [&str; 4] = ["Gentoo", "Alpine", "Slackware", "SUSE"];

fn applies(grains: &Map) -> bool {
    let family_has_its_own = matches!(grains.get_str("os_family"), Some("Debian" | "RedHat"));
    let others = grains.get_str("os").is_some_and(|os| OTHERS.contains(&os));
    let plain = matches!(grains.get_str("init"), None | Some("sysvinit" | "unknown"));
    !family_has_its_own && !others && plain && services::no_systemd()
}

const FUNCTIONS: &[Function] = &[
    Function {
        name: "available",
        params: &[NAME],
        doc: "Whether there is such a service.",
        example: "service.available sshd",
        call: |ctx, args| Ok(all(ctx).contains(&args.str("name")?).into()),
    },
    Function {
        name: "get_all",
        params: &[],
        doc: "Names of all services.",
        example: "service.get_all",
        call: |ctx, _| Ok(all(ctx).into()),
    },
    Function {
        name: "missing",
        params: &[NAME],
        doc: "Whether there is no such service.",
        example: "service.missing sshd",
        call: |ctx, args| Ok((!all(ctx).contains(&args.str("name")?)).into()),
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
        doc: "Whether a process of the service's name runs; for a pattern, a dict of all services it fits.",
        example: "service.status nginx",
        call: |ctx, args| services::status(ctx, args, |ctx| Ok(all(ctx)), runs),
    },
    Function {
        name: "stop",
        params: &[NAME],
        doc: "Stops a service.",
        example: "service.stop nginx",
        call: |ctx, args| act(ctx, args, "stop"),
    },
];

fn folder(ctx: &mut Ctx) -> PathBuf {
    let is_arch = matches!(ctx.grains().get_str("os"), Some("Arch" | "Arch ARM"));
    Path::new(if is_arch { "/etc/rc.d" } else { "/etc/init.d" }).to_owned()
}

fn all(ctx: &mut Ctx) -> Vec<String> {
    let entries = std::fs::read_dir(folder(ctx)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn act(ctx: &mut Ctx, args: &Bound, verb: &str) -> Result<Value, CallError> {
    let script = folder(ctx).join(args.str("name")?);
    succeeds(ctx, &[&script.to_string_lossy(), verb])
}

fn runs(ctx: &mut Ctx, name: &str) -> Result<bool, CallError> {
    Ok(call(ctx, "status.pid", Args::of([name]))?.is_truthy())
}
