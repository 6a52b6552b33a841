//! `sys.*` about states: what state functions there are, and how they are declared.

use crate::registry::serves;
use crate::{STATES, StateFunction};
use halite_modules::glob::fnmatch;
use halite_modules::registry::Param::{Keywords, Optional, Rest};
use halite_modules::registry::{Default, always};
use halite_modules::{Bound, CallError, Ctx, Function, Module, Param};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "sysstate",
    virtual_name: "sys",
    doc: "What state functions there are, and how they are declared.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "list_state_functions",
        params: &[Rest("args"), Keywords("kwargs")],
        doc: "Names of state functions: of all, of modules, or of all that match a glob.",
        example: "sys.list_state_functions 'file.*'",
        call: |ctx, args| Ok(chosen(ctx, args.rest())?.into_iter().map(|(name, _)| name).collect()),
    },
    Function {
        name: "list_state_modules",
        params: &[Rest("args")],
        doc: "Names of state modules that serve this host: of all, or of those that match a glob.",
        example: "sys.list_state_modules 'pkg*'",
        call: list_modules,
    },
    Function {
        name: "state_argspec",
        params: &[Optional("module", Default::Str(""))],
        doc: "Names and defaults of the arguments of state functions.",
        example: "sys.state_argspec 'pkg.*'",
        call: |ctx, args| each(ctx, std::slice::from_ref(args.get("module")), |f| argspec(f.params)),
    },
    Function {
        name: "state_doc",
        params: &[Rest("args")],
        doc: "What state functions do, with a declaration: of all, of modules, of functions, or of all that match a glob.",
        example: "sys.state_doc file.managed",
        call: |ctx, args| {
            each(ctx, args.rest(), |f| format!("{}\n\nExample:\n\n    {}\n", f.doc, f.example).into())
        },
    },
    Function {
        name: "state_schema",
        params: &[Optional("module", Default::Str(""))],
        doc: "A JSON schema of the arguments of state functions.",
        example: "sys.state_schema file.absent",
        call: |ctx, args| each(ctx, std::slice::from_ref(args.get("module")), schema),
    },
];

fn available(ctx: &mut Ctx) -> Vec<(String, &'static StateFunction)> {
    let mut all = Vec::new();
    for module in STATES.iter().filter(|module| serves(ctx, module)) {
        all.extend(module.functions.iter().map(|f| (format!("{}.{}", module.virtual_name, f.name), f)));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.dedup_by(|later, first| later.0 == first.0);
    all
}

fn patterns(given: &[Value]) -> Result<Vec<String>, CallError> {
    let text = |value: &Value| {
        halite_modules::args::as_text(value).ok_or_else(|| CallError::failed("names must be texts"))
    };
    let mut patterns = given.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    patterns.retain(|pattern| !pattern.is_empty());
    Ok(patterns)
}

/// A glob, a function, or a module.
fn takes(pattern: &str, name: &str) -> bool {
    let module = pattern.strip_suffix('.').unwrap_or(pattern);
    fnmatch(name.as_bytes(), pattern.as_bytes())
        || name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

fn chosen(ctx: &mut Ctx, given: &[Value]) -> Result<Vec<(String, &'static StateFunction)>, CallError> {
    let patterns = patterns(given)?;
    let mut all = available(ctx);
    all.retain(|(name, _)| patterns.is_empty() || patterns.iter().any(|pattern| takes(pattern, name)));
    Ok(all)
}

fn each(ctx: &mut Ctx, given: &[Value], say: impl Fn(&StateFunction) -> Value) -> Result<Value, CallError> {
    let chosen = chosen(ctx, given)?;
    Ok(chosen.into_iter().map(|(name, function)| (name, say(function))).collect::<Map>().into())
}

fn list_modules(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let patterns = patterns(args.rest())?;
    let served = STATES.iter().filter(|module| serves(ctx, module)).map(|module| module.virtual_name);
    let mut names: Vec<&str> = served.collect();
    let matches = |name: &str, pattern: &str| fnmatch(name.as_bytes(), pattern.as_bytes());
    names.retain(|name| patterns.is_empty() || patterns.iter().any(|pattern| matches(name, pattern)));
    names.sort_unstable();
    names.dedup();
    Ok(names.into())
}

/// Salt's shape: names in order, defaults of the last ones, names of what takes the rest.
fn argspec(params: &[Param]) -> Value {
    let (mut names, mut defaults) = (Vec::new(), Vec::new());
    let (mut rest, mut keywords) = (Value::Null, Value::Null);
    for param in params {
        match param {
            Param::Required(name) => names.push(*name),
            Param::Optional(name, default) => {
                names.push(name);
                defaults.push(default.value());
            }
            Param::Rest(name) => rest = (*name).into(),
            Param::Keywords(name) => keywords = (*name).into(),
        }
    }
    let defaults = if defaults.is_empty() { Value::Null } else { defaults.into() };
    let spec = [("args", names.into()), ("defaults", defaults), ("varargs", rest), ("kwargs", keywords)];
    Map::from(spec).into()
}

fn schema(function: &StateFunction) -> Value {
    let (mut properties, mut required, mut open) = (Map::new(), Vec::new(), false);
    for param in function.params {
        match param {
            Param::Required(name) => {
                required.push(*name);
                properties.insert(*name, Map::new());
            }
            Param::Optional(name, default) => {
                properties.insert(*name, Map::from([("default", default.value())]));
            }
            Param::Rest(_) | Param::Keywords(_) => open = true,
        }
    }
    Map::from([
        ("$schema", Value::from("http://json-schema.org/draft-07/schema#")),
        ("title", function.name.into()),
        ("description", function.doc.into()),
        ("type", "object".into()),
        ("properties", properties.into()),
        ("required", required.into()),
        ("additionalProperties", open.into()),
    ])
    .into()
}
