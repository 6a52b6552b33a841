//! `timezone.system`: the host's time zone as it shall be.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::{Default, always};
use halite_modules::{Args, Bound, CallError, Param, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "timezone",
    virtual_name: "timezone",
    doc: "The host's time zone as it shall be.",
    applies: always,
    functions: &[StateFunction {
        name: "system",
        params: &[Param::Required("name"), Param::Optional("utc", Default::Bool(true))],
        doc: "The host is in this time zone, and its hardware clock shows universal time.",
        example: "Europe/Berlin: {timezone.system: []}",
        call: system,
    }],
};

fn system(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, utc) = (args.str("name")?, args.bool("utc"));
    let is_set = call(state.ctx, "timezone.zone_compare", Args::of([name.as_str()]))?.is_truthy();
    let is_local = call(state.ctx, "timezone.get_hwclock", Args::default())? == Value::from("localtime");
    let shown = args.get("utc").clone();
    let sets_clock = utc && is_local;
    if is_set && !sets_clock {
        return Ok(Look::in_sync(format!("the time zone is {name}")));
    }
    Ok(Look::differs(format!("the time zone is to be {name}"), Map::new(), move |state| {
        let mut changes = Map::new();
        let mut result = true;
        if !is_set {
            result = call(state.ctx, "timezone.set_zone", Args::of([name.as_str()]))?.is_truthy();
            if result {
                changes.insert("timezone", name.as_str());
            }
        }
        if sets_clock {
            result = call(state.ctx, "timezone.set_hwclock", Args::of(["UTC"]))?.is_truthy();
            if result {
                changes.insert("utc", shown);
            }
        }
        Ok(if result {
            Applied::done(format!("the time zone is {name} now"), changes)
        } else {
            Applied::failed(format!("the time zone cannot be made {name}"), changes)
        })
    }))
}
