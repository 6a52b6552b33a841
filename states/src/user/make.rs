//! A user that is not there is made.

use super::wanted::{AGES, GECOS, REDACTED, Wanted};
use super::{facts, shadow, succeed};
use crate::Applied;
use halite_modules::{Args, CallError, Ctx, call};
use halite_wire::{Map, Value};

/// Makes the user with password and ages.
pub fn make(ctx: &mut Ctx, wanted: Wanted) -> Result<Applied, CallError> {
    let name = wanted.name.clone();
    if let Err(why) = succeed(ctx, "user.add", arguments(&wanted))? {
        return Ok(Applied::failed(format!("User {name} cannot be made{why}"), Map::new()));
    }
    let mut changes = facts(ctx, &name, wanted.local())?.unwrap_or_default();
    if !wanted.args.bool("createhome") {
        changes.insert("home", "");
    }
    let mut failures = Vec::new();
    set_password(ctx, &wanted, &mut changes, &mut failures)?;
    for (param, key, fun) in AGES {
        let days = wanted.args.get(param);
        if days.is_truthy() || param == "date" && !days.is_null() {
            call(ctx, fun, Args::of([Value::from(name.as_str()), days.clone()]))?;
            if shadow(ctx, &name)?.get(key) != Some(days) {
                failures.push(param);
            }
            changes.insert(param, days.clone());
        }
    }
    if failures.is_empty() {
        return Ok(Applied::done(format!("User {name} was made"), changes));
    }
    Ok(Applied::failed(format!("User {name} was made, but not its {}", failures.join(", ")), changes))
}

fn set_password(
    ctx: &mut Ctx,
    wanted: &Wanted,
    changes: &mut Map,
    failures: &mut Vec<&'static str>,
) -> Result<(), CallError> {
    let name = wanted.name.as_str();
    match &wanted.password {
        Some(password) if !wanted.empty_password() => {
            if let Err(_why) = succeed(ctx, "shadow.set_password", Args::of([name, password]))? {
                failures.push("password");
            }
            changes.insert("password", REDACTED);
        }
        None if wanted.empty_password() => {
            if let Err(_why) = succeed(ctx, "shadow.del_password", Args::of([name]))? {
                failures.push("password");
            }
            changes.insert("password", "");
        }
        _ => {}
    }
    Ok(())
}

fn arguments(wanted: &Wanted) -> Args {
    let given = &wanted.args;
    let same =
        ["uid", "gid", "home", "shell", "unique", "system", "createhome", "nologinit", "loginclass", "local"];
    let mut args = Args::of([wanted.name.as_str()]).with("usergroup", given.get("usergroup").clone());
    for key in same.into_iter().chain(GECOS) {
        args = args.with(key, given.get(key).clone());
    }
    match &wanted.groups {
        None if wanted.optional.is_empty() => args,
        groups => {
            args.with("groups", groups.iter().flatten().chain(&wanted.optional).cloned().collect::<Vec<_>>())
        }
    }
}
