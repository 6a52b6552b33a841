//! What is told by programs that the host has, without starting them: SELinux, systemd, LVM, python3.
//!
//! Looking for a program touches every directory of `PATH`, of which one may lie on a dead server. So these grains
//! are a group of their own.

use crate::linux::Root;
use crate::process::which;
use halite_wire::{Map, Value};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let mut grains = Map::from([("transactional", which("transactional-update").is_some())]);
    if which("selinuxenabled").is_some() {
        grains.insert("selinux", selinux(root));
    }
    if which("systemctl").is_some() && which("localectl").is_some() {
        grains.insert("systemd", systemd(root));
    }
    if which("lvm").is_some() {
        grains.insert("lvm", volumes(root));
    }
    grains.extend(which("python3").map(|python| python_grains(&python)).unwrap_or_default());
    grains
}

/// `{enabled, enforced}` from the kernel's own file system.
fn selinux(root: &Root) -> Map {
    let enforce =
        ["/sys/fs/selinux/enforce", "/selinux/enforce"].into_iter().find_map(|file| root.line(file));
    let mode = match enforce.as_deref() {
        Some("1") => "Enforcing",
        Some(_) => "Permissive",
        None => "Disabled",
    };
    Map::from([("enabled", Value::Bool(enforce.is_some())), ("enforced", mode.into())])
}

/// `{version, features}`, both from the shared library of systemd: what `systemctl --version` would print.
fn systemd(root: &Root) -> Map {
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    let folders = [
        "/usr/lib/systemd".to_owned(),
        format!("/usr/lib/{machine}-linux-gnu/systemd"),
        "/usr/lib64/systemd".to_owned(),
        "/lib/systemd".to_owned(),
    ];
    let library = |folder: &String| {
        let is_library = |name: &String| name.starts_with("libsystemd-shared-");
        root.names(folder).into_iter().find(is_library).map(|name| (format!("{folder}/{name}"), name))
    };
    let Some((path, name)) = folders.iter().find_map(library) else {
        return Map::from([("version", "UNDEFINED"), ("features", "")]);
    };
    let version: String =
        name.trim_start_matches("libsystemd-shared-").chars().take_while(char::is_ascii_digit).collect();
    let features = features_of(&root.path(&path)).unwrap_or_default();
    Map::from([("version", version), ("features", features)])
}

/// Read of the library at once, and how much of it with the piece behind it: more than the text is long.
const PIECE_BYTES: usize = 64 << 10;
const SHARED_BYTES: u64 = 4 << 10;

/// What [`features`] finds in a library of some megabytes. Texts lie near its end, so it is read from there.
fn features_of(path: &Path) -> Option<String> {
    let library = File::open(path).ok()?;
    let mut end = library.metadata().ok()?.len();
    let mut piece = vec![0; PIECE_BYTES];
    while end > 0 {
        end = end.saturating_sub(PIECE_BYTES as u64 - SHARED_BYTES);
        let read = library.read_at(&mut piece, end).ok()?;
        if let Some(found) = features(&piece[..read]) {
            return Some(found);
        }
    }
    None
}

/// The text `+PAM +AUDIT ...` that a piece of the library holds, up to its NUL.
fn features(library: &[u8]) -> Option<String> {
    let found = memchr::memmem::find_iter(library, b"PAM ").find(|at| {
        let sign = at.checked_sub(1).and_then(|before| library.get(before));
        let follows = library.get(at + 4..at + 10);
        matches!(sign, Some(b'+' | b'-')) && matches!(follows, Some(b"+AUDIT" | b"-AUDIT"))
    })?;
    let text = library.get(found - 1..)?.split(|byte| *byte == 0 || *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// `{group: [volume]}` of the active logical volumes.
fn volumes(root: &Root) -> Map {
    let mut groups = Map::new();
    for device in root.names("/sys/block").into_iter().filter(|name| name.starts_with("dm-")) {
        let read = |file: &str| root.line(&format!("/sys/block/{device}/dm/{file}")).unwrap_or_default();
        let name = read("name");
        let is_volume = read("uuid").starts_with("LVM-");
        let Some((group, volume)) = mapped_name(&name).filter(|_| is_volume) else { continue };
        if let Value::List(volumes) = groups.entry_or(group, || Value::List(Vec::new())) {
            volumes.push(volume.into());
        }
    }
    groups
}

/// Group and volume of a mapped device: one dash parts them, two stand for one of a name.
fn mapped_name(name: &str) -> Option<(String, String)> {
    let marked = name.replace("--", "\0");
    let (group, volume) = marked.split_once('-')?;
    Some((group.replace('\0', "-"), volume.replace('\0', "-")))
}

/// `{pythonexecutable, pythonversion, pythonpath}` of the host's own python3, told by names of files alone:
/// the third and later parts of the version would need a start of the interpreter.
fn python_grains(executable: &Path) -> Map {
    let mut grains = Map::from([("pythonexecutable", executable.to_string_lossy().into_owned())]);
    // What a version manager put before the system's python is a script whose name says no version.
    let real = [executable, Path::new("/usr/bin/python3")].into_iter().find_map(|path| {
        let real = path.canonicalize().ok()?;
        let version = real.file_name()?.to_str()?.strip_prefix("python")?.split_once('.')?;
        Some(([version.0.parse::<i64>().ok()?, version.1.parse::<i64>().ok()?], real))
    });
    if let Some(([major, minor], real)) = &real
        && let Some(prefix) = real.ancestors().nth(2)
    {
        let library = prefix.join("lib").join(format!("python{major}.{minor}"));
        let places: [PathBuf; 5] = [
            prefix.join("lib").join(format!("python{major}{minor}.zip")),
            library.clone(),
            library.join("lib-dynload"),
            library.join("site-packages"),
            prefix.join("lib/python3/dist-packages"),
        ];
        let is_there = |(at, path): &(usize, PathBuf)| *at == 0 || path.is_dir();
        let found = places
            .into_iter()
            .enumerate()
            .filter(is_there)
            .map(|(_, path)| path.to_string_lossy().into_owned());
        grains.insert("pythonversion", vec![*major, *minor]);
        grains.insert("pythonpath", found.collect::<Value>());
    }
    grains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_systemd_are_found_in_its_library() {
        let library = b"\0xPAM no\0\0+PAM -AUDIT +SELINUX default-hierarchy=unified\0systemd 252";
        assert_eq!(features(library).as_deref(), Some("+PAM -AUDIT +SELINUX default-hierarchy=unified"));
        assert_eq!(features(b"PAM "), None);
    }

    #[test]
    fn features_are_found_wherever_they_lie_in_a_large_library() {
        let path = std::env::temp_dir().join(format!("halite-library-{}", std::process::id()));
        for at in [0, 1, PIECE_BYTES - 8, PIECE_BYTES * 3 - 1, PIECE_BYTES * 4] {
            let mut library = vec![0; PIECE_BYTES * 4 + 64];
            library[at..at + 12].copy_from_slice(b"+PAM -AUDIT ");
            std::fs::write(&path, library).unwrap();
            assert_eq!(features_of(&path).as_deref(), Some("+PAM -AUDIT "), "at {at}");
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn names_of_logical_volumes_are_parted_at_the_single_dash() {
        assert_eq!(mapped_name("vg0-my--data"), Some(("vg0".to_owned(), "my-data".to_owned())));
        assert_eq!(mapped_name("crypt"), None);
    }
}
