//! The destinations of one run, returners and a job store elsewhere: each record is in the spool before it goes on to
//! the local job store, and a worker for each destination delivers from there while the run goes on.
//!
//! At its end a run waits only for destinations that are getting on: whose last call went well, and where none is under
//! way for longer than a small part of the run's time. One that hangs, or failed the last time anybody tried, is not
//! waited for at all; what it has not taken is durable, and goes on in the background.

use super::outlet::{Helping, OpenFailure, Outlet, Pulse, wait_after};
use super::spool::{OutletName, Spool, SpoolError, Whose};
use super::{Item, Kind, Wanted, earlier, events};
use crate::bus::Event;
use crate::config::Config;
use crate::fleet::facts::Request;
use crate::fleet::outcome::Record;
use crate::jobs::{Job, Owner, StoredReturn, job_load, system_clock};
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Records in one commit.
const BATCH_RECORDS_MAX: usize = 256;

/// How long one call may take at the end of the shortest run, and be waited for.
const CALL_MIN: Duration = Duration::from_millis(20);

/// How long one call may take and be waited for, as a part of the run's time.
const CALL_PERCENT: u32 = 2;

/// The calls of such a length that are waited for, one after the other.
const CALLS_MAX: u32 = 10;

/// Between two looks at how destinations get on.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The destinations of a run, open and not at work yet.
pub struct Outlets {
    spool: Arc<Spool>,
    outlets: Vec<(Arc<Outlet>, Takes)>,
    filter: events::Filter,
}

/// The destinations of a run, at work.
pub struct Outbox {
    job: Job,
    targets: Vec<MinionId>,
    /// How long job stores are to keep jobs, where they should look for old ones.
    keep: Option<Duration>,
    spool: Arc<Spool>,
    outlets: Vec<(Arc<Outlet>, Takes)>,
    filter: events::Filter,
    workers: JoinSet<()>,
    /// Rises with every batch; `u64::MAX` at the end of the run.
    news: watch::Sender<u64>,
}

/// What an outlet was asked to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    pub returns: bool,
    pub loads: bool,
    pub events: bool,
    /// Everything a job store keeps: hosts that gave no answer, and the end of the job.
    pub job_store: bool,
}

impl Takes {
    pub fn of(kinds: &[Kind]) -> Takes {
        Takes {
            returns: kinds.contains(&Kind::Return),
            loads: kinds.contains(&Kind::Load),
            events: kinds.contains(&Kind::Event),
            job_store: false,
        }
    }
}

impl Outlets {
    /// Opens what is wanted, or `None` where nothing is.
    ///
    /// # Errors
    /// An unknown returner, one whose keys are missing or wrong, and a spool that cannot be used.
    pub async fn open(config: &Config, wanted: &Wanted) -> Result<Option<Outlets>, OpenFailure> {
        if wanted.outlets.is_empty() {
            return Ok(None);
        }
        let spool = Arc::new(Spool::open(&super::spool_dir(config)).await?);
        let mut outlets = Vec::new();
        for (returner, takes) in &wanted.outlets {
            // The alternative set of options is for returns; events have the usual one, as in Salt.
            let none = Map::new();
            let is_chosen = takes.returns && !takes.job_store;
            let (set, kwargs) =
                if is_chosen { (wanted.set.as_deref(), &wanted.kwargs) } else { (None, &none) };
            let name = match takes.job_store {
                true => OutletName::job_store(&config.config_dir, returner),
                false => OutletName::new(&config.config_dir, returner, set, kwargs),
            };
            let outlet = Outlet::open(&spool, &name, config, kwargs.clone()).await?;
            if takes.job_store {
                earlier::take_over(config, &spool, outlet.id).await;
            }
            outlets.push((Arc::new(outlet), *takes));
        }
        Ok(Some(Outlets { spool, outlets, filter: wanted.filter.clone() }))
    }

    /// Puts the job into the spool and starts the workers.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn begin(
        self,
        jid: Jid,
        request: &Request,
        targets: &[MinionId],
    ) -> Result<Outbox, SpoolError> {
        let Outlets { spool, outlets, filter } = self;
        spool.begin(jid).await?;
        let (news, heard) = watch::channel(0);
        let mut workers = JoinSet::new();
        for (outlet, _) in &outlets {
            workers.spawn(work(outlet.clone(), spool.clone(), jid, heard.clone()));
        }
        let load = job_load(jid, request);
        let job = Job { jid, load, owner: Owner::this(), admitted: targets.len(), ended: None };
        let minions: Value = targets.iter().map(MinionId::as_str).collect();
        let event = Event::job_begins(jid, request, minions, system_clock()());
        let targets = targets.to_vec();
        let outbox = Outbox { job, targets, keep: None, spool, outlets, filter, workers, news };
        outbox.put(vec![outbox.load(), Item::of_event(event)]).await?;
        Ok(outbox)
    }
}

impl Outbox {
    /// The local store has dropped jobs older than this: so may one elsewhere.
    pub fn drop_older(&mut self, keep: Duration) {
        self.keep = Some(keep);
    }

    /// Puts records into the spool as they come, and passes each on, in order. Those of hosts that gave no answer are for
    /// job stores only: as in Salt, a returner hears of hosts that returned.
    ///
    /// Returns the first trouble with the spool; the run goes on without it.
    pub async fn spool_as_they_come(
        &self,
        request: &Request,
        mut records: Receiver<Arc<Record>>,
        on: Sender<Arc<Record>>,
    ) -> Option<SpoolError> {
        let mut trouble = None;
        let mut batch = Vec::with_capacity(BATCH_RECORDS_MAX);
        while records.recv_many(&mut batch, BATCH_RECORDS_MAX).await > 0 {
            if let Err(error) = self.take(request, &batch).await {
                tracing::error!(jid = %self.job.jid, records = batch.len(), "returns are not delivered: {error}");
                trouble.get_or_insert(error);
            }
            for record in batch.drain(..) {
                if on.send(record).await.is_err() {
                    return trouble;
                }
            }
        }
        trouble
    }

    /// Puts records into the spool, durable when this returns.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn take(&self, request: &Request, records: &[Arc<Record>]) -> Result<(), SpoolError> {
        let mut items = Vec::with_capacity(2 * records.len());
        for record in records {
            let item = Item::of_return(&StoredReturn::new(self.job.jid, request, record));
            if item.is_answer() && self.outlets.iter().any(|(_, takes)| takes.events) {
                let salts = item.clone().as_salts().to_map();
                let event = Event::returned(self.job.jid, request, salts, system_clock()());
                items.push(Item::of_event(event));
            }
            items.push(item);
        }
        self.put(items).await
    }

    /// The job has ended.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn end(&mut self) -> Result<(), SpoolError> {
        self.job.ended = Some(Jid::from_unix_micros(system_clock()()));
        self.put(vec![self.load()]).await
    }

    fn load(&self) -> Item {
        Item::of_job(&self.job, &self.targets, self.keep)
    }

    async fn put(&self, items: Vec<Item>) -> Result<(), SpoolError> {
        let rows: Vec<(Item, Vec<i64>)> = items
            .into_iter()
            .map(|item| {
                let takers = self.outlets.iter().filter(|(outlet, takes)| self.takes(outlet, *takes, &item));
                let takers = takers.map(|(outlet, _)| outlet.id).collect::<Vec<_>>();
                (item, takers)
            })
            .filter(|(_, takers)| !takers.is_empty())
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let dropped = self.spool.put(self.job.jid, &rows).await?;
        if dropped > 0 {
            tracing::error!(dropped, "the spool of the returners is full: these returns are not delivered");
        }
        self.news.send_modify(|count| *count += 1);
        Ok(())
    }

    fn takes(&self, outlet: &Outlet, takes: Takes, item: &Item) -> bool {
        let asked = match item {
            Item::Return(_) => takes.job_store || (takes.returns && item.is_answer()),
            Item::Load(_) => takes.job_store || (takes.loads && !item.is_end()),
            Item::Event { tag, .. } => takes.events && self.filter.passes(tag),
        };
        asked && outlet.definition.takes.contains(&item.kind())
    }

    /// Ends the workers, after a wait for destinations that are getting on. Returns whether something is left for `flush`.
    pub async fn close(mut self, run_took: Duration) -> bool {
        self.news.send_replace(u64::MAX);
        let call_max = (run_took * CALL_PERCENT / 100).max(CALL_MIN);
        let until = Instant::now() + call_max * CALLS_MAX;
        while self.outlets.iter().any(|(outlet, _)| is_getting_on(outlet, call_max)) && Instant::now() < until
        {
            let _ = tokio::time::timeout(LOOK_EVERY, self.workers.join_next()).await;
        }
        self.workers.shutdown().await;
        let closed = self.leave().await;
        if let Err(error) = &closed {
            tracing::debug!("{error}");
        }
        closed.unwrap_or(true)
    }

    /// Leaves what waits to anybody; notes who hangs, so that the next run knows.
    async fn leave(&self) -> Result<bool, SpoolError> {
        for (outlet, _) in &self.outlets {
            if let Pulse::Busy(since) = outlet.pulse() {
                let why = format!("no answer yet, {} ms after the call", since.elapsed().as_millis());
                self.spool.note(outlet.id, &why).await?;
            }
        }
        self.spool.end(self.job.jid).await?;
        self.spool.has_left(self.job.jid).await
    }
}

/// Whether an outlet has work and will soon have done it.
fn is_getting_on(outlet: &Outlet, call_max: Duration) -> bool {
    match outlet.pulse() {
        Pulse::Idle => true,
        Pulse::Busy(since) => since.elapsed() < call_max,
        Pulse::Failing | Pulse::Over => false,
    }
}

/// Works for an outlet until the run is over and nothing is left, or until it is stopped.
async fn work(outlet: Arc<Outlet>, spool: Arc<Spool>, jid: Jid, news: watch::Receiver<u64>) {
    outlet.get_ready().await;
    deliver(&outlet, &spool, jid, news).await;
    outlet.beats(Pulse::Over);
}

/// Delivers the rows of `jid` as they come.
async fn deliver(outlet: &Outlet, spool: &Spool, jid: Jid, mut news: watch::Receiver<u64>) {
    let mut vain = 0;
    loop {
        let is_over = *news.borrow_and_update() == u64::MAX;
        let wait = match outlet.serve(spool, Whose::Run(jid)).await {
            Ok(Helping::Done { .. }) => {
                vain = 0;
                continue;
            }
            Ok(Helping::Nothing) => None,
            Ok(Helping::Stuck { why, .. }) => {
                vain += 1;
                if vain == 1 {
                    tracing::warn!("returner {}: {why}; it is tried again later", outlet.definition.name);
                }
                Some(wait_after(vain))
            }
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        };
        match wait {
            _ if is_over => return,
            None if news.changed().await.is_err() => return,
            None => {}
            // The end of the run ends the wait, too: what is left is for `flush`.
            Some(wait) => _ = tokio::time::timeout(wait, news.wait_for(|count| *count == u64::MAX)).await,
        }
    }
}
