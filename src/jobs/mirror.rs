//! Two stores as one: everything is durable here first, and then goes to a store elsewhere (`master_job_cache`).
//!
//! A run never waits for the other store. What that has not taken stays in the outbox of the local one, through the
//! end of the process and of the machine, and is sent by the next process that opens it. The other store keeps the
//! first return of a host, so what is sent twice is there once.

use super::outbox::Entry;
use super::{Job, JobStore, NewJob, Search, SqliteStore, StoreError, StoredReturn};
use async_trait::async_trait;
use halite_wire::{Jid, MinionId, Value};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// After a run, a store that takes nothing for so long is not waited for.
const STALL: Duration = Duration::from_millis(500);

/// Between two tries while the other store is down: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(30)];

/// The local store in front, another behind it.
pub struct Mirror {
    local: Arc<SqliteStore>,
    other: Arc<dyn JobStore>,
    sender: Option<Sender>,
}

/// The task that sends.
struct Sender {
    wants: Arc<Wants>,
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

/// What the task is asked for.
#[derive(Default)]
struct Wants {
    more: Notify,
    /// How often there was more to do.
    asked: AtomicU64,
    /// How long the other store is to keep jobs, where it should look for old ones.
    keep: Mutex<Option<Duration>>,
}

/// How the sending goes.
#[derive(Clone, Debug)]
enum State {
    /// Something is due; the last success, or the beginning of the first try.
    Sending(Instant),
    /// All is done that was asked for until the so-manieth time.
    Done(u64),
    /// The other store does not take anything for now.
    Stuck,
}

impl Mirror {
    /// Writes to `local`, and sends everything on to `other` as long as this value lives. Begins with what an earlier
    /// process has left.
    pub fn new(local: SqliteStore, other: Arc<dyn JobStore>) -> Mirror {
        let local = Arc::new(local.sending_to(other.place()));
        let wants = Arc::new(Wants::default());
        let (report, state) = watch::channel(State::Sending(Instant::now()));
        let task = tokio::spawn(send_for_ever(local.clone(), other.clone(), wants.clone(), report));
        Mirror { local, other, sender: Some(Sender { wants, state, task }) }
    }

    /// Reads only: what is here, and what is only there.
    pub fn to_read(local: SqliteStore, other: Arc<dyn JobStore>) -> Mirror {
        Mirror { local: Arc::new(local), other, sender: None }
    }

    /// The local store.
    pub fn local(&self) -> &SqliteStore {
        &self.local
    }

    /// Sends all that waits, now.
    ///
    /// # Errors
    /// [`StoreError`] of the other store; what it has not taken still waits.
    pub async fn flush(&self) -> Result<(), StoreError> {
        send_all(&self.local, &*self.other, &|| {}).await
    }

    /// There is more to send.
    fn wake(&self) {
        if let Some(sender) = &self.sender {
            sender.wants.asked.fetch_add(1, Ordering::SeqCst);
            sender.wants.more.notify_one();
        }
    }

    /// The store that knows the job.
    async fn with(&self, jid: Jid) -> Result<&dyn JobStore, StoreError> {
        Ok(if self.local.load(jid).await?.is_some() { &*self.local } else { &*self.other })
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.task.abort();
        }
    }
}

#[async_trait]
impl JobStore for Mirror {
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError> {
        let jid = self.local.begin(job).await?;
        self.wake();
        Ok(jid)
    }

    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError> {
        self.local.put(job, targets).await?;
        self.wake();
        Ok(())
    }

    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.local.save_returns(batch).await?;
        self.wake();
        Ok(())
    }

    async fn finish(&self, jid: Jid) -> Result<(), StoreError> {
        self.local.finish(jid).await?;
        self.wake();
        Ok(())
    }

    async fn find(&self, search: &Search) -> Result<Vec<Job>, StoreError> {
        let mut jobs = BTreeMap::new();
        match self.other.find(search).await {
            Ok(found) => jobs.extend(found.into_iter().map(|job| (job.jid, job))),
            Err(error) => tracing::warn!("only the jobs of this machine are shown: {error}"),
        }
        // What is known here is known best.
        jobs.extend(self.local.find(search).await?.into_iter().map(|job| (job.jid, job)));
        Ok(search.refine(jobs.into_values().collect()))
    }

    async fn load(&self, jid: Jid) -> Result<Option<Job>, StoreError> {
        self.with(jid).await?.load(jid).await
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        self.with(jid).await?.send_returns(jid, to).await
    }

    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError> {
        self.with(jid).await?.targets(jid).await
    }

    async fn prune(&self, keep: Duration) -> Result<u64, StoreError> {
        let gone = self.local.prune(keep).await?;
        if let Some(sender) = self.sender.as_ref().filter(|_| gone > 0) {
            // Old jobs there are no reason to wait here.
            *sender.wants.keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(keep);
            self.wake();
        }
        Ok(gone)
    }

    async fn settle(&self) {
        let Some(sender) = &self.sender else { return };
        let (mut state, asked) = (sender.state.clone(), sender.wants.asked.load(Ordering::SeqCst));
        let begun = Instant::now();
        loop {
            let since = match &*state.borrow_and_update() {
                State::Sending(since) => *since,
                State::Done(until) if *until >= asked => return,
                State::Done(_) => begun,
                State::Stuck => return,
            };
            let left = STALL.saturating_sub(since.elapsed());
            if !matches!(tokio::time::timeout(left, state.changed()).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn init(&self) -> Result<(), StoreError> {
        self.other.init().await
    }

    async fn save_events(&self, events: &[(String, Value)], master_id: &str) -> Result<(), StoreError> {
        self.other.save_events(events, master_id).await
    }

    fn place(&self) -> String {
        format!("{} and {}", self.local.place(), self.other.place())
    }
}

async fn send_for_ever(
    local: Arc<SqliteStore>,
    other: Arc<dyn JobStore>,
    wants: Arc<Wants>,
    report: watch::Sender<State>,
) {
    let mut pause = PAUSES[0];
    loop {
        let asked = wants.asked.load(Ordering::SeqCst);
        if !matches!(*report.borrow(), State::Stuck) {
            report.send_replace(State::Sending(Instant::now()));
        }
        let progress = || _ = report.send_replace(State::Sending(Instant::now()));
        match send_all(&local, &*other, &progress).await {
            Ok(()) => {
                pause = PAUSES[0];
                drop_old(&*other, &wants).await;
                report.send_replace(State::Done(asked));
                wants.more.notified().await;
            }
            Err(error) => {
                tracing::warn!("what goes to another job store waits here: {error}");
                report.send_replace(State::Stuck);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES[1]);
            }
        }
    }
}

/// Lets the other store drop its old jobs, where that was asked for.
async fn drop_old(other: &dyn JobStore, wants: &Wants) {
    let keep = wants.keep.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(keep) = keep
        && let Err(error) = other.prune(keep).await
    {
        tracing::debug!("old jobs stay: {error}");
    }
}

/// Sends until nothing is due any more, and tells of each success.
async fn send_all(
    local: &SqliteStore,
    other: &dyn JobStore,
    progress: &(dyn Fn() + Sync),
) -> Result<(), StoreError> {
    let place = other.place();
    loop {
        let due = local.due(&place).await?;
        if due.is_empty() {
            return Ok(());
        }
        // Jobs one by one, returns of one job together.
        for run in due.chunk_by(|a, b| a.id.is_some() && b.id.is_some() && a.jid == b.jid) {
            send_run(local, other, run).await?;
            local.taken(&place, run).await?;
            progress();
        }
    }
}

async fn send_run(local: &SqliteStore, other: &dyn JobStore, run: &[Entry]) -> Result<(), StoreError> {
    let sent = match &run[0] {
        Entry { jid, id: None, .. } => send_job(local, other, *jid).await,
        _ => other.save_returns(&local.returns_of(run).await?).await,
    };
    match sent {
        Err(StoreError::BadRecord { .. }) => send_singly(local, other, run).await,
        sent => sent,
    }
}

/// Finds the record the other store does not take, and lays it aside, so that the others get there.
async fn send_singly(local: &SqliteStore, other: &dyn JobStore, run: &[Entry]) -> Result<(), StoreError> {
    for entry in run {
        let alone = std::slice::from_ref(entry);
        let sent = match entry.id {
            Some(_) => other.save_returns(&local.returns_of(alone).await?).await,
            None => send_job(local, other, entry.jid).await,
        };
        match sent {
            Ok(()) => {}
            Err(StoreError::BadRecord { place, why }) => {
                tracing::error!(jid = %entry.jid, %place, "a record stays here alone: {why}");
                local.lay_aside(entry, &why).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The job as it is now, with its targets; nothing where it was dropped meanwhile.
async fn send_job(local: &SqliteStore, other: &dyn JobStore, jid: Jid) -> Result<(), StoreError> {
    match local.load(jid).await? {
        Some(job) => other.put(&job, &local.targets(jid).await?).await,
        None => Ok(()),
    }
}
