//! Programs, shells and terminals of the host.

use crate::process::{self, Command};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// How long a shell may take to tell its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Name, what stands before the version in what it prints, and how it is asked.
const LANGUAGES: &[(&str, &str, &[&str])] = &[
    ("bash", "version ", &["bash", "--version"]),
    ("cmd", "Version ", &["cmd.exe", "/C", "ver"]),
    ("perl", "", &["perl", "-e", r#"printf "%vd\n", $^V;"#]),
    ("php", "PHP ", &["php", "-v"]),
    ("powershell", "PSVersion ", &["powershell", "-NonInteractive", "$PSVersionTable"]),
    ("python", "Python ", &["python", "-V"]),
    ("ruby", "ruby ", &["ruby", "-v"]),
    ("tcsh", "tcsh ", &["tcsh", "--version"]),
    ("zsh", "zsh ", &["zsh", "--version"]),
];

fn found(path: Option<PathBuf>) -> Value {
    path.map(|path| path.to_string_lossy().into_owned()).into()
}

pub fn which(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(found(process::which(args.str("cmd")?)))
}

pub fn which_bin(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(found(args.texts("cmds")?.iter().find_map(process::which)))
}

pub fn has_exec(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(process::which(args.str("cmd")?).is_some().into())
}

pub fn shells(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let text = std::fs::read("/etc/shells").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect())
}

/// `{installed, path, version_raw, version}`, or `{error, installed}` where that cannot be told.
pub fn shell_info(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let shell = args.str("shell")?;
    let Some((_, prefix, argv)) = LANGUAGES.iter().find(|(name, ..)| *name == shell) else {
        return Ok(unknown(format!("how {shell} tells its version is not known"), Value::Null));
    };
    let output = match Command::new(argv.iter()).merge_stderr().timeout(VERSION_TIMEOUT).run() {
        Ok(output) if output.timed_out => {
            return Ok(unknown(format!("{} did not answer in time", argv[0]), false.into()));
        }
        Ok(output) => output,
        Err(error) => return Ok(unknown(error.to_string(), false.into())),
    };
    let mut info = Map::from_iter([("installed", Value::Null), ("path", found(process::which(argv[0])))]);
    match version(&output.text(), prefix) {
        Some((raw, version)) => {
            info.insert("installed", true);
            info.insert("version_raw", raw);
            info.insert("version", version);
        }
        None => {
            info.insert("error", format!("no version of {shell} stands in what it printed"));
            info.insert("stdout", Value::from_bytes(output.stdout));
        }
    }
    Ok(info.into())
}

fn unknown(why: String, installed: Value) -> Value {
    Map::from_iter([("error", Value::from(why)), ("installed", installed)]).into()
}

/// The word after `prefix` that begins with a digit, whole and as two or three numbers.
fn version(text: &str, prefix: &str) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    let prefix = prefix.to_ascii_lowercase();
    let starts = lower.match_indices(&prefix).map(|(at, _)| at + prefix.len());
    let raw = starts
        .filter_map(|at| text.get(at..)?.split_whitespace().next())
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let end = raw.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(raw.len());
    let mut numbers: Vec<&str> = raw[..end].split('.').take(3).collect();
    if numbers.len() == 1 {
        numbers.push("0");
    }
    Some((raw.to_owned(), numbers.join(".")))
}

pub fn tty(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (device, echo) = (args.str("device")?, args.str("echo")?);
    let said = |key: &str, text: String| Ok(Map::from_iter([(key, text)]).into());
    let Some(path) = teletype(&device) else {
        return said("Error", format!("'{device}' is not the name of a terminal"));
    };
    let written = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut tty| tty.write_all(echo.as_bytes()));
    match written {
        Ok(()) => said("Success", format!("the message was written to {path}")),
        Err(error) => said("Error", format!("cannot write to {path}: {error}")),
    }
}

/// `tty0` and `pts3` (or `pts/3`); no other files of `/dev`.
fn teletype(device: &str) -> Option<String> {
    let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match device.strip_prefix("pts") {
        Some(number) => {
            let number = number.trim_start_matches('/');
            (!number.is_empty() && plain(number)).then(|| format!("/dev/pts/{number}"))
        }
        None => (device.starts_with("tty") && plain(device)).then(|| format!("/dev/{device}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_shells_print() {
        let both = |raw: &str, version: &str| Some((raw.to_owned(), version.to_owned()));
        assert_eq!(
            version("GNU bash, version 5.2.15(1)-release (x)", "version "),
            both("5.2.15(1)-release", "5.2.15")
        );
        assert_eq!(version("zsh 5.9 (x86_64)", "zsh "), both("5.9", "5.9"));
        assert_eq!(version("5.36.0", ""), both("5.36.0", "5.36.0"));
        assert_eq!(version("PHP 8 (cli)", "PHP "), both("8", "8.0"));
        assert_eq!(version("no such thing", "version "), None);
    }

    #[test]
    fn only_terminals_are_terminals() {
        assert_eq!(teletype("tty0").as_deref(), Some("/dev/tty0"));
        assert_eq!(teletype("pts3").as_deref(), Some("/dev/pts/3"));
        assert_eq!(teletype("pts/3").as_deref(), Some("/dev/pts/3"));
        for device in ["sda", "tty/../sda", "pts/../sda", "pts", ""] {
            assert_eq!(teletype(device), None, "{device}");
        }
    }
}
