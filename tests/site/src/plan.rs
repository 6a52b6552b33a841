//! What a fleet shall look like: how many ordinary hosts, and which odd ones.
//!
//! Pure data with builders; nothing here touches the machine.

/// How a fleet is isolated from the machine and from itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every host in namespaces of its own, with its own root. Needs root.
    Namespaced,
    /// Plain `sshd` processes of the current user on loopback addresses; one file system for all.
    Loopback,
}

/// What a host is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// OpenSSH's `sshd` over the machine's own root (overlay): bash, coreutils and what else is installed.
    OpenSsh,
    /// BusyBox and dropbear, nothing else: no bash, Python, sftp server or `useradd`.
    Minimal,
}

/// A fleet to raise. Ordinary hosts are named `h001...` (OpenSSH) and `m001...` (minimal).
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Ordinary OpenSSH hosts.
    pub openssh: usize,
    /// Ordinary minimal hosts.
    pub minimal: usize,
    /// Further hosts, each with its own name and oddities.
    pub hosts: Vec<Host>,
}

impl Plan {
    /// Adds one host of its own kind.
    #[must_use]
    pub fn with(mut self, host: Host) -> Self {
        self.hosts.push(host);
        self
    }

    /// All hosts in roster order: ordinary OpenSSH, ordinary minimal, then the odd ones.
    pub(crate) fn all_hosts(&self) -> Vec<Host> {
        let openssh = (1..=self.openssh).map(|n| Host::openssh(format!("h{n:03}")));
        let minimal = (1..=self.minimal).map(|n| Host::minimal(format!("m{n:03}")));
        openssh.chain(minimal).chain(self.hosts.iter().cloned()).collect()
    }
}

/// One host and everything that makes it different from an ordinary one.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) name: String,
    pub(crate) flavour: Flavour,
    pub(crate) port: u16,
    pub(crate) ipv6: bool,
    pub(crate) sshd_lines: Vec<String>,
    pub(crate) login_shell: Option<String>,
    pub(crate) root_password: Option<String>,
    pub(crate) users: Vec<User>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) read_only_root: bool,
    pub(crate) sftp: bool,
    pub(crate) files: Vec<(String, u32, String)>,
    pub(crate) setup: Vec<String>,
    pub(crate) login: String,
    pub(crate) roster_lines: Vec<(String, String)>,
}

/// A tmpfs mounted over a folder of the host.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where, absolute.
    pub at: String,
    /// Mount options, for example `noexec,size=1m,mode=1777`.
    pub options: String,
}

/// A login beside root.
#[derive(Clone, Debug)]
pub struct User {
    /// Login name; uid and gid are given in order from 2001.
    pub name: String,
    /// Login shell.
    pub shell: String,
    /// Password, when it shall have one. Password authentication is then switched on for the host.
    pub password: Option<String>,
    /// What follows the name in `sudoers`, for example `ALL=(ALL:ALL) NOPASSWD: ALL`.
    pub sudo: Option<String>,
    /// May log in with the fleet's key.
    pub key: bool,
}

impl User {
    /// A user with `/bin/sh`, the fleet's key, no password and no right to sudo.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), shell: "/bin/sh".into(), password: None, sudo: None, key: true }
    }

    /// Gives a password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Gives a sudoers rule, written without the name: `ALL=(ALL:ALL) ALL`.
    #[must_use]
    pub fn sudo(mut self, rule: impl Into<String>) -> Self {
        self.sudo = Some(rule.into());
        self
    }

    /// Sets the login shell.
    #[must_use]
    pub fn shell(mut self, shell: impl Into<String>) -> Self {
        self.shell = shell.into();
        self
    }

    /// Takes the fleet's key away: only the password opens.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.key = false;
        self
    }
}

impl Host {
    /// An ordinary OpenSSH host.
    pub fn openssh(name: impl Into<String>) -> Self {
        Self::new(name.into(), Flavour::OpenSsh)
    }

    /// An ordinary minimal host.
    pub fn minimal(name: impl Into<String>) -> Self {
        Self::new(name.into(), Flavour::Minimal)
    }

    fn new(name: String, flavour: Flavour) -> Self {
        Self {
            name,
            flavour,
            port: 22,
            ipv6: false,
            sshd_lines: Vec::new(),
            login_shell: None,
            root_password: None,
            users: Vec::new(),
            mounts: Vec::new(),
            read_only_root: false,
            sftp: true,
            files: Vec::new(),
            setup: Vec::new(),
            login: "root".into(),
            roster_lines: Vec::new(),
        }
    }

    /// Listens on another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Stands in the roster with its IPv6 address.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// Adds a line to `sshd_config`. It stands before the kit's own lines, and in sshd the first value given wins;
    /// lines from the first `Match` on stand at the end, because a block lasts until the next one.
    #[must_use]
    pub fn sshd(mut self, line: impl Into<String>) -> Self {
        self.sshd_lines.push(line.into());
        self
    }

    /// One session per connection only.
    #[must_use]
    pub fn max_sessions_1(self) -> Self {
        self.sshd("MaxSessions 1")
    }

    /// Gives root another login shell.
    #[must_use]
    pub fn login_shell(mut self, shell: impl Into<String>) -> Self {
        self.login_shell = Some(shell.into());
        self
    }

    /// Gives root a password and switches password authentication on.
    #[must_use]
    pub fn root_password(mut self, password: impl Into<String>) -> Self {
        self.root_password = Some(password.into());
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Mounts a tmpfs.
    #[must_use]
    pub fn mount(mut self, at: impl Into<String>, options: impl Into<String>) -> Self {
        self.mounts.push(Mount { at: at.into(), options: options.into() });
        self
    }

    /// `/tmp` and `/var/tmp` do not execute.
    #[must_use]
    pub fn noexec_tmp(self) -> Self {
        self.mount("/tmp", "noexec,mode=1777").mount("/var/tmp", "noexec,mode=1777")
    }

    /// The root is read-only; only `/dev/shm` can be written.
    #[must_use]
    pub fn read_only_root(mut self) -> Self {
        self.read_only_root = true;
        self.mount("/dev/shm", "mode=1777")
    }

    /// No sftp subsystem.
    #[must_use]
    pub fn without_sftp(mut self) -> Self {
        self.sftp = false;
        self
    }

    /// Sends `text` before authentication (an SSH banner; OpenSSH only).
    #[must_use]
    pub fn banner(self, text: impl Into<String>) -> Self {
        self.file("/etc/issue.net", 0o644, text).sshd("Banner /etc/issue.net")
    }

    /// Places a file, over what the lower layers hold. `/root/.bashrc` with an `echo` makes a noisy login.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, mode: u32, text: impl Into<String>) -> Self {
        self.files.push((path.into(), mode, text.into()));
        self
    }

    /// Runs a shell command inside the finished host, as root, just before its SSH server starts.
    #[must_use]
    pub fn setup(mut self, command: impl Into<String>) -> Self {
        self.setup.push(command.into());
        self
    }

    /// Logs in as `user` in the roster (default root).
    #[must_use]
    pub fn login_as(mut self, user: impl Into<String>) -> Self {
        self.login = user.into();
        self
    }

    /// Adds a key to the host's roster entry; `value` is YAML: `roster("sudo", "True")`.
    #[must_use]
    pub fn roster(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.roster_lines.push((key.into(), value.into()));
        self
    }

    /// Whether any login of this host has a password.
    pub(crate) fn has_password(&self) -> bool {
        self.root_password.is_some() || self.users.iter().any(|user| user.password.is_some())
    }

    /// What a loopback host cannot give: it shares root, users and file system with the machine.
    pub(crate) fn needs_namespaces(&self) -> Option<&'static str> {
        let needs = [
            (self.flavour == Flavour::Minimal, "a minimal root"),
            (self.login_shell.is_some(), "a login shell of its own"),
            (self.has_password(), "passwords of its own"),
            (!self.users.is_empty(), "users of its own"),
            (!self.mounts.is_empty() || self.read_only_root, "mounts of its own"),
            (!self.files.is_empty() || !self.setup.is_empty(), "files of its own"),
            (self.ipv6 || self.port != 22, "an address or port of its own choice"),
        ];
        needs.iter().find(|(needed, _)| *needed).map(|(_, what)| *what)
    }
}
