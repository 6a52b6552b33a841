//! What an earlier version kept for `master_job_cache` beside the jobs goes into the spool.

use super::Item;
use super::spool::{Spool, SpoolError};
use crate::config::Config;
use crate::jobs::{self, SqliteStore, StoreError};

#[derive(Debug, thiserror::Error)]
enum TakeOverError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Moves all of it into the queue of `outlet`; what cannot be moved stays where it is.
pub(super) async fn take_over(config: &Config, spool: &Spool, outlet: i64) {
    if let Err(error) = move_all(config, spool, outlet).await {
        tracing::warn!("what waits for the job store of an earlier version stays where it is: {error}");
    }
}

async fn move_all(config: &Config, spool: &Spool, outlet: i64) -> Result<(), TakeOverError> {
    let Some((_, store)) = jobs::elsewhere(&config.opts.0)? else { return Ok(()) };
    if !config.dirs.store.join(jobs::FILE_NAME).exists() {
        return Ok(());
    }
    let (local, place) = (SqliteStore::open(&config.dirs.store).await?, store.place());
    for jid in local.noted_for(&place).await? {
        if let Some(noted) = local.noted(&place, jid).await? {
            let job = Item::of_job(&noted.job, &noted.targets, None);
            let items = std::iter::once(job).chain(noted.returns.iter().map(Item::of_return));
            spool.put(jid, &items.map(|item| (item, vec![outlet])).collect::<Vec<_>>()).await?;
        }
        local.cross_out(&place, jid).await?;
    }
    Ok(())
}
