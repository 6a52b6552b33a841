//! Packages a state names: `name` and `version`, `pkgs`, or `sources`.

use halite_modules::glob::fnmatch;
use halite_modules::packages::pairs;
use halite_modules::packages::version::condition;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};

/// Each package and the version it shall have, in the order they are named.
pub type Wanted = Vec<(String, Option<String>)>;

/// Reads `name` and `version`, or `pkgs`. Names lose the host's own architecture where `normalize` says so.
pub fn packages(ctx: &mut Ctx, args: &Bound, normalize: bool) -> Result<Wanted, CallError> {
    let mut wanted = match args.get("pkgs") {
        Value::Null => vec![(args.str("name")?, args.opt_str("version")?)],
        pkgs => pairs(ctx, pkgs)?,
    };
    if normalize && super::has(ctx, "pkg.normalize_name") {
        for (name, _) in &mut wanted {
            *name = normal(ctx, name)?;
        }
    }
    // A name given twice is one package; the last version counts.
    let mut all: Wanted = Vec::new();
    for (name, version) in wanted {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = version,
            None => all.push((name, version)),
        }
    }
    Ok(all)
}

/// The name without the host's own architecture.
pub fn normal(ctx: &mut Ctx, name: &str) -> Result<String, CallError> {
    let told = call(ctx, "pkg.normalize_name", Args::of([name]))?;
    Ok(told.as_str().unwrap_or(name).to_owned())
}

/// Whether one of the installed versions is what the text asks for: `1.2`, `1.2*`, `>= 1.2, < 2`.
pub fn fulfils(
    ctx: &mut Ctx,
    installed: &[String],
    wanted: &str,
    ignore_epoch: Option<bool>,
    allow_updates: bool,
) -> Result<bool, CallError> {
    let conditions: Vec<(&str, &str)> = wanted.split(',').map(condition).collect();
    for version in installed {
        let mut all = true;
        for (sign, desired) in &conditions {
            let sign = if allow_updates && conditions.len() == 1 && *sign == "==" { ">=" } else { sign };
            all = all && meets(ctx, version, sign, desired, ignore_epoch)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

fn meets(
    ctx: &mut Ctx,
    version: &str,
    sign: &str,
    desired: &str,
    ignore_epoch: Option<bool>,
) -> Result<bool, CallError> {
    if sign == "==" && fnmatch(version.as_bytes(), desired.as_bytes()) {
        return Ok(true);
    }
    let orders = sign.contains(['<', '>']);
    let ignore = ignore_epoch.unwrap_or(!orders && !desired.contains(':'));
    let order = call(ctx, "pkg.version_cmp", Args::of([version, desired]).with("ignore_epoch", ignore))?;
    let order = order.as_i64().unwrap_or(0);
    Ok(match sign {
        "<" | "<<" => order < 0,
        "<=" => order <= 0,
        ">=" => order >= 0,
        ">" | ">>" => order > 0,
        "!=" | "<>" => order != 0,
        _ => order == 0,
    })
}

/// `name=version`, for people.
pub fn words(wanted: &Wanted, names: &[String]) -> String {
    let word = |name: &String| {
        let version =
            wanted.iter().find(|(known, _)| known == name).and_then(|(_, version)| version.as_deref());
        match version {
            Some(version) if version.starts_with(['<', '>', '=']) => format!("{name}{version}"),
            Some(version) => format!("{name}={version}"),
            None => name.clone(),
        }
    };
    names.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// `[{name: version}, ...]` as `pkg.install` takes it.
pub fn as_pkgs(wanted: &Wanted) -> Value {
    let item = |(name, version): &(String, Option<String>)| {
        Map::from([(name.as_str(), Value::from(version.clone()))])
    };
    wanted.iter().map(item).collect()
}
