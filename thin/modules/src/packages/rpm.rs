//! The rpm database, for package managers that stand on it.

use super::{Lists, Packages, names, one_or_all};
use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Where rpm keeps its database, new and old.
const DATABASES: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];

const FORMAT: &str = "%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

/// The last list and when the database changed before it: asking rpm takes half a second.
static KNOWN: Mutex<Option<(SystemTime, Packages)>> = Mutex::new(None);

/// When a file of the database last changed.
fn changed() -> Option<SystemTime> {
    let folders = DATABASES.iter().filter_map(|folder| std::fs::read_dir(Path::new(folder)).ok());
    folders.flatten().flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()
}

/// Installed packages; the name has the architecture where it is not the host's own.
///
/// # Errors
/// rpm cannot be run.
pub fn list(ctx: &mut Ctx) -> Result<Lists, CallError> {
    let own = ctx.grains().get_str("osarch").unwrap_or_default().to_owned();
    let changed = changed();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(now), Some((then, packages))) = (changed, known.as_ref())
        && now == *then
    {
        return Ok(Lists { installed: packages.clone(), ..Lists::default() });
    }
    let installed = parse(&tools::text(&["rpm", "-qa", "--queryformat", FORMAT])?, &own);
    *known = changed.map(|now| (now, installed.clone()));
    Ok(Lists { installed, ..Lists::default() })
}

fn parse(text: &str, own: &str) -> Packages {
    let mut packages = Packages::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, epoch, version, release, arch] = fields.as_slice() else { continue };
        if *name != "gpg-pubkey" {
            let versions = packages.entry(with_arch(name, arch, own)).or_default();
            versions.push(full_version(epoch, version, release));
        }
    }
    packages.values_mut().for_each(|versions| versions.sort());
    packages
}

/// `name`, or `name.arch` where the architecture is another than the host's.
pub fn with_arch(name: &str, arch: &str, own: &str) -> String {
    if arch.is_empty() || [own, "noarch", "(none)"].contains(&arch) {
        name.to_owned()
    } else {
        format!("{name}.{arch}")
    }
}

/// `[epoch:]version-release`; no epoch and epoch 0 are the same.
pub fn full_version(epoch: &str, version: &str, release: &str) -> String {
    let epoch = if matches!(epoch, "" | "0" | "(none)") { String::new() } else { format!("{epoch}:") };
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    format!("{epoch}{version}{release}")
}

/// `bash.x86_64` is `bash` on x86_64.
pub fn normalize(ctx: &mut Ctx, name: &str) -> String {
    let own = ctx.grains().get_str("osarch").unwrap_or_default();
    match name.rsplit_once('.') {
        Some((bare, arch)) if arch == "noarch" || arch == own && !own.is_empty() => bare.to_owned(),
        _ => name.to_owned(),
    }
}

/// `pkg.parse_arch`.
///
/// # Errors
/// The name is no text.
pub fn parse_arch(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const KNOWN: [&str; 12] = [
        "noarch", "x86_64", "i386", "i486", "i586", "i686", "aarch64", "armv7hl", "ppc64", "ppc64le",
        "s390x", "riscv64",
    ];
    let text = args.str("name")?;
    let split = text.rsplit_once('.').filter(|(_, arch)| KNOWN.contains(arch));
    let (name, arch) = split.map_or((text.as_str(), None), |(name, arch)| (name, Some(arch)));
    Ok(Map::from([("name", Value::from(name)), ("arch", Value::from(arch))]).into())
}

/// `pkg.owner`: the package a path is of.
///
/// # Errors
/// rpm cannot be run.
pub fn owner(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut answers = Vec::new();
    for path in args.rest().iter().filter_map(crate::args::as_text) {
        let output = tools::run(&["rpm", "-qf", "--queryformat", "%{name}", &path])?;
        let owner = if output.ok() { output.text() } else { String::new() };
        answers.push((path, owner.into()));
    }
    Ok(one_or_all(answers))
}

/// `pkg.file_list`.
///
/// # Errors
/// rpm cannot be run.
pub fn file_list(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names(args) {
        let output = tools::run(&["rpm", "-ql", &name])?;
        let lines = output.text().lines().map(str::to_owned).collect::<Vec<_>>();
        if output.ok() { files.extend(lines) } else { errors.extend(lines) }
    }
    Ok(Map::from([("errors", errors), ("files", files)]).into())
}

/// `pkg.info_installed`.
///
/// # Errors
/// rpm cannot be run, or a package is not installed.
pub fn info_installed(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const FACTS: [(&str, &str); 12] = [
        ("name", "NAME"),
        ("version", "VERSION"),
        ("release", "RELEASE"),
        ("epoch", "EPOCH"),
        ("arch", "ARCH"),
        ("vendor", "VENDOR"),
        ("packager", "PACKAGER"),
        ("url", "URL"),
        ("license", "LICENSE"),
        ("group", "GROUP"),
        ("summary", "SUMMARY"),
        ("source_rpm", "SOURCERPM"),
    ];
    let format: String = FACTS.iter().map(|(_, tag)| format!("%{{{tag}}}\\t")).collect::<String>() + "\\n";
    let mut found = Map::new();
    for name in names(args) {
        let text = tools::text(&["rpm", "-q", "--queryformat", &format, &name])?;
        for line in text.lines() {
            let facts = FACTS.iter().zip(line.split('\t')).filter(|(_, value)| *value != "(none)");
            found.insert(name.as_str(), facts.map(|((key, _), value)| (*key, value)).collect::<Map>());
        }
    }
    Ok(found.into())
}

/// `pkg.verify`: files of a package that are not as they came; by path, what is other.
///
/// # Errors
/// rpm cannot be run.
pub fn verify(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const KINDS: [(char, &str); 9] = [
        ('S', "size"),
        ('M', "mode"),
        ('5', "checksum"),
        ('D', "device major/minor number mismatch"),
        ('L', "readlink path mismatch"),
        ('U', "user"),
        ('G', "group"),
        ('T', "mtime"),
        ('P', "capabilities"),
    ];
    let mut argv = vec!["rpm".to_owned(), if args.rest().is_empty() { "-Va" } else { "-V" }.to_owned()];
    argv.extend(names(args));
    let mut found = Map::new();
    for line in tools::run(&argv)?.text().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(flags), Some(path)) = (words.first(), words.last()) else { continue };
        let mut facts = Map::new();
        if words.len() > 2 && words[1] == "c" {
            facts.insert("type", "config");
        }
        if *flags == "missing" {
            facts.insert("missing", true);
        } else {
            let other: Vec<&str> =
                KINDS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, kind)| *kind).collect();
            facts.insert("mismatch", other);
        }
        found.insert(*path, facts);
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_with_epoch_and_foreign_architecture() {
        let text = "bash\t(none)\t5.1\t1.el9\tx86_64\nglibc\t(none)\t2.34\t1\ti686\nvim\t2\t8.2\t3\tx86_64\nkernel\t0\t6.2\t1\tx86_64\nkernel\t0\t6.1\t1\tx86_64\ngpg-pubkey\t(none)\tab\tcd\t(none)\n";
        let packages = parse(text, "x86_64");
        assert_eq!(packages["bash"], ["5.1-1.el9"]);
        assert_eq!(packages["glibc.i686"], ["2.34-1"]);
        assert_eq!(packages["vim"], ["2:8.2-3"]);
        assert_eq!(packages["kernel"], ["6.1-1", "6.2-1"]);
        assert!(!packages.contains_key("gpg-pubkey"));
    }
}
