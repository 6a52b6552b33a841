//! The shapes kept under a jid: Salt's load of a job and full return of a host, with our words added.

use super::counts::has_changed;
use super::{Job, json};
use crate::fleet::facts::Request;
use crate::fleet::outcome::{Outcome, Reached, Record};
use halite_wire::{Jid, Map, MinionId, Value};

/// One host's return as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredReturn {
    pub jid: Jid,
    pub id: MinionId,
    pub fun: String,
    pub success: bool,
    /// `id, jid, fun, fun_args, return, retcode, success, out?` as Salt has them, then `outcome` (one word, `ok`
    /// or why not), `changed` where states changed something, `reached` (`not_started`, `may_have_run`, `ran`), and
    /// `notes` and `noise` where there are any.
    /// A run of states that was cut off has `error` (why) and `progress` (`done`, `total`, `running`), too; a job that
    /// read files has `trees`, the digest of each environment as it was for this job.
    pub full_ret: Map,
}

impl StoredReturn {
    pub fn new(jid: Jid, request: &Request, record: &Record) -> StoredReturn {
        let success = record.is_ok();
        let mut full_ret = Map::from([
            ("id", Value::from(record.minion.as_str())),
            ("jid", jid.as_str().into()),
            ("fun", request.fun.as_str().into()),
            ("fun_args", request.fun_args().into()),
            ("return", record.value()),
            ("retcode", record.retcode().into()),
            ("success", success.into()),
        ]);
        if let Some(out) = record.outputter() {
            full_ret.insert("out", out);
        }
        full_ret.insert("outcome", record.kind());
        if success && full_ret.get("return").is_some_and(|value| has_changed(&request.fun, value)) {
            full_ret.insert("changed", true);
        }
        full_ret.insert("reached", record.reached().name());
        if let Outcome::Returned(ret) = &record.outcome
            && !ret.notes.is_empty()
        {
            full_ret.insert("notes", ret.notes.clone());
        }
        if let Some(unfinished) = &record.unfinished {
            full_ret.insert("error", record.outcome.to_string());
            full_ret.insert("progress", unfinished.progress());
        }
        if !record.trees.is_empty() {
            full_ret.insert("trees", record.trees.clone());
        }
        if !record.noise.is_empty() {
            full_ret.insert("noise", Value::from_bytes(record.noise.clone()));
        }
        StoredReturn { jid, id: record.minion.clone(), fun: request.fun.clone(), success, full_ret }
    }

    /// Stands for a row that cannot be read.
    pub(super) fn damaged(jid: Jid, id: MinionId, fun: &str, why: &str) -> StoredReturn {
        let said = format!("the stored return of {id} is damaged: {why}");
        StoredReturn::unanswered(jid, id, fun, said, "damaged", Reached::MayHaveRun)
    }

    /// Stands for a host whose record was never written because the process of the job died.
    fn interrupted(jid: Jid, id: MinionId, fun: &str, reached: Reached) -> StoredReturn {
        let why = match reached {
            Reached::NotStarted => "nothing ran on this host",
            Reached::MayHaveRun | Reached::Ran => "it may have run on this host",
        };
        let said = format!("interrupted ({}): the job was cut off, {why}", reached.name());
        StoredReturn::unanswered(jid, id, fun, said, "interrupted", reached)
    }

    /// Stands for the target at `place` of a job whose process died before it had a record.
    pub fn cut_off(job: &Job, place: usize, id: MinionId) -> StoredReturn {
        let reached = if place < job.admitted { Reached::MayHaveRun } else { Reached::NotStarted };
        StoredReturn::interrupted(job.jid, id, job.load.get_str("fun").unwrap_or(""), reached)
    }

    fn unanswered(
        jid: Jid,
        id: MinionId,
        fun: &str,
        said: String,
        outcome: &str,
        reached: Reached,
    ) -> StoredReturn {
        let full_ret = Map::from([
            ("id", Value::from(id.as_str())),
            ("jid", jid.as_str().into()),
            ("fun", fun.into()),
            ("return", said.into()),
            ("retcode", 255.into()),
            ("success", false.into()),
            ("outcome", outcome.into()),
            ("reached", reached.name().into()),
        ]);
        StoredReturn { jid, id, fun: fun.to_owned(), success: false, full_ret }
    }

    /// What Salt's own job cache keeps of a return.
    pub(super) fn kept(&self) -> Map {
        let keys = ["return", "retcode", "success"];
        keys.into_iter().filter_map(|key| Some((key, self.full_ret.get(key)?.clone()))).collect()
    }

    /// Adds the names that a layout has outside of the return.
    pub(super) fn complete(&mut self) {
        let names = [("id", self.id.as_str()), ("jid", self.jid.as_str()), ("fun", self.fun.as_str())];
        let mut whole = Map::from(names);
        whole.extend(std::mem::take(&mut self.full_ret));
        self.full_ret = whole;
    }

    /// What the host answered, or one line that says why it did not.
    pub fn value(&self) -> &Value {
        self.full_ret.get("return").unwrap_or(&Value::NULL)
    }

    /// Whether the host answered at all, well or not. Rows of other programs have no outcome: they are answers.
    pub fn has_answer(&self) -> bool {
        self.full_ret.get_str("outcome").is_none_or(|outcome| matches!(outcome, "ok" | "failed"))
    }
}

/// Salt's load of a job: `jid, tgt_type, tgt, user, fun, arg, metadata?`, and `options`, the names of options whose values
/// are not kept. A list target is stored as a list.
pub fn job_load(jid: Jid, request: &Request) -> Map {
    let tgt = if request.tgt_type == "list" { split_list(&request.tgt) } else { request.tgt.as_str().into() };
    let mut load = Map::from([
        ("jid", Value::from(jid.as_str())),
        ("tgt_type", request.tgt_type.as_str().into()),
        ("tgt", tgt),
        ("user", request.user.as_str().into()),
        ("fun", request.fun.as_str().into()),
        ("arg", request.fun_args().into()),
    ]);
    if !request.metadata.is_empty() {
        load.insert("metadata", request.metadata.clone());
    }
    if !request.options.is_empty() {
        load.insert("options", request.options.iter().map(String::as_str).collect::<Value>());
    }
    load
}

fn split_list(tgt: &str) -> Value {
    if tgt.contains(',') { tgt.split(',').map(str::trim).collect() } else { tgt.split_whitespace().collect() }
}

/// A load as read back; one that cannot be read says so in `fun`.
pub(super) fn read_load(jid: Jid, text: &str) -> Map {
    match json::decode(text) {
        Ok(Value::Map(load)) => load,
        _ => Map::from([("jid", jid.as_str()), ("fun", "damaged-load")]),
    }
}

/// A return as read back from its row: host, function and `full_ret`. `None` where the row does not even name a host.
pub(super) fn read_return(jid: Jid, id: &str, fun: &str, full_ret: &str) -> Option<StoredReturn> {
    let id: MinionId = id.parse().ok()?;
    let full_ret = match json::decode(full_ret) {
        Ok(Value::Map(full_ret)) => full_ret,
        Ok(_) => return Some(StoredReturn::damaged(jid, id, fun, "it is not a dict")),
        Err(error) => return Some(StoredReturn::damaged(jid, id, fun, &error.why)),
    };
    // The column may hold a function's beginning only.
    let fun = full_ret.get_str("fun").unwrap_or(fun).to_owned();
    let success = full_ret.get("success").is_some_and(Value::is_truthy);
    Some(StoredReturn { jid, id, fun, success, full_ret })
}
