//! The typed values of a command line. `None` and empty leave a choice to the config and the roster.

use super::jobs::Again;
use crate::output::Level;
use crate::returners::Asked;
use crate::trust::Policy;
use halite_roster::{Secret, TargetKind};
use halite_wire::{Jid, Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// Options of every command.
#[derive(Clone, Debug, Default)]
pub struct CommonOptions {
    pub config_dir: Option<PathBuf>,
    pub saltfile: Option<PathBuf>,
    pub jid: Option<Jid>,
    /// Names of keyword arguments whose values stay text.
    pub no_parse: Vec<String>,
    pub output: OutputOptions,
    pub log: LogOptions,
    /// Why the command cannot be had as asked for: an option that does not work yet.
    pub(super) unsupported: Option<String>,
    /// One line for each option that was taken without effect, for the debug log.
    pub without_effect: Vec<String>,
}

/// How results are shown. `None` leaves it to the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputOptions {
    pub output: Option<String>,
    pub indent: Option<i64>,
    pub file: Option<PathBuf>,
    pub append: bool,
    pub no_color: bool,
    pub force_color: bool,
    /// One of [`MODES`](crate::output::MODES).
    pub state_output: Option<String>,
    pub state_verbose: Option<bool>,
    pub state_output_diff: bool,
}

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    pub level: Option<Level>,
}

/// Everything `halite ssh` was told. `None` and empty leave it to the config and the roster.
#[derive(Clone, Debug, Default)]
pub struct SshOptions {
    pub common: CommonOptions,
    /// Empty only with `hosts`, where it stands for all.
    pub target: String,
    pub target_kind: TargetKind,
    /// Function and arguments as typed; with `raw`, the words of a shell command.
    pub words: Vec<String>,
    /// A call whose arguments are typed already; counts instead of `words`.
    pub call: Option<TypedCall>,
    /// A stored job that gives target and call; both are empty then.
    pub again: Option<Again>,
    pub raw: bool,
    /// List the roster instead of running anything.
    pub hosts: bool,
    pub preview_target: bool,
    pub allow_empty: bool,
    pub max_procs: Option<usize>,
    pub pace: PaceOptions,
    /// Come back with the jid as soon as the job is stored.
    pub is_async: bool,
    /// Kept with the job.
    pub metadata: Map,
    /// Names of the options given whose values are not kept with the job.
    pub unkept: Vec<String>,
    /// Run on so many of the hosts, picked at random.
    pub subset: Option<usize>,
    pub timeout: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    /// Run alone on each host, or not at all; others are waited for so long.
    pub exclusive: Option<Duration>,
    pub wipe: bool,
    pub rand_thin_dir: bool,
    pub no_cache: bool,
    pub is_static: bool,
    pub verbose: bool,
    pub show_jid: bool,
    pub summary: bool,
    pub login: LoginOptions,
    /// `--return` and its options.
    pub returners: Asked,
    pub trust: Option<Policy>,
    pub roster: Option<String>,
    pub roster_file: Option<PathBuf>,
    pub update_roster: bool,
}

/// A function with arguments that need no parsing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypedCall {
    pub fun: String,
    pub arg: Vec<Value>,
    pub kwarg: Map,
}

/// How hosts begin, beside how many at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaceOptions {
    pub batch: Option<BatchSize>,
    /// How long a place stays empty when its host is done.
    pub batch_wait: Duration,
    /// Beyond so many hosts they come in batches though nobody asked for it...
    pub batch_safe_limit: Option<usize>,
    /// ... of this size.
    pub batch_safe_size: usize,
    /// After so many hosts that did not do well no other begins.
    pub failures_max: Option<usize>,
}

/// `-b N` or `-b N%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchSize {
    Hosts(usize),
    Percent(f64),
}

impl PaceOptions {
    /// Hosts at once for a run on `hosts` of them; `None` where no batch was asked for.
    pub fn batch_of(&self, hosts: usize) -> Option<usize> {
        match self.batch {
            Some(BatchSize::Hosts(count)) => Some(count),
            // Whole hosts only, and one at least.
            Some(BatchSize::Percent(percent)) => Some(((hosts as f64 * percent / 100.0) as usize).max(1)),
            None => self.batch_safe_limit.filter(|limit| hosts > *limit).map(|_| self.batch_safe_size),
        }
    }
}

/// Whom to be on the hosts, where the roster does not say.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    pub user: Option<String>,
    pub port: Option<u16>,
    /// A path, or `agent-forwarding`.
    pub private_key: Option<String>,
    pub private_key_passphrase: Option<Secret>,
    pub passwd: Option<Secret>,
    pub askpass: bool,
    pub key_deploy: bool,
    pub identities_only: bool,
    /// `NAME=VALUE` or `NAME VALUE`, as in ssh_config.
    pub ssh_options: Vec<String>,
    pub sudo: bool,
    pub sudo_user: Option<String>,
    pub ask_sudo_pass: bool,
}

/// Everything `halite run` was told.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub common: CommonOptions,
    /// Function and arguments as typed. Empty only with `doc`, where it stands for all.
    pub words: Vec<String>,
    pub doc: bool,
    pub quiet: bool,
    pub timeout: Option<Duration>,
    /// Come back with the jid and let the function go on in the background.
    pub is_async: bool,
    /// How hosts are reached by functions that ask some; nothing else is set.
    pub reach: SshOptions,
}

impl CommonOptions {
    /// Why the command cannot be had yet, as a sentence with advice.
    pub fn unsupported(&self) -> Option<String> {
        self.unsupported.clone()
    }
}

impl SshOptions {
    /// Why this cannot be done yet, as a sentence with advice; `None` where all options work.
    pub fn unsupported(&self) -> Option<String> {
        let other = self.roster.as_deref().filter(|name| *name != "flat");
        let roster =
            || other.map(|name| format!("--roster {name} does not work yet. Only the flat roster does."));
        self.common.unsupported.clone().or_else(roster)
    }
}

impl RunOptions {
    /// Why this cannot be done yet, as a sentence with advice; `None` where all options work.
    pub fn unsupported(&self) -> Option<String> {
        self.common.unsupported.clone()
    }
}
