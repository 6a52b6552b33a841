//! `service.*` on Debian and its kin without systemd: scripts of `/etc/init.d`, started at boot by `update-rc.d`.

use crate::registry::{CallError, Function, Module};
use crate::services::succeeds;
use crate::{Bound, Ctx, services, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "debian_service",
    virtual_name: "service",
    doc: "Services started by scripts, on Debian and its kin.",
    applies: |grains| is_ours(grains) && services::no_systemd(),
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    services::AVAILABLE.by(|_, args| Ok(is_available(&args.str("name")?).into())),
    services::DISABLE.by(|ctx, args| succeeds(ctx, &["update-rc.d", &args.str("name")?, "disable"])),
    services::DISABLED.by(|_, args| {
        let name = args.str("name")?;
        Ok((all().contains(&name) && !enabled().contains(&name)).into())
    }),
    services::ENABLE.by(enable),
    services::ENABLED.by(|_, args| Ok(enabled().contains(&args.str("name")?).into())),
    services::FORCE_RELOAD.by(|ctx, args| act(ctx, args, "force-reload")),
    services::GET_ALL.by(|_, _| Ok(list(all()))),
    services::GET_DISABLED.by(|_, _| Ok(list(all().difference(&enabled()).cloned().collect()))),
    services::GET_ENABLED.by(|_, _| Ok(list(enabled()))),
    services::MISSING.by(|_, args| Ok((!is_available(&args.str("name")?)).into())),
    services::RELOAD.by(|ctx, args| act(ctx, args, "reload")),
    services::RESTART.by(|ctx, args| act(ctx, args, "restart")),
    services::START.by(|ctx, args| act(ctx, args, "start")),
    services::STATUS.by(|ctx, args| services::status(ctx, args, |_| Ok(all().into_iter().collect()), runs)),
    services::STOP.by(|ctx, args| act(ctx, args, "stop")),
];

/// On these the scripts answer whatever the init is, as in Salt; on their kin runit goes first where it is the init.
const BEFORE_RUNIT: [&str; 4] = ["Debian", "Devuan", "NILinuxRT", "Raspbian"];

fn is_ours(grains: &Map) -> bool {
    let is_runit = grains.get_str("init") == Some("runit");
    let goes_first = grains.get_str("os").is_some_and(|os| BEFORE_RUNIT.contains(&os));
    grains.get_str("os_family") == Some("Debian") && (goes_first || !is_runit)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_answer_before_runit_on_debian_itself_and_after_it_on_its_kin() {
        let grains = |os: &str, init: &str| Map::from([("os_family", "Debian"), ("os", os), ("init", init)]);
        assert!(is_ours(&grains("Debian", "runit")) && is_ours(&grains("Devuan", "runit")));
        assert!(!is_ours(&grains("Ubuntu", "runit")) && is_ours(&grains("Ubuntu", "sysvinit")));
        assert!(!is_ours(&Map::from([("os_family", "Void"), ("os", "Void"), ("init", "runit")])));
    }
}
