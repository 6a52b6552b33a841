//! What the modules called `service` share: which init system runs here, and what is known of one service.

use crate::registry::{CallError, Default, Param, Signature};
use crate::{Args, Bound, Ctx, call, glob, systemd_service, tools};
use halite_wire::{Map, Value};
use std::path::Path;

pub const NAME: Param = Param::Required("name");
pub const SIG: Param = Param::Optional("sig", Default::Null);
pub const KWARGS: Param = Param::Keywords("kwargs");

/// What every kind of service can be asked; a module says by what ([`Signature::by`]).
pub const AVAILABLE: Signature =
    Signature::new("available", &[NAME], "Whether there is such a service.", "service.available sshd");
pub const DISABLE: Signature = Signature::new(
    "disable",
    &[NAME, KWARGS],
    "Keeps a service from starting at boot.",
    "service.disable nginx",
);
pub const DISABLED: Signature = Signature::new(
    "disabled",
    &[NAME],
    "Whether a service does not start at boot.",
    "service.disabled nginx",
);
pub const ENABLE: Signature =
    Signature::new("enable", &[NAME, KWARGS], "Has a service start at boot.", "service.enable nginx");
pub const ENABLED: Signature =
    Signature::new("enabled", &[NAME, KWARGS], "Whether a service starts at boot.", "service.enabled nginx");
pub const FORCE_RELOAD: Signature = Signature::new(
    "force_reload",
    &[NAME],
    "Has a service read its configuration again, or restarts it where it cannot.",
    "service.force_reload nginx",
);
pub const GET_ALL: Signature = Signature::new("get_all", &[], "Names of all services.", "service.get_all");
pub const GET_DISABLED: Signature = Signature::new(
    "get_disabled",
    &[],
    "Names of services that do not start at boot.",
    "service.get_disabled",
);
pub const GET_ENABLED: Signature =
    Signature::new("get_enabled", &[], "Names of services that start at boot.", "service.get_enabled");
pub const MISSING: Signature =
    Signature::new("missing", &[NAME], "Whether there is no such service.", "service.missing sshd");
pub const RELOAD: Signature =
    Signature::new("reload", &[NAME], "Has a service read its configuration again.", "service.reload nginx");
pub const RESTART: Signature =
    Signature::new("restart", &[NAME], "Stops and starts a service.", "service.restart nginx");
pub const START: Signature = Signature::new("start", &[NAME], "Starts a service.", "service.start nginx");
pub const STATUS: Signature = Signature::new(
    "status",
    &[NAME, SIG],
    "Whether a service runs; for a pattern, a dict of all services it fits.",
    "service.status nginx",
);
pub const STOP: Signature = Signature::new("stop", &[NAME], "Stops a service.", "service.stop nginx");

/// Whether systemd is the init system that runs.
pub fn booted() -> bool {
    Path::new("/run/systemd/system").exists()
}

/// Whether systemd is there but does not run: a chroot, or an image under construction.
pub fn offline() -> bool {
    !booted() && tools::has("systemctl")
}

/// Whether no systemd has a say here, so that older init systems may.
pub fn no_systemd() -> bool {
    !booted() && !offline()
}

/// What a state must know of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub available: bool,
    pub running: bool,
    pub enabled: bool,
}

/// Availability, status and start at boot at once: with systemd it is one program run for all three.
///
/// # Errors
/// No init system that we know runs here, or it cannot be asked.
pub fn facts(ctx: &mut Ctx, name: &str, sig: Option<&str>) -> Result<Facts, CallError> {
    if booted() {
        return systemd_service::facts(name);
    }
    let ask = |ctx: &mut Ctx, fun: &str, args: Args| Ok::<bool, CallError>(call(ctx, fun, args)?.is_truthy());
    if !ask(ctx, "service.available", Args::of([name]))? {
        return Ok(Facts::default());
    }
    let running = ask(ctx, "service.status", Args::of([name]).with("sig", sig.map(str::to_owned)))?;
    let counts = crate::registry::find(ctx, "service.enabled").is_ok();
    let enabled = !counts || ask(ctx, "service.enabled", Args::of([name]))?;
    Ok(Facts { available: true, running, enabled })
}

/// `service.status`: one answer for one name, a dict for a pattern; `sig` looks among the processes instead.
///
/// # Errors
/// What `all` and `one` say.
pub fn status(
    ctx: &mut Ctx,
    args: &Bound,
    all: fn(&mut Ctx) -> Result<Vec<String>, CallError>,
    one: fn(&mut Ctx, &str) -> Result<bool, CallError>,
) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if let Some(sig) = args.opt_str("sig")?.filter(|sig| !sig.is_empty()) {
        return Ok(call(ctx, "status.pid", Args::of([sig]))?.is_truthy().into());
    }
    if !glob::has_magic(name.as_bytes()) {
        return one(ctx, &name).map(Value::from);
    }
    let mut found = Map::new();
    for service in all(ctx)?.into_iter().filter(|one| glob::fnmatch(one.as_bytes(), name.as_bytes())) {
        let running = one(ctx, &service)?;
        found.insert(service, running);
    }
    Ok(found.into())
}

/// Runs a program whose exit code is the answer; what it says against goes to the notes.
///
/// # Errors
/// Where it cannot be started.
pub fn succeeds(ctx: &mut Ctx, argv: &[&str]) -> Result<Value, CallError> {
    let output = tools::run(argv)?;
    if !output.ok() {
        ctx.notes.push(format!("{}: {}", argv.join(" "), tools::complaint(&output)));
    }
    Ok(output.ok().into())
}

/// Names of executable scripts of a folder, sorted.
pub fn scripts(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let scripts = entries.filter(|entry| crate::process::is_executable(&entry.path()));
    let mut names: Vec<String> =
        scripts.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The runlevel `runlevel` tells, else `usual`.
pub fn runlevel(usual: &str) -> String {
    let told = tools::text(&["runlevel"]).unwrap_or_default();
    let level = told.split_whitespace().nth(1).filter(|_| !told.contains("unknown"));
    level.unwrap_or(usual).to_owned()
}

/// Whether `file` is the link that starts `name` at boot: `S`, two digits, the name.
pub fn is_start_link(file: &str, name: &str) -> bool {
    let rest =
        file.strip_prefix('S').map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    rest == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_link_is_known_by_its_letter_and_number() {
        assert!(is_start_link("S01x11-common", "x11-common") && is_start_link("S99a", "a"));
        assert!(!is_start_link("K01cron", "cron") && !is_start_link("S01cron", "ron"));
    }
}
