//! Arguments of a state function: the chunk's own keys, without those that are the runtime's.

use super::slots;
use crate::StateFunction;
use halite_modules::{Args, Bound, CallError, Ctx, Param};
use halite_wire::Map;

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
