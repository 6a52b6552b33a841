//! `returners.flush`: delivers what runs have left in the spool. One at a time for each spool.

use super::outlet::{Helping, OpenFailure, Outlet};
use super::spool::{OutletName, Spool, SpoolError, Whose, moment};
use crate::config::{Config, DirError, private_file};
use halite_wire::{Map, Value};
use std::fs::{File, TryLockError};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a flush in the background tries before it leaves the rest to the next run.
pub const PATIENCE_IN_BACKGROUND: Duration = Duration::from_secs(600);

/// How long a flush that was asked for waits for another one.
const WAIT_FOR_ANOTHER: Duration = Duration::from_secs(15);

/// Between two looks of a flush that waits for something to be due.
const PAUSE: Duration = Duration::from_millis(500);

/// Why nothing could be delivered at all; a returner that is down is none of these.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Place(#[from] DirError),
    #[error("the lock of the spool: {0}")]
    Lock(std::io::Error),
}

/// What a flush did for each returner: `{name: {delivered, dead_letters, error?}}`.
pub type Flushed = Map;

/// Delivers what is left of runs that are over. Without `patience` everything is tried once, due or not; with it only what
/// is due, again and again until nothing is left or the time is over. `None` where another flush is at work: one that was
/// asked for waits for it a while, one in the background has nothing to add to another.
///
/// # Errors
/// [`FlushError`]; what was not delivered is still in the spool.
pub async fn flush(config: &Config, patience: Option<Duration>) -> Result<Option<Flushed>, FlushError> {
    let dir = super::spool_dir(config);
    let Some(spool) = Spool::open_existing(&dir).await?.map(Arc::new) else { return Ok(Some(Map::new())) };
    let lock = private_file(&dir.join("flush"))?;
    let mut flushed = Map::new();
    let Some(patience) = patience else {
        if !take(&lock, WAIT_FOR_ANOTHER).await? {
            return Ok(None);
        }
        once(&spool, config, None, &mut flushed).await?;
        return Ok(Some(flushed));
    };
    let background = private_file(&dir.join("background"))?;
    if !take(&background, Duration::ZERO).await? {
        return Ok(None);
    }
    let until = Instant::now() + patience;
    loop {
        // Between two rounds anybody may flush.
        let mut is_left = true;
        if take(&lock, Duration::ZERO).await? {
            is_left = once(&spool, config, Some(moment(Duration::ZERO)), &mut flushed).await?;
            lock.unlock().map_err(FlushError::Lock)?;
        }
        // Where the spool was thrown away there is nobody to wait for.
        if !is_left || Instant::now() >= until || !Spool::exists(&dir) {
            return Ok(Some(flushed));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes a lock within the time.
async fn take(lock: &File, within: Duration) -> Result<bool, FlushError> {
    let until = Instant::now() + within;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(FlushError::Lock(error)),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
    }
}

/// Every outlet of this configuration, side by side. Returns whether anything is left.
async fn once(
    spool: &Arc<Spool>,
    config: &Config,
    due_at: Option<i64>,
    flushed: &mut Map,
) -> Result<bool, SpoolError> {
    spool.end_dead_runs().await?;
    let place = config.config_dir.display().to_string();
    let status = spool.status().await?;
    let mut outlets = JoinSet::new();
    for outlet in status.into_iter().filter(|outlet| outlet.waiting > 0 && outlet.name.place == place) {
        let (spool, config) = (spool.clone(), config.clone());
        outlets.spawn(async move { drain(&spool, &config, outlet.name, due_at).await });
    }
    let mut is_left = false;
    while let Some(drained) = outlets.join_next().await {
        // One that panicked has its rows still.
        let Ok(drained) = drained else { continue };
        let drained = drained?;
        is_left |= drained.is_left;
        drained.add_to(flushed);
    }
    Ok(is_left)
}

/// What became of one outlet's rows.
#[derive(Default)]
struct Drained {
    returner: String,
    delivered: usize,
    dead: usize,
    error: Option<String>,
    is_left: bool,
}

impl Drained {
    fn add_to(self, flushed: &mut Map) {
        let shown = flushed.entry_or(self.returner.as_str(), || Map::new().into());
        let Value::Map(shown) = shown else { return };
        for (key, more) in [("delivered", self.delivered), ("dead_letters", self.dead)] {
            let before = shown.get(key).and_then(Value::as_i64).unwrap_or(0);
            shown.insert(key, before + i64::try_from(more).unwrap_or(0));
        }
        match self.error {
            Some(error) => _ = shown.insert("error", error),
            None => _ = shown.remove("error"),
        }
    }
}

async fn drain(
    spool: &Spool,
    config: &Config,
    name: OutletName,
    due_at: Option<i64>,
) -> Result<Drained, SpoolError> {
    let mut drained = Drained { returner: name.returner.clone(), ..Drained::default() };
    let outlet = match Outlet::open(spool, &name, config, name.kwargs()).await {
        Ok(outlet) => outlet,
        Err(OpenFailure::Spool(error)) => return Err(error),
        Err(error) => return Ok(Drained { error: Some(error.to_string()), ..drained }),
    };
    loop {
        match outlet.serve(spool, Whose::Nobodys { due_at }).await? {
            Helping::Nothing => {
                let status = spool.status().await?;
                drained.is_left = status.iter().any(|other| other.id == outlet.id && other.waiting > 0);
                return Ok(drained);
            }
            Helping::Done { delivered, dead } => {
                drained.delivered += delivered;
                drained.dead += dead;
            }
            Helping::Stuck { delivered, why } => {
                drained.delivered += delivered;
                return Ok(Drained { error: Some(why), is_left: true, ..drained });
            }
        }
    }
}

/// Starts a flush that goes on when this process ends. Whether it could be started is known from `returners.status` only:
/// a run does not fail for it.
pub fn start_in_background(config: &Config) {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return tracing::warn!("what is left for the returners waits for a flush: {error}"),
    };
    let patience = format!("patience={}", PATIENCE_IN_BACKGROUND.as_secs());
    let mut flush = Command::new(program);
    flush.arg("run").arg("-c").arg(&config.config_dir).args([
        "--out",
        "quiet",
        "returners.flush",
        patience.as_str(),
    ]);
    flush.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own: Ctrl-C in the terminal is not meant for it.
    std::os::unix::process::CommandExt::process_group(&mut flush, 0);
    if let Err(error) = flush.spawn() {
        tracing::warn!("what is left for the returners waits for a flush: {error}");
    }
}

/// Whether something in the spool of this configuration is due and nobody's. Cheap: for the end of every run.
pub async fn is_due(config: &Config) -> bool {
    let Ok(Some(spool)) = Spool::open_existing(&super::spool_dir(config)).await else { return false };
    let _ = spool.end_dead_runs().await;
    spool.has_due(&config.config_dir.display().to_string()).await.unwrap_or(false)
}
