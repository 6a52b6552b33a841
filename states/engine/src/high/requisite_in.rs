//! Requisites said from the other side (`require_in` and the like), `use`, and the bookkeeping of `prereq`: each
//! becomes an extension of the states it means.

use super::find::{find_bare, find_name, find_sls};
use crate::Options;
use crate::places::Places;
use crate::text::{first, is_internal, text};
use halite_wire::{Map, Value};
use std::collections::HashSet;

const HANDLED: [&str; 8] =
    ["onchanges_in", "onfail_in", "prereq", "prereq_in", "require_in", "use", "use_in", "watch_in"];
/// Arguments that `use` does not bring along, beside the names.
const NEVER_USED: [&str; 15] = [
    "name",
    "names",
    "onchanges",
    "onchanges_in",
    "onfail",
    "onfail_in",
    "onfail_stop",
    "prereq",
    "prereq_in",
    "require",
    "require_in",
    "use",
    "use_in",
    "watch",
    "watch_in",
];

/// One extension for every ID that gets something, and what is wrong, one line each.
pub(super) fn extends(high: &Map, places: &Places, options: &Options) -> (Vec<Value>, Vec<String>) {
    let mut all = Extends { high, places, by_id: Map::new(), errors: Vec::new() };
    for (id, body) in high {
        let Value::Map(body) = body else { continue };
        for (state, arguments) in body.iter().filter(|(state, _)| !is_internal(state)) {
            let (Some(state), Some(arguments)) = (state.as_str(), arguments.as_list()) else { continue };
            let from = From { id, body, state };
            for (name, value) in arguments.iter().filter_map(|argument| first(argument.as_map()?)) {
                let name = name.as_str().unwrap_or_default();
                if HANDLED.contains(&name) && !options.disabled_requisites.iter().any(|off| off == name) {
                    all.argument(&from, name, value);
                }
            }
        }
    }
    let extends = all.by_id.into_iter().map(|(id, body)| Value::Map(Map::from([(id, body)])));
    (extends.collect(), all.errors)
}

/// The state that says the requisite.
struct From<'f> {
    id: &'f Value,
    body: &'f Map,
    state: &'f str,
}

struct Extends<'e> {
    high: &'e Map,
    places: &'e Places,
    by_id: Map,
    errors: Vec<String>,
}

impl Extends<'_> {
    fn argument(&mut self, from: &From, name: &str, value: &Value) {
        let requisite = name.split('_').next().unwrap_or(name);
        match value {
            Value::Map(one) => {
                for (state, target) in one {
                    let state = text(state);
                    let state = self.without_function(from, name, &state, target);
                    self.require(from, requisite, target, &state);
                }
            }
            Value::List(many) => self.references(from, name, requisite, many),
            _ => {}
        }
    }

    /// Each item means more than itself: what the items before it meant is gone through again, as Salt does, so
    /// that lists hold the same references as often.
    fn references(&mut self, from: &From, name: &str, requisite: &str, items: &[Value]) {
        let mut targets: Vec<(Value, String)> = Vec::new();
        for item in items {
            let (target, state) = match item {
                Value::Map(map) => match first(map) {
                    Some((state, target)) => (target.clone(), text(state).into_owned()),
                    None => continue,
                },
                bare => match find_bare(bare, self.high) {
                    Some(found) => found,
                    None => continue,
                },
            };
            let state = self.without_function(from, name, &state, &target);
            if state == "sls" {
                targets = find_sls(&target, self.high);
            } else {
                targets.push((target, state));
            }
            for (target, state) in &targets {
                self.target(from, name, requisite, target, state);
            }
        }
    }

    fn target(&mut self, from: &From, name: &str, requisite: &str, target: &Value, state: &str) {
        match name {
            "prereq" => {
                for (id, state) in find_name(target, state, self.high, true) {
                    self.push(&id, &state, prerequired(from.state, from.id));
                }
            }
            "use_in" => {
                for (id, found) in find_name(target, state, self.high, true) {
                    self.use_arguments((from.id, from.state), (&id, &found));
                }
            }
            "use" => {
                for (id, found) in find_name(target, state, self.high, true) {
                    self.use_arguments((&id, &found), (from.id, from.state));
                }
            }
            other => {
                if other == "prereq_in" {
                    self.push(from.id, from.state, prerequired(state, target));
                }
                self.require(from, requisite, target, state);
            }
        }
    }

    /// Gives one state the arguments of another that it does not have itself.
    fn use_arguments(&mut self, giver: (&Value, &str), taker: (&Value, &str)) {
        let high = self.high;
        let arguments = |(id, state): (&Value, &str)| {
            high.get_value(id).and_then(|body| body.get(state)).and_then(Value::as_list).unwrap_or_default()
        };
        let single = |argument: &Value| {
            argument.as_map().filter(|map| map.len() == 1).and_then(first).map(|(name, _)| name.clone())
        };
        let own: HashSet<Value> = arguments(taker).iter().filter_map(single).collect();
        self.list(taker.0, taker.1);
        for argument in arguments(giver) {
            let Some(name) = single(argument) else { continue };
            if !own.contains(&name) && name.as_str().is_none_or(|name| !NEVER_USED.contains(&name)) {
                self.push(taker.0, taker.1, argument.clone());
            }
        }
    }

    /// Adds `{requisite: [{state: id}]}` of the saying state to the target, joined with what it has of that kind.
    fn require(&mut self, from: &From, requisite: &str, target: &Value, state: &str) {
        let reference = Value::Map(Map::from([(from.state, from.id.clone())]));
        let body = self.by_id.entry_or(target.clone(), || Value::Map(Map::new()));
        let Value::Map(body) = body else { return };
        body.entry_or(state, || Value::List(Vec::new()));
        for key in ["__env__", "__sls__"] {
            if let Some(value) = from.body.get(key) {
                body.insert(key, value.clone());
            }
        }
        let Some(Value::List(arguments)) = body.get_mut(state) else { return };
        let mut is_there = false;
        for argument in arguments.iter_mut().filter_map(Value::as_map_mut) {
            let is_same = first(argument).is_some_and(|(name, _)| name.as_str() == Some(requisite));
            if let Some(Value::List(references)) = argument.get_mut(requisite).filter(|_| is_same) {
                references.push(reference.clone());
                is_there = true;
            }
        }
        if !is_there {
            arguments.push(Value::Map(Map::from([(requisite, Value::List(vec![reference]))])));
        }
    }

    fn push(&mut self, id: &Value, state: &str, argument: Value) {
        if let Some(arguments) = self.list(id, state) {
            arguments.push(argument);
        }
    }

    fn list(&mut self, id: &Value, state: &str) -> Option<&mut Vec<Value>> {
        let body = self.by_id.entry_or(id.clone(), || Value::Map(Map::new())).as_map_mut()?;
        match body.entry_or(state, || Value::List(Vec::new())) {
            Value::List(arguments) => Some(arguments),
            _ => None,
        }
    }

    /// The state without a function behind it, which does not belong there.
    fn without_function(&mut self, from: &From, name: &str, state: &str, target: &Value) -> String {
        let Some((module, _)) = state.split_once('.') else { return state.to_owned() };
        let place = self.places.of(from.body, &text(from.id), Some(from.state));
        let target = text(target);
        self.errors.push(format!(
            "{place}: {name} of {target:?} names a state without its function: `{module}`, not `{state}`"
        ));
        module.to_owned()
    }
}

fn prerequired(state: &str, id: &Value) -> Value {
    let reference = Value::Map(Map::from([(state, id.clone())]));
    Value::Map(Map::from([("prerequired", Value::List(vec![reference]))]))
}
