//! `file.accumulated`: texts that states gather for a file, for its template or its block.
//!
//! They lie in the run's memory under `file`: `{accumulators: {file: {name: [texts]}}, deps: {file: {name: [ids]}}}`.

use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};
use std::path::Path;

/// Where the run remembers what this module gathers.
const MEMORY: &str = "file";

/// What was gathered for a file: lists of texts by the accumulators' names.
pub fn gathered(state: &StateCtx, file: &Path) -> Option<Value> {
    state.kept.get(MEMORY)?.get("accumulators")?.get(file.to_str()?).cloned()
}

pub fn accumulated(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, file) = (args.str("name")?, args.str("filename")?);
    let text = args.get("text");
    if name.is_empty() {
        return Ok(Look::cannot("the accumulator has no name"));
    }
    if text.is_null() {
        return Ok(Look::cannot("there is no text to gather"));
    }
    let waiting = ids_of_files(state);
    if waiting.is_empty() {
        let why = format!(
            "nobody uses what {name} gathers: it needs require_in or watch_in with the state of the file"
        );
        return Ok(Look::cannot(why));
    }
    let texts = match text {
        Value::List(texts) => texts.clone(),
        single => vec![single.clone()],
    };
    let new = gather(list(state, "accumulators", &file, &name), texts);
    gather(list(state, "deps", &file, &name), waiting);
    // Nothing on the host changes, so a test run gathers as well: templates that use the texts are compared then.
    let comment = if new { format!("{name} gathered text for {file}") } else { String::new() };
    Ok(Look::Done(Applied::done(comment, Map::new())))
}

/// Adds what is not there yet; whether anything was.
fn gather(list: &mut Vec<Value>, more: Vec<Value>) -> bool {
    let before = list.len();
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
    list.len() > before
}

/// The list under `kind`, file and accumulator, made where it is not there.
fn list<'s>(state: &'s mut StateCtx, kind: &str, file: &str, name: &str) -> &'s mut Vec<Value> {
    let mut at = state.kept.entry_or(MEMORY, || Map::new().into());
    for key in [kind, file, name] {
        if !matches!(at, Value::Map(_)) {
            *at = Map::new().into();
        }
        let Value::Map(map) = at else { unreachable!("it was just made a map") };
        at = map.entry_or(key, || Value::Null);
    }
    if !matches!(at, Value::List(_)) {
        *at = Value::List(Vec::new());
    }
    let Value::List(list) = at else { unreachable!("it was just made a list") };
    list
}

/// Names and ids in the `require_in` and `watch_in` of this state, where they mean states of `file`.
fn ids_of_files(state: &StateCtx) -> Vec<Value> {
    let lists =
        ["require_in", "watch_in"].map(|key| state.low.get(key).and_then(Value::as_list).unwrap_or_default());
    let items = lists.concat();
    let of_files = items.iter().any(|item| match item {
        Value::Map(pair) => pair.contains_key("file"),
        other => as_text(other).is_some_and(|text| text.contains("file")),
    });
    if !of_files {
        return Vec::new();
    }
    items
        .iter()
        .flat_map(|item| {
            item.as_map().map_or_else(|| vec![item.clone()], |pair| pair.values().cloned().collect())
        })
        .collect()
}
