//! From the job store to the views that are shown.

use super::{moment, no_job, trouble};
use crate::cli::exit;
use crate::cli::options::{JobName, JobsFilter};
use crate::cli::setup::Refusal;
use crate::jobs::{Job, JobStore, RunState, Search, StoreError, StoredReturn};
use crate::output::history::{Fate, HostView, JobHead, Stage, has_changes};
use crate::runners::WholeJob;
use halite_roster::Glob;
use halite_wire::{Jid, Map, MinionId, Value};
use std::time::Duration;

/// The jobs that agree with the filter, newest first.
pub(super) async fn newest_first(
    store: &dyn JobStore,
    filter: &JobsFilter,
    now_micros: u64,
) -> Result<Vec<Jid>, Refusal> {
    let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, now_micros)).transpose();
    let search = Search {
        since: time(&filter.since)?,
        until: time(&filter.until)?,
        functions: filter.functions.clone(),
        ..Search::default()
    };
    let targets: Vec<Glob> = filter.targets.iter().map(|glob| Glob::new(glob)).collect();
    let mut jobs = store.find(&search).await.map_err(trouble)?;
    if !targets.is_empty() {
        jobs.retain(|job| targets.iter().any(|glob| glob.is_match(&target(job))));
    }
    Ok(jobs.iter().rev().map(|job| job.jid).collect())
}

/// The job a name stands for.
pub(in crate::cli) async fn named(store: &dyn JobStore, name: JobName) -> Result<Jid, Refusal> {
    let JobName::Newest = name else {
        let JobName::Jid(jid) = name else { return Err(none_yet()) };
        let found = store.load(jid).await.map_err(trouble)?;
        return found.map(|job| job.jid).ok_or_else(|| no_job(jid));
    };
    let newest = Search { newest: Some(1), ..Search::default() };
    let found = store.find(&newest).await.map_err(trouble)?;
    found.last().map(|job| job.jid).ok_or_else(none_yet)
}

pub(in crate::cli) fn none_yet() -> Refusal {
    Refusal::new(exit::NO_TARGET, "there is no job in the store yet")
}

/// The job with all its hosts, in the order of the targets; `None` where there is none.
pub(in crate::cli) async fn job(
    store: &dyn JobStore,
    jid: Jid,
) -> Result<Option<(JobHead, Vec<HostView>)>, StoreError> {
    let Some(whole) = WholeJob::read(store, jid).await? else { return Ok(None) };
    let mut hosts: Vec<HostView> = whole.returns.iter().map(host).collect();
    hosts.extend(whole.awaited.iter().map(awaited));
    Ok(Some((head(&whole.job), hosts)))
}

pub(super) fn head(job: &Job) -> JobHead {
    let text = |key: &str| job.load.get_str(key).unwrap_or("").to_owned();
    let stage = match job.state() {
        RunState::Running => Stage::Running,
        RunState::Ended => Stage::Done,
        RunState::Interrupted => Stage::CutOff,
    };
    let took = job.ended.map(|ended| ended.unix_micros().saturating_sub(job.jid.unix_micros()));
    JobHead {
        jid: job.jid,
        fun: text("fun"),
        args: job.load.get("arg").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default(),
        target: target(job),
        target_kind: text("tgt_type"),
        user: text("user"),
        stage,
        took: took.map(Duration::from_micros),
    }
}

/// The target as it was typed; a list with commas.
fn target(job: &Job) -> String {
    match job.load.get("tgt") {
        Some(Value::Str(target)) => target.clone(),
        Some(Value::List(ids)) => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => String::new(),
    }
}

pub(super) fn host(ret: &StoredReturn) -> HostView {
    let outcome = ret.full_ret.get_str("outcome").unwrap_or(if ret.success { "ok" } else { "failed" });
    let changed = || ret.fun.starts_with("state.") && has_changes(ret.value());
    let fate = match outcome {
        "ok" if changed() => Fate::Changed,
        "ok" => Fate::Ok,
        "failed" => Fate::Failed,
        _ => Fate::Lost,
    };
    HostView {
        id: ret.id.to_string(),
        fate,
        outcome: outcome.to_owned(),
        value: ret.value().clone(),
        retcode: ret.full_ret.get("retcode").and_then(Value::as_i64).unwrap_or(0),
        out: ret.full_ret.get_str("out").map(str::to_owned),
        full: ret.full_ret.clone(),
    }
}

fn awaited(id: &MinionId) -> HostView {
    HostView {
        id: id.to_string(),
        fate: Fate::Awaited,
        outcome: "awaited".to_owned(),
        value: Value::NULL,
        retcode: 0,
        out: None,
        full: Map::new(),
    }
}
