//! `mine.*`: values of functions that hosts lay open for each other.
//!
//! A host keeps its own, as Salt does without a master: under `mine_cache` of [`data`](crate::data), and answers for
//! itself alone. A name may stand for a function with arguments: `{name: [{mine_function: fun}, arg, {key: value}]}`.

use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required, Rest};
use crate::registry::{CallError, Function, Module, always, call, find};
use crate::{Args, Bound, Ctx, args};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "mine",
    virtual_name: "mine",
    doc: "Values of functions that hosts lay open for each other.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "delete",
        params: &[Required("fun")],
        doc: "Takes a function's value out of the mine.",
        example: "mine.delete network.interfaces",
        call: |ctx, args| {
            let fun = args.str("fun")?;
            let mut kept = kept(ctx)?;
            kept.remove(&fun);
            keep(ctx, kept)
        },
    },
    Function {
        name: "flush",
        params: &[],
        doc: "Takes all values of this host out of the mine.",
        example: "mine.flush",
        call: |ctx, _| keep(ctx, Map::new()),
    },
    Function {
        name: "get",
        params: &[
            Required("tgt"),
            Required("fun"),
            Optional("tgt_type", Str("glob")),
            Optional("exclude_minion", Bool(false)),
        ],
        doc: "What the targeted hosts laid open, by host. Of several functions (a list, or with commas) by function.",
        example: "mine.get '*' network.ip_addrs",
        call: get,
    },
    Function {
        name: "get_docker",
        params: &[
            Optional("interfaces", Null),
            Optional("cidrs", Null),
            Optional("with_container_id", Bool(false)),
        ],
        doc: "Containers of all hosts: not to be had, as nothing tells of them.",
        example: "mine.get_docker",
        call: |_, _| {
            Err(CallError::failed("containers are not told to the mine: there is no module docker here"))
        },
    },
    Function {
        name: "send",
        params: &[Required("name"), Rest("args"), Keywords("kwargs")],
        doc: "Calls a function, or the one mine_function names, and lays its value open.",
        example: "mine.send internal mine_function=network.ip_addrs interface=eth0",
        call: send,
    },
    Function {
        name: "update",
        params: &[Optional("clear", Bool(false)), Optional("mine_functions", Null)],
        doc: "Calls the functions that mine_functions of configuration and pillar name, and lays their values open.",
        example: "mine.update",
        call: update,
    },
    Function {
        name: "valid",
        params: &[],
        doc: "Functions that mine_functions names and that this host has.",
        example: "mine.valid",
        call: valid,
    },
];

const CACHE: &str = "mine_cache";
/// Salt's shape of a value that only some hosts may see.
const DATA: &str = "__data__";

fn kept(ctx: &mut Ctx) -> Result<Map, CallError> {
    let kept = call(ctx, "data.get", Args::of([CACHE]))?;
    Ok(kept.as_map().cloned().unwrap_or_default())
}

fn keep(ctx: &mut Ctx, kept: Map) -> Result<Value, CallError> {
    call(ctx, "data.update", Args::of([Value::from(CACHE), kept.into()]))
}

fn add(ctx: &mut Ctx, fresh: Map, clear: bool) -> Result<Value, CallError> {
    let mut all = if clear { Map::new() } else { kept(ctx)? };
    all.extend(fresh);
    keep(ctx, all)
}

/// A name in the mine, the function behind it with its arguments, and who may see the value.
struct Entry {
    fun: String,
    args: Args,
    acl: Map,
}

impl Entry {
    /// Reads `definition`; without `mine_function` the name is the function.
    fn of(name: &str, definition: &Value) -> Entry {
        let mut args = Args::default();
        match definition {
            Value::Map(keywords) => args.keywords = keywords.clone(),
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Map(keywords) => args.keywords.extend(keywords.clone()),
                        plain => args.positional.push(plain.clone()),
                    }
                }
            }
            _ => {}
        }
        let fun = args.keywords.remove("mine_function").as_ref().and_then(args::as_text);
        let acl = ["allow_tgt", "allow_tgt_type"].into_iter();
        let acl = acl.filter_map(|key| Some((key, args.keywords.remove(key)?))).collect();
        Entry { fun: fun.unwrap_or_else(|| name.to_owned()), args, acl }
    }

    fn value(self, ctx: &mut Ctx) -> Result<Value, CallError> {
        let value = call(ctx, &self.fun, self.args)?;
        if self.acl.get("allow_tgt").is_none_or(|tgt| !tgt.is_truthy()) {
            return Ok(value);
        }
        let mut guarded = Map::from([(DATA, value), ("__saltmine_acl__", Value::Int(1))]);
        guarded.extend(self.acl);
        Ok(guarded.into())
    }
}

/// False where the function fails; why is told in the notes.
fn send(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let mut keywords = args.keywords().clone();
    let own: Vec<Value> = keywords
        .keys()
        .filter(|key| key.as_str().is_some_and(|key| key.starts_with("__")))
        .cloned()
        .collect();
    own.iter().filter_map(Value::as_str).for_each(|key| drop(keywords.remove(key)));
    let mut entry = Entry::of(&name, &keywords.into());
    entry.args.positional = args.rest().to_vec();
    match entry.value(ctx) {
        Ok(value) => add(ctx, Map::from([(name, value)]), false),
        Err(error) => {
            ctx.notes.push(format!("mine: {error}"));
            Ok(false.into())
        }
    }
}

fn configured(ctx: &mut Ctx) -> Result<Value, CallError> {
    call(ctx, "config.merge", Args::of([Value::from("mine_functions"), Map::new().into()]))
}

fn is_there(ctx: &mut Ctx, fun: &str) -> bool {
    let there = find(ctx, fun);
    if let Err(error) = &there {
        ctx.notes.push(format!("mine: {error}"));
    }
    there.is_ok()
}

/// A function that is not there or fails is left out and told in the notes; the others go their way.
fn update(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = match args.get("mine_functions") {
        Value::List(names) => names.iter().map(|name| (name.clone(), Map::new())).collect::<Map>().into(),
        given if given.is_truthy() => given.clone(),
        _ => configured(ctx)?,
    };
    let Some(wanted) = wanted.as_map().filter(|wanted| !wanted.is_empty()) else { return Ok(Value::Null) };
    let mut fresh = Map::new();
    for (name, definition) in wanted {
        let Some(text) = args::as_text(name) else { continue };
        let entry = Entry::of(&text, definition);
        if is_there(ctx, &entry.fun) {
            match entry.value(ctx) {
                Ok(value) => drop(fresh.insert(name.clone(), value)),
                Err(error) => ctx.notes.push(format!("mine: {error}")),
            }
        }
    }
    add(ctx, fresh, args.bool("clear"))
}

fn valid(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let configured = configured(ctx)?;
    let Some(wanted) = configured.as_map().filter(|wanted| !wanted.is_empty()) else {
        return Ok(Value::Null);
    };
    let mut found = Map::new();
    for (name, definition) in wanted {
        let Some(text) = args::as_text(name) else { continue };
        let Entry { fun, args, .. } = Entry::of(&text, definition);
        if !is_there(ctx, &fun) {
            continue;
        }
        if fun == text {
            found.insert(name.clone(), definition.clone());
        } else {
            let keywords =
                args.keywords.into_iter().map(|(key, value)| Value::from(Map::from([(key, value)])));
            let all: Vec<Value> = args.positional.into_iter().chain(keywords).collect();
            found.insert(name.clone(), Map::from([(fun, all)]));
        }
    }
    Ok(found.into())
}

fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let kept = kept(ctx)?;
    let matches = format!("match.{}", args.str("tgt_type")?);
    if kept.is_empty()
        || args.bool("exclude_minion")
        || !call(ctx, &matches, Args::of([args.get("tgt").clone()]))?.is_truthy()
    {
        return Ok(Map::new().into());
    }
    let (functions, by_function): (Vec<String>, bool) = match args.get("fun") {
        Value::List(functions) => (functions.iter().filter_map(args::as_text).collect(), true),
        _ => {
            let names: Vec<String> = args.str("fun")?.split(',').map(str::to_owned).collect();
            (names.clone(), names.len() > 1)
        }
    };
    let id = ctx.id.to_string();
    let mut found = Map::new();
    for fun in functions {
        let Some(value) = kept.get(&fun) else { continue };
        let value = value.get(DATA).unwrap_or(value).clone();
        if by_function {
            found.insert(fun, Map::from([(id.as_str(), value)]));
        } else {
            found.insert(id.as_str(), value);
        }
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;

    #[test]
    fn values_stay_in_the_mine_under_the_name_they_were_sent_by() {
        let dir = std::env::temp_dir().join(format!("halite-mine-{}", std::process::id()));
        alone(|ctx| {
            ctx.opts.insert("cachedir", dir.to_string_lossy().into_owned());
            let mut ask = |fun: &str, args: Args| call(ctx, fun, args).unwrap();
            let echo = Args::of(["mine"]).with("mine_function", "test.echo").with("text", "hello");
            assert_eq!(ask("mine.send", echo), true.into());
            assert_eq!(ask("mine.send", Args::of(["no.function"])), false.into());
            let more = Map::from([("second", vec![Map::from([("mine_function", "test.ping")])])]);
            assert_eq!(ask("mine.update", Args::default().with("mine_functions", more)), true.into());
            let both = Map::from([("mine", Value::from("hello")), ("second", true.into())]);
            assert_eq!(ask("data.get", Args::of([CACHE])), both.into());
            assert_eq!(ask("mine.delete", Args::of(["mine"])), true.into());
            assert_eq!(ask("data.get", Args::of([CACHE])), Map::from([("second", true)]).into());
            assert_eq!(ask("mine.flush", Args::default()), true.into());
        });
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
