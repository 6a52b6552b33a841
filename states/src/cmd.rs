//! `cmd.*`: commands and scripts as states.

mod stateful;
mod table;

use crate::{Applied, Look, StateCtx, StateModule};
use halite_modules::registry::always;
use halite_modules::{Args, Bound, CallError};
use halite_wire::{Map, Value};
use std::path::Path;

pub const MODULE: StateModule = StateModule {
    file: "cmd",
    virtual_name: "cmd",
    doc: "Commands and scripts as states.",
    applies: always,
    functions: table::FUNCTIONS,
};

/// Arguments of the states that `cmd.run_all` and `cmd.script` take under the same name.
const PASSED_ON: [&str; 16] = [
    "cwd",
    "runas",
    "password",
    "shell",
    "env",
    "prepend_path",
    "output_loglevel",
    "hide_output",
    "timeout",
    "use_vt",
    "success_retcodes",
    "success_stdout",
    "success_stderr",
    "template",
    "stdin",
    "args",
];

/// What comes from a watching state and is nobody's argument.
const NOT_PASSED_ON: [&str; 2] = ["sfun", "func"];

fn waiting(_: &mut StateCtx, _: &Bound) -> Result<Look, CallError> {
    Ok(Look::in_sync(""))
}

fn run(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    command(state, args, args.get("stateful").clone())
}

fn script(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    script_as(state, args, args.get("stateful").clone())
}

/// What `cmd.run` and the like do where a watched state changed.
fn mod_watch(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let sfun = args.keywords().get_str("sfun").unwrap_or_default().to_owned();
    let mut given = args.keywords().clone();
    given.insert("name", args.get("name").clone());
    given.remove("sfun");
    let stateful = given.get("stateful").is_some_and(Value::is_truthy);
    let again = |params| Args { positional: Vec::new(), keywords: given }.bind("cmd.mod_watch", params);
    match sfun.as_str() {
        "wait" | "run" | "watch" => command(state, &again(table::RUN)?, stateful.into()),
        "wait_script" | "script" => script_as(state, &again(table::SCRIPT)?, stateful.into()),
        other => Ok(Look::cannot(format!(
            "cmd.{other} cannot be watched for; cmd.wait and cmd.wait_script are for that"
        ))),
    }
}

/// Whether standard output tells of changes, and what is run instead with `test=True`.
fn how_stateful(stateful: &Value) -> (bool, Option<String>) {
    match stateful {
        Value::List(items) => {
            let name = items.first().and_then(|first| first.get("test_name")).and_then(Value::as_str);
            (!items.is_empty(), name.map(str::to_owned))
        }
        flag => (*flag == Value::Bool(true), None),
    }
}

/// An argument of the wrong form, or a directory that is not there.
fn objection(args: &Bound) -> Option<String> {
    if !matches!(args.get("env"), Value::Null | Value::List(_) | Value::Map(_)) {
        return Some("'env' must be a map, or a list of maps".to_owned());
    }
    for key in ["context", "defaults"] {
        if args.get(key).is_truthy() && args.get(key).as_map().is_none() {
            return Some(format!("'{key}' must be a map"));
        }
    }
    None
}

fn missing_cwd(args: &Bound) -> Option<String> {
    let cwd = args.get("cwd").as_str().filter(|cwd| !cwd.is_empty())?;
    (!Path::new(cwd).is_dir()).then(|| format!("Desired working directory \"{cwd}\" is not available"))
}

fn passed_on(args: &Bound) -> Map {
    let mut passed: Map = PASSED_ON
        .iter()
        .filter(|key| args.is_given(key))
        .map(|key| (*key, args.get(key).clone()))
        .filter(|(_, value)| !value.is_null())
        .collect();
    let own =
        |key: &Value| key.as_str().is_some_and(|key| NOT_PASSED_ON.contains(&key) || key.starts_with("__"));
    let further = args.keywords().iter().filter(|(key, _)| !own(key));
    passed.extend(further.map(|(key, value)| (key.clone(), value.clone())));
    passed.insert("python_shell", true);
    passed
}

fn command(state: &mut StateCtx, args: &Bound, stateful: Value) -> Result<Look, CallError> {
    let (stateful, test_name) = how_stateful(&stateful);
    if let Some(objection) = objection(args) {
        return Ok(Look::cannot(objection));
    }
    let name = match test_name.as_ref().filter(|_| state.test) {
        Some(test_name) => test_name.clone(),
        None => args.str("name")?,
    };
    if state.test && test_name.is_none() {
        let comment = format!("Command \"{name}\" would be run");
        let changes = if stateful { Map::new() } else { Map::from([("cmd", name)]) };
        return Ok(planned(comment, changes));
    }
    if let Some(missing) = missing_cwd(args) {
        return Ok(Look::cannot(missing));
    }
    let mut call = Args { positional: Vec::new(), keywords: passed_on(args) }.with("cmd", name.as_str());
    let root = args.opt_str("root")?;
    let function = if root.is_some() { "cmd.run_chroot" } else { "cmd.run_all" };
    call.keywords.extend(root.map(|root| ("root", root)));
    let ran = halite_modules::call(state.ctx, function, call);
    Ok(Look::Done(ended(state, args, &name, ran, stateful)))
}

fn script_as(state: &mut StateCtx, args: &Bound, stateful: Value) -> Result<Look, CallError> {
    let (stateful, test_name) = how_stateful(&stateful);
    if let Some(objection) = objection(args) {
        return Ok(Look::cannot(objection));
    }
    let name = match test_name.as_ref().filter(|_| state.test) {
        Some(test_name) => test_name.clone(),
        None => args.str("name")?,
    };
    if state.test && test_name.is_none() {
        return Ok(planned(format!("Command \"{name}\" would be run"), Map::new()));
    }
    if let Some(missing) = missing_cwd(args) {
        return Ok(Look::cannot(missing));
    }
    let source = args.opt_str("source")?.unwrap_or_else(|| name.clone());
    let mut call = Args { positional: Vec::new(), keywords: passed_on(args) }.with("source", source);
    let mut variables = args.get("defaults").as_map().cloned().unwrap_or_default();
    variables.extend(args.get("context").as_map().cloned().unwrap_or_default());
    if !variables.is_empty() {
        call.keywords.insert("context", variables);
    }
    let saltenv = state.low.get_str("saltenv").or_else(|| state.low.get_str("__env__")).unwrap_or("base");
    call.keywords.insert("saltenv", saltenv);
    if let Some((_, rest)) = name.split_once(' ').filter(|_| !call.keywords.contains_key("args")) {
        call.keywords.insert("args", rest);
    }
    let ran = halite_modules::call(state.ctx, "cmd.script", call);
    Ok(Look::Done(ended(state, args, &name, ran, stateful)))
}

/// `test=True` and nothing to ask.
fn planned(comment: String, changes: Map) -> Look {
    Look::Done(Applied { result: None, comment, changes: changes.into(), further: Map::new() })
}

/// What a command left behind becomes the state's changes, its exit code the result.
fn ended(
    state: &mut StateCtx,
    args: &Bound,
    name: &str,
    ran: Result<Value, CallError>,
    stateful: bool,
) -> Applied {
    // The exit code is the state's matter, not the call's.
    state.ctx.retcode = 0;
    let mut changes = match ran {
        Ok(Value::Map(changes)) => changes,
        Ok(other) => return Applied::failed(format!("the command left {}", other.kind()), Map::new()),
        Err(error) => return Applied::failed(error.to_string(), Map::new()),
    };
    let timed_out = changes.get("retcode") == Some(&Value::Int(1))
        && changes.get_str("stdout").is_some_and(|out| out.contains("Timed out after"));
    if timed_out && args.bool("ignore_timeout") {
        changes.insert("retcode", 0);
    }
    let well = changes.get("retcode").is_none_or(|code| !code.is_truthy());
    let comment = format!("Command \"{name}\" run");
    let mut applied = Applied { result: Some(well), comment, changes: changes.into(), further: Map::new() };
    if stateful {
        applied = stateful::reinterpret(applied);
    }
    if state.test && well && applied.changes.is_truthy() {
        applied.result = None;
    }
    applied
}
