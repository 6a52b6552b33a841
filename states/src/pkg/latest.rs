//! `pkg.latest`: the newest version there is.

use super::{note_fresh, passed_on, wants_refresh};
use crate::{Applied, Look, StateCtx};
use halite_modules::packages::pairs;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

pub fn latest(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if args.keywords().get("sources").is_some_and(Value::is_truthy) {
        return Ok(Look::cannot("sources have no newer version: use pkg.installed"));
    }
    let names: Vec<String> = match args.get("pkgs") {
        Value::Null => vec![args.str("name")?],
        pkgs => pairs(state.ctx, pkgs)?.into_iter().map(|(name, _)| name).collect(),
    };
    if names.is_empty() {
        return Ok(Look::in_sync("no packages are named"));
    }
    let refresh = wants_refresh(state, args);
    let asked =
        passed_on(args).fold(Args::of(names.clone()), with).with("fromrepo", args.get("fromrepo").clone());
    let available = by_name(call(state.ctx, "pkg.latest_version", asked.with("refresh", refresh))?, &names);
    if refresh {
        note_fresh(state.kept);
    }
    let current = by_name(call(state.ctx, "pkg.version", Args::of(names.clone()))?, &names);
    let text = |map: &Map, name: &str| map.get_str(name).unwrap_or_default().to_owned();
    let unknown =
        names.iter().filter(|name| text(&available, name).is_empty() && text(&current, name).is_empty());
    let unknown: Vec<&str> = unknown.map(String::as_str).collect();
    if !unknown.is_empty() {
        return Ok(Look::cannot(format!("nothing is known of {}", unknown.join(", "))));
    }
    let targets: Vec<(String, String)> = names
        .iter()
        .map(|name| (name.clone(), text(&available, name)))
        .filter(|(_, new)| !new.is_empty())
        .collect();
    if targets.is_empty() {
        return Ok(Look::in_sync(format!("of the newest version: {}", names.join(", "))));
    }
    let pair = |(name, new): &(String, String)| {
        (name.clone(), Map::from([("new", new.clone()), ("old", text(&current, name))]))
    };
    let plan = targets.iter().map(pair).collect::<Map>();
    let comment = format!("to be installed or upgraded: {}", listed(&targets));
    let args = args.clone();
    Ok(Look::differs(comment, plan, move |state| upgrade(state.ctx, &args, &targets)))
}

fn with(args: Args, (key, value): (&Value, &Value)) -> Args {
    args.with(key.as_str().unwrap_or_default(), value.clone())
}

fn listed(targets: &[(String, String)]) -> String {
    targets.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
}

/// One answer for one name is a text.
fn by_name(answer: Value, names: &[String]) -> Map {
    match (answer, names) {
        (Value::Map(map), _) => map,
        (text, [name, ..]) => Map::from([(name.as_str(), text)]),
        (_, []) => Map::new(),
    }
}

fn upgrade(ctx: &mut Ctx, args: &Bound, targets: &[(String, String)]) -> Result<Applied, CallError> {
    let names: Vec<String> = targets.iter().map(|(name, _)| name.clone()).collect();
    let order = passed_on(args).fold(Args::default(), with).with("pkgs", names).with("refresh", false);
    let order = order.with("fromrepo", args.get("fromrepo").clone());
    let changes = match call(ctx, "pkg.install", order.with("skip_verify", args.get("skip_verify").clone())) {
        Ok(told) => told.as_map().cloned().unwrap_or_default(),
        Err(error) => {
            return Ok(Applied::failed(format!("packages cannot be installed: {error}"), Map::new()));
        }
    };
    let is_there = |(name, version): &&(String, String)| {
        let new = changes.get(name).and_then(|change| change.get("new")).and_then(Value::as_str);
        new.is_some_and(|new| new.split(',').any(|one| one == version))
    };
    let failed: Vec<&str> =
        targets.iter().filter(|target| !is_there(target)).map(|(name, _)| name.as_str()).collect();
    if failed.is_empty() {
        return Ok(Applied::done(format!("installed or upgraded: {}", listed(targets)), changes));
    }
    let failed = failed.join(", ");
    Ok(Applied::failed(format!("not upgraded: {failed}"), changes))
}
