//! The returners of one run: each record is in the spool before it goes on to the job store, and a worker for each
//! returner delivers from there while the run goes on. No worker ever holds the run up.

use super::outlet::{Helping, OpenFailure, Outlet, wait_after};
use super::spool::{OutletName, Spool, SpoolError, Whose};
use super::{Item, Kind, Wanted, events};
use crate::config::Config;
use crate::fleet::facts::Request;
use crate::fleet::outcome::{Outcome, Record};
use crate::jobs::{StoredReturn, job_load};
use halite_wire::{Jid, Map, MinionId, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Records in one commit.
const BATCH_RECORDS_MAX: usize = 256;

/// What a healthy returner may still take at the end of the shortest run.
const GRACE_MIN: Duration = Duration::from_millis(25);

/// The part of the run's time that may be added to it at its end.
const GRACE_PERCENT: u32 = 2;

/// The returners of a run, open and not at work yet.
pub struct Outlets {
    spool: Arc<Spool>,
    outlets: Vec<(Arc<Outlet>, Takes)>,
    filter: events::Filter,
}

/// The returners of a run, at work.
pub struct Outbox {
    jid: Jid,
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
}

impl Takes {
    pub fn of(kinds: &[Kind]) -> Takes {
        Takes {
            returns: kinds.contains(&Kind::Return),
            loads: kinds.contains(&Kind::Load),
            events: kinds.contains(&Kind::Event),
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
            let (set, kwargs) =
                if takes.returns { (wanted.set.as_deref(), &wanted.kwargs) } else { (None, &none) };
            let name = OutletName::new(&config.config_dir, returner, set, kwargs);
            outlets.push((Arc::new(Outlet::open(&spool, &name, config, kwargs.clone()).await?), *takes));
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
        let outbox = Outbox { jid, spool, outlets, filter, workers, news };
        let minions: Value = targets.iter().map(MinionId::as_str).collect();
        let mut load = job_load(jid, request);
        load.insert("Minions", minions.clone());
        outbox.put(vec![Item::Load(load), events::job_begins(jid, request, minions)]).await?;
        Ok(outbox)
    }
}

impl Outbox {
    /// Puts records into the spool as they come, and passes each on, in order. Those of hosts that gave no answer are
    /// passed on only: as in Salt, a returner hears of hosts that returned.
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
            let answers = batch.iter().filter(|record| matches!(record.outcome, Outcome::Returned(_)));
            let items = answers.flat_map(|record| {
                let item = Item::of_return(&StoredReturn::new(self.jid, request, record));
                let event = events::returned(self.jid, &item, request);
                [item, event]
            });
            if let Err(error) = self.put(items.collect()).await {
                tracing::error!(jid = %self.jid, records = batch.len(), "returns are not delivered: {error}");
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
        let dropped = self.spool.put(self.jid, &rows).await?;
        if dropped > 0 {
            tracing::error!(dropped, "the spool of the returners is full: these returns are not delivered");
        }
        self.news.send_modify(|count| *count += 1);
        Ok(())
    }

    fn takes(&self, outlet: &Outlet, takes: Takes, item: &Item) -> bool {
        let asked = match item {
            Item::Return(_) => takes.returns,
            Item::Load(_) => takes.loads,
            Item::Event { tag, .. } => takes.events && self.filter.passes(tag),
        };
        asked && outlet.definition.takes.contains(&item.kind())
    }

    /// Ends the workers, with a short grace for what is on its way: a small part of what the run took. Returns
    /// whether something is left for `flush`.
    pub async fn close(mut self, run_took: Duration) -> bool {
        self.news.send_replace(u64::MAX);
        let grace = (run_took * GRACE_PERCENT / 100).max(GRACE_MIN);
        let _ =
            tokio::time::timeout(grace, async { while self.workers.join_next().await.is_some() {} }).await;
        self.workers.shutdown().await;
        if let Err(error) = self.spool.end(self.jid).await {
            tracing::debug!("{error}");
        }
        let status = self.spool.status().await.unwrap_or_default();
        status.iter().any(|outlet| outlet.waiting > 0)
    }
}

/// Delivers the rows of `jid` until the run is over and nothing is left, or until it is stopped.
async fn work(outlet: Arc<Outlet>, spool: Arc<Spool>, jid: Jid, mut news: watch::Receiver<u64>) {
    let mut vain = 0;
    loop {
        let is_over = *news.borrow_and_update() == u64::MAX;
        let wait = match outlet.serve(&spool, Whose::Run(jid)).await {
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
