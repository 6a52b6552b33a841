//! `jobs.*`: what ran, what runs, and what came of it. Reads the job store and changes nothing.

use super::filter::Filter;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use super::shape::{WholeJob, listed, no_job};
use crate::jobs::{Job, RunState};
use halite_wire::{Jid, Map, MinionId, Value};
use std::collections::HashSet;

pub(super) const RUNNER: Runner = Runner { name: "jobs", functions: FUNCTIONS };

const JID: Param = Param("jid", Default::Required);
const EXT_SOURCE: Param = Param("ext_source", Default::Null);
const OUTPUTTER: Param = Param("outputter", Default::Null);
const DISPLAY_PROGRESS: Param = Param("display_progress", Default::Bool(false));

const FUNCTIONS: &[Function] = &[
    Function {
        name: "jobs.active",
        params: &[DISPLAY_PROGRESS],
        doc: "Jobs that run now, with the hosts at work (and the process here that drives them) and those done.",
        example: "jobs.active",
        call: |context, args| Box::pin(active(context, args)),
    },
    Function {
        name: "jobs.exit_success",
        params: &[JID, EXT_SOURCE],
        doc: "For each host of a job, whether it answered and did well.",
        example: "jobs.exit_success 20261121031502123456",
        call: |context, args| Box::pin(exit_success(context, args)),
    },
    Function {
        name: "jobs.last_run",
        params: &[
            EXT_SOURCE,
            OUTPUTTER,
            Param("metadata", Default::Null),
            Param("function", Default::Null),
            Param("target", Default::Null),
            DISPLAY_PROGRESS,
        ],
        doc: "The newest job that agrees with all that is given, with its results; False where there is none.",
        example: "jobs.last_run function='cmd.*' target='web*'",
        call: |context, args| Box::pin(last_run(context, args)),
    },
    Function {
        name: "jobs.list_job",
        params: &[JID, EXT_SOURCE, DISPLAY_PROGRESS],
        doc: "One job: what was called on which hosts, and each host's return with its code. Hosts of a run that was \
              cut off are shown as interrupted, with whether the call may have run there.",
        example: "jobs.list_job 20261121031502123456",
        call: |context, args| Box::pin(list_job(context, args)),
    },
    Function {
        name: "jobs.list_jobs",
        params: &[
            EXT_SOURCE,
            OUTPUTTER,
            Param("search_metadata", Default::Null),
            Param("search_function", Default::Null),
            Param("search_target", Default::Null),
            Param("start_time", Default::Null),
            Param("end_time", Default::Null),
            DISPLAY_PROGRESS,
        ],
        doc: "All jobs, or those that agree with all filters. Functions and targets are globs, several with commas \
              between; metadata is a dict of which one entry must agree; times are in UTC.",
        example: "jobs.list_jobs search_function='test.*,cmd.run' start_time='2026-11-20 18:00'",
        call: |context, args| Box::pin(list_jobs(context, args)),
    },
    Function {
        name: "jobs.list_jobs_filter",
        params: &[
            Param("count", Default::Required),
            Param("filter_find_job", Default::Bool(true)),
            EXT_SOURCE,
            OUTPUTTER,
            DISPLAY_PROGRESS,
        ],
        doc: "The newest jobs, at most `count`, oldest first; without those that only ask for running jobs.",
        example: "jobs.list_jobs_filter 10",
        call: |context, args| Box::pin(list_jobs_filter(context, args)),
    },
    Function {
        name: "jobs.lookup_jid",
        params: &[
            JID,
            EXT_SOURCE,
            Param("returned", Default::Bool(true)),
            Param("missing", Default::Bool(false)),
            DISPLAY_PROGRESS,
        ],
        doc: "The results of a job by host, as they were shown when it ran. With `missing=True` also the hosts that \
              have not returned; with `returned=False` only those.",
        example: "jobs.lookup_jid 20261121031502123456",
        call: |context, args| Box::pin(lookup_jid(context, args)),
    },
    Function {
        name: "jobs.print_job",
        params: &[JID, EXT_SOURCE],
        doc: "The same as `jobs.list_job`, under the id of the job.",
        example: "jobs.print_job 20261121031502123456",
        call: |context, args| Box::pin(print_job(context, args)),
    },
];

async fn active(context: &Context, _: Bound) -> Result<Answer, RunnerError> {
    let mut active = Map::new();
    for job in all_jobs(context).await? {
        if job.state() != RunState::Running {
            continue;
        }
        let (jid, pid, admitted) = (job.jid, job.owner.pid, job.admitted);
        let Some(whole) = whole_job(context, jid).await? else { continue };
        let awaited: HashSet<&MinionId> = whole.awaited.iter().collect();
        let at_work = whole.targets.iter().take(admitted).filter(|id| awaited.contains(id));
        let mut shape = listed(&job);
        shape.insert("Running", at_work.map(|id| Map::from([(id.as_str(), pid)])).collect::<Value>());
        shape.insert("Returned", whole.returns.iter().map(|ret| ret.id.as_str()).collect::<Value>());
        active.insert(jid.as_str(), shape);
    }
    Ok(Value::Map(active).into())
}

async fn exit_success(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let jid = jid_of(&args)?;
    let Some(whole) = whole_job(context, jid).await? else { return Ok(Value::Map(Map::new()).into()) };
    let mut done_well: Map = whole.targets.iter().map(|id| (id.as_str(), false)).collect();
    for ret in &whole.returns {
        done_well.insert(ret.id.as_str(), ret.success);
    }
    Ok(Value::Map(done_well).into())
}

async fn last_run(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let outputter = outputter_of(&args);
    let filter = Filter::new(&args, ["metadata", "function", "target"], now(context))?;
    known_source(&args)?;
    let newest = all_jobs(context).await?.into_iter().rev().find(|job| filter.agrees(job));
    let data = match newest {
        Some(job) => Value::Map(printed(context, job.jid).await?),
        None => Value::Bool(false),
    };
    Ok(Answer { data, outputter })
}

async fn list_job(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let jid = jid_of(&args)?;
    let mut shape = Map::from([("jid", jid.as_str())]);
    shape.extend(job_shape(context, jid).await?);
    Ok(Value::Map(shape).into())
}

async fn print_job(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    Ok(Value::Map(printed(context, jid_of(&args)?).await?).into())
}

async fn list_jobs(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    known_source(&args)?;
    let filter = Filter::new(&args, ["search_metadata", "search_function", "search_target"], now(context))?;
    let jobs = all_jobs(context).await?;
    let found: Map =
        jobs.iter().filter(|job| filter.agrees(job)).map(|job| (job.jid.as_str(), listed(job))).collect();
    Ok(Answer { data: Value::Map(found), outputter: outputter_of(&args) })
}

async fn list_jobs_filter(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    known_source(&args)?;
    let count = args.get("count").as_i64().and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or_else(|| args.wrong("'count' must be a whole number, 0 or more"))?;
    let mut jobs = all_jobs(context).await?;
    if args.is_true("filter_find_job") {
        jobs.retain(|job| job.load.get_str("fun") != Some("saltutil.find_job"));
    }
    let newest = jobs.iter().skip(jobs.len().saturating_sub(count)).map(|job| {
        let mut shape = listed(job);
        shape.insert("JID", job.jid.as_str());
        shape
    });
    Ok(Answer { data: newest.collect(), outputter: outputter_of(&args) })
}

async fn lookup_jid(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let jid = jid_of(&args)?;
    let Some(whole) = whole_job(context, jid).await? else { return Ok(Value::Map(Map::new()).into()) };
    let mut found = Map::new();
    for ret in &whole.returns {
        // A host that was cut off is not missing: it is known not to answer any more.
        let is_cut_off = ret.full_ret.get_str("outcome") == Some("interrupted");
        if args.is_true("returned") || is_cut_off {
            found.insert(ret.id.as_str(), ret.value().clone());
        }
    }
    if args.is_true("missing") {
        found.extend(whole.awaited.iter().map(|id: &MinionId| (id.as_str(), "Minion did not return")));
    }
    let suggested = whole.returns.first().and_then(|ret| ret.full_ret.get_str("out"));
    Ok(Answer { data: Value::Map(found), outputter: suggested.map(str::to_owned) })
}

async fn printed(context: &Context, jid: Jid) -> Result<Map, RunnerError> {
    Ok(Map::from([(jid.as_str(), job_shape(context, jid).await?)]))
}

async fn job_shape(context: &Context, jid: Jid) -> Result<Map, RunnerError> {
    let whole = whole_job(context, jid).await?;
    Ok(whole.map_or_else(|| no_job(jid), |whole| whole.shape(context.show_endtime)))
}

async fn whole_job(context: &Context, jid: Jid) -> Result<Option<WholeJob>, RunnerError> {
    match &context.store {
        Some(store) => Ok(WholeJob::read(&**store, jid).await?),
        None => Ok(None),
    }
}

/// Oldest first.
async fn all_jobs(context: &Context) -> Result<Vec<Job>, RunnerError> {
    match &context.store {
        Some(store) => Ok(store.list().await?),
        None => Ok(Vec::new()),
    }
}

fn now(context: &Context) -> Jid {
    Jid::from_unix_micros(context.now_micros)
}

/// The argument `jid`, where it is one; nothing else may become a key or a path.
fn jid_of(args: &Bound) -> Result<Jid, RunnerError> {
    known_source(args)?;
    let text = args.text("jid").unwrap_or_default();
    text.parse()
        .map_err(|_| args.wrong(format!("{text:?} is no job id: 20 digits, as `jobs.list_jobs` shows them")))
}

fn outputter_of(args: &Bound) -> Option<String> {
    args.get("outputter").as_str().map(str::to_owned)
}

/// Jobs are looked up in one store only.
fn known_source(args: &Bound) -> Result<(), RunnerError> {
    match args.get("ext_source") {
        Value::Null => Ok(()),
        _ => Err(args.wrong("'ext_source' does not work yet: there is one store")),
    }
}
