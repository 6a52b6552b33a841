//! The shapes kept under a jid: Salt's load of a job and full return of a host, with our words added.

use super::json;
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
    /// or why not), `reached` (`not_started`, `may_have_run`, `ran`), and `notes` and `noise` where there are any.
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
        full_ret.insert("reached", record.reached().name());
        if let Outcome::Returned(ret) = &record.outcome
            && !ret.notes.is_empty()
        {
            full_ret.insert("notes", ret.notes.clone());
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
    pub fn interrupted(jid: Jid, id: MinionId, fun: &str, reached: Reached) -> StoredReturn {
        let why = match reached {
            Reached::NotStarted => "nothing ran on this host",
            Reached::MayHaveRun | Reached::Ran => "it may have run on this host",
        };
        let said = format!("interrupted ({}): the job was cut off, {why}", reached.name());
        StoredReturn::unanswered(jid, id, fun, said, "interrupted", reached)
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

    /// What the host answered, or one line that says why it did not.
    pub fn value(&self) -> &Value {
        self.full_ret.get("return").unwrap_or(&Value::NULL)
    }

    /// Whether the host answered at all, well or not. Rows of other programs have no outcome: they are answers.
    pub fn has_answer(&self) -> bool {
        self.full_ret.get_str("outcome").is_none_or(|outcome| matches!(outcome, "ok" | "failed"))
    }
}

/// Salt's load of a job: `jid, tgt_type, tgt, user, fun, arg`. A list target is stored as a list.
pub fn job_load(jid: Jid, request: &Request) -> Map {
    let tgt = if request.tgt_type == "list" { split_list(&request.tgt) } else { request.tgt.as_str().into() };
    Map::from([
        ("jid", Value::from(jid.as_str())),
        ("tgt_type", request.tgt_type.as_str().into()),
        ("tgt", tgt),
        ("user", request.user.as_str().into()),
        ("fun", request.fun.as_str().into()),
        ("arg", request.fun_args().into()),
    ])
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
