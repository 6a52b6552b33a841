//! One open destination, a returner or a job store, and its queue in the spool: takes what is due, delivers it, and says
//! how that went.

use super::registry::{Definition, Found, Returner};
use super::spool::{Due, OutletName, Spool, SpoolError, Whose, moment};
use super::{Delivery, DeliveryError, Fate, SettingError, Settings};
use crate::config::Config;
use halite_wire::Map;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long one call of a returner may take before it is cut off.
pub const DELIVERY_MAX: Duration = Duration::from_secs(5);

/// After that time more, a call that does not even notice the cut is left behind.
const LATE: Duration = Duration::from_millis(500);

/// Rows taken from the spool at once.
const HELPING_MAX: usize = 256;

/// Attempts after which a delivery is given up: with the waits between them, some two days.
const ATTEMPTS_MAX: u32 = 60;

/// The longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// A returner that cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("returner {name}: {why}")]
pub struct OpenError {
    pub name: String,
    #[source]
    pub why: SettingError,
}

pub(super) struct Outlet {
    pub id: i64,
    pub definition: &'static Definition,
    settings: Settings,
    returner: Arc<dyn Returner>,
    /// A job store is given all that is known, a returner what Salt's are given.
    is_job_store: bool,
    pulse: Mutex<Pulse>,
}

/// How an outlet is doing, for whoever may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    Idle,
    /// Since the last success, or since the first attempt began.
    Busy(Instant),
    /// The last attempt was in vain, maybe in an earlier run.
    Failing,
    /// Nobody works for it any more.
    Over,
}

/// What came of one helping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Helping {
    Nothing,
    /// All of it was dealt with: delivered, or dead.
    Done {
        delivered: usize,
        dead: usize,
    },
    /// The other side does not take them now.
    Stuck {
        delivered: usize,
        why: String,
    },
}

/// How long to wait after so many attempts in vain: doubling from a second to an hour.
pub(super) fn wait_after(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(12)).min(WAIT_MAX)
}

impl Outlet {
    /// Opens the returner with what the configuration and the options say.
    pub async fn open(
        spool: &Spool,
        name: &OutletName,
        config: &Config,
        kwargs: Map,
    ) -> Result<Outlet, OpenFailure> {
        let found =
            Found::look(config, &name.returner).map_err(|error| OpenFailure::Unknown(error.to_string()))?;
        let (definition, settings, opened) = found.open(config, &name.returner, &name.config, kwargs);
        let returner = opened.map_err(|why| OpenError { name: name.returner.clone(), why })?;
        let id = spool.outlet(name).await?;
        let pulse = if spool.is_failing(id).await? { Pulse::Failing } else { Pulse::Idle };
        let (returner, pulse) = (returner.into(), Mutex::new(pulse));
        Ok(Outlet { id, definition, settings, returner, is_job_store: name.is_job_store, pulse })
    }

    pub fn pulse(&self) -> Pulse {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt in vain is made good by a success only.
    pub fn beats(&self, pulse: Pulse) {
        let mut last = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != Pulse::Failing || pulse == Pulse::Over {
            *last = pulse;
        }
    }

    fn succeeded(&self) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = Pulse::Busy(Instant::now());
    }

    /// Lets the returner connect, so that the first delivery need not wait for that.
    pub async fn get_ready(&self) {
        self.beats(Pulse::Busy(Instant::now()));
        let _ = tokio::time::timeout(DELIVERY_MAX, self.returner.get_ready()).await;
        self.beats(Pulse::Idle);
    }

    /// Takes what is due, delivers it, and tells the spool.
    pub async fn serve(&self, spool: &Spool, whose: Whose) -> Result<Helping, SpoolError> {
        let (batch, at_once) = (self.definition.batch_max, self.definition.at_once_max);
        let due = spool.due(self.id, whose, (batch * at_once).min(HELPING_MAX)).await?;
        if due.is_empty() {
            self.beats(Pulse::Idle);
            return Ok(Helping::Nothing);
        }
        self.beats(Pulse::Busy(Instant::now()));
        let mut calls = JoinSet::new();
        for chunk in due.chunks(batch) {
            calls.spawn(call(self.returner.clone(), self.is_job_store, chunk.to_vec()));
        }
        // Attempts that somebody asked for before they were due are no reason to give up.
        let patient = !matches!(whose, Whose::Nobodys { due_at: Some(_) });
        let mut tally = Tally { patient, ..Tally::default() };
        while let Some(called) = calls.join_next().await {
            match called {
                Ok((chunk, answer)) => self.settle(spool, chunk, answer, &mut tally).await?,
                // The driver panicked. Its rows are still in the spool.
                Err(bug) => _ = tally.stuck.get_or_insert(format!("internal error: {bug}")),
            }
        }
        Ok(match tally.stuck {
            Some(why) => Helping::Stuck { delivered: tally.delivered, why },
            None => Helping::Done { delivered: tally.delivered, dead: tally.dead },
        })
    }

    async fn settle(
        &self,
        spool: &Spool,
        chunk: Vec<Due>,
        answer: Result<(), DeliveryError>,
        tally: &mut Tally,
    ) -> Result<(), SpoolError> {
        match answer {
            Err(DeliveryError { fate: Fate::Dead, .. }) if chunk.len() > 1 => {
                // One of them is at fault: the others must not die with it.
                for due in chunk {
                    let (one, answer) = call(self.returner.clone(), self.is_job_store, vec![due]).await;
                    self.settle_one_kind(spool, &one, answer, tally).await?;
                }
                Ok(())
            }
            answer => self.settle_one_kind(spool, &chunk, answer, tally).await,
        }
    }

    async fn settle_one_kind(
        &self,
        spool: &Spool,
        chunk: &[Due],
        answer: Result<(), DeliveryError>,
        tally: &mut Tally,
    ) -> Result<(), SpoolError> {
        let seqs: Vec<i64> = chunk.iter().map(|due| due.seq).collect();
        let attempts = chunk.iter().map(|due| due.attempts).max().unwrap_or(0) + 1;
        match answer {
            Ok(()) => {
                self.succeeded();
                spool.delivered(self.id, &seqs).await?;
                tally.delivered += seqs.len();
            }
            Err(error) if error.fate == Fate::Dead || (attempts > ATTEMPTS_MAX && !tally.patient) => {
                let why = self.settings.scrub(&error.why);
                tracing::error!(returner = self.definition.name, "a delivery is given up: {why}");
                for seq in seqs {
                    spool.died(self.id, seq, &why).await?;
                    tally.dead += 1;
                }
            }
            Err(error) => {
                self.beats(Pulse::Failing);
                let why = self.settings.scrub(&error.why);
                tracing::debug!(returner = self.definition.name, attempts, "not delivered: {why}");
                spool.failed_for_now(self.id, &seqs, &why, moment(wait_after(attempts))).await?;
                tally.stuck = Some(why);
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Tally {
    /// Whether nothing is given up for the number of its attempts.
    patient: bool,
    delivered: usize,
    dead: usize,
    stuck: Option<String>,
}

/// Why an outlet cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    #[error("{0}")]
    Unknown(String),
    #[error(transparent)]
    Settings(#[from] OpenError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

async fn call(
    returner: Arc<dyn Returner>,
    is_job_store: bool,
    chunk: Vec<Due>,
) -> (Vec<Due>, Result<(), DeliveryError>) {
    let mut batch: Vec<_> = chunk.iter().map(|due| due.delivery.clone()).collect();
    if !is_job_store {
        batch = batch.into_iter().map(|one| Delivery { item: one.item.as_salts(), ..one }).collect();
    }
    (chunk, apart(returner, batch).await)
}

/// One call, on a thread of its own: a driver that is flooded may never let go of the one it is on. It ends when nobody
/// waits for it any more.
async fn apart(returner: Arc<dyn Returner>, batch: Vec<Delivery>) -> Result<(), DeliveryError> {
    let (waits, gone) = tokio::sync::oneshot::channel::<()>();
    let here = tokio::runtime::Handle::current();
    let calling = tokio::task::spawn_blocking(move || {
        here.block_on(async move {
            tokio::select! {
                answer = tokio::time::timeout(DELIVERY_MAX, returner.deliver(&batch)) => answer.ok(),
                _ = gone => None,
            }
        })
    });
    let called = tokio::time::timeout(DELIVERY_MAX + LATE, calling).await;
    drop(waits);
    match called {
        Ok(Ok(Some(answer))) => answer,
        // The driver panicked.
        Ok(Err(bug)) => Err(DeliveryError::retry(format!("internal error: {bug}"))),
        Ok(Ok(None)) | Err(_) => {
            Err(DeliveryError::retry(format!("no answer within {} s", DELIVERY_MAX.as_secs())))
        }
    }
}
