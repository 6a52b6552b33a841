//! One namespaced host: the files of its own layer, and the script that becomes its SSH server.
//!
//! The layer is written before the host starts. The script then runs inside fresh namespaces, as PID 1: it mounts
//! the root, plugs a cable into the fleet's bridge, changes into the root and replaces itself by the SSH server.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{AtPath, Result};
use crate::files::{below, folder, own, path_word, put, word};
use crate::keys::{dropbear_key, openssh_pair, password_hash};
use crate::packages::{find, openssh_version};
use crate::plan::{Flavour, Host, User};

/// First uid of the users a plan adds; every distribution's own users lie below.
const FIRST_UID: u32 = 2001;

/// Where one host of a fleet lies, and what it is called on the fleet's network.
pub(crate) struct Site<'a> {
    /// The host as planned.
    pub host: &'a Host,
    /// Number in the fleet, from 1.
    pub number: usize,
    /// The tmpfs of the fleet as this process can reach it.
    pub outside: &'a Path,
    /// The same tmpfs as the host's script sees it.
    pub inside: &'a Path,
}

impl Site<'_> {
    /// The address that stands in the roster.
    pub(crate) fn address(&self) -> String {
        if self.host.ipv6 { self.ipv6() } else { self.ipv4() }
    }

    fn ipv4(&self) -> String {
        format!("10.99.{}.{}", (self.number - 1) / 250, (self.number - 1) % 250 + 1)
    }

    fn ipv6(&self) -> String {
        format!("fd99::{:x}", self.number)
    }

    fn folder(&self, fs: &Path) -> PathBuf {
        fs.join("hosts").join(&self.host.name)
    }

    /// The start script as the keeper sees it.
    pub(crate) fn script(&self) -> PathBuf {
        self.folder(self.inside).join("start.sh")
    }

    /// The file that exists when the script gave up.
    pub(crate) fn failed_mark(&self) -> PathBuf {
        self.folder(self.outside).join("failed")
    }

    /// Writes the host's layer and script. Returns its public host key.
    pub(crate) fn write(&self, client_key: &str) -> Result<String> {
        let upper = self.folder(self.outside).join("upper");
        for name in ["upper", "work", "root"] {
            folder(&self.folder(self.outside).join(name), 0o755)?;
        }
        let host_key = self.host_key(&upper)?;
        self.names(&upper)?;
        self.accounts(&upper, client_key)?;
        if self.host.flavour == Flavour::OpenSsh {
            put(&upper.join("etc/ssh/sshd_config"), 0o644, self.sshd_config())?;
        }
        for (path, mode, text) in &self.host.files {
            put(&below(&upper, path), *mode, text)?;
        }
        put(&self.folder(self.outside).join("start.sh"), 0o755, self.start_script())?;
        Ok(host_key)
    }

    fn host_key(&self, upper: &Path) -> Result<String> {
        match self.host.flavour {
            Flavour::OpenSsh => {
                folder(&upper.join("etc/ssh"), 0o755)?;
                openssh_pair(&upper.join("etc/ssh/ssh_host_ed25519_key"), &self.host.name)
            }
            Flavour::Minimal => {
                folder(&upper.join("etc/dropbear"), 0o755)?;
                dropbear_key(&upper.join("etc/dropbear/hostkey"))
            }
        }
    }

    fn names(&self, upper: &Path) -> Result<()> {
        let (name, ipv4, ipv6) = (&self.host.name, self.ipv4(), self.ipv6());
        put(&upper.join("etc/hostname"), 0o644, format!("{name}\n"))?;
        let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{ipv4} {name}\n{ipv6} {name}\n");
        put(&upper.join("etc/hosts"), 0o644, hosts)?;
        put(&upper.join("etc/machine-id"), 0o444, format!("{:032x}\n", 0x5a17_0000_0000 + self.number))
    }

    /// passwd, group, shadow, shells, homes with their keys, sudo rules.
    fn accounts(&self, upper: &Path, client_key: &str) -> Result<()> {
        let base = self.base_root();
        let mut passwd = read(&base.join("etc/passwd"))?;
        let mut group = read(&base.join("etc/group"))?;
        let mut shadow = self.shadow(&passwd)?;
        if let Some(shell) = &self.host.login_shell {
            passwd = with_root_shell(&passwd, shell);
        }
        authorize(upper, "root", 0, client_key)?;
        for (uid, user) in (FIRST_UID..).zip(&self.host.users) {
            passwd += &format!("{0}:x:{uid}:{uid}:{0}:/home/{0}:{1}\n", user.name, user.shell);
            group += &format!("{}:x:{uid}:\n", user.name);
            shadow += &shadow_line(&user.name, user.password.as_deref())?;
            authorize(upper, &format!("home/{}", user.name), uid, if user.key { client_key } else { "" })?;
            sudo_rule(upper, user)?;
        }
        put(&upper.join("etc/passwd"), 0o644, passwd)?;
        put(&upper.join("etc/group"), 0o644, group)?;
        put(&upper.join("etc/shadow"), 0o600, shadow)?;
        put(&upper.join("etc/shells"), 0o644, self.shells(&base))
    }

    /// The folder whose accounts the host starts from: this machine's for OpenSSH, the minimal layer otherwise.
    fn base_root(&self) -> PathBuf {
        match self.host.flavour {
            Flavour::OpenSsh => PathBuf::from("/"),
            Flavour::Minimal => self.outside.join("minimal"),
        }
    }

    /// A shadow file made anew from the account names: no hash of this machine goes into a host.
    fn shadow(&self, passwd: &str) -> Result<String> {
        let names = passwd.lines().filter_map(|line| line.split(':').next());
        names
            .map(|name| shadow_line(name, self.host.root_password.as_deref().filter(|_| name == "root")))
            .collect()
    }

    fn shells(&self, base: &Path) -> String {
        let known = fs::read_to_string(base.join("etc/shells")).unwrap_or_default();
        let own = self.host.login_shell.iter().chain(self.host.users.iter().map(|user| &user.shell));
        own.fold(known, |shells, shell| shells + shell + "\n")
    }

    fn sshd_config(&self) -> String {
        let host = self.host;
        let block = host.sshd_lines.iter().position(|line| line.starts_with("Match "));
        let (plain, blocks) = host.sshd_lines.split_at(block.unwrap_or(host.sshd_lines.len()));
        let (passwords, root) =
            if host.has_password() { ("yes", "yes") } else { ("no", "prohibit-password") };
        let sftp = if host.sftp { "Subsystem sftp internal-sftp\n" } else { "" };
        format!(
            "{}Port {}\nHostKey /etc/ssh/ssh_host_ed25519_key\n{COMMON_SSHD_LINES}{}PermitRootLogin {root}\n\
             PasswordAuthentication {passwords}\n{sftp}{}",
            lines(plain),
            host.port,
            penalties_off(),
            lines(blocks)
        )
    }

    /// Two numbers 1 are at work in it: `nsenter` reads the keeper's `/proc`, where 1 is the keeper; the kernel reads
    /// `netns 1` in the PID namespace of the asker, where 1 is this host.
    fn start_script(&self) -> String {
        let here = path_word(&self.folder(self.inside));
        let (name, number, lower) = (word(&self.host.name), self.number, self.lower());
        let (ipv4, ipv6) = (self.ipv4(), self.ipv6());
        let ipv6_line =
            if has_ipv6() { format!("addr add {ipv6}/64 dev eth0 nodad\n") } else { String::new() };
        let mac = format!("02:f1:ee:00:{:02x}:{:02x}", number >> 8, number & 0xff);
        let (mounts, setup, server) = (self.mount_lines(), lines(&self.host.setup), self.server_line());
        let read_only = if self.host.read_only_root { "mount -o remount,ro /\n" } else { "" };
        format!(
            "set -e
cd {here}
hostname {name}
mount -t overlay -o lowerdir={lower},upperdir=upper,workdir=work {name} root
mount -t proc proc root/proc
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
mount -t sysfs -o ro sysfs root/sys
nsenter -t 1 -n ip -batch - <<LINES
link add v{number} type veth peer name eth0 address {mac} netns 1
link set v{number} master br0 up
LINES
ip -batch - <<LINES
link set lo up
addr add {ipv4}/16 dev eth0
{ipv6_line}link set eth0 up
LINES
{mounts}cd root
pivot_root . .
umount -l .
cd /
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
{setup}{read_only}exec {server}
"
        )
    }

    fn lower(&self) -> String {
        match self.host.flavour {
            Flavour::OpenSsh => format!("{}:/", path_word(&self.inside.join("mask"))),
            Flavour::Minimal => path_word(&self.inside.join("minimal")),
        }
    }

    fn mount_lines(&self) -> String {
        self.host.mounts.iter().fold(String::new(), |all, mount| {
            let (at, options) = (word(&format!("root{}", mount.at)), word(&mount.options));
            all + &format!("mkdir -p {at}\nmount -t tmpfs -o {options} tmpfs {at}\n")
        })
    }

    fn server_line(&self) -> String {
        match self.host.flavour {
            Flavour::OpenSsh => {
                let sshd = find("sshd").unwrap_or_else(|| "/usr/sbin/sshd".into());
                format!("{} -D -e", path_word(&sshd))
            }
            Flavour::Minimal => {
                let no_passwords = if self.host.has_password() { "" } else { " -s" };
                format!(
                    "/usr/sbin/dropbear -F -E -r /etc/dropbear/hostkey -p {}{no_passwords}",
                    self.host.port
                )
            }
        }
    }
}

/// What all sshd of the kit are told, wherever they run.
pub(crate) const COMMON_SSHD_LINES: &str = "MaxStartups 1000:30:2000\nMaxSessions 200\nUseDNS no\nUsePAM no\n\
    KbdInteractiveAuthentication no\nStrictModes no\nPrintMotd no\nPidFile none\nLogLevel ERROR\n\
    AcceptEnv LANG LC_*\n";

/// From 9.8 on, sshd punishes clients that come often and fail; a test fleet wants to be met often.
pub(crate) fn penalties_off() -> &'static str {
    if openssh_version() >= (9, 8) { "PerSourcePenalties no\n" } else { "" }
}

/// Whether this kernel speaks IPv6 at all.
fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

pub(crate) fn lines(of: &[String]) -> String {
    of.iter().fold(String::new(), |all, line| all + line + "\n")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).at(path)
}

/// One line of `/etc/shadow`; without a password nothing typed will ever match.
fn shadow_line(name: &str, password: Option<&str>) -> Result<String> {
    let hash = password.map_or_else(|| Ok("*".to_owned()), password_hash)?;
    let mut line = String::new();
    let _ = writeln!(line, "{name}:{hash}:19000:0:99999:7:::");
    Ok(line)
}

fn with_root_shell(passwd: &str, shell: &str) -> String {
    passwd.lines().fold(String::new(), |all, line| {
        let root = line.rsplit_once(':').filter(|_| line.starts_with("root:"));
        all + &root.map_or_else(|| line.to_owned(), |(account, _)| format!("{account}:{shell}")) + "\n"
    })
}

/// Makes a home with `authorized_keys`; an empty key makes an empty file.
fn authorize(upper: &Path, home: &str, uid: u32, client_key: &str) -> Result<()> {
    let home = upper.join(home);
    folder(&home, if uid == 0 { 0o700 } else { 0o755 })?;
    folder(&home.join(".ssh"), 0o700)?;
    let authorized = home.join(".ssh/authorized_keys");
    put(&authorized, 0o600, format!("{client_key}\n"))?;
    [home.clone(), home.join(".ssh"), authorized].iter().try_for_each(|path| own(path, uid))
}

fn sudo_rule(upper: &Path, user: &User) -> Result<()> {
    let Some(rule) = &user.sudo else { return Ok(()) };
    put(&upper.join("etc/sudoers.d").join(&user.name), 0o440, format!("{} {rule}\n", user.name))
}
