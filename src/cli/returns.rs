//! The returners of a run, from its options to the flush that goes on after it.

use super::exit;
use super::setup::Refusal;
use crate::config::Config;
use crate::fleet::facts::Request;
use crate::jobs::{self, StoreError};
use crate::output::Log;
use crate::returners::{self, Asked, OpenFailure, Outbox, Outlets, Wanted};
use halite_wire::{Jid, Map, MinionId, Value};

/// The returners the command line and the configuration ask for, and the job store elsewhere where jobs are kept, open;
/// `None` where there are none.
///
/// # Errors
/// One that is not known, one whose keys are missing or wrong, and a spool that cannot be used.
pub(super) async fn open(
    asked: &Asked,
    config: &Config,
    is_kept: bool,
    log: &Log,
) -> Result<Option<Outlets>, Refusal> {
    let wanted = Wanted::new(config, asked).map_err(|error| Refusal::new(exit::USAGE, error))?;
    wanted.unknown_kwargs().iter().for_each(|told| log.warning(told));
    open_wanted(wanted, config, is_kept).await
}

/// The job store elsewhere, for a job that no returner hears of.
///
/// # Errors
/// As [`open`].
pub(super) async fn open_store(config: &Config) -> Result<Option<Outlets>, Refusal> {
    open_wanted(Wanted::default(), config, true).await
}

async fn open_wanted(mut wanted: Wanted, config: &Config, is_kept: bool) -> Result<Option<Outlets>, Refusal> {
    let refused = |error: StoreError| Refusal::new(exit::STORE, format!("{error}. {}", error.hint()));
    if let Some((name, _)) = jobs::elsewhere(&config.opts.0).map_err(refused)?.filter(|_| is_kept) {
        wanted = wanted.with_job_store(name);
    }
    Outlets::open(config, &wanted).await.map_err(|error| {
        let code = match &error {
            OpenFailure::Unknown(_) => exit::USAGE,
            OpenFailure::Settings(_) => exit::CONFIG,
            OpenFailure::Spool(_) => exit::STORE,
        };
        Refusal::new(code, error)
    })
}

/// The job is in the spool before its first host has its turn, and the workers begin.
///
/// # Errors
/// A spool that cannot be written to.
pub(super) async fn begin(
    outlets: Option<Outlets>,
    jid: Jid,
    request: &Request,
    targets: &[MinionId],
) -> Result<Option<Outbox>, Refusal> {
    let Some(outlets) = outlets else { return Ok(None) };
    let begun = outlets.begin(jid, request, targets).await;
    begun.map(Some).map_err(|error| Refusal::new(exit::STORE, error))
}

/// What this run, or one that was killed, has left goes on in the background.
pub(super) async fn afterwards(config: &Config, is_left: bool) {
    if is_left || returners::is_due(config).await {
        returners::start_in_background(config);
    }
}

/// What hosts are told of the returners here, for `sys.list_returners` and its kin: they have none of their own.
pub(super) fn told() -> Map {
    let of = |definition: &&returners::Definition| {
        let functions: Value = definition.functions().collect();
        let told = Map::from([("functions", functions), ("doc", definition.full_doc().into())]);
        (definition.name, told)
    };
    let all: Map = returners::RETURNERS.iter().map(of).collect();
    Map::from([("__returners", all)])
}
