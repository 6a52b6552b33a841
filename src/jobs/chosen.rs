//! The stores of a configuration: the local one, and those elsewhere (`master_job_cache`, `ext_job_cache`).

use super::{JobStore, Mirror, Options, SqliteStore, StoreError, open_store};
use halite_wire::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// The name of a store, as the configuration has it, and the store.
pub type Elsewhere<'a> = (&'a str, Arc<dyn JobStore>);

/// Names that mean the local store alone.
const LOCAL: [&str; 3] = ["", "sqlite", "sqlite3"];

/// The store every job of the local one goes to, too: what `master_job_cache` names. `None` where that is the local one.
///
/// # Errors
/// An unknown name, a wrong option. One that is down is no error.
pub fn elsewhere(opts: &Map) -> Result<Option<Elsewhere<'_>>, StoreError> {
    let name = opts.get_str("master_job_cache").unwrap_or("");
    Ok(named(opts, "master_job_cache")?.map(|store| (name, store)))
}

/// Opens what there is to read: the local store, and behind it what `ext_job_cache` or `master_job_cache` names.
/// `None` where nothing was ever stored.
///
/// # Errors
/// [`StoreError`] of the local store, an unknown name, a wrong option.
pub async fn open_to_read(dir: &Path, opts: &Map) -> Result<Option<Arc<dyn JobStore>>, StoreError> {
    let other = match named(opts, "ext_job_cache")? {
        Some(other) => Some(other),
        None => named(opts, "master_job_cache")?,
    };
    let local = SqliteStore::open_to_read(dir).await?;
    Ok(match (local, other) {
        (Some(local), Some(other)) => Some(Arc::new(Mirror::new(local, other))),
        (Some(local), None) => Some(Arc::new(local)),
        (None, other) => other,
    })
}

/// The store called `name`, as it is configured; `sqlite` is the local one in `dir`.
///
/// # Errors
/// As [`open_to_read`].
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
