//! `mount.fstab_present` and `mount.fstab_absent`: entries of the table alone.

use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

/// The device under the name the table shall have: by its path, its UUID, its label.
fn spelled(ctx: &mut Ctx, args: &Bound) -> Result<Option<String>, CallError> {
    let name = args.str("name")?;
    let Some(by) = args.opt_str("mount_by")?.filter(|by| !by.is_empty()) else { return Ok(Some(name)) };
    let key = by.to_uppercase();
    if (by == "device" && name.starts_with('/')) || name.starts_with(&format!("{key}=")) {
        return Ok(Some(name));
    }
    let asked =
        if name.starts_with('/') { Args::of([name.as_str()]) } else { Args::default().with("token", name) };
    let known = call(ctx, "disk.blkid", asked)?;
    let known = known.as_map().cloned().unwrap_or_default();
    let Some((device, facts)) = known.iter().next().filter(|_| known.len() == 1) else { return Ok(None) };
    Ok(match by.as_str() {
        "device" => device.as_str().map(str::to_owned),
        _ => facts.get(&key).and_then(Value::as_str).map(|value| format!("{key}={value}")),
    })
}

fn place(args: &Bound) -> Result<String, CallError> {
    let place = args.str("fs_file")?;
    Ok(if place == "/" { place } else { place.trim_end_matches('/').to_owned() })
}

/// Salt's answer to a test: None, whether there is anything to do or not.
fn maybe(comment: String) -> Look {
    Look::Done(Applied { comment, changes: Map::new().into(), ..Applied::default() })
}

pub fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (place, config) = (place(args)?, args.str("config")?);
    let Some(device) = spelled(state.ctx, args)? else {
        return Ok(Look::cannot(format!("{} cannot be named otherwise", args.str("name")?)));
    };
    let names = [
        ("fs_vfstype", "fstype"),
        ("fs_mntops", "opts"),
        ("fs_freq", "dump"),
        ("fs_passno", "pass_num"),
        ("match_on", "match_on"),
        ("not_change", "not_change"),
    ];
    let entry = Args::of([place.as_str(), &device]).with("config", config.as_str());
    let entry = names.iter().fold(entry, |entry, (ours, theirs)| entry.with(theirs, args.get(ours).clone()));
    if state.test {
        let would = call(state.ctx, "mount.set_fstab", entry.with("test", true))?;
        return Ok(maybe(format!("{place} in {config}: {}", would.as_str().unwrap_or_default())));
    }
    let mounts = args.bool("mount");
    Ok(Look::differs(format!("{place} is to be in {config}"), Map::new(), move |state| {
        let kept = call(state.ctx, "mount.set_fstab", entry)?;
        let kept = kept.as_str().unwrap_or_default();
        if kept == "present" {
            return Ok(Applied::done(format!("{place} is in {config} already"), Map::new()));
        }
        let changes = Map::from([("persist", kept)]);
        if kept == "new" && mounts {
            let said = call(state.ctx, "mount.mount", Args::of([place.as_str()]))?;
            if let Value::Str(why) = said {
                return Ok(Applied::failed(format!("{place} cannot be mounted: {why}"), changes));
            }
        }
        Ok(Applied::done(format!("{place} is in {config} now"), changes))
    }))
}

pub fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (place, config) = (place(args)?, args.str("config")?);
    let device = spelled(state.ctx, args)?;
    let table = call(state.ctx, "mount.fstab", Args::of([config.as_str()]))?;
    let is_there = table.get(&place).is_some();
    if state.test {
        return Ok(maybe(format!("{place} is {}in {config}", if is_there { "" } else { "not " })));
    }
    if !is_there {
        return Ok(Look::in_sync(format!("{place} is not in {config}")));
    }
    Ok(Look::differs(format!("{place} is to be taken out of {config}"), Map::new(), move |state| {
        let remove = Args::of([Value::from(place.as_str()), device.into(), config.as_str().into()]);
        call(state.ctx, "mount.rm_fstab", remove)?;
        Ok(Applied::done(format!("{place} was taken out of {config}"), Map::from([("persist", "removed")])))
    }))
}
