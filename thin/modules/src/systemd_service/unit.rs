//! One unit as systemd tells of it, and the programs that change it.

use crate::process::Output;
use crate::registry::CallError;
use crate::services::Facts;
use crate::tools;
use std::path::{Path, PathBuf};

/// What a unit's name may end in.
pub const KINDS: [&str; 9] =
    ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer"];

/// The unit's full name: `ssh` is `ssh.service`.
pub fn full_name(name: &str) -> String {
    let complete = KINDS.iter().any(|kind| name.ends_with(&format!(".{kind}")));
    if complete { name.to_owned() } else { format!("{name}.service") }
}

/// `path` below a root directory.
pub fn below(root: Option<&str>, path: &str) -> PathBuf {
    root.map_or_else(|| PathBuf::from(path), |root| Path::new(root).join(path.trim_start_matches('/')))
}

/// Properties of a unit that answer all a state asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    load: String,
    active: String,
    file: String,
    outdated: bool,
}

impl Unit {
    /// Asks systemd. A unit whose file was changed, or put there since, is read anew first.
    pub fn ask(name: &str) -> Result<Unit, CallError> {
        let unit = Unit::show(name)?;
        let untold =
            unit.load == "not-found" && Path::new("/etc/systemd/system").join(full_name(name)).exists();
        if unit.outdated || untold {
            reload_units()?;
            return Unit::show(name);
        }
        Ok(unit)
    }

    fn show(name: &str) -> Result<Unit, CallError> {
        let name = full_name(name);
        let properties = ["LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload"];
        let mut argv = vec!["systemctl", "show", &name];
        argv.extend(properties.iter().flat_map(|property| ["-p", property]));
        tools::text(&argv).map(|text| Unit::parse(&text))
    }

    fn parse(text: &str) -> Unit {
        let mut unit = Unit::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "LoadState" => value.clone_into(&mut unit.load),
                "ActiveState" => value.clone_into(&mut unit.active),
                "UnitFileState" => value.clone_into(&mut unit.file),
                "NeedDaemonReload" => unit.outdated = value == "yes",
                _ => {}
            }
        }
        unit
    }

    pub fn available(&self) -> bool {
        !matches!(self.load.as_str(), "" | "not-found")
    }

    pub fn active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "refreshing")
    }

    /// Whether it starts at boot, or is started by others (`static`): what `is-enabled` ends well for.
    pub fn enabled(&self) -> bool {
        const YES: [&str; 7] =
            ["enabled", "enabled-runtime", "alias", "static", "indirect", "generated", "transient"];
        YES.contains(&self.file.as_str())
    }
}

/// What a state must know of a unit.
pub fn facts(name: &str) -> Result<Facts, CallError> {
    let unit = Unit::ask(name)?;
    let enabled = unit.enabled() || unit.file.is_empty() && super::lists::starts_by_script(name, None);
    Ok(Facts { available: unit.available(), running: unit.active(), enabled })
}

/// Has systemd read all unit files again.
pub fn reload_units() -> Result<(), CallError> {
    let told = tools::text(&["systemctl", "--system", "daemon-reload"]);
    told.map(|_| ())
        .map_err(|error| CallError::failed(format!("systemd cannot read its units again: {error}")))
}

/// `systemctl [options] VERB... UNIT`.
pub fn systemctl(verb: &[&str], name: &str, no_block: bool, root: Option<&str>) -> Result<Output, CallError> {
    let name = full_name(name);
    let mut argv = vec!["systemctl"];
    argv.extend(no_block.then_some("--no-block"));
    argv.extend(root.iter().flat_map(|root| ["--root", root]));
    argv.extend(verb);
    argv.push(&name);
    tools::run(&argv)
}

/// The same, with a failure as an error.
pub fn must(verb: &[&str], name: &str, no_block: bool, root: Option<&str>) -> Result<(), CallError> {
    let output = systemctl(verb, name, no_block, root)?;
    if output.ok() { Ok(()) } else { Err(CallError::failed(tools::complaint(&output))) }
}

/// Whether the unit is masked: a link to nowhere in its place.
pub fn masked(name: &str, runtime: bool, root: Option<&str>) -> bool {
    let folder = if runtime { "/run/systemd/system" } else { "/etc/systemd/system" };
    let link = below(root, folder).join(full_name(name));
    std::fs::read_link(link).is_ok_and(|target| target == Path::new("/dev/null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_kind_are_services() {
        assert_eq!(full_name("ssh"), "ssh.service");
        assert_eq!(full_name("tmp.mount"), "tmp.mount");
        assert_eq!(full_name("my.app"), "my.app.service");
    }

    #[test]
    fn a_unit_tells_of_itself() {
        let text = "LoadState=loaded\nActiveState=active\nUnitFileState=static\nNeedDaemonReload=no\n";
        let unit = Unit::parse(text);
        assert!(unit.available() && unit.active() && unit.enabled() && !unit.outdated);
        let unit = Unit::parse("LoadState=not-found\nActiveState=inactive\nUnitFileState=\n");
        assert!(!unit.available() && !unit.active() && !unit.enabled());
        assert!(!Unit::parse("UnitFileState=masked").enabled());
    }
}
