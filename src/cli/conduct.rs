//! A run from its plan to its end: hosts take their turns, records become durable, and only then consumers see
//! them. The one place where fleet, store and screen meet.

use crate::fleet::facts::{Consumer, Fact, Plan, Tally};
use crate::fleet::outcome::{HostErrorKind, Outcome, Reached, Record};
use crate::fleet::pace::Pace;
use crate::fleet::turns::{Assignment, HostEvent, take_turns};
use crate::jobs::{JobStore, Kept, StoreError, save_as_they_come};
use crate::returners::{Outbox, SpoolError};
use crate::session::{Shared, StopSignal};
use halite_wire::{Jid, MinionId};
use indexmap::IndexMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc, watch};

/// Events of hosts that may wait to be put in order. Results wait in their tasks beyond that; news are dropped.
const EVENTS_WAITING_MAX: usize = 1024;

/// Records that may wait for the disk.
const RECORDS_WAITING_MAX: usize = 256;

/// How many hosts may have begun whose records are not durable: those at work at once, and as many whose records are on
/// their way to the disk, but never so few that the disk sets the pace. Should we die in the middle, the others are known
/// not to have begun; each stored record lets one more in.
pub fn admitted(at_once_max: usize) -> usize {
    const ON_THEIR_WAY: std::ops::RangeInclusive<usize> = 4..=512;
    let on_their_way = at_once_max.clamp(*ON_THEIR_WAY.start(), *ON_THEIR_WAY.end());
    at_once_max.saturating_add(on_their_way).min(Semaphore::MAX_PERMITS)
}

/// All a run needs.
pub struct Conductor {
    pub plan: Arc<Plan>,
    pub shared: Arc<Shared>,
    /// `None`: nothing is kept.
    pub store: Option<Arc<dyn JobStore>>,
    /// `None`: there are no returners.
    pub outbox: Option<Outbox>,
    /// How many hosts have their turn at once, and when no more begin.
    pub pace: Pace,
    pub stop: StopSignal,
    /// Thrown by the second Ctrl-C: nobody is waited for any more.
    pub stop_now: watch::Receiver<bool>,
    pub consumers: Vec<Box<dyn Consumer>>,
}

/// How the run went.
#[derive(Debug, Default)]
pub struct RunEnd {
    pub tally: Tally,
    /// Hosts whose key is not trusted; counted among the unanswered, too.
    pub untrusted: usize,
    /// The first trouble of any consumer.
    pub consumer_error: Option<String>,
    pub store_error: Option<StoreError>,
    pub spool_error: Option<SpoolError>,
    /// Whether something is left in the spool of the returners.
    pub undelivered: bool,
}

impl Conductor {
    /// Gives every assignment its turn and every consumer every fact.
    pub async fn run(mut self, assignments: Vec<Assignment>) -> RunEnd {
        let mut end =
            RunEnd { tally: Tally { targeted: assignments.len(), ..Tally::default() }, ..RunEnd::default() };
        self.tell(&mut end, &Fact::RunStarted { plan: self.plan.clone() });
        let (events_in, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (records_in, records) = mpsc::channel(RECORDS_WAITING_MAX);
        let (spooled_in, spooled) = mpsc::channel(RECORDS_WAITING_MAX);
        let (kept_in, kept) = mpsc::channel(RECORDS_WAITING_MAX);
        let (began, mut outbox) = (Instant::now(), self.outbox.take());
        let admission = Arc::new(Semaphore::new(admitted(self.pace.at_once_max)));
        let turns = tokio::spawn(take_turns(
            self.shared.clone(),
            assignments,
            self.pace,
            admission.clone(),
            self.stop.clone(),
            events_in,
        ));
        let (store, plan) = (self.store.clone(), self.plan.clone());
        let spooling = spool(outbox.as_ref(), &plan, records, spooled_in);
        let saving = async {
            match store {
                Some(store) => save_as_they_come(&*store, plan.jid, &plan.request, spooled, kept_in).await,
                None => {
                    pass_on(spooled, kept_in).await;
                    None
                }
            }
        };
        let dispatching = self.dispatch(&mut end, events, records_in, kept, &admission);
        let (spool_error, store_error, ()) = tokio::join!(spooling, saving, dispatching);
        turns.abort();
        (end.spool_error, end.store_error) = (spool_error, store_error);
        finish(self.store.clone(), self.plan.jid, outbox.as_mut(), &mut end).await;
        let jid = self.plan.jid;
        let tally = end.tally;
        self.tell(&mut end, &Fact::RunFinished { jid, tally });
        if let Some(outbox) = outbox {
            end.undelivered = outbox.close(began.elapsed()).await;
        }
        end
    }

    /// Puts everything in order: news at once, results when they are durable.
    async fn dispatch(
        &mut self,
        end: &mut RunEnd,
        mut events: mpsc::Receiver<HostEvent>,
        records_in: mpsc::Sender<Arc<Record>>,
        kept: mpsc::Receiver<Kept>,
        admission: &Semaphore,
    ) {
        let mut kept = Durable { kept, admission };
        let mut records_in = Some(records_in);
        let hosts = self.plan.hosts.iter().map(|host| host.id.clone());
        let mut awaited: IndexMap<MinionId, Reached> = hosts.map(|id| (id, Reached::NotStarted)).collect();
        let mut stop_now = self.stop_now.clone();
        loop {
            tokio::select! {
                biased;
                Some(kept) = kept.recv() => self.finished(end, kept),
                event = events.recv(), if records_in.is_some() => match event {
                    Some(HostEvent::Started { minion, running }) => {
                        awaited.insert(minion.clone(), Reached::MayHaveRun);
                        self.tell(end, &Fact::HostStarted { minion, running });
                    }
                    Some(HostEvent::Step { minion, step }) => self.tell(end, &Fact::HostProgress { minion, step }),
                    Some(HostEvent::Finished(record)) => {
                        awaited.shift_remove(&record.minion);
                        self.hand_in(end, records_in.as_ref(), record, &mut kept).await;
                    }
                    None => records_in = None,
                },
                () = thrown(&mut stop_now), if records_in.is_some() => {
                    for record in given_up(&mut events, std::mem::take(&mut awaited)) {
                        self.hand_in(end, records_in.as_ref(), record, &mut kept).await;
                    }
                    records_in = None;
                }
                else => break,
            }
        }
    }

    /// Hands a record to the store without ever waiting for it with our own hands full.
    async fn hand_in(
        &mut self,
        end: &mut RunEnd,
        records_in: Option<&mpsc::Sender<Arc<Record>>>,
        record: Arc<Record>,
        kept: &mut Durable<'_>,
    ) {
        let Some(records_in) = records_in else { return };
        let mut sending = std::pin::pin!(records_in.send(record));
        loop {
            tokio::select! {
                biased;
                Some(kept) = kept.recv() => self.finished(end, kept),
                _ = &mut sending => return,
            }
        }
    }

    fn finished(&mut self, end: &mut RunEnd, Kept { record, cached }: Kept) {
        count(end, &record, cached || self.store.is_none());
        self.tell(end, &Fact::HostFinished { record, cached });
    }

    /// Feeds every consumer, even after one has failed: a broken pipe must not stop the others.
    fn tell(&mut self, end: &mut RunEnd, fact: &Fact) {
        for consumer in &mut self.consumers {
            if let Err(error) = consumer.on_fact(fact) {
                end.consumer_error.get_or_insert(error);
            }
        }
    }
}

/// The job has ended, here and for a store elsewhere.
async fn finish(store: Option<Arc<dyn JobStore>>, jid: Jid, outbox: Option<&mut Outbox>, end: &mut RunEnd) {
    let told = async {
        match outbox {
            Some(outbox) => outbox.end().await,
            None => Ok(()),
        }
    };
    let kept = async {
        match &store {
            Some(store) => store.finish(jid).await,
            None => Ok(()),
        }
    };
    let (told, kept) = tokio::join!(told, kept);
    end.spool_error = end.spool_error.take().or(told.err());
    end.store_error = end.store_error.take().or(kept.err());
}

/// Records as they become durable; each lets one more host begin.
struct Durable<'a> {
    kept: mpsc::Receiver<Kept>,
    admission: &'a Semaphore,
}

impl Durable<'_> {
    async fn recv(&mut self) -> Option<Kept> {
        let kept = self.kept.recv().await?;
        self.admission.add_permits(1);
        Some(kept)
    }
}

/// The records of hosts nobody waits for any more: those that came in already, and one for each of the others.
fn given_up(
    events: &mut mpsc::Receiver<HostEvent>,
    mut awaited: IndexMap<MinionId, Reached>,
) -> Vec<Arc<Record>> {
    let mut records = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            HostEvent::Started { minion, .. } => _ = awaited.insert(minion, Reached::MayHaveRun),
            HostEvent::Step { .. } => {}
            HostEvent::Finished(record) => {
                awaited.shift_remove(&record.minion);
                records.push(record);
            }
        }
    }
    let cancelled = |(minion, reached)| Record::new(minion, Outcome::Cancelled(reached));
    records.extend(awaited.into_iter().map(cancelled).map(Arc::new));
    records
}

fn count(end: &mut RunEnd, record: &Record, cached: bool) {
    let tally = &mut end.tally;
    let slot = match &record.outcome {
        Outcome::Returned(_) if record.is_ok() => &mut tally.ok,
        Outcome::Returned(_) => &mut tally.failed,
        Outcome::Failed(_) => &mut tally.unanswered,
        Outcome::Cancelled(_) => &mut tally.cancelled,
        Outcome::Bug(_) => &mut tally.bugs,
    };
    *slot += 1;
    tally.uncached += usize::from(!cached);
    let is_untrusted = |kind: &HostErrorKind| {
        matches!(kind, HostErrorKind::HostKeyUnknown { .. } | HostErrorKind::HostKeyChanged { .. })
    };
    end.untrusted +=
        usize::from(matches!(&record.outcome, Outcome::Failed(error) if is_untrusted(&error.kind)));
}

/// Through the spool of the returners, where there are any.
async fn spool(
    outbox: Option<&Outbox>,
    plan: &Plan,
    mut records: mpsc::Receiver<Arc<Record>>,
    on: mpsc::Sender<Arc<Record>>,
) -> Option<SpoolError> {
    if let Some(outbox) = outbox {
        return outbox.spool_as_they_come(&plan.request, records, on).await;
    }
    while let Some(record) = records.recv().await {
        if on.send(record).await.is_err() {
            break;
        }
    }
    None
}

/// Without a store every record is as good as it gets.
async fn pass_on(mut records: mpsc::Receiver<Arc<Record>>, kept: mpsc::Sender<Kept>) {
    while let Some(record) = records.recv().await {
        if kept.send(Kept { record, cached: false }).await.is_err() {
            return;
        }
    }
}

/// Waits for the switch; for ever where nobody holds it any more.
pub async fn thrown(switch: &mut watch::Receiver<bool>) {
    if switch.wait_for(|thrown| *thrown).await.is_err() {
        std::future::pending::<()>().await;
    }
}
