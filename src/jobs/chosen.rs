//! The store of a configuration: the local one alone, or another behind it (`master_job_cache`, `ext_job_cache`).

use super::{JobStore, Mirror, Options, SqliteStore, StoreError, open_store};
use halite_wire::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Names that mean the local store alone.
const LOCAL: [&str; 3] = ["", "sqlite", "sqlite3"];

/// Opens the store of a run: the local one in `dir`, and behind it what `master_job_cache` names.
///
/// # Errors
/// [`StoreError`] of the local store, an unknown name, a wrong option. A store elsewhere that is down is no error: what
/// it should have waits here.
pub async fn open(dir: &Path, opts: &Map) -> Result<Arc<dyn JobStore>, StoreError> {
    let other = named(opts, "master_job_cache")?;
    let local = SqliteStore::open(dir).await?;
    Ok(match other {
        Some(other) => Arc::new(Mirror::new(local, other)),
        None => Arc::new(local),
    })
}

/// Opens what there is to read: the local store, and behind it what `ext_job_cache` or `master_job_cache` names.
/// `None` where nothing was ever stored.
///
/// # Errors
/// As [`open`].
pub async fn open_to_read(dir: &Path, opts: &Map) -> Result<Option<Arc<dyn JobStore>>, StoreError> {
    let other = match named(opts, "ext_job_cache")? {
        Some(other) => Some(other),
        None => named(opts, "master_job_cache")?,
    };
    let local = SqliteStore::open_to_read(dir).await?;
    Ok(match (local, other) {
        (Some(local), Some(other)) => Some(Arc::new(Mirror::to_read(local, other))),
        (Some(local), None) => Some(Arc::new(local)),
        (None, other) => other,
    })
}

/// The store called `name`, as it is configured; `sqlite` is the local one in `dir`.
///
/// # Errors
/// As [`open`].
pub async fn open_named(name: &str, dir: &Path, opts: &Map) -> Result<Arc<dyn JobStore>, StoreError> {
    if LOCAL.contains(&name) {
        return Ok(Arc::new(SqliteStore::open(dir).await?));
    }
    open_store(name, Options { opts, name, set: None, kwargs: None })
}

/// The store called `name`, to read: one elsewhere, or for `sqlite` the local one that is open already.
///
/// # Errors
/// An unknown name, a wrong option.
pub fn open_named_to_read(
    name: &str,
    local: Option<&Arc<dyn JobStore>>,
    opts: &Map,
) -> Result<Option<Arc<dyn JobStore>>, StoreError> {
    match LOCAL.contains(&name) {
        true => Ok(local.cloned()),
        false => open_store(name, Options { opts, name, set: None, kwargs: None }).map(Some),
    }
}

fn named(opts: &Map, key: &str) -> Result<Option<Arc<dyn JobStore>>, StoreError> {
    match opts.get(key) {
        Some(Value::Str(name)) if !LOCAL.contains(&name.as_str()) => {
            open_store(name, Options { opts, name, set: None, kwargs: None }).map(Some)
        }
        _ => Ok(None),
    }
}

/// Copies every job with its targets and returns. What the other store has already stays as it is there, so a copy that
/// was cut off can be made again. Tells of each job; returns how many jobs and returns were read.
///
/// # Errors
/// [`StoreError`] of either store.
pub async fn migrate(from: &dyn JobStore, to: &dyn JobStore) -> Result<(u64, u64), StoreError> {
    let (mut jobs, mut returns) = (0, 0);
    to.init().await?;
    for job in from.list().await? {
        to.put(&job, &from.targets(job.jid).await?).await?;
        let all = from.returns(job.jid).await?;
        for batch in all.chunks(super::BATCH_RECORDS_MAX) {
            to.save_returns(batch).await?;
        }
        jobs += 1;
        returns += all.len() as u64;
    }
    Ok((jobs, returns))
}
