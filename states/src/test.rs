//! `test.*`: states that end as they are told, to try requisites and output with.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::Default::{Bool, Null, Str};
use halite_modules::registry::always;
use halite_modules::{Bound, CallError, Param, traverse};
use halite_wire::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

pub const MODULE: StateModule = StateModule {
    file: "test",
    virtual_name: "test",
    doc: "States that end as they are told.",
    applies: always,
    functions: FUNCTIONS,
};

const ANY: &[Param] = &[Param::Required("name"), Param::Keywords("kwargs")];

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "check_pillar",
        params: &[
            Param::Required("name"),
            Param::Optional("present", Null),
            Param::Optional("boolean", Null),
            Param::Optional("integer", Null),
            Param::Optional("string", Null),
            Param::Optional("listing", Null),
            Param::Optional("dictionary", Null),
            Param::Optional("verbose", Bool(false)),
        ],
        doc: "Fails where a pillar key is missing, or its value is of another kind.",
        example: "pillar is complete: {test.check_pillar: [{present: [site:name]}, {integer: site:port}]}",
        call: check_pillar,
    },
    StateFunction {
        name: "configurable_test_state",
        params: &[
            Param::Required("name"),
            Param::Optional("changes", Bool(true)),
            Param::Optional("result", Bool(true)),
            Param::Optional("comment", Str("")),
            Param::Optional("warnings", Null),
            Param::Optional("allow_test_mode_failure", Bool(false)),
        ],
        doc: "Ends with these changes (true, false, Random), this result, comment and warnings.",
        example: "try: {test.configurable_test_state: [{result: false}, {changes: true}]}",
        call: configurable,
    },
    StateFunction {
        name: "fail_with_changes",
        params: ANY,
        doc: "Fails, with changes.",
        example: "try: test.fail_with_changes",
        call: fail_with_changes,
    },
    StateFunction {
        name: "fail_without_changes",
        params: ANY,
        doc: "Fails, without changes.",
        example: "only Debian is supported: {test.fail_without_changes: [{failhard: true}]}",
        call: |_, args| Ok(Look::cannot(comment(args, "Failed, as it was told")?)),
    },
    StateFunction {
        name: "mod_watch",
        params: &[Param::Required("name"), Param::Optional("sfun", Null), Param::Keywords("kwargs")],
        doc: "What a test state does where a watched one changed: it names those; result, comment and changes can be given.",
        example: "try: {test.nop: [{watch: [test: other]}]}",
        call: mod_watch,
    },
    StateFunction {
        name: "nop",
        params: ANY,
        doc: "Does nothing, and takes any argument.",
        example: "base for others: {test.nop: [{use: []}]}",
        call: |_, _| Ok(Look::in_sync("Nothing to do, as it was told")),
    },
    StateFunction {
        name: "show_notification",
        params: &[Param::Required("name"), Param::Optional("text", Null), Param::Keywords("kwargs")],
        doc: "Shows a text in its comment.",
        example: "read this: {test.show_notification: [{text: The port is 8080}]}",
        call: show_notification,
    },
    StateFunction {
        name: "succeed_with_changes",
        params: ANY,
        doc: "Ends well, with changes.",
        example: "try: test.succeed_with_changes",
        call: succeed_with_changes,
    },
    StateFunction {
        name: "succeed_without_changes",
        params: ANY,
        doc: "Ends well, without changes.",
        example: "try: test.succeed_without_changes",
        call: |_, args| Ok(Look::in_sync(comment(args, "In order, as it was told")?)),
    },
];

fn comment(args: &Bound, usual: &str) -> Result<String, CallError> {
    match args.keywords().get("comment") {
        None => Ok(usual.to_owned()),
        Some(given) => {
            halite_modules::args::as_text(given).ok_or_else(|| args.wrong("'comment' must be text"))
        }
    }
}

/// The changes Salt's test states pretend.
fn pretended() -> Map {
    let change = Map::from([("old", "Unchanged"), ("new", "Something pretended to change")]);
    Map::from([("testing", change)])
}

fn succeed_with_changes(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let said = comment(args, "Changed something, as it was told")?;
    Ok(Look::differs("Something would change, as it was told", pretended(), move |_| {
        Ok(Applied::done(said, pretended()))
    }))
}

fn fail_with_changes(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let said = comment(args, "Changed something and failed, as it was told")?;
    Ok(Look::differs("It would change something and fail, as it was told", pretended(), move |_| {
        Ok(Applied::failed(said, pretended()))
    }))
}

fn show_notification(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let text = args.opt_str("text")?.filter(|text| !text.is_empty());
    text.map(Look::in_sync).ok_or_else(|| args.wrong("the argument 'text' is missing"))
}

/// True, false, or by chance.
fn told(args: &Bound, name: &str) -> Result<bool, CallError> {
    match args.get(name) {
        Value::Bool(flag) => Ok(*flag),
        Value::Str(text) if text.eq_ignore_ascii_case("random") => {
            let chance = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
            Ok((chance / 1000).is_multiple_of(2))
        }
        _ => Err(args.wrong(format!("'{name}' must be true, false or Random"))),
    }
}

fn configurable(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (changed, well) = (told(args, "changes")?, told(args, "result")?);
    let mut said = args.opt_str("comment")?.unwrap_or_default();
    let mut result = Some(well);
    if state.test {
        let fails = args.bool("allow_test_mode_failure") && *args.get("result") == Value::Bool(false);
        let quiet = *args.get("changes") == Value::Bool(false);
        result = if fails { Some(false) } else { quiet.then_some(true) };
        if said.is_empty() {
            "A test, as it was told".clone_into(&mut said);
        }
    }
    let changes = if changed { pretended() } else { Map::new() };
    let mut further = Map::new();
    match args.get("warnings") {
        Value::Null => {}
        Value::Str(warning) => drop(further.insert("warnings", vec![warning.as_str()])),
        Value::List(warnings) => drop(further.insert("warnings", warnings.clone())),
        _ => return Err(args.wrong("'warnings' must be text or a list of texts")),
    }
    Ok(Look::Done(Applied { result, comment: said, changes: changes.into(), further }))
}

/// Names the watched states that changed.
fn mod_watch(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let watched = state.low.get("__reqs__").and_then(|reqs| reqs.get("watch")).and_then(Value::as_list);
    let names = watched.unwrap_or_default().iter().map(|low| {
        let part = |key| low.get(key).and_then(Value::as_str).unwrap_or_default();
        format!("{}: {}", part("state"), part("__id__"))
    });
    let usual = Map::from([("Requisites with changes", names.collect::<Value>())]);
    let given = args.keywords();
    let result = given.get("result").map_or(Some(true), Value::as_bool);
    let changes = given.get("changes").cloned().unwrap_or_else(|| usual.into());
    let comment = comment(args, "A watched state changed")?;
    Ok(Look::Done(Applied { result, comment, changes, further: Map::new() }))
}

/// Parameter, Salt's (Python's) words for the kind, and what the kind is.
type Kind = (&'static str, &'static str, fn(&Value) -> bool);

const KINDS: [Kind; 6] = [
    ("present", "there", |_| true),
    ("boolean", "a boolean", |value| matches!(value, Value::Bool(_))),
    // In Python, booleans are numbers, too.
    ("integer", "a whole number", |value| matches!(value, Value::Int(_) | Value::BigInt(_) | Value::Bool(_))),
    ("string", "text", |value| matches!(value, Value::Str(_))),
    ("listing", "a list", |value| matches!(value, Value::List(_))),
    ("dictionary", "a map", |value| matches!(value, Value::Map(_))),
];

fn check_pillar(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    if !KINDS.iter().any(|(name, ..)| args.get(name).is_truthy()) {
        return Err(args.wrong("no key is given to be checked"));
    }
    let pillar = state.ctx.pillar().map_err(|error| CallError::failed(error.to_string()))?;
    let (mut fine, mut wrong) = (Vec::new(), Vec::new());
    for (name, kind, is_kind) in KINDS {
        let keys = match args.get(name) {
            Value::Str(key) => vec![key.clone()],
            _ => args.texts(name)?,
        };
        for key in keys {
            match traverse::get(pillar, &key, traverse::DELIMITER).filter(|value| !value.is_null()) {
                None => wrong.push(format!("Pillar key \"{key}\" is missing")),
                Some(value) if is_kind(value) => fine.push(format!("Pillar key \"{key}\" is {kind}")),
                Some(value) => {
                    wrong.push(format!("Pillar key \"{key}\" is not {kind}, but {}", value.kind()))
                }
            }
        }
    }
    let well = wrong.is_empty();
    if args.bool("verbose") {
        wrong.extend(fine);
    }
    let comment = wrong.join("\n");
    Ok(if well { Look::in_sync(comment) } else { Look::cannot(comment) })
}
