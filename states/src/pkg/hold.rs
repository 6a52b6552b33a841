//! `pkg.held` and `pkg.unheld`: packages that stay as they are, and those that may change again.

use super::has;
use crate::{Applied, Look, StateCtx};
use halite_modules::packages::pairs;
use halite_modules::{Args, Bound, CallError, Ctx, call};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;

/// Names of held packages, each with the version it is held in where the package manager keeps one.
fn holds(ctx: &mut Ctx) -> Result<Option<BTreeMap<String, Option<String>>>, CallError> {
    if has(ctx, "pkg.list_locks") {
        let locks = call(ctx, "pkg.list_locks", Args::default())?;
        let packages = locks.as_map().into_iter().flatten().filter(|(_, lock)| {
            lock.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "package")
        });
        let version = |lock: &Value| {
            lock.get("version")
                .and_then(Value::as_str)
                .map(|text| text.trim_start_matches(['=', ' ']).to_owned())
        };
        return Ok(Some(
            packages.filter_map(|(name, lock)| Some((name.as_str()?.to_owned(), version(lock)))).collect(),
        ));
    }
    let listed = if has(ctx, "pkg.list_holds") {
        call(ctx, "pkg.list_holds", Args::default().with("full", false))?
    } else if has(ctx, "pkg.get_selections") {
        let by_state = call(ctx, "pkg.get_selections", Args::default().with("state", "hold"))?;
        by_state.get("hold").cloned().unwrap_or_default()
    } else {
        return Ok(None);
    };
    let names = listed.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
    Ok(Some(names.map(|name| (name.to_owned(), None)).collect()))
}

fn named(ctx: &mut Ctx, args: &Bound) -> Result<Vec<(String, Option<String>)>, CallError> {
    match args.get("pkgs") {
        Value::Null => Ok(vec![(args.str("name")?, args.opt_str("version")?)]),
        pkgs => pairs(ctx, pkgs),
    }
}

fn is_empty_list(args: &Bound) -> bool {
    args.get("pkgs").as_list().is_some_and(<[Value]>::is_empty)
}

/// What is to be held and what to be let go.
struct Change {
    hold: Vec<String>,
    unhold: Vec<String>,
}

pub fn held(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if is_empty_list(args) && !args.bool("replace") {
        return Ok(Look::in_sync("no packages are named"));
    }
    let holds = holds(state.ctx)?.filter(|_| has(state.ctx, "pkg.hold"));
    let Some(holds) = holds else { return Ok(Look::cannot("this package manager holds no packages")) };
    let wanted = named(state.ctx, args)?;
    let by_version = has(state.ctx, "pkg.list_locks");
    let is_held = |name: &String, version: &Option<String>| match holds.get(name) {
        Some(held) => !by_version || held == version,
        None => false,
    };
    let hold = wanted
        .iter()
        .filter(|(name, version)| !is_held(name, version))
        .map(|(name, _)| name.clone())
        .collect();
    let mut change = Change { hold, unhold: Vec::new() };
    if args.bool("replace") {
        let others = holds.keys().filter(|name| !wanted.iter().any(|(wanted, _)| wanted == *name));
        change.unhold = others.cloned().collect();
    }
    Ok(look(state.test, change))
}

pub fn unheld(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if is_empty_list(args) && !args.bool("all") {
        return Ok(Look::in_sync("no packages are named"));
    }
    let Some(holds) = holds(state.ctx)? else {
        return Ok(Look::cannot("this package manager holds no packages"));
    };
    let wanted = named(state.ctx, args)?;
    let all = args.bool("all");
    let is_wanted = |name: &String, held: &Option<String>| {
        let named = wanted.iter().find(|(wanted, _)| wanted == name);
        all || named.is_some_and(|(_, version)| held.is_none() || held == version)
    };
    let unhold =
        holds.iter().filter(|(name, held)| is_wanted(name, held)).map(|(name, _)| name.clone()).collect();
    Ok(look(state.test, Change { hold: Vec::new(), unhold }))
}

fn look(test: bool, change: Change) -> Look {
    let words =
        |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
    let lines = [words("to be held", &change.hold), words("to be held no longer", &change.unhold)];
    let comment = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    if comment.is_empty() {
        return Look::in_sync("all packages are held, or not, as they should be");
    }
    if test {
        // Salt says true of a plan to hold, not undecided.
        return Look::Done(Applied::done(comment, Map::new()));
    }
    Look::differs(comment, Map::new(), move |state| {
        let (mut changes, mut comments, mut result) = (Map::new(), Vec::new(), true);
        for (fun, names) in [("pkg.hold", change.hold), ("pkg.unhold", change.unhold)] {
            if !names.is_empty() {
                let answers = call(state.ctx, fun, Args::default().with("pkgs", names))?;
                for (name, answer) in answers.as_map().into_iter().flatten() {
                    result &= answer.get("result").is_some_and(Value::is_truthy);
                    comments.extend(answer.get("comment").and_then(Value::as_str).map(str::to_owned));
                    changes.insert(name.clone(), answer.clone());
                }
            }
        }
        Ok(Applied { result: Some(result), ..Applied::done(comments.join("\n"), changes) })
    })
}

fn answers(ctx: &mut Ctx, names: &[String], hold: bool) -> Result<Value, CallError> {
    call(ctx, if hold { "pkg.hold" } else { "pkg.unhold" }, Args::default().with("pkgs", names.to_vec()))
}

/// The look at packages that are installed and shall be held, or not, besides.
pub fn also(
    state: &mut StateCtx<'_, '_>,
    names: Vec<String>,
    hold: bool,
    comment: String,
) -> Result<Look, CallError> {
    let holds = holds(state.ctx)?.unwrap_or_default();
    let others: Vec<String> = names.into_iter().filter(|name| holds.contains_key(name) != hold).collect();
    if others.is_empty() {
        return Ok(Look::in_sync(comment));
    }
    let word = if hold { "held" } else { "held no longer" };
    let plan = format!("{comment}; to be {word}: {}", others.join(", "));
    Ok(Look::differs(plan, Map::new(), move |state| {
        let (mut changes, mut comments, mut result) = (Map::new(), vec![comment], true);
        for (name, answer) in answers(state.ctx, &others, hold)?.as_map().into_iter().flatten() {
            comments.extend(answer.get("comment").and_then(Value::as_str).map(str::to_owned));
            result &= answer.get("result").is_some_and(Value::is_truthy);
            if let Some(changed) = answer.get("changes").filter(|changes| changes.is_truthy()) {
                changes.insert(name.clone(), changed.clone());
            }
        }
        Ok(Applied { result: Some(result), ..Applied::done(comments.join(".\n"), changes) })
    }))
}

/// Holds packages that were just installed. The change joins that of the installation, line below line.
pub fn after(
    ctx: &mut Ctx,
    names: &[String],
    hold: bool,
    changes: &mut Map,
    comments: &mut Vec<String>,
) -> Result<bool, CallError> {
    let mut result = true;
    for (name, answer) in answers(ctx, names, hold)?.as_map().into_iter().flatten() {
        result &= answer.get("result").is_some_and(Value::is_truthy);
        comments.extend(answer.get("comment").and_then(Value::as_str).map(str::to_owned));
        let Some(told) = answer.get("changes").filter(|told| told.is_truthy()) else { continue };
        let text = |key: &str| told.get(key).and_then(halite_modules::args::as_text).unwrap_or_default();
        match changes.get_mut(name.as_str().unwrap_or_default()).and_then(Value::as_map_mut) {
            Some(known) => {
                for key in ["new", "old"] {
                    let line =
                        known.get_str(key).filter(|line| !line.is_empty()).map(|line| format!("{line}\n"));
                    known.insert(key, line.unwrap_or_default() + &text(key));
                }
            }
            None => drop(changes.insert(name.clone(), Map::from([("new", text("new"))]))),
        }
    }
    Ok(result)
}
