//! `jobs.*`: what ran, what runs, and what came of it. Reads the job store and changes nothing.

use super::filter::Filter;
use super::lookup::Lookup;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use super::shape::{WholeJob, listed, no_job};
use crate::jobs::{self, Job, JobStore, RunState, Search};
use halite_wire::{Jid, Map, MinionId, Value};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

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
        name: "jobs.init_store",
        params: &[Param("store", Default::Null)],
        doc: "Makes the tables a job store needs, where they are missing: of the store named, or of the one \
              `master_job_cache` names. What is there stays.",
        example: "jobs.init_store mysql",
        call: |context, args| Box::pin(init_store(context, args)),
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
        name: "jobs.master",
        params: &[],
        doc: "Runners that run now: a list of `jid`, `fun`, `fun_args`, `user` and `pid` (of the process here).",
        example: "jobs.master",
        call: |context, args| Box::pin(master(context, args)),
    },
    Function {
        name: "jobs.migrate",
        params: &[Param("source", Default::Required), Param("target", Default::Required)],
        doc: "Copies all jobs with their returns from one store to another; `sqlite` is the one of this machine. What \
              is there already stays, so a copy that was cut off can be made again.",
        example: "jobs.migrate local_cache mysql",
        call: |context, args| Box::pin(migrate(context, args)),
    },
    Function {
        name: "jobs.print_job",
        params: &[JID, EXT_SOURCE],
        doc: "The same as `jobs.list_job`, under the id of the job.",
        example: "jobs.print_job 20261121031502123456",
        call: |context, args| Box::pin(print_job(context, args)),
    },
];

/// Entries read ahead of whoever shows them.
const ENTRIES_WAITING_MAX: usize = 64;

async fn active(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let mut active = Map::new();
    for job in found(context, &Search { unended: true, ..Search::default() }).await? {
        if job.state() != RunState::Running {
            continue;
        }
        told(context, &args, || format!("job {} runs", job.jid)).await;
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

async fn master(context: &Context, _: Bound) -> Result<Answer, RunnerError> {
    let search = Search { functions: vec!["runner.*".to_owned()], unended: true, ..Search::default() };
    let jobs = found(context, &search).await?;
    let is_meant = |job: &&Job| job.state() == RunState::Running;
    let shape = |job: &Job| {
        let of_load = |key: &str| job.load.get(key).cloned().unwrap_or(Value::NULL);
        Value::Map(Map::from([
            ("jid", job.jid.as_str().into()),
            ("fun", of_load("fun")),
            ("fun_args", of_load("arg")),
            ("user", of_load("user")),
            ("pid", job.owner.pid.into()),
        ]))
    };
    Ok(jobs.iter().filter(is_meant).map(shape).collect::<Value>().into())
}

async fn exit_success(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = &with_source(context, &args)?;
    let jid = jid_of(&args)?;
    let Some(whole) = whole_job(context, jid).await? else { return Ok(Value::Map(Map::new()).into()) };
    let mut done_well: Map = whole.targets.iter().map(|id| (id.as_str(), false)).collect();
    for ret in &whole.returns {
        done_well.insert(ret.id.as_str(), ret.success);
    }
    Ok(Value::Map(done_well).into())
}

async fn init_store(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name =
        args.text("store").or_else(|| Some(context.config.opts.0.get_str("master_job_cache")?.to_owned()));
    let store = named(context, name.as_deref().unwrap_or("sqlite")).await?;
    store.init().await?;
    Ok(Value::from(store.place()).into())
}

async fn migrate(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let name = |parameter| args.text(parameter).unwrap_or_default();
    let (source, target) = (named(context, &name("source")).await?, named(context, &name("target")).await?);
    let (jobs, returns) = jobs::migrate(&*source, &*target).await?;
    Ok(Value::Map(Map::from([("jobs", jobs), ("returns", returns)])).into())
}

async fn named(context: &Context, name: &str) -> Result<Arc<dyn JobStore>, RunnerError> {
    Ok(jobs::open_named(name, &context.config.dirs.store, &context.config.opts.0).await?)
}

async fn last_run(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let outputter = outputter_of(&args);
    let filter = Filter::new(&args, ["metadata", "function", "target"], now(context))?;
    let context = &with_source(context, &args)?;
    told(context, &args, || looking(context)).await;
    let newest = found(context, &filter.search).await?.into_iter().rev().find(|job| filter.agrees(job));
    let data = match newest {
        Some(job) => Value::Map(printed(context, job.jid).await?),
        None => Value::Bool(false),
    };
    Ok(Answer { outputter, ..data.into() })
}

async fn list_job(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = &with_source(context, &args)?;
    let jid = jid_of(&args)?;
    told(context, &args, || looking(context)).await;
    let mut shape = Map::from([("jid", jid.as_str())]);
    shape.extend(job_shape(context, jid).await?);
    Ok(Value::Map(shape).into())
}

async fn print_job(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = &with_source(context, &args)?;
    Ok(Value::Map(printed(context, jid_of(&args)?).await?).into())
}

async fn list_jobs(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = &with_source(context, &args)?;
    let filter = Filter::new(&args, ["search_metadata", "search_function", "search_target"], now(context))?;
    told(context, &args, || looking(context)).await;
    let jobs = found(context, &filter.search).await?;
    let found: Map =
        jobs.iter().filter(|job| filter.agrees(job)).map(|job| (job.jid.as_str(), listed(job))).collect();
    Ok(Answer { outputter: outputter_of(&args), ..Value::Map(found).into() })
}

async fn list_jobs_filter(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = &with_source(context, &args)?;
    let count = args.get("count").as_i64().and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or_else(|| args.wrong("'count' must be a whole number, 0 or more"))?;
    let without = args.is_true("filter_find_job").then(|| "saltutil.find_job".to_owned());
    let search = Search { newest: Some(count), without, ..Search::default() };
    told(context, &args, || looking(context)).await;
    let jobs = found(context, &search).await?;
    let newest = jobs.iter().map(|job| {
        let mut shape = listed(job);
        shape.insert("JID", job.jid.as_str());
        shape
    });
    Ok(Answer { outputter: outputter_of(&args), ..newest.collect::<Value>().into() })
}

/// Gives what the store has as it is read: the first host of many is shown at once.
async fn lookup_jid(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let context = with_source(context, &args)?;
    let jid = jid_of(&args)?;
    told(&context, &args, || looking(&context)).await;
    let empty = || Answer::from(Value::Map(Map::new()));
    let Some(store) = context.store.clone() else { return Ok(empty()) };
    let Some(job) = store.load(jid).await? else { return Ok(empty()) };
    let (wanted, progress) =
        ([args.is_true("returned"), args.is_true("missing")], args.is_true("display_progress"));
    let house = progress.then(|| context.house.clone());
    let (to, mut entries) = mpsc::channel(ENTRIES_WAITING_MAX);
    let (suggest, suggested) = oneshot::channel();
    tokio::spawn(async move {
        if let Err(error) = (Lookup { store, job, wanted, house, to: to.clone() }).send(suggest).await {
            let _ = to.send(Err(error)).await;
        }
    });
    let outputter = suggested.await.unwrap_or_default();
    // What is wrong from the beginning is an error, not half an answer.
    let mut data = Map::new();
    if let Some(first) = entries.recv().await {
        let (id, value) = first?;
        data.insert(id, value);
    }
    Ok(Answer { data: Value::Map(data), outputter, more: Some(entries) })
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
async fn found(context: &Context, search: &Search) -> Result<Vec<Job>, RunnerError> {
    match &context.store {
        Some(store) => Ok(store.find(search).await?),
        None => Ok(Vec::new()),
    }
}

/// Tells the user what is done, where `display_progress` asks for it.
async fn told(context: &Context, args: &Bound, what: impl FnOnce() -> String) {
    if args.is_true("display_progress") {
        context.house.progress(&what()).await;
    }
}

fn looking(context: &Context) -> String {
    let place = context.store.as_ref().map(|store| store.place());
    place.map_or_else(|| "no job was ever stored here".to_owned(), |place| format!("looking in {place}"))
}

fn now(context: &Context) -> Jid {
    Jid::from_unix_micros(context.now_micros)
}

/// The argument `jid`, where it is one; nothing else may become a key or a path.
fn jid_of(args: &Bound) -> Result<Jid, RunnerError> {
    let text = args.text("jid").unwrap_or_default();
    text.parse().map_err(|_| {
        args.wrong(format!("{text:?} is no job id: {}, as `jobs.list_jobs` shows them", Jid::FORM))
    })
}

fn outputter_of(args: &Bound) -> Option<String> {
    args.get("outputter").as_str().map(str::to_owned)
}

/// The context with the store that `ext_source` names, where it does.
fn with_source(context: &Context, args: &Bound) -> Result<Context, RunnerError> {
    match args.text("ext_source") {
        None => Ok(context.clone()),
        Some(name) => {
            let store = jobs::open_named_to_read(&name, context.store.as_ref(), &context.config.opts.0)?;
            Ok(Context { store, ..context.clone() })
        }
    }
}
