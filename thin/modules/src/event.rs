//! `event.*`: events of this host, sent to the controller.
//!
//! An event travels as a step of the call: `{event: TAG, data: ...}`. Nobody answers; without a controller it is lost.

use crate::registry::Default::{Bool, Int, Null};
use crate::registry::Param::{Keywords, Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "event",
    virtual_name: "event",
    doc: "Events of this host.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "fire",
        params: &[Required("data"), Required("tag"), Optional("timeout", Null)],
        doc: "Sends an event with this data under this tag.",
        example: "event.fire '{disk: full}' site/alarm",
        call: fire,
    },
    Function {
        name: "fire_master",
        params: &[Required("data"), Required("tag"), Optional("preload", Null), Optional("timeout", Int(60))],
        doc: "Sends an event with this data under this tag.",
        example: "event.fire_master '{disk: full}' site/alarm",
        call: fire,
    },
    Function {
        name: "send",
        params: &[
            Required("tag"),
            Optional("data", Null),
            Optional("preload", Null),
            Optional("with_env", Bool(false)),
            Optional("with_grains", Bool(false)),
            Optional("with_pillar", Bool(false)),
            Optional("with_env_opts", Bool(false)),
            Optional("timeout", Int(60)),
            Keywords("kwargs"),
        ],
        doc: "Sends an event under this tag. Its data are `data`, further keywords, and on demand environment \
              variables, grains and pillar (true for all, or a list of names).",
        example: "event.send site/deployed version=1.2 with_grains='[os]'",
        call: send_with,
    },
];

/// Sends one event.
pub fn send(ctx: &mut Ctx, tag: &str, data: Value) {
    ctx.link.progress(Map::from([("event", Value::from(tag)), ("data", data)]).into());
}

fn fire(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let tag = args.str("tag")?;
    send(ctx, &tag, args.get("data").clone());
    Ok(true.into())
}

fn send_with(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut data = Map::new();
    if args.get("with_env").is_truthy() {
        let env = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        data.insert("environ", chosen(&env.collect(), args.get("with_env")));
    }
    if args.bool("with_env_opts") {
        for key in ["saltenv", "pillarenv"] {
            data.insert(key, ctx.opts.get(key).cloned().unwrap_or_default());
        }
    }
    if args.get("with_grains").is_truthy() {
        data.insert("grains", chosen(ctx.grains(), args.get("with_grains")));
    }
    if args.get("with_pillar").is_truthy() {
        let pillar = ctx.pillar().map_err(|error| CallError::failed(error.to_string()))?;
        data.insert("pillar", chosen(pillar, args.get("with_pillar")));
    }
    let own = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__"));
    data.extend(args.keywords().iter().filter(|(key, _)| !own(key)).map(|(k, v)| (k.clone(), v.clone())));
    let data = match args.get("data") {
        Value::Map(more) => {
            data.extend(more.clone());
            data.into()
        }
        other if data.is_empty() && !other.is_null() => other.clone(),
        _ => data.into(),
    };
    send(ctx, &args.str("tag")?, data);
    Ok(true.into())
}

/// All of `map`, or what the names of a list pick of it.
fn chosen(map: &Map, wanted: &Value) -> Map {
    let Some(names) = wanted.as_list() else { return map.clone() };
    names.iter().filter_map(|name| Some((name.clone(), map.get_value(name)?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Args, call, context::alone};
    use halite_wire::Value;

    #[test]
    fn an_event_is_sent_and_answered_with_true() {
        let args = Args::of(["site/x"]).with("n", 1).with("with_grains", true);
        assert_eq!(alone(|ctx| call(ctx, "event.send", args)), Ok(Value::Bool(true)));
        assert!(alone(|ctx| call(ctx, "event.send", Args::default())).is_err());
    }
}
