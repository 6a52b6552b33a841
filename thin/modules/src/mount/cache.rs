//! What states mounted, with which options: an option that is taken out of a state is known by it.

use crate::registry::CallError;
use crate::{Bound, Ctx, write};
use halite_wire::{Map, Value};
use std::path::PathBuf;

/// The file in the host's cache.
fn file(ctx: &Ctx) -> Option<PathBuf> {
    Some(PathBuf::from(ctx.opts.get_str("cachedir")?).join("mounts.yaml"))
}

fn read(ctx: &Ctx) -> Map {
    let text = file(ctx).and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    ctx.render.load_yaml(&text).ok().and_then(|known| known.as_map().cloned()).unwrap_or_default()
}

fn store(ctx: &Ctx, known: &Map) -> Result<(), CallError> {
    let Some(file) = file(ctx) else { return Ok(()) };
    let failed = |why: String| CallError::failed(format!("{}: {why}", file.display()));
    if let Some(folder) = file.parent() {
        write::private_folders(folder).map_err(|error| failed(error.to_string()))?;
    }
    let text = ctx.render.dump_yaml(&known.clone().into()).map_err(failed)?;
    write::replace(&file, text.as_bytes(), 0o600).map_err(|error| failed(error.to_string()))
}

/// The options a state last mounted this place with.
pub fn cached_options(ctx: &Ctx, place: &str) -> Option<Vec<String>> {
    let opts = read(ctx).get(place)?.get("opts")?.as_list()?.to_vec();
    Some(opts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Notes what a place was mounted with.
///
/// # Errors
/// What writing says.
pub fn remember(ctx: &Ctx, place: &str, facts: Map) -> Result<(), CallError> {
    let mut known = read(ctx);
    known.insert(place, facts);
    store(ctx, &known)
}

/// Forgets a place.
///
/// # Errors
/// What writing says.
pub fn forget(ctx: &Ctx, place: &str) -> Result<(), CallError> {
    let mut known = read(ctx);
    if known.remove(place).is_some() { store(ctx, &known) } else { Ok(()) }
}

pub fn read_call(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(read(ctx).remove(&args.str("name")?).unwrap_or_else(|| Map::new().into()))
}

pub fn write_call(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let facts = [("device", "device"), ("fstype", "fstype"), ("mkmnt", "mkmnt"), ("opts", "mount_opts")];
    let facts = facts.map(|(key, name)| (key, args.get(name).clone()));
    remember(ctx, &args.str("real_name")?, Map::from(facts)).map(|()| Value::Bool(true))
}

pub fn delete_call(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    forget(ctx, &args.str("real_name")?).map(|()| Value::Bool(true))
}
