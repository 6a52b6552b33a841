//! `pkg.group_installed`: groups of packages, as dnf and pacman know them.

use super::{has, listed, passed_on};
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

fn members(diff: &Value, kind: &str, state: &str) -> Vec<String> {
    let list = diff.get(kind).and_then(|kind| kind.get(state)).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub fn group_installed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if !has(state.ctx, "pkg.group_diff") {
        return Ok(Look::cannot("this package manager knows no groups of packages"));
    }
    for key in ["skip", "include"] {
        if !matches!(args.get(key), Value::Null | Value::List(_)) {
            return Ok(Look::cannot(format!("{key} must be a list")));
        }
    }
    let (name, skip, include) = (args.str("name")?, args.texts("skip")?, args.texts("include")?);
    let asked = passed_on(args).fold(Args::of([name.as_str()]), |asked, (key, value)| {
        asked.with(key.as_str().unwrap_or_default(), value.clone())
    });
    let diff = match call(state.ctx, "pkg.group_diff", asked) {
        Ok(diff) => diff,
        Err(error) => return Ok(Look::cannot(format!("group {name}: {error}"))),
    };
    let (has_must, must) =
        (members(&diff, "mandatory", "installed"), members(&diff, "mandatory", "not installed"));
    if let Some(package) = has_must.iter().chain(&must).find(|package| skip.contains(package)) {
        return Ok(Look::cannot(format!("package {package} cannot be skipped: group {name} must have it")));
    }
    let required: Vec<String> = must.into_iter().chain(include).collect();
    let mut targets = members(&diff, "default", "not installed");
    targets.retain(|package| !skip.contains(package));
    targets.splice(0..0, required.iter().cloned());
    if targets.is_empty() {
        return Ok(Look::in_sync(format!("group {name} is installed")));
    }
    let args = args.clone();
    let comment = format!("group {name} is to be installed: {}", targets.join(", "));
    Ok(Look::differs(comment, Map::new(), move |state| {
        let order = passed_on(&args).fold(Args::default().with("pkgs", targets), |order, (key, value)| {
            order.with(key.as_str().unwrap_or_default(), value.clone())
        });
        let changes = match call(state.ctx, "pkg.install", order) {
            Ok(changes) => changes,
            Err(error) => {
                return Ok(Applied::failed(format!("group {name} cannot be installed: {error}"), Map::new()));
            }
        };
        let now = listed(state.ctx, false)?;
        let missing: Vec<&str> =
            required.iter().map(String::as_str).filter(|name| !now.contains_key(name)).collect();
        if missing.is_empty() {
            return Ok(Applied::done(format!("group {name} was installed"), changes));
        }
        Ok(Applied::failed(format!("not installed: {}", missing.join(", ")), changes))
    }))
}
