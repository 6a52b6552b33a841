//! How one host's turn can end. A host's failure is a value in the result, never an early end of the run.

use super::unfinished::Unfinished;
use halite_wire::message::Return;
use halite_wire::{Map, MinionId, Value};
use std::fmt;
use std::time::Duration;

/// The stretches of one host's turn, in order. Each has its own absolute deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Resolve,
    Connect,
    /// Identification, key exchange and the check of the host key.
    HostKey,
    Auth,
    /// Channel, shell, sudo, and the push where it is needed.
    Bootstrap,
    Call,
    Decode,
}

impl Phase {
    pub const ALL: [Phase; 7] = [
        Phase::Resolve,
        Phase::Connect,
        Phase::HostKey,
        Phase::Auth,
        Phase::Bootstrap,
        Phase::Call,
        Phase::Decode,
    ];

    /// One word for records and messages.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::HostKey => "hostkey",
            Phase::Auth => "auth",
            Phase::Bootstrap => "bootstrap",
            Phase::Call => "call",
            Phase::Decode => "decode",
        }
    }
}

/// How far the call got on the host. Only the first is safe to repeat without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reached {
    /// Nothing of the call ran.
    NotStarted,
    /// The call was sent and no whole answer came back.
    MayHaveRun,
    /// The call ran to its end.
    Ran,
}

impl Reached {
    pub fn name(self) -> &'static str {
        match self {
            Reached::NotStarted => "not_started",
            Reached::MayHaveRun => "may_have_run",
            Reached::Ran => "ran",
        }
    }
}

/// The one record of one host in one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub minion: MinionId,
    pub outcome: Outcome,
    /// What the host printed before the thin spoke (login scripts, banners); as it came, not for a terminal.
    pub noise: Vec<u8>,
    pub took: Duration,
    /// What the host told of a run of states that it did not bring to its end. Never beside [`Outcome::Returned`].
    pub unfinished: Option<Unfinished>,
    /// By environment, the digest of the files the job worked on; empty where no host of it asked for any.
    pub trees: Map,
}

/// How a host's turn ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The host answered, well or not.
    Returned(Return),
    Failed(HostError),
    /// The run was stopped before this host had its turn, or in the middle of it.
    Cancelled(Reached),
    /// A mistake of ours: the host's task panicked.
    Bug(String),
}

/// Why a host gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{addr}: {kind}")]
pub struct HostError {
    /// `host:port`, as reached for.
    pub addr: String,
    pub phase: Phase,
    pub reached: Reached,
    #[source]
    pub kind: HostErrorKind,
}

/// The kinds of failure: a closed list, because retry, exit code and hint depend on it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HostErrorKind {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("the host key {fingerprint} is not known")]
    HostKeyUnknown { fingerprint: String },
    #[error("the host key changed: known is {known}, offered was {offered}")]
    HostKeyChanged { known: String, offered: String },
    #[error("authentication failed: {0}")]
    AuthFailed(String),
    #[error("{} did not end within {limit:?}", .phase.name())]
    Timeout { phase: Phase, limit: Duration },
    #[error("the line was lost in {}: {why}", .phase.name())]
    Lost { phase: Phase, why: String },
    #[error("the host does not speak our protocol: {0}")]
    Protocol(String),
    #[error("the answer is longer than {limit_bytes} bytes; it began with {head:?} and ended with {tail:?}")]
    OutputLimit { limit_bytes: u64, head: String, tail: String },
    #[error("the executor cannot be put there: {0}")]
    PushFailed(String),
    #[error("the host is not supported: {0}")]
    Unsupported(String),
    #[error("sudo failed: {0}")]
    SudoFailed(String),
    /// The session then tries the full thin; seen only where a host says it of that one, too.
    #[error("the host's executor lacks what the call needs")]
    NeedsFullThin,
}

impl HostErrorKind {
    /// The stable word for records, scripts and the exit code.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::HostKeyUnknown { .. } => "hostkey_unknown",
            Self::HostKeyChanged { .. } => "hostkey_changed",
            Self::AuthFailed(_) => "auth_failed",
            Self::Timeout { .. } => "timeout",
            Self::Lost { .. } => "lost",
            Self::Protocol(_) => "protocol_error",
            Self::OutputLimit { .. } => "output_limit",
            Self::PushFailed(_) => "push_failed",
            Self::Unsupported(_) => "unsupported",
            Self::SudoFailed(_) => "sudo_failed",
            Self::NeedsFullThin => "needs_full_thin",
        }
    }

    /// What the user can do about it, as a sentence; `None` where the message says all.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::HostKeyUnknown { .. } => Some(
                "Compare the fingerprint on the host, then run again with -i to accept keys on first use.",
            ),
            Self::HostKeyChanged { .. } => Some(
                "If the host was reinstalled, remove its old key from known_hosts; else someone may sit in between.",
            ),
            Self::AuthFailed(_) => Some("Try --priv KEY, --askpass, or --key-deploy to install a key once."),
            Self::SudoFailed(_) => {
                Some("Set `sudo` and `passwd` in the roster, or allow sudo without a password.")
            }
            Self::Unreachable(_)
            | Self::NeedsFullThin
            | Self::Timeout { .. }
            | Self::Lost { .. }
            | Self::Protocol(_)
            | Self::OutputLimit { .. }
            | Self::PushFailed(_)
            | Self::Unsupported(_) => None,
        }
    }
}

impl Record {
    /// A record that tells the outcome and nothing else.
    pub fn new(minion: MinionId, outcome: Outcome) -> Record {
        Record {
            minion,
            outcome,
            noise: Vec::new(),
            took: Duration::ZERO,
            unfinished: None,
            trees: Map::new(),
        }
    }

    /// The outcome in one stable word: `ok`, `failed`, `cancelled`, `internal`, or [`HostErrorKind::name`].
    pub fn kind(&self) -> &'static str {
        match &self.outcome {
            Outcome::Returned(ret) if ret.success && ret.retcode == 0 => "ok",
            Outcome::Returned(_) => "failed",
            Outcome::Failed(error) => error.kind.name(),
            Outcome::Cancelled(_) => "cancelled",
            Outcome::Bug(_) => "internal",
        }
    }

    pub fn is_ok(&self) -> bool {
        self.kind() == "ok"
    }

    /// What people and returners see as the host's return: its value, or one line that says what went wrong. A run of
    /// states that was cut off is its states, the line being the comment of those that did not end.
    pub fn value(&self) -> Value {
        match (&self.outcome, &self.unfinished) {
            (Outcome::Returned(ret), _) => ret.value.clone(),
            (other, Some(unfinished)) => unfinished.value(self.kind(), &other.to_string()),
            (other, None) => Value::Str(other.to_string()),
        }
    }

    /// Why there is no answer, in one line, with how far a run of states got.
    pub fn complaint(&self) -> String {
        match &self.unfinished {
            Some(unfinished) => format!("{} ({})", self.outcome, unfinished.brief()),
            None => self.outcome.to_string(),
        }
    }

    /// Salt's code for this host: the function's own, or 254 for a key that is not trusted, else 255.
    pub fn retcode(&self) -> i64 {
        match &self.outcome {
            Outcome::Returned(ret) => ret.retcode,
            Outcome::Failed(error) => match error.kind {
                HostErrorKind::HostKeyUnknown { .. } | HostErrorKind::HostKeyChanged { .. } => 254,
                _ => 255,
            },
            Outcome::Cancelled(_) | Outcome::Bug(_) => 255,
        }
    }

    /// The outputter the function asks for.
    pub fn outputter(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Returned(ret) => ret.out.as_deref(),
            _ => self.unfinished.as_ref().map(|_| "highstate"),
        }
    }

    pub fn reached(&self) -> Reached {
        match &self.outcome {
            Outcome::Returned(_) => Reached::Ran,
            Outcome::Failed(error) => error.reached,
            Outcome::Cancelled(reached) => *reached,
            Outcome::Bug(_) => Reached::MayHaveRun,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Returned(ret) => write!(out, "returned with code {}", ret.retcode),
            Outcome::Failed(error) => write!(out, "{error}"),
            Outcome::Cancelled(Reached::NotStarted) => write!(out, "cancelled before it began"),
            Outcome::Cancelled(_) => write!(out, "cancelled while it ran"),
            Outcome::Bug(what) => write!(out, "internal error: {what}"),
        }
    }
}
