//! Plain `sshd` processes of the current user on loopback: the fleet for machines without root, and a quick one.
//!
//! Every process has its own block of 127.0.0.0/8, made from its pid, so that fleets of parallel tests do not meet;
//! hosts differ by port. All share the machine's file system, accounts and processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::error::{AtPath, Result, SiteError};
use crate::files::{folder, put};
use crate::host::{COMMON_SSHD_LINES, lines, penalties_off};
use crate::keeper::Keeper;
use crate::keys::openssh_pair;
use crate::packages::is_root;
use crate::plan::{Flavour, Host};
use crate::process::{Started, log_tail, tree, wait_until};
use crate::state::HostState;

/// How often a host looks for another port before it gives up.
const TRIES: usize = 20;

/// Starts one host; its files lie in `dir/hosts/NAME`.
pub(crate) fn start(keeper: &mut Keeper, dir: &Path, host: &Host, client_key: &str) -> Result<HostState> {
    if let Some(what) = host.needs_namespaces() {
        return Err(SiteError::Plan(format!(
            "{} asks for {what}, which only a namespaced host has",
            host.name
        )));
    }
    let here = dir.join("hosts").join(&host.name);
    folder(&here, 0o700)?;
    let host_key = openssh_pair(&here.join("host_key"), &host.name)?;
    put(&here.join("authorized_keys"), 0o600, format!("{client_key}\n"))?;
    let address = own_address();
    for _ in 0..TRIES {
        let port = next_port();
        let config = here.join("sshd_config");
        put(&config, 0o600, sshd_config(host, &here, &address, port)?)?;
        keeper.serve(&config)?;
        if let Some(server) = wait_for_server(keeper, &config, &address, port) {
            return Ok(HostState {
                name: host.name.clone(),
                flavour: Flavour::OpenSsh,
                address,
                port,
                login: user_name(),
                host_key,
                roster_lines: host.roster_lines.clone(),
                server,
            });
        }
    }
    let log = log_tail(&dir.join("log").join(format!("{}.log", host.name)));
    Err(SiteError::NotReady { host: host.name.clone(), log })
}

fn sshd_config(host: &Host, here: &Path, address: &str, port: u16) -> Result<String> {
    let here = here.display();
    let sftp = if host.sftp { "Subsystem sftp internal-sftp\n" } else { "" };
    let pam = if root_is_locked()? { "UsePAM yes\n" } else { "" };
    Ok(format!(
        "{}{pam}ListenAddress {address}:{port}\nHostKey {here}/host_key\nAuthorizedKeysFile {here}/authorized_keys\n\
         PasswordAuthentication no\nPermitRootLogin prohibit-password\n{COMMON_SSHD_LINES}{}{sftp}",
        lines(&host.sshd_lines),
        penalties_off()
    ))
}

/// sshd as root: makes sure of the folder it insists on, and tells whether root's account is locked, in which case
/// only PAM lets a key in.
fn root_is_locked() -> Result<bool> {
    if !is_root() {
        return Ok(false);
    }
    let needed = Path::new("/run/sshd");
    if !needed.exists() {
        folder(needed, 0o755)?;
    }
    let shadow = Path::new("/etc/shadow");
    Ok(fs::read_to_string(shadow).at(shadow)?.lines().any(|line| line.starts_with("root:!")))
}

/// `None` when the server ended, most likely because the port was taken.
fn wait_for_server(keeper: &Keeper, config: &Path, address: &str, port: u16) -> Option<Started> {
    let mut server = None;
    wait_until(Duration::from_secs(5), || {
        let running = find_server(keeper, config);
        let gone = server.is_some() && running.is_none();
        server = running;
        gone || server.is_some() && is_listening(Path::new("/proc/net"), Some(address), port)
    });
    server
}

/// The sshd that was started with this configuration. It rewrites its command line into a title that still has it.
fn find_server(keeper: &Keeper, config: &Path) -> Option<Started> {
    let config = config.to_string_lossy();
    let wanted = |process: &Started| {
        let words = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&*config)
    };
    tree(keeper.process.pid).into_iter().skip(1).find(wanted)
}

/// Whether a TCP listener exists on `port` (and on the IPv4 `address`, when given), by the tables in `proc_net`.
pub(crate) fn is_listening(proc_net: &Path, address: Option<&str>, port: u16) -> bool {
    let address = address.and_then(|text| text.parse::<std::net::Ipv4Addr>().ok());
    let hex = address.map(|address| format!("{:08X}", u32::from_le_bytes(address.octets())));
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(proc_net.join(name)).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, state) = (words.next().unwrap_or_default(), words.nth(1));
        let matches = local
            .rsplit_once(':')
            .is_some_and(|(at, on)| on == format!("{port:04X}") && hex.as_ref().is_none_or(|hex| hex == at));
        matches && state == Some("0A")
    })
}

/// An address of 127.64.0.0/10 that belongs to this process.
fn own_address() -> String {
    let pid = process::id();
    format!("127.{}.{}.{}", 64 + (pid >> 16) % 64, (pid >> 8) & 0xff, pid & 0xff)
}

fn next_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(2201);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn user_name() -> String {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = passwd.lines().find(|line| line.split(':').nth(2) == Some(uid.as_str()));
    let name = account.and_then(|line| line.split(':').next()).map(str::to_owned);
    name.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "root".into())
}

/// The folder of a loopback host's files.
pub(crate) fn host_folder(dir: &Path, name: &str) -> PathBuf {
    dir.join("hosts").join(name)
}
