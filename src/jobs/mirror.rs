//! Two stores read as one: the local one, and a store elsewhere (`master_job_cache`).
//!
//! What is written is written here. It gets there by the one durable queue there is for everything that leaves this
//! machine, the spool of the returners: to a run a store elsewhere is one more destination.

use super::{Counts, Job, JobStore, NewJob, Search, SqliteStore, StoreError, StoredReturn};
use async_trait::async_trait;
use halite_wire::{Jid, MinionId, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The local store in front, another behind it.
pub struct Mirror {
    local: SqliteStore,
    other: Arc<dyn JobStore>,
}

impl Mirror {
    /// What is in `local`, and what is only in `other`.
    pub fn new(local: SqliteStore, other: Arc<dyn JobStore>) -> Mirror {
        Mirror { local, other }
    }

    /// The store that knows the job.
    async fn with(&self, jid: Jid) -> Result<&dyn JobStore, StoreError> {
        Ok(if self.local.load(jid).await?.is_some() { &self.local } else { &*self.other })
    }
}

#[async_trait]
impl JobStore for Mirror {
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError> {
        self.local.begin(job).await
    }

    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError> {
        self.local.put(job, targets).await
    }

    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.local.save_returns(batch).await
    }

    async fn finish(&self, jid: Jid) -> Result<(), StoreError> {
        self.local.finish(jid).await
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

    async fn counts(&self, jids: &[Jid]) -> Result<Vec<Counts>, StoreError> {
        let mut counts = self.local.counts(jids).await?;
        // A job that is only there has nothing here.
        let elsewhere: Vec<usize> = (0..jids.len()).filter(|at| counts[*at] == Counts::default()).collect();
        let wanted: Vec<Jid> = elsewhere.iter().map(|at| jids[*at]).collect();
        if !wanted.is_empty() {
            let found = self.other.counts(&wanted).await?;
            elsewhere.into_iter().zip(found).for_each(|(at, found)| counts[at] = found);
        }
        Ok(counts)
    }

    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError> {
        self.with(jid).await?.targets(jid).await
    }

    async fn prune(&self, keep: Duration) -> Result<u64, StoreError> {
        self.local.prune(keep).await
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
