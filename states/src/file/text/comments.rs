//! `file.comment` and `file.uncomment`.

use super::{absent, diff, forwarded, found, named};
use crate::{Applied, Look, StateCtx};
use halite_modules::regex::{Flags, Kind, Pattern};
use halite_modules::{Bound, CallError, call, diff as unified, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

pub fn comment(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    if let Some(why) = absent(&path) {
        return Ok(Look::cannot(why));
    }
    let sign = args.str("char")?;
    let core = without_anchors(&args.str("regex")?)?;
    let commented = format!("{sign}{core}");
    if !found(state, &path, &format!(r"^(?!\s*{sign})\s*{core}"))? {
        return Ok(if found(state, &path, &commented)? {
            Look::in_sync(format!("'{core}' is a comment already"))
        } else if args.bool("ignore_missing") {
            Look::in_sync(format!("'{core}' is not in the file, and need not be"))
        } else {
            Look::cannot(format!("'{core}' is not in the file"))
        });
    }
    Ok(edited(args, path, "file.comment", commented))
}

/// The expression without flags before it and anchors around it.
fn without_anchors(regex: &str) -> Result<String, CallError> {
    let around = Pattern::search(r"^(\(\?[iLmsux]\))?\^?(.*?)\$?$", Flags::default(), Kind::Text)?;
    let (core, _) = around.replace(regex.as_bytes(), r"\2", usize::MAX)?;
    Ok(String::from_utf8_lossy(&core).into_owned())
}

pub fn uncomment(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let path = named(args)?;
    if let Some(why) = absent(&path) {
        return Ok(Look::cannot(why));
    }
    let (sign, regex) = (args.str("char")?, args.str("regex")?);
    let core = regex.trim_start_matches('^');
    let plain = format!("^[ \t]*{core}");
    if !found(state, &path, &format!("{sign}[ \t]*{core}"))? {
        return Ok(if found(state, &path, &plain)? {
            Look::in_sync(format!("'{regex}' is no comment"))
        } else {
            Look::cannot(format!("'{regex}' is not in the file"))
        });
    }
    Ok(edited(args, path, "file.uncomment", plain))
}

/// The plan; `wanted` must be found afterwards.
fn edited(args: &Bound, path: PathBuf, fun: &'static str, wanted: String) -> Look {
    let given = forwarded(args, &path, &["regex", "char", "backup"]);
    let shown = Map::from([(paths::to_value(&path), Value::from("updated"))]);
    Look::differs(format!("{} would be changed", path.display()), shown, move |state| {
        let old = lines(&path);
        call(state.ctx, fun, given)?;
        let shown = unified::unified(&old, &lines(&path), ("", ""));
        let changes = if shown.is_empty() { Map::new() } else { diff(shown) };
        Ok(if found(state, &path, &wanted)? {
            Applied::done(format!("changed {}", path.display()), changes)
        } else {
            Applied::failed(format!("no line of {} fits the expression as a whole", path.display()), changes)
        })
    })
}

fn lines(path: &Path) -> Vec<String> {
    unified::split_lines(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()))
}
