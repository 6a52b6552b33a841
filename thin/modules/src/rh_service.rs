//! `service.*` on the older kin of Red Hat: scripts of `/etc/init.d`, started at boot by `chkconfig`.

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::services::{KWARGS, NAME, succeeds};
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
    services::AVAILABLE.with(&[NAME, LIMIT]).by(|_, args| Ok(is_available(&args.str("name")?)?.into())),
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
    services::DISABLE.by(|ctx, args| set(ctx, args, "off")),
    services::DISABLED.by(|_, args| Ok((!starts(&args.str("name")?)?).into())),
    services::ENABLE.by(|ctx, args| set(ctx, args, "on")),
    services::ENABLED.by(|_, args| Ok(starts(&args.str("name")?)?.into())),
    services::GET_ALL.with(&[LIMIT]).by(|_, _| Ok(all()?.into())),
    services::GET_DISABLED.with(&[LIMIT]).by(|_, _| that_start(false)),
    services::GET_ENABLED.with(&[LIMIT]).by(|_, _| that_start(true)),
    services::MISSING.with(&[NAME, LIMIT]).by(|_, args| Ok((!is_available(&args.str("name")?)?).into())),
    services::RELOAD.by(|ctx, args| act(ctx, args, "reload")),
    services::RESTART.by(|ctx, args| act(ctx, args, "restart")),
    services::START.by(|ctx, args| act(ctx, args, "start")),
    services::STATUS.by(|ctx, args| {
        services::status(ctx, args, |_| all(), |_, name| Ok(tools::run(&["service", name, "status"])?.ok()))
    }),
    services::STOP.by(|ctx, args| act(ctx, args, "stop")),
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
