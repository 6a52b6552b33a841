//! Calls whose answer depends on the machine, as they were answered where Salt ran.

use halite_modules::Args;
use halite_states::template::StandIn;
use halite_wire::{Map, Value};
use std::cell::Cell;

/// Modules and functions that run here where they were not recorded. Others do not: the trees are strangers'.
const HARMLESS: &[&str] = &[
    "config",
    "cp.get_file_str",
    "defaults",
    "environ",
    "file.basename",
    "file.dirname",
    "file.join",
    "file.normpath",
    "grains",
    "hashutil",
    "log",
    "match",
    "mine",
    "network",
    "pillar",
    "random",
    "slsutil",
    "status.time",
    "sys",
    "test",
];

/// The recorded calls of one case, each answered once and in order where the same call was made several times.
pub struct Recorded(Vec<(Call, Cell<bool>)>);

struct Call {
    fun: String,
    args: Vec<Value>,
    kwargs: Map,
    answer: Result<Value, String>,
}

impl Recorded {
    /// The calls under `exec_calls` of a case.
    pub fn of(case: &Value) -> Recorded {
        let calls = case.get("exec_calls").and_then(Value::as_list).unwrap_or_default();
        Recorded(calls.iter().filter_map(call).map(|call| (call, Cell::new(false))).collect())
    }
}

fn call(entry: &Value) -> Option<Call> {
    let answer = match entry.get("err").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(entry.get("ret").cloned().unwrap_or_default()),
    };
    Some(Call {
        fun: entry.get("fun")?.as_str()?.to_owned(),
        args: entry.get("args").and_then(Value::as_list).unwrap_or_default().to_vec(),
        kwargs: entry.get("kwargs").and_then(Value::as_map).cloned().unwrap_or_default(),
        answer,
    })
}

impl StandIn for Recorded {
    fn has(&self, fun: &str) -> bool {
        self.0.iter().any(|(call, _)| call.fun == fun)
    }

    fn call(&self, fun: &str, args: &Args) -> Option<Result<Value, String>> {
        let same =
            |call: &Call| call.fun == fun && call.args == args.positional && call.kwargs == args.keywords;
        let fresh = self.0.iter().find(|(call, used)| !used.get() && same(call));
        let known = fresh.or_else(|| self.0.iter().find(|(call, _)| same(call)));
        let module = fun.split('.').next().unwrap_or_default();
        match known {
            Some((call, used)) => {
                used.set(true);
                Some(call.answer.clone())
            }
            None if HARMLESS.contains(&module) || HARMLESS.contains(&fun) => None,
            None => {
                Some(Err(format!("{fun} is called as it was not where Salt ran, and it is not run here")))
            }
        }
    }
}
