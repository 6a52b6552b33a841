//! `mount.unmounted`.

use crate::{Applied, Look, StateCtx};
use halite_modules::mount::{active, forget};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

pub fn unmounted(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if name.is_empty() {
        return Ok(Look::cannot("the argument 'name' must not be empty"));
    }
    let (device, config, user) = (args.opt_str("device")?, args.str("config")?, args.get("user").clone());
    let place = name.replace(' ', "\\040");
    let is_mounted = active()?.iter().any(|mount| mount.place == place);
    let table = call(state.ctx, "mount.fstab", Args::of([config.as_str()]))?;
    let entry = table.get(&name).and_then(|entry| entry.get("device")).and_then(Value::as_str);
    let is_it =
        entry.is_some_and(|its| device.as_deref().is_none_or(|device| device.is_empty() || device == its));
    let purges = args.bool("persist") && is_it;
    if !is_mounted && !purges {
        return Ok(Look::in_sync(format!("{name} is not mounted")));
    }
    Ok(Look::differs(format!("{name} is to be unmounted"), Map::new(), move |state| {
        let mut changes = Map::new();
        let mut failure = None;
        if is_mounted {
            let umount = Args::of([name.as_str()]).with("device", device.clone()).with("user", user);
            match call(state.ctx, "mount.umount", umount)? {
                Value::Str(why) => failure = Some(format!("{name} cannot be unmounted: {why}")),
                _ => drop(changes.insert("umount", true)),
            }
            forget(state.ctx, &name)?;
        }
        if purges {
            let remove = Args::of([Value::from(name.as_str()), device.into(), config.into()]);
            call(state.ctx, "mount.rm_fstab", remove)?;
            changes.insert("persist", "purged");
        }
        Ok(match failure {
            Some(why) => Applied::failed(why, changes),
            None => Applied::done(format!("{name} was unmounted"), changes),
        })
    }))
}
