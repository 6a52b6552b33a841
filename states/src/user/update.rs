//! A user that is there is changed.

use super::wanted::{AGES, REDACTED, Wanted, words};
use super::{facts, shadow};
use crate::Applied;
use halite_modules::{Args, CallError, Ctx, call};
use halite_wire::{Map, Value};
use std::path::Path;

/// Makes the changes, and says what is other than before.
pub fn update(ctx: &mut Ctx, wanted: Wanted, mut changes: Map) -> Result<Applied, CallError> {
    let name = wanted.name.clone();
    let before = facts(ctx, &name, wanted.local())?.unwrap_or_default();
    let shadow_before = shadow(ctx, &name)?;
    set_password(ctx, &wanted, &mut changes)?;
    set_home(ctx, &wanted, &before, &mut changes)?;
    let groups = changes.remove("groups");
    for (key, value) in &changes {
        let key = key.as_str().unwrap_or_default();
        let fun = AGES
            .iter()
            .find(|(param, ..)| *param == key)
            .map_or(format!("user.ch{key}"), |age| age.2.to_owned());
        call(ctx, &fun, Args::of([Value::from(name.as_str()), value.clone()]))?;
    }
    if let Some(groups) = groups {
        let append = !wanted.remove_groups();
        call(ctx, "user.chgroups", Args::of([Value::from(name.as_str()), groups, append.into()]))?;
    }
    let mut changed = others(&before, &facts(ctx, &name, wanted.local())?.unwrap_or_default());
    if shadow_before.get_str("passwd") != wanted.password.as_deref() {
        changed.extend(others(&shadow_before, &shadow(ctx, &name)?).into_iter().map(redacted));
    }
    let left = wanted.differences(ctx)?.unwrap_or_default();
    if left.is_empty() {
        return Ok(Applied::done(format!("User {name} was changed"), changed));
    }
    Ok(Applied::failed(format!("User {name} could not be changed in:{}", words(&left)), changed))
}

fn others(before: &Map, after: &Map) -> Map {
    let other = after.iter().filter(|(key, value)| before.get_value(key) != Some(*value));
    other.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn redacted((key, value): (Value, Value)) -> (Value, Value) {
    if key.as_str() == Some("passwd") { (key, REDACTED.into()) } else { (key, value) }
}

fn set_password(ctx: &mut Ctx, wanted: &Wanted, changes: &mut Map) -> Result<(), CallError> {
    let name = wanted.name.as_str();
    if let Some(Value::Str(password)) = changes.remove("passwd") {
        call(ctx, "shadow.set_password", Args::of([name, &password]))?;
    }
    if changes.remove("empty_password").is_some() {
        call(ctx, "shadow.del_password", Args::of([name]))?;
    }
    if let Some(lock) = changes.remove("password_lock") {
        let fun = if lock.is_truthy() { "shadow.lock_password" } else { "shadow.unlock_password" };
        call(ctx, fun, Args::of([name]))?;
    }
    Ok(())
}

fn set_home(ctx: &mut Ctx, wanted: &Wanted, before: &Map, changes: &mut Map) -> Result<(), CallError> {
    let (home, missing) = (changes.remove("home"), changes.remove("homeDoesNotExist"));
    if let Some(home) = home.or_else(|| missing.clone()) {
        let args = Args::of([Value::from(wanted.name.as_str()), home]);
        call(ctx, "user.chhome", args.with("persist", wanted.args.bool("persist_home")))?;
    }
    if let Some(missing) = missing.filter(|home| home.as_str().is_some_and(|home| !Path::new(home).is_dir()))
    {
        let of = |key: &str| before.get(key).cloned().unwrap_or_default();
        call(ctx, "file.mkdir", Args::of([missing, of("uid"), of("gid"), "0755".into()]))?;
    }
    Ok(())
}
