//! `survey.*`: hosts that answer a call alike, together.

use super::house::Calling;
use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use crate::jobs::{StoredReturn, json};
use halite_render::repr::repr;
use halite_wire::{Map, Value};
use indexmap::IndexMap;

pub(super) const RUNNER: Runner = Runner { name: "survey", functions: FUNCTIONS };

const PARAMS: &[Param] = &[Param("args", Default::Rest), Param("kwargs", Default::Keywords)];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "survey.diff",
        params: PARAMS,
        doc: "As `survey.hash`; each group but the first has `diff`, too: the lines it says differently from the first.",
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
    /// Sorted.
    hosts: Vec<String>,
    value: Value,
}

async fn hash(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let pools = pools(context, &args).await?;
    let shown = pools.into_iter().map(|pool| Value::Map(dict(pool)));
    Ok(Value::List(shown.collect()).into())
}

async fn diff(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let pools = pools(context, &args).await?;
    let first = pools.first().map(|pool| pool.value.clone());
    let shown = pools.into_iter().enumerate().map(|(place, pool)| {
        let diff = first.as_ref().filter(|_| place > 0).map(|first| changed(first, &pool.value));
        let mut shown = dict(pool);
        shown.extend(diff.map(|diff| ("diff", diff)));
        Value::Map(shown)
    });
    Ok(Value::List(shown.collect()).into())
}

fn dict(pool: Pool) -> Map {
    let Pool { hosts, value } = pool;
    // Salt gives results as the text Python prints, whatever they are.
    let result = if value.as_str().is_some() { value } else { repr(&value).into() };
    Map::from([("pool", hosts.into_iter().map(Value::from).collect::<Value>()), ("result", result)])
}

/// The lines only one of both has: `-` before those of the first, `+` before those of the other.
fn changed(first: &Value, other: &Value) -> String {
    let (first, other) = (lines(first), lines(other));
    let gone = first.iter().filter(|line| !other.contains(line)).map(|line| format!("-{line}"));
    let new = other.iter().filter(|line| !first.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

/// A text has lines; of a dict each entry is one, of a list each item.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Str(text) => text.lines().map(str::to_owned).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| format!("{}: {}", repr(key), repr(value))).collect(),
        Value::List(items) => items.iter().map(repr).collect(),
        other => vec![repr(other)],
    }
}

/// Groups of hosts with equal results, sorted as `survey_sort` says.
async fn pools(context: &Context, args: &Bound) -> Result<Vec<Pool>, RunnerError> {
    let is_own = |(key, _): &(&Value, &Value)| key.as_str().is_none_or(|key| !key.starts_with('_'));
    let kwarg = args.keywords.iter().filter(is_own);
    let mut kwarg: Map = kwarg.map(|(key, value)| (key.clone(), value.clone())).collect();
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
        ..Calling::default()
    };
    let mut returns = context.house.on_hosts(calling).await.map_err(|why| args.failed(why))?;
    returns.sort_by(|a, b| a.id.cmp(&b.id));
    let mut groups: IndexMap<String, Vec<&StoredReturn>> = IndexMap::new();
    for ret in &returns {
        groups.entry(json::encode(ret.value())).or_default().push(ret);
    }
    let pool = |same: Vec<&StoredReturn>| Pool {
        hosts: same.iter().map(|ret| ret.id.to_string()).collect(),
        value: same.first().map_or(Value::Null, |ret| ret.value().clone()),
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
