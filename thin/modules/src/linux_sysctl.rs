//! `sysctl.*`: parameters of the running kernel, and the file that keeps them over a restart.
//!
//! Read and written in `/proc/sys`: no program is needed, and every value comes as the kernel has it.

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Bound, Ctx, write};
use halite_wire::{Map, Value};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

pub const MODULE: Module = Module {
    file: "linux_sysctl",
    virtual_name: "sysctl",
    doc: "Parameters of the running kernel, and the file that keeps them.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "assign",
        params: &[Param::Required("name"), Param::Required("value")],
        doc: "Sets a parameter of the running kernel.",
        example: "sysctl.assign net.ipv4.ip_forward 1",
        call: assign_call,
    },
    Function {
        name: "default_config",
        params: &[],
        doc: "The file that keeps parameters: one of its own below /etc/sysctl.d where systemd reads it, else /etc/sysctl.conf.",
        example: "sysctl.default_config",
        call: |_, _| Ok(default_config().into()),
    },
    Function {
        name: "get",
        params: &[Param::Required("name")],
        doc: "The value of a parameter of the running kernel.",
        example: "sysctl.get net.ipv4.ip_forward",
        call: |_, args| get(&args.str("name")?).map(Value::from),
    },
    Function {
        name: "persist",
        params: &[
            Param::Required("name"),
            Param::Required("value"),
            Param::Optional("config", Default::Null),
        ],
        doc: "Sets a parameter now and for every start: 'Updated', or 'Already set'.",
        example: "sysctl.persist net.ipv4.ip_forward 1",
        call: persist,
    },
    Function {
        name: "show",
        params: &[Param::Optional("config_file", Default::Bool(false))],
        doc: "All parameters of the running kernel, or those of a file.",
        example: "sysctl.show config_file=/etc/sysctl.conf",
        call: show,
    },
];

/// Where the kernel has its parameters.
const KERNEL: &str = "/proc/sys";

/// Directories below [`KERNEL`] inside each other.
const DEPTH_MAX: usize = 8;

/// The first lines of a file that is made.
const HEADER: &str = "#\n# Kernel sysctl configuration\n#\n";

/// The file the name stands for; dots and slashes change places, as `sysctl` has it.
fn file_of(name: &str) -> Option<PathBuf> {
    let path: String = name
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain.then(|| Path::new(KERNEL).join(path))
}

fn unknown(name: &str) -> CallError {
    CallError::failed(format!("the kernel has no parameter {name}"))
}

/// The value as the kernel has it, without the line's end; lines of more are kept apart.
///
/// # Errors
/// No such parameter, or one that cannot be read.
pub fn get(name: &str) -> Result<String, CallError> {
    let file = file_of(name).ok_or_else(|| unknown(name))?;
    match fs::read_to_string(&file) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unknown(name)),
        Err(error) => Err(CallError::failed(format!("{name} cannot be read: {error}"))),
    }
}

fn assign_call(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, value) = (args.str("name")?, args.str("value")?);
    assign(&name, &value)?;
    Ok(Map::from([(name.as_str(), value)]).into())
}

/// Sets a parameter and looks whether the kernel took it.
fn assign(name: &str, value: &str) -> Result<(), CallError> {
    let file = file_of(name).filter(|file| file.exists()).ok_or_else(|| unknown(name))?;
    let failed = |why: String| CallError::failed(format!("{name} cannot be set to {value}: {why}"));
    let mut open =
        fs::OpenOptions::new().write(true).open(file).map_err(|error| failed(error.to_string()))?;
    open.write_all(format!("{value}\n").as_bytes()).map_err(|error| failed(error.to_string()))
}

/// Blanks between the numbers of a value are one tab in the kernel, whatever they are in a file.
fn tidy(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join("\t")
}

/// See the function's doc.
pub fn default_config() -> &'static str {
    let systemd = Path::new("/run/systemd/system").is_dir();
    if systemd { "/etc/sysctl.d/99-salt.conf" } else { "/etc/sysctl.conf" }
}

/// Parameters of a file; `None` where there is none.
///
/// # Errors
/// A file that cannot be read.
pub fn configured(config: &Path) -> std::io::Result<Option<Map>> {
    let text = match fs::read_to_string(config) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let entries = lines.filter_map(|line| line.split_once('='));
    Ok(Some(entries.map(|(name, value)| (name.trim_end(), value.trim_start())).collect()))
}

fn show(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.get("config_file").is_truthy() {
        let config = args.str("config_file")?;
        return Ok(match configured(Path::new(&config)) {
            Ok(Some(entries)) => entries.into(),
            Ok(None) => Value::List(Vec::new()),
            Err(_) => Value::Null,
        });
    }
    let mut all = Map::new();
    gather(Path::new(KERNEL), "", DEPTH_MAX, &mut all);
    Ok(all.into())
}

fn gather(folder: &Path, prefix: &str, depth: usize, all: &mut Map) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy().replace('.', "/"));
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth > 0 {
                gather(&entry.path(), &format!("{name}."), depth - 1, all);
            }
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            all.insert(name, text.trim_end());
        }
    }
}

fn persist(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, value) = (args.str("name")?, args.str("value")?);
    let config = args.opt_str("config")?.unwrap_or_else(|| default_config().to_owned());
    let config = Path::new(&config);
    let failed = |error: std::io::Error| CallError::failed(format!("{}: {error}", config.display()));
    let text = match fs::read_to_string(config) {
        Err(error) if error.kind() == ErrorKind::NotFound => HEADER.to_owned(),
        other => other.map_err(failed)?,
    };
    let kept = keeps(&text, &name).next().is_some_and(|old| tidy(old) == tidy(&value));
    if kept {
        if tidy(&get(&name)?) == tidy(&value) {
            return Ok("Already set".into());
        }
        assign(&name, &value)?;
        return Ok("Updated".into());
    }
    if let Some(folder) = config.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    write::replace(config, with_value(&text, &name, &value).as_bytes(), 0o644).map_err(failed)?;
    assign(&name, &value)?;
    Ok("Updated".into())
}

/// Values the file gives to `name`.
fn keeps<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let entries = text.lines().filter_map(|line| line.split_once('='));
    entries.filter(move |(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// The text with this value in place of each old one, or at its end.
fn with_value(text: &str, name: &str, value: &str) -> String {
    let mut result = String::new();
    let mut edited = false;
    for line in text.split_inclusive('\n') {
        let is_it = line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
        if is_it {
            edited = true;
            result += &format!("{name} = {value}\n");
        } else {
            result += line;
        }
    }
    if !edited {
        if !result.is_empty() && !result.ends_with('\n') {
            result.push('\n');
        }
        result += &format!("{name} = {value}\n");
    }
    result
}
