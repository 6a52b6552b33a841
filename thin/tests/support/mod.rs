//! A throwaway copy of this machine's root, in which a test goes on as another process.

use std::path::Path;
use std::process::{Command, Output};

/// Goes on in a copy of the root: overlay in memory, own mounts, processes, names and network. $1 is an empty directory.
const COPY: &str = r#"
mount --make-rprivate / && mount -t tmpfs copy "$1" && cd "$1" && mkdir up work root &&
mount -t overlay copy -o lowerdir=/,upperdir="$1/up",workdir="$1/work" root &&
mount -t proc proc root/proc && mount --rbind /dev root/dev || exit 99
for empty in run tmp var/tmp; do mount -t tmpfs empty "root/$empty"; done; chmod 1777 root/tmp root/var/tmp
ip link set lo up; top="$1"; shift; cd /; exec chroot "$top/root" "$@"
"#;

/// Runs the test `name` of this program in a copy of the root, told what to do by the variable `key`. Takes root.
pub fn in_copy(top: &Path, name: &str, key: &str, value: &str) -> Output {
    std::fs::create_dir(top).unwrap();
    let output = Command::new("unshare")
        .args(["-m", "-u", "-i", "-p", "-n", "-f", "--kill-child", "sh", "-c", COPY, "sh"])
        .arg(top)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(key, value)
        .output();
    std::fs::remove_dir(top).unwrap();
    output.unwrap()
}
