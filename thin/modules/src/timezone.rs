//! `timezone.*`: the host's time zone, and whether its hardware clock shows universal or local time.

use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Bound, Ctx, tools, write};
use halite_wire::Value;
use std::fs;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "timezone",
    virtual_name: "timezone",
    doc: "The host's time zone and hardware clock.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "get_hwclock",
        params: &[],
        doc: "Whether the hardware clock shows UTC or localtime.",
        example: "timezone.get_hwclock",
        call: |ctx, _| hwclock(ctx),
    },
    Function {
        name: "get_offset",
        params: &[],
        doc: "The distance from universal time: +0100.",
        example: "timezone.get_offset",
        call: |_, _| Ok(tools::text(&["date", "+%z"])?.trim_end().into()),
    },
    Function {
        name: "get_zone",
        params: &[],
        doc: "The time zone by its name.",
        example: "timezone.get_zone",
        call: |ctx, _| zone(ctx).map(Value::from),
    },
    Function {
        name: "get_zonecode",
        params: &[],
        doc: "The time zone by its abbreviation: CET.",
        example: "timezone.get_zonecode",
        call: |_, _| Ok(tools::text(&["date", "+%Z"])?.trim_end().into()),
    },
    Function {
        name: "list",
        params: &[],
        doc: "All time zones the host knows.",
        example: "timezone.list",
        call: |_, _| {
            let mut names = Vec::new();
            gather(Path::new(ZONES), "", &mut names);
            names.sort();
            Ok(names.into())
        },
    },
    Function {
        name: "set_hwclock",
        params: &[Param::Required("clock")],
        doc: "Has the hardware clock show UTC or localtime.",
        example: "timezone.set_hwclock UTC",
        call: set_hwclock,
    },
    Function {
        name: "set_zone",
        params: &[Param::Required("timezone")],
        doc: "Sets the time zone.",
        example: "timezone.set_zone Europe/Berlin",
        call: set_zone,
    },
    Function {
        name: "zone_compare",
        params: &[Param::Required("timezone")],
        doc: "Whether this is the host's time zone.",
        example: "timezone.zone_compare Europe/Berlin",
        call: zone_compare,
    },
];

const ZONES: &str = "/usr/share/zoneinfo";
const LOCALTIME: &str = "/etc/localtime";

fn gather(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Zones begin with a capital; beside them lie tables and further spellings (`posix`, `right`).
        if !entry.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{name}/"), names);
        } else {
            names.push(name);
        }
    }
}

/// The value `timedatectl` tells behind `label`; `None` where the host has no such program.
fn told(label: &str) -> Result<Option<String>, CallError> {
    if !tools::has("timedatectl") {
        return Ok(None);
    }
    let text = tools::text(&["timedatectl"])?;
    let mut lines = text.lines().filter_map(|line| line.trim().split_once(':'));
    let found = lines.find(|(name, _)| name.to_lowercase().replace(' ', "") == label);
    let missing = || CallError::failed("timedatectl does not tell it");
    found.map(|(_, value)| Some(value.trim().to_owned())).ok_or_else(missing)
}

fn family(ctx: &mut Ctx) -> String {
    ctx.grains().get_str("os_family").unwrap_or_default().to_owned()
}

/// The value of `KEY=value` in a file of settings.
fn setting(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let entries = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let value = entries.filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == key)?.1;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

fn zone(ctx: &mut Ctx) -> Result<String, CallError> {
    if let Some(zone) = told("timezone")? {
        return Ok(zone.split_whitespace().next().unwrap_or_default().to_owned());
    }
    let by_file = match family(ctx).as_str() {
        "RedHat" => setting("/etc/sysconfig/clock", "ZONE"),
        "Suse" => setting("/etc/sysconfig/clock", "TIMEZONE"),
        "Debian" | "Gentoo" => fs::read_to_string("/etc/timezone").ok().map(|text| text.trim().to_owned()),
        _ => None,
    };
    let linked = || {
        let target = fs::canonicalize(LOCALTIME).ok()?;
        Some(target.strip_prefix(ZONES).ok()?.to_string_lossy().into_owned())
    };
    by_file.or_else(linked).ok_or_else(|| CallError::failed("the host does not tell its time zone"))
}

fn zone_compare(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("timezone")?;
    let wanted = zone_file(&name)?;
    let wanted =
        fs::read(&wanted).map_err(|_| CallError::failed(format!("there is no time zone {name:?}")))?;
    let current = fs::read(LOCALTIME).map_err(|error| CallError::failed(format!("{LOCALTIME}: {error}")))?;
    Ok((wanted == current).into())
}

/// Where the zone lies; its name must not lead elsewhere.
fn zone_file(name: &str) -> Result<String, CallError> {
    let plain = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain {
        Ok(format!("{ZONES}/{name}"))
    } else {
        Err(CallError::failed(format!("{name:?} is no time zone")))
    }
}

/// Puts `KEY=value` in place of what the file says; a file that is not there is left so.
fn set_setting(file: &str, key: &str, value: &str) -> Result<(), CallError> {
    let Ok(text) = fs::read_to_string(file) else { return Ok(()) };
    let is_it = |line: &str| line.split_once('=').is_some_and(|(name, _)| name == key);
    let edited = |line| if is_it(line) { format!("{key}={value}\n") } else { format!("{line}\n") };
    let text: String = text.lines().map(edited).collect();
    write::replace(Path::new(file), text.as_bytes(), 0o644)
        .map_err(|error| CallError::failed(format!("{file}: {error}")))
}

fn set_zone(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("timezone")?;
    let file = zone_file(&name)?;
    if tools::has("timedatectl") {
        // Where systemd does not run it fails, and what follows does it.
        tools::run(&["timedatectl", "set-timezone", &name])?;
    }
    if !Path::new(&file).exists() {
        return Ok(format!("Zone does not exist: {file}").into());
    }
    let failed = |error: std::io::Error| CallError::failed(format!("the time zone cannot be set: {error}"));
    let fresh = write::fresh_name(Path::new(LOCALTIME));
    std::os::unix::fs::symlink(&file, &fresh).map_err(failed)?;
    fs::rename(&fresh, LOCALTIME).map_err(failed)?;
    match family(ctx).as_str() {
        "RedHat" => set_setting("/etc/sysconfig/clock", "ZONE", &format!("\"{name}\""))?,
        "Suse" => set_setting("/etc/sysconfig/clock", "TIMEZONE", &format!("\"{name}\""))?,
        "Debian" | "Gentoo" => {
            write::replace(Path::new("/etc/timezone"), format!("{}\n", name.trim()).as_bytes(), 0o644)
                .map_err(failed)?;
        }
        _ => {}
    }
    Ok(Value::Bool(true))
}

/// What the last line of `/etc/adjtime` says; null where the host has no such clock.
fn adjtime() -> Result<Value, CallError> {
    match fs::read_to_string("/etc/adjtime") {
        Ok(text) => Ok(text.lines().last().unwrap_or_default().into()),
        Err(_) if Path::new("/dev/rtc").exists() => Err(CallError::failed("/etc/adjtime is not there")),
        Err(_) => Ok(Value::Null),
    }
}

fn hwclock(ctx: &mut Ctx) -> Result<Value, CallError> {
    if let Some(local) = told("rtcinlocaltz")? {
        return Ok(if local.eq_ignore_ascii_case("yes") { "localtime" } else { "UTC" }.into());
    }
    let set = match family(ctx).as_str() {
        "Debian" => setting("/etc/default/rcS", "UTC")
            .map(|utc| if utc.eq_ignore_ascii_case("yes") { "UTC" } else { "localtime" }),
        "Gentoo" if !Path::new("/etc/adjtime").exists() => setting("/etc/conf.d/hwclock", "clock")
            .map(|clock| if clock == "local" { "LOCAL" } else { "UTC" }),
        _ => None,
    };
    set.map_or_else(adjtime, |clock| Ok(clock.into()))
}

fn set_hwclock(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let clock = args.str("clock")?;
    let local = clock == "localtime";
    if tools::has("timedatectl") {
        let output = tools::run(&["timedatectl", "set-local-rtc", if local { "true" } else { "false" }])?;
        return Ok(output.ok().into());
    }
    match family(ctx).as_str() {
        "Debian" => set_setting("/etc/default/rcS", "UTC", if local { "no" } else { "yes" })?,
        "Gentoo" => set_setting("/etc/conf.d/hwclock", "clock", if local { "\"local\"" } else { "\"UTC\"" })?,
        _ => {}
    }
    Ok(Value::Bool(true))
}
