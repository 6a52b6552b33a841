//! The answer of `jobs.lookup_jid`, host by host as the store gives it.

use super::house::House;
use crate::jobs::{Job, JobStore, RunState, StoreError, StoredReturn};
use halite_wire::{MinionId, Value};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Returns read ahead.
const RETURNS_WAITING_MAX: usize = 64;

/// One job, and who wants to know of it.
pub(super) struct Lookup {
    pub store: Arc<dyn JobStore>,
    pub job: Job,
    /// Whether hosts that have returned are shown, and those that have not.
    pub wanted: [bool; 2],
    /// Who is told of each host.
    pub house: Option<Arc<dyn House>>,
    pub to: mpsc::Sender<Result<(String, Value), StoreError>>,
}

impl Lookup {
    /// Sends what is known of each host, and before that the outputter the first return asked for. Ends early where
    /// nobody listens.
    ///
    /// # Errors
    /// What the store says; what was sent before is right all the same.
    pub(super) async fn send(self, suggest: oneshot::Sender<Option<String>>) -> Result<(), StoreError> {
        let (rows_in, rows) = mpsc::channel(RETURNS_WAITING_MAX);
        let (store, jid) = (self.store.clone(), self.job.jid);
        let (sent, known) = tokio::join!(store.send_returns(jid, rows_in), self.pass_on(rows, suggest));
        sent?;
        match known {
            Some(known) => self.rest(&known).await,
            None => Ok(()),
        }
    }

    /// The hosts that have returned; `None` where nobody listens any more.
    async fn pass_on(
        &self,
        mut rows: mpsc::Receiver<StoredReturn>,
        suggest: oneshot::Sender<Option<String>>,
    ) -> Option<HashSet<MinionId>> {
        let (mut known, mut suggest) = (HashSet::new(), Some(suggest));
        while let Some(ret) = rows.recv().await {
            if let Some(suggest) = suggest.take() {
                let _ = suggest.send(ret.full_ret.get_str("out").map(str::to_owned));
            }
            if let Some(house) = &self.house {
                house.progress(ret.id.as_str()).await;
            }
            if self.wanted[0] {
                self.to.send(Ok((ret.id.to_string(), ret.value().clone()))).await.ok()?;
            }
            known.insert(ret.id);
        }
        Some(known)
    }

    /// The hosts without a return: cut off, which is an answer of its own, or missing.
    async fn rest(&self, known: &HashSet<MinionId>) -> Result<(), StoreError> {
        let is_cut_off = self.job.state() == RunState::Interrupted;
        if !is_cut_off && !self.wanted[1] {
            return Ok(());
        }
        let targets = self.store.targets(self.job.jid).await?;
        for (place, id) in targets.into_iter().enumerate().filter(|(_, id)| !known.contains(id)) {
            let value = match is_cut_off {
                true => StoredReturn::cut_off(&self.job, place, id.clone()).value().clone(),
                false => Value::from("Minion did not return"),
            };
            if self.to.send(Ok((id.to_string(), value))).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}
