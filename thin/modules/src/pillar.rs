//! `pillar.*`: what the controller says about this host alone.
//!
//! The pillar is compiled once per call; environments or values of the caller's own have it compiled anew.

use crate::args::as_text;
use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required, Rest};
use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Bound, Ctx, LinkError, dictupdate, filter_by, traverse};
use halite_wire::message::PillarAsk;
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "pillar",
    virtual_name: "pillar",
    doc: "What the controller says about this host alone.",
    applies: always,
    functions: FUNCTIONS,
};

/// Salt's default of `default`: nothing was given.
const NOT_SET: &str = "__unset__";

const GET: &[Param] = &[
    Required("key"),
    Optional("default", Str(NOT_SET)),
    Optional("merge", Bool(false)),
    Optional("merge_nested_lists", Null),
    Optional("delimiter", Str(traverse::DELIMITER)),
    Optional("pillarenv", Null),
    Optional("saltenv", Null),
];
const ALL: &[Param] = &[Rest("args"), Keywords("kwargs")];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "data",
        params: ALL,
        doc: "The whole pillar, compiled for this call; with names, those entries.",
        example: "pillar.data",
        call: items,
    },
    Function {
        name: "ext",
        params: &[Required("external"), Optional("pillar", Null)],
        doc: "The pillar of one external source, which only the controller can ask.",
        example: "pillar.ext '{cmd_yaml: cat /etc/pillar.yaml}'",
        call: ext,
    },
    Function {
        name: "fetch",
        params: GET,
        doc: "The same as get, for templates in which get is a method of dictionaries.",
        example: "pillar.fetch web:port",
        call: get,
    },
    Function {
        name: "file_exists",
        params: &[Required("path"), Optional("saltenv", Null)],
        doc: "Whether the pillar's own trees hold a file; on the machine that has them.",
        example: "pillar.file_exists web/init.sls",
        call: file_exists,
    },
    Function {
        name: "filter_by",
        params: &[
            Required("lookup_dict"),
            Required("pillar"),
            Optional("merge", Null),
            Optional("default", Str("default")),
            Optional("base", Null),
        ],
        doc: "An entry of a table, chosen by a value of the pillar.",
        example: "pillar.filter_by '{web: nginx, default: none}' role",
        call: by_value,
    },
    Function {
        name: "get",
        params: GET,
        doc: "The value at a path of the pillar, else the default; with merge, laid over the default.",
        example: "pillar.get web:port 80",
        call: get,
    },
    Function {
        name: "item",
        params: ALL,
        doc: "Values at several paths of the pillar.",
        example: "pillar.item web:port role",
        call: item,
    },
    Function {
        name: "items",
        params: ALL,
        doc: "The whole pillar, compiled for this call; with names, those entries.",
        example: "pillar.items",
        call: items,
    },
    Function {
        name: "keys",
        params: &[Required("key"), Optional("delimiter", Str(traverse::DELIMITER))],
        doc: "The keys of the dictionary at a path of the pillar.",
        example: "pillar.keys web:sites",
        call: keys,
    },
    Function {
        name: "ls",
        params: ALL,
        doc: "The outermost keys of the pillar, compiled for this call.",
        example: "pillar.ls",
        call: ls,
    },
    Function {
        name: "obfuscate",
        params: ALL,
        doc: "The pillar, compiled for this call, with the kind of each value in its place.",
        example: "pillar.obfuscate",
        call: obfuscate,
    },
    Function {
        name: "raw",
        params: &[Optional("key", Null)],
        doc: "The pillar as it is in memory, or one entry of it.",
        example: "pillar.raw web",
        call: raw,
    },
];

fn failed(error: LinkError) -> CallError {
    CallError::Failed(error.to_string())
}

/// The pillar with the environments and values `named` asks for; the one in memory where it asks for none.
fn wanted(ctx: &mut Ctx, named: &Map) -> Result<Map, CallError> {
    let text = |name: &str| named.get(name).and_then(as_text);
    let over = named.get("pillar").and_then(Value::as_map).cloned().unwrap_or_default();
    if named.get("pillar_enc").is_some_and(Value::is_truthy) {
        return Err(CallError::failed("values for the pillar cannot be deciphered here (pillar_enc)"));
    }
    let (pillarenv, saltenv) = (text("pillarenv"), text("saltenv"));
    if pillarenv.is_none() && saltenv.is_none() && over.is_empty() {
        return ctx.pillar().cloned().map_err(failed);
    }
    let grains = ctx.grains().clone();
    let follows = ctx.opts.get("pillarenv_from_saltenv").is_some_and(Value::is_truthy);
    let pillarenv = pillarenv.or_else(|| saltenv.clone().filter(|_| follows));
    ctx.fresh_pillar(PillarAsk { grains, over, saltenv, pillarenv }).map_err(failed)
}

fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter) = (args.str("key")?, args.str("delimiter")?);
    let named = Map::from(
        [("pillarenv", args.get("pillarenv")), ("saltenv", args.get("saltenv"))]
            .map(|(name, value)| (name, value.clone())),
    );
    let found = match named.values().all(Value::is_null) {
        true => traverse::get(ctx.pillar().map_err(failed)?, &key, &delimiter).cloned(),
        false => traverse::get(&wanted(ctx, &named)?, &key, &delimiter).cloned(),
    };
    let default = args.get("default");
    if args.bool("merge")
        && let Some(merged) = merged(ctx, args, default, found.as_ref())
    {
        return Ok(merged);
    }
    let is_unset = default.as_str() == Some(NOT_SET);
    match found {
        Some(value) => Ok(value),
        None if !is_unset => Ok(default.clone()),
        None if ctx.opts.get("pillar_raise_on_missing").is_some_and(Value::is_truthy) => {
            Err(CallError::Failed(format!("the pillar has no key '{key}'")))
        }
        None => Ok("".into()),
    }
}

/// What was found laid over the default; `None` where the two are not of one kind.
fn merged(ctx: &Ctx, args: &Bound, default: &Value, found: Option<&Value>) -> Option<Value> {
    match (default, found) {
        (Value::Map(default), None) => Some(default.clone().into()),
        (Value::List(default), None) => Some(default.clone().into()),
        (Value::Map(default), Some(Value::Map(found))) => {
            let nested = match args.get("merge_nested_lists") {
                Value::Null => ctx.opts.get("pillar_merge_lists").is_some_and(Value::is_truthy),
                given => given.is_truthy(),
            };
            let mut merged = default.clone();
            dictupdate::update(&mut merged, found.clone(), nested);
            Some(merged.into())
        }
        (Value::List(default), Some(Value::List(found))) => {
            let fresh = found.iter().filter(|item| !default.contains(item));
            Some(default.iter().chain(fresh).cloned().collect())
        }
        _ => None,
    }
}

fn items(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.rest().is_empty() { wanted(ctx, args.keywords()).map(Value::from) } else { item(ctx, args) }
}

fn item(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let keywords = args.keywords();
    let default = keywords.get("default").filter(|default| !default.is_null());
    let delimiter = keywords.get_str("delimiter").unwrap_or(traverse::DELIMITER);
    let pillar = wanted(ctx, keywords)?;
    let mut found = Map::new();
    for key in args.rest() {
        let path = as_text(key).ok_or_else(|| args.wrong("keys of the pillar must be text"))?;
        let value = traverse::get(&pillar, &path, delimiter).or(default).cloned();
        found.insert(key.clone(), value.unwrap_or_else(|| "".into()));
    }
    Ok(found.into())
}

fn ls(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let all = items(ctx, args)?;
    Ok(all.as_map().into_iter().flat_map(Map::keys).cloned().collect())
}

fn obfuscate(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    items(ctx, args).map(|all| hidden(&all))
}

/// The kinds of all values, in the words of Python.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            map.iter().map(|(key, value)| (key.clone(), hidden(value))).collect::<Map>().into()
        }
        Value::List(items) => items.iter().map(hidden).collect(),
        Value::Null => "<NoneType>".into(),
        other => format!("<{}>", other.kind()).into(),
    }
}

fn raw(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.opt_str("key")?.filter(|key| !key.is_empty());
    let pillar = ctx.pillar().map_err(failed)?;
    Ok(match key {
        Some(key) => pillar.get(&key).cloned().unwrap_or_else(|| Map::new().into()),
        None => pillar.clone().into(),
    })
}

fn keys(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter) = (args.str("key")?, args.str("delimiter")?);
    let found = traverse::get(ctx.pillar().map_err(failed)?, &key, &delimiter);
    let value = found.ok_or_else(|| CallError::Failed(format!("the pillar has no key '{key}'")))?;
    let map = value.as_map().ok_or_else(|| {
        CallError::Failed(format!("the pillar's '{key}' is no dictionary but {}", value.kind()))
    })?;
    Ok(map.keys().cloned().collect())
}

fn ext(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Err(CallError::failed(
        "external pillars are asked by the controller alone; the host sees what comes of them",
    ))
}

fn file_exists(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, saltenv) = (args.str("path")?, args.opt_str("saltenv")?);
    let roots = ctx.opts.get("pillar_roots").and_then(Value::as_map).filter(|roots| !roots.is_empty());
    let roots = roots.ok_or_else(|| CallError::failed("there are no pillar_roots on this machine"))?;
    let envs = roots
        .iter()
        .filter(|(env, _)| saltenv.as_deref().is_none_or(|saltenv| env.as_str() == Some(saltenv)));
    let folders = envs.flat_map(|(_, folders)| folders.as_list().unwrap_or_default());
    let is_file =
        |folder: &Value| folder.as_str().is_some_and(|folder| Path::new(folder).join(&path).is_file());
    Ok(folders.into_iter().any(is_file).into())
}

fn by_value(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.str("pillar")?;
    filter_by::filter_by(args, traverse::get(ctx.pillar().map_err(failed)?, &key, traverse::DELIMITER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn asked(fun: &str, args: Args) -> Result<Value, CallError> {
        let pillar: Value =
            serde_json::from_str(r#"{"web": {"port": 80, "names": ["a"]}, "role": "web", "secret": null}"#)
                .unwrap();
        alone(|ctx| {
            ctx.set_pillar(pillar.as_map().cloned());
            call(ctx, fun, args)
        })
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn get_finds_by_path_and_falls_back() {
        assert_eq!(asked("pillar.get", Args::of(["web:port"])), Ok(80.into()));
        assert_eq!(asked("pillar.get", Args::of(["web:none"])), Ok("".into()));
        assert_eq!(asked("pillar.get", Args::of(["web:none"]).with("default", 7)), Ok(7.into()));
        assert_eq!(asked("pillar.get", Args::of(["secret"]).with("default", 7)), Ok(Value::Null));
    }

    #[test]
    fn merge_lays_what_is_found_over_the_default() {
        let args = |default: &str| Args::of(["web"]).with("merge", true).with("default", json(default));
        let lists = args(r#"{"names": ["b"], "tls": true}"#);
        assert_eq!(
            asked("pillar.get", lists.clone()),
            Ok(json(r#"{"names": ["a"], "tls": true, "port": 80}"#))
        );
        assert_eq!(
            asked("pillar.get", lists.with("merge_nested_lists", true)),
            Ok(json(r#"{"names": ["b", "a"], "tls": true, "port": 80}"#))
        );
        assert_eq!(asked("pillar.get", args("[1]")), Ok(json(r#"{"port": 80, "names": ["a"]}"#)));
    }

    #[test]
    fn keys_and_kinds_can_be_seen_without_values() {
        assert_eq!(asked("pillar.keys", Args::of(["web"])), Ok(json(r#"["port", "names"]"#)));
        assert!(asked("pillar.keys", Args::of(["role"])).is_err());
        assert_eq!(asked("pillar.ls", Args::default()), Ok(json(r#"["web", "role", "secret"]"#)));
        assert_eq!(
            asked("pillar.obfuscate", Args::default()),
            Ok(json(
                r#"{"web": {"port": "<int>", "names": ["<str>"]}, "role": "<str>", "secret": "<NoneType>"}"#
            ))
        );
    }

    #[test]
    fn filter_by_chooses_by_a_value_of_the_pillar() {
        let args = Args::of([json(r#"{"w*": {"a": 1}, "default": {}}"#), "role".into()])
            .with("merge", json(r#"{"b": 2}"#));
        assert_eq!(asked("pillar.filter_by", args), Ok(json(r#"{"a": 1, "b": 2}"#)));
    }
}
