//! A throwaway copy of this machine's root, in which a test goes on as another process.

use std::path::Path;
use std::process::{Command, Output};

/// Goes on in a copy of the root: overlay in memory, own mounts, processes, names and network. $1 is an empty directory.
const COPY: &str = r#"
mount --make-rprivate / && mount -t tmpfs copy "$1" && cd "$1" && mkdir up work root &&
mount -t overlay copy -o lowerdir=/,upperdir="$1/up",workdir="$1/work" root &&
mount -t proc proc root/proc && mount --rbind /dev root/dev || exit 99
for empty in run tmp var/tmp; do mount -t tmpfs empty "root/$empty"; done; chmod 1777 root/tmp root/var/tmp
ip link set lo up; top="$1"; shift; cd /; sh -c "$NEUTRAL" sh "$top/root" || exit 99; exec chroot "$top/root" "$@"
"#;

/// Makes the copies of all machines alike.
const NEUTRAL: &str = include_str!("../../../tests/oracle/neutral.sh");

/// Runs the test `name` of this program in a copy of the root, told what to do by the variable `key`. Takes root.
pub fn in_copy(top: &Path, name: &str, key: &str, value: &str) -> Output {
    std::fs::create_dir(top).unwrap();
    let mut command = Command::new("unshare");
    for (variable, _) in std::env::vars_os() {
        if ["GIT_", "PIP_"].iter().any(|start| variable.to_string_lossy().starts_with(start)) {
            command.env_remove(variable);
        }
    }
    let output = command
        .args(["-m", "-u", "-i", "-p", "-n", "-f", "--kill-child", "sh", "-c", COPY, "sh"])
        .arg(top)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("NEUTRAL", NEUTRAL)
        .env(key, value)
        .output();
    std::fs::remove_dir(top).unwrap();
    output.unwrap()
}
