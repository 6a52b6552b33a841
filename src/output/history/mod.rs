//! Stored jobs as people read them: lists, one job, groups of equal answers, differences, exports.
//!
//! In go plain views of jobs and hosts, whoever read them and from whatever store; out comes text. What hosts said is
//! made harmless for terminals on the way.

mod difference;
mod export;
mod group;
mod list;
mod show;
mod text;

#[cfg(test)]
mod tests;

pub use difference::jobs as difference;
pub use export::{Format, export};
pub use group::groups;
pub use list::list;
pub use show::{finished, head, host};
pub use text::ago;

use halite_wire::{Jid, Map, Value};
use std::time::Duration;

/// What is known of a job without its hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct JobHead {
    pub jid: Jid,
    pub fun: String,
    /// Arguments in Salt's form: positional ones, then the keywords as a dict marked `__kwarg__`.
    pub args: Vec<Value>,
    pub target: String,
    pub target_kind: String,
    pub user: String,
    pub stage: Stage,
    /// From the first connection to the last record; `None` where the job has not ended.
    pub took: Option<Duration>,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Done,
    /// Its process died before the end.
    CutOff,
}

/// What became of one host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostView {
    pub id: String,
    pub fate: Fate,
    /// The outcome in one word, as it is stored: `ok`, `failed`, `unreachable`, ...
    pub outcome: String,
    /// What the host answered, or one line that says why it did not; null while it is awaited.
    pub value: Value,
    pub retcode: i64,
    /// The outputter its function asked for.
    pub out: Option<String>,
    /// The whole return as it is stored; empty while it is awaited.
    pub full: Map,
}

/// The five ends people care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    Ok,
    /// Well, and a state changed something.
    Changed,
    /// It answered, and not well.
    Failed,
    /// It gave no answer and will give none.
    Lost,
    /// Nothing is known of it yet.
    Awaited,
}

/// Hosts of a job by what became of them. A host is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub ok: usize,
    pub changed: usize,
    pub failed: usize,
    pub lost: usize,
    pub awaited: usize,
}

impl Counts {
    pub fn of(fates: impl IntoIterator<Item = Fate>) -> Counts {
        let mut counts = Counts::default();
        for fate in fates {
            *match fate {
                Fate::Ok => &mut counts.ok,
                Fate::Changed => &mut counts.changed,
                Fate::Failed => &mut counts.failed,
                Fate::Lost => &mut counts.lost,
                Fate::Awaited => &mut counts.awaited,
            } += 1;
        }
        counts
    }

    pub fn total(&self) -> usize {
        self.ok + self.changed + self.failed + self.lost + self.awaited
    }
}

/// How all views look.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub style: super::Style,
    /// Columns of the terminal; `None` where nothing has to fit.
    pub width: Option<usize>,
    /// Microseconds since 1970 in UTC, for relative times.
    pub now_micros: u64,
    /// `--out`: how values are shown whatever their function asked for.
    pub out: Option<String>,
}
