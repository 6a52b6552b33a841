//! `mount.*`: filesystems and swap space as they shall be mounted, now and after the next start.

mod fstab;
mod mounted;
mod options;
mod swap;
mod table;
mod unmounted;

use crate::{Look, StateCtx, StateModule};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "mount",
    virtual_name: "mount",
    doc: "Filesystems and swap space as they shall be mounted.",
    applies: |grains| grains.get_str("kernel") == Some("Linux"),
    functions: table::FUNCTIONS,
};

fn mod_watch(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, sfun) = (args.str("name")?, args.str("sfun")?);
    if sfun != "mounted" {
        return Ok(Look::in_sync(format!("mount.{sfun} has nothing to do for a change that is watched")));
    }
    if state.test {
        return Ok(Look::in_sync(format!("{name} is to be mounted again")));
    }
    let given = |key: &str| args.keywords().get(key).cloned().unwrap_or_default();
    let remount = Args::of([Value::from(name.as_str()), given("device"), false.into(), given("fstype")]);
    let opts = Some(given("opts")).filter(Value::is_truthy).unwrap_or_else(|| "defaults".into());
    let remount = remount.with("opts", opts).with("user", args.get("user").clone());
    Ok(Look::differs(format!("{name} is to be mounted again"), Map::new(), move |state| {
        let done = call(state.ctx, "mount.remount", remount)?;
        Ok(match done {
            Value::Str(why) => {
                crate::Applied::failed(format!("{name} cannot be mounted again: {why}"), Map::new())
            }
            _ => crate::Applied::done(format!("{name} was mounted again"), Map::new()),
        })
    }))
}
