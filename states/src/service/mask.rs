//! Masks: a service nothing can start.

use super::has;
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::Map;

pub fn masked(state: &mut StateCtx<'_, '_>, args: &Bound, wanted: bool) -> Result<Look, CallError> {
    let (name, runtime) = (args.str("name")?, args.bool("runtime"));
    if !has(state.ctx, "service.masked") {
        return Ok(Look::cannot("this host's init system knows no masks"));
    }
    let word = if wanted { "masked" } else { "unmasked" };
    if is_masked(state.ctx, &name, runtime)? == wanted {
        return Ok(Look::in_sync(format!("service {name} is {word}")));
    }
    let kind = if runtime { "runtime masked" } else { "masked" };
    let changes = Map::from([(kind, Map::from([("old", !wanted), ("new", wanted)]))]);
    Ok(Look::differs(format!("service {name} is to be {word}"), changes.clone(), move |state| {
        let fun = if wanted { "service.mask" } else { "service.unmask" };
        call(state.ctx, fun, Args::of([name.as_str()]).with("runtime", runtime))?;
        if is_masked(state.ctx, &name, runtime)? == wanted {
            return Ok(Applied::done(format!("service {name} is {word} now"), changes));
        }
        Ok(Applied::failed(format!("service {name} could not be {word}"), Map::new()))
    }))
}

fn is_masked(ctx: &mut Ctx, name: &str, runtime: bool) -> Result<bool, CallError> {
    Ok(call(ctx, "service.masked", Args::of([name]).with("runtime", runtime))?.is_truthy())
}

/// Takes the mask away where `running` is asked to.
pub fn lift(ctx: &mut Ctx, name: &str, kwargs: &Map) -> Result<(), CallError> {
    let asked = |key: &str| kwargs.get(key).is_some_and(|value| value.is_truthy());
    let runtime = asked("unmask_runtime");
    if asked("unmask") && has(ctx, "service.masked") && is_masked(ctx, name, runtime)? {
        call(ctx, "service.unmask", Args::of([name]).with("runtime", runtime))?;
    }
    Ok(())
}
