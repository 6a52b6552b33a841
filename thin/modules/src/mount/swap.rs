//! Swap space: what is in use, out of `/proc/swaps`, and the programs that put it to use.

use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};

/// `{device: {type, size, used, priority}}`.
fn swaps() -> Map {
    let text = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let mut found = Map::new();
    for words in text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        if let [name, kind, size, used, priority] = words[..] {
            let facts = [("type", kind), ("size", size), ("used", used), ("priority", priority)];
            found.insert(name, Map::from(facts));
        }
    }
    found
}

pub fn list(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(swaps().into())
}

pub fn on(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let answer = |stats: Value, new: bool| Map::from([("stats", stats), ("new", new.into())]);
    if let Some(stats) = swaps().remove(&name) {
        return Ok(answer(stats, false).into());
    }
    let mut words = vec!["swapon".to_owned(), name.clone()];
    if args.get("priority").is_truthy() {
        words.extend(["-p".to_owned(), args.str("priority")?]);
    }
    tools::run(&words)?;
    Ok(swaps().remove(&name).map_or_else(Map::new, |stats| answer(stats, true)).into())
}

pub fn off(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if !swaps().contains_key(&name) {
        return Ok(Value::Null);
    }
    tools::run(&["swapoff", &name])?;
    Ok((!swaps().contains_key(&name)).into())
}
