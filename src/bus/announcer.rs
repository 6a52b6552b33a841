//! The consumer that makes events of the facts of a run. It only notes; a thread of its own writes.

use super::{Event, EventLog};
use crate::fleet::facts::{Consumer, Fact, Plan, Step};
use crate::jobs::{Clock, StoredReturn};
use halite_wire::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Events that may wait for the disk; more are dropped, and that is told.
const WAITING_MAX: usize = 4096;

/// Events in one commit.
const BATCH_MAX: usize = 512;

/// Writes the events of one run.
pub struct Announcer {
    clock: Clock,
    plan: Option<Arc<Plan>>,
    writer: Option<(SyncSender<Event>, JoinHandle<()>)>,
    dropped: usize,
}

impl Announcer {
    /// Writes to the log in `dir`, under the name `master_id`. Without a thread to spare there are no events.
    pub fn new(dir: &Path, master_id: &str, clock: Clock) -> Announcer {
        let (sender, events) = sync_channel(WAITING_MAX);
        let (dir, master_id) = (dir.to_owned(), master_id.to_owned());
        let write = move || write(&dir, &master_id, &events);
        let thread = thread::Builder::new().name("events".to_owned()).spawn(write);
        let writer = thread.ok().map(|thread| (sender, thread));
        Announcer { clock, plan: None, writer, dropped: 0 }
    }

    fn event(&self, fact: &Fact) -> Option<Event> {
        let plan = self.plan.as_ref()?;
        let now = || (self.clock)();
        match fact {
            Fact::RunStarted { plan } => {
                let minions: Value = plan.hosts.iter().map(|host| host.id.as_str()).collect();
                Some(Event::job_begins(plan.jid, &plan.request, minions, now()))
            }
            Fact::HostFinished { record, .. } => {
                let ret = StoredReturn::new(plan.jid, &plan.request, record).full_ret;
                Some(Event::returned(plan.jid, &plan.request, ret, now()))
            }
            Fact::HostProgress { minion, step: Step::Reported(step) } => {
                Event::of_host(plan.jid, minion, step, now())
            }
            Fact::HostStarted { .. } | Fact::HostProgress { .. } | Fact::RunFinished { .. } => None,
        }
    }

    /// Waits until all is written.
    fn end(&mut self) {
        let Some((sender, thread)) = self.writer.take() else { return };
        drop(sender);
        let _ = thread.join();
        if self.dropped > 0 {
            tracing::warn!("{} events were dropped: they came faster than the disk takes them", self.dropped);
        }
    }
}

impl Consumer for Announcer {
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String> {
        if let Fact::RunStarted { plan } = fact {
            self.plan = Some(Arc::clone(plan));
        }
        if let Some((event, (sender, _))) = self.event(fact).zip(self.writer.as_ref()) {
            self.dropped += usize::from(sender.try_send(event).is_err());
        }
        if matches!(fact, Fact::RunFinished { .. }) {
            self.end();
        }
        Ok(())
    }
}

/// Writes what comes until nothing more will. Trouble is told once, and the rest is taken and forgotten.
fn write(dir: &Path, master_id: &str, events: &Receiver<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let written = runtime.block_on(async {
        let mut log = EventLog::open(dir, master_id).await?;
        while let Ok(first) = events.recv() {
            let batch: Vec<Event> =
                std::iter::once(first).chain(events.try_iter().take(BATCH_MAX - 1)).collect();
            log.append(&batch).await?;
        }
        log.prune().await
    });
    if let Err(error) = written {
        tracing::warn!("events are not written: {error}");
        events.iter().for_each(drop);
    }
}
