//! One host of the roster, everything resolved: defaults of the roster, the config and the command line are in.

use crate::Secret;
use halite_wire::{Map, MinionId};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach one host and whom to be there.
#[derive(Clone, Debug)]
pub struct Host {
    pub id: MinionId,
    /// Address or DNS name, IPv6 without brackets. Checked: no metacharacters, no leading `-`.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub passwd: Option<Secret>,
    /// Private keys to offer, in order.
    pub identities: Vec<Identity>,
    /// Offer only these identities, not those of the agent or of `~/.ssh`.
    pub identities_only: bool,
    pub priv_passwd: Option<Secret>,
    pub sudo: bool,
    /// Whom `sudo` makes us; `root` unless the roster says otherwise.
    pub sudo_user: String,
    /// Answers sudo where it differs from the login password.
    pub sudo_passwd: Option<Secret>,
    pub tty: bool,
    /// The roster's `timeout`: limit of each phase before the call. `None`: the session's own limits.
    pub connect_timeout: Option<Duration>,
    /// `None`: whoever wrote the roster wants none.
    pub keepalive: Option<Keepalive>,
    /// Directory on the host to keep the executor in, tried before the usual ones.
    pub thin_dir: Option<String>,
    /// Replaces `PATH` on the host.
    pub set_path: Option<String>,
    pub cmd_umask: Option<u32>,
    pub minion_opts: Map,
    /// Merged over the host's own grains.
    pub grains: Map,
    pub mine_functions: Map,
    pub disable_wipe: bool,
    /// Script on the controller to run on the host before anything else, and its arguments.
    pub ssh_pre_flight: Option<PathBuf>,
    pub ssh_pre_flight_args: Vec<String>,
    /// As written for `ssh -R`: `[bind:]port[:host:hostport]`.
    pub remote_port_forwards: Vec<String>,
    /// What `ssh_options` says beyond the fields above.
    pub ssh: SshOptions,
    /// Where the roster names it, for messages.
    pub place: Place,
}

impl Host {
    /// A host with nothing but a name and an address: port 22, user `root`, no secrets, no limits of its own.
    pub fn new(id: MinionId, host: impl Into<String>) -> Host {
        Host {
            id,
            host: host.into(),
            port: 22,
            user: "root".into(),
            passwd: None,
            identities: Vec::new(),
            identities_only: false,
            priv_passwd: None,
            sudo: false,
            sudo_user: "root".into(),
            sudo_passwd: None,
            tty: false,
            connect_timeout: None,
            keepalive: Some(Keepalive::default()),
            thin_dir: None,
            set_path: None,
            cmd_umask: None,
            minion_opts: Map::new(),
            grains: Map::new(),
            mine_functions: Map::new(),
            disable_wipe: false,
            ssh_pre_flight: None,
            ssh_pre_flight_args: Vec::new(),
            remote_port_forwards: Vec::new(),
            ssh: SshOptions::default(),
            place: Place::default(),
        }
    }

    /// What answers sudo: its own password where there is one, else the login's.
    pub fn sudo_password(&self) -> Option<&Secret> {
        self.sudo_passwd.as_ref().or(self.passwd.as_ref())
    }
}

/// The `-o` options of `ssh` that are obeyed and have no key of their own in a roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshOptions {
    pub host_key_check: Option<HostKeyCheck>,
    /// Instead of the usual known_hosts files; `/dev/null` means none.
    pub known_hosts_files: Option<Vec<PathBuf>>,
    /// Names to offer, as given: `+`, `-` and `^` in front mean what they mean to `ssh`.
    pub kex_algorithms: Option<String>,
    pub ciphers: Option<String>,
    pub macs: Option<String>,
    pub host_key_algorithms: Option<String>,
    /// All `-o` values as written, also those that have become fields of [`Host`].
    pub raw: Vec<String>,
}

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyCheck {
    /// Only keys that are known (`yes`, `ask`: nobody is there to ask).
    Strict,
    /// New hosts are taken in, changed keys are refused (`accept-new`).
    AcceptNew,
    /// Everything goes (`no`, `off`).
    Off,
}

/// A key to log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    File(PathBuf),
    /// The keys of the ssh-agent at `SSH_AUTH_SOCK`.
    Agent,
}

/// How a dead line is noticed: a question after each `interval` of silence, `count_max` of them without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    pub interval: Duration,
    pub count_max: u32,
}

/// Three questions, 15 s apart: a dead line is noticed within a minute.
impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive { interval: Duration::from_secs(15), count_max: 3 }
    }
}

/// A place in a file the user wrote; line and column count from 1. Shown as `file:line:column`, or as `file`
/// where line is 0: the file as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}", self.file.display()),
            line => write!(out, "{}:{line}:{}", self.file.display(), self.column),
        }
    }
}
