//! From the job store to the views that are shown.

use super::{moment, no_job, trouble};
use crate::cli::exit;
use crate::cli::options::{JobName, JobsFilter};
use crate::cli::setup::Refusal;
use crate::jobs::{self, Ending, Job, JobStore, RunState, Search, StoreError, StoredReturn};
use crate::output::history::{Counts, Fate, HostView, JobHead, Stage};
use crate::runners::WholeJob;
use halite_roster::Glob;
use halite_wire::{Jid, Map, MinionId, Value};
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// Returns read ahead of whoever shows them.
const RETURNS_WAITING_MAX: usize = 64;

/// Jobs read in one go, where the store can stop at a number.
const JOBS_AT_ONCE: usize = 100;

/// The jobs that agree with a filter, newest first, in pieces.
pub(super) struct Newest {
    search: Search,
    targets: Vec<Glob>,
    /// The last of those handed out, which the search finds once more.
    shown: Option<Jid>,
    is_over: bool,
}

impl Newest {
    pub(super) fn new(filter: &JobsFilter, now_micros: u64) -> Result<Newest, Refusal> {
        let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, now_micros)).transpose();
        let search = Search {
            since: time(&filter.since)?,
            until: time(&filter.until)?.map(Jid::last_of_moment),
            functions: filter.functions.clone(),
            // A search by function looks at all jobs anyway.
            newest: filter.functions.is_empty().then(|| filter.newest.unwrap_or(0).max(JOBS_AT_ONCE)),
            ..Search::default()
        };
        let targets = filter.targets.iter().map(|glob| Glob::new(glob)).collect();
        Ok(Newest { search, targets, shown: None, is_over: false })
    }

    /// The next ones with their counts; `None` where there are no more.
    pub(super) async fn next(
        &mut self,
        store: &dyn JobStore,
    ) -> Result<Option<Vec<(JobHead, Counts)>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let mut jobs = store.find(&self.search).await?;
        let oldest = jobs.first().map(|job| job.jid);
        self.is_over = oldest == self.shown || self.search.newest.is_none_or(|most| jobs.len() < most);
        jobs.retain(|job| Some(job.jid) != self.shown);
        self.search.until = oldest;
        self.shown = oldest;
        if !self.targets.is_empty() {
            jobs.retain(|job| self.targets.iter().any(|glob| glob.is_match(&target(job))));
        }
        jobs.reverse();
        let jids: Vec<Jid> = jobs.iter().map(|job| job.jid).collect();
        let counts = store.counts(&jids).await?;
        Ok(Some(jobs.iter().zip(counts).map(|(job, counts)| (head(job), shown(job, &counts))).collect()))
    }
}

/// The counts as people read them: hosts without a return are awaited, or lost with the process of their job.
pub(super) fn shown(job: &Job, counts: &jobs::Counts) -> Counts {
    let (without, is_cut_off) = (counts.without(), job.state() == RunState::Interrupted);
    let jobs::Counts { ok, changed, failed, lost, .. } = *counts;
    let (lost, awaited) = if is_cut_off { (lost + without, 0) } else { (lost, without) };
    Counts { ok, changed, failed, lost, awaited }
}

/// Gives every host of the job to `each`, as it is read: those with a return, then the others.
pub(super) async fn for_each(
    store: &dyn JobStore,
    job: &Job,
    mut each: impl FnMut(HostView) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (to, mut rows) = mpsc::channel(RETURNS_WAITING_MAX);
    let showing = async {
        let mut known = HashSet::new();
        while let Some(ret) = rows.recv().await {
            each(host(&ret))?;
            known.insert(ret.id);
        }
        Ok(known)
    };
    let (sent, known) = tokio::join!(store.send_returns(job.jid, to), showing);
    let known: HashSet<MinionId> = known?;
    sent.map_err(trouble)?;
    let is_cut_off = job.state() == RunState::Interrupted;
    let targets = store.targets(job.jid).await.map_err(trouble)?;
    for (place, id) in targets.into_iter().enumerate().filter(|(_, id)| !known.contains(id)) {
        each(if is_cut_off { host(&StoredReturn::cut_off(job, place, id)) } else { awaited(&id) })?;
    }
    Ok(())
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
    let fate = match ret.ending() {
        Ending::Ok => Fate::Ok,
        Ending::Changed => Fate::Changed,
        Ending::Failed => Fate::Failed,
        Ending::Lost => Fate::Lost,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::{TempDir, ids, request};
    use crate::jobs::{NewJob, SqliteStore};

    #[tokio::test]
    async fn jobs_of_one_moment_are_handed_out_once_each_though_they_come_in_pieces() {
        let dir = TempDir::new();
        let store = SqliteStore::open(dir.path()).await.unwrap();
        let (request, targets) = (request("test.ping"), ids(["a"]));
        let mut begun = Vec::new();
        for moment in [1_u64, 2] {
            for process in 0..JOBS_AT_ONCE as u32 {
                let wanted = Some(Jid::from_unix_micros(moment).of_process(process));
                let job = NewJob { request: &request, targets: &targets, admitted: 1, wanted };
                begun.push(store.begin(job).await.unwrap());
            }
        }
        begun.sort_unstable();
        for until in [None, Some("1970-01-01 00:00:00.000002".to_owned())] {
            let mut newest = Newest::new(&JobsFilter { until, ..JobsFilter::default() }, 0).unwrap();
            let mut found = Vec::new();
            while let Some(some) = newest.next(&store).await.unwrap() {
                found.extend(some.iter().map(|(head, _)| head.jid));
            }
            found.reverse();
            assert_eq!(found, begun);
        }
    }
}
