//! `pip.*`: Python packages as they shall be.

mod installed;
mod requirement;
mod table;

use crate::{Applied, Look, StateCtx, StateModule};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "pip",
    virtual_name: "pip",
    doc: "Python packages as they shall be.",
    applies: always,
    functions: table::FUNCTIONS,
};

/// Arguments that say which pip and as whom.
const PLACE: [&str; 3] = ["bin_env", "user", "cwd"];

/// Those arguments of the state that `names` names, for a function of the same arguments.
fn passed(args: &Bound, names: &[&str]) -> Args {
    names.iter().fold(Args::default(), |passed, name| passed.with(name, args.get(name).clone()))
}

fn removed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let there = call(state.ctx, "pip.list", passed(args, &PLACE))?;
    if there.get(&name).is_none() {
        return Ok(Look::in_sync(format!("Package {name} is not there")));
    }
    let names = ["requirements", "bin_env", "log", "proxy", "timeout", "user", "cwd", "use_vt"];
    let uninstall = passed(args, &names).with("pkgs", name.clone());
    Ok(Look::differs(format!("Package {name} is to be removed"), Map::new(), move |state| {
        if call(state.ctx, "pip.uninstall", uninstall)?.is_truthy() {
            let changes = Map::from([(name.as_str(), "Removed")]);
            return Ok(Applied::done(format!("Package {name} was removed"), changes));
        }
        Ok(Applied::failed(format!("Package {name} could not be removed"), Map::new()))
    }))
}

fn uptodate(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let upgrades = call(state.ctx, "pip.list_upgrades", passed(args, &PLACE))?;
    if !upgrades.is_truthy() {
        return Ok(Look::in_sync("All packages are up to date"));
    }
    let upgrade = passed(args, &["bin_env", "user", "cwd", "use_vt"]);
    Ok(Look::differs("Packages are to be upgraded", Map::new(), move |state| {
        let done = call(state.ctx, "pip.upgrade", upgrade)?;
        if done.get("result") == Some(&Value::Bool(false)) {
            let said = done.get("comment").and_then(Value::as_str).unwrap_or_default();
            return Ok(Applied::failed(said, done.get("changes").cloned().unwrap_or_default()));
        }
        Ok(Applied::done("Packages were upgraded", done))
    }))
}
