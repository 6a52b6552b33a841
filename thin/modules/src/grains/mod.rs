//! `grains.*`: what is known about the host, and grains of its own that it keeps in a file.

pub mod core;
mod edit;
mod hardware;
mod network;
mod os;
mod os_names;
mod session;
mod static_file;
mod system;
mod tools;
mod virt;

use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::traverse::{self, DELIMITER};
use crate::{Bound, Ctx, filter_by};
use halite_wire::{Map, Value};

pub use network::reverse_names;

pub const MODULE: Module = Module {
    file: "grains",
    virtual_name: "grains",
    doc: "Facts about the host, and how to add some.",
    applies: always,
    functions: FUNCTIONS,
};

const DELIMITER_PARAM: Param = Param::Optional("delimiter", Default::Str(DELIMITER));
const GET_PARAMS: &[Param] = &[
    Param::Required("key"),
    Param::Optional("default", Default::Str("")),
    DELIMITER_PARAM,
    Param::Optional("ordered", Default::Bool(true)),
];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "append",
        params: &[
            Param::Required("key"),
            Param::Required("val"),
            Param::Optional("convert", Default::Bool(false)),
            DELIMITER_PARAM,
        ],
        doc: "Adds a value to a list in the grains file. With convert, a single value becomes a list first.",
        example: "grains.append roles web",
        call: edit::append,
    },
    Function {
        name: "delkey",
        params: &[Param::Required("key"), Param::Optional("force", Default::Bool(false))],
        doc: "Removes a grain and its key from the grains file.",
        example: "grains.delkey roles force=True",
        call: edit::delkey,
    },
    Function {
        name: "delval",
        params: &[
            Param::Required("key"),
            Param::Optional("destructive", Default::Bool(false)),
            Param::Optional("force", Default::Bool(false)),
        ],
        doc: "Sets a grain in the grains file to null, or removes its key with destructive.",
        example: "grains.delval rack",
        call: edit::delval,
    },
    Function {
        name: "equals",
        params: &[Param::Required("key"), Param::Required("value")],
        doc: "Whether a grain has this value, both taken as text.",
        example: "grains.equals os_family Debian",
        call: equals,
    },
    Function {
        name: "fetch",
        params: GET_PARAMS,
        doc: "The same as grains.get, under a name that dictionaries in templates do not take.",
        example: "grains.fetch os",
        call: get,
    },
    Function {
        name: "filter_by",
        params: &[
            Param::Required("lookup_dict"),
            Param::Optional("grain", Default::Str("os_family")),
            Param::Optional("merge", Default::Null),
            Param::Optional("default", Default::Str("default")),
            Param::Optional("base", Default::Null),
        ],
        doc: "The entry of a dictionary whose key (a glob) fits a grain, over the entry named base, under merge.",
        example: "grains.filter_by '{Debian: {pkg: apache2}, RedHat: {pkg: httpd}}'",
        call: filter_by,
    },
    Function {
        name: "get",
        params: GET_PARAMS,
        doc: "One grain, or a part of it by a path such as dns:nameservers:0; the default where there is none.",
        example: "grains.get dns:nameservers",
        call: get,
    },
    Function {
        name: "get_or_set_hash",
        params: &[
            Param::Required("name"),
            Param::Optional("length", Default::Int(8)),
            Param::Optional("chars", Default::Str("abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)")),
        ],
        doc: "A random text kept in the grains file: made at the first call, the same ever after.",
        example: "grains.get_or_set_hash web:secret 50",
        call: edit::get_or_set_hash,
    },
    Function {
        name: "has_value",
        params: &[Param::Required("key")],
        doc: "Whether there is a grain at this path, whatever its value.",
        example: "grains.has_value dns:domain",
        call: has_value,
    },
    Function {
        name: "item",
        params: &[Param::Rest("args"), Param::Keywords("kwargs")],
        doc: "Several grains by name or path. Takes default, delimiter and sanitize (hides names and serials).",
        example: "grains.item os osrelease sanitize=True",
        call: item,
    },
    Function {
        name: "items",
        params: &[Param::Optional("sanitize", Default::Bool(false))],
        doc: "All grains. With sanitize, names and serial numbers are hidden.",
        example: "grains.items",
        call: items,
    },
    Function { name: "ls", params: &[], doc: "The names of all grains.", example: "grains.ls", call: ls },
    Function {
        name: "remove",
        params: &[Param::Required("key"), Param::Required("val"), DELIMITER_PARAM],
        doc: "Takes a value out of a list in the grains file.",
        example: "grains.remove roles web",
        call: edit::remove,
    },
    Function {
        name: "set",
        params: &[
            Param::Required("key"),
            Param::Optional("val", Default::Str("")),
            Param::Optional("force", Default::Bool(false)),
            Param::Optional("destructive", Default::Bool(false)),
            DELIMITER_PARAM,
        ],
        doc: "Sets a grain by its path in the grains file. Lists and dictionaries are replaced only with force.",
        example: "grains.set site:rack r12",
        call: edit::set,
    },
    Function {
        name: "setval",
        params: &[
            Param::Required("key"),
            Param::Required("val"),
            Param::Optional("destructive", Default::Bool(false)),
            Param::Optional("refresh_pillar", Default::Bool(true)),
        ],
        doc: "Sets a grain in the grains file. With destructive, null removes the key.",
        example: "grains.setval rack r12",
        call: edit::setval,
    },
    Function {
        name: "setvals",
        params: &[
            Param::Required("grains"),
            Param::Optional("destructive", Default::Bool(false)),
            Param::Optional("refresh_pillar", Default::Bool(true)),
        ],
        doc: "Sets several grains in the grains file. With destructive, null removes a key.",
        example: "grains.setvals '{rack: r12, row: 4}'",
        call: edit::setvals,
    },
];

fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter) = (args.str("key")?, args.str("delimiter")?);
    let found = traverse::get(ctx.grains(), &key, &delimiter).cloned();
    Ok(found.unwrap_or_else(|| args.get("default").clone()))
}

fn has_value(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.str("key")?;
    Ok(traverse::get(ctx.grains(), &key, DELIMITER).is_some().into())
}

fn ls(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut names: Vec<String> = ctx.grains().keys().filter_map(crate::args::as_text).collect();
    names.sort();
    Ok(names.into())
}

fn items(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut grains = ctx.grains().clone();
    if args.bool("sanitize") {
        sanitize(&mut grains);
    }
    Ok(grains.into())
}

fn item(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let keywords = args.keywords();
    let default = keywords.get("default").cloned().unwrap_or_else(|| "".into());
    let delimiter = keywords.get_str("delimiter").unwrap_or(DELIMITER);
    let mut found = Map::new();
    for key in args.rest() {
        let path = crate::args::as_text(key).ok_or_else(|| args.wrong("names of grains must be text"))?;
        let value = traverse::get(ctx.grains(), &path, delimiter).cloned().unwrap_or_else(|| default.clone());
        found.insert(key.clone(), value);
    }
    if keywords.get("sanitize").is_some_and(Value::is_truthy) {
        sanitize(&mut found);
    }
    Ok(found.into())
}

/// Hides what tells whose host this is.
fn sanitize(grains: &mut Map) {
    for (key, hidden) in [
        ("domain", "DOMAINNAME"),
        ("fqdn", "MINION.DOMAINNAME"),
        ("id", "MINION.DOMAINNAME"),
        ("host", "MINION"),
        ("localhost", "MINION"),
        ("nodename", "MINION"),
    ] {
        if let Some(value) = grains.get_mut(key) {
            *value = hidden.into();
        }
    }
    if let Some(Value::Str(serial)) = grains.get_mut("serialnumber") {
        let count = serial.chars().count();
        let shown = count * 3 / 4;
        *serial = serial.chars().take(shown).chain(std::iter::repeat_n('X', count - shown)).collect();
    }
}

fn equals(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.str("key")?;
    let grain = traverse::get(ctx.grains(), &key, DELIMITER).cloned().unwrap_or_else(|| "".into());
    let text = crate::args::as_text;
    Ok((*args.get("value") == grain
        || text(args.get("value")).is_some_and(|value| text(&grain) == Some(value)))
    .into())
}

fn filter_by(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let grain = args.str("grain")?;
    filter_by::filter_by(args, traverse::get(ctx.grains(), &grain, DELIMITER))
}

#[cfg(test)]
mod tests;
