//! `service.*` where runit is the init system: folders with a `run` script, linked into the folder it watches.

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::services::{KWARGS, NAME, succeeds};
use crate::{Args, Bound, Ctx, call, glob, process, services, tools};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const MODULE: Module = Module {
    file: "runit",
    virtual_name: "service",
    doc: "Services of runit.",
    applies: |grains| grains.get_str("init") == Some("runit"),
    functions: FUNCTIONS,
};

/// Folders runit may watch, and where services wait to be linked into it.
const WATCHED: [&str; 3] = ["/service", "/var/service", "/etc/service"];
const WAITING: &str = "/etc/sv";

/// How often and after what pause `sv` is asked whether runit has seen a new link, for which it looks every five seconds.
const SEEN_TRIES: u32 = 20;
const SEEN_PAUSE: Duration = Duration::from_millis(500);

const FUNCTIONS: &[Function] = &[
    services::AVAILABLE.by(|_, args| Ok(find(&args.str("name")?)?.is_some().into())),
    services::DISABLE
        .with(&[NAME, Param::Optional("stop", Default::Bool(false)), KWARGS])
        .doc("Keeps a service from starting at boot, and stops it with stop.")
        .by(disable),
    services::DISABLED.by(|_, args| Ok((!is_enabled(&args.str("name")?)?).into())),
    services::ENABLE
        .with(&[NAME, Param::Optional("start", Default::Bool(false)), KWARGS])
        .doc("Has runit watch a service, and starts it with start.")
        .by(enable),
    services::ENABLED.with(&[NAME]).by(|_, args| Ok(is_enabled(&args.str("name")?)?.into())),
    Function {
        name: "full_restart",
        params: &[NAME],
        doc: "Stops and starts a service.",
        example: "service.full_restart nginx",
        call: |ctx, args| sv(ctx, args, "restart"),
    },
    services::GET_ALL.by(|_, _| Ok(names(&all()?))),
    services::GET_DISABLED.by(|_, _| Ok(names(&all()?.difference(&enabled()?).cloned().collect()))),
    services::GET_ENABLED.by(|_, _| Ok(names(&enabled()?))),
    services::MISSING.by(|_, args| Ok(find(&args.str("name")?)?.is_none().into())),
    services::RELOAD.by(|ctx, args| sv(ctx, args, "reload")),
    Function {
        name: "remove",
        params: &[NAME],
        doc: "Stops a service and takes its link from runit.",
        example: "service.remove nginx",
        call: remove,
    },
    services::RESTART.by(|ctx, args| sv(ctx, args, "restart")),
    Function {
        name: "show",
        params: &[NAME],
        doc: "What is known of a service.",
        example: "service.show nginx",
        call: show,
    },
    services::START.by(|ctx, args| sv(ctx, args, "start")),
    services::STATUS.doc("Whether a service runs.").by(status),
    Function {
        name: "status_autostart",
        params: &[NAME],
        doc: "Whether runit starts a service by itself.",
        example: "service.status_autostart nginx",
        call: |_, args| Ok((!link(&args.str("name")?)?.join("down").exists()).into()),
    },
    services::STOP.by(|ctx, args| sv(ctx, args, "stop")),
];

fn watched() -> Result<&'static Path, CallError> {
    let found = WATCHED.iter().map(Path::new).find(|folder| folder.exists());
    found.ok_or_else(|| CallError::failed(format!("runit watches none of {}", WATCHED.join(", "))))
}

fn link(name: &str) -> Result<PathBuf, CallError> {
    Ok(watched()?.join(name))
}

fn services_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = glob::glob(&folder.join("*"));
    found.retain(|path| process::is_executable(&path.join("run")));
    found
}

/// Folders of services runit watches, links followed once.
fn enabled() -> Result<BTreeSet<PathBuf>, CallError> {
    let found = services_in(watched()?).into_iter();
    Ok(found.map(|path| fs::read_link(&path).unwrap_or(path)).collect())
}

fn all() -> Result<BTreeSet<PathBuf>, CallError> {
    let mut found = enabled()?;
    found.extend(services_in(Path::new(WAITING)));
    Ok(found)
}

fn names(paths: &BTreeSet<PathBuf>) -> Value {
    let names = paths.iter().filter_map(|path| path.file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn find(name: &str) -> Result<Option<PathBuf>, CallError> {
    Ok(all()?.into_iter().find(|path| path.file_name().is_some_and(|file| file == name)))
}

fn is_enabled(name: &str) -> Result<bool, CallError> {
    Ok(enabled()?.iter().any(|path| path.file_name().is_some_and(|file| file == name)))
}

fn sv(ctx: &mut Ctx, args: &Bound, verb: &str) -> Result<Value, CallError> {
    succeeds(ctx, &["sv", verb, &link(&args.str("name")?)?.to_string_lossy()])
}

fn runs(name: &str) -> Result<bool, CallError> {
    let link = link(name)?;
    Ok(link.exists() && tools::run(&["sv", "status", &link.to_string_lossy()])?.text().starts_with("run: "))
}

fn status(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    match args.opt_str("sig")?.filter(|sig| !sig.is_empty()) {
        Some(sig) => Ok(call(ctx, "status.pid", Args::of([sig]))?.is_truthy().into()),
        None => runs(&args.str("name")?).map(Value::from),
    }
}

fn show(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let Some(path) = find(&name)? else {
        let none = [("enabled", false), ("disabled", true), ("running", false), ("autostart", false)];
        let mut facts: Map = none.into_iter().chain([("available", false)]).collect();
        facts.extend([("service_path", Value::Null), ("command_path", Value::Null)]);
        return Ok(facts.into());
    };
    let enabled = is_enabled(&name)?;
    Ok(Map::from([
        ("enabled", Value::from(enabled)),
        ("disabled", (!enabled).into()),
        ("running", runs(&name)?.into()),
        ("service_path", path.to_string_lossy().into_owned().into()),
        ("autostart", (!link(&name)?.join("down").exists()).into()),
        ("command_path", path.join("run").to_string_lossy().into_owned().into()),
        ("available", true.into()),
    ])
    .into())
}

/// A file `down` keeps runit from starting a service it watches.
fn set_down(path: &Path, down: bool) -> Result<(), CallError> {
    let file = path.join("down");
    let done = match (down, file.exists()) {
        (true, false) => fs::write(&file, ""),
        (false, true) => fs::remove_file(&file),
        _ => Ok(()),
    };
    done.map_err(|error| CallError::failed(format!("cannot change {}: {error}", file.display())))
}

fn enable(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let Some(path) = find(&name)? else { return Ok(false.into()) };
    if is_enabled(&name)? {
        return set_down(&path, false).map(|()| true.into());
    }
    let (link, start) = (link(&name)?, args.bool("start"));
    if !start {
        set_down(&path, true)?;
    }
    let linked = std::os::unix::fs::symlink(&path, &link);
    let seen = linked.is_ok()
        && (0..SEEN_TRIES).any(|_| {
            std::thread::sleep(SEEN_PAUSE);
            tools::run(&["sv", "status", &link.to_string_lossy()]).is_ok_and(|output| output.ok())
        });
    set_down(&path, false)?;
    if linked.is_ok() && !seen {
        let _ = fs::remove_file(&link);
    }
    Ok(seen.into())
}

fn disable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let Some(path) = find(&name)?.filter(|_| is_enabled(&name).unwrap_or(false)) else {
        return Ok(false.into());
    };
    if args.bool("stop") {
        sv(ctx, args, "stop")?;
    }
    set_down(&path, true).map(|()| true.into())
}

fn remove(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let link = link(&name)?;
    if !is_enabled(&name)? || !link.is_symlink() || !sv(ctx, args, "stop")?.is_truthy() {
        return Ok(false.into());
    }
    Ok(fs::remove_file(link).is_ok().into())
}
