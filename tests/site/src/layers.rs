//! The lower layers that all hosts of a flavour share.
//!
//! * mask: laid over the machine's `/`. Hides everything but the system folders, holds device nodes and the ground
//!   configuration of sudo.
//! * minimal: a whole root of its own: BusyBox, dropbear and the libraries these two link.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};

use crate::error::{AtPath, Result};
use crate::files::{folder, put};
use crate::packages::find;
use crate::process::run;

/// Top folders of the machine that hosts may see, read-only below their own changes; `lib*` too.
const SHOWN: &[&str] = &["usr", "etc", "var", "bin", "sbin", "boot"];
/// Folders inside the shown ones that hold the machine's own state.
const HIDDEN: &[&str] =
    &["var/tmp", "var/log", "var/cache", "var/spool", "var/mail", "var/backups", "etc/ssh", "etc/sudoers.d"];
const DEVICES: &[(&str, u32, u32)] =
    &[("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("pts/ptmx", "ptmx"),
    ("/proc/self/fd", "fd"),
    ("fd/0", "stdin"),
    ("fd/1", "stdout"),
    ("fd/2", "stderr"),
];
/// Empty folders every root has, with their modes.
const OPEN_FOLDERS: &[(&str, u32)] = &[
    ("tmp", 0o1777),
    ("var/tmp", 0o1777),
    ("root", 0o700),
    ("home", 0o755),
    ("proc", 0o755),
    ("sys", 0o755),
];

/// Builds the mask layer at `root`.
pub(crate) fn build_mask(root: &Path) -> Result<()> {
    for name in machine_tops()?.iter().map(String::as_str).chain(HIDDEN.iter().copied()) {
        hide(&root.join(name))?;
    }
    open_folders(root)?;
    folder(&root.join("run/sshd"), 0o755)?;
    devices(root)?;
    put(&root.join("etc/resolv.conf"), 0o644, "nameserver 127.0.0.1\n")?;
    let sudoers = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n";
    put(&root.join("etc/sudoers"), 0o440, sudoers)
}

/// Top folders of this machine that are neither system folders nor links to them.
fn machine_tops() -> Result<Vec<String>> {
    let top = Path::new("/");
    let mut names = Vec::new();
    for entry in fs::read_dir(top).at(top)? {
        let entry = entry.at(top)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let shown = SHOWN.contains(&name.as_str()) || name.starts_with("lib");
        if !shown && entry.file_type().at(top)?.is_dir() {
            names.push(name);
        }
    }
    Ok(names)
}

/// An empty folder that hides what the layer below has in its place.
fn hide(path: &Path) -> Result<()> {
    folder(path, 0o755)?;
    setxattr(path, "trusted.overlay.opaque", b"y", XattrFlags::empty()).at(path)
}

fn open_folders(root: &Path) -> Result<()> {
    OPEN_FOLDERS.iter().try_for_each(|(name, mode)| folder(&root.join(name), *mode))
}

/// `/dev` with the nodes every program expects.
fn devices(root: &Path) -> Result<()> {
    let dev = root.join("dev");
    folder(&dev.join("pts"), 0o755)?;
    folder(&dev.join("shm"), 0o1777)?;
    for (name, major, minor) in DEVICES {
        let path = dev.join(name);
        mknodat(CWD, &path, FileType::CharacterDevice, Mode::from(0o666), makedev(*major, *minor))
            .at(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o666)).at(&path)?;
    }
    for (target, name) in DEVICE_LINKS {
        symlink(target, dev.join(name)).at(&dev)?;
    }
    Ok(())
}

/// Builds the minimal root at `root`.
pub(crate) fn build_minimal(root: &Path) -> Result<()> {
    for name in ["bin", "sbin", "usr/bin", "usr/sbin", "etc/dropbear", "var/log", "run", "lib", "mnt"] {
        folder(&root.join(name), 0o755)?;
    }
    open_folders(root)?;
    symlink("lib", root.join("lib64")).at(root)?;
    devices(root)?;
    install_program(root, "busybox", "bin/busybox")?;
    install_program(root, "dropbear", "usr/sbin/dropbear")?;
    run(Command::new("chroot").arg(root).args(["/bin/busybox", "--install", "-s"]))?;
    put(&root.join("etc/passwd"), 0o644, "root:x:0:0:root:/root:/bin/sh\n")?;
    put(&root.join("etc/group"), 0o644, "root:x:0:\n")?;
    put(&root.join("etc/shadow"), 0o600, "root:*:19000:0:99999:7:::\n")?;
    put(&root.join("etc/shells"), 0o644, "/bin/sh\n/bin/ash\n")?;
    let release = "NAME=\"Mini\"\nID=mini\nVERSION_ID=1\nPRETTY_NAME=\"Mini (BusyBox)\"\n";
    put(&root.join("etc/os-release"), 0o644, release)
}

/// Copies a program of this machine and the libraries it links.
fn install_program(root: &Path, tool: &str, to: &str) -> Result<()> {
    let from = find(tool).unwrap_or_else(|| PathBuf::from(tool));
    fs::copy(&from, root.join(to)).at(&from)?;
    for library in libraries(&from).iter().map(Path::new) {
        let name = library.file_name().unwrap_or_default();
        fs::copy(library, root.join("lib").join(name)).at(library)?;
    }
    Ok(())
}

/// Absolute paths that `ldd` names; none for a static program, of which `ldd` says so with exit code 1.
fn libraries(program: &Path) -> Vec<String> {
    let said = run(Command::new("ldd").arg(program)).unwrap_or_default();
    said.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect()
}
