//! The facts of a run. `fleet` emits them in order; screen, job store, returners and bus consume them, and
//! none of these knows of another. `fleet` never prints, stores or formats.

use super::outcome::{Phase, Record};
use halite_roster::Host;
use halite_wire::message::Call;
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::Duration;

/// What a run will do, whole and printable, before a socket is opened.
#[derive(Clone, Debug)]
pub struct Plan {
    pub jid: Jid,
    pub request: Request,
    pub hosts: Vec<Host>,
}

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The target expression as written, and its kind (`glob`, `pcre`, `list`).
    pub tgt: String,
    pub tgt_type: String,
    /// `module.function`, or `ssh._raw` for a plain shell command.
    pub fun: String,
    pub arg: Vec<Value>,
    pub kwarg: Map,
    /// Who runs it, for the record.
    pub user: String,
    /// What is kept with the job, to search for; empty where there is nothing.
    pub metadata: Map,
    /// Names of the options that said how to reach hosts and run there. Their values are not kept.
    pub options: Vec<String>,
}

impl Request {
    /// Salt's form of the arguments: positional ones, then the keywords as one dict marked `__kwarg__`.
    pub fn fun_args(&self) -> Vec<Value> {
        let mut args = self.arg.clone();
        if !self.kwarg.is_empty() {
            let mut keywords = self.kwarg.clone();
            keywords.insert("__kwarg__", true);
            args.push(Value::Map(keywords));
        }
        args
    }

    /// The call for one host. Functions see who asked, and that it was not a state, in Salt's `__pub_` keywords.
    pub fn call(&self, jid: Jid, id: MinionId, opts: Map, timeout: Option<Duration>) -> Call {
        let timeout_ms = timeout.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let mut kwarg = self.kwarg.clone();
        kwarg.extend([
            ("__pub_fun", self.fun.as_str()),
            ("__pub_jid", jid.as_str()),
            ("__pub_tgt", self.tgt.as_str()),
            ("__pub_tgt_type", self.tgt_type.as_str()),
            ("__pub_user", self.user.as_str()),
        ]);
        Call { jid, id, fun: self.fun.clone(), arg: self.arg.clone(), kwarg, opts, timeout_ms }
    }
}

/// One thing that happened. Each carries all a consumer needs.
#[derive(Clone, Debug)]
pub enum Fact {
    RunStarted {
        plan: Arc<Plan>,
    },
    /// A host's turn began; `running` hosts now have theirs.
    HostStarted {
        minion: MinionId,
        running: usize,
    },
    HostProgress {
        minion: MinionId,
        step: Step,
    },
    /// Exactly one per targeted host, whatever happens. `cached` is false where the store could not keep it.
    HostFinished {
        record: Arc<Record>,
        cached: bool,
    },
    RunFinished {
        jid: Jid,
        tally: Tally,
    },
}

/// What can be told of a host while it has its turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Entered(Phase),
    /// The push of the executor: bytes sent of bytes in all.
    Pushed {
        sent_bytes: u64,
        total_bytes: u64,
    },
    /// A step the function reported, in its own shape.
    Reported(Value),
}

/// The run in numbers. `targeted` is the sum of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub targeted: usize,
    pub ok: usize,
    /// Answered, with a failure.
    pub failed: usize,
    /// Gave no answer.
    pub unanswered: usize,
    pub cancelled: usize,
    pub bugs: usize,
    /// Of all these: how many the job store could not keep.
    pub uncached: usize,
}

/// Someone who wants to know. Called from one task, in order; must not block for long.
pub trait Consumer: Send {
    /// # Errors
    /// What went wrong in words. The others are fed all the same, and the run ends with an exit code that says so.
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String>;
}
