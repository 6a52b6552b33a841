//! A return of states, counted.

use crate::returners::Item;
use halite_wire::{Map, Value};

/// What came of a run of states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::returners) struct StateRun {
    pub total: i64,
    /// `file.sls | id` of each.
    pub changed: Vec<String>,
    pub failed: Vec<String>,
    pub passed: i64,
    /// In milliseconds.
    pub took: f64,
}

impl StateRun {
    /// `None` where the return is not one of states.
    pub fn of(item: &Item) -> Option<StateRun> {
        let states = item.field("return").as_map()?;
        let mut run = StateRun::default();
        for (tag, state) in in_order(states)? {
            let name = tag.split("_|-").nth(1).unwrap_or(tag);
            let sls = state.get("__sls__").and_then(Value::as_str).unwrap_or("None");
            let task = || format!("{sls}.sls | {name}");
            run.total += 1;
            if state.get("result").is_some_and(|result| result.as_bool() == Some(false)) {
                run.failed.push(task());
            } else {
                run.passed += 1;
            }
            if state.get("changes").is_some_and(Value::is_truthy) {
                run.changed.push(task());
            }
            run.took += duration(state.get("duration"));
        }
        Some(run)
    }
}

/// The states by the order of their run; `None` where these are none.
pub(in crate::returners) fn in_order(states: &Map) -> Option<Vec<(&str, &Map)>> {
    let mut list: Vec<(&str, &Map)> =
        states.iter().map(|(tag, state)| Some((tag.as_str()?, state.as_map()?))).collect::<Option<_>>()?;
    let is_state = |(tag, state): &(&str, &Map)| tag.contains("_|-") && state.contains_key("result");
    list.sort_by_key(|(_, state)| state.get("__run_num__").and_then(Value::as_i64));
    (!list.is_empty() && list.iter().all(is_state)).then_some(list)
}

fn duration(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Float(number)) => *number,
        Some(Value::Int(number)) => *number as f64,
        Some(Value::Str(text)) => text.trim_end_matches(" ms").parse().unwrap_or(0.0),
        _ => 0.0,
    }
}
