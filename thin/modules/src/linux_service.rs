//! `service.*` where nothing but scripts of `/etc/init.d` (`/etc/rc.d` on Arch) is known to start services.

use crate::registry::{CallError, Function, Module};
use crate::services::succeeds;
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
    services::AVAILABLE.by(|ctx, args| Ok(all(ctx).contains(&args.str("name")?).into())),
    services::GET_ALL.by(|ctx, _| Ok(all(ctx).into())),
    services::MISSING.by(|ctx, args| Ok((!all(ctx).contains(&args.str("name")?)).into())),
    services::RELOAD.by(|ctx, args| act(ctx, args, "reload")),
    services::RESTART.by(|ctx, args| act(ctx, args, "restart")),
    services::START.by(|ctx, args| act(ctx, args, "start")),
    services::STATUS.by(|ctx, args| services::status(ctx, args, |ctx| Ok(all(ctx)), runs)),
    services::STOP.by(|ctx, args| act(ctx, args, "stop")),
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
