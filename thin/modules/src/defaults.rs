//! `defaults.*`: values a formula brings along in its `defaults.yaml`, and dictionaries laid over each other.

use crate::registry::Default::{Bool, Str};
use crate::registry::Param::{Optional, Required};
use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Bound, Ctx, dictupdate, traverse};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "defaults",
    virtual_name: "defaults",
    doc: "Values a formula brings along, and dictionaries laid over each other.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "deepcopy",
        params: &[Required("source")],
        doc: "A copy that shares nothing with its source.",
        example: "defaults.deepcopy '{a: [1]}'",
        call: |_, args| Ok(args.get("source").clone()),
    },
    Function {
        name: "get",
        params: &[Required("key"), Optional("default", Str(""))],
        doc: "A value of the file defaults.yaml or defaults.json of a formula; the path begins with the formula's name.",
        example: "defaults.get core:users:root",
        call: get,
    },
    Function {
        name: "merge",
        params: MERGE,
        doc: "A dictionary laid over another. In templates the first one itself is changed.",
        example: "defaults.merge '{a: b}' '{d: e}'",
        call: merge,
    },
    Function {
        name: "update",
        params: UPDATE,
        doc: "Each entry of a dictionary laid over the defaults. In templates the dictionary itself is changed.",
        example: "defaults.update '{host1: {index: a}}' '{enabled: true}'",
        call: update,
    },
];

const MERGE: &[Param] = &[
    Required("dest"),
    Required("src"),
    Optional("merge_lists", Bool(false)),
    Optional("in_place", Bool(true)),
    Optional("convert_none", Bool(true)),
];
const UPDATE: &[Param] = &[
    Required("dest"),
    Required("defaults"),
    Optional("merge_lists", Bool(true)),
    Optional("in_place", Bool(true)),
    Optional("convert_none", Bool(true)),
];

fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.str("key")?;
    let (formula, path) =
        key.split_once(traverse::DELIMITER).map_or((&*key, ""), |(formula, path)| (formula, path));
    let saltenv = ctx.opts.get_str("saltenv").filter(|env| !env.is_empty()).unwrap_or("base").to_owned();
    let defaults = load(ctx, &saltenv, formula)?;
    if path.is_empty() {
        return Ok(defaults.into());
    }
    let found = defaults.as_ref().and_then(|defaults| traverse::get(defaults, path, traverse::DELIMITER));
    Ok(found.unwrap_or(args.get("default")).clone())
}

/// The first of the two files that is there.
fn load(ctx: &mut Ctx, saltenv: &str, formula: &str) -> Result<Option<Map>, CallError> {
    for name in ["defaults.yaml", "defaults.json"] {
        let path = format!("{formula}/{name}");
        if let Some(text) = ctx.file_text(saltenv, &path).map_err(CallError::Failed)? {
            let broken = |why| CallError::Failed(format!("salt://{path}: {why}"));
            let data = ctx.render.load_yaml(&text).map_err(broken)?;
            return Ok(Some(data.as_map().cloned().unwrap_or_default()));
        }
    }
    Ok(None)
}

/// The dictionary `name`; null is an empty one, where that is asked for and nobody waits for it to change.
fn dictionary(args: &Bound, name: &str, is_changed: bool) -> Result<Map, CallError> {
    let value = args.get(name);
    let is_empty = value.is_null() && args.bool("convert_none") && !(is_changed && args.bool("in_place"));
    if is_empty { Ok(Map::new()) } else { dictupdate::dictionary(value, name) }
}

fn merge(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut dest, src) = (dictionary(args, "dest", true)?, dictionary(args, "src", false)?);
    dictupdate::update(&mut dest, src, args.bool("merge_lists"));
    Ok(dest.into())
}

fn update(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (dest, defaults) = (dictionary(args, "dest", true)?, dictionary(args, "defaults", false)?);
    let mut updated = Map::new();
    for (name, entry) in dest {
        let entry =
            if entry.is_null() { Map::new() } else { dictupdate::dictionary(&entry, "an entry of dest")? };
        let mut merged = defaults.clone();
        dictupdate::update(&mut merged, entry, args.bool("merge_lists"));
        updated.insert(name, merged);
    }
    Ok(updated.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn called(fun: &str, args: &[&str]) -> Result<Value, CallError> {
        let args: Vec<Value> = args.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        alone(|ctx| call(ctx, fun, Args::of(args)))
    }

    #[test]
    fn entries_are_laid_over_the_defaults() {
        let updated =
            called("defaults.update", &[r#"{"a": {"x": [2]}, "b": null}"#, r#"{"x": [1], "on": true}"#]);
        let wanted = r#"{"a": {"x": [1, 2], "on": true}, "b": {"x": [1], "on": true}}"#;
        assert_eq!(updated, Ok(serde_json::from_str(wanted).unwrap()));
    }

    #[test]
    fn nothing_can_be_an_empty_dictionary_but_not_one_that_is_to_change() {
        assert_eq!(called("defaults.merge", &[r#"{"a": 1}"#, "null"]), Ok(Map::from([("a", 1)]).into()));
        assert!(called("defaults.merge", &["null", r#"{"a": 1}"#]).is_err());
    }
}
