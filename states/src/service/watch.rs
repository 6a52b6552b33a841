//! What a changed requisite does to a service.

use super::{SYSTEMD_ONLY, act, has, pause};
use crate::{Applied, Look, StateCtx};
use halite_modules::services::facts;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::Map;

pub fn mod_watch(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, sfun) = (args.str("name")?, args.opt_str("sfun")?.unwrap_or_default());
    let runs = facts(state.ctx, &name, args.opt_str("sig")?.as_deref())?.running;
    let (fun, verb) = match (sfun.as_str(), runs) {
        ("dead", false) => return Ok(Look::in_sync(format!("service {name} does not run"))),
        ("dead", true) => ("service.stop", "stopped"),
        ("running", false) => ("service.start", "started"),
        ("running", true) => touch(state.ctx, args),
        _ => return Ok(Look::cannot(format!("service.{sfun} does nothing where a watched state changes"))),
    };
    let args = args.clone();
    Ok(Look::differs(format!("service {name} is to be {verb}"), Map::new(), move |state| {
        apply(state.ctx, &args, fun, verb)
    }))
}

/// How a service that runs takes notice.
fn touch(ctx: &mut Ctx, args: &Bound) -> (&'static str, &'static str) {
    if args.get("reload").is_truthy() && has(ctx, "service.reload") {
        if args.get("force").is_truthy() && has(ctx, "service.force_reload") {
            return ("service.force_reload", "reloaded by force");
        }
        return ("service.reload", "reloaded");
    }
    if args.get("full_restart").is_truthy() && has(ctx, "service.full_restart") {
        return ("service.full_restart", "restarted in full");
    }
    ("service.restart", "restarted")
}

fn apply(ctx: &mut Ctx, args: &Bound, fun: &str, verb: &str) -> Result<Applied, CallError> {
    let name = args.str("name")?;
    if fun == "service.start" {
        // What is left of one that died is cleared away.
        let noted = ctx.notes.len();
        call(ctx, "service.stop", Args::of([name.as_str()]))?;
        ctx.notes.truncate(noted);
    }
    let noted = ctx.notes.len();
    let done = act(ctx, fun, &name, args.keywords(), &SYSTEMD_ONLY)?;
    pause(args);
    let changes = Map::from([(name.as_str(), done)]);
    if done {
        return Ok(Applied::done(format!("service {name} was {verb}"), changes));
    }
    let why = ctx.notes.split_off(noted).join("\n");
    Ok(Applied::failed(format!("service {name} could not be {verb}: {why}"), changes))
}
