//! The files by which clients find the hosts: a flat roster in Salt's form, known_hosts, an ssh_config, and a
//! configuration folder with all of them for the controller.

use std::path::Path;

use crate::error::Result;
use crate::files::put;
use crate::state::HostState;

/// The flat roster.
pub(crate) fn roster(hosts: &[HostState], key: &Path) -> String {
    hosts.iter().map(|host| entry(host, key)).collect()
}

fn entry(host: &HostState, key: &Path) -> String {
    let own = |name: &str| host.roster_lines.iter().any(|(key, _)| key == name);
    let mut text = format!("{}:\n  host: '{}'\n  port: {}\n", host.name, host.address, host.port);
    if !own("user") {
        text += &format!("  user: {}\n", host.login);
    }
    if !own("priv") {
        text += &format!("  priv: {}\n", key.display());
    }
    host.roster_lines.iter().fold(text, |text, (key, value)| text + &format!("  {key}: {value}\n"))
}

/// A known_hosts file with every host under its address.
pub(crate) fn known_hosts(hosts: &[HostState]) -> String {
    hosts.iter().map(|host| format!("{} {}\n", host.known_hosts_name(), host.host_key)).collect()
}

/// A configuration for OpenSSH's client, so that `ssh -F FILE NAME` just works.
pub(crate) fn ssh_config(hosts: &[HostState], key: &Path, known_hosts: &Path) -> String {
    let common = format!(
        "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  \
         StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n",
        key.display(),
        known_hosts.display()
    );
    hosts.iter().fold(common, |text, host| {
        let HostState { name, address, port, login, .. } = host;
        text + &format!("Host {name} {address}\n  HostName {address}\n  Port {port}\n  User {login}\n")
    })
}

/// Writes `dir/etc` (`master`, `roster`, `known_hosts`) and `dir/ssh_config`. All paths in them are absolute, and
/// the controller's caches lie below `dir`, so a fleet leaves nothing in a user's own folders.
pub(crate) fn write_all(dir: &Path, hosts: &[HostState]) -> Result<()> {
    let (etc, key) = (dir.join("etc"), dir.join("keys/id_ed25519"));
    let known = etc.join("known_hosts");
    put(&known, 0o600, known_hosts(hosts))?;
    put(&etc.join("roster"), 0o600, roster(hosts, &key))?;
    put(&etc.join("master"), 0o600, master(dir, &known))?;
    put(&dir.join("ssh_config"), 0o600, ssh_config(hosts, &key, &known))
}

fn master(dir: &Path, known_hosts: &Path) -> String {
    let dir = dir.display();
    format!(
        "# Configuration of a fleet of the lab; written anew whenever it is raised.\n\
         root_dir: {dir}/root\ncachedir: {dir}/root/cache\npki_dir: {dir}/root/pki\n\
         log_file: {dir}/root/log\nssh_log_file: {dir}/root/log\nknown_hosts_file: {}\n",
        known_hosts.display()
    )
}
