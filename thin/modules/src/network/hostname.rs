//! The host's own name, and changing it.

use crate::linux::Root;
use crate::linux::names::{self, Hosts};
use crate::process::{Command, which};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;
use std::io;
use std::path::Path;
use std::time::Duration;

const HOSTNAMECTL_TIMEOUT: Duration = Duration::from_secs(30);

pub fn get_hostname(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(names::hostname().into())
}

pub fn get_fqdn(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(names::name_by_address(&names::hostname(), &Hosts::read(&Root::default())).into())
}

/// True where the host has the name afterwards; false where it is null or the host refuses it.
pub fn mod_hostname(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(new) = args.opt_str("hostname")? else { return Ok(false.into()) };
    if new.is_empty() || !new.bytes().all(|letter| letter.is_ascii_alphanumeric() || b".-_".contains(&letter))
    {
        return Err(
            args.wrong(format!("'{new}' cannot be a host's name: letters, digits, dots and dashes can"))
        );
    }
    let root = Root::default();
    let old = root.line("/etc/hostname").filter(|name| !name.is_empty()).unwrap_or_else(names::hostname);
    if !set_now(&new) {
        return Ok(false.into());
    }
    let failed = |path: &str, error: io::Error| CallError::failed(format!("cannot change {path}: {error}"));
    edit("/etc/hosts", |text| rename_in_hosts(text, &old, &new))
        .map_err(|error| failed("/etc/hosts", error))?;
    let family = ctx.grains().get_str("os_family").unwrap_or_default().to_owned();
    if family == "RedHat" {
        let path = "/etc/sysconfig/network";
        edit(path, |text| rename_in_sysconfig(text, &new)).map_err(|error| failed(path, error))?;
    }
    if family == "Debian" || root.is_file("/etc/hostname") {
        let content = format!("{new}\n");
        crate::write::replace(Path::new("/etc/hostname"), content.as_bytes(), 0o644)
            .map_err(|error| failed("/etc/hostname", error))?;
    }
    ctx.forget_grains();
    Ok(true.into())
}

/// By systemd where it can, else by the kernel's call.
fn set_now(name: &str) -> bool {
    let by_systemd = which("hostnamectl").and_then(|program| {
        let command = Command::new([program.into_os_string(), "set-hostname".into(), name.into()]);
        command.timeout(HOSTNAMECTL_TIMEOUT).run().ok()
    });
    by_systemd.is_some_and(|output| output.ok()) || rustix::system::sethostname(name.as_bytes()).is_ok()
}

/// Rewrites a file where `change` changes its text; a missing file stays missing.
fn edit(path: &str, change: impl Fn(&str) -> String) -> io::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let new = change(&text);
    if new == text { Ok(()) } else { crate::write::replace(Path::new(path), new.as_bytes(), 0o644) }
}

/// The old name, where it stands as a word, becomes the new one; all other letters stay.
fn rename_in_hosts(text: &str, old: &str, new: &str) -> String {
    let is_blank = |letter: char| letter == ' ' || letter == '\t';
    let rename = |line: &str| {
        let (names, comment) = line.split_at(line.find('#').unwrap_or(line.len()));
        let words = names.split_inclusive(is_blank).map(|word| match word.trim_end_matches(is_blank) {
            name if name == old => word.replacen(old, new, 1),
            _ => word.to_owned(),
        });
        words.collect::<String>() + comment
    };
    text.split('\n').map(rename).collect::<Vec<_>>().join("\n")
}

fn rename_in_sysconfig(text: &str, new: &str) -> String {
    let rename = |line: &str| match line.strip_prefix("HOSTNAME=") {
        Some(old) => {
            let quote = old
                .chars()
                .next()
                .filter(|letter| "\"'".contains(*letter))
                .map(String::from)
                .unwrap_or_default();
            format!("HOSTNAME={quote}{new}{quote}")
        }
        None => line.to_owned(),
    };
    text.split('\n').map(rename).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_old_name_changes_in_the_hosts_file() {
        let text = "127.0.0.1\tlocalhost\n127.0.1.1\tweb1.a.org  web1 # web1\n10.0.0.1 web10\n";
        let expected = "127.0.0.1\tlocalhost\n127.0.1.1\tweb1.a.org  db1 # web1\n10.0.0.1 web10\n";
        assert_eq!(rename_in_hosts(text, "web1", "db1"), expected);
    }

    #[test]
    fn quotes_stay_in_sysconfig() {
        assert_eq!(rename_in_sysconfig("A=1\nHOSTNAME=\"x\"\n", "y"), "A=1\nHOSTNAME=\"y\"\n");
        assert_eq!(rename_in_sysconfig("HOSTNAME=x", "y"), "HOSTNAME=y");
    }
}
