//! Salt's shapes of a stored job.

use crate::jobs::{Job, JobStore, RunState, StoreError, StoredReturn};
use halite_wire::{Jid, Map, MinionId, Value};
use std::collections::HashSet;

/// A job with all that is known of its hosts.
pub struct WholeJob {
    pub job: Job,
    pub targets: Vec<MinionId>,
    /// What was stored, in the order it came. Where the run was cut off, the hosts without a record follow as
    /// interrupted.
    pub returns: Vec<StoredReturn>,
    /// Hosts of which nothing is known yet: the run goes on.
    pub awaited: Vec<MinionId>,
}

impl WholeJob {
    /// Reads all of it; `None` where there is no such job.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read(store: &dyn JobStore, jid: Jid) -> Result<Option<WholeJob>, StoreError> {
        let Some(job) = store.load(jid).await? else { return Ok(None) };
        let targets = store.targets(jid).await?;
        let mut returns = store.returns(jid).await?;
        let known: HashSet<&MinionId> = returns.iter().map(|ret| &ret.id).collect();
        let without = |(place, id): (usize, &MinionId)| (!known.contains(id)).then(|| (place, id.clone()));
        let absent: Vec<_> = targets.iter().enumerate().filter_map(without).collect();
        let mut awaited = Vec::new();
        for (place, id) in absent {
            if job.state() == RunState::Interrupted {
                returns.push(StoredReturn::cut_off(&job, place, id));
            } else {
                awaited.push(id);
            }
        }
        Ok(Some(WholeJob { job, targets, returns, awaited }))
    }

    /// `Result`: `{id: {return, retcode, success, out?}}`, with `outcome` and `reached` for hosts that gave no answer.
    fn results(&self) -> Map {
        let result = |ret: &StoredReturn| {
            let words: &[&str] =
                if ret.has_answer() { &["return", "retcode", "success", "out"] } else { &UNANSWERED };
            let fields: Map =
                words.iter().filter_map(|word| Some((*word, ret.full_ret.get(word)?.clone()))).collect();
            (ret.id.as_str().to_owned(), Value::Map(fields))
        };
        self.returns.iter().map(result).collect()
    }

    /// The job as `list_job` and `print_job` show it, without its id.
    pub(super) fn shape(&self, show_endtime: bool) -> Map {
        let mut shape = job_instance(&self.job.load);
        shape.insert("Minions", self.targets.iter().map(MinionId::as_str).collect::<Value>());
        shape.insert("StartTime", self.job.jid.start_time());
        shape.insert("Result", self.results());
        if let Some(ended) = self.job.ended.filter(|_| show_endtime) {
            shape.insert("EndTime", ended.start_time());
        }
        shape
    }
}

const UNANSWERED: [&str; 5] = ["return", "retcode", "success", "outcome", "reached"];

/// What stands for a job that is not there.
pub(super) fn no_job(jid: Jid) -> Map {
    Map::from([
        ("Error", Value::from("there is no job with this jid in the store")),
        ("StartTime", jid.start_time().into()),
        ("Result", Map::new().into()),
    ])
}

/// A job in a list: `Function, Arguments, Target, Target-type, User, Metadata?, StartTime`.
pub(super) fn listed(job: &Job) -> Map {
    let mut shape = job_instance(&job.load);
    shape.insert("StartTime", job.jid.start_time());
    shape
}

/// The fields of a load under the names people see.
pub(super) fn job_instance(load: &Map) -> Map {
    let or = |key: &str, default: &str| load.get(key).cloned().unwrap_or_else(|| default.into());
    let mut shape = Map::from([
        ("Function", or("fun", "unknown-function")),
        ("Arguments", load.get("arg").cloned().unwrap_or_else(|| Value::List(Vec::new()))),
        ("Target", or("tgt", "unknown-target")),
        ("Target-type", or("tgt_type", "list")),
        ("User", or("user", "root")),
    ]);
    if let Some(metadata) = metadata(load) {
        shape.insert("Metadata", metadata.clone());
    }
    shape
}

/// Metadata of a job: its own field, or the keyword argument `metadata` of its call.
fn metadata(load: &Map) -> Option<&Value> {
    let in_kwargs = |arg: &'_ Value| arg.get("__kwarg__").is_some_and(|mark| *mark == Value::Bool(true));
    let of_call = || {
        let args = load.get("arg")?.as_list()?;
        args.iter().filter(|arg| in_kwargs(arg)).find_map(|arg| arg.get("metadata"))
    };
    let of_load = load.get("metadata").or_else(|| load.get("kwargs")?.get("metadata"));
    of_load.or_else(of_call)
}

/// `{id: what of it}`.
pub(super) fn by_host(returns: &[StoredReturn], what: impl Fn(&StoredReturn) -> Value) -> Value {
    Value::Map(returns.iter().map(|ret| (ret.id.as_str(), what(ret))).collect())
}
