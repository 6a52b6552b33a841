//! Arguments of a state function: the chunk's own keys, without those that are the runtime's.

use super::slots;
use crate::StateFunction;
use halite_modules::registry::hint;
use halite_modules::{Args, Bound, CallError, Ctx, Param};
use halite_wire::{Map, Value};

/// Keys any state may have, and no function is given unless it has a parameter of that name.
const RUNTIME: [&str; 51] = [
    "aggregate",
    "check_cmd",
    "cmd_opts_exclude",
    "creates",
    "failhard",
    "fire_event",
    "force_reload_modules",
    "fun",
    "listen",
    "listen_in",
    "onchanges",
    "onchanges_any",
    "onchanges_in",
    "onfail",
    "onfail_all",
    "onfail_any",
    "onfail_in",
    "onfail_stop",
    "onlyif",
    "order",
    "parallel",
    "prereq",
    "prereq_in",
    "prerequired",
    "provider",
    "reload_grains",
    "reload_modules",
    "reload_pillar",
    "require",
    "require_any",
    "require_in",
    "retry",
    "runas",
    "runas_password",
    "saltenv",
    "sfun",
    "state",
    "umask",
    "unless",
    "use",
    "use_in",
    "watch",
    "watch_any",
    "watch_in",
    "beacon",
    "beacon_data",
    "name_order",
    "onchanges_all",
    "require_all",
    "watch_all",
    "prereq_any",
];

/// The chunk's arguments under the names of the function's parameters, slots filled in.
///
/// # Errors
/// One is missing or unknown.
pub fn bind(ctx: &mut Ctx, low: &Map, function: &'static StateFunction) -> Result<Bound, CallError> {
    let fun = format!("{}.{}", low.get_str("state").unwrap_or_default(), function.name);
    let named = |key: &str| function.params.iter().any(|param| param.name() == Some(key));
    let takes_all = function.params.iter().any(|param| matches!(param, Param::Keywords(_)));
    let wanted = |key: &str| {
        let own = key.starts_with("__") || RUNTIME.contains(&key);
        // A mask is the runtime's even where the function has a word for it; `sfun` is for whoever takes all.
        (named(key) && key != "umask") || (takes_all && key == "sfun") || !own
    };
    let keywords = low.iter().filter(|(key, _)| key.as_str().is_some_and(wanted));
    let mut keywords: Map = keywords.map(|(key, value)| (key.clone(), value.clone())).collect();
    slots::fill(ctx, &mut keywords)?;
    Args { positional: Vec::new(), keywords }.bind(&fun, function.params)
}

/// Families that hand keywords on to functions with words of their own.
const HANDS_ON: [&str; 8] = ["cmd", "event", "http", "module", "pkg", "pkgrepo", "test", "virtualenv"];

/// A line for each argument that a function which takes any keyword has no word for, but one near to it.
pub fn misspelt(low: &Map, function: &StateFunction) -> Vec<String> {
    let state = low.get_str("state").unwrap_or_default();
    let takes_all = function.params.iter().any(|param| matches!(param, Param::Keywords(_)));
    if !takes_all || HANDS_ON.contains(&state) {
        return Vec::new();
    }
    let names = || function.params.iter().filter_map(Param::name);
    let is_known = |key: &str| {
        key.starts_with("__")
            || RUNTIME.contains(&key)
            || names().any(|name| name.trim_end_matches('s') == key.trim_end_matches('s'))
    };
    let unknown = low.keys().filter_map(Value::as_str).filter(|key| key.len() > 3 && !is_known(key));
    let near =
        unknown.map(|key| (key, hint(key, names().map(str::to_owned)))).filter(|(_, hint)| !hint.is_empty());
    near.map(|(key, hint)| format!("{state}.{} does nothing with the argument '{key}'.{hint}", function.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_nearly_right_is_told_with_the_right_one() {
        let managed = |key: &str| {
            let file =
                crate::STATES.iter().flat_map(|m| m.functions.iter().map(move |f| (m.virtual_name, f)));
            let (_, function) = file.into_iter().find(|(m, f)| (*m, f.name) == ("file", "managed")).unwrap();
            misspelt(&Map::from([("state", "file"), ("name", "/x"), ("user", "root"), (key, "x")]), function)
        };
        assert!(managed("contets")[0].contains("'contets'. Did you mean contents"));
        for right in ["contents", "owner", "watch_in", "reload_modules", "__id__", "sources"] {
            assert_eq!(managed(right), Vec::<String>::new(), "{right}");
        }
    }
}
