//! `sysctl.present`: a parameter of the kernel, now and after the next start.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::Default;
use halite_modules::{Args, Bound, CallError, Param, call, linux_sysctl as sysctl};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: StateModule = StateModule {
    file: "sysctl",
    virtual_name: "sysctl",
    doc: "Parameters of the kernel.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: &[StateFunction {
        name: "present",
        params: &[
            Param::Required("name"),
            Param::Required("value"),
            Param::Optional("config", Default::Null),
        ],
        doc: "The parameter has this value in the kernel, and in the file that keeps it.",
        example: "vm.swappiness: {sysctl.present: [{value: 20}]}",
        call: present,
    }],
};

fn present(_: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, value) = (args.str("name")?, args.str("value")?);
    let config = args.opt_str("config")?.unwrap_or_else(|| sysctl::default_config().to_owned());
    let failed = |error: std::io::Error| CallError::failed(format!("{config}: {error}"));
    let configured = sysctl::configured(Path::new(&config)).map_err(failed)?.unwrap_or_default();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let is_kept = configured.get_str(&name).is_some_and(|kept| words(kept) == words(&value));
    let is_set = sysctl::get(&name).is_ok_and(|current| words(&current) == words(&value));
    if is_kept && is_set {
        return Ok(Look::in_sync(format!("{name} is {value} already")));
    }
    let shown = args.get("value").clone();
    Ok(Look::differs(format!("{name} is to be set to {value}"), Map::new(), move |state| {
        let wanted = Args::of([name.as_str(), &value]).with("config", config);
        let said = call(state.ctx, "sysctl.persist", wanted)?;
        let changes = Map::from([(name.as_str(), shown)]);
        Ok(if said == Value::from("Updated") {
            Applied::done(format!("{name} was set to {value}"), changes)
        } else {
            Applied::done(format!("{name} is {value} already"), Map::new())
        })
    }))
}
