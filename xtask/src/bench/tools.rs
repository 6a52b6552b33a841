//! The tools that are compared: for each case the command line that does the same work.

use std::ffi::OsString;

use super::field::Field;
use super::many;
use super::peers;

/// What the hosts are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// The smallest possible job, on hosts that know the tool already.
    Ping,
    /// The same on hosts that have never seen the tool.
    FirstContact,
    /// A file of 10 MiB to every host.
    Copy,
    /// Sixty states on hosts that have nothing of them.
    States,
    /// The same again: nothing to do.
    StatesAgain,
    /// A large state tree compiled, and one of its states looked at.
    Compile,
}

impl Case {
    /// The cases that tools are compared by, in the order of the report.
    pub const ALL: &[Self] = &[Self::Ping, Self::FirstContact, Self::Copy, Self::States, Self::StatesAgain];

    /// Short name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ping => "ping, warm",
            Self::FirstContact => "first contact",
            Self::Copy => "10 MiB file",
            Self::States => "60 states",
            Self::StatesAgain => "60 states, again",
            Self::Compile => "1,000 SLS",
        }
    }

    /// Ten MiB to 200 hosts is a test of this machine's disk, not of the tools.
    pub fn fits(self, hosts: usize) -> bool {
        match self {
            Self::Ping | Self::FirstContact => true,
            Self::Copy => hosts <= 10,
            Self::States | Self::StatesAgain => hosts == 10 || hosts == 100,
            Self::Compile => hosts == 1,
        }
    }
}

/// A command line: program and arguments.
pub type Line = Vec<OsString>;

/// One tool.
#[derive(Clone, Copy)]
pub struct Tool {
    /// Name in the tables.
    pub name: &'static str,
    /// What it is and how it is set.
    pub about: &'static str,
    /// What its stdout holds once per host when all went well; empty: its exit code alone tells.
    pub answer: &'static str,
    /// How it does a case on the first `hosts` hosts; `None`: it does not.
    pub line: fn(&Field<'_>, Case, usize) -> Option<Line>,
}

/// The tools of one run.
pub fn all(with_peers: bool) -> Vec<Tool> {
    let mut tools = vec![
        Tool { name: "halite", about: "`halite ssh`, as built here", answer: "True", line: halite },
        Tool {
            name: "ssh",
            about: "OpenSSH under `xargs -P50`, its own defaults",
            answer: "pong",
            line: ssh,
        },
        Tool {
            name: "ssh-curve25519",
            about: "the same with `KexAlgorithms=curve25519-sha256`, the quickest of its key exchanges",
            answer: "pong",
            line: ssh_kex,
        },
        Tool {
            name: "pssh",
            about: "parallel-ssh of Debian, 50 at once, curve25519",
            answer: "SUCCESS",
            line: pssh,
        },
        Tool { name: "pdcp", about: "pdcp of Debian, 50 at once, curve25519", answer: "", line: pdcp },
    ];
    if with_peers {
        tools.extend(peers::tools());
    }
    tools
}

/// Words of different types as one command line.
macro_rules! line {
    ($($word:expr),+ $(,)?) => { vec![$(std::ffi::OsString::from($word)),+] };
}
pub(super) use line;

pub fn halite(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    let config = field.config(hosts);
    let program = crate::place::halite();
    Some(match case {
        Case::Ping | Case::FirstContact => line![program, "ssh", "-c", config, "*", "test.ping"],
        Case::Copy => line![program, "ssh", "-c", config, "*", "cp.get_file", "salt://blob", "/tmp/blob"],
        Case::States | Case::StatesAgain => line![program, "ssh", "-c", config, "*", "state.apply", "app"],
        Case::Compile => {
            let (all, saltenv) = (many::ALL, format!("saltenv={}", many::ENVIRONMENT));
            line![program, "ssh", "-c", config, "*", "state.sls_id", many::LAST_ID, all, saltenv, "test=True"]
        }
    })
}

fn ssh(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    under_xargs(field, case, hosts, "ssh_config")
}

fn ssh_kex(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    under_xargs(field, case, hosts, "ssh_config_kex")
}

fn under_xargs(field: &Field<'_>, case: Case, hosts: usize, config: &str) -> Option<Line> {
    let script = match case {
        Case::Ping | Case::FirstContact => r#"xargs -P50 -I{} ssh -n -F "$1" {} echo pong <"$2""#,
        Case::Copy => {
            r#"xargs -P50 -I{} sh -c 'scp -q -F "$1" "$2" {}:/tmp/blob && echo pong' sh "$1" "$3" <"$2""#
        }
        Case::States | Case::StatesAgain | Case::Compile => return None,
    };
    Some(line!["sh", "-c", script, "sh", field.file(config), field.list(hosts), field.blob()])
}

fn pssh(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    let options = format!("-F {}", field.file("ssh_config_kex").display());
    let list = field.list(hosts);
    Some(match case {
        Case::Ping | Case::FirstContact => {
            line!["parallel-ssh", "-p", "50", "-x", options, "-h", list, "echo pong"]
        }
        Case::Copy => line!["parallel-scp", "-p", "50", "-x", options, "-h", list, field.blob(), "/tmp/blob"],
        Case::States | Case::StatesAgain | Case::Compile => return None,
    })
}

fn pdcp(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    if case != Case::Copy {
        return None;
    }
    let options = format!("PDSH_SSH_ARGS_APPEND=-F {}", field.file("ssh_config_kex").display());
    let list = format!("^{}", field.list(hosts).display());
    Some(line!["env", options, "pdcp", "-R", "ssh", "-f", "50", "-w", list, field.blob(), "/tmp/blob"])
}
