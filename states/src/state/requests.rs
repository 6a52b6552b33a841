//! Runs asked for now and made later: `request`, `check_request`, `clear_request`, `run_request`.
//!
//! A request is a run with `test=True` whose SLS and keywords are kept under a name, in `req_state.p` of the cache.

use super::apply::apply;
use halite_modules::{Args, Bound, CallError, Ctx, cache, write};
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Map, Value};
use std::path::PathBuf;

/// Keywords of a request that its run has, too.
const KEPT: [&str; 8] =
    ["exclude", "localconfig", "mock", "pillar", "pillarenv", "queue", "saltenv", "concurrent"];

fn path(ctx: &Ctx) -> PathBuf {
    cache::dir(ctx).join("req_state.p")
}

fn load(ctx: &Ctx) -> Map {
    let bytes = std::fs::read(path(ctx)).unwrap_or_default();
    decode_value(&bytes).ok().and_then(|value| value.as_map().cloned()).unwrap_or_default()
}

fn store(ctx: &Ctx, requests: Map) -> Result<(), CallError> {
    let (path, failed) =
        (path(ctx), |error: String| CallError::failed(format!("requests cannot be kept: {error}")));
    let bytes = encode_value(&requests.into()).map_err(|error| failed(error.to_string()))?;
    write::private_folders(&cache::dir(ctx)).map_err(|error| failed(error.to_string()))?;
    write::replace(&path, &bytes, 0o600).map_err(|error| failed(error.to_string()))
}

pub fn request(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given = KEPT.iter().filter(|key| args.is_given(key));
    let kwargs: Map = given.map(|key| (*key, args.get(key).clone())).collect();
    let mods = args.get("mods").clone();
    let again = Args::of([mods.clone()]);
    let again = Args { keywords: kwargs.clone(), ..again }.with("test", true);
    let tried = halite_modules::call(ctx, "state.apply", again)?;
    let mut requests = load(ctx);
    let name = args.opt_str("name")?.unwrap_or_else(|| "default".to_owned());
    let entry = Map::from([("test_run", tried.clone()), ("mods", mods), ("kwargs", kwargs.into())]);
    requests.insert(name, entry);
    store(ctx, requests)?;
    Ok(tried)
}

pub fn check(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    ctx.out = Some("highstate");
    let mut requests = load(ctx);
    match args.opt_str("name")? {
        None => Ok(requests.into()),
        Some(name) => {
            requests.remove(&name).ok_or_else(|| CallError::failed(format!("there is no request '{name}'")))
        }
    }
}

pub fn clear(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(name) = args.opt_str("name")? else {
        let _ = std::fs::remove_file(path(ctx));
        return Ok(true.into());
    };
    let mut requests = load(ctx);
    if requests.is_empty() {
        return Ok(true.into());
    }
    let known = requests.remove(&name).is_some();
    if known {
        store(ctx, requests)?;
    }
    Ok(known.into())
}

pub fn run(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    ctx.out = Some("highstate");
    let requests = load(ctx);
    let Some(Value::Map(entry)) = requests.get(&args.str("name")?) else { return Ok(Map::new().into()) };
    let mut keywords = entry.get("kwargs").and_then(Value::as_map).cloned().unwrap_or_default();
    let own = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__"));
    let given = args.keywords().iter().filter(|(key, _)| !own(key));
    keywords.extend(given.map(|(key, value)| (key.clone(), value.clone())));
    keywords.insert("mods", entry.get("mods").cloned().unwrap_or_default());
    let bound = Args { positional: Vec::new(), keywords }.bind("state.run_request", super::table::APPLY)?;
    let ran = apply(ctx, &bound)?;
    let _ = std::fs::remove_file(path(ctx));
    Ok(ran)
}
