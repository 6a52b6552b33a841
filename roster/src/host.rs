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
    pub tty: bool,
    /// Limit of TCP connect. `None`: the session's own default.
    pub connect_timeout: Option<Duration>,
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
    /// Where the roster names it, for messages.
    pub place: Place,
}

/// A key to log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    File(PathBuf),
    /// The keys of the ssh-agent at `SSH_AUTH_SOCK`.
    Agent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    pub interval: Duration,
    pub count_max: u32,
}

/// A place in a file the user wrote; line and column count from 1. Shown as `file:line:column`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}
