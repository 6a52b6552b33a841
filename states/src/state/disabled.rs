//! SLS and state functions that may not run: `disable`, `enable`, `list_disabled`. The list is a grain.

use super::split;
use halite_modules::{Args, Bound, CallError, Ctx};
use halite_wire::{Map, Value};

const GRAIN: &str = "state_runs_disabled";

fn listed(ctx: &mut Ctx) -> Vec<String> {
    ctx.grains().get(GRAIN).map(split).unwrap_or_default()
}

pub fn list(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(ctx.grains().get(GRAIN).cloned().unwrap_or_else(|| "".into()))
}

/// Why those among `names` do not run that are disabled: by their name, or by `part.*`.
pub fn among(ctx: &mut Ctx, names: &[String]) -> Vec<String> {
    let listed = listed(ctx);
    let mut lines = Vec::new();
    for name in names {
        for pattern in &listed {
            let below = pattern.contains(".*").then(|| pattern.split('.').next().unwrap_or_default());
            let hit = below.map_or(pattern == name, |part| name.starts_with(&format!("{part}.")));
            if hit {
                lines.push(format!(
                    "The SLS \"{name}\" is disabled by \"{pattern}\"; state.enable {pattern} brings it back"
                ));
            }
        }
    }
    lines
}

pub fn disable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(ctx, args, |listed, name| {
        let known = listed.contains(&name);
        if !known {
            listed.push(name);
        }
        if known { "is disabled already" } else { "is disabled now" }
    })
}

pub fn enable(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    change(ctx, args, |listed, name| {
        let known = listed.contains(&name);
        listed.retain(|other| *other != name);
        if known { "is enabled now" } else { "is enabled already" }
    })
}

fn change(
    ctx: &mut Ctx,
    args: &Bound,
    mut one: impl FnMut(&mut Vec<String>, String) -> &'static str,
) -> Result<Value, CallError> {
    let before = listed(ctx);
    let mut after = before.clone();
    let names = split(args.get("states"));
    let lines: Vec<String> =
        names.into_iter().map(|name| format!("{name} {}", one(&mut after, name.clone()))).collect();
    if after != before {
        let set = Args::of([Value::from(GRAIN), after.into()]);
        halite_modules::call(ctx, "grains.setval", set)?;
        ctx.forget_grains();
    }
    Ok(Map::from([("res", Value::from(true)), ("msg", lines.join("\n").into())]).into())
}
