//! Gives every host its turn, a bounded number at once, and loses none of them.

use super::facts::Step;
use super::outcome::{Outcome, Reached, Record};
use super::pace::{Pace, Places};
use crate::session::{self, Shared, StopSignal, Work};
use halite_roster::Host;
use halite_wire::MinionId;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::task::{Id, JoinError, JoinSet};

/// One host and what it is to do.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub host: Host,
    pub work: Work,
}

/// What happened to one host.
#[derive(Clone, Debug)]
pub enum HostEvent {
    Started {
        minion: MinionId,
        running: usize,
    },
    /// May be left out where nobody reads fast enough: it is news, not a result.
    Step {
        minion: MinionId,
        step: Step,
    },
    /// Exactly one per host.
    Finished(Arc<Record>),
}

/// Runs all assignments in their order, as fast as `pace` allows. Each host that begins takes a permit of `admission`
/// for good; whoever has kept a record adds one.
///
/// Sends exactly one [`HostEvent::Finished`] per assignment: also where the run is stopped, also where a
/// host's task panics. Only a closed `events` ends it early.
pub async fn take_turns(
    shared: Arc<Shared>,
    assignments: Vec<Assignment>,
    pace: Pace,
    admission: Arc<Semaphore>,
    stop: StopSignal,
    events: Sender<HostEvent>,
) {
    let mut waiting = assignments.into_iter();
    let mut tasks = JoinSet::new();
    let mut names: HashMap<Id, MinionId> = HashMap::new();
    let (mut places, mut stopping) = (Places::new(pace), stop.clone());
    loop {
        while places.is_free(tasks.len()) && !stop.is_asked() {
            let Ok(permit) = admission.try_acquire() else { break };
            let Some(assignment) = waiting.next() else { break };
            permit.forget();
            let minion = assignment.host.id.clone();
            let task = tasks.spawn(take_turn(shared.clone(), assignment, stop.clone(), events.clone()));
            names.insert(task.id(), minion.clone());
            if events.send(HostEvent::Started { minion, running: tasks.len() }).await.is_err() {
                return;
            }
        }
        let goes_on = waiting.len() > 0 && !places.is_over() && !stop.is_asked();
        let lacks_permit = goes_on && places.is_free(tasks.len());
        if tasks.is_empty() && !lacks_permit && !(goes_on && places.rests()) {
            break;
        }
        let ended = tokio::select! {
            Some(ended) = tasks.join_next_with_id() => ended,
            () = places.rested(), if goes_on => continue,
            _ = admission.acquire(), if lacks_permit => continue,
            () = stopping.asked(), if goes_on => continue,
        };
        let record = match ended {
            Ok((id, record)) => names.remove(&id).map(|_| record),
            Err(bug) => names.remove(&bug.id()).map(|minion| bug_record(minion, bug)),
        };
        let Some(record) = record else { continue };
        places.give_back(&record);
        if events.send(HostEvent::Finished(Arc::new(record))).await.is_err() {
            return;
        }
    }
    for assignment in waiting {
        let record = never_began(assignment.host.id);
        if events.send(HostEvent::Finished(Arc::new(record))).await.is_err() {
            return;
        }
    }
}

async fn take_turn(
    shared: Arc<Shared>,
    assignment: Assignment,
    stop: StopSignal,
    events: Sender<HostEvent>,
) -> Record {
    let minion = assignment.host.id.clone();
    let on_step = move |step| {
        let _ = events.try_send(HostEvent::Step { minion: minion.clone(), step });
    };
    session::run(&shared, &assignment.host, &assignment.work, stop, &on_step).await
}

fn bug_record(minion: MinionId, bug: JoinError) -> Record {
    let what = match bug.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".to_owned()),
        Err(cancelled) => cancelled.to_string(),
    };
    Record::new(minion, Outcome::Bug(what))
}

fn never_began(minion: MinionId) -> Record {
    Record::new(minion, Outcome::Cancelled(Reached::NotStarted))
}
