//! What a job store promises, whichever database is behind it.

use super::{Counts, Owner, Search, StoredReturn};
use crate::fleet::facts::Request;
use async_trait::async_trait;
use halite_wire::{Jid, Map, MinionId, Value};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Microseconds since 1970 in UTC. Handed in, so that tests can turn it back.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// The clock of the system; 0 before 1970.
pub fn system_clock() -> Clock {
    Box::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

/// A job about to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    pub request: &'a Request,
    /// Every host of the job, in the order of their turns.
    pub targets: &'a [MinionId],
    /// How many of them may begin before the first return is saved; each saved return admits one more. If the
    /// process dies, those not admitted are known to be `not_started`. So this must be the hosts at work at once
    /// plus the most records that can be on their way to the store; `targets.len()` is always safe.
    /// Returns the store could not keep admit nobody; more may have begun then than it knows.
    pub admitted: usize,
    /// A job id the user chose (`--jid`).
    pub wanted: Option<Jid>,
}

/// A stored job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub jid: Jid,
    /// Salt's load: `jid, tgt, tgt_type, user, fun, arg`; see [`super::job_load`].
    pub load: Map,
    pub owner: Owner,
    /// How many of the targets may have begun, in the order of their turns. May exceed their number.
    pub admitted: usize,
    /// When the last host was done, in the form of a jid.
    pub ended: Option<Jid>,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Ended,
    /// Its process died before the end.
    Interrupted,
}

impl Job {
    pub fn state(&self) -> RunState {
        match self.ended {
            Some(_) => RunState::Ended,
            // Another program wrote it: nobody here knows who runs it, and nobody here may call it cut off.
            None if self.owner.pid == 0 => RunState::Ended,
            None if self.owner.is_alive() => RunState::Running,
            None => RunState::Interrupted,
        }
    }
}

/// Jobs and returns on something that outlives the process.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Writes the job and its targets, durable when this returns.
    ///
    /// Ids are unique and rise strictly, across processes and whatever the clock does, but for those asked for.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::JidTaken`] where the wanted id has a job. Nothing is written then.
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError>;

    /// Writes all returns or none, durable when this returns. A second return of the same host to the same
    /// job leaves the first as it is. Each return lets one more target have its turn (see [`NewJob::admitted`]).
    ///
    /// # Errors
    /// [`StoreError`]; none of the batch is written then.
    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError>;

    /// Marks the job as ended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn finish(&self, jid: Jid) -> Result<(), StoreError>;

    /// Takes over a job as it is, begun elsewhere: from a spool, or from another store. One that is there already
    /// gets this load, these targets and this end. Durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError>;

    /// The jobs that agree with `search`, oldest first. The store does the search itself as far as it can.
    ///
    /// # Errors
    /// [`StoreError`]. A job whose load is damaged is given with what can be read.
    async fn find(&self, search: &Search) -> Result<Vec<Job>, StoreError>;

    /// All jobs, oldest first.
    ///
    /// # Errors
    /// As [`JobStore::find`].
    async fn list(&self) -> Result<Vec<Job>, StoreError> {
        self.find(&Search::default()).await
    }

    /// One job, or `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, jid: Jid) -> Result<Option<Job>, StoreError>;

    /// Sends the returns of a job as they are read, in the order they were saved where the store knows it. Ends early,
    /// without an error, where nobody listens any more.
    ///
    /// # Errors
    /// [`StoreError`]. A damaged return is given as one whose outcome is `damaged`.
    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError>;

    /// All returns of a job at once.
    ///
    /// # Errors
    /// As [`JobStore::send_returns`].
    async fn returns(&self, jid: Jid) -> Result<Vec<StoredReturn>, StoreError> {
        let (to, mut rows) = mpsc::channel(RETURNS_WAITING_MAX);
        let collecting = async {
            let mut all = Vec::new();
            while rows.recv_many(&mut all, RETURNS_WAITING_MAX).await > 0 {}
            all
        };
        let (sent, all) = tokio::join!(self.send_returns(jid, to), collecting);
        sent.map(|()| all)
    }

    /// What became of the hosts of these jobs, in numbers and in the order of the jobs; zeros for one that is not there.
    /// Databases count themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn counts(&self, jids: &[Jid]) -> Result<Vec<Counts>, StoreError> {
        let mut counts = Vec::with_capacity(jids.len());
        for jid in jids {
            counts.push(super::counts::by_reading(self, *jid).await?);
        }
        Ok(counts)
    }

    /// The targets of a job, in the order of their turns.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError>;

    /// Drops jobs that began more than `keep` ago and do not run any more; nothing where `keep` is zero.
    ///
    /// Cheap to call before every run: it looks at most every five minutes, and takes a bounded bite each time.
    /// Returns how many jobs went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn prune(&self, keep: Duration) -> Result<u64, StoreError>;

    /// Makes the tables this store needs, where they are missing; what is there stays.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn init(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Appends events (tag and data) of the controller called `master_id`.
    ///
    /// # Errors
    /// [`StoreError::NoEvents`] where the store has no place for them.
    async fn save_events(&self, _events: &[(String, Value)], _master_id: &str) -> Result<(), StoreError> {
        Err(StoreError::NoEvents { place: self.place() })
    }

    /// Where it is, for people: a path, or kind, host and port. Never a secret.
    fn place(&self) -> String;
}

/// Returns read ahead of whoever listens.
const RETURNS_WAITING_MAX: usize = 256;

/// Why the store did not do it. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the job store {path}: {why}", path = .path.display())]
    Open { path: PathBuf, why: String },
    /// Something else lies where the store should be; it is left untouched.
    #[error("{path} is not a job store: {what}", path = .path.display())]
    NotAStore { path: PathBuf, what: String },
    #[error("the job store {path} has format {found}; this version knows {known}", path = .path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("the job store {path} is damaged: {why}", path = .path.display())]
    Corrupt { path: PathBuf, why: String },
    #[error("no space is left for the job store {path}", path = .path.display())]
    Full { path: PathBuf },
    #[error("the job store {path} cannot be written to", path = .path.display())]
    ReadOnly { path: PathBuf },
    #[error("the job store {path} is locked by another process", path = .path.display())]
    Busy { path: PathBuf },
    #[error("job {0} exists already")]
    JidTaken(Jid),
    #[error("the job store {path} failed: {why}", path = .path.display())]
    Failed { path: PathBuf, why: String },
    /// Another place than this machine; it may answer later.
    #[error("the job store {place} does not answer: {why}")]
    Unreachable { place: String, why: String },
    /// It answers, and wants none of it: no tables, no rights.
    #[error("the job store {place} refuses: {why}")]
    Refused { place: String, why: String },
    /// It wants none of this one record, now or later.
    #[error("the job store {place} does not take a record: {why}")]
    BadRecord { place: String, why: String },
    #[error("the job store {place} keeps no events")]
    NoEvents { place: String },
    #[error("no job store is called {name:?}{hint}")]
    Unknown { name: String, hint: String },
    #[error(
        "the job store {name} is not in this build; `cargo build --release --features {feature}` makes one that has it"
    )]
    NotBuilt { name: String, feature: &'static str },
    #[error("the option {key} of the job store {why}")]
    Option { key: String, why: String },
}

impl StoreError {
    /// What the user can do about it, as a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::ReadOnly { .. } => {
                "Give this user the right to write there, or set `cachedir` to a directory it owns."
            }
            Self::NotAStore { .. } => "Move it away, or set `cachedir` to another directory.",
            Self::Newer { .. } => {
                "Use the newer version that wrote it, or set `cachedir` to another directory."
            }
            Self::Corrupt { .. } => {
                "Move the file away to begin with an empty store; keep it if its jobs matter."
            }
            Self::Full { .. } => "Free some space, or lower `keep_jobs_seconds`.",
            Self::Busy { .. } => "Another run holds it for too long; see `jobs.active`, then try again.",
            Self::JidTaken(_) => "Leave --jid out, or choose another one.",
            Self::Failed { .. } => "See whether the disk and the file are in order.",
            Self::Unreachable { .. } => "What it has not taken is kept here and sent when it answers again.",
            Self::Refused { .. } => {
                "See whether its user may write there, and make its tables with `halite run jobs.init_store`."
            }
            Self::BadRecord { .. } => "The record stays in the store of this machine.",
            Self::NoEvents { .. } => "Take a database for `event_return`.",
            Self::NotBuilt { .. } => "Or choose another `master_job_cache`.",
            Self::Unknown { .. } | Self::Option { .. } => "See `master_job_cache` in the configuration.",
        }
    }
}
