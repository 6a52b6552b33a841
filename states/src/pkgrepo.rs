//! `pkgrepo.*`: repositories of packages as they shall be.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::packages::is_true;
use halite_modules::registry::{self, Default, always};
use halite_modules::{Args, Bound, CallError, Ctx, Param, args, call};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

pub const MODULE: StateModule = StateModule {
    file: "pkgrepo",
    virtual_name: "pkgrepo",
    doc: "Repositories of packages as they shall be.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[Param::Required("name"), Param::Keywords("kwargs")],
        doc: "The repository is not in the lists of sources.",
        example: "deb http://deb.example.com stable main: {pkgrepo.absent: []}",
        call: absent,
    },
    StateFunction {
        name: "managed",
        params: &[
            Param::Required("name"),
            Param::Optional("ppa", Default::Null),
            Param::Optional("copr", Default::Null),
            Param::Optional("aptkey", Default::Bool(true)),
            Param::Keywords("kwargs"),
        ],
        doc: "The repository is in the lists of sources, with its key where one is given.",
        example: "deb http://deb.example.com stable main: {pkgrepo.managed: [{file: /etc/apt/sources.list.d/x.list}]}",
        call: managed,
    },
];

/// What a repository shall be.
struct Wanted {
    name: String,
    /// As the package manager knows it.
    repo: String,
    family: String,
    kwargs: Map,
}

impl Wanted {
    /// Reads the arguments. The inner error is why they cannot be.
    fn read(ctx: &mut Ctx, args: &Bound) -> Result<Result<Wanted, String>, CallError> {
        let grain = |ctx: &mut Ctx, key: &str| ctx.grains().get_str(key).unwrap_or_default().to_owned();
        let (name, family) = (args.str("name")?, grain(ctx, "os_family"));
        let mut kwargs: Map = args
            .keywords()
            .iter()
            .filter(|(key, _)| key.as_str().is_some_and(|key| !key.starts_with("__")))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if let Some(why) = contradiction(&kwargs) {
            return Ok(Err(why));
        }
        kwargs.remove("allow_insecure_key");
        let (enabled, disabled) = (kwargs.remove("enabled"), kwargs.remove("disabled"));
        let enabled = match (&enabled, &disabled) {
            (Some(_), Some(_)) => return Ok(Err("only one of enabled and disabled can be used".to_owned())),
            (Some(enabled), None) => is_true(enabled),
            (None, Some(disabled)) => !is_true(disabled),
            (None, None) => true,
        };
        kwargs.insert("name", name.as_str());
        let mut repo = name.clone();
        if family == "Debian" {
            kwargs.insert("disabled", !enabled);
            repo = args.opt_str("ppa")?.map_or(repo, |ppa| format!("ppa:{ppa}"));
        } else {
            kwargs.insert("enabled", enabled);
            repo = args
                .opt_str("copr")?
                .filter(|_| family == "RedHat")
                .map_or(repo, |copr| format!("copr:{copr}"));
            if let Some(human) = kwargs.remove("humanname") {
                kwargs.insert("name", human);
            }
        }
        Ok(Ok(Wanted { name, repo, family, kwargs }))
    }

    fn asked(&self) -> Args {
        let args = Args::default().with("repo", self.repo.as_str());
        self.kwargs
            .iter()
            .fold(args, |args, (key, value)| args.with(key.as_str().unwrap_or_default(), value.clone()))
    }

    /// The repository as it is; empty where there is none.
    fn present(&self, ctx: &mut Ctx) -> Result<Map, CallError> {
        Ok(call(ctx, "pkg.get_repo", self.asked())?.as_map().cloned().unwrap_or_default())
    }

    /// The repository as it shall be, in the shape of [`Wanted::present`].
    fn definition(&self, ctx: &mut Ctx) -> Result<Map, CallError> {
        if self.family != "Debian" {
            return Ok(self.kwargs.clone());
        }
        Ok(call(ctx, "pkg.expand_repo_def", self.asked())?.as_map().cloned().unwrap_or_default())
    }

    /// Lines of its file that `clean_file` takes away.
    fn has_stale_lines(&self) -> bool {
        let clean = self.kwargs.get("clean_file").is_some_and(Value::is_truthy);
        let Some(file) = self.kwargs.get_str("file").filter(|_| clean) else { return false };
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != self.name.trim())
    }
}

fn contradiction(kwargs: &Map) -> Option<String> {
    if kwargs.contains_key("repo") {
        return Some("there is no argument 'repo'; did you mean name?".to_owned());
    }
    let insecure = kwargs.get_str("key_url").is_some_and(|url| url.trim().starts_with("http:"));
    if insecure && kwargs.get("allow_insecure_key").is_some_and(|allow| !is_true(allow)) {
        return Some("key_url is fetched over http, and allow_insecure_key forbids that".to_owned());
    }
    None
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::List(items)) => items.iter().filter_map(args::as_text).collect::<Vec<_>>().join(","),
        Some(value) => args::as_text(value).unwrap_or_default(),
        None => String::new(),
    }
}

fn words(value: Option<&Value>) -> BTreeSet<String> {
    text(value).split([',', ' ']).map(str::to_owned).collect()
}

/// The parts of a line, whatever the order of its components.
fn line_parts(line: Option<&Value>) -> Vec<String> {
    let line = text(line);
    let mut parts: Vec<String> =
        line.split(" #").next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if let Some(rest) = parts.get_mut(3..) {
        rest.sort();
    }
    parts
}

/// Whether `key` is as it shall be.
fn same(family: &str, key: &str, wanted: &Map, present: &Map) -> bool {
    let (new, old) = (wanted.get(key), present.get(key));
    let Some(old) = old else {
        return key == "enabled" && family == "RedHat" && new.is_some_and(is_true);
    };
    let disabled = wanted.get("disabled").is_some_and(is_true);
    match key {
        "comps" | "key_url" => words(new) == words(Some(old)),
        "line" if family == "Debian" => disabled || line_parts(new) == line_parts(Some(old)),
        "architectures" => !new.is_some_and(Value::is_truthy) || words(new) == words(Some(old)),
        _ if family != "Debian" && (matches!(old, Value::Bool(_)) || matches!(new, Some(Value::Bool(_)))) => {
            new.is_some_and(is_true) == is_true(old)
        }
        _ => text(new) == text(Some(old)),
    }
}

/// `{key: {new, old}}` of what is not the same.
fn differences<'m>(keys: impl Iterator<Item = &'m Value>, new: &Map, old: &Map) -> Map {
    let pair = |key: &Value| {
        let (new, old) = (new.get_value(key).cloned(), old.get_value(key).cloned());
        (new != old).then(|| {
            (key.clone(), Map::from([("new", new.unwrap_or_default()), ("old", old.unwrap_or_default())]))
        })
    };
    keys.filter_map(pair).collect()
}

fn managed(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if registry::find(state.ctx, "pkg.mod_repo").is_err() {
        return Ok(Look::cannot("this package manager's repositories cannot be managed"));
    }
    let wanted = match Wanted::read(state.ctx, args)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let (mut present, mut definition) = (wanted.present(state.ctx)?, wanted.definition(state.ctx)?);
    let exists = !present.is_empty();
    let stale = wanted.has_stale_lines();
    if exists && !stale {
        present.remove("file");
        definition.remove("file");
        let all = definition
            .keys()
            .filter_map(Value::as_str)
            .all(|key| same(&wanted.family, key, &definition, &present));
        if all {
            return Ok(Look::in_sync(format!("repository {} is as it should be", wanted.name)));
        }
    }
    let plan = if exists {
        differences(definition.keys(), &definition, &present)
    } else {
        Map::from([("repo", wanted.name.as_str())])
    };
    let aptkey = args.get("aptkey").clone();
    let comment = format!("repository {} is to be set up", wanted.name);
    Ok(Look::differs(comment, plan, move |state| set_up(state, wanted, aptkey, definition, present)))
}

fn set_up(
    state: &mut StateCtx<'_, '_>,
    wanted: Wanted,
    aptkey: Value,
    definition: Map,
    present: Map,
) -> Result<Applied, CallError> {
    if wanted.kwargs.get("clean_file").is_some_and(Value::is_truthy) {
        let file = wanted.kwargs.get_str("file").unwrap_or_default();
        std::fs::write(file, "")
            .map_err(|error| CallError::failed(format!("cannot clean {file}: {error}")))?;
    }
    let asked = wanted.asked();
    let asked = if wanted.family == "Debian" {
        let saltenv = state.low.get_str("__env__").unwrap_or("base");
        asked.with("saltenv", saltenv).with("aptkey", aptkey)
    } else {
        asked
    };
    call(state.ctx, "pkg.mod_repo", asked)?;
    if wanted.kwargs.get("refresh").is_none_or(is_true) {
        crate::pkg::note_fresh(state.kept);
    }
    let changes = if present.is_empty() {
        Map::from([("repo", wanted.repo.as_str())])
    } else {
        differences(definition.keys(), &wanted.present(state.ctx)?, &present)
    };
    Ok(Applied::done(format!("repository {} was set up", wanted.name), changes))
}

fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    if registry::find(state.ctx, "pkg.del_repo").is_err() {
        return Ok(Look::cannot("this package manager's repositories cannot be managed"));
    }
    let (name, family) =
        (args.str("name")?, state.ctx.grains().get_str("os_family").unwrap_or_default().to_owned());
    let prefixed = |key: &str| {
        let value = args.keywords().get(key).and_then(args::as_text)?;
        Some(if value.starts_with(&format!("{key}:")) { value } else { format!("{key}:{value}") })
    };
    let own = match family.as_str() {
        "Debian" => prefixed("ppa"),
        "RedHat" => prefixed("copr"),
        _ => None,
    };
    let name = own.unwrap_or(name);
    let repo = if family == "Debian" { without_slash(&name) } else { name.clone() };
    let found = call(state.ctx, "pkg.get_repo", Args::of([repo.as_str()]))?;
    let mut other_arch = || -> Result<bool, CallError> {
        let meant = call(state.ctx, "pkg.expand_repo_def", Args::of([repo.as_str()]))?;
        Ok(words(meant.get("architectures")) != words(found.get("architectures")))
    };
    if !found.is_truthy() || family == "Debian" && other_arch()? {
        return Ok(Look::in_sync(format!("repository {name} is not there")));
    }
    let key = args.keywords().get("keyid").or_else(|| args.keywords().get("keyid_ppa")).cloned();
    Ok(Look::differs(format!("repository {name} is to be removed"), Map::new(), move |state| {
        call(state.ctx, "pkg.del_repo", Args::default().with("repo", repo.as_str()))?;
        let mut changes = Map::from([("repo", Value::from(name.as_str()))]);
        if let Some(key) = key {
            match call(state.ctx, "pkg.del_repo_key", Args::of([repo.as_str()]).with("keyid", key)) {
                Ok(key) => drop(changes.insert("keyid", key)),
                Err(error) => {
                    return Ok(Applied::failed(
                        format!("repository {name} was removed, but not its key: {error}"),
                        changes,
                    ));
                }
            }
        }
        Ok(Applied::done(format!("repository {name} was removed"), changes))
    }))
}

/// The line with no slash at the end of its address.
fn without_slash(line: &str) -> String {
    let trim = |word: &str| {
        if word.contains("://") { word.trim_end_matches('/').to_owned() } else { word.to_owned() }
    };
    line.split(' ').map(trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_may_stand_in_any_order() {
        let line = |text: &str| Map::from([("line", Value::from(text)), ("disabled", false.into())]);
        let (a, b) =
            (line("deb http://x stable main contrib"), line("deb http://x stable contrib main #note"));
        assert!(same("Debian", "line", &a, &b));
        assert!(!same("Debian", "line", &a, &line("deb http://x testing main contrib")));
        assert_eq!(without_slash("deb http://x/ ./"), "deb http://x ./");
    }
}
