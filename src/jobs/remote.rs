//! A job store made of a shelf: what databases, caches and Salt's directories have in common is done here once.
//!
//! A shelf only puts away and finds; ids, targets, the end of a job, pruning and the bound on every wait are the
//! same for all. What Salt's layouts have no place for rides in the load: the targets under `Minions`, where Salt
//! itself shows them, and whose process ran the job and when it ended under `halite`.

use super::{
    Clock, Counts, Ending, Job, JobStore, NewJob, Owner, RunState, Search, StoreError, StoredReturn,
    job_load, system_clock,
};
use async_trait::async_trait;
use halite_wire::{Jid, Map, MinionId, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a shelf may take for one thing. A database that hangs is as good as one that is down.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

const PRUNE_EVERY_MICROS: u64 = 300_000_000;

/// Jobs dropped in one go.
const PRUNE_JOBS_MAX: usize = 200;

/// Rows between the shelf and whoever reads.
const ROWS_WAITING_MAX: usize = 64;

const MINIONS: &str = "Minions";

/// What a load has that Salt's has not.
pub const OURS: &str = "halite";

/// So many hosts of a job that ended alike.
pub(super) struct Endings {
    pub jid: Jid,
    pub ending: Ending,
    pub hosts: usize,
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
impl Endings {
    /// From a row: jid, the word for the ending, and a count.
    pub(super) fn of_row(jid: &str, ending: &str, hosts: i64) -> Option<Endings> {
        Some(Endings { jid: jid.parse().ok()?, ending: Ending::named(ending), hosts: hosts.try_into().ok()? })
    }
}

/// Where jobs can be put away. Everything is durable when it returns, as far as the place knows such a thing.
#[async_trait]
pub(super) trait Shelf: Send + Sync {
    fn place(&self) -> String;

    /// Makes the tables, where the place has any and they are missing.
    async fn init(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Puts a new job away; false where the id is taken. Of two at once, one gets it.
    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError>;

    /// Puts a job away, in place of one that may be there.
    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError>;

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError>;

    /// Loads of all jobs the search means; others may be among them.
    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError>;

    /// All of the batch or nothing, where the place can; hosts of a job that have a return keep it.
    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError>;

    /// Sends the returns of a job, and stops where nobody listens.
    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError>;

    /// How many hosts of each of these jobs ended how, where the place can count itself without handing out returns.
    async fn endings(&self, _jids: &[Jid]) -> Result<Option<Vec<Endings>>, StoreError> {
        Ok(None)
    }

    /// Removes a job with all its returns.
    async fn remove(&self, jid: Jid) -> Result<(), StoreError>;

    async fn save_events(&self, _events: &[(String, Value)], _master_id: &str) -> Result<(), StoreError> {
        Err(StoreError::NoEvents { place: self.place() })
    }
}

pub(super) struct Remote<S> {
    pub(super) shelf: S,
    clock: Clock,
    last_prune: AtomicU64,
}

impl<S: Shelf> Remote<S> {
    pub(super) fn new(shelf: S) -> Remote<S> {
        Remote::with_clock(shelf, system_clock())
    }

    pub(super) fn with_clock(shelf: S, clock: Clock) -> Remote<S> {
        Remote { shelf, clock, last_prune: AtomicU64::new(0) }
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        timeout(LIMIT, work).await.unwrap_or_else(|_| Err(self.slow()))
    }

    fn slow(&self) -> StoreError {
        StoreError::Unreachable { place: self.shelf.place(), why: format!("nothing came for {LIMIT:?}") }
    }

    /// The first free id from now on, later than all others.
    async fn begin_next(&self, job: &NewJob<'_>) -> Result<Jid, StoreError> {
        let newest = Search { newest: Some(1), ..Search::default() };
        let newest = self.find(&newest).await?.pop().map_or(0, |job| job.jid.unix_micros());
        let mut micros = (self.clock)().max(newest + 1);
        loop {
            let jid = Jid::from_unix_micros(micros);
            if self.bounded(self.shelf.add(jid, &new_load(jid, job))).await? {
                return Ok(jid);
            }
            micros += 1;
        }
    }
}

#[async_trait]
impl<S: Shelf> JobStore for Remote<S> {
    async fn begin(&self, job: NewJob<'_>) -> Result<Jid, StoreError> {
        let Some(jid) = job.wanted else { return self.begin_next(&job).await };
        match self.bounded(self.shelf.add(jid, &new_load(jid, &job))).await? {
            true => Ok(jid),
            false => Err(StoreError::JidTaken(jid)),
        }
    }

    async fn put(&self, job: &Job, targets: &[MinionId]) -> Result<(), StoreError> {
        let load = dressed(job.load.clone(), targets, &job.owner, job.ended);
        self.bounded(self.shelf.replace(job.jid, &load)).await
    }

    async fn save_returns(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.bounded(self.shelf.save(batch)).await
    }

    async fn finish(&self, jid: Jid) -> Result<(), StoreError> {
        let Some(load) = self.bounded(self.shelf.load(jid)).await? else { return Ok(()) };
        let (mut job, targets) = undressed(jid, load);
        job.ended = Some(Jid::from_unix_micros((self.clock)()));
        self.put(&job, &targets).await
    }

    async fn find(&self, search: &Search) -> Result<Vec<Job>, StoreError> {
        let loads = self.bounded(self.shelf.loads(search)).await?;
        Ok(search.refine(loads.into_iter().map(|(jid, load)| undressed(jid, load).0).collect()))
    }

    async fn load(&self, jid: Jid) -> Result<Option<Job>, StoreError> {
        Ok(self.bounded(self.shelf.load(jid)).await?.map(|load| undressed(jid, load).0))
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let (rows_in, mut rows) = mpsc::channel(ROWS_WAITING_MAX);
        // The wait for each row is bounded; whoever listens may take its time.
        let relaying = async move {
            loop {
                match timeout(LIMIT, rows.recv()).await {
                    Ok(Some(ret)) => {
                        if to.send(ret).await.is_err() {
                            return Ok(());
                        }
                    }
                    Ok(None) => return Ok(()),
                    Err(_) => return Err(self.slow()),
                }
            }
        };
        tokio::try_join!(self.shelf.send_returns(jid, rows_in), relaying).map(|_| ())
    }

    async fn counts(&self, jids: &[Jid]) -> Result<Vec<Counts>, StoreError> {
        let mut found: HashMap<Jid, Counts> = HashMap::new();
        match self.bounded(self.shelf.endings(jids)).await? {
            Some(endings) => {
                for Endings { jid, ending, hosts } in endings {
                    found.entry(jid).or_default().add(ending, hosts);
                }
                let (since, until) = (jids.iter().min().copied(), jids.iter().max().copied());
                let search = Search { since, until, ..Search::default() };
                for (jid, load) in self.bounded(self.shelf.loads(&search)).await? {
                    found.entry(jid).or_default().targets = undressed(jid, load).1.len();
                }
            }
            None => {
                for jid in jids {
                    found.insert(*jid, super::counts::by_reading(self, *jid).await?);
                }
            }
        }
        Ok(jids.iter().map(|jid| found.get(jid).copied().unwrap_or_default()).collect())
    }

    async fn targets(&self, jid: Jid) -> Result<Vec<MinionId>, StoreError> {
        let load = self.bounded(self.shelf.load(jid)).await?;
        Ok(load.map(|load| undressed(jid, load).1).unwrap_or_default())
    }

    async fn prune(&self, keep: Duration) -> Result<u64, StoreError> {
        let now = (self.clock)();
        let last = self.last_prune.load(Ordering::Relaxed);
        if keep.is_zero() || (last..last.saturating_add(PRUNE_EVERY_MICROS)).contains(&now) {
            return Ok(0);
        }
        let keep = u64::try_from(keep.as_micros()).unwrap_or(u64::MAX);
        let before = Jid::from_unix_micros(now.saturating_sub(keep));
        let mut old = self.find(&Search::until(before)).await?;
        old.retain(|job| job.jid < before && job.state() != RunState::Running);
        for job in old.iter().take(PRUNE_JOBS_MAX) {
            self.bounded(self.shelf.remove(job.jid)).await?;
        }
        if old.len() <= PRUNE_JOBS_MAX {
            self.last_prune.store(now, Ordering::Relaxed);
        }
        Ok(old.len().min(PRUNE_JOBS_MAX) as u64)
    }

    async fn init(&self) -> Result<(), StoreError> {
        self.bounded(self.shelf.init()).await
    }

    async fn save_events(&self, events: &[(String, Value)], master_id: &str) -> Result<(), StoreError> {
        self.bounded(self.shelf.save_events(events, master_id)).await
    }

    fn place(&self) -> String {
        self.shelf.place()
    }
}

fn new_load(jid: Jid, job: &NewJob<'_>) -> Map {
    dressed(job_load(jid, job.request), job.targets, &Owner::this(), None)
}

/// The load with all that is known of the job: its targets under `Minions`, the rest under [`OURS`].
pub fn dressed(mut load: Map, targets: &[MinionId], owner: &Owner, ended: Option<Jid>) -> Map {
    if !targets.is_empty() {
        load.insert(MINIONS, targets.iter().map(MinionId::as_str).collect::<Value>());
    }
    if owner.pid != 0 {
        let mut ours = Map::from([
            ("pid", Value::from(owner.pid)),
            ("started", owner.started.into()),
            ("boot", owner.boot.as_str().into()),
        ]);
        if let Some(ended) = ended {
            ours.insert("ended", ended.as_str());
        }
        load.insert(OURS, ours);
    }
    load
}

/// The job and its targets in the order of their turns. Of a job another program wrote, only the load is known.
pub fn undressed(jid: Jid, mut load: Map) -> (Job, Vec<MinionId>) {
    let minions = load.remove(MINIONS).unwrap_or(Value::Null);
    let ids = minions.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
    let targets: Vec<MinionId> = ids.filter_map(|id| id.parse().ok()).collect();
    let ours = load.remove(OURS).unwrap_or(Value::Null);
    let number = |key| ours.get(key).and_then(Value::as_i64).unwrap_or(0);
    let text = |key| ours.get(key).and_then(Value::as_str).unwrap_or("");
    let owner = Owner {
        pid: number("pid").try_into().unwrap_or(0),
        started: number("started").cast_unsigned(),
        boot: text("boot").to_owned(),
    };
    let ended = text("ended").parse().ok();
    (Job { jid, load, owner, admitted: targets.len(), ended }, targets)
}
