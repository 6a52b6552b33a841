//! `git.config_set` and `git.config_unset`.

use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::git::{Repo, get_all, get_matching};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};

/// The repository or the user's file, as arguments of `git.config_*`; `Err` is for the user.
struct Place {
    repo: Repo,
    global: bool,
    args: Args,
}

impl Place {
    fn of(args: &Bound) -> Result<Option<Place>, CallError> {
        let global = args.bool("global");
        let path = args.opt_str("repo")?.filter(|path| !path.is_empty());
        if !global && path.is_none() {
            return Ok(None);
        }
        let user = args.opt_str("user")?;
        let keyed =
            Args::default().with("global", global).with("cwd", path.clone()).with("user", user.clone());
        let who = halite_modules::git::Who { user, keys: Vec::new() };
        let repo = match path {
            Some(path) => halite_modules::git::at(&path, &who),
            None => Repo { path: None, who },
        };
        Ok(Some(Place { repo, global, args: keyed }))
    }
}

const NO_PLACE: &str = "either 'repo' or global=True is needed";

/// `value` or `multivar` as texts.
fn desired(args: &Bound) -> Result<Vec<String>, CallError> {
    match (args.opt_str("value")?, args.get("multivar")) {
        (Some(value), _) => Ok(vec![value]),
        (None, Value::List(items)) => Ok(items.iter().filter_map(as_text).collect()),
        (None, Value::Null) => Err(args.wrong("one of 'value' and 'multivar' is needed")),
        (None, _) => Ok(args.str("multivar")?.split(',').map(str::to_owned).collect()),
    }
}

pub fn set(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if !args.get("value").is_null() && !args.get("multivar").is_null() {
        return Ok(Look::cannot("only one of 'value' and 'multivar' can be used"));
    }
    let Some(place) = Place::of(args)? else { return Ok(Look::cannot(NO_PLACE)) };
    let (name, wanted) = (args.str("name")?, desired(args)?);
    let before = get_all(state.ctx, &place.repo, &name, place.global)?;
    if before.as_ref() == Some(&wanted) {
        return Ok(Look::in_sync(format!("{name} is {} already", wanted.join(", "))));
    }
    let change = |new: Value| Map::from([("old", Value::from(before.clone())), ("new", new)]);
    let planned = change(wanted.clone().into());
    let is = change(Value::Null);
    let set = place.args.with("key", name.clone());
    let set = match args.opt_str("value")? {
        Some(value) => set.with("value", value),
        None => set.with("multivar", wanted.clone()),
    };
    Ok(Look::differs(format!("{name} is to be {}", wanted.join(", ")), planned, move |state| {
        let after = call(state.ctx, "git.config_set", set)?;
        let mut changes = Map::new();
        if is.get("old") != Some(&after) {
            let mut change = is;
            change.insert("new", after.clone());
            changes.insert(name.as_str(), change);
        }
        if after == Value::from(wanted.clone()) {
            return Ok(Applied::done(format!("{name} was set to {}", wanted.join(", ")), changes));
        }
        Ok(Applied::failed(format!("{name} did not become {}", wanted.join(", ")), changes))
    }))
}

pub fn unset(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let Some(place) = Place::of(args)? else { return Ok(Look::cannot(NO_PLACE)) };
    let (name, value_regex) = (args.str("name")?, args.opt_str("value_regex")?);
    let key = format!("^{}$", name.trim_start_matches('^').trim_end_matches('$'));
    let matching = get_matching(state.ctx, &place.repo, &key, value_regex.as_deref(), place.global)?;
    if matching.is_empty() {
        return Ok(Look::in_sync(format!("{name} is not set")));
    }
    let many = |values: &Value| values.as_list().is_some_and(|values| values.len() > 1);
    if !args.bool("all") && matching.values().any(many) {
        return Ok(Look::cannot(format!("{name} has several values; all=True would remove them")));
    }
    let all = args.bool("all");
    Ok(Look::differs(format!("{name} is to be unset"), matching.clone(), move |state| {
        let before = get_matching(state.ctx, &place.repo, &key, None, place.global)?;
        for _ in &matching {
            let unset = place.args.clone().with("key", name.clone()).with("all", all);
            call(state.ctx, "git.config_unset", unset.with("value_regex", value_regex.clone()))?;
        }
        let after = get_matching(state.ctx, &place.repo, &key, None, place.global)?;
        Ok(Applied::done(format!("{name} was unset"), removed(&before, &after)))
    }))
}

/// Values that are gone, by key.
fn removed(before: &Map, after: &Map) -> Map {
    let mut gone = Map::new();
    for (key, values) in before {
        let left = after.get_value(key).and_then(Value::as_list).unwrap_or_default();
        let values = values.as_list().unwrap_or_default().iter();
        let removed: Vec<Value> = values.filter(|value| !left.contains(value)).cloned().collect();
        if !removed.is_empty() {
            gone.insert(key.clone(), removed);
        }
    }
    gone
}
