//! `mount.swap`.

use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

/// The device a link leads to.
fn device_of(name: &str) -> String {
    match std::fs::read_link(name) {
        Ok(target) if target.is_absolute() => target.to_string_lossy().into_owned(),
        Ok(target) => format!("/dev/{}", target.file_name().unwrap_or_default().to_string_lossy()),
        Err(_) => name.to_owned(),
    }
}

pub fn swap(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, config, persists) = (args.str("name")?, args.str("config")?, args.bool("persist"));
    let device = device_of(&name);
    let is_on = call(state.ctx, "mount.swaps", Args::default())?.get(&device).is_some();
    let table = call(state.ctx, "mount.fstab", Args::of([config.as_str()]))?;
    let entries = table.as_map().cloned().unwrap_or_default();
    let its_device = |entry: &Value| entry.get("device").and_then(Value::as_str) == Some(&name);
    let is_kept = entries.contains_key(&name) || entries.values().any(its_device);
    if state.test && is_on && (!persists || is_kept) {
        return Ok(Look::in_sync(format!("Swap {name} is in use")));
    }
    let other = entries.get("none").filter(|entry| its_device(entry));
    let keeps =
        persists && other.is_none_or(|entry| entry.get("fstype").and_then(Value::as_str) == Some("swap"));
    Ok(Look::differs(format!("Swap {name} is to be put to use"), Map::new(), move |state| {
        let mut changes = Map::new();
        let mut result = true;
        if !is_on {
            call(state.ctx, "mount.swapon", Args::of([device.as_str()]))?;
            let on = call(state.ctx, "mount.swaps", Args::default())?;
            match on.get(&device).and_then(Value::as_map) {
                Some(facts) => changes = facts.clone(),
                None => result = false,
            }
        }
        if keeps {
            let entry = Args::of(["none", &name, "swap", "defaults"]).with("config", config);
            let kept = call(state.ctx, "mount.set_fstab", entry)?;
            match kept.as_str() {
                Some("new") => drop(changes.insert("persist", "new")),
                Some("change") => drop(changes.insert("persist", "update")),
                _ => {}
            }
        }
        Ok(if result {
            Applied::done(format!("Swap {name} is in use"), changes)
        } else {
            Applied::failed(format!("Swap {name} cannot be put to use"), changes)
        })
    }))
}
