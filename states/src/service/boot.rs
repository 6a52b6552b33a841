//! Whether a service starts at boot.

use super::{SYSTEMD_ONLY, act, has, not_there};
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::Map;

/// What came of a change.
pub struct Switched {
    pub result: bool,
    pub comment: String,
    /// `None` where nothing was to be done.
    pub changes: Option<Map>,
}

/// Whether the service already does at boot what it shall; `None` where the init system keeps no such list.
pub fn as_wanted(ctx: &mut Ctx, name: &str, on: bool, kwargs: &Map) -> Result<Option<bool>, CallError> {
    if !has(ctx, "service.enable") || !has(ctx, "service.enabled") {
        return Ok(None);
    }
    if on {
        act(ctx, "service.enabled", name, kwargs, &["runlevels"])
    } else {
        act(ctx, "service.disabled", name, kwargs, &[])
    }
    .map(Some)
}

/// Enables or disables the service. `result` is how the state ends where this goes well.
pub fn switch(
    ctx: &mut Ctx,
    name: &str,
    on: bool,
    result: bool,
    kwargs: &Map,
) -> Result<Switched, CallError> {
    let word = if on { "enabled" } else { "disabled" };
    let before = match as_wanted(ctx, name, on, kwargs)? {
        None => {
            let comment = format!("service {name}: what starts at boot cannot be changed on this host");
            return Ok(Switched { result, comment, changes: None });
        }
        Some(true) => {
            return Ok(Switched { result, comment: format!("service {name} is {word}"), changes: None });
        }
        Some(false) => false,
    };
    let noted = ctx.notes.len();
    let mut passed = vec!["runlevels"];
    passed.extend(SYSTEMD_ONLY);
    let done = act(ctx, if on { "service.enable" } else { "service.disable" }, name, kwargs, &passed);
    match done {
        Ok(true) => {}
        other => {
            let mut why: Vec<String> = ctx.notes.split_off(noted);
            why.extend(other.err().map(|error| error.to_string()));
            let comment = format!("service {name} cannot be {word}: {}", why.join("\n"));
            return Ok(Switched { result: false, comment, changes: None });
        }
    }
    let after = as_wanted(ctx, name, on, kwargs)?.unwrap_or(false);
    let changes = if after == before { Map::new() } else { Map::from([(name, true)]) };
    Ok(Switched { result, comment: format!("service {name} is {word} now"), changes: Some(changes) })
}

pub fn enabled(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    look(state, args, true)
}

pub fn disabled(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    look(state, args, false)
}

fn look(state: &mut StateCtx<'_, '_>, args: &Bound, on: bool) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if !call(state.ctx, "service.available", Args::of([name.as_str()]))?.is_truthy() {
        return Ok(if on {
            not_there(state, &name, Some(false))
        } else {
            Look::in_sync(format!("there is no service {name} here"))
        });
    }
    plan(state.ctx, name, on, args.keywords().clone())
}

/// The look at a service whose start at boot is all there is to change.
pub fn plan(ctx: &mut Ctx, name: String, on: bool, kwargs: Map) -> Result<Look, CallError> {
    let word = if on { "enabled" } else { "disabled" };
    if as_wanted(ctx, &name, on, &kwargs)? != Some(false) {
        return Ok(Look::in_sync(format!("service {name} is {word}, or cannot be otherwise")));
    }
    Ok(Look::differs(format!("service {name} is to be {word}"), Map::new(), move |state| {
        let switched = switch(state.ctx, &name, on, true, &kwargs)?;
        let changes = switched.changes.unwrap_or_default();
        Ok(Applied { result: Some(switched.result), ..Applied::done(switched.comment, changes) })
    }))
}
