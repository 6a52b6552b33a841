//! `nodegroups`: the names of the groups a host is in.

use super::{Args, Request};
use halite_engine::matches;
use halite_wire::{Map, Value};

pub fn read(request: &Request, args: &Args, known: &Map) -> Result<Map, String> {
    let name = args.get(0, "pillar_name").and_then(Value::as_str).unwrap_or("nodegroups");
    let groups: Vec<Value> = groups(request, known)?.into_iter().map(Value::from).collect();
    Ok(Map::from([(name, groups)]))
}

/// The groups the host is in, in the order of the configuration.
pub fn groups(request: &Request, known: &Map) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for name in request.nodegroups.keys().filter_map(Value::as_str) {
        if matches(&request.minion(known), "nodegroup", name).map_err(|error| error.to_string())? {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}
