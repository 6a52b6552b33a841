//! `listen`: at the end, `mod_watch` of those that listen to something that changed.

use super::{Call, Deposit, Next, Pending, Run, has_changes, tag, words};
use halite_wire::{Map, Value};
use std::collections::VecDeque;

/// What a listener's chunk loses: it stands on nothing any more.
const REQUISITES: [&str; 13] = [
    "onchanges",
    "onchanges_any",
    "onfail",
    "onfail_any",
    "onfail_all",
    "onfail_stop",
    "prereq",
    "prerequired",
    "watch",
    "watch_any",
    "require",
    "require_any",
    "listen",
];

/// Who listens (module, and id or name), and to what.
struct Listener {
    state: String,
    who: String,
    to: Value,
}

impl Run {
    pub(super) fn next_listener(&mut self) -> Next {
        if self.listeners.is_none() {
            let queue = self.find_listeners();
            self.listeners = Some(queue);
        }
        while let Some(low) = self.listeners.as_mut().and_then(VecDeque::pop_front) {
            if self.listened.insert(tag(&low)) {
                self.pending = Some(Pending { low: low.clone(), chunk: None, deposit: Deposit::Listener });
                return Next::Call(Call { low, only_look: false, may_start: false });
            }
        }
        for (tag, ret) in std::mem::take(&mut self.listen_errors) {
            self.put(tag, ret);
        }
        Next::Done
    }

    fn find_listeners(&mut self) -> VecDeque<Map> {
        let mut queue = VecDeque::new();
        for Listener { state, who, to } in self.listening() {
            let Some((to_state, to_name)) = self.target(&to) else { continue };
            let heard = self.answering(&to_state, &to_name);
            if heard.is_empty() {
                self.unheard(&to_state, &to_name);
            }
            for at in heard {
                let ret = self.returns.get(&self.tags[at]).and_then(Value::as_map);
                if !ret.is_some_and(has_changes) {
                    continue;
                }
                let who = self.answering(&state, &who);
                queue.extend(who.iter().map(|at| as_listener(&self.chunks[*at])));
            }
            if self.answering(&state, &who).is_empty() {
                self.unheard(&state, &who);
            }
        }
        queue
    }

    fn listening(&self) -> Vec<Listener> {
        let mut all = Vec::new();
        for chunk in &self.chunks {
            let (state, id) = (words(chunk.get("state")), words(chunk.get("__id__")));
            for to in chunk.get("listen").and_then(Value::as_list).unwrap_or_default() {
                all.push(Listener { state: state.clone(), who: id.clone(), to: to.clone() });
            }
            for by in chunk.get("listen_in").and_then(Value::as_list).unwrap_or_default() {
                let to = Value::from(Map::from([(state.as_str(), id.as_str())]));
                for (state, who) in by.as_map().into_iter().flatten() {
                    all.push(Listener { state: words(Some(state)), who: words(Some(who)), to: to.clone() });
                }
            }
        }
        all
    }

    /// Module and name of what is listened to; a bare id must exist.
    fn target(&self, to: &Value) -> Option<(String, String)> {
        if let Value::Map(map) = to {
            return map.iter().next().map(|(state, name)| (words(Some(state)), words(Some(name))));
        }
        let named = |chunk: &&Map| chunk.get("__id__") == Some(to) || chunk.get("name") == Some(to);
        let chunk = self.chunks.iter().rev().find(named)?;
        Some((words(chunk.get("state")), words(chunk.get("__id__"))))
    }

    fn answering(&self, state: &str, name: &str) -> Vec<usize> {
        let answers = |low: &Map| {
            low.get_str("state") == Some(state)
                && ["state", "__id__", "name"].iter().any(|key| words(low.get(key)) == name)
        };
        (0..self.chunks.len()).filter(|at| answers(&self.chunks[*at])).collect()
    }

    fn unheard(&mut self, state: &str, name: &str) {
        let error = Map::from([
            ("comment", Value::from(format!("No state answers to {state}: {name}"))),
            ("name", format!("listen_{state}:{name}").into()),
            ("result", false.into()),
            ("changes", Map::new().into()),
        ]);
        let tag = format!("Listen_Error_|-listen_{name}_|-listen_{state}_|-Listen_Error");
        if !self.listen_errors.iter().any(|(known, _)| *known == tag) {
            self.listen_errors.push((tag, error));
        }
    }
}

fn as_listener(low: &Map) -> Map {
    let mut low = low.clone();
    low.insert("sfun", low.get("fun").cloned().unwrap_or_default());
    low.insert("fun", "mod_watch");
    low.insert("__id__", format!("listener_{}", words(low.get("__id__"))));
    for key in REQUISITES {
        low.remove(key);
    }
    low
}
