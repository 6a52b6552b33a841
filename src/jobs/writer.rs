//! Group commit: records go in as hosts end, and come out when they are durable.
//!
//! While one batch is on its way to the disk the next one gathers, so a lone host waits for one commit and a
//! thousand hosts for a few. Nothing waits for company.

use super::{JobStore, StoreError, StoredReturn};
use crate::fleet::facts::Request;
use crate::fleet::outcome::Record;
use halite_wire::Jid;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender};

/// Records in one commit: bounds what a crash can take with it and how long the first of them waits.
pub const BATCH_RECORDS_MAX: usize = 256;

/// A record that may be shown: it is durable, or the store could not keep it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub record: Arc<Record>,
    /// Whether it is in the store.
    pub cached: bool,
}

/// Saves the records of `jid` until `records` closes, and passes each on once its fate is known, in order.
///
/// Trouble with the store does not end the run: the records of a batch that could not be written are passed on
/// with `cached: false`, and the next batch is tried again. Ends early only where nobody listens to `kept`.
///
/// Returns the first trouble there was.
pub async fn save_as_they_come(
    store: &dyn JobStore,
    jid: Jid,
    request: &Request,
    mut records: Receiver<Arc<Record>>,
    kept: Sender<Kept>,
) -> Option<StoreError> {
    let mut trouble = None;
    let mut batch = Vec::with_capacity(BATCH_RECORDS_MAX);
    while records.recv_many(&mut batch, BATCH_RECORDS_MAX).await > 0 {
        let rows: Vec<_> = batch.iter().map(|record| StoredReturn::new(jid, request, record)).collect();
        let saved = store.save_returns(&rows).await;
        let cached = saved.is_ok();
        if let Err(error) = saved {
            tracing::error!(%jid, records = rows.len(), "returns are not stored: {error}");
            trouble.get_or_insert(error);
        }
        for record in batch.drain(..) {
            if kept.send(Kept { record, cached }).await.is_err() {
                return trouble;
            }
        }
    }
    trouble
}
