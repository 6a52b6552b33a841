//! Runs that wait or end on demand: `pause`, `resume`, `soft_kill`, `get_pauses`.

use super::turn;
use crate::run::pause::{self, ALL};
use halite_modules::args::as_text;
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::{Jid, Map, Value};
use std::path::PathBuf;

fn path(ctx: &Ctx, args: &Bound) -> Result<PathBuf, CallError> {
    let jid: Jid = args.str("jid")?.parse().map_err(|error| args.wrong(format!("'jid': {error}")))?;
    let folder = pause::folder(ctx).ok_or_else(|| CallError::failed("calls leave nothing behind here"))?;
    Ok(folder.join(jid.to_string()))
}

/// Says something about one state of a run, or about all.
fn change(
    ctx: &mut Ctx,
    args: &Bound,
    change: impl FnOnce(&mut Map, &str) -> Result<(), CallError>,
) -> Result<Value, CallError> {
    let path = path(ctx, args)?;
    let id = args.opt_str("state_id")?.unwrap_or_else(|| ALL.to_owned());
    let mut pauses = pause::read(&path);
    change(&mut pauses, &id)?;
    pause::write(&path, &pauses).map_err(|error| CallError::failed(error.to_string()))?;
    Ok(Value::Null)
}

fn entry<'p>(pauses: &'p mut Map, id: &str) -> Option<&'p mut Map> {
    pauses.entry_or(id, || Map::new().into()).as_map_mut()
}

pub fn pause(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let duration = args.opt_int("duration")?;
    change(ctx, args, |pauses, id| {
        if let (Some(entry), Some(duration)) = (entry(pauses, id), duration) {
            entry.insert("duration", duration);
        }
        Ok(())
    })
}

pub fn soft_kill(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(ctx, args, |pauses, id| {
        if let Some(entry) = entry(pauses, id) {
            entry.insert("kill", true);
        }
        Ok(())
    })
}

pub fn resume(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(ctx, args, |pauses, id| {
        pauses.remove(id);
        if id == ALL {
            *pauses = Map::new();
        }
        Ok(())
    })
}

/// Pauses of runs that are under way; files of others are removed.
pub fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let active: Vec<String> =
        turn::running(ctx).iter().filter_map(|job| job.get("jid").and_then(as_text)).collect();
    let wanted = args.texts("jid")?;
    let files = pause::folder(ctx).and_then(|folder| std::fs::read_dir(folder).ok());
    let mut found = Map::new();
    for file in files.into_iter().flatten().flatten() {
        let jid = file.file_name().to_string_lossy().into_owned();
        if !wanted.is_empty() && !wanted.contains(&jid) {
            continue;
        }
        if active.contains(&jid) {
            found.insert(jid, pause::read(&file.path()));
        } else {
            let _ = std::fs::remove_file(file.path());
        }
    }
    Ok(found.into())
}
