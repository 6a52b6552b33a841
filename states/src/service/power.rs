//! Services that run, and services that rest.

use super::boot::{self, switch};
use super::{SYSTEMD_ONLY, act, mask, not_there, pause, wanted_at_boot};
use crate::{Applied, Look, StateCtx};
use halite_modules::services::{Facts, facts, offline};
use halite_modules::{Bound, CallError, Ctx};
use halite_wire::Map;

pub fn running(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    look(state, args, true)
}

pub fn dead(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    look(state, args, false)
}

fn look(state: &mut StateCtx<'_, '_>, args: &Bound, run: bool) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if args.keywords().contains_key("enabled") {
        return Ok(Look::cannot(format!(
            "service {name}: there is no argument 'enabled'; did you mean enable?"
        )));
    }
    if offline() {
        return Ok(Look::in_sync(format!("systemd does not run here, so service {name} is left as it is")));
    }
    let before = facts(state.ctx, &name, args.opt_str("sig")?.as_deref())?;
    if !before.available {
        return Ok(not_there(state, &name, Some(!run)));
    }
    if before.running == run {
        return already(state, args, name, run, before);
    }
    let comment = format!("service {name} is to be {}", if run { "started" } else { "stopped" });
    let args = args.clone();
    Ok(Look::differs(comment, Map::new(), move |state| change(state.ctx, &args, run, before)))
}

/// It runs or rests as it shall; its start at boot may still differ.
fn already(
    state: &mut StateCtx<'_, '_>,
    args: &Bound,
    name: String,
    run: bool,
    before: Facts,
) -> Result<Look, CallError> {
    if run && !state.test {
        mask::lift(state.ctx, &name, args.keywords())?;
    }
    match wanted_at_boot(args) {
        Some(on) if on != before.enabled => boot::plan(state.ctx, name, on, args.keywords().clone()),
        _ => Ok(Look::in_sync(format!("service {name} {}", if run { "runs" } else { "does not run" }))),
    }
}

fn change(ctx: &mut Ctx, args: &Bound, run: bool, before: Facts) -> Result<Applied, CallError> {
    let (name, kwargs) = (args.str("name")?, args.keywords());
    if run {
        mask::lift(ctx, &name, kwargs)?;
    }
    let noted = ctx.notes.len();
    let done =
        match act(ctx, if run { "service.start" } else { "service.stop" }, &name, kwargs, &SYSTEMD_ONLY) {
            Ok(done) => done,
            Err(error) => return Ok(Applied::failed(error.to_string(), Map::new())),
        };
    if !done {
        let why = ctx.notes.split_off(noted).join("\n");
        let failed = Applied::failed(format!("service {name} cannot be {}: {why}", past(run)), Map::new());
        return at_boot(ctx, args, failed);
    }
    pause(args);
    let sig = if run { args.opt_str("sig")? } else { None };
    let after = facts(ctx, &name, sig.as_deref())?;
    let changes = if (after.running, after.enabled) == (before.running, before.enabled) {
        Map::new()
    } else {
        Map::from([(name.as_str(), after.running)])
    };
    let applied = if after.running == run {
        Applied::done(format!("service {name} was {}", past(run)), changes)
    } else {
        Applied::failed(format!("service {name} was {} but does not stay so", past(run)), changes)
    };
    at_boot(ctx, args, applied)
}

fn past(run: bool) -> &'static str {
    if run { "started" } else { "stopped" }
}

/// Goes on with the start at boot; its change takes the place of that of starting or stopping, as in Salt.
fn at_boot(ctx: &mut Ctx, args: &Bound, applied: Applied) -> Result<Applied, CallError> {
    let Some(on) = wanted_at_boot(args) else { return Ok(applied) };
    let name = args.str("name")?;
    let switched = switch(ctx, &name, on, applied.result == Some(true), args.keywords())?;
    Ok(Applied {
        result: Some(switched.result),
        comment: format!("{}; {}", applied.comment, switched.comment),
        changes: switched.changes.map_or(applied.changes, Into::into),
        further: applied.further,
    })
}
