//! Where things lie: the workspace, its binaries, cargo; and how to become root when a fleet asks for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use halite_site::{find, is_root};

use crate::ui::{Failure, Outcome, run, say};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The folder of build products; `CARGO_TARGET_DIR` is honoured.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The release binary of the controller.
pub fn halite() -> PathBuf {
    target().join("release/halite")
}

/// `path` as seen from the workspace's root, for showing.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A cargo command in the workspace's root, by the same toolchain that runs us.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Builds the release binary, with variables of its build script: which thins it carries.
///
/// # Errors
/// When cargo fails.
pub fn build_release(variables: Vec<(String, PathBuf)>) -> Outcome {
    run(cargo().args(["build", "--release", "--locked"]).envs(variables))
}

/// What became of the wish to be root.
pub enum Rights {
    /// We are root, or go on without: do the work here.
    Here,
    /// A second copy of us has done the work as root.
    Done,
}

/// Namespaces need root. An ordinary user with `sudo` is asked once and the same command runs again as root; without
/// `sudo` the work goes on with what loopback can give.
///
/// # Errors
/// When the copy run as root fails.
pub fn with_root(arguments: &[&str], why: &str) -> Outcome<Rights> {
    if is_root() || find("sudo").is_none() {
        return Ok(Rights::Here);
    }
    say(&format!("{why} needs root (network namespaces, mounts); asking sudo."));
    if !Command::new("sudo").arg("-v").status().is_ok_and(|status| status.success()) {
        say("No sudo: going on with plain sshd processes on loopback. Fewer kinds of hosts, same commands.");
        return Ok(Rights::Here);
    }
    let mut sudo = Command::new("sudo");
    let own = env::current_exe().map_err(|error| Failure(format!("cannot find this program: {error}")))?;
    // sudo clears the environment; where the builds lie must survive that.
    let target = format!("CARGO_TARGET_DIR={}", target().display());
    run(sudo.args(["env", &target]).arg(own).args(arguments))?;
    Ok(Rights::Done)
}
