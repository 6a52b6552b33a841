//! Keys of a fleet: one client key for all hosts, one host key per host. All ed25519, made by the usual tools.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{AtPath, Result, SiteError};
use crate::process::run;

/// Makes an OpenSSH key pair at `path` and `path.pub`; returns the public half as `TYPE BASE64`.
pub(crate) fn openssh_pair(path: &Path, comment: &str) -> Result<String> {
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path))?;
    let public = path.with_extension("pub");
    public_half(&fs::read_to_string(&public).at(&public)?, "ssh-keygen")
}

/// Makes a dropbear host key at `path`; returns the public half as `TYPE BASE64`.
pub(crate) fn dropbear_key(path: &Path) -> Result<String> {
    let said = run(Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(path))?;
    let line = said.lines().find(|line| line.starts_with("ssh-ed25519 ")).unwrap_or_default();
    public_half(line, "dropbearkey")
}

/// The first two words of a public key line.
fn public_half(line: &str, program: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some(algorithm), Some(key)) => Ok(format!("{algorithm} {key}")),
        _ => Err(SiteError::Program { program: program.into(), said: "no public key printed".into() }),
    }
}

/// The `crypt(3)` hash of a password (SHA-512), as it stands in `/etc/shadow`.
pub(crate) fn password_hash(password: &str) -> Result<String> {
    Ok(run(Command::new("openssl").args(["passwd", "-6", password]))?.trim().to_owned())
}
