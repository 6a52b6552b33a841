//! Parameters of files: what `stateconf.set` sets.

use super::{Entries, SET, STATECONF, Settings};
use crate::yaml::{Node, NodeKind};
use halite_wire::{Map, Value};

const JOINED: &[&str] = &["require", "watch", "listen", "onchanges", "onfail"];

/// Notes what the states of `data` set.
pub(super) fn settings(data: &Entries, settings: &mut Settings) {
    for (id, states) in data {
        match (id.as_str(), &states.kind) {
            (Some("extend"), NodeKind::Map(extended)) => {
                for (id, states) in extended {
                    note(id, states, &mut settings.extended);
                }
            }
            _ => {
                if note(id, states, &mut settings.set) {
                    extend(id.as_str().unwrap_or(""), settings);
                }
            }
        }
    }
}

fn note(id: &Node, states: &Node, into: &mut Map) -> bool {
    let Some(args) = states.get(STATECONF).or_else(|| states.get(SET)).and_then(Node::as_list) else {
        return false;
    };
    let Some(id) = id.as_str() else { return false };
    let conf = into.entry_or(id, || Value::Map(Map::new()));
    if let Some(conf) = conf.as_map_mut() {
        for (key, value) in args.iter().filter_map(|arg| arg.as_map()?.first()) {
            conf.insert(key.to_value(), value.to_value());
        }
    }
    true
}

/// What other files set for this id wins; requisites are joined.
fn extend(id: &str, settings: &mut Settings) {
    let Some(extended) = settings.extended.get(id).and_then(Value::as_map).cloned() else { return };
    let Some(conf) = settings.set.get_mut(id).and_then(Value::as_map_mut) else { return };
    for (key, value) in &extended {
        let own = key.as_str().filter(|key| JOINED.contains(key)).and_then(|key| conf.get(key)).cloned();
        let joined = match (value, own) {
            (Value::List(new), Some(Value::List(own))) => {
                Value::List(new.iter().cloned().chain(own).collect())
            }
            (value, _) => value.clone(),
        };
        conf.insert(key.clone(), joined);
    }
}

/// The parameters as variables of a template: those of the file `sls` without its name.
pub(super) fn for_templates(settings: &Settings, sls: &str) -> Vec<(String, Value)> {
    let prefix = format!("{sls}::");
    let named = |(id, conf): (&Value, &Value)| {
        let id = id.as_str()?;
        Some((id.strip_prefix(&prefix).unwrap_or(id).to_owned(), conf.clone()))
    };
    settings.set.iter().filter_map(named).collect()
}
