//! Programs of the machine that a fleet is made of: where they are, and how to get those that are missing.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::error::{Result, SiteError};

/// Program or path, Debian and Ubuntu package, what for.
const TOOLS: &[(&str, &str, &str)] = &[
    ("sshd", "openssh-server", "the SSH server of ordinary hosts"),
    ("ssh", "openssh-client", "the client to compare with"),
    ("ssh-keygen", "openssh-client", "host and client keys"),
    ("dropbear", "dropbear-bin", "the SSH server of minimal hosts"),
    ("dropbearkey", "dropbear-bin", "host keys of minimal hosts"),
    ("busybox", "busybox-static", "the whole user land of minimal hosts"),
    ("ip", "iproute2", "the fleet's network"),
    ("unshare", "util-linux", "namespaces"),
    ("nsenter", "util-linux", "namespaces"),
    ("mount", "mount", "roots of hosts"),
    ("openssl", "openssl", "password hashes"),
    ("sudo", "sudo", "hosts reached as an ordinary user"),
    ("strace", "strace", "shows which programs the controller starts"),
    ("pgrep", "procps", "shows which processes are left"),
    ("xz", "xz-utils", "unpacks the thin on hosts"),
    ("curl", "curl", "web servers as states ask them"),
    ("locale-gen", "locales", "languages as states set them"),
    ("systemctl", "systemd", "services and time zones as states set them"),
    ("crontab", "cron", "cron tables as states set them"),
    ("git", "git", "checkouts as states make them"),
    ("gpg", "gnupg", "encrypted pillar values"),
    ("patch", "patch", "files as states patch them"),
    ("unzip", "unzip", "archives as states unpack them"),
    ("zip", "zip", "archives as states unpack them"),
    ("dpkg-scanpackages", "dpkg-dev", "package repositories that states install from"),
    ("mariadbd", "mariadb-server", "a database that tests ask"),
    ("mariadb-install-db", "mariadb-server", "a database that tests ask"),
    ("mariadb", "mariadb-client", "a database that tests ask"),
    ("psql", "postgresql", "a database that tests ask"),
    ("setpriv", "util-linux", "servers that do not run as root"),
    ("tcsh", "tcsh", "a host with this login shell"),
    ("zsh", "zsh", "a host with this login shell"),
    ("fish", "fish", "a host with this login shell"),
    ("qemu-aarch64-static", "qemu-user-static", "the aarch64 thin, run here"),
    ("parallel-ssh", "pssh", "a peer in the benchmark"),
    ("pdcp", "pdsh", "a peer in the benchmark"),
    ("mosquitto", "mosquitto", "an MQTT broker that returners publish to"),
    ("mosquitto_sub", "mosquitto-clients", "reads what was published over MQTT"),
    ("rabbitmq-server", "rabbitmq-server", "an AMQP broker that returners publish to"),
    ("prosody", "prosody", "an XMPP server that returners write to"),
    ("/usr/include/sqlext.h", "unixodbc-dev", "ODBC, which a returner is linked with"),
    ("protoc", "protobuf-compiler", "compiles the messages of etcd, which are linked in"),
    ("/usr/include/google/protobuf/descriptor.proto", "libprotobuf-dev", "what they are made of"),
    ("kcat", "kcat", "Kafka as its C library makes it up for tests"),
    ("nats-server", "nats-server", "a NATS server that returners publish to"),
    ("influxd", "influxdb", "a database that returners write to"),
    ("prometheus-pushgateway", "prometheus-pushgateway", "a gateway that returners push to"),
    ("syslog-ng", "syslog-ng-core", "a syslog server that returners write to"),
    ("carbon-cache", "graphite-carbon", "a collector of metrics that returners write to"),
    ("whisper-fetch", "python3-whisper", "reads what a collector of metrics has"),
    ("redis-cli", "redis-tools", "speaks to a store of jobs"),
    ("/usr/lib/python3/dist-packages/pyftpdlib", "python3-pyftpdlib", "an FTP server that files come from"),
    ("aiosmtpd", "python3-aiosmtpd", "a mail server that returners write to"),
    ("memcached", "memcached", "a cache that returners write to"),
    ("redis-server", "redis-server", "a store of jobs"),
    ("etcd", "etcd-server", "a store of jobs"),
    ("python3", "python3-venv", "peers in the benchmark"),
    ("musl-gcc", "musl-tools", "the musl thin"),
    ("cc", "build-essential", "linking"),
];

/// Folders of system programs, which are not in every user's `PATH`.
const SYSTEM_PATHS: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// Where a program lies: `PATH` first, then the system folders. Or any path, of a package that has no program.
pub fn find(tool: &str) -> Option<PathBuf> {
    if tool.starts_with('/') {
        return Some(PathBuf::from(tool)).filter(|path| path.exists());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM_PATHS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(tool)).find(|file| is_program(file))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Version of the machine's OpenSSH, `(9, 2)`; `(0, 0)` when it cannot be told.
pub(crate) fn openssh_version() -> (u32, u32) {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let said = Command::new("ssh").arg("-V").output().map(|output| output.stderr).unwrap_or_default();
        parse_version(&String::from_utf8_lossy(&said)).unwrap_or_default()
    })
}

fn parse_version(said: &str) -> Option<(u32, u32)> {
    let (major, rest) = said.strip_prefix("OpenSSH_")?.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Makes sure that `tools` (names of programs) are on the machine. Missing ones are installed with apt, by root or
/// through `sudo` without a question; what is installed and why is printed to `out` first.
///
/// # Errors
/// [`SiteError::Missing`] with the command that would help, when the kit may not or cannot install.
pub fn ensure_packages(tools: &[&str], out: &mut dyn Write) -> Result<()> {
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| find(tool).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = Vec::new();
    // A closed stdout must not stop the installation: these lines are a courtesy.
    let _ = writeln!(out, "Missing on this machine:");
    for (tool, package, why) in missing.iter().map(package_of) {
        let _ = writeln!(out, "  {tool:<22} {why} (package {package})");
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    install(&packages, out)?;
    still_missing(&missing, &packages)
}

fn package_of<'a>(tool: &&'a str) -> (&'a str, &'a str, &'a str) {
    let row = TOOLS.iter().find(|(name, ..)| name == tool);
    row.map_or((*tool, *tool, "needed"), |(_, package, why)| (*tool, *package, *why))
}

/// Installs packages by name, as [`ensure_packages`] does for missing tools.
///
/// # Errors
/// [`SiteError::Missing`] when the kit may not or cannot install.
pub fn install(packages: &[&str], out: &mut dyn Write) -> Result<()> {
    let cure = format!("sudo apt-get install -y --no-install-recommends {}", packages.join(" "));
    let refused =
        || SiteError::Missing { tools: packages.iter().map(|&p| p.to_owned()).collect(), cure: cure.clone() };
    let prefix: &[&str] = match () {
        () if find("apt-get").is_none() => return Err(refused()),
        () if is_root() => &[],
        () if sudo_without_question() => &["sudo", "-n"],
        () => return Err(refused()),
    };
    let install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"];
    let line: Vec<&str> = prefix.iter().chain(&install).chain(packages).copied().collect();
    let _ = writeln!(out, "Installing: {}", line.join(" "));
    if !quiet(&line) {
        // The package lists of a fresh machine are empty or old.
        quiet(&prefix.iter().chain(&["apt-get", "update", "-qq"]).copied().collect::<Vec<_>>());
        quiet(&line);
    }
    Ok(())
}

fn still_missing(tools: &[&str], packages: &[&str]) -> Result<()> {
    let tools: Vec<String> =
        tools.iter().filter(|tool| find(tool).is_none()).map(|&t| t.to_owned()).collect();
    if tools.is_empty() {
        return Ok(());
    }
    Err(SiteError::Missing { tools, cure: format!("sudo apt-get install {}", packages.join(" ")) })
}

/// Runs a command without output; `true` when it succeeded.
fn quiet(line: &[&str]) -> bool {
    let [program, arguments @ ..] = line else { return false };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn sudo_without_question() -> bool {
    find("sudo").is_some() && quiet(&["sudo", "-n", "true"])
}

/// Whether this process is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_ssh_says() {
        assert_eq!(parse_version("OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19"), Some((9, 2)));
        assert_eq!(parse_version("OpenSSH_10.0p2"), Some((10, 0)));
        assert_eq!(parse_version("Sun_SSH_2.4"), None);
    }

    #[test]
    fn a_tool_nobody_packages_is_reported_with_a_cure() {
        let error = still_missing(&["no-such-tool-anywhere"], &["no-such-package"]).unwrap_err();
        assert!(error.to_string().contains("apt-get install no-such-package"), "{error}");
    }
}
