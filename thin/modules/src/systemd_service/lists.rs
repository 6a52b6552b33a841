//! All units of a host, by their files and by what systemd tells.

use super::unit::{KINDS, below};
use crate::registry::CallError;
use crate::{Bound, Ctx, services, tools};
use halite_wire::Value;
use std::collections::BTreeSet;

const FOLDERS: [&str; 3] = ["/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system"];

/// A unit's name as users write it: without `.service`; `None` where it is of no known kind.
fn short_name(file: &str) -> Option<String> {
    let (name, kind) = file.rsplit_once('.')?;
    KINDS.contains(&kind).then(|| if kind == "service" { name } else { file }.to_owned())
}

fn unit_files(root: Option<&str>) -> BTreeSet<String> {
    let folders = FOLDERS.map(|folder| below(root, folder));
    let real = folders.iter().filter(|folder| !folder.is_symlink());
    let entries = real.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    entries.filter_map(|entry| short_name(&entry.file_name().to_string_lossy())).collect()
}

/// Scripts of `/etc/init.d` that no unit file stands for.
fn scripts(root: Option<&str>) -> Vec<String> {
    let units = unit_files(root);
    let mut scripts = services::scripts(&below(root, "/etc/init.d"));
    scripts.retain(|script| !units.contains(script));
    scripts
}

/// Whether the service is such a script.
pub fn is_script(name: &str, root: Option<&str>) -> bool {
    scripts(root).iter().any(|script| script == name)
}

/// Whether it is such a script and starts at boot.
pub fn starts_by_script(name: &str, root: Option<&str>) -> bool {
    is_script(name, root) && has_start_link(name, root)
}

fn has_start_link(name: &str, root: Option<&str>) -> bool {
    let folder = below(root, &format!("/etc/rc{}.d", services::runlevel("2")));
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| services::is_start_link(&entry.file_name().to_string_lossy(), name))
}

pub fn all(root: Option<&str>) -> Vec<String> {
    let mut names = unit_files(root);
    names.extend(scripts(root));
    names.into_iter().collect()
}

pub fn get_all(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(all(args.opt_str("root")?.as_deref()).into())
}

/// Names of units whose file is in this state, by `systemctl list-unit-files`.
fn in_state(state: &str, root: Option<&str>) -> Result<BTreeSet<String>, CallError> {
    let mut argv = vec!["systemctl", "--full", "--no-legend", "--no-pager", "list-unit-files"];
    argv.extend(root.iter().flat_map(|root| ["--root", root]));
    let text = tools::run(&argv)?.text();
    let fields = text.lines().map(|line| line.split_whitespace());
    Ok(fields
        .filter_map(|mut fields| Some((fields.next()?, fields.next()?)))
        .filter(|(_, told)| *told == state)
        .filter_map(|(file, _)| short_name(file))
        .collect())
}

fn by_state(args: &Bound, state: &str, script_starts: Option<bool>) -> Result<Value, CallError> {
    let root = args.opt_str("root")?;
    let mut names = in_state(state, root.as_deref())?;
    if let Some(starts) = script_starts {
        let scripts = scripts(root.as_deref()).into_iter();
        names.extend(scripts.filter(|script| has_start_link(script, root.as_deref()) == starts));
    }
    Ok(names.into_iter().collect::<Vec<_>>().into())
}

pub fn get_enabled(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    by_state(args, "enabled", Some(true))
}

pub fn get_disabled(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    by_state(args, "disabled", Some(false))
}

pub fn get_static(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    by_state(args, "static", None)
}

pub fn get_running(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let text = tools::run(&["systemctl", "--full", "--no-legend", "--no-pager", "--plain"])?.text();
    let running = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(3) == Some(&"running")).then(|| short_name(fields[0]))?
    });
    Ok(running.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_lose_their_ending() {
        assert_eq!(short_name("ssh.service").as_deref(), Some("ssh"));
        assert_eq!(short_name("cron.timer").as_deref(), Some("cron.timer"));
        assert_eq!(short_name("README"), None);
        assert_eq!(short_name("user.slice"), None);
    }
}
