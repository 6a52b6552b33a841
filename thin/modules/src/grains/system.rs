//! The running system: kernel, init, distribution, architecture of packages.

use super::os;
use crate::linux::Root;
use crate::process::which;
use halite_wire::{Map, Value};

/// All grains of this group, those of the distribution among them.
pub fn gather(root: &Root) -> Map {
    let uname = rustix::system::uname();
    let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
    let machine = text(uname.machine());
    let mut grains = Map::from([
        ("kernel", text(uname.sysname())),
        ("nodename", text(uname.nodename())),
        ("kernelrelease", text(uname.release())),
        ("kernelversion", text(uname.version())),
        ("cpuarch", machine.clone()),
    ]);
    grains.extend(root.text("/proc/cmdline").map(|line| ("kernelparams", kernel_parameters(&line))));
    grains.insert("init", init(root));
    grains.extend(os::distribution(root));
    let architecture = package_architecture(root, grains.get_str("os_family").unwrap_or_default(), &machine);
    grains.insert("osarch", architecture);
    let machine_id =
        ["/etc/machine-id", "/var/lib/dbus/machine-id"].into_iter().find_map(|file| root.line(file));
    grains.extend(machine_id.map(|id| ("machine_id", id)));
    grains
}

/// `[[name, value or null]]`; a value with a second `=` counts as none, as Salt has it.
fn kernel_parameters(line: &str) -> Value {
    let parameter = |word: String| {
        let parts: Vec<&str> = word.split('=').collect();
        let value =
            if let [_, value] = parts[..] { Value::from(value.trim_matches('"')) } else { Value::Null };
        Value::List(vec![parts.first().copied().unwrap_or_default().into(), value])
    };
    crate::shell_words::split(line).unwrap_or_default().into_iter().map(parameter).collect()
}

/// The name of the init system, `unknown` where nothing tells.
fn init(root: &Root) -> &'static str {
    if root.exists("/run/systemd/system") {
        return "systemd";
    }
    let command = root.text("/proc/1/cmdline").unwrap_or_default().replace('\0', " ");
    let words: Vec<&str> = command.split_whitespace().collect();
    let program = words.first().and_then(which);
    if let Some(program) = program.filter(|path| path.to_string_lossy().ends_with("bin/init")) {
        let content = root.bytes(&program.to_string_lossy()).unwrap_or_default().to_ascii_lowercase();
        let names = ["upstart", "sysvinit", "systemd"];
        let first = |name: &&&str| memchr::memmem::find(&content, name.as_bytes()).unwrap_or(usize::MAX);
        let known = names.iter().filter(|name| first(name) != usize::MAX).min_by_key(first);
        return known.copied().unwrap_or("unknown");
    }
    let runs = |name: &&str| which(name).is_some_and(|path| words.contains(&path.to_string_lossy().as_ref()));
    let manager = ["supervisord", "dumb-init", "tini"].into_iter().find(runs);
    let is_runit = words == ["runit"] || words.contains(&"/sbin/my_init");
    manager.unwrap_or(if is_runit { "runit" } else { "unknown" })
}

/// What packages for this host are built for: `amd64` where the processor says `x86_64`.
///
/// Debian: the first line of dpkg's list, else the architecture its C library came for.
fn package_architecture(root: &Root, family: &str, machine: &str) -> String {
    if family != "Debian" {
        return machine.to_owned();
    }
    let listed = root
        .text("/var/lib/dpkg/arch")
        .and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
    let candidates = debian_architectures(machine);
    let installed =
        || candidates.iter().find(|name| root.exists(&format!("/var/lib/dpkg/info/libc6:{name}.list")));
    listed.unwrap_or_else(|| installed().or(candidates.first()).copied().unwrap_or(machine).to_owned())
}

fn debian_architectures(machine: &str) -> &'static [&'static str] {
    match machine {
        "x86_64" => &["amd64", "i386"],
        "i386" | "i486" | "i586" | "i686" => &["i386"],
        "aarch64" => &["arm64", "armhf", "armel"],
        "armv7l" | "armv8l" => &["armhf", "armel"],
        "armv6l" | "armv5tel" => &["armhf", "armel"],
        "ppc64le" => &["ppc64el"],
        "loongarch64" => &["loong64"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_parameters_are_pairs() {
        let pairs = kernel_parameters("quiet root=UUID=1 dyndbg=\"file a.c +p\" console=ttyS0\n");
        let pair = |name: &str, value: Value| Value::List(vec![name.into(), value]);
        let expected = vec![
            pair("quiet", Value::Null),
            pair("root", Value::Null),
            pair("dyndbg", "file a.c +p".into()),
            pair("console", "ttyS0".into()),
        ];
        assert_eq!(pairs, Value::List(expected));
    }
}
