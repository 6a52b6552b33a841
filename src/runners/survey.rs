//! `survey.*`: hosts that answer a call alike, together.

use super::house::Calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use crate::jobs::{StoredReturn, json};
use halite_wire::{Map, Value};
use indexmap::IndexMap;

pub(super) const RUNNER: Runner = Runner { name: "survey", functions: FUNCTIONS };

const PARAMS: &[Param] = &[Param("args", Default::Rest), Param("kwargs", Default::Keywords)];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "survey.diff",
        params: PARAMS,
        doc: "As `survey.hash`; each group but the last shows what it says differently from the group after all others.",
        example: "survey.diff 'web*' file.read /etc/hosts survey_sort=up",
        call: |context, args| Box::pin(diff(context, args)),
    },
    Function {
        name: "survey.hash",
        params: PARAMS,
        doc: "Calls a function on hosts and gives the hosts with equal results together: a list of dicts with `pool` \
              (names) and `result`; the greatest group last with `survey_sort=up`, first with `down`.",
        example: "survey.hash 'web*' file.get_hash /etc/hosts survey_sort=up",
        call: |context, args| Box::pin(hash(context, args)),
    },
];

/// Hosts with one result.
struct Pool {
    hosts: Vec<String>,
    result: Value,
}

async fn hash(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let pools = pools(context, &args).await?;
    let shown = pools.into_iter().map(|pool| dict(pool.hosts, pool.result));
    Ok(Value::List(shown.collect()).into())
}

async fn diff(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let pools = pools(context, &args).await?;
    let Some(most) = pools.iter().max_by_key(|pool| pool.hosts.len()).map(|pool| lines(&pool.result)) else {
        return Ok(Value::List(Vec::new()).into());
    };
    let shown = pools.into_iter().map(|pool| {
        let own = lines(&pool.result);
        let changed: Vec<String> = most
            .iter()
            .filter(|line| !own.contains(line))
            .map(|line| format!("-{line}"))
            .chain(own.iter().filter(|line| !most.contains(line)).map(|line| format!("+{line}")))
            .collect();
        let result = if changed.is_empty() { pool.result } else { changed.join("\n").into() };
        dict(pool.hosts, result)
    });
    Ok(Value::List(shown.collect()).into())
}

fn dict(hosts: Vec<String>, result: Value) -> Value {
    let pool: Value = hosts.into_iter().map(Value::from).collect();
    Value::Map(Map::from([("pool", pool), ("result", result)]))
}

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Str(text) => text.lines().map(str::to_owned).collect(),
        Value::Map(map) => {
            map.iter().map(|(key, value)| format!("{}: {}", json::encode(key), json::encode(value))).collect()
        }
        Value::List(items) => items.iter().map(json::encode).collect(),
        other => vec![json::encode(other)],
    }
}

/// Groups of hosts with equal results, sorted as `survey_sort` says.
async fn pools(context: &Context, args: &Bound) -> Result<Vec<Pool>, RunnerError> {
    let mut kwarg = args.keywords.clone();
    let sort = kwarg.remove("survey_sort");
    let tgt_type = kwarg.remove("tgt_type").and_then(|kind| kind.as_str().map(str::to_owned));
    let (Some(tgt), Some(fun)) = (word(args, 0), word(args, 1)) else {
        return Err(args.wrong("which hosts and which function? Example: survey.hash '*' test.version"));
    };
    let calling = Calling {
        tgt,
        tgt_type: tgt_type.unwrap_or_else(|| "glob".to_owned()),
        fun,
        arg: args.rest.iter().skip(2).cloned().collect(),
        kwarg,
        timeout: None,
    };
    let returns = context.house.on_hosts(calling).await.map_err(|why| args.failed(why))?;
    let mut groups: IndexMap<String, Vec<&StoredReturn>> = IndexMap::new();
    for ret in &returns {
        groups.entry(json::encode(ret.value())).or_default().push(ret);
    }
    let pool = |same: Vec<&StoredReturn>| Pool {
        hosts: same.iter().map(|ret| ret.id.to_string()).collect(),
        result: same.first().map_or(Value::Null, |ret| ret.value().clone()),
    };
    let mut pools: Vec<Pool> = groups.into_values().map(pool).collect();
    match sort.as_ref().and_then(Value::as_str) {
        Some("up") => pools.sort_by_key(|pool| pool.hosts.len()),
        Some("down") | None => pools.sort_by_key(|pool| std::cmp::Reverse(pool.hosts.len())),
        Some(other) => return Err(args.wrong(format!("survey_sort takes up or down, not {other:?}"))),
    }
    Ok(pools)
}

fn word(args: &Bound, place: usize) -> Option<String> {
    args.rest.get(place).and_then(Value::as_str).map(str::to_owned)
}
