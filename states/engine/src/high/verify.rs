//! The shape of high data, checked before anything is made of it.

use crate::places::Places;
use crate::text::{first, is_internal, text};
use halite_wire::{Map, Value};
use std::collections::HashMap;

/// Requisites whose references are looked into.
const CHECKED: [&str; 4] = ["onchanges", "prereq", "require", "watch"];

/// What is wrong, one line each.
pub(super) fn verify(high: &Map, places: &Places) -> Vec<String> {
    let mut check = Check { high, places, references: HashMap::new(), errors: Vec::new() };
    for (id, body) in high.iter().filter(|(id, _)| !is_internal(id)) {
        check.id(id, body);
    }
    check.errors
}

/// What one ID refers to, and by which of its states.
struct Reference {
    state: String,
    to: HashMap<Value, Value>,
}

struct Check<'c> {
    high: &'c Map,
    places: &'c Places,
    /// Requisites seen so far, by the ID that has them.
    references: HashMap<Value, Reference>,
    errors: Vec<String>,
}

/// A state under an ID, for messages.
struct At<'a> {
    id: &'a Value,
    body: &'a Map,
    state: &'a str,
}

impl Check<'_> {
    fn error(&mut self, at: &At, why: String) {
        let place = self.places.of(at.body, &text(at.id), Some(at.state));
        self.errors.push(format!("{place}: {why}"));
    }

    fn id(&mut self, id: &Value, body: &Value) {
        let Value::Map(body) = body else {
            let place =
                self.places.anywhere(&text(id)).map_or_else(String::new, |place| format!("{place}: "));
            let kind = body.kind();
            self.errors.push(format!("{place}the ID {:?} takes a map of states, not {kind}", text(id)));
            return;
        };
        if id.as_str().is_none() {
            let why = format!("the ID {} is {}, not text; it may need quotes", text(id), id.kind());
            self.error(&At { id, body, state: "" }, why);
        }
        for (state, arguments) in body.iter().filter(|(state, _)| !is_internal(state)) {
            let at = At { id, body, state: &text(state) };
            match arguments {
                _ if state.as_str().is_none() => {
                    let why = format!("{} under {:?} is no name of a state", text(state), text(id));
                    self.error(&at, why);
                }
                Value::List(arguments) => self.arguments(&at, arguments),
                Value::Null => {
                    let why = format!(
                        "a state without arguments is written without a colon: {state}",
                        state = at.state
                    );
                    self.error(&at, why);
                }
                other => {
                    let why = format!(
                        "{} of {:?} takes a list of arguments, not {}",
                        at.state,
                        text(id),
                        other.kind()
                    );
                    self.error(&at, why);
                }
            }
        }
    }

    fn arguments(&mut self, at: &At, arguments: &[Value]) {
        let mut functions: Vec<&str> =
            at.state.split_once('.').map(|(_, function)| function).into_iter().collect();
        for argument in arguments {
            match argument {
                Value::Str(function) => {
                    if function.trim().contains(' ') {
                        let why =
                            format!("{function:?} is no function: it has blanks in it; is a colon missing?");
                        self.error(at, why);
                    }
                    functions.push(function);
                }
                Value::Map(argument) => self.argument(at, argument),
                _ => {}
            }
        }
        match functions.as_slice() {
            [] if matches!(at.state, "require" | "watch") => {}
            [] => self.error(at, format!("{} of {:?} has no function", at.state, text(at.id))),
            [_] => {}
            many => {
                let why = format!(
                    "{} of {:?} has several functions, choose one: {}",
                    at.state,
                    text(at.id),
                    many.join(", ")
                );
                self.error(at, why);
            }
        }
    }

    fn argument(&mut self, at: &At, argument: &Map) {
        let Some((name, value)) = first(argument) else {
            self.error(at, format!("an argument of {:?} is an empty map", text(at.id)));
            return;
        };
        let name = name.as_str().unwrap_or_default();
        let is_requisite = CHECKED.contains(&name);
        match value {
            Value::List(references) if is_requisite => self.requisite(at, name, references),
            other if (is_requisite || name == "names") && other.as_list().is_none() => {
                self.error(at, format!("{name} takes a list, not {}", other.kind()));
            }
            _ => {}
        }
        if is_requisite && argument.len() != 1 {
            self.error(at, format!("{name} shares its list item with another argument; begin a new item"));
        }
    }

    fn requisite(&mut self, at: &At, name: &str, references: &[Value]) {
        let own = Reference { state: at.state.to_owned(), to: HashMap::new() };
        self.references.insert(at.id.clone(), own);
        for reference in references {
            let (state, target) = match reference {
                Value::Str(id) => ("id".into(), Value::from(id.as_str())),
                Value::Map(map) => match first(map) {
                    Some((state, target)) => (text(state), target.clone()),
                    None => {
                        self.error(at, format!("{name} has an empty map in its list"));
                        continue;
                    }
                },
                other => {
                    let why = format!(
                        "{name} takes items like `pkg: nginx`, not {}: {}",
                        other.kind(),
                        text(other)
                    );
                    self.error(at, why);
                    continue;
                }
            };
            if let Some((module, _)) = state.split_once('.') {
                let why = format!("{name} names a state without its function: `{module}`, not `{state}`");
                self.error(at, why);
            }
            if target.as_list().is_some() || target.as_map().is_some() {
                self.error(
                    at,
                    format!("{name} of {state} takes one name, not {}: {}", target.kind(), text(&target)),
                );
                continue;
            }
            self.recursion(at, state.into_owned().into(), target);
        }
    }

    /// Two states that want one another by the same kind of state, said the way Salt looks for it.
    fn recursion(&mut self, at: &At, state: Value, target: Value) {
        if let Some(own) = self.references.get_mut(at.id) {
            own.to.insert(target.clone(), state.clone());
        }
        let Some(other) = self.references.get(&target) else { return };
        let back = other.to.get(at.id).is_some_and(|back| back.as_str() == Some(at.state));
        if back && state.as_str() == Some(&other.state) {
            let body = self.high.get_value(&target).and_then(Value::as_map);
            let there = body.map_or_else(String::new, |body| self.places.of(body, &text(&target), None));
            let (own, target) = (text(at.id), text(&target));
            let why = match own == target {
                true => format!("{own:?} wants itself, so it can never begin"),
                false => {
                    format!("{own:?} and {target:?} at {there} want one another, so neither can be first")
                }
            };
            self.error(at, why);
        }
    }
}
