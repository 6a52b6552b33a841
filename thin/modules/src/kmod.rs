//! `kmod.*`: modules of the kernel, by `modprobe` and `rmmod`, and the file that has them loaded at start.

use crate::registry::Default::Bool;
use crate::registry::Param::{Optional, Required};
use crate::registry::{CallError, Function, Module};
use crate::{Bound, Ctx, tools, write};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "kmod",
    virtual_name: "kmod",
    doc: "Modules of the kernel.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "available",
        params: &[],
        doc: "Modules this kernel could load or has built in.",
        example: "kmod.available",
        call: |_, _| Ok(available().into_iter().collect()),
    },
    Function {
        name: "check_available",
        params: &[Required("mod")],
        doc: "Whether this kernel could load a module.",
        example: "kmod.check_available kvm",
        call: |_, args| Ok(available().contains(&args.str("mod")?).into()),
    },
    Function {
        name: "is_loaded",
        params: &[Required("mod")],
        doc: "Whether a module is loaded.",
        example: "kmod.is_loaded kvm",
        call: |_, args| Ok(loaded().contains(&args.str("mod")?).into()),
    },
    Function {
        name: "load",
        params: &[Required("mod"), Optional("persist", Bool(false))],
        doc: "Loads a module; the modules that came with it, or why it cannot be loaded.",
        example: "kmod.load kvm",
        call: load,
    },
    Function {
        name: "lsmod",
        params: &[],
        doc: "Loaded modules with their sizes and those that use them.",
        example: "kmod.lsmod",
        call: |_, _| Ok(lsmod()),
    },
    Function {
        name: "mod_list",
        params: &[Optional("only_persist", Bool(false))],
        doc: "Names of loaded modules, or of those that are loaded at start.",
        example: "kmod.mod_list",
        call: |_, args| {
            let names = if args.bool("only_persist") { kept(&kept_text()) } else { loaded() };
            Ok(names.into_iter().collect())
        },
    },
    Function {
        name: "remove",
        params: &[Required("mod"), Optional("persist", Bool(false)), Optional("comment", Bool(true))],
        doc: "Unloads a module; the modules that went with it, or why it cannot be unloaded.",
        example: "kmod.remove kvm",
        call: remove,
    },
];

/// The file that has modules loaded at start.
fn config() -> &'static str {
    let systemd = Path::new("/run/systemd/system").is_dir();
    if systemd { "/etc/modules-load.d/salt_managed.conf" } else { "/etc/modules" }
}

fn kept_text() -> String {
    fs::read_to_string(config()).unwrap_or_default()
}

fn kept(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn modules() -> String {
    fs::read_to_string("/proc/modules").unwrap_or_default()
}

fn loaded() -> BTreeSet<String> {
    modules().lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn lsmod() -> Value {
    let entry = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, size, count, users, ..] = words[..] else { return None };
        let users: Value = users.split(',').filter(|user| !user.is_empty() && *user != "-").collect();
        let texts = [("size", size), ("module", name), ("depcount", count)];
        let mut facts = Map::from(texts);
        facts.insert("deps", users);
        Some(Value::from(facts))
    };
    modules().lines().filter_map(entry).collect()
}

/// Folders of modules inside each other.
const DEPTH_MAX: usize = 16;

fn available() -> BTreeSet<String> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let folder = Path::new("/lib/modules").join(release);
    let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
    let stem = |path: &str| {
        path.rsplit('/').next().and_then(|file| file.split_once(".ko")).map(|(stem, _)| stem.to_owned())
    };
    let mut names: BTreeSet<String> = built_in.lines().filter_map(stem).collect();
    gather(&folder, DEPTH_MAX, &mut names);
    names
}

fn gather(folder: &Path, depth: usize, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
            gather(&entry.path(), depth - 1, names);
        } else if let Some((stem, _)) = name.split_once(".ko") {
            names.insert(stem.replace('-', "_"));
        }
    }
}

fn store(text: &str) -> Result<(), CallError> {
    let failed = |error| CallError::failed(format!("{}: {error}", config()));
    if let Some(folder) = Path::new(config()).parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    write::replace(Path::new(config()), text.as_bytes(), 0o644).map_err(failed)
}

/// Whether the line is `entry` behind a comment sign.
fn is_commented(line: &str, entry: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.trim() == entry)
}

/// Has the module loaded at start. Its name where that is new.
fn keep(entry: &str) -> Result<Option<String>, CallError> {
    let text = kept_text();
    let name = entry.split_whitespace().next().unwrap_or_default();
    if name.is_empty() || kept(&text).contains(name) || !available().contains(name) {
        return Ok(None);
    }
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.iter().position(|line| is_commented(line, entry)) {
        Some(at) => lines[at] = entry,
        None => lines.push(entry),
    }
    store(&(lines.join("\n") + "\n"))?;
    Ok(Some(name.to_owned()))
}

/// Has the module no longer loaded at start. Its name where it was.
fn forget(entry: &str, comments: bool) -> Result<Option<String>, CallError> {
    let text = kept_text();
    let name = entry.split_whitespace().next().unwrap_or_default();
    if !kept(&text).contains(name) {
        return Ok(None);
    }
    let is_it = |line: &str| line.trim_start().starts_with(entry);
    let edited = |line: &str| match (is_it(line), comments) {
        (true, true) => Some(format!("#{line}")),
        (true, false) => None,
        (false, _) => Some(line.to_owned()),
    };
    let lines: Vec<String> = text.lines().filter_map(edited).collect();
    store(&(lines.join("\n") + "\n"))?;
    Ok(Some(name.to_owned()))
}

fn load(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("mod")?;
    let before = loaded();
    let words: Vec<String> =
        std::iter::once("modprobe").chain(name.split_whitespace()).map(str::to_owned).collect();
    let output = tools::run(&words)?;
    if !output.ok() {
        return Ok(format!("Error loading module {name}: {}", tools::complaint(&output)).into());
    }
    let mut new: BTreeSet<String> = loaded().difference(&before).cloned().collect();
    if args.bool("persist") {
        new.extend(keep(&name)?);
    }
    Ok(new.into_iter().collect())
}

fn remove(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("mod")?;
    let before = loaded();
    let output = tools::run(&["rmmod", &name])?;
    if !output.ok() {
        return Ok(format!("Error removing module {name}: {}", tools::complaint(&output)).into());
    }
    let mut gone: BTreeSet<String> = before.difference(&loaded()).cloned().collect();
    if args.bool("persist") {
        gone.extend(forget(&name, args.bool("comment"))?);
    }
    Ok(gone.into_iter().collect())
}
